//! A place in a reply that knows how it was reached, so that every complaint says where.
//!
//! A cursor refers to the one that it came from, and the path is put into words only for a complaint: most replies give none.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use super::{Complaint, ParseError, Problem, Read};
use crate::id::NodeId;
use crate::resp::value::Value;
use crate::slot::{Slot, SlotRange};
use crate::words;

/// A value of a reply and how it was reached.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    value: &'a Value,
    from: Option<(&'a Cursor<'a>, Step)>,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Item(usize),
    Field(&'static str),
}

impl<'a> Cursor<'a> {
    pub(super) fn root(reply: &'a Value) -> Self {
        Self { value: reply, from: None }
    }

    pub(super) fn items(&'a self) -> Read<Vec<Cursor<'a>>> {
        let items = self.value.as_items().ok_or_else(|| self.unexpected("an array"))?;
        let item = |(at, value)| Cursor { value, from: Some((self, Step::Item(at))) };
        Ok(items.iter().enumerate().map(item).collect())
    }

    /// The field of that name; `None` if the map has none.
    pub(super) fn field(&'a self, name: &'static str) -> Read<Option<Cursor<'a>>> {
        let is_wanted = |key: &Value| key.as_bytes() == Some(name.as_bytes());
        let value = match self.value {
            Value::Map(pairs) => pairs.iter().find(|(key, _)| is_wanted(key)).map(|(_, value)| value),
            Value::Array(flat) if flat.len().is_multiple_of(2) => {
                flat.as_chunks::<2>().0.iter().find(|[key, _]| is_wanted(key)).map(|[_, value]| value)
            }
            _ => return Err(self.unexpected("a map")),
        };
        Ok(value.map(|value| Cursor { value, from: Some((self, Step::Field(name))) }))
    }

    pub(super) fn required(&'a self, name: &'static str) -> Read<Cursor<'a>> {
        self.field(name)?.ok_or_else(|| self.missing(name))
    }

    /// The text of a field that may be left out or null.
    pub(super) fn field_text(&'a self, name: &'static str) -> Read<Option<&'a str>> {
        match self.field(name)? {
            Some(field) => field.text_or_null(),
            None => Ok(None),
        }
    }

    /// The port of a field that may be left out: 0.
    pub(super) fn field_port(&'a self, name: &'static str) -> Read<u16> {
        self.field(name)?.map_or(Ok(0), |field| field.port())
    }

    /// Text, or `None` for null.
    pub(super) fn text_or_null(&self) -> Read<Option<&'a str>> {
        if matches!(self.value, Value::Null) { Ok(None) } else { self.text().map(Some) }
    }

    pub(super) fn text(&self) -> Read<&'a str> {
        self.value.as_str().ok_or_else(|| self.unexpected("text"))
    }

    pub(super) fn id(&self) -> Read<NodeId> {
        let id = self.value.as_bytes().and_then(NodeId::parse);
        id.ok_or_else(|| self.unexpected("a node id: 40 characters of a-z and 0-9"))
    }

    pub(super) fn port(&self) -> Read<u16> {
        self.number(u16::MAX.into(), "a port").map(|number| number as u16)
    }

    pub(super) fn offset(&self) -> Read<u64> {
        self.number(i64::MAX, "a replication offset")
    }

    /// A whole number from 0 to `most`.
    fn number(&self, most: i64, expected: &'static str) -> Read<u64> {
        let number = self.value.as_integer().filter(|number| (0..=most).contains(number));
        number.map(|number| number as u64).ok_or_else(|| self.unexpected(expected))
    }

    fn slot(&self) -> Read<Slot> {
        const EXPECTED: &str = "a slot, 0 to 16383";
        let number = self.number(u16::MAX.into(), EXPECTED)?;
        Slot::new(number as u16).ok_or_else(|| self.unexpected(EXPECTED))
    }

    /// The range from `start` to `end`.
    pub(super) fn range(start: &Self, end: &Self) -> Read<SlotRange> {
        SlotRange::new(start.slot()?, end.slot()?)
            .ok_or_else(|| end.unexpected("a slot not before the start of its range"))
    }

    #[cold]
    pub(super) fn missing(&self, what: &'static str) -> Complaint {
        Box::new(ParseError::new(self.path(), Problem::Missing(what)))
    }

    #[cold]
    pub(super) fn unexpected(&self, expected: &'static str) -> Complaint {
        let problem = match self.value {
            Value::Error(text) => Problem::ErrorReply(text.clone()),
            value => *Problem::unexpected(expected, &shown(value)),
        };
        Box::new(ParseError::new(self.path(), problem))
    }

    /// `reply[0].nodes[1].port`. As deep as the readers go, which is five steps.
    fn path(&self) -> String {
        let Some((from, step)) = self.from else { return "reply".into() };
        let mut path = from.path();
        match step {
            Step::Item(at) => {
                path.push('[');
                words::push_number(&mut path, at as u64);
                path.push(']');
            }
            Step::Field(name) => {
                path.push('.');
                path.push_str(name);
            }
        }
        path
    }
}

/// A value in few words. Aggregates are not spelled out: they may be huge.
fn shown(value: &Value) -> String {
    let counted = |count: usize, what| words::number(count as u64) + what;
    match value {
        Value::Integer(number) if *number < 0 => words::joined(&["-", &words::number(number.unsigned_abs())]),
        Value::Integer(number) => words::number(number.unsigned_abs()),
        Value::Null => "null".into(),
        Value::Boolean(true) => "true".into(),
        Value::Boolean(false) => "false".into(),
        Value::Array(items) | Value::Set(items) | Value::Push(items) => counted(items.len(), " items"),
        Value::Map(pairs) => counted(pairs.len(), " pairs"),
        text => text.as_str().unwrap_or("bytes that are no text").into(),
    }
}
