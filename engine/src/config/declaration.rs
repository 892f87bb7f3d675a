//! Lines of redis.conf that are no directives with a value: users, renamed commands, modules.

use alloc::string::String;
use alloc::vec::Vec;

use super::error::ConfigError;
use super::{Config, Reason};

/// What a declaration is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject {
    /// `user NAME RULE...`: an ACL user.
    User,
    /// `rename-command NAME OTHER`: a command gets another name, or none if that is empty.
    RenameCommand,
    /// `loadmodule PATH ARGUMENT...`
    LoadModule,
}

/// A line that declares something; whoever carries it out may find fault with it later.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Declaration {
    /// What it is about.
    pub subject: Subject,
    /// Its words after the first.
    pub args: Vec<Vec<u8>>,
    /// The name of the file it stands in.
    pub source: String,
    /// The number of its line, from 1.
    pub line: usize,
    /// The line as written, without blanks around it.
    pub text: String,
}

impl Declaration {
    /// The error that this declaration is.
    pub fn error(&self, reason: impl Into<Reason>) -> ConfigError {
        ConfigError {
            source: self.source.clone(),
            line: self.line,
            text: self.text.clone(),
            reason: reason.into(),
            suggestion: None,
        }
    }
}

impl Config {
    /// The declarations about `subject`, in the order of the files.
    pub fn declarations(&self, subject: Subject) -> impl Iterator<Item = &Declaration> {
        self.declarations.iter().filter(move |declaration| declaration.subject == subject)
    }
}
