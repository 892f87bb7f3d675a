//! What clients did and what they were told: the evidence that checkers judge.
//!
//! An operation begins when its client first sends it and ends with a reply that is no redirection. An operation whose
//! connection ended first has an unknown outcome: it may have happened, may happen later while its bytes are on the way,
//! or never. A retry after that is an operation of its own.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use slotway_core::resp::value::Value;
use slotway_core::slot::{Slot, key_slot};

use crate::network::LinkId;
use crate::timeline::Time;
use crate::trace::{Shown, ShownReply};

/// A key or a value.
pub type Bytes = Vec<u8>;

/// What a client asks for.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Call {
    /// GET
    Get(Bytes),
    /// SET
    Set(Bytes, Bytes),
    /// SET with PX: the value goes away after so many milliseconds.
    SetFor(Bytes, Bytes, u64),
    /// GETEX with PX: as GET, and the value goes away after so many milliseconds.
    Expire(Bytes, u64),
    /// INCR
    Increment(Bytes),
    /// APPEND
    Append(Bytes, Bytes),
    /// GETDEL
    Take(Bytes),
    /// MSET
    SetAll(Vec<(Bytes, Bytes)>),
    /// MGET
    GetAll(Vec<Bytes>),
}

impl Outcome {
    /// The operation was answered, and not with an error.
    pub fn is_success(&self) -> bool {
        matches!(self, Outcome::Replied(value) if !matches!(value, Value::Error(_)))
    }
}

impl Call {
    /// The keys, at least one.
    pub fn keys(&self) -> Vec<&Bytes> {
        match self {
            Call::Get(key) | Call::Set(key, _) | Call::SetFor(key, ..) | Call::Expire(key, _) => [key].into(),
            Call::Increment(key) | Call::Append(key, _) | Call::Take(key) => [key].into(),
            Call::SetAll(pairs) => pairs.iter().map(|(key, _)| key).collect(),
            Call::GetAll(keys) => keys.iter().collect(),
        }
    }

    /// The slot of the first key, by which a client finds a node.
    pub fn slot(&self) -> Slot {
        key_slot(self.keys()[0])
    }

    /// True when its keys lie in several slots: the cluster must refuse it.
    pub fn crosses_slots(&self) -> bool {
        self.keys().iter().any(|key| key_slot(key) != self.slot())
    }

    /// True when it changes nothing.
    pub fn is_read(&self) -> bool {
        matches!(self, Call::Get(_) | Call::GetAll(_))
    }

    /// True when it may be sent again although it may have happened.
    pub fn may_be_repeated(&self) -> bool {
        self.is_read() || matches!(self, Call::Set(..) | Call::SetFor(..) | Call::SetAll(_))
    }

    /// The request, word by word.
    pub fn words(&self) -> Vec<Bytes> {
        let word = |text: &str| text.as_bytes().to_vec();
        let number = |ms: &u64| alloc::format!("{ms}").into_bytes();
        match self {
            Call::Get(key) => [word("GET"), key.clone()].into(),
            Call::Set(key, value) => [word("SET"), key.clone(), value.clone()].into(),
            Call::SetFor(key, value, ms) => {
                [word("SET"), key.clone(), value.clone(), word("PX"), number(ms)].into()
            }
            Call::Expire(key, ms) => [word("GETEX"), key.clone(), word("PX"), number(ms)].into(),
            Call::Increment(key) => [word("INCR"), key.clone()].into(),
            Call::Append(key, value) => [word("APPEND"), key.clone(), value.clone()].into(),
            Call::Take(key) => [word("GETDEL"), key.clone()].into(),
            Call::SetAll(pairs) => {
                let pairs = pairs.iter().flat_map(|(key, value)| [key.clone(), value.clone()]);
                core::iter::once(word("MSET")).chain(pairs).collect()
            }
            Call::GetAll(keys) => core::iter::once(word("MGET")).chain(keys.iter().cloned()).collect(),
        }
    }
}

/// Which operation: its place in [`History::operations`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct OperationId(pub usize);

/// How an operation ended.
#[derive(Clone, PartialEq, Debug)]
pub enum Outcome {
    /// It has not.
    Pending,
    /// With this reply, an error included.
    Replied(Value),
    /// The connection ended first: nobody knows.
    Unknown,
    /// The client was sent from node to node until it gave up. It did not happen.
    GaveUp,
}

/// As the end of a sentence about the operation.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Pending => f.write_str("was never answered"),
            Outcome::Replied(value) => write!(f, "was answered {}", ShownReply(value)),
            Outcome::Unknown => f.write_str("lost its connection"),
            Outcome::GaveUp => f.write_str("was given up"),
        }
    }
}

/// A redirection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Redirect {
    /// MOVED or ASK.
    pub kind: RedirectKind,
    /// The address of the node that sent it.
    pub from: String,
    /// The address it names.
    pub to: String,
}

/// The two kinds of redirection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RedirectKind {
    /// Go there, and remember it.
    Moved,
    /// Go there this once.
    Ask,
}

/// Who has a write.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Copies {
    /// So many replicas, besides the primary.
    pub replicas: i64,
    /// On their disks, and on the primary's.
    pub on_disk: bool,
}

/// One thing that a client did.
#[derive(Clone, Debug)]
pub struct Operation {
    /// What it asked for.
    pub call: Call,
    /// When it was first sent.
    pub began: Time,
    /// When its outcome was known.
    pub ended: Time,
    /// Its outcome.
    pub outcome: Outcome,
    /// Where it was sent on its way, in order.
    pub redirects: Vec<Redirect>,
    /// Who had it, as WAIT or WAITAOF has told, and when that was.
    pub copies: Option<(Copies, Time)>,
    /// Whether the cluster was at rest when it began: no faults, no changes.
    pub at_rest: bool,
}

/// What went over a connection besides operations, where it tells of the order of replies.
#[derive(Clone, PartialEq, Debug)]
pub enum Oddity {
    /// An ECHO came back as something else: replies were lost, doubled or mixed up.
    WrongEcho {
        /// What was sent.
        sent: Bytes,
        /// What came.
        came: Value,
    },
    /// A reply that nobody had asked for.
    Unasked(Value),
    /// Bytes that are no reply.
    Malformed(Bytes),
    /// A list of slots or nodes that core's parsers refuse.
    UnreadableMap(String),
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Oddity::WrongEcho { sent, came } => {
                write!(f, "the reply to ECHO \"{}\" was {}", Shown(sent), ShownReply(came))
            }
            Oddity::Unasked(value) => write!(f, "nobody asked for {}", ShownReply(value)),
            Oddity::Malformed(bytes) => write!(f, "no reply begins with \"{}\"", Shown(bytes)),
            Oddity::UnreadableMap(error) => write!(f, "no map of the cluster: {error}"),
        }
    }
}

/// All that clients did, in order of beginning.
#[derive(Debug, Default)]
pub struct History {
    /// Their operations.
    pub operations: Vec<Operation>,
    /// What should never have come over a connection.
    pub oddities: Vec<(LinkId, Oddity)>,
    /// How often each kind of error reply came, by its first word: what the run has covered.
    pub errors: BTreeMap<String, u64>,
    /// Whether operations begun from now on begin at rest.
    pub at_rest: bool,
    /// Operations of which WAIT has told since somebody last looked.
    pub told: Vec<OperationId>,
}

impl History {
    /// An operation begins.
    pub fn begin(&mut self, now: Time, call: Call) -> OperationId {
        let (outcome, redirects, at_rest) = (Outcome::Pending, Vec::new(), self.at_rest);
        self.operations.push(Operation {
            call,
            began: now,
            ended: now,
            outcome,
            redirects,
            copies: None,
            at_rest,
        });
        OperationId(self.operations.len() - 1)
    }

    /// An operation ends.
    pub fn end(&mut self, now: Time, id: OperationId, outcome: Outcome) {
        let operation = &mut self.operations[id.0];
        assert_eq!(operation.outcome, Outcome::Pending, "an operation ends once");
        operation.ended = now;
        operation.outcome = outcome;
    }

    /// WAIT tells who has what an operation has written.
    pub fn copied(&mut self, now: Time, id: OperationId, copies: Copies) {
        self.operations[id.0].copies = Some((copies, now));
        self.told.push(id);
    }

    /// Counts an error reply by its text. No text: it was no error.
    pub fn count_error(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let word = text.split(' ').next().unwrap_or_default();
        *self.errors.entry(word.into()).or_default() += 1;
    }
}
