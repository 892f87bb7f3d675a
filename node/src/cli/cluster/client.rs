//! A node to talk to: the connection, and what can go wrong with it said so that an operator knows what to do.

use std::io;
use std::time::Duration;

use slotway_core::resp::value::Value;

use super::exit::Stop;
use super::place::Place;
use crate::cli::secure::Secure;
use crate::cli::talk::Conversation;

/// Requests sent before their replies are read.
const PIPELINE_MAX: usize = 256;

/// How to be let in, the same for all nodes.
#[derive(Clone, Debug)]
pub(super) struct Access {
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    /// For connections, and for each answer.
    pub(super) timeout: Duration,
    /// How to go there with TLS; without if there is none.
    pub(super) secure: Option<Secure>,
}

impl Access {
    /// What MIGRATE needs to be let in by the target: `AUTH2 user password`, `AUTH password`, or nothing.
    pub(super) fn words_of_migrate(&self) -> Vec<String> {
        match (&self.user, &self.password) {
            (Some(user), Some(password)) => vec!["AUTH2".into(), user.clone(), password.clone()],
            (None, Some(password)) => vec!["AUTH".into(), password.clone()],
            (_, None) => Vec::new(),
        }
    }
}

/// A connection to a node, logged in.
pub(super) struct Client {
    conversation: Conversation,
    place: Place,
    /// A password was given, and this node knows none.
    pub(super) has_no_password: bool,
}

impl Client {
    /// Connects and logs in.
    ///
    /// # Errors
    /// Nothing listens there, what does is no server, or it refuses the password: each in a sentence.
    pub(super) fn connect(access: &Access, place: &Place) -> Result<Self, Stop> {
        let conversation =
            Conversation::open(&place.host, place.port, Some(access.timeout), access.secure.as_ref())
                .map_err(|error| cannot_connect(place, &error))?;
        let mut client = Self { conversation, place: place.clone(), has_no_password: false };
        let hint = |stop| if access.secure.is_none() { or_tls(stop) } else { stop };
        client.log_in(access).map_err(hint)?;
        match client.ask(&["PING"]).map_err(hint)? {
            Value::Error(text) if text.starts_with("NOAUTH") => Err(Stop::locked(format!(
                "{place} asks for a password. Give it in SLOTWAY_PASSWORD, and the user's name with --user."
            ))),
            Value::Error(text) if text.starts_with("DENIED") => Err(Stop::unreachable(format!(
                "{place} is in protected mode and answers its own host only. Set a password there (requirepass), or bind it to an address."
            ))),
            _ => Ok(client),
        }
    }

    fn log_in(&mut self, access: &Access) -> Result<(), Stop> {
        let Some(password) = &access.password else { return Ok(()) };
        let reply = match &access.user {
            Some(user) => self.ask(&["AUTH", user, password])?,
            None => self.ask(&["AUTH", password])?,
        };
        match reply {
            Value::Error(text) if text.contains("without any password configured") => {
                self.has_no_password = true;
                Ok(())
            }
            Value::Error(_) => Err(Stop::locked(format!(
                "{} refuses the password. Check SLOTWAY_PASSWORD and --user; nodes of one cluster should have one password.",
                self.place
            ))),
            _ => Ok(()),
        }
    }

    /// Where the node is.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Sends a request; its reply may be an error of the node.
    ///
    /// # Errors
    /// The connection ends.
    pub(super) fn ask<W: AsRef<[u8]>>(&mut self, request: &[W]) -> Result<Value, Stop> {
        self.conversation.ask(request).map_err(|error| lost(&self.place, &error))
    }

    /// Sends a request that the node must not refuse.
    ///
    /// # Errors
    /// The connection ends, or the node refuses.
    pub(super) fn order<W: AsRef<[u8]>>(&mut self, request: &[W]) -> Result<Value, Stop> {
        let reply = self.ask(request)?;
        self.accepted(request, reply)
    }

    /// The text that answers a request.
    ///
    /// # Errors
    /// The connection ends, the node refuses, or answers with no text.
    pub(super) fn text(&mut self, request: &[&str]) -> Result<String, Stop> {
        let reply = self.order(request)?;
        reply
            .as_bytes()
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
            .ok_or_else(|| self.strange(request, &reply))
    }

    /// The number that answers a request.
    ///
    /// # Errors
    /// The connection ends, the node refuses, or answers with no number.
    pub(super) fn number(&mut self, request: &[&str]) -> Result<u64, Stop> {
        let reply = self.order(request)?;
        let number = reply.as_integer().and_then(|number| u64::try_from(number).ok());
        number.ok_or_else(|| self.strange(request, &reply))
    }

    /// Sends many requests at once; their replies, which may be errors of the node.
    ///
    /// # Errors
    /// The connection ends.
    pub(super) fn ask_all<W: AsRef<[u8]>>(&mut self, requests: &[Vec<W>]) -> Result<Vec<Value>, Stop> {
        let mut replies = Vec::with_capacity(requests.len());
        for some in requests.chunks(PIPELINE_MAX) {
            let answers = self.conversation.ask_all(some).map_err(|error| lost(&self.place, &error))?;
            replies.extend(answers);
        }
        Ok(replies)
    }

    /// Sends many requests at once, none of which the node must refuse.
    ///
    /// # Errors
    /// The connection ends, or the node refuses one of them; those behind it may have been obeyed.
    pub(super) fn order_all<W: AsRef<[u8]>>(&mut self, requests: &[Vec<W>]) -> Result<Vec<Value>, Stop> {
        let replies = self.ask_all(requests)?;
        requests.iter().zip(replies).map(|(request, reply)| self.accepted(request, reply)).collect()
    }

    /// Sends a request whose answer is no reply, and gives the connection away to who reads that.
    ///
    /// # Errors
    /// The connection ends.
    pub(super) fn give_up_for(self, request: &[&str]) -> Result<(impl io::Read + use<>, Place), Stop> {
        let Self { mut conversation, place, .. } = self;
        conversation.send(request).map_err(|error| lost(&place, &error))?;
        Ok((conversation.into_reader(), place))
    }

    fn accepted<W: AsRef<[u8]>>(&self, request: &[W], reply: Value) -> Result<Value, Stop> {
        let Value::Error(text) = reply else { return Ok(reply) };
        Err(Stop::refused(format!("{} answers {} with: {text}", self.place, named(request))))
    }

    fn strange(&self, request: &[&str], reply: &Value) -> Stop {
        Stop::refused(format!(
            "{} answers {} with something unexpected: {reply:?}",
            self.place,
            named(request)
        ))
    }
}

/// A command by its first two words: those that follow may be keys and passwords.
fn named<W: AsRef<[u8]>>(request: &[W]) -> String {
    let words = request.iter().take(2).map(|word| String::from_utf8_lossy(word.as_ref()).into_owned());
    words.take_while(|word| word != "AUTH").collect::<Vec<_>>().join(" ")
}

fn cannot_connect(place: &Place, error: &anyhow::Error) -> Stop {
    let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
    let why = match kind {
        Some(io::ErrorKind::ConnectionRefused) => {
            "nothing listens there. Is the node running, and is the port right?".into()
        }
        Some(io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) => {
            "no answer. Is a firewall or a container network in between?".into()
        }
        _ => sentence(error),
    };
    Stop::unreachable(format!("{place} cannot be reached: {why}"))
}

fn lost(place: &Place, error: &anyhow::Error) -> Stop {
    Stop::unreachable(format!("The connection to {place} is lost: {}", sentence(error)))
}

/// What went wrong, with a full stop.
fn sentence(error: &anyhow::Error) -> String {
    format!("{}.", format!("{error:#}").trim_end_matches('.'))
}

/// Adds to what became of a first request that the server may have waited for TLS.
fn or_tls(stop: Stop) -> Stop {
    let is_strange =
        ["closed the connection", "no Redis server"].iter().any(|words| stop.text().contains(words));
    if !is_strange {
        return stop;
    }
    Stop::unreachable(format!("{} If it wants TLS, give --tls.", stop.text()))
}
