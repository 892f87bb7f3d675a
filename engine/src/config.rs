//! The configuration of a node: redis.conf, the command line, CONFIG GET, SET and REWRITE.
//!
//! ```text
//!   command line --args--> text -+
//!   redis.conf ------------------+--load--> Config --accessors--> code
//!   CONFIG SET ------set--------------------^    |-----get------> CONFIG GET
//!                                                `--rewrite-----> redis.conf
//! ```
//!
//! Every directive of Redis 7.2 is known, by one line in `directives`: what has no effect is accepted, checked and
//! shown all the same, and the reason stands in `directives/without_effect.rs`. Nothing here reads a file, listens or allocates a port: the node is given text and gives text, and
//! applies what [`Config::set`] reports as changed.
//!
//! Source of the rules: redis.conf of version 7.2 and the behaviour of its server.

mod accessors;
mod address;
pub mod args;
mod checks;
mod declaration;
mod directive;
mod directives;
mod error;
mod get;
mod keyspace_events;
mod load;
mod number;
mod oom_scores;
mod output_limit;
mod percentiles;
mod quote;
mod reach;
mod rewrite;
mod save_point;
mod set;
mod suggest;
mod value;
mod words;

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

pub use accessors::ClientMemory;
pub use address::ReplicaOf;
pub use declaration::{Declaration, Subject};
pub use directive::Directive;
pub use error::{ConfigError, SetError};
pub use keyspace_events::KeyspaceEvents;
pub use load::Include;
pub(crate) use number::parse_memory;
pub use output_limit::{OutputLimit, OutputLimits};
pub(crate) use quote::push_quoted;
pub use reach::Entrance;
pub use save_point::SavePoint;
pub use set::{Asker, Changes};
pub use words::{
    AclPubsubDefault, AppendFsync, DisklessLoad, LogFormat, LogLevel, LogTimestamps, MaxmemoryPolicy,
    OomScoreAdj, PropagationError, ProtectedAction, SanitizeDumpPayload, ShutdownFlags, Supervised,
    SyslogFacility, TlsAuthClients,
};

use directives::Id;
use value::Value;

/// Why a value is refused, in Redis' words.
type Reason = Cow<'static, str>;

const WRONG_COUNT: &str = "wrong number of arguments";

/// The value of every directive, and what redis.conf declares besides.
#[derive(Clone, Debug)]
pub struct Config {
    /// By [`Id`].
    values: Vec<Value>,
    declarations: Vec<Declaration>,
    /// The users as they are now, for CONFIG REWRITE; `None` until told.
    users: Option<Vec<String>>,
    /// Whether a file has set `save`: its first `save` replaces the default, later ones add to it.
    save_loaded: bool,
}

impl Default for Config {
    /// A node without configuration.
    fn default() -> Self {
        let values = directives::all().map(|(_, directive)| Value::default_of(directive)).collect();
        Config { values, declarations: Vec::new(), users: None, save_loaded: false }
    }
}

impl Config {
    fn value(&self, id: Id) -> &Value {
        &self.values[id.index()]
    }

    fn put(&mut self, id: Id, value: Value) {
        self.values[id.index()] = value;
    }
}

/// The directive called `name`, or with that alias, in any case.
pub fn directive(name: &[u8]) -> Option<&'static Directive> {
    directives::find(name).map(|found| found.directive)
}

/// The directives of Redis that change nothing here, each with the reason.
pub fn without_effect() -> &'static [(&'static str, &'static str)] {
    directives::WITHOUT_EFFECT
}

#[cfg(test)]
mod tests;
