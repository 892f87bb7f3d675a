//! Which files the append-only file is made of: a base, and what came after it in one or more increments.
//!
//! ```text
//!   file appendonly.aof.1.base.rdb seq 1 type b
//!   file appendonly.aof.1.incr.aof seq 1 type i
//! ```
//!
//! Source of the format: the manifest of Redis 7.

use std::fmt::Write as _;

use anyhow::{Context as _, bail, ensure};
use slotway_core::resp::inline::split_args;
use slotway_core::words::quoted;
use slotway_engine::snapshot::Form;

/// Bytes of a line at most, its end among them.
const LINE_MAX: usize = 1024;
const NO_MANIFEST: &str = "Invalid AOF manifest file format";

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
    /// A line that is none of a manifest, said in Redis' words and with its number.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let mut manifest = Self::default();
        for (index, line) in text.split_inclusive('\n').enumerate().filter(|(_, line)| !line.starts_with('#'))
        {
            let added = manifest.add(line);
            added.with_context(|| {
                format!("Reading the manifest file, at line {}: '{}'", index + 1, line.trim_end())
            })?;
        }
        ensure!(!text.is_empty(), "Found an empty AOF manifest");
        Ok(manifest)
    }

    fn add(&mut self, line: &str) -> anyhow::Result<()> {
        ensure!(
            line.ends_with('\n') && line.len() <= LINE_MAX,
            "The AOF manifest file contains too long line"
        );
        let (part, kind) = part(line)?;
        match kind {
            b'b' => {
                ensure!(self.base.is_none(), "Found duplicate base file information");
                self.base = Some(part);
            }
            b'h' => self.history.push(part),
            b'i' => {
                let is_later = self.increments.last().is_none_or(|last| part.seq > last.seq);
                ensure!(is_later, "Found a non-monotonic sequence number");
                self.increments.push(part);
            }
            _ => bail!("Unknown AOF file type"),
        }
        Ok(())
    }

    /// Its text.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let kinds =
            [('b', self.base.as_slice()), ('h', self.history.as_slice()), ('i', self.increments.as_slice())];
        for (kind, parts) in kinds {
            for Part { name, seq } in parts {
                let is_plain =
                    name.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'));
                let quoted = if is_plain { name.clone() } else { quoted(name) };
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

/// A file and the letter of its kind. Words that nobody knows yet come in pairs, too.
fn part(line: &str) -> anyhow::Result<(Part, u8)> {
    let words =
        split_args(line.trim().as_bytes()).ok().filter(|words| words.len() >= 6 && words.len() % 2 == 0);
    let words = words.context(NO_MANIFEST)?;
    let (mut name, mut seq, mut kind) = (None, None, None);
    for pair in words.chunks(2) {
        let (key, value) = (pair[0].to_ascii_lowercase(), String::from_utf8_lossy(&pair[1]));
        match key.as_slice() {
            b"file" => {
                ensure!(!value.contains('/'), "File can't be a path, just a filename");
                name = Some(value.into_owned());
            }
            b"seq" => seq = value.parse().ok().filter(|seq| *seq > 0),
            b"type" => kind = pair[1].first().copied(),
            _ => {}
        }
    }
    match (name, seq, kind) {
        (Some(name), Some(seq), Some(kind)) => Ok((Part { name, seq }, kind)),
        _ => bail!(NO_MANIFEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_read_as_it_is_written() {
        let text = "file \" my\\nfile.1.base.rdb\" seq 1 type b\nfile a.3.incr.aof seq 3 type i\nfile a.4.incr.aof seq 4 type i\n";
        let manifest = Manifest::parse(text).unwrap();
        assert_eq!(manifest.text(), text);
        assert_eq!(manifest.next_base("a", Form::Rdb).name, "a.2.base.rdb");
        assert_eq!(manifest.next_base("a", Form::Commands).name, "a.2.base.aof");
        assert_eq!(manifest.next_increment("a").name, "a.5.incr.aof");
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        let long = format!("file {} seq 1 type b\n", "a".repeat(LINE_MAX));
        for (text, error) in [
            ("", "empty"),
            ("\n", NO_MANIFEST),
            ("nonsense\n", NO_MANIFEST),
            ("file a seq x type b\n", NO_MANIFEST),
            ("file a seq 1 type b odd\n", NO_MANIFEST),
            ("file a seq 1 type z\n", "Unknown"),
            ("file ../a seq 1 type b\n", "just a filename"),
            ("file a seq 1 type b\nfile b seq 2 type b\n", "duplicate"),
            ("file b seq 2 type i\nfile a seq 2 type i\n", "non-monotonic"),
            ("file a seq 1 type b", "too long"),
            (&long, "too long"),
        ] {
            let told = format!("{:#}", Manifest::parse(text).expect_err(text));
            assert!(told.contains(error), "{text}: {told}");
        }
    }

    #[test]
    fn words_of_a_later_version_and_comments_are_passed_over() {
        let manifest = Manifest::parse("# by hand\nFILE a.1.base.rdb seq 1 type b size 12\n").unwrap();
        assert_eq!(manifest.base, Some(Part { name: "a.1.base.rdb".to_owned(), seq: 1 }));
    }
}
