//! One raw connection: bytes out, replies in, nothing interpreted that need not be.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use slotway_core::resp::value::{Value, ValueError};

/// A server that says nothing for so long hangs.
pub const HANG: Duration = Duration::from_secs(30);
/// Bytes asked from the socket at once.
const READ_LEN: usize = 64 * 1024;

/// A reply as it came, and what it says.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// The bytes on the wire.
    pub bytes: Vec<u8>,
    /// What they decode to.
    pub value: Value,
}

/// A client connection on loopback.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// Received; `buffer[start..]` is not yet handed out.
    buffer: Vec<u8>,
    start: usize,
}

impl Connection {
    /// Connects to `port` on 127.0.0.1. A reply awaited longer than [`HANG`] is an error.
    pub fn open(port: u16) -> io::Result<Connection> {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let stream = TcpStream::connect_timeout(&address, HANG)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(HANG))?;
        stream.set_write_timeout(Some(HANG))?;
        Ok(Connection { stream, buffer: Vec::new(), start: 0 })
    }

    /// Waits for replies only so long.
    pub fn patient(self, hang: Duration) -> io::Result<Connection> {
        self.stream.set_read_timeout(Some(hang))?;
        Ok(self)
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Reads one reply. [`ErrorKind::UnexpectedEof`] when the server closed, [`ErrorKind::InvalidData`] when it is not RESP.
    pub fn read(&mut self) -> io::Result<Reply> {
        loop {
            match Value::decode(&self.buffer[self.start..]) {
                Ok((value, used)) => return Ok(Reply { value, bytes: self.take(used) }),
                Err(ValueError::Incomplete) => self.fill()?,
                Err(error) => return Err(io::Error::new(ErrorKind::InvalidData, error)),
            }
        }
    }

    /// True when a read would not wait: for bytes, or for the end.
    pub fn is_readable(&mut self) -> bool {
        if self.start < self.buffer.len() {
            return true;
        }
        let peek = |stream: &TcpStream| stream.peek(&mut [0]);
        // Sockets whose mode cannot be changed are broken, and a read will say how.
        let _ = self.stream.set_nonblocking(true);
        let peeked = peek(&self.stream);
        let _ = self.stream.set_nonblocking(false);
        !matches!(peeked, Err(error) if error.kind() == ErrorKind::WouldBlock)
    }

    /// Sends one request and reads its reply. Panics when there is none: the suites that expect a close use [`Self::read`].
    pub fn call<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Value {
        let reply = self.send(&request(args)).and_then(|()| self.read());
        reply
            .unwrap_or_else(|error| panic!("no reply to {}: {error}", crate::script::format_args(args)))
            .value
    }

    /// What INFO tells by this name; empty if it does not.
    pub fn info(&mut self, name: &str) -> String {
        let Value::Bulk(text) = self.call(&["INFO", "everything"]) else { panic!("INFO is text") };
        let text = String::from_utf8_lossy(&text).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.map(str::to_owned).unwrap_or_default()
    }

    /// Ends our side, so that the server sees the end of the stream after what was sent.
    pub fn finish_sending(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// Everything up to the server's close. A reset after some bytes counts as a close.
    pub fn read_to_close(&mut self) -> io::Result<Vec<u8>> {
        loop {
            match self.fill() {
                Ok(()) => {}
                Err(error)
                    if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) =>
                {
                    return Ok(self.buffer.split_off(self.start));
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn take(&mut self, used: usize) -> Vec<u8> {
        let bytes = self.buffer[self.start..self.start + used].to_vec();
        self.start += used;
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        }
        bytes
    }

    fn fill(&mut self) -> io::Result<()> {
        let mut chunk = vec![0; READ_LEN];
        let got = self.stream.read(&mut chunk)?;
        if got == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.buffer.extend_from_slice(&chunk[..got]);
        Ok(())
    }
}

/// A request as an array of bulk strings.
pub fn request<A: AsRef<[u8]>>(args: &[A]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        let arg = arg.as_ref();
        out.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        out.extend_from_slice(arg);
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// Sends all requests at once and reads as many replies. Panics when one is missing.
pub fn pipeline(connection: &mut Connection, requests: &[Vec<Vec<u8>>]) -> Vec<Reply> {
    let bytes: Vec<u8> = requests.iter().flat_map(|args| request(args)).collect();
    connection.send(&bytes).expect("a server reads what is sent");
    let reply = |args| {
        connection
            .read()
            .unwrap_or_else(|error| panic!("no reply to {}: {error}", crate::script::format_args(args)))
    };
    requests.iter().map(Vec::as_slice).map(reply).collect()
}
