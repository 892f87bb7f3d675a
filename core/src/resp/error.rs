//! Every error text that a client can see, once, in Redis' exact words.
//!
//! Handlers, admission guards and the router return these values; only the reply writer turns them into bytes.
//! The first word of a text is the error code that clients match on.

mod acl;
mod cluster;
mod function;
mod migration;
mod script;
mod slot_stats;
mod stream;
mod tracking;

pub use acl::{AclError, Lack, RuleError};
pub use cluster::ClusterError;
pub use function::{FunctionError, NAME_RULE};
pub use migration::MigrationError;
pub use script::{ScriptError, Scripted};
pub use slot_stats::SlotStatsError;
pub use stream::StreamError;
pub use tracking::TrackingError;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use crate::slot::Slot;

/// An error reply.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ErrorReply {
    /// An option or a word in the wrong place.
    Syntax,
    /// An argument that must be a 64-bit integer is not.
    NotAnInteger,
    /// An argument that must be a floating point number is not.
    NotAFloat,
    /// The key holds another type.
    WrongType,
    /// No such key, where one is required.
    NoSuchKey,
    /// An index past the value's end (LSET and kin).
    IndexOutOfRange,
    /// An offset below 0 (SETRANGE).
    OffsetOutOfRange,
    /// A bit offset that is not an integer in 0..2^32 x 8 `proto-max-bulk-len`.
    BitOffset,
    /// A bit that is neither 0 nor 1 (SETBIT).
    BitValue,
    /// A bit argument of BITPOS that is neither 0 nor 1.
    BitArgument,
    /// A BITFIELD type that is not i1..i64 or u1..u63.
    BitfieldType,
    /// A BITFIELD overflow word that is not WRAP, SAT or FAIL.
    BitfieldOverflow,
    /// BITFIELD_RO with something else than GET.
    BitfieldReadOnly,
    /// BITOP NOT with several sources.
    BitopNot,
    /// LCS of keys that hold another type.
    LcsNotStrings,
    /// LCS with both LEN and IDX.
    LcsLenAndIdx,
    /// LCS of strings whose table would pass `proto-max-bulk-len`.
    LcsTooLarge,
    /// LCS of strings whose table does not fit into memory.
    LcsOutOfMemory,
    /// MULTI after MULTI.
    NestedMulti,
    /// EXEC without MULTI.
    ExecWithoutMulti,
    /// DISCARD without MULTI.
    DiscardWithoutMulti,
    /// WATCH after MULTI.
    WatchInsideMulti,
    /// A command that is not allowed after MULTI.
    NotInTransaction,
    /// EXEC after a command was refused.
    ExecAborted,
    /// EXEC with arguments.
    ExecArity,
    /// EXEC of commands that are refused now, with the reason.
    ExecAbortedBy(Box<ErrorReply>),
    /// A blocked client was let go by CLIENT UNBLOCK.
    Unblocked,
    /// A command that a RESP2 connection must not send while it listens to channels.
    Subscribed(CommandName),
    /// CLIENT UNBLOCK with a reason that is none.
    UnblockReason,
    /// A timeout that is no number (BLPOP).
    TimeoutNotAFloat,
    /// A timeout that is no integer (XREAD).
    TimeoutNotAnInteger,
    /// A timeout below 0.
    TimeoutNegative,
    /// A timeout that ends later than time is counted.
    TimeoutOutOfRange,
    /// A value that would pass `proto-max-bulk-len`.
    StringTooLong,
    /// An increment that leaves 64 bits.
    IncrementOverflow,
    /// A decrement that cannot be negated.
    DecrementOverflow,
    /// A float increment that gives NaN or infinity.
    NotFinite,
    /// A value that must be positive is not.
    NotPositive,
    /// An integer argument outside a range.
    OutOfRange,
    /// A number of keys that is not above 0.
    NumkeysNotPositive,
    /// A number of keys that more words than there are would have to follow.
    NumkeysTooLarge,
    /// A limit below 0 (SINTERCARD, ZINTERCARD).
    LimitNegative,
    /// SORT without ALPHA of what is no number.
    SortNotNumeric,
    /// SORT with BY and a pattern in cluster mode.
    SortByInCluster,
    /// SORT with GET in cluster mode.
    SortGetInCluster,
    /// The key holds a string that is no HyperLogLog.
    NotHyperLogLog,
    /// The key holds a HyperLogLog that cannot be read.
    CorruptedHyperLogLog,
    /// PFDEBUG DECODE of a dense HyperLogLog.
    HyperLogLogNotSparse,
    /// PFDEBUG of no key.
    SpecifiedKeyMissing,
    /// A subcommand of PFDEBUG that is not one.
    UnknownPfdebugSubcommand(Sent),
    /// An integer argument outside a range that the text names.
    OutOfRangeBetween(i64, i64),
    /// LPOS with RANK 0.
    RankZero,
    /// An option of LPOS with a number below 0.
    OptionNegative(&'static str),
    /// A number of elements to pop that is not above 0.
    CountNotPositive,
    /// A field of a hash that is no integer.
    HashNotAnInteger,
    /// A field of a hash that is no number.
    HashNotAFloat,
    /// A float increment that is infinite.
    IncrementNotFinite,
    /// A scan cursor that is not a number.
    InvalidCursor,
    /// An expiry that is 0, negative or past what fits.
    InvalidExpire(CommandName),
    /// NX together with XX, GT or LT.
    ExpireNxWithOthers,
    /// GT together with LT.
    ExpireGtWithLt,
    /// An option of EXPIRE that is not one.
    UnsupportedOption(Sent),
    /// RESTORE of a key that is there, without REPLACE.
    BusyKey,
    /// MIGRATE with a key and KEYS.
    MigrateKeyAndKeys,
    /// MIGRATE within EXEC, where nobody can wait for the network.
    MigrateInTransaction,
    /// MIGRATE of keys that were flushed, or whose node became a replica, while they were on their way.
    MigrateOvertaken,
    /// MIGRATE to a server that cannot be reached.
    MigrateConnect,
    /// MIGRATE to a server that takes nothing any more.
    MigrateWrite,
    /// MIGRATE to a server that does not answer.
    MigrateRead,
    /// MIGRATE to a server that refuses, in its words.
    MigrateRefused(Vec<u8>),
    /// RESTORE of a payload of a later version, or with another checksum than its own.
    DumpPayload,
    /// RESTORE of a payload that is no value.
    BadDataFormat,
    /// RESTORE with a time to live below 0.
    InvalidTtl,
    /// RESTORE IDLETIME below 0.
    InvalidIdletime,
    /// RESTORE FREQ outside 0..256.
    InvalidFrequency,
    /// Source and destination of a copy are one key.
    SameObject,
    /// A database number outside the configured ones.
    DbIndexOutOfRange,
    /// A database number that is not an integer.
    InvalidDbIndex,
    /// First or second database number of SWAPDB is not an integer.
    InvalidSwapDbIndex(&'static str),
    /// SELECT of another database than 0 in cluster mode.
    SelectInCluster,
    /// SWAPDB in cluster mode.
    SwapDbInCluster,
    /// MOVE in cluster mode.
    MoveInCluster,
    /// OBJECT FREQ without an LFU policy.
    ObjectFreqWithoutLfu,
    /// OBJECT IDLETIME with an LFU policy.
    ObjectIdletimeWithLfu,
    /// No such command; the text repeats the beginning of what was sent.
    UnknownCommand(Sent),
    /// No such subcommand.
    UnknownSubcommand {
        /// The word sent as the subcommand.
        sent: Sent,
        /// The container, in upper case.
        container: String,
    },
    /// Wrong number of arguments.
    Arity(CommandName),
    /// The command is not allowed before AUTH.
    NoAuth,
    /// AUTH with a wrong name or password.
    WrongPass,
    /// AUTH without a password configured.
    AuthNotConfigured,
    /// HELLO with a version that is not 2 or 3.
    UnsupportedProtocol,
    /// HELLO with a version that is not a number.
    ProtocolNotAnInteger,
    /// HELLO on a connection that must authenticate first.
    HelloNeedsAuth,
    /// A word of HELLO that is not an option.
    HelloOption(Sent),
    /// A client name with spaces or line breaks.
    ClientName,
    /// An attribute of CLIENT SETINFO with spaces or line breaks.
    ClientAttribute(Sent),
    /// An attribute of CLIENT SETINFO that is not one.
    UnknownClientAttribute(Sent),
    /// CLIENT KILL found nobody.
    NoSuchClient,
    /// CLIENT LIST ID with something else than a number.
    InvalidClientId,
    /// CLIENT KILL ID with something else than a number above 0.
    ClientIdNotPositive,
    /// A user that does not exist.
    UnknownUser(Sent),
    /// A CLIENT type that is not one.
    UnknownClientType(Sent),
    /// MODULE LOAD and UNLOAD by somebody who may not.
    ModuleNotAllowed,
    /// MODULE LOAD.
    ModuleNotLoaded,
    /// MODULE UNLOAD.
    NoSuchModule,
    /// MONITOR where nothing waits.
    MonitorDenied,
    /// A command on data by a connection that has sent MONITOR.
    MonitorAsksForData,
    /// LATENCY GRAPH of an event that there has not been.
    NoLatencySamples(Sent),
    /// SLOWLOG GET of less than -1 commands.
    SlowlogCount,
    /// A command for cluster mode sent to a node without it.
    ClusterDisabled,
    /// A node id that names no known node.
    UnknownNode(Sent),
    /// A slot that is not a number in 0..16384.
    InvalidSlot,
    /// CLUSTER COUNTKEYSINSLOT with a number that is no slot.
    SlotOutOfRange,
    /// CLUSTER GETKEYSINSLOT with a number that is no slot, or a count below 0.
    SlotOrCountOutOfRange,
    /// A command of a primary sent for a node that is not one.
    NotAPrimary,
    /// COMMAND GETKEYS of a command without keys.
    NoKeyArguments,
    /// COMMAND GETKEYS of a command that does not exist.
    InvalidCommandSpecified,
    /// COMMAND GETKEYS of a command with too few or too many arguments.
    InvalidArgumentCount,
    /// COMMAND GETKEYS of a command whose arguments name no keys.
    InvalidArguments,
    /// ZADD with XX and NX.
    ScoreNxWithXx,
    /// ZADD with two of GT, LT and NX.
    ScoreGtLtNx,
    /// ZADD INCR of several members.
    ScoreIncrementPairs,
    /// A score that would be NaN.
    ScoreNotANumber,
    /// A bound of a range of scores that is no number.
    ScoreBound,
    /// A bound of a range of members that begins with none of `[`, `(`, `-` and `+`.
    LexBound,
    /// LIMIT of a range of ranks.
    LimitOfRanks,
    /// WITHSCORES of a range of members.
    ScoresOfLexRange,
    /// A weight that is no number.
    WeightNotAFloat,
    /// ZUNION and kin without keys.
    NoInputKeys(CommandName),
    /// A point that is not on the map: longitude and latitude.
    OffTheMap(Float, Float),
    /// A unit of length that is none of four.
    GeoUnit,
    /// A radius that is no number.
    RadiusNotAFloat,
    /// A radius below zero.
    RadiusNegative,
    /// A width that is no number.
    WidthNotAFloat,
    /// A height that is no number.
    HeightNotAFloat,
    /// A height or a width below zero.
    BoxNegative,
    /// A member that a search begins from is not there, or its score is no place.
    GeoMember,
    /// COUNT below one.
    GeoCount,
    /// ANY without COUNT.
    GeoAnyWithoutCount,
    /// Neither FROMMEMBER nor FROMLONLAT; the text repeats the command's name as it was sent.
    GeoCenter(Sent),
    /// Neither BYRADIUS nor BYBOX; the text repeats the command's name as it was sent.
    GeoShape(Sent),
    /// A result to be stored with words that only a reply can have. The text begins with these words.
    GeoStoreWith(&'static str),
    /// The keys lie in different slots.
    CrossSlot,
    /// Another node serves the slot.
    Moved {
        /// The slot of the keys.
        slot: Slot,
        /// `host:port` as the client should see it.
        endpoint: String,
    },
    /// For this one command, another node serves the slot.
    Ask {
        /// The slot of the keys.
        slot: Slot,
        /// `host:port` as the client should see it.
        endpoint: String,
    },
    /// The keys of an open slot are partly here, partly there.
    TryAgain,
    /// No node serves the slot.
    SlotNotServed,
    /// The cluster is down.
    ClusterDown,
    /// The cluster is down, and the command writes.
    ClusterDownReadOnly,
    /// maxmemory is reached and nothing may be evicted.
    OutOfMemory,
    /// A write sent to a replica.
    ReadOnlyReplica,
    /// maxclients is reached.
    MaxClients,
    /// The request breaks RESP.
    Protocol(Sent),
    /// A connection from outside while protected mode is on.
    ProtectedMode,
    /// DEBUG while `enable-debug-command` forbids it.
    DebugNotAllowed,
    /// No such subcommand of DEBUG, or not with that many arguments.
    DebugSubcommand(Sent),
    /// A type that DEBUG PROTOCOL does not know.
    DebugProtocolType,
    /// DEBUG PROTOCOL with a type that RESP2 does not have.
    Resp2NotSupported,
    /// SHUTDOWN ABORT while nothing shuts down.
    NoShutdown,
    /// SHUTDOWN failed.
    ShutdownFailed,
    /// SAVE or BGSAVE failed: the log tells why.
    NotSaved,
    /// SAVE or BGSAVE while a snapshot is being written.
    SaveInProgress,
    /// BGSAVE while a snapshot of another kind is under way.
    SnapshotUnderWay,
    /// The snapshot cannot be loaded: the log tells why.
    NotLoaded,
    /// A write while snapshots fail.
    MisConf,
    /// A write while the append-only file cannot be written, and why.
    MisConfAof(String),
    /// A write while fewer replicas than `min-replicas-to-write` follow.
    NoReplicas,
    /// A command to a replica that has lost its primary, where `replica-serve-stale-data` is off.
    MasterDown,
    /// A command while the data is being loaded.
    Loading,
    /// PSYNC to a replica that has no primary itself.
    NoMasterLink,
    /// A client waited while the node became a replica.
    InstanceStateChanged,
    /// FAILOVER in a cluster, which has CLUSTER FAILOVER.
    FailoverInCluster,
    /// FAILOVER with a timeout that is none.
    FailoverTimeout,
    /// FAILOVER while another one is under way.
    FailoverUnderWay,
    /// FAILOVER ABORT without one.
    NoFailover,
    /// FAILOVER on a replica.
    FailoverOnReplica,
    /// FAILOVER without any replica.
    FailoverWithoutReplicas,
    /// FAILOVER FORCE without a timeout or a target.
    FailoverForce,
    /// FAILOVER to somebody who does not follow.
    FailoverToStranger,
    /// FAILOVER to a replica that has not got its data yet.
    FailoverToOffline,
    /// PSYNC FAILOVER to a primary.
    PsyncFailoverToPrimary,
    /// PSYNC FAILOVER from a primary with another history.
    PsyncFailoverOfOthers,
    /// REPLICAOF during a failover.
    ReplicaofInFailover,
    /// WAIT on a replica.
    WaitOnReplica,
    /// WAITAOF on a replica.
    WaitAofOnReplica,
    /// WAITAOF for this node's own disk, which keeps no append-only file.
    WaitAofWithoutAof,
    /// A subcommand with words that it does not take.
    SubcommandSyntax {
        /// The word sent as the subcommand.
        sent: Sent,
        /// The container, in upper case.
        container: &'static str,
    },
    /// Something about users, or that a user may not do.
    Acl(AclError),
    /// A script, or a command of a script, is refused.
    Script(ScriptError),
    /// Of a command on functions.
    Function(FunctionError),
    /// A command on a stream is refused.
    Stream(StreamError),
    /// Of CLUSTER SLOT-STATS.
    SlotStats(SlotStatsError),
    /// CLIENT TRACKING and CLIENT CACHING.
    Tracking(TrackingError),
    /// Of a CLUSTER command that changes something.
    Cluster(ClusterError),
    /// A text that needs a value of its own, such as a configuration error; code and text.
    Other(String),
}

/// A double in an error text, equal to itself even if it is NaN.
#[derive(Clone, Copy, Debug)]
pub struct Float(pub f64);

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Float {}

/// A command's name in an error text, as Redis writes it there (lower case, `config|get` for a subcommand).
pub type CommandName = &'static str;

/// Bytes that came from the client and are repeated in the text as they are, UTF-8 or not.
pub type Sent = Vec<u8>;

/// Bytes of a subcommand that the text repeats.
const SENT_SHOWN_MAX: usize = 128;

const PROTECTED_MODE: &str = "DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user. In this mode connections are only accepted from the loopback interface. If you want to connect from external computers to Redis you may adopt one of the following solutions: 1) Just disable protected mode sending the command 'CONFIG SET protected-mode no' from the loopback interface by connecting to Redis from the same host the server is running, however MAKE SURE Redis is not publicly accessible from internet if you do so. Use CONFIG REWRITE to make this change permanent. 2) Alternatively you can just disable the protected mode by editing the Redis configuration file, and setting the protected mode option to 'no', and then restarting the server. 3) If you started the server manually just for testing, restart it with the '--protected-mode no' option. 4) Setup a an authentication password for the default user. NOTE: You only need to do one of the above things in order for the server to start accepting connections from the outside.";

impl ErrorReply {
    /// An error in words of its own. `text` begins with the error code.
    pub fn other(text: impl Into<String>) -> Self {
        ErrorReply::Other(text.into())
    }

    /// Appends the text with line breaks made blanks, as Redis does, so that it stays one line.
    pub(super) fn write_line(&self, out: &mut Vec<u8>) {
        let start = out.len();
        self.write_text(out);
        for byte in &mut out[start..] {
            if matches!(byte, b'\r' | b'\n') {
                *byte = b' ';
            }
        }
    }

    fn fixed(&self) -> Option<&'static str> {
        Some(match self {
            ErrorReply::Syntax => "ERR syntax error",
            ErrorReply::ModuleNotAllowed => {
                "ERR MODULE command not allowed. If the enable-module-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server."
            }
            ErrorReply::ModuleNotLoaded => "ERR Error loading the extension. Please check the server logs.",
            ErrorReply::NoSuchModule => "ERR Error unloading module: no such module with that name",
            ErrorReply::MonitorDenied => "ERR MONITOR isn't allowed for DENY BLOCKING client",
            ErrorReply::MonitorAsksForData => "ERR Replica can't interact with the keyspace",
            ErrorReply::SlowlogCount => "ERR count should be greater than or equal to -1",
            ErrorReply::NotAnInteger => "ERR value is not an integer or out of range",
            ErrorReply::NotAFloat => "ERR value is not a valid float",
            ErrorReply::NestedMulti => "ERR MULTI calls can not be nested",
            ErrorReply::ExecWithoutMulti => "ERR EXEC without MULTI",
            ErrorReply::DiscardWithoutMulti => "ERR DISCARD without MULTI",
            ErrorReply::WatchInsideMulti => "ERR WATCH inside MULTI is not allowed",
            ErrorReply::NotInTransaction => "ERR Command not allowed inside a transaction",
            ErrorReply::ExecAborted => "EXECABORT Transaction discarded because of previous errors.",
            ErrorReply::ExecArity => {
                "EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command"
            }
            ErrorReply::Unblocked => "UNBLOCKED client unblocked via CLIENT UNBLOCK",
            ErrorReply::UnblockReason => "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR",
            ErrorReply::TimeoutNotAFloat => "ERR timeout is not a float or out of range",
            ErrorReply::TimeoutNotAnInteger => "ERR timeout is not an integer or out of range",
            ErrorReply::TimeoutNegative => "ERR timeout is negative",
            ErrorReply::TimeoutOutOfRange => "ERR timeout is out of range",
            ErrorReply::WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value",
            ErrorReply::NoSuchKey => "ERR no such key",
            ErrorReply::IndexOutOfRange => "ERR index out of range",
            ErrorReply::OffsetOutOfRange => "ERR offset is out of range",
            ErrorReply::BitOffset => "ERR bit offset is not an integer or out of range",
            ErrorReply::BitValue => "ERR bit is not an integer or out of range",
            ErrorReply::BitArgument => "ERR The bit argument must be 1 or 0.",
            ErrorReply::BitfieldType => {
                "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is."
            }
            ErrorReply::BitfieldOverflow => "ERR Invalid OVERFLOW type specified",
            ErrorReply::BitfieldReadOnly => "ERR BITFIELD_RO only supports the GET subcommand",
            ErrorReply::BitopNot => "ERR BITOP NOT must be called with a single source key.",
            ErrorReply::LcsNotStrings => "ERR The specified keys must contain string values",
            ErrorReply::LcsLenAndIdx => "ERR If you want both the length and indexes, please just use IDX.",
            ErrorReply::LcsTooLarge => {
                "ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"
            }
            ErrorReply::LcsOutOfMemory => {
                "ERR Insufficient memory, failed allocating transient memory for LCS"
            }
            ErrorReply::StringTooLong => "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
            ErrorReply::IncrementOverflow => "ERR increment or decrement would overflow",
            ErrorReply::DecrementOverflow => "ERR decrement would overflow",
            ErrorReply::NotFinite => "ERR increment would produce NaN or Infinity",
            ErrorReply::NotPositive => "ERR value is out of range, must be positive",
            ErrorReply::OutOfRange => "ERR value is out of range",
            ErrorReply::NumkeysNotPositive => "ERR numkeys should be greater than 0",
            ErrorReply::NumkeysTooLarge => "ERR Number of keys can't be greater than number of args",
            ErrorReply::LimitNegative => "ERR LIMIT can't be negative",
            ErrorReply::SortNotNumeric => "ERR One or more scores can't be converted into double",
            ErrorReply::SortByInCluster => "ERR BY option of SORT denied in Cluster mode.",
            ErrorReply::SortGetInCluster => "ERR GET option of SORT denied in Cluster mode.",
            ErrorReply::NotHyperLogLog => "WRONGTYPE Key is not a valid HyperLogLog string value.",
            ErrorReply::CorruptedHyperLogLog => "INVALIDOBJ Corrupted HLL object detected",
            ErrorReply::HyperLogLogNotSparse => "ERR HLL encoding is not sparse",
            ErrorReply::SpecifiedKeyMissing => "ERR The specified key does not exist",
            ErrorReply::RankZero => {
                "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list"
            }
            ErrorReply::CountNotPositive => "ERR count should be greater than 0",
            ErrorReply::HashNotAnInteger => "ERR hash value is not an integer",
            ErrorReply::HashNotAFloat => "ERR hash value is not a float",
            ErrorReply::IncrementNotFinite => "ERR value is NaN or Infinity",
            ErrorReply::InvalidCursor => "ERR invalid cursor",
            ErrorReply::ExpireNxWithOthers => {
                "ERR NX and XX, GT or LT options at the same time are not compatible"
            }
            ErrorReply::ExpireGtWithLt => "ERR GT and LT options at the same time are not compatible",
            ErrorReply::MigrateKeyAndKeys => {
                "ERR When using MIGRATE KEYS option, the key argument must be set to the empty string"
            }
            ErrorReply::MigrateInTransaction => "ERR MIGRATE cannot wait for its target inside a transaction",
            ErrorReply::MigrateOvertaken => {
                "ERR Keys were changed by FLUSHALL, a failover or the handover of their slot while MIGRATE was moving them: it has not removed those"
            }
            ErrorReply::MigrateConnect => "IOERR error or timeout connecting to the client",
            ErrorReply::MigrateWrite => "IOERR error or timeout writing to target instance",
            ErrorReply::MigrateRead => "IOERR error or timeout reading from target instance",
            ErrorReply::BusyKey => "BUSYKEY Target key name already exists.",
            ErrorReply::DumpPayload => "ERR DUMP payload version or checksum are wrong",
            ErrorReply::BadDataFormat => "ERR Bad data format",
            ErrorReply::InvalidTtl => "ERR Invalid TTL value, must be >= 0",
            ErrorReply::InvalidIdletime => "ERR Invalid IDLETIME value, must be >= 0",
            ErrorReply::InvalidFrequency => "ERR Invalid FREQ value, must be >= 0 and <= 255",
            ErrorReply::SameObject => "ERR source and destination objects are the same",
            ErrorReply::DbIndexOutOfRange => "ERR DB index is out of range",
            ErrorReply::InvalidDbIndex => "ERR invalid DB index",
            ErrorReply::SelectInCluster => "ERR SELECT is not allowed in cluster mode",
            ErrorReply::SwapDbInCluster => "ERR SWAPDB is not allowed in cluster mode",
            ErrorReply::MoveInCluster => "ERR MOVE is not allowed in cluster mode",
            ErrorReply::ObjectFreqWithoutLfu => {
                "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."
            }
            ErrorReply::ObjectIdletimeWithLfu => {
                "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust."
            }
            ErrorReply::NoAuth => "NOAUTH Authentication required.",
            ErrorReply::WrongPass => "WRONGPASS invalid username-password pair or user is disabled.",
            ErrorReply::AuthNotConfigured => {
                "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"
            }
            ErrorReply::UnsupportedProtocol => "NOPROTO unsupported protocol version",
            ErrorReply::ProtocolNotAnInteger => "ERR Protocol version is not an integer or out of range",
            ErrorReply::HelloNeedsAuth => {
                "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time"
            }
            ErrorReply::ClientName => {
                "ERR Client names cannot contain spaces, newlines or special characters."
            }
            ErrorReply::NoSuchClient => "ERR No such client",
            ErrorReply::InvalidClientId => "ERR Invalid client ID",
            ErrorReply::ClientIdNotPositive => "ERR client-id should be greater than 0",
            ErrorReply::ClusterDisabled => "ERR This instance has cluster support disabled",
            ErrorReply::InvalidSlot => "ERR Invalid or out of range slot",
            ErrorReply::SlotOutOfRange => "ERR Invalid slot",
            ErrorReply::SlotOrCountOutOfRange => "ERR Invalid slot or number of keys",
            ErrorReply::NotAPrimary => "ERR The specified node is not a master",
            ErrorReply::NoKeyArguments => "ERR The command has no key arguments",
            ErrorReply::InvalidCommandSpecified => "ERR Invalid command specified",
            ErrorReply::InvalidArgumentCount => "ERR Invalid number of arguments specified for command",
            ErrorReply::InvalidArguments => "ERR Invalid arguments specified for command",
            ErrorReply::ScoreNxWithXx => "ERR XX and NX options at the same time are not compatible",
            ErrorReply::ScoreGtLtNx => "ERR GT, LT, and/or NX options at the same time are not compatible",
            ErrorReply::ScoreIncrementPairs => "ERR INCR option supports a single increment-element pair",
            ErrorReply::ScoreNotANumber => "ERR resulting score is not a number (NaN)",
            ErrorReply::ScoreBound => "ERR min or max is not a float",
            ErrorReply::LexBound => "ERR min or max not valid string range item",
            ErrorReply::LimitOfRanks => {
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
            }
            ErrorReply::ScoresOfLexRange => {
                "ERR syntax error, WITHSCORES not supported in combination with BYLEX"
            }
            ErrorReply::WeightNotAFloat => "ERR weight value is not a float",
            ErrorReply::GeoUnit => "ERR unsupported unit provided. please use M, KM, FT, MI",
            ErrorReply::RadiusNotAFloat => "ERR need numeric radius",
            ErrorReply::RadiusNegative => "ERR radius cannot be negative",
            ErrorReply::WidthNotAFloat => "ERR need numeric width",
            ErrorReply::HeightNotAFloat => "ERR need numeric height",
            ErrorReply::BoxNegative => "ERR height or width cannot be negative",
            ErrorReply::GeoMember => "ERR could not decode requested zset member",
            ErrorReply::GeoCount => "ERR COUNT must be > 0",
            ErrorReply::GeoAnyWithoutCount => "ERR the ANY argument requires COUNT argument",
            ErrorReply::CrossSlot => "CROSSSLOT Keys in request don't hash to the same slot",
            ErrorReply::TryAgain => "TRYAGAIN Multiple keys request during rehashing of slot",
            ErrorReply::SlotNotServed => "CLUSTERDOWN Hash slot not served",
            ErrorReply::ClusterDown => "CLUSTERDOWN The cluster is down",
            ErrorReply::ClusterDownReadOnly => {
                "CLUSTERDOWN The cluster is down and only accepts read commands"
            }
            ErrorReply::OutOfMemory => "OOM command not allowed when used memory > 'maxmemory'.",
            ErrorReply::ReadOnlyReplica => "READONLY You can't write against a read only replica.",
            ErrorReply::MaxClients => "ERR max number of clients reached",
            ErrorReply::ProtectedMode => PROTECTED_MODE,
            ErrorReply::DebugProtocolType => {
                "ERR Wrong protocol type name. Please use one of the following: string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false"
            }
            ErrorReply::Resp2NotSupported => "ERR RESP2 is not supported by this command",
            ErrorReply::NoShutdown => "ERR No shutdown in progress.",
            ErrorReply::NotSaved => "ERR",
            ErrorReply::SaveInProgress => "ERR Background save already in progress",
            ErrorReply::SnapshotUnderWay => {
                "ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible."
            }
            ErrorReply::NotLoaded => "ERR Error trying to load the RDB dump, check server logs.",
            ErrorReply::NoReplicas => "NOREPLICAS Not enough good replicas to write.",
            ErrorReply::MasterDown => {
                "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."
            }
            ErrorReply::Loading => "LOADING Redis is loading the dataset in memory",
            ErrorReply::InstanceStateChanged => {
                "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)"
            }
            ErrorReply::FailoverInCluster => "ERR FAILOVER not allowed in cluster mode.",
            ErrorReply::FailoverTimeout => "ERR FAILOVER timeout must be greater than 0",
            ErrorReply::FailoverUnderWay => "ERR FAILOVER already in progress.",
            ErrorReply::NoFailover => "ERR No failover in progress.",
            ErrorReply::FailoverOnReplica => "ERR FAILOVER is not valid when server is a replica.",
            ErrorReply::FailoverWithoutReplicas => "ERR FAILOVER requires connected replicas.",
            ErrorReply::FailoverForce => {
                "ERR FAILOVER with force option requires both a timeout and target HOST and IP."
            }
            ErrorReply::FailoverToStranger => "ERR FAILOVER target HOST and PORT is not a replica.",
            ErrorReply::FailoverToOffline => "ERR FAILOVER target replica is not online.",
            ErrorReply::PsyncFailoverToPrimary => "ERR PSYNC FAILOVER can't be sent to a master.",
            ErrorReply::PsyncFailoverOfOthers => "ERR PSYNC FAILOVER replid must match my replid.",
            ErrorReply::ReplicaofInFailover => "ERR REPLICAOF not allowed while failing over.",
            ErrorReply::NoMasterLink => "NOMASTERLINK Can't SYNC while not connected with my master",
            ErrorReply::WaitAofOnReplica => {
                "ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just local and are not propagated."
            }
            ErrorReply::WaitAofWithoutAof => {
                "ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled."
            }
            ErrorReply::WaitOnReplica => {
                "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to be writable (which is not the default) writes to replicas are just local and are not propagated."
            }
            ErrorReply::MisConf => {
                "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled, because this instance is configured to report errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB error."
            }
            ErrorReply::ShutdownFailed => "ERR Errors trying to SHUTDOWN. Check logs.",
            ErrorReply::DebugNotAllowed => {
                "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server."
            }
            _ => return None,
        })
    }

    /// Appends the text. Texts without parts are in [`fixed`](Self::fixed).
    fn write_text(&self, out: &mut Vec<u8>) {
        if let Some(text) = self.fixed() {
            return out.extend_from_slice(text.as_bytes());
        }
        let mut text = Text(out);
        match self {
            ErrorReply::OutOfRangeBetween(low, high) => {
                text.put(format_args!("ERR value is out of range, value must between {low} and {high}"))
            }
            ErrorReply::OptionNegative(option) => {
                text.put(format_args!("ERR {option} can't be negative"))
            }
            ErrorReply::InvalidExpire(name) => {
                text.put(format_args!("ERR invalid expire time in '{name}' command"))
            }
            ErrorReply::Subscribed(name) => text.put(format_args!(
                "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
            )),
            ErrorReply::UnsupportedOption(word) => text.around("ERR Unsupported option ", word, ""),
            ErrorReply::InvalidSwapDbIndex(which) => text.put(format_args!("ERR invalid {which} DB index")),
            ErrorReply::UnknownCommand(sent) => text.around("ERR unknown command ", sent, ""),
            ErrorReply::UnknownSubcommand { sent, container } => {
                text.around("ERR unknown subcommand '", sent, "'. Try ");
                text.put(format_args!("{container} HELP."));
            }
            ErrorReply::Arity(name) => {
                text.put(format_args!("ERR wrong number of arguments for '{name}' command"))
            }
            ErrorReply::HelloOption(word) => text.around("ERR Syntax error in HELLO option '", word, "'"),
            ErrorReply::ClientAttribute(name) => {
                text.around("ERR ", name, " cannot contain spaces, newlines or special characters.")
            }
            ErrorReply::UnknownClientAttribute(word) => text.around("ERR Unrecognized option '", word, "'"),
            ErrorReply::MisConfAof(reason) => {
                text.around("MISCONF Errors writing to the AOF file: ", reason.as_bytes(), "");
            }
            ErrorReply::UnknownClientType(word) => text.around("ERR Unknown client type '", word, "'"),
            ErrorReply::NoLatencySamples(event) => {
                text.around("ERR No samples available for event '", event, "'")
            }
            ErrorReply::UnknownPfdebugSubcommand(word) => {
                text.around("ERR Unknown PFDEBUG subcommand '", word, "'")
            }
            ErrorReply::UnknownUser(name) => text.around("ERR No such user '", name, "'"),
            ErrorReply::DebugSubcommand(word) => {
                let before = "ERR unknown subcommand or wrong number of arguments for '";
                text.around(before, word, "'. Try DEBUG HELP.")
            }
            ErrorReply::UnknownNode(id) => text.around("ERR Unknown node ", id, ""),
            ErrorReply::NoInputKeys(name) => {
                text.put(format_args!("ERR at least 1 input key is needed for '{name}' command"))
            }
            ErrorReply::OffTheMap(Float(longitude), Float(latitude)) => {
                text.put(format_args!("ERR invalid longitude,latitude pair {longitude:.6},{latitude:.6}"))
            }
            ErrorReply::GeoCenter(name) => {
                text.around("ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for ", name, "")
            }
            ErrorReply::GeoShape(name) => {
                text.around("ERR exactly one of BYRADIUS and BYBOX can be specified for ", name, "")
            }
            ErrorReply::GeoStoreWith(who) => text.put(format_args!(
                "ERR {who} is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
            )),
            ErrorReply::Moved { slot, endpoint } => text.put(format_args!("MOVED {slot} {endpoint}")),
            ErrorReply::Ask { slot, endpoint } => text.put(format_args!("ASK {slot} {endpoint}")),
            ErrorReply::Protocol(what) => text.around("ERR Protocol error: ", what, ""),
            ErrorReply::ExecAbortedBy(reason) => {
                text.put(format_args!("EXECABORT Transaction discarded because of: {reason}"))
            }
            ErrorReply::SubcommandSyntax { sent, container } => {
                let before = "ERR unknown subcommand or wrong number of arguments for '";
                text.around(before, &sent[..sent.len().min(SENT_SHOWN_MAX)], "'. Try ");
                text.put(format_args!("{container} HELP."));
            }
            ErrorReply::Acl(error) => error.write_text(&mut text),
            ErrorReply::Script(error) => error.write_text(&mut text),
            ErrorReply::Function(error) => error.write_text(&mut text),
            ErrorReply::Stream(error) => error.write_text(&mut text),
            ErrorReply::SlotStats(error) => error.write_text(&mut text),
            ErrorReply::Tracking(error) => error.write_text(&mut text),
            ErrorReply::Cluster(error) => error.write_text(&mut text),
            ErrorReply::MigrateRefused(words) => text.around("ERR Target instance replied with error: ", words, ""),
            ErrorReply::Other(words) => text.around(words, b"", ""),
            fixed => unreachable!("{fixed:?} has no text"),
        }
    }
}

/// The text for people; bytes of the client that are no UTF-8 become U+FFFD, only the reply has them as they are.
impl fmt::Display for ErrorReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::new();
        self.write_text(&mut text);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

impl core::error::Error for ErrorReply {}

impl From<AclError> for ErrorReply {
    fn from(error: AclError) -> Self {
        ErrorReply::Acl(error)
    }
}

impl From<ClusterError> for ErrorReply {
    fn from(error: ClusterError) -> Self {
        ErrorReply::Cluster(error)
    }
}

impl From<MigrationError> for ErrorReply {
    fn from(error: MigrationError) -> Self {
        ErrorReply::Cluster(error.into())
    }
}

impl From<TrackingError> for ErrorReply {
    fn from(error: TrackingError) -> Self {
        ErrorReply::Tracking(error)
    }
}

impl From<SlotStatsError> for ErrorReply {
    fn from(error: SlotStatsError) -> Self {
        ErrorReply::SlotStats(error)
    }
}

impl From<ScriptError> for ErrorReply {
    fn from(error: ScriptError) -> Self {
        ErrorReply::Script(error)
    }
}

impl From<FunctionError> for ErrorReply {
    fn from(error: FunctionError) -> Self {
        ErrorReply::Function(error)
    }
}

impl From<StreamError> for ErrorReply {
    fn from(error: StreamError) -> Self {
        ErrorReply::Stream(error)
    }
}

struct Text<'a>(&'a mut Vec<u8>);

impl Text<'_> {
    fn put(&mut self, text: fmt::Arguments<'_>) {
        // A vector takes any text.
        let _ = self.write_fmt(text);
    }

    /// Writes what the client sent between words of ours: as C prints a string, up to the first NUL.
    fn around(&mut self, before: &str, sent: &[u8], after: &str) {
        self.0.extend_from_slice(before.as_bytes());
        self.0.extend(sent.iter().take_while(|byte| **byte != 0));
        self.0.extend_from_slice(after.as_bytes());
    }
}

impl fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_sent_comes_back_byte_for_byte_in_one_line() {
        let mut line = Vec::new();
        ErrorReply::HelloOption(b"\xff\r\n".to_vec()).write_line(&mut line);
        assert_eq!(line, b"ERR Syntax error in HELLO option '\xff  '");
    }
}
