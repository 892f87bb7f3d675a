//! What can be wrong with a configuration, in Redis' words.

use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use core::fmt;

use slotway_core::resp::error::ErrorReply;

use super::Reason;

/// A line of a configuration that the node does not start with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigError {
    /// The file, or what else the text came from.
    pub source: String,
    /// The number of the line, from 1; 0 if no single line is at fault.
    pub line: usize,
    /// The line, without blanks around it.
    pub text: String,
    /// What is wrong.
    pub reason: Cow<'static, str>,
    /// A directive whose name is close to the unknown one.
    pub suggestion: Option<&'static str>,
}

impl fmt::Display for ConfigError {
    /// The lines that redis-server writes, and one more that it does not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "*** FATAL CONFIG FILE ERROR (Slotway {}) ***", env!("CARGO_PKG_VERSION"))?;
        if self.line > 0 {
            writeln!(f, "Reading the configuration file, at line {}", self.line)?;
            writeln!(f, ">>> '{}'", self.text)?;
        }
        writeln!(f, "{}", self.reason)?;
        write!(f, "In {}", self.source)?;
        match self.suggestion {
            Some(name) => write!(f, ": did you mean '{name}'?"),
            None => Ok(()),
        }
    }
}

impl core::error::Error for ConfigError {}

/// Why CONFIG SET is refused. Nothing has changed then.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SetError {
    /// No such directive.
    Unknown(String),
    /// The directive cannot be set while data is loaded.
    Loading,
    /// The directive cannot be set, or not to that.
    Refused {
        /// Its name.
        argument: String,
        /// Why.
        reason: Reason,
    },
}

impl SetError {
    /// For an effect that fails: the port is taken, the folder does not exist.
    pub fn refused(argument: &str, reason: impl Into<Reason>) -> Self {
        SetError::Refused { argument: argument.to_string(), reason: reason.into() }
    }
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SetError::Unknown(name) => {
                write!(f, "ERR Unknown option or number of arguments for CONFIG SET - '{name}'")
            }
            SetError::Loading => f.write_str("LOADING Redis is loading the dataset in memory"),
            SetError::Refused { argument, reason } => {
                write!(f, "ERR CONFIG SET failed (possibly related to argument '{argument}') - {reason}")
            }
        }
    }
}

impl core::error::Error for SetError {}

impl From<SetError> for ErrorReply {
    fn from(error: SetError) -> Self {
        ErrorReply::other(error.to_string())
    }
}
