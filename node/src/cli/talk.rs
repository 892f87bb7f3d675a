//! A conversation with a server, one request after the other: for health checks and for commands of the shell.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use slotway_core::resp::value::{Value, ValueError};
use slotway_engine::propagation::write_command;

/// A connection to a server.
pub(crate) struct Conversation {
    stream: TcpStream,
    received: Vec<u8>,
}

impl Conversation {
    /// Connects to the first address of `host` that takes the connection. `timeout` holds for each address, and later for each answer;
    /// none waits as long as it takes.
    ///
    /// # Errors
    /// The name has no address, or none of them takes the connection.
    pub(crate) fn open(host: &str, port: u16, timeout: Option<Duration>) -> anyhow::Result<Self> {
        let mut last = anyhow!("the name has no address");
        for address in (host, port).to_socket_addrs()? {
            let stream = match timeout {
                Some(timeout) => TcpStream::connect_timeout(&address, timeout),
                None => TcpStream::connect(address),
            };
            match stream {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    stream.set_read_timeout(timeout)?;
                    stream.set_write_timeout(timeout)?;
                    return Ok(Self { stream, received: Vec::new() });
                }
                Err(error) => last = error.into(),
            }
        }
        Err(last)
    }

    /// Sends a request and reads the reply to it.
    ///
    /// # Errors
    /// The connection ends, or what answers is no Redis server.
    pub(crate) fn ask<W: AsRef<[u8]>>(&mut self, request: &[W]) -> anyhow::Result<Value> {
        self.send(request)?;
        self.read()
    }

    /// Sends requests at once, then reads the replies to all of them.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub(crate) fn ask_all<W: AsRef<[u8]>>(&mut self, requests: &[Vec<W>]) -> anyhow::Result<Vec<Value>> {
        let mut bytes = Vec::new();
        for request in requests {
            write_command(&mut bytes, request.iter().map(AsRef::as_ref));
        }
        self.stream.write_all(&bytes).context("the server does not take the requests")?;
        requests.iter().map(|_| self.read()).collect()
    }

    /// Sends a request.
    ///
    /// # Errors
    /// The connection ends.
    pub(crate) fn send<W: AsRef<[u8]>>(&mut self, request: &[W]) -> anyhow::Result<()> {
        let mut bytes = Vec::new();
        write_command(&mut bytes, request.iter().map(AsRef::as_ref));
        self.stream.write_all(&bytes).context("the server does not take the request")
    }

    /// What comes from now on, as it comes: for answers that are no replies.
    pub(crate) fn into_reader(self) -> impl io::Read + use<> {
        io::Cursor::new(self.received).chain(self.stream)
    }

    /// The same, where an error reply is an error.
    ///
    /// # Errors
    /// As [`ask`](Self::ask), and what the server refuses.
    pub(crate) fn order(&mut self, request: &[&str]) -> anyhow::Result<Value> {
        match self.ask(request)? {
            Value::Error(text) => bail!("{text}"),
            value => Ok(value),
        }
    }

    /// The next reply, or message that comes without a question.
    ///
    /// # Errors
    /// The connection ends, or what comes is no reply.
    pub(crate) fn read(&mut self) -> anyhow::Result<Value> {
        loop {
            match Value::decode(&self.received) {
                Ok((value, len)) => {
                    self.received.drain(..len);
                    return Ok(value);
                }
                Err(ValueError::Incomplete) => self.read_more()?,
                Err(error) => bail!("this is no Redis server: {error}"),
            }
        }
    }

    fn read_more(&mut self) -> anyhow::Result<()> {
        let mut piece = [0; 16 * 1024];
        match self.stream.read(&mut piece) {
            Ok(0) => bail!("Server closed the connection"),
            Ok(len) => self.received.extend_from_slice(&piece[..len]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error).context("the server does not answer"),
        }
        Ok(())
    }
}
