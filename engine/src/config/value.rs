//! The value of a directive, whatever its kind, and how it is read and shown.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::address::{self, BIND_DEFAULT, ReplicaOf};
use super::directive::{Directive, Kind};
use super::keyspace_events::KeyspaceEvents;
use super::output_limit::OutputLimits;
use super::save_point::{self, SavePoint};
use super::words::{self, ShutdownFlags};
use super::{Reason, WRONG_COUNT, checks, oom_scores, percentiles};

/// What a directive is set to.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Value {
    Bool(bool),
    Int(i128),
    /// A word, or a set of words, by number.
    Word(u32),
    Text(String),
    Secret(Vec<u8>),
    Save(Vec<SavePoint>),
    OutputLimits(OutputLimits),
    OomScores([i32; oom_scores::COUNT]),
    Events(KeyspaceEvents),
    Bind(Vec<String>),
    ReplicaOf(Option<ReplicaOf>),
    Percentiles(Vec<f64>),
}

impl Value {
    /// What `directive` is without configuration.
    pub(super) fn default_of(directive: &Directive) -> Value {
        match directive.kind {
            Kind::Bool(default) => Value::Bool(default),
            Kind::Int(int) => Value::Int(int.default),
            Kind::Word(_, default) => Value::Word(default),
            Kind::ShutdownFlags => Value::Word(0),
            Kind::Text { default, .. } => Value::Text(default.unwrap_or_default().to_string()),
            Kind::Secret => Value::Secret(Vec::new()),
            Kind::Save => Value::Save(SavePoint::DEFAULT.to_vec()),
            Kind::OutputLimits => Value::OutputLimits(OutputLimits::DEFAULT),
            Kind::OomScores => Value::OomScores(oom_scores::DEFAULT),
            Kind::KeyspaceEvents => Value::Events(KeyspaceEvents::default()),
            Kind::Bind => Value::Bind(BIND_DEFAULT.map(String::from).to_vec()),
            Kind::ReplicaOf => Value::ReplicaOf(None),
            Kind::Percentiles => Value::Percentiles(percentiles::DEFAULT.to_vec()),
        }
    }

    /// The value that `args` give `directive`, which is now at `self`.
    ///
    /// # Errors
    /// In Redis' words.
    pub(super) fn changed(&self, directive: &Directive, args: &[&[u8]]) -> Result<Value, Reason> {
        match (directive.kind, self) {
            (Kind::ShutdownFlags, _) => parse_shutdown_flags(args),
            (Kind::Save, _) => save_point::parse(args).map(Value::Save),
            (Kind::OutputLimits, Value::OutputLimits(limits)) => {
                limits.changed(args).map(Value::OutputLimits)
            }
            (Kind::OutputLimits, _) => OutputLimits::DEFAULT.changed(args).map(Value::OutputLimits),
            (Kind::OomScores, _) => oom_scores::parse(args).map(Value::OomScores),
            (Kind::Bind, _) => address::parse_bind(args).map(Value::Bind),
            (Kind::ReplicaOf, _) => ReplicaOf::parse(args).map(Value::ReplicaOf),
            (Kind::Percentiles, _) => percentiles::parse(args).map(Value::Percentiles),
            (kind, _) => match args {
                [arg] => parse_single(kind, arg),
                _ => Err(WRONG_COUNT.into()),
            },
        }
    }

    /// As CONFIG GET shows it.
    pub(super) fn format(&self, directive: &Directive) -> Vec<u8> {
        match (self, directive.kind) {
            (Value::Secret(bytes), _) => return bytes.clone(),
            (Value::Bool(yes), _) => yes_no(*yes).to_string(),
            (Value::Int(number), Kind::Int(int)) => int.format(*number),
            (Value::Int(number), _) => number.to_string(),
            (Value::Word(word), Kind::Word(vocabulary, _)) => {
                words::format_word(vocabulary, *word).to_string()
            }
            (Value::Word(set), _) => words::format_word_set(ShutdownFlags::WORDS, *set),
            (Value::Text(text), _) => text.clone(),
            (Value::Save(points), _) => save_point::format(points),
            (Value::OutputLimits(limits), _) => limits.format(),
            (Value::OomScores(scores), _) => oom_scores::format(scores),
            (Value::Events(events), _) => events.format(),
            (Value::Bind(addresses), _) => addresses.join(" "),
            (Value::ReplicaOf(primary), _) => primary.as_ref().map(ReplicaOf::format).unwrap_or_default(),
            (Value::Percentiles(numbers), _) => percentiles::format(numbers),
        }
        .into_bytes()
    }
}

/// Reads the only argument of a directive that takes one.
fn parse_single(kind: Kind, arg: &[u8]) -> Result<Value, Reason> {
    match kind {
        Kind::Bool(_) => parse_bool(arg).map(Value::Bool),
        Kind::Int(int) => int.parse(arg).map(Value::Int),
        Kind::Word(vocabulary, _) => words::parse_word(vocabulary, arg).map(Value::Word),
        Kind::Text { check, .. } => {
            let text = utf8(arg)?;
            checks::run(check, text).map(|()| Value::Text(text.to_string()))
        }
        Kind::Secret => Ok(Value::Secret(arg.to_vec())),
        Kind::KeyspaceEvents => KeyspaceEvents::parse(arg).map(Value::Events),
        Kind::ShutdownFlags
        | Kind::Save
        | Kind::OutputLimits
        | Kind::OomScores
        | Kind::Bind
        | Kind::ReplicaOf
        | Kind::Percentiles => unreachable!("{kind:?} takes a list"),
    }
}

fn parse_shutdown_flags(args: &[&[u8]]) -> Result<Value, Reason> {
    let set = words::parse_word_set(ShutdownFlags::WORDS, args)?;
    ShutdownFlags::check(set).map(|()| Value::Word(set))
}

fn parse_bool(arg: &[u8]) -> Result<bool, Reason> {
    match arg.to_ascii_lowercase().as_slice() {
        b"yes" => Ok(true),
        b"no" => Ok(false),
        _ => Err("argument must be 'yes' or 'no'".into()),
    }
}

pub(super) fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// Redis takes any bytes for a path, a host or a name; we take text, because each of them is shown in texts of ours.
/// Passwords are kept as bytes.
pub(super) fn utf8(arg: &[u8]) -> Result<&str, Reason> {
    core::str::from_utf8(arg).map_err(|_| "argument must be valid UTF-8".into())
}
