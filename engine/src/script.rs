//! The seam to what runs scripts: Lua is no part of the engine, which has no C and no operating system.
//!
//! ```text
//!   EVAL, FCALL --Effect::Script--> dispatch/script.rs   which flags, may it run here and now
//!                                     host.find          a script by its text, digest or name
//!                                     host.run --------> Lua
//!                                        redis.call  --> Caller::call    a command, the shards being in hand already
//!                                        hook, now and then --> Caller::goes_on
//! ```
//!
//! Without a host (the simulator, the browser) scripts are refused.
//!
//! Source of the rules: `script.c`, `eval.c` and `functions.c` of Redis 7.2.

mod library;

pub use library::{Function, LOAD_PATIENCE_MS, Libraries, Library, Loading, Taken, is_name};

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU8, Ordering};

use slotway_core::resp::args::{Args, ArgsBuf};
use slotway_core::resp::encode::{Protocol, ReplyWriter};
use slotway_core::resp::error::{ErrorReply, FunctionError, ScriptError, Scripted};
use slotway_core::resp::inline::split_args;
use slotway_core::time::UnixMs;

use crate::propagation::Readers;

/// How a command names the script that is to run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Naming {
    /// By its text: EVAL.
    Text,
    /// By the digest of its text: EVALSHA.
    Digest,
    /// By the name of a function: FCALL.
    Function,
}

impl Naming {
    /// Whether it is a script or a function.
    pub fn kind(self) -> Scripted {
        match self {
            Naming::Text | Naming::Digest => Scripted::Eval,
            Naming::Function => Scripted::Function,
        }
    }
}

/// Whether a script may write at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// As its flags say.
    Usual,
    /// It may not: EVAL_RO, EVALSHA_RO, FCALL_RO.
    ReadOnly,
}

/// What a command asks to be run. Its words are those of the request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Invocation {
    /// What argument 1 is.
    pub naming: Naming,
    /// How many keys there are, from argument 3 on; arguments of the script follow.
    pub keys: usize,
    /// Whether it may write.
    pub mode: Mode,
}

/// What a script says of itself in its first line, or a function when it is registered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScriptFlag {
    /// `no-writes`
    NoWrites,
    /// `allow-oom`
    AllowOom,
    /// `allow-stale`
    AllowStale,
    /// `no-cluster`
    NoCluster,
    /// `allow-cross-slot-keys`
    AllowCrossSlotKeys,
    /// It says nothing, as before there were flags: each command is looked at by itself.
    Compat,
}

impl ScriptFlag {
    /// Those that have a name, in Redis' order.
    pub const NAMED: [(&'static str, ScriptFlag); 5] = [
        ("no-writes", ScriptFlag::NoWrites),
        ("allow-oom", ScriptFlag::AllowOom),
        ("allow-stale", ScriptFlag::AllowStale),
        ("no-cluster", ScriptFlag::NoCluster),
        ("allow-cross-slot-keys", ScriptFlag::AllowCrossSlotKeys),
    ];

    /// The flag of that name.
    pub fn named(name: &[u8]) -> Option<Self> {
        Self::NAMED.into_iter().find(|(known, _)| known.as_bytes() == name).map(|(_, flag)| flag)
    }
}

/// Some flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ScriptFlags(u8);

impl ScriptFlags {
    /// Of a script without a first line of `#!`.
    pub const COMPAT: ScriptFlags = ScriptFlags(1 << ScriptFlag::Compat as u8);

    /// Adds a flag.
    pub fn insert(&mut self, flag: ScriptFlag) {
        self.0 |= 1 << flag as u8;
    }

    /// Whether it is among them.
    pub fn contains(self, flag: ScriptFlag) -> bool {
        self.0 & 1 << flag as u8 != 0
    }
}

/// A script that a host has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found {
    /// What the host knows it by, until it is removed.
    pub id: ScriptId,
    /// What it says of itself.
    pub flags: ScriptFlags,
    /// Whether it is a script or a function.
    pub kind: Scripted,
}

/// What a host knows a script or a function by; never used twice for one kind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ScriptId(pub u64);

/// Runs scripts, and keeps those that it has been given.
pub trait ScriptHost {
    /// The script or function that `naming` and `name` mean; a text is compiled and kept if it is new.
    ///
    /// # Errors
    /// There is none, or it is no program.
    fn find(&self, naming: Naming, name: &[u8]) -> Result<Found, ErrorReply>;

    /// Runs what was found on behalf of `caller`, with its keys and arguments, and writes its reply.
    ///
    /// # Errors
    /// What it has raised.
    fn run(
        &self,
        found: Found,
        keys: Args<'_>,
        args: Args<'_>,
        caller: &mut dyn Caller,
    ) -> Result<(), ErrorReply>;

    /// Keeps the script of this text: SCRIPT LOAD. Returns its digest.
    ///
    /// # Errors
    /// It is no program.
    fn load(&self, text: &[u8]) -> Result<Digest, ErrorReply>;

    /// Whether it has a script of that digest.
    fn has(&self, digest: &[u8]) -> bool;

    /// Forgets all scripts: SCRIPT FLUSH.
    fn flush(&self);

    /// The flags of the script or function that `naming` and `name` mean, as far as it can be told without compiling anything.
    fn flags(&self, naming: Naming, name: &[u8]) -> Option<ScriptFlags>;

    /// Runs the program of a library, and returns the functions that it registers. They can be called until libraries are set without them.
    ///
    /// # Errors
    /// It is no program, or does not end well.
    fn register(&self, program: &[u8], loading: &Loading<'_>) -> Result<Vec<Function>, FunctionError>;

    /// The libraries that there are.
    fn libraries(&self) -> Arc<Libraries>;

    /// From now on there are these; functions of others are forgotten. Called with all shards in hand, so while none of them runs.
    fn set_libraries(&self, libraries: Arc<Libraries>);

    /// Figures for INFO.
    fn figures(&self) -> ScriptFigures;

    /// The script that has run for longer than it should, if there is one.
    fn slow(&self) -> Option<Arc<SlowScript>>;

    /// Has everybody know that it runs for longer than it should, or that it is over.
    fn set_slow(&self, slow: Option<Arc<SlowScript>>);
}

/// The digest of a script, in hexadecimal.
pub type Digest = [u8; 40];

/// What a script can ask of the node while it runs.
pub trait Caller {
    /// Executes a command, and returns its reply in the protocol that the script has chosen; it stays until the next call.
    fn call(&mut self, words: Args<'_>) -> &[u8];

    /// Whether the user may send this command: `redis.acl_check_cmd`. `None` if it is none.
    fn allows(&self, words: Args<'_>) -> Option<bool>;

    /// The protocol of replies from now on: `redis.setresp`.
    fn set_protocol(&mut self, protocol: Protocol);

    /// The protocol of replies.
    fn protocol(&self) -> Protocol;

    /// Who gets what the script writes from now on: `redis.set_repl`.
    fn set_readers(&mut self, readers: Readers);

    /// Asked now and then. False: the script is to end now.
    fn goes_on(&mut self) -> bool;

    /// A line for the log, at a level from 0 (debug) to 3 (warning).
    fn log(&self, level: u8, line: &[u8]);

    /// Where the reply of the script goes, in the client's protocol.
    fn reply(&mut self) -> ReplyWriter<'_>;
}

/// Figures of a host.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ScriptFigures {
    /// Scripts that it has.
    pub scripts: usize,
    /// Bytes of their texts, and of what finds them.
    pub scripts_bytes: usize,
    /// Bytes of the interpreter of scripts.
    pub scripts_vm_bytes: usize,
    /// Libraries of functions that it has.
    pub libraries: usize,
    /// Functions in them.
    pub functions: usize,
    /// Bytes of their code, and of what finds them.
    pub functions_bytes: usize,
    /// Bytes of the interpreter of functions.
    pub functions_vm_bytes: usize,
}

/// A script that runs for longer than `busy-reply-threshold`.
#[derive(Debug)]
pub struct SlowScript {
    /// What it is.
    pub kind: Scripted,
    /// The request that has begun it.
    pub request: ArgsBuf,
    /// When it began.
    pub started_at: UnixMs,
    /// Whether this node's primary has sent it.
    pub is_from_primary: bool,
    fate: AtomicU8,
}

/// Nothing has been decided.
const OPEN: u8 = 0;
/// It has written, and can be killed no more.
const WRITTEN: u8 = 1;
/// It is to end, and can write no more.
const KILLED: u8 = 2;

impl SlowScript {
    /// One that has begun at `started_at`, and has written already or not.
    pub fn new(
        kind: Scripted,
        request: Args<'_>,
        started_at: UnixMs,
        has_written: bool,
        is_from_primary: bool,
    ) -> Self {
        let fate = AtomicU8::new(if has_written { WRITTEN } else { OPEN });
        Self { kind, request: request.to_owned(), started_at, is_from_primary, fate }
    }

    /// It is about to write. False if it has been killed.
    pub fn writes(&self) -> bool {
        self.decide(WRITTEN)
    }

    /// Whether it has been killed.
    pub fn is_killed(&self) -> bool {
        self.fate.load(Ordering::Relaxed) == KILLED
    }

    /// Kills it: SCRIPT KILL or FUNCTION KILL.
    ///
    /// # Errors
    /// It is of the other kind, or past that.
    pub fn kill(&self, kind: Scripted) -> Result<(), ScriptError> {
        match () {
            () if self.is_from_primary => Err(ScriptError::UnkillableFromPrimary),
            () if self.fate.load(Ordering::Relaxed) == WRITTEN => Err(ScriptError::Unkillable),
            () if self.kind != kind => Err(ScriptError::Busy(self.kind)),
            () if self.decide(KILLED) => Ok(()),
            () => Err(ScriptError::Unkillable),
        }
    }

    /// Decides its fate, unless that has been decided. True if it is this now.
    fn decide(&self, fate: u8) -> bool {
        let decided = self.fate.compare_exchange(OPEN, fate, Ordering::Relaxed, Ordering::Relaxed);
        decided.is_ok_and(|_| true) || decided == Err(fate)
    }
}

/// What of a script's text is the program, and which flags its first line has.
///
/// # Errors
/// A first line of `#!` that is not as it should be.
pub fn split_shebang(text: &[u8]) -> Result<(ScriptFlags, &[u8]), ScriptError> {
    if !text.starts_with(b"#!") {
        return Ok((ScriptFlags::COMPAT, text));
    }
    let end = text.iter().position(|byte| *byte == b'\n').ok_or(ScriptError::ShebangWithoutEnd)?;
    let words = split_args(&text[..end]).map_err(|_| ScriptError::NoEngineInShebang)?;
    let (engine, options) = words.split_first().ok_or(ScriptError::NoEngineInShebang)?;
    if engine != b"#!lua" {
        return Err(ScriptError::EngineInShebang(engine.clone()));
    }
    let mut flags = ScriptFlags::default();
    for word in options {
        let names = word.strip_prefix(b"flags=").ok_or_else(|| ScriptError::OptionInShebang(word.clone()))?;
        for name in names.split(|byte| *byte == b',').filter(|_| !names.is_empty()) {
            flags.insert(ScriptFlag::named(name).ok_or_else(|| ScriptError::FlagInShebang(name.into()))?);
        }
    }
    // The line break stays, so that lines keep their numbers.
    Ok((flags, &text[end..]))
}

/// The names of flags, as FUNCTION LIST shows them.
pub fn flag_names(flags: ScriptFlags) -> Vec<&'static str> {
    ScriptFlag::NAMED.into_iter().filter(|(_, flag)| flags.contains(*flag)).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests;
