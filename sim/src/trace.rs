//! What happened, a line per event, and the hash of it all.
//!
//! Two runs of one seed have equal hashes, whatever machine they ran on; the hash is always made, the lines are kept
//! only for whoever wants to read them. Lines are hashed while they are written, without a copy.

use alloc::string::String;
use core::fmt::{self, Write as _};

use slotway_core::resp::value::Value;

use crate::timeline::Time;

/// FNV-1a with 64 bits (Fowler, Noll and Vo): offset basis and prime.
const FNV_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;

/// The record of a run.
#[derive(Debug)]
pub struct Trace {
    hash: u64,
    events: u64,
    text: Option<String>,
}

impl Trace {
    /// Hashes only.
    pub fn hashed() -> Self {
        Self { hash: FNV_BASIS, events: 0, text: None }
    }

    /// Hashes, and keeps the lines.
    pub fn kept() -> Self {
        Self { text: Some(String::new()), ..Self::hashed() }
    }

    /// Adds a line.
    pub fn line(&mut self, at: Time, what: fmt::Arguments<'_>) {
        self.events += 1;
        writeln!(self, "{at} {what}").expect("writing to a hash and a string cannot fail");
    }

    /// The hash of all lines so far.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// How many lines there are.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The lines since the last time, which are kept no longer.
    pub fn take_text(&mut self) -> String {
        self.text.as_mut().map(core::mem::take).unwrap_or_default()
    }

    /// The lines; empty if they were not kept.
    pub fn text(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }
}

impl fmt::Write for Trace {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        for byte in part.bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME);
        }
        if let Some(text) = &mut self.text {
            text.push_str(part);
        }
        Ok(())
    }
}

/// Bytes as they read best in a line: printable ASCII as it is, all else as `\xhh`, cut past 120 bytes.
pub struct Shown<'a>(pub &'a [u8]);

/// Most bytes of a text shown in one line.
const SHOWN_MAX: usize = 120;

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0[..self.0.len().min(SHOWN_MAX)].escape_ascii())?;
        if self.0.len() > SHOWN_MAX {
            write!(f, "... ({} bytes)", self.0.len())?;
        }
        Ok(())
    }
}

/// A reply as it reads best in a line.
pub struct ShownReply<'a>(pub &'a Value);

impl fmt::Display for ShownReply<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Error(text) => write!(f, "-{text}"),
            Value::Integer(number) => write!(f, "{number}"),
            Value::Null => f.write_str("nothing"),
            Value::Array(items) => items.iter().try_for_each(|item| write!(f, "[{}]", ShownReply(item))),
            other => match other.as_bytes() {
                Some(text) => write!(f, "\"{}\"", Shown(text)),
                None => write!(f, "{other:?}"),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_lines_kept_or_not() {
        let (mut hashed, mut kept) = (Trace::hashed(), Trace::kept());
        for trace in [&mut hashed, &mut kept] {
            trace.line(Time::from_us(1_000_002), format_args!("a {}", Shown(b"\x00b")));
        }
        assert_eq!(kept.text(), "1.000002 a \\x00b\n");
        assert_eq!(hashed.text(), "");
        assert_eq!(hashed.hash(), kept.hash());
        hashed.line(Time::default(), format_args!("more"));
        assert_ne!(hashed.hash(), kept.hash());
    }
}
