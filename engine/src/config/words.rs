//! Directives whose value is one of a few words, and the enums that code reads them as.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use slotway_core::topology::EndpointType;

use super::Reason;

/// A word and what it is stored as. Several words may stand for one value: the first is the one that is shown.
pub(super) type Vocabulary = &'static [(&'static str, u32)];

/// The value of `word`, in any case.
///
/// # Errors
/// Names the words that there are.
pub(super) fn parse_word(vocabulary: Vocabulary, word: &[u8]) -> Result<u32, Reason> {
    let known = vocabulary.iter().find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word));
    known.map(|(_, value)| *value).ok_or_else(|| unknown_word(vocabulary))
}

fn unknown_word(vocabulary: Vocabulary) -> Reason {
    let names: Vec<&str> = vocabulary.iter().map(|(name, _)| *name).collect();
    format!("argument(s) must be one of the following: {}", names.join(", ")).into()
}

/// The union of the values of `words`.
///
/// # Errors
/// As [`parse_word`]; also if there are no words.
pub(super) fn parse_word_set(vocabulary: Vocabulary, words: &[&[u8]]) -> Result<u32, Reason> {
    if words.is_empty() {
        return Err(unknown_word(vocabulary));
    }
    words.iter().try_fold(0, |set, word| Ok(set | parse_word(vocabulary, word)?))
}

/// The word for `value`.
pub(super) fn format_word(vocabulary: Vocabulary, value: u32) -> &'static str {
    vocabulary.iter().find(|(_, candidate)| *candidate == value).map_or("unknown", |(name, _)| name)
}

/// The words for the bits of `set`; the word for "none" if there is none.
pub(super) fn format_word_set(vocabulary: Vocabulary, set: u32) -> String {
    if set == 0 {
        return format_word(vocabulary, 0).to_string();
    }
    let names: Vec<&str> =
        vocabulary.iter().filter(|(_, bit)| set & bit != 0).map(|(name, _)| *name).collect();
    names.join(" ")
}

/// Declares an enum together with its words.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal $(| $synonym:literal)*,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// The words in the order in which an error names them.
            pub(super) const WORDS: Vocabulary = &[
                $(($word, $name::$variant as u32), $(($synonym, $name::$variant as u32),)*)+
            ];

            /// The word of redis.conf.
            pub fn as_str(self) -> &'static str {
                format_word(Self::WORDS, self as u32)
            }

            /// The variant stored as `value`; values come from [`Self::WORDS`] only.
            pub(super) fn from_value(value: u32) -> Self {
                [$($name::$variant,)+][value as usize]
            }
        }
    };
}

words! {
    /// What to evict when `maxmemory` is reached: `maxmemory-policy`.
    MaxmemoryPolicy {
        /// Least recently used, of the keys that expire.
        VolatileLru = "volatile-lru",
        /// Least often used, of the keys that expire.
        VolatileLfu = "volatile-lfu",
        /// Any, of the keys that expire.
        VolatileRandom = "volatile-random",
        /// The next to expire.
        VolatileTtl = "volatile-ttl",
        /// Least recently used.
        AllkeysLru = "allkeys-lru",
        /// Least often used.
        AllkeysLfu = "allkeys-lfu",
        /// Any.
        AllkeysRandom = "allkeys-random",
        /// Nothing: commands that need memory are refused.
        NoEviction = "noeviction",
    }
}

impl MaxmemoryPolicy {
    /// Whether when keys were last used is what counts.
    pub fn is_lru(self) -> bool {
        matches!(self, MaxmemoryPolicy::VolatileLru | MaxmemoryPolicy::AllkeysLru)
    }

    /// Whether how often keys are used is what counts (OBJECT FREQ), rather than when they were last used.
    pub fn is_lfu(self) -> bool {
        matches!(self, MaxmemoryPolicy::VolatileLfu | MaxmemoryPolicy::AllkeysLfu)
    }
}

words! {
    /// How much is logged: `loglevel`.
    LogLevel {
        /// Everything.
        Debug = "debug",
        /// Much.
        Verbose = "verbose",
        /// What an operator wants to see.
        Notice = "notice",
        /// What an operator must see.
        Warning = "warning",
        /// Nothing.
        Nothing = "nothing",
    }
}

words! {
    /// The form of a line of the log: `log-format`, as in Valkey 8, and JSON besides.
    LogFormat {
        /// As Redis writes it.
        Legacy = "legacy",
        /// `name=value` pairs.
        Logfmt = "logfmt",
        /// An object.
        Json = "json",
    }
}

words! {
    /// The form of moments in the log: `log-timestamp-format`, as in Valkey 8.
    LogTimestamps {
        /// As Redis writes it, `29 Nov 2026 09:52:24.123`; in JSON the next one.
        Legacy = "legacy",
        /// `2026-11-29T09:52:24.123+00:00`
        Iso8601 = "iso8601",
        /// Milliseconds since 1970.
        Milliseconds = "milliseconds",
    }
}

words! {
    /// Who may do what can harm: `enable-debug-command` and its kin.
    ProtectedAction {
        /// Nobody.
        No = "no",
        /// Everybody.
        Yes = "yes",
        /// Connections from this machine.
        Local = "local",
    }
}

/// What clients are told to connect to: `cluster-preferred-endpoint-type`. The enum is core's.
pub(super) const ENDPOINT_WORDS: Vocabulary = &[
    ("ip", EndpointType::Ip as u32),
    ("hostname", EndpointType::Hostname as u32),
    ("unknown-endpoint", EndpointType::Unknown as u32),
];

/// The variant stored as `value`; values come from [`ENDPOINT_WORDS`] only.
pub(super) fn endpoint_type(value: u32) -> EndpointType {
    [EndpointType::Ip, EndpointType::Hostname, EndpointType::Unknown][value as usize]
}

words! {
    /// When the append-only file is forced to disk: `appendfsync`.
    AppendFsync {
        /// Once a second.
        EverySecond = "everysec",
        /// Before each reply.
        Always = "always",
        /// When the system likes.
        No = "no",
    }
}

words! {
    /// How a replica loads a snapshot straight from its link: `repl-diskless-load`.
    DisklessLoad {
        /// It does not.
        Disabled = "disabled",
        /// When it holds no data.
        OnEmptyDb = "on-empty-db",
        /// Beside the old data, which is swapped out at the end.
        SwapDb = "swapdb",
    }
}

words! {
    /// Whether snapshots and RESTORE payloads are checked in full: `sanitize-dump-payload`.
    SanitizeDumpPayload {
        /// They are not.
        No = "no",
        /// They are.
        Yes = "yes",
        /// Only what clients send.
        Clients = "clients",
    }
}

words! {
    /// What an error of a replicated command leads to: `propagation-error-behavior`.
    PropagationError {
        /// Nothing.
        Ignore = "ignore",
        /// The end of the process.
        Panic = "panic",
        /// The end of the process on a replica.
        PanicOnReplicas = "panic-on-replicas",
    }
}

words! {
    /// Which process manager to tell of readiness: `supervised`.
    Supervised {
        /// Upstart.
        Upstart = "upstart",
        /// Systemd.
        Systemd = "systemd",
        /// Whichever the environment names.
        Auto = "auto",
        /// None.
        No = "no",
    }
}

words! {
    /// Whether clients must show a certificate: `tls-auth-clients`.
    TlsAuthClients {
        /// They need none.
        No = "no",
        /// They must.
        Yes = "yes",
        /// One that is shown must be valid.
        Optional = "optional",
    }
}

words! {
    /// How the kernel's preference for killing this process is set: `oom-score-adj`.
    OomScoreAdj {
        /// Not at all.
        No = "no",
        /// Relative to the value at start.
        Relative = "yes" | "relative",
        /// To the values given.
        Absolute = "absolute",
    }
}

words! {
    /// Which channels a new user may use: `acl-pubsub-default`.
    AclPubsubDefault {
        /// All.
        AllChannels = "allchannels",
        /// None.
        ResetChannels = "resetchannels",
    }
}

words! {
    /// The facility of lines sent to syslog: `syslog-facility`.
    SyslogFacility {
        /// `user`
        User = "user",
        /// `local0`
        Local0 = "local0",
        /// `local1`
        Local1 = "local1",
        /// `local2`
        Local2 = "local2",
        /// `local3`
        Local3 = "local3",
        /// `local4`
        Local4 = "local4",
        /// `local5`
        Local5 = "local5",
        /// `local6`
        Local6 = "local6",
        /// `local7`
        Local7 = "local7",
    }
}

/// How a signal shuts the node down: `shutdown-on-sigterm` and `shutdown-on-sigint`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ShutdownFlags(u32);

impl ShutdownFlags {
    const SAVE: u32 = 1;
    const NOSAVE: u32 = 2;
    const NOW: u32 = 4;
    const FORCE: u32 = 8;

    pub(super) const WORDS: Vocabulary = &[
        ("default", 0),
        ("save", Self::SAVE),
        ("nosave", Self::NOSAVE),
        ("now", Self::NOW),
        ("force", Self::FORCE),
    ];

    pub(super) fn from_value(value: u32) -> Self {
        ShutdownFlags(value)
    }

    /// # Errors
    /// Words that exclude each other.
    pub(super) fn check(set: u32) -> Result<(), Reason> {
        match set & Self::SAVE != 0 && set & Self::NOSAVE != 0 {
            true => Err("shutdown options SAVE and NOSAVE can't be used simultaneously".into()),
            false => Ok(()),
        }
    }

    /// Whether a snapshot is written first; `None`: if there are save points.
    pub fn save(self) -> Option<bool> {
        match self.0 & (Self::SAVE | Self::NOSAVE) {
            0 => None,
            bits => Some(bits == Self::SAVE),
        }
    }

    /// Whether replicas are not waited for.
    pub fn now(self) -> bool {
        self.0 & Self::NOW != 0
    }

    /// Whether errors are ignored.
    pub fn force(self) -> bool {
        self.0 & Self::FORCE != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_any_case_and_shown_in_their_own() {
        let policy = parse_word(MaxmemoryPolicy::WORDS, b"AllKeys-LFU").map(MaxmemoryPolicy::from_value);
        assert_eq!(policy, Ok(MaxmemoryPolicy::AllkeysLfu));
        assert_eq!(MaxmemoryPolicy::AllkeysLfu.as_str(), "allkeys-lfu");
    }

    #[test]
    fn a_synonym_is_shown_as_the_first_word() {
        assert_eq!(
            parse_word(OomScoreAdj::WORDS, b"relative").map(|word| format_word(OomScoreAdj::WORDS, word)),
            Ok("yes")
        );
    }

    #[test]
    fn an_unknown_word_is_answered_with_all_words() {
        let reason = "argument(s) must be one of the following: no, yes, local";
        assert_eq!(parse_word(ProtectedAction::WORDS, b"maybe"), Err(reason.into()));
    }

    #[test]
    fn a_set_of_words_is_their_union_in_their_order() {
        let set = parse_word_set(ShutdownFlags::WORDS, &[b"force", b"now", b"now", b"default"]).unwrap();
        assert_eq!(format_word_set(ShutdownFlags::WORDS, set), "now force");
        assert_eq!(format_word_set(ShutdownFlags::WORDS, 0), "default");
        let flags = ShutdownFlags::from_value(set);
        assert_eq!((flags.save(), flags.now(), flags.force()), (None, true, true));
    }
}
