//! Reads a topology from what any Redis (3.0 on) or Valkey answers to CLUSTER NODES, SLOTS or SHARDS.
//!
//! What is wrong is said with its place: a line of the text, or a path into the reply. What is merely new, unknown
//! flags, fields and metadata of later servers, is passed over. What a reply does not tell stays unknown; the state
//! of the cluster and its epoch are derived, see [`TopologyBuilder`].
//!
//! ```text
//!   text  --nodes-->  Line per node ----+
//!   Value --slots--> ranges and nodes --+--> TopologyBuilder
//!   Value --shards-> shards and nodes --+
//!            each node's place by the rules of endpoint
//! ```

mod cursor;
mod endpoint;
mod nodes;
mod shards;
mod slots;

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use super::{BuildError, Topology, TopologyBuilder};
use crate::resp::value::Value;
use crate::words;

/// What the reader knows besides the reply.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ParseOptions {
    /// The host that was asked: where nodes are that name no host of their own.
    pub queried_host: Option<String>,
    /// The version that the topology gets.
    pub version: u64,
}

/// Why a reply is no topology, and where in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParseError {
    /// `line 3`, `reply[0].nodes[1].port`, or `reply` for the whole of it.
    pub at: String,
    /// What is wrong there.
    pub problem: Problem,
}

/// What can be wrong with a reply.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Problem {
    /// Something that must be there is not.
    Missing(&'static str),
    /// Something else stands there.
    Unexpected {
        /// What should.
        expected: &'static str,
        /// What does, cut to a readable length.
        found: String,
    },
    /// A node is named that the reply does not describe.
    UnknownNode(String),
    /// The server answered with an error.
    ErrorReply(String),
    /// The parts are well formed, but contradict each other.
    Contradiction(BuildError),
}

/// A complaint is rare and large, what was read is small: behind a pointer, it makes no result larger. Of the npm package's module this is
/// a twentieth.
type Complaint = Box<ParseError>;
type Read<T> = Result<T, Complaint>;

/// Reads the text of CLUSTER NODES or of a `nodes.conf`.
pub fn nodes_text(text: &str, options: &ParseOptions) -> Result<Topology, ParseError> {
    nodes::read(text, options).map_err(|complaint| *complaint)
}

/// Reads a reply of CLUSTER SLOTS.
pub fn slots_reply(reply: &Value, options: &ParseOptions) -> Result<Topology, ParseError> {
    slots::read(reply, options).map_err(|complaint| *complaint)
}

/// Reads a reply of CLUSTER SHARDS.
pub fn shards_reply(reply: &Value, options: &ParseOptions) -> Result<Topology, ParseError> {
    shards::read(reply, options).map_err(|complaint| *complaint)
}

/// Reads any of the three replies, told apart by their shape: text is CLUSTER NODES, items that begin with a number
/// are CLUSTER SLOTS, others CLUSTER SHARDS.
pub fn any(reply: &Value, options: &ParseOptions) -> Result<Topology, ParseError> {
    if let Some(text) = reply.as_str() {
        return nodes_text(text, options);
    }
    let first_entry = reply.as_items().and_then(|entries| entries.first());
    let first = first_entry.and_then(Value::as_items).and_then(|items| items.first());
    match (first_entry, first) {
        (Some(Value::Map(_)), _) => shards_reply(reply, options),
        (_, Some(name)) if name.as_str().is_some() && name.as_integer().is_none() => {
            shards_reply(reply, options)
        }
        _ => slots_reply(reply, options),
    }
}

impl ParseError {
    fn new(at: impl Into<String>, problem: Problem) -> Self {
        Self { at: at.into(), problem }
    }
}

fn built(builder: TopologyBuilder) -> Read<Topology> {
    builder.build().map_err(|error| Box::new(ParseError::new("reply", Problem::Contradiction(error))))
}

impl Problem {
    /// `found` is cut: it comes from outside and may be long.
    #[cold]
    fn unexpected(expected: &'static str, found: &str) -> Box<Self> {
        const FOUND_LEN_MAX: usize = 80;
        let shown = found.get(..found.floor_char_boundary(FOUND_LEN_MAX));
        Box::new(Self::Unexpected { expected, found: shown.unwrap_or(found).into() })
    }

    fn missing(what: &'static str) -> Box<Self> {
        Box::new(Self::Missing(what))
    }

    /// The problem as a sentence.
    pub fn text(&self) -> String {
        match self {
            Problem::Missing(what) => words::joined(&[what, " is missing"]),
            Problem::Unexpected { expected, found } => {
                words::joined(&["expected ", expected, ", found ", &words::quoted(found)])
            }
            Problem::UnknownNode(id) => words::joined(&["node ", id, " is named but not described"]),
            Problem::ErrorReply(text) => words::joined(&["the server answered ", &words::quoted(text)]),
            Problem::Contradiction(error) => error.text(),
        }
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.problem)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

impl core::error::Error for ParseError {}

#[cfg(test)]
mod tests;
