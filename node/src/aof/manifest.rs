//! Which files the append-only file is made of: a base, and what came after it in one or more increments.
//!
//! ```text
//!   file appendonly.aof.1.base.rdb seq 1 type b
//!   file appendonly.aof.1.incr.aof seq 1 type i
//! ```
//!
//! Source of the format: the manifest of Redis 7.

use std::fmt::Write as _;

use anyhow::{Context as _, bail};
use slotway_core::resp::inline::split_args;
use slotway_engine::snapshot::Form;

/// One of the files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Part {
    pub(super) name: String,
    pub(super) seq: u64,
}

/// All of them, in the order in which they are loaded.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Manifest {
    pub(super) base: Option<Part>,
    pub(super) increments: Vec<Part>,
    /// Files that are of no use any more, and may still be there.
    pub(super) history: Vec<Part>,
}

impl Manifest {
    /// From its text.
    ///
    /// # Errors
    /// A line that is none of a manifest.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let mut manifest = Self::default();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (part, kind) =
                part(line).with_context(|| format!("the line '{line}' of the manifest makes no sense"))?;
            match kind.as_str() {
                "b" if manifest.base.is_none() => manifest.base = Some(part),
                "i" => manifest.increments.push(part),
                "h" => manifest.history.push(part),
                _ => bail!("the line '{line}' of the manifest makes no sense"),
            }
        }
        if !manifest.increments.is_sorted_by_key(|part| part.seq) {
            bail!("the increments of the manifest are not in order");
        }
        Ok(manifest)
    }

    /// Its text.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let kinds =
            [('b', self.base.as_slice()), ('h', self.history.as_slice()), ('i', self.increments.as_slice())];
        for (kind, parts) in kinds {
            for Part { name, seq } in parts {
                let quoted = if name.contains(' ') { format!("\"{name}\"") } else { name.clone() };
                // A String takes everything.
                let _ = writeln!(text, "file {quoted} seq {seq} type {kind}");
            }
        }
        text
    }

    /// A base that follows the present one, written in `form`.
    pub(super) fn next_base(&self, name: &str, form: Form) -> Part {
        let seq = self.base.as_ref().map_or(0, |base| base.seq) + 1;
        let ending = match form {
            Form::Rdb => "rdb",
            Form::Commands => "aof",
        };
        Part { name: format!("{name}.{seq}.base.{ending}"), seq }
    }

    /// An increment that follows the last one.
    pub(super) fn next_increment(&self, name: &str) -> Part {
        let seq = self.increments.last().map_or(0, |last| last.seq) + 1;
        Part { name: format!("{name}.{seq}.incr.aof"), seq }
    }
}

fn part(line: &str) -> Option<(Part, String)> {
    let words = split_args(line.as_bytes()).ok()?;
    let words: Vec<String> =
        words.into_iter().map(|word| String::from_utf8(word).ok()).collect::<Option<_>>()?;
    let (mut name, mut seq, mut kind) = (None, None, None);
    for pair in words.chunks(2) {
        let [key, value] = pair else { return None };
        match key.as_str() {
            "file" => name = Some(value.clone()).filter(|name| !name.contains('/')),
            "seq" => seq = value.parse().ok(),
            "type" => kind = Some(value.clone()),
            _ => {}
        }
    }
    Some((Part { name: name?, seq: seq? }, kind?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_read_as_it_is_written() {
        let text = "file \"my file.1.base.rdb\" seq 1 type b\nfile a.3.incr.aof seq 3 type i\nfile a.4.incr.aof seq 4 type i\n";
        let manifest = Manifest::parse(text).unwrap();
        assert_eq!(manifest.text(), text);
        assert_eq!(manifest.next_base("a", Form::Rdb).name, "a.2.base.rdb");
        assert_eq!(manifest.next_base("a", Form::Commands).name, "a.2.base.aof");
        assert_eq!(manifest.next_increment("a").name, "a.5.incr.aof");
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for text in [
            "nonsense",
            "file a seq x type b",
            "file a seq 1 type z",
            "file ../a seq 1 type b",
            "file a seq 1 type b\nfile b seq 2 type b",
            "file b seq 2 type i\nfile a seq 1 type i",
        ] {
            assert!(Manifest::parse(text).is_err(), "{text}");
        }
    }
}
