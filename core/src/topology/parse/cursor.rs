//! A place in a reply that knows its path, so that every complaint says where.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::{ParseError, Problem};
use crate::id::NodeId;
use crate::resp::value::Value;
use crate::slot::{Slot, SlotRange};

/// A value of a reply and how it was reached.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    value: &'a Value,
    at: String,
}

/// A map of a reply, or the flat array that stands for one in RESP2.
#[derive(Clone, Debug)]
pub(super) struct Fields<'a> {
    pairs: Vec<(&'a Value, &'a Value)>,
    at: String,
}

impl<'a> Cursor<'a> {
    pub(super) fn root(reply: &'a Value) -> Self {
        Self { value: reply, at: "reply".into() }
    }

    pub(super) fn items(&self) -> Result<Vec<Cursor<'a>>, ParseError> {
        let items = self.value.as_items().ok_or_else(|| self.unexpected("an array"))?;
        let item = |(at, value)| Cursor { value, at: format!("{}[{at}]", self.at) };
        Ok(items.iter().enumerate().map(item).collect())
    }

    pub(super) fn fields(&self) -> Result<Fields<'a>, ParseError> {
        let pairs = self.value.to_pairs().ok_or_else(|| self.unexpected("a map"))?;
        Ok(Fields { pairs, at: self.at.clone() })
    }

    /// Text, or `None` for null.
    pub(super) fn text_or_null(&self) -> Result<Option<&'a str>, ParseError> {
        if *self.value == Value::Null { Ok(None) } else { self.text().map(Some) }
    }

    pub(super) fn text(&self) -> Result<&'a str, ParseError> {
        self.value.as_str().ok_or_else(|| self.unexpected("text"))
    }

    pub(super) fn id(&self) -> Result<NodeId, ParseError> {
        let id = self.value.as_bytes().and_then(NodeId::parse);
        id.ok_or_else(|| self.unexpected("a node id: 40 characters of a-z and 0-9"))
    }

    pub(super) fn port(&self) -> Result<u16, ParseError> {
        self.number("a port")
    }

    pub(super) fn offset(&self) -> Result<u64, ParseError> {
        self.number("a replication offset")
    }

    fn number<N: TryFrom<i64>>(&self, expected: &'static str) -> Result<N, ParseError> {
        let number = self.value.as_integer().and_then(|number| N::try_from(number).ok());
        number.ok_or_else(|| self.unexpected(expected))
    }

    fn slot(&self) -> Result<Slot, ParseError> {
        const EXPECTED: &str = "a slot, 0 to 16383";
        Slot::new(self.number(EXPECTED)?).ok_or_else(|| self.unexpected(EXPECTED))
    }

    /// The range from `start` to `end`.
    pub(super) fn range(start: &Self, end: &Self) -> Result<SlotRange, ParseError> {
        SlotRange::new(start.slot()?, end.slot()?)
            .ok_or_else(|| end.unexpected("a slot not before the start of its range"))
    }

    pub(super) fn missing(&self, what: &'static str) -> ParseError {
        ParseError::new(self.at.clone(), Problem::Missing(what))
    }

    pub(super) fn unexpected(&self, expected: &'static str) -> ParseError {
        let problem = match self.value {
            Value::Error(text) => Problem::ErrorReply(text.clone()),
            value => Problem::unexpected(expected, &shown(value)),
        };
        ParseError::new(self.at.clone(), problem)
    }
}

impl<'a> Fields<'a> {
    pub(super) fn get(&self, name: &str) -> Option<Cursor<'a>> {
        let (_, value) = self.pairs.iter().find(|(key, _)| key.as_str() == Some(name))?;
        Some(Cursor { value, at: format!("{}.{name}", self.at) })
    }

    pub(super) fn required(&self, name: &'static str) -> Result<Cursor<'a>, ParseError> {
        self.get(name).ok_or_else(|| ParseError::new(self.at.clone(), Problem::Missing(name)))
    }

    /// The text of a field that may be left out or null.
    pub(super) fn text(&self, name: &str) -> Result<Option<&'a str>, ParseError> {
        self.get(name).map_or(Ok(None), |field| field.text_or_null())
    }

    /// The port of a field that may be left out: 0.
    pub(super) fn port(&self, name: &str) -> Result<u16, ParseError> {
        self.get(name).map_or(Ok(0), |field| field.port())
    }
}

/// A value in few words. Aggregates are not spelled out: they may be huge.
fn shown(value: &Value) -> String {
    match value {
        Value::Integer(number) => format!("{number}"),
        Value::Null => "null".into(),
        Value::Boolean(truth) => format!("{truth}"),
        Value::Array(items) | Value::Set(items) | Value::Push(items) => format!("{} items", items.len()),
        Value::Map(pairs) => format!("{} pairs", pairs.len()),
        text => String::from_utf8_lossy(text.as_bytes().unwrap_or_default()).into_owned(),
    }
}
