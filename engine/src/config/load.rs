//! Reads the text of redis.conf.
//!
//! One directive a line, words by the quoting rules of inline commands, `#` at the start of a line for comments, names in
//! any case. Later lines win; `save` adds up, `user`, `rename-command` and `loadmodule` are collected, `include` is read in
//! its place. The first fault ends it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use slotway_core::command;
use slotway_core::resp::inline::split_args;

use super::declaration::{Declaration, Subject};
use super::directives::{self, Found, Id};
use super::error::ConfigError;
use super::suggest::suggest;
use super::value::Value;
use super::{Config, Reason, WRONG_COUNT};

/// Statements of a file that are no directives.
pub(super) const STATEMENTS: [&str; 5] = ["include", "user", "rename-command", "loadmodule", "sentinel"];

/// Directives of the past: accepted with one argument, without effect.
const OBSOLETE: [&str; 3] = ["list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands"];

/// Files that include files that include files: past this depth it must be a circle.
const INCLUDE_DEPTH_MAX: usize = 64;

const BAD_DIRECTIVE: &str = "Bad directive or wrong number of arguments";

/// Finds the files that an `include` names: their names and texts, in order. A pattern may match none.
pub type Include<'a> = dyn FnMut(&str) -> Result<Vec<(String, String)>, String> + 'a;

impl Config {
    /// Reads `text`, which came from the file (or other source) `source_name`, on top of what is already here. Call
    /// [`Config::finish`] once everything has been read.
    ///
    /// # Errors
    /// The first line that cannot be obeyed; what stands before it has been.
    pub fn load(
        &mut self,
        source_name: &str,
        text: &str,
        include: &mut Include<'_>,
    ) -> Result<(), ConfigError> {
        Loader { config: self, include, depth: 0 }.source(source_name, text)
    }

    /// Settles what only shows when everything has been read: a cluster has one database, whatever the files say.
    ///
    /// # Errors
    /// Directives that exclude each other.
    pub fn finish(&mut self) -> Result<(), ConfigError> {
        if !self.cluster_enabled() {
            return Ok(());
        }
        self.put(const { Id::of("databases") }, Value::Int(1));
        match self.replicaof() {
            None => Ok(()),
            Some(_) => Err(ConfigError {
                source: "the configuration".to_string(),
                line: 0,
                text: String::new(),
                reason: "replicaof directive not allowed in cluster mode".into(),
                suggestion: None,
            }),
        }
    }

    /// Sets a directive to `args` as a file does.
    fn set_from_file(&mut self, found: Found, args: &[&[u8]]) -> Result<(), Reason> {
        let old = self.value(found.id);
        let mut new = old.changed(found.directive, args)?;
        if let (Value::Save(points), Value::Save(added)) = (old, &mut new) {
            // An empty argument takes back what earlier lines added.
            if self.save_loaded && args != [b""] {
                *added = [points.as_slice(), added].concat();
            }
            self.save_loaded = true;
        }
        self.put(found.id, new);
        Ok(())
    }
}

struct Loader<'a, 'i> {
    config: &'a mut Config,
    include: &'a mut Include<'i>,
    depth: usize,
}

/// A line and where it stands.
struct Line<'a> {
    source: &'a str,
    number: usize,
    text: &'a str,
}

impl Loader<'_, '_> {
    fn source(&mut self, source: &str, text: &str) -> Result<(), ConfigError> {
        for (index, line) in text.split('\n').enumerate() {
            let line = line.trim_matches([' ', '\t', '\r', '\n']);
            if !line.is_empty() && !line.starts_with('#') {
                self.line(Line { source, number: index + 1, text: line })?;
            }
        }
        Ok(())
    }

    fn line(&mut self, line: Line<'_>) -> Result<(), ConfigError> {
        let words = split_args(line.text.as_bytes())
            .map_err(|_| line.error("Unbalanced quotes in configuration line".into()))?;
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let Some((name, args)) = words.split_first() else { return Ok(()) };
        match directives::find(name) {
            Some(found) => self.directive(found, args).map_err(|reason| line.error(reason)),
            None => self.statement(&line, name, args),
        }
    }

    fn directive(&mut self, found: Found, args: &[&[u8]]) -> Result<(), Reason> {
        match (found.directive.is_list(), args) {
            // A list may also be one argument with blanks in it.
            (true, [list]) if !list.is_empty() => {
                let words = split_args(list).unwrap_or_default();
                let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
                self.config.set_from_file(found, &words)
            }
            (true, _) | (false, [_]) => self.config.set_from_file(found, args),
            (false, _) => Err(WRONG_COUNT.into()),
        }
    }

    fn statement(&mut self, line: &Line<'_>, name: &[u8], args: &[&[u8]]) -> Result<(), ConfigError> {
        match (name.to_ascii_lowercase().as_slice(), args) {
            (b"include", [path]) => self.include(line, path),
            (b"rename-command", [command, _]) if command::lookup(command).is_none() => {
                Err(line.error("No such command in rename-command".into()))
            }
            (b"sentinel", []) => Ok(()),
            (b"sentinel", _) => Err(line.error("sentinel directive while not in sentinel mode".into())),
            (name, [_]) if OBSOLETE.iter().any(|obsolete| obsolete.as_bytes() == name) => Ok(()),
            (name, args) => match subject_of(name, args) {
                Some(subject) => {
                    self.declare(subject, line, args);
                    Ok(())
                }
                None => Err(line.unknown(name)),
            },
        }
    }

    fn include(&mut self, line: &Line<'_>, pattern: &[u8]) -> Result<(), ConfigError> {
        if self.depth == INCLUDE_DEPTH_MAX {
            return Err(line.error("Too many includes within includes".into()));
        }
        let files =
            (self.include)(&String::from_utf8_lossy(pattern)).map_err(|reason| line.error(reason.into()))?;
        for (name, text) in files {
            Loader { config: self.config, include: self.include, depth: self.depth + 1 }
                .source(&name, &text)?;
        }
        Ok(())
    }

    fn declare(&mut self, subject: Subject, line: &Line<'_>, args: &[&[u8]]) {
        self.config.declarations.push(Declaration {
            subject,
            args: args.iter().map(|arg| arg.to_vec()).collect(),
            source: line.source.to_string(),
            line: line.number,
            text: line.text.to_string(),
        });
    }
}

fn subject_of(name: &[u8], args: &[&[u8]]) -> Option<Subject> {
    match (name, args) {
        (b"user", [_, ..]) => Some(Subject::User),
        (b"rename-command", [_, _]) => Some(Subject::RenameCommand),
        (b"loadmodule", [_, ..]) => Some(Subject::LoadModule),
        _ => None,
    }
}

impl Line<'_> {
    fn error(&self, reason: Reason) -> ConfigError {
        ConfigError {
            source: self.source.to_string(),
            line: self.number,
            text: self.text.to_string(),
            reason,
            suggestion: None,
        }
    }

    fn unknown(&self, name: &[u8]) -> ConfigError {
        ConfigError {
            suggestion: suggest(&name.escape_ascii().to_string()),
            ..self.error(BAD_DIRECTIVE.into())
        }
    }
}
