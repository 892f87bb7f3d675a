//! A connection to a node that is looked at: many requests at once, then all replies.

use std::io;

use slotway_core::resp::value::{Value, ValueError};
use slotway_engine::propagation::write_command;
use tokio::io::AsyncReadExt as _;

use super::access::{Access, Door};
use crate::stream::{Stream, send};

/// Bytes read at one time.
const PIECE_LEN: usize = 64 * 1024;
/// Most bytes that replies may have: who sends more is no node of a cluster.
const REPLIES_LEN_MAX: usize = 64 * 1024 * 1024;

/// A connection, logged in.
pub(super) struct Link {
    stream: Stream,
    received: Vec<u8>,
}

impl Link {
    /// Connects and logs in.
    ///
    /// # Errors
    /// Why not, to go on behind the name of the node.
    pub(super) async fn open(access: &Access, door: &Door) -> Result<Self, String> {
        let stream = access.connect(door).await.map_err(|error| match error.kind() {
            io::ErrorKind::ConnectionRefused => "cannot be reached: nothing listens there".to_owned(),
            _ => format!("cannot be reached: {error}"),
        })?;
        let mut link = Self { stream, received: Vec::new() };
        let Some(words) = access.words() else { return Ok(link) };
        let replies = link.ask_all(&[words]).await.map_err(|error| lost(&error))?;
        match replies.first() {
            // A node that asks for no password is none the worse for it.
            Some(Value::Error(text)) if text.contains("without any password configured") => Ok(link),
            Some(Value::Error(text)) => Err(format!("refuses the password: {text}")),
            _ => Ok(link),
        }
    }

    /// Sends all requests, then reads the replies to all of them, errors of the node among them.
    ///
    /// # Errors
    /// The connection ends, or what comes are no replies.
    pub(super) async fn ask_all<W: AsRef<[u8]>>(&mut self, requests: &[Vec<W>]) -> io::Result<Vec<Value>> {
        let mut bytes = Vec::new();
        for request in requests {
            write_command(&mut bytes, request.iter().map(AsRef::as_ref));
        }
        send(&mut self.stream, &bytes).await?;
        let mut replies = Vec::with_capacity(requests.len());
        let mut read = 0;
        while replies.len() < requests.len() {
            match Value::decode(&self.received[read..]) {
                Ok((value, len)) => {
                    replies.push(value);
                    read += len;
                }
                Err(ValueError::Incomplete) => self.read_more().await?,
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error.to_string())),
            }
        }
        self.received.drain(..read);
        Ok(replies)
    }

    async fn read_more(&mut self) -> io::Result<()> {
        if self.received.len() > REPLIES_LEN_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the replies are too long"));
        }
        self.received.reserve(PIECE_LEN);
        match self.stream.read_buf(&mut self.received).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

/// What is said of a node whose connection has ended.
pub(super) fn lost(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
            "has closed the connection".to_owned()
        }
        _ => format!("is no longer understood: {error}"),
    }
}
