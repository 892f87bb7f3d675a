//! A conversation with a server, one request after the other: for health checks and for commands of the shell.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use slotway_core::resp::value::{Value, ValueError};
use slotway_engine::propagation::write_command;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{CertificateError, ClientConnection, Error, StreamOwned};

use super::secure::Secure;

/// A connection to a server.
pub(crate) struct Conversation {
    stream: Wire,
    received: Vec<u8>,
}

/// What carries the bytes.
enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Conversation {
    /// Connects to the first address of `host` that takes the connection, with TLS if `secure` says how. `timeout` holds for each address, and
    /// later for each answer; none waits as long as it takes.
    ///
    /// # Errors
    /// The name has no address, none of them takes the connection, or one side does not trust the other.
    pub(crate) fn open(
        host: &str,
        port: u16,
        timeout: Option<Duration>,
        secure: Option<&Secure>,
    ) -> anyhow::Result<Self> {
        let stream = connect(host, port, timeout)?;
        let stream = match secure {
            None => Wire::Plain(stream),
            Some(secure) => shake_hands(secure, host, stream)?,
        };
        Ok(Self { stream, received: Vec::new() })
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
        self.stream.send(&bytes).map_err(not_taken)?;
        requests.iter().map(|_| self.read()).collect()
    }

    /// Sends a request.
    ///
    /// # Errors
    /// The connection ends.
    pub(crate) fn send<W: AsRef<[u8]>>(&mut self, request: &[W]) -> anyhow::Result<()> {
        let mut bytes = Vec::new();
        write_command(&mut bytes, request.iter().map(AsRef::as_ref));
        self.stream.send(&bytes).map_err(not_taken)
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
            // In TLS an end has to be said, and is told apart from one that is not.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                bail!("Server closed the connection")
            }
            Err(error) if refusal(&error).is_some() => return Err(refusal(&error).unwrap_or(error.into())),
            Err(error) => return Err(error).context("the server does not answer"),
        }
        Ok(())
    }
}

impl Wire {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.write_all(bytes),
            Self::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()).map_err(|error| {
                // Who closed may have said why before that.
                stream.read(&mut [0]).err().filter(|told| refusal(told).is_some()).unwrap_or(error)
            }),
        }
    }
}

impl io::Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

fn connect(host: &str, port: u16, timeout: Option<Duration>) -> anyhow::Result<TcpStream> {
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
                return Ok(stream);
            }
            Err(error) => last = error.into(),
        }
    }
    Err(last)
}

fn shake_hands(secure: &Secure, host: &str, mut stream: TcpStream) -> anyhow::Result<Wire> {
    let name = secure.name.clone().unwrap_or_else(|| host.to_owned());
    let address = stream.peer_addr()?.ip();
    let name = ServerName::try_from(name).unwrap_or_else(|_| ServerName::IpAddress(address.into()));
    let mut connection = ClientConnection::new(Arc::clone(&secure.config), name)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                anyhow!("it ends the connection where TLS should begin. Does it speak TLS there?")
            }
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                anyhow!("no answer where TLS should begin. Does it speak TLS there?")
            }
            _ => refusal(&error).unwrap_or_else(|| error.into()),
        })?;
    }
    Ok(Wire::Tls(Box::new(StreamOwned::new(connection, stream))))
}

fn not_taken(error: io::Error) -> anyhow::Error {
    refusal(&error)
        .unwrap_or_else(|| anyhow::Error::from(error).context("the server does not take the request"))
}

/// Why one side does not go on with TLS, and what to do; `None` if it is about something else.
fn refusal(error: &io::Error) -> Option<anyhow::Error> {
    let error = error.get_ref()?.downcast_ref::<Error>()?;
    Some(match error {
        Error::InvalidMessage(_) => {
            anyhow!("what answers speaks no TLS. Leave out --tls, or name the port for TLS.")
        }
        // The second is of an authority that is called as the trusted one is.
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => {
            anyhow!("its certificate is of an authority that is not trusted here. Name that with --cacert.")
        }
        Error::InvalidCertificate(why) => anyhow!("its certificate is not good: {why}."),
        Error::AlertReceived(alert) => {
            anyhow!(
                "it does not take this client ({alert:?}). Does it want a certificate? Give --cert and --key."
            )
        }
        _ => anyhow!("TLS fails: {error}."),
    })
}
