//! What scripts, functions, and the commands within them are refused, in Redis' words.

use alloc::vec::Vec;

use super::{CommandName, Sent, Text};

/// Whether what runs is a script or a function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scripted {
    /// EVAL and its kin.
    Eval,
    /// FCALL.
    Function,
}

/// Why a script, or a command of a script, is not executed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ScriptError {
    /// The node has nothing that runs scripts.
    NoEngine,
    /// EVALSHA of a digest that no script has.
    NoScript,
    /// A number of keys below 0.
    KeysNegative,
    /// A script that is no program.
    Compile(Sent),
    /// A script that did not end well: code and text.
    Raised(Sent),
    /// A script that ended with something that is no error of ours: its digest, and what it is.
    Failed(Sent, Sent),
    /// A first line of `#!` that names nothing.
    NoEngineInShebang,
    /// A first line of `#!` that names something else than Lua.
    EngineInShebang(Sent),
    /// A word behind `#!lua` that is no option.
    OptionInShebang(Sent),
    /// A flag that is none.
    FlagInShebang(Sent),
    /// A first line of `#!` without an end.
    ShebangWithoutEnd,
    /// The flag `no-cluster`, in a cluster.
    NoCluster,
    /// No memory, without the flag `allow-oom`.
    OutOfMemory,
    /// A replica without its primary, without the flag `allow-stale`.
    Stale,
    /// A replica, without the flag `no-writes`.
    WritesOnReplica,
    /// Snapshots fail, and the script lacks the flag `no-writes`.
    MisConf,
    /// The append-only file cannot be written, and the script lacks the flag `no-writes`; why.
    MisConfAof(Sent),
    /// Too few replicas follow, and the script lacks the flag `no-writes`.
    NoReplicas,
    /// EVAL_RO and its kin without the flag `no-writes`.
    WritesInReadOnly,
    /// A command of a script that is none.
    UnknownCommand,
    /// A command of a script with too few or too many arguments.
    CommandArity,
    /// A command that scripts must not send.
    NotAllowed,
    /// A command that a replica without its primary does not execute.
    CommandOnStaleReplica,
    /// A command that writes, of a script that must not.
    CommandWrites,
    /// A command that writes, while the cluster is down and allows reads only.
    ClusterDownReadOnly,
    /// A command while the cluster is down.
    ClusterDown,
    /// Keys of one command lie in several slots.
    CrossSlotCommand(CommandName),
    /// Keys that were not declared are on their way.
    Rehashing(CommandName),
    /// A key of a slot that nobody serves.
    SlotNotServed,
    /// A key that another node serves.
    NonLocalKey,
    /// Keys of several commands lie in several slots.
    CrossSlot,
    /// Killed.
    Killed(Scripted),
    /// A command while a script takes its time.
    Busy(Scripted),
    /// SCRIPT KILL while none runs.
    NotBusy,
    /// SCRIPT KILL of a script that has written.
    Unkillable,
    /// SCRIPT KILL of a script that the primary has sent.
    UnkillableFromPrimary,
    /// SCRIPT FLUSH with a word that is none of two.
    FlushMode,
    /// SCRIPT DEBUG with a word that is none of three.
    DebugMode,
    /// SCRIPT DEBUG YES: there is no debugger.
    NoDebugger,
}

impl ScriptError {
    pub(super) fn write_text(&self, text: &mut Text<'_>) {
        match self {
            ScriptError::Compile(why) => text.around("ERR Error compiling script (new function): ", why, ""),
            ScriptError::Raised(error) => text.around("", error, ""),
            ScriptError::Failed(script, why) => {
                text.around("ERR Error running script ", script, ", ");
                text.around("", &why[..why.len().min(FAILURE_SHOWN_MAX)], "");
            }
            ScriptError::EngineInShebang(word) => {
                text.around("ERR Unexpected engine in script shebang: ", word, "");
            }
            ScriptError::OptionInShebang(word) => text.around("ERR Unknown lua shebang option: ", word, ""),
            ScriptError::FlagInShebang(word) => {
                text.around("ERR Unexpected flag in script shebang: ", word, "");
            }
            ScriptError::MisConfAof(why) => text.around(
                "MISCONF Redis is configured to persist data to AOF, but it's currently unable to persist to disk. Writable scripts are blocked. Use 'no-writes' flag for read only scripts. AOF error: ",
                why,
                "",
            ),
            ScriptError::CrossSlotCommand(name) => text.put(format_args!(
                "ERR Command '{name}' in script attempted to access keys that don't hash to the same slot"
            )),
            ScriptError::Rehashing(name) => text.put(format_args!(
                "ERR Unable to execute command '{name}' in script because undeclared keys were accessed during rehashing of the slot"
            )),
            fixed => text.put(format_args!("{}", fixed.fixed())),
        }
    }

    /// The text of what has no parts.
    fn fixed(&self) -> &'static str {
        match self {
            ScriptError::NoEngine => "ERR This node runs no scripts",
            ScriptError::NoScript => "NOSCRIPT No matching script. Please use EVAL.",
            ScriptError::KeysNegative => "ERR Number of keys can't be negative",
            ScriptError::NoEngineInShebang => "ERR Invalid engine in script shebang",
            ScriptError::ShebangWithoutEnd => "ERR Invalid script shebang",
            ScriptError::NoCluster => "ERR Can not run script on cluster, 'no-cluster' flag is set.",
            ScriptError::OutOfMemory => {
                "OOM allow-oom flag is not set on the script, can not run it when used memory > 'maxmemory'"
            }
            ScriptError::Stale => {
                "MASTERDOWN Link with MASTER is down, replica-serve-stale-data is set to 'no' and 'allow-stale' flag is not set on the script."
            }
            ScriptError::WritesOnReplica => {
                "READONLY Can not run script with write flag on readonly replica."
            }
            ScriptError::MisConf => {
                "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Writable scripts are blocked. Use 'no-writes' flag for read only scripts."
            }
            ScriptError::NoReplicas => "NOREPLICAS Not enough good replicas to write.",
            ScriptError::WritesInReadOnly => {
                "ERR Can not execute a script with write flag using *_ro command."
            }
            ScriptError::UnknownCommand => "ERR Unknown Redis command called from script",
            ScriptError::CommandArity => "ERR Wrong number of args calling Redis command from script",
            ScriptError::NotAllowed => "ERR This Redis command is not allowed from script",
            ScriptError::CommandOnStaleReplica => "ERR Can not execute the command on a stale replica",
            ScriptError::CommandWrites => "ERR Write commands are not allowed from read-only scripts.",
            ScriptError::ClusterDownReadOnly => {
                "ERR Script attempted to execute a write command while the cluster is down and readonly"
            }
            ScriptError::ClusterDown => "ERR Script attempted to execute a command while the cluster is down",
            ScriptError::SlotNotServed => "ERR Script attempted to access a slot not served",
            ScriptError::NonLocalKey => "ERR Script attempted to access a non local key in a cluster node",
            ScriptError::CrossSlot => "ERR Script attempted to access keys that do not hash to the same slot",
            ScriptError::Killed(Scripted::Eval) => "ERR Script killed by user with SCRIPT KILL...",
            ScriptError::Killed(Scripted::Function) => "ERR Script killed by user with FUNCTION KILL...",
            ScriptError::Busy(Scripted::Eval) => {
                "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."
            }
            ScriptError::Busy(Scripted::Function) => {
                "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE."
            }
            ScriptError::NotBusy => "NOTBUSY No scripts in execution right now.",
            ScriptError::Unkillable => {
                "UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command."
            }
            ScriptError::UnkillableFromPrimary => {
                "UNKILLABLE The busy script was sent by a master instance in the context of replication and cannot be killed."
            }
            ScriptError::FlushMode => "ERR SCRIPT FLUSH only support SYNC|ASYNC option",
            ScriptError::DebugMode => "ERR Use SCRIPT DEBUG YES/SYNC/NO",
            ScriptError::NoDebugger => "ERR This server has no Lua debugger",
            ScriptError::Compile(_)
            | ScriptError::Raised(_)
            | ScriptError::Failed(..)
            | ScriptError::EngineInShebang(_)
            | ScriptError::OptionInShebang(_)
            | ScriptError::FlagInShebang(_)
            | ScriptError::MisConfAof(_)
            | ScriptError::CrossSlotCommand(_)
            | ScriptError::Rehashing(_) => unreachable!("its text has parts"),
        }
    }

    /// What a script has raised, without the line breaks around it.
    pub fn raised(error: &[u8]) -> Self {
        let is_break = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let start = error.iter().take_while(|byte| is_break(byte)).count();
        let end = error.len() - error[start..].iter().rev().take_while(|byte| is_break(byte)).count();
        ScriptError::Raised(Vec::from(&error[start..end]))
    }
}

/// Bytes of what is no error of ours that are shown.
const FAILURE_SHOWN_MAX: usize = 100;
