//! What commands on streams refuse, in Redis' exact words.

use super::{CommandName, Sent, Text};

/// Why a command on a stream is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StreamError {
    /// An id that is none.
    InvalidId,
    /// A range that begins after the highest id.
    InvalidStart,
    /// A range that ends before the lowest id.
    InvalidEnd,
    /// Both MAXLEN and MINID, or one of them twice.
    TwoTrims,
    /// XTRIM without MAXLEN and MINID.
    NoTrim,
    /// MAXLEN below 0.
    NegativeMaxlen,
    /// LIMIT below 0.
    NegativeLimit,
    /// LIMIT without MAXLEN and MINID.
    LimitWithoutTrim,
    /// LIMIT without `~`.
    LimitOfExactTrim,
    /// XADD with the id 0-0.
    ZeroId,
    /// XADD with an id that is not above the last one.
    IdNotGreater,
    /// XADD after the highest id.
    Exhausted,
    /// XADD of more than a listpack can hold.
    TooLarge,
    /// XREAD or XREADGROUP with a key that has no id.
    Unbalanced {
        /// The command.
        name: CommandName,
        /// The word besides ids that would do.
        symbol: char,
    },
    /// An option of XREADGROUP given to XREAD.
    OnlyForGroups(&'static str),
    /// XREADGROUP without GROUP.
    MissingGroup,
    /// XREADGROUP with the id `$`.
    DollarForGroup,
    /// XREAD with the id `>`.
    GreaterWithoutGroup,
    /// No such key or no such group.
    NoKeyOrGroup {
        /// The key.
        key: Sent,
        /// The name of the group.
        group: Sent,
    },
    /// No such key or no such group, as XREADGROUP puts it.
    NoKeyOrGroupToRead {
        /// The key.
        key: Sent,
        /// The name of the group.
        group: Sent,
    },
    /// The key has no such group.
    NoGroup {
        /// The key.
        key: Sent,
        /// The name of the group.
        group: Sent,
    },
    /// XGROUP CREATE of a group that exists.
    GroupExists,
    /// XGROUP of a key that does not exist.
    GroupOfNoKey,
    /// ENTRIESREAD below -1.
    NegativeEntriesRead,
    /// XSETID with ENTRIESADDED below 0.
    NegativeEntriesAdded,
    /// XSETID with an id below the one of MAXDELETEDID.
    LastBelowGivenDeleted,
    /// XSETID with an id below that of an entry that was deleted.
    LastBelowDeleted,
    /// XSETID with an id below that of the last entry.
    LastBelowEntry,
    /// XSETID with less entries added than there are.
    FewerAddedThanThere,
    /// A number of XCLAIM or XAUTOCLAIM that is none: which, and of which command.
    NotANumber(&'static str, &'static str),
    /// A word of XCLAIM that is no option.
    ClaimOption(Sent),
    /// XAUTOCLAIM with COUNT below 1 or too high.
    CountNotPositive,
}

impl StreamError {
    pub(super) fn write_text(&self, text: &mut Text<'_>) {
        if let Some(fixed) = self.fixed() {
            return text.around(fixed, b"", "");
        }
        match self {
            StreamError::Unbalanced { name, symbol } => text.put(format_args!(
                "ERR Unbalanced '{name}' list of streams: for each stream key an ID or '{symbol}' must be specified."
            )),
            StreamError::OnlyForGroups(option) => text.put(format_args!(
                "ERR The {option} option is only supported by XREADGROUP. You called XREAD instead."
            )),
            StreamError::NoKeyOrGroup { key, group } => {
                text.around("NOGROUP No such key '", key, "'");
                text.around(" or consumer group '", group, "'");
            }
            StreamError::NoKeyOrGroupToRead { key, group } => {
                text.around("NOGROUP No such key '", key, "'");
                text.around(" or consumer group '", group, "' in XREADGROUP with GROUP option");
            }
            StreamError::NoGroup { key, group } => {
                text.around("NOGROUP No such consumer group '", group, "'");
                text.around(" for key name '", key, "'");
            }
            StreamError::NotANumber(what, command) => {
                text.put(format_args!("ERR Invalid {what} argument for {command}"));
            }
            StreamError::ClaimOption(word) => text.around("ERR Unrecognized XCLAIM option '", word, "'"),
            fixed => unreachable!("{fixed:?} has no text"),
        }
    }

    fn fixed(&self) -> Option<&'static str> {
        Some(match self {
            StreamError::InvalidId => "ERR Invalid stream ID specified as stream command argument",
            StreamError::InvalidStart => "ERR invalid start ID for the interval",
            StreamError::InvalidEnd => "ERR invalid end ID for the interval",
            StreamError::TwoTrims => {
                "ERR syntax error, MAXLEN and MINID options at the same time are not compatible"
            }
            StreamError::NoTrim => "ERR syntax error, XTRIM must be called with a trimming strategy",
            StreamError::NegativeMaxlen => "ERR The MAXLEN argument must be >= 0.",
            StreamError::NegativeLimit => "ERR The LIMIT argument must be >= 0.",
            StreamError::LimitWithoutTrim => {
                "ERR syntax error, LIMIT cannot be used without specifying a trimming strategy"
            }
            StreamError::LimitOfExactTrim => {
                "ERR syntax error, LIMIT cannot be used without the special ~ option"
            }
            StreamError::ZeroId => "ERR The ID specified in XADD must be greater than 0-0",
            StreamError::IdNotGreater => {
                "ERR The ID specified in XADD is equal or smaller than the target stream top item"
            }
            StreamError::Exhausted => {
                "ERR The stream has exhausted the last possible ID, unable to add more items"
            }
            StreamError::TooLarge => "ERR Elements are too large to be stored",
            StreamError::MissingGroup => "ERR Missing GROUP option for XREADGROUP",
            StreamError::DollarForGroup => {
                "ERR The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set."
            }
            StreamError::GreaterWithoutGroup => {
                "ERR The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option."
            }
            StreamError::GroupExists => "BUSYGROUP Consumer Group name already exists",
            StreamError::GroupOfNoKey => {
                "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically."
            }
            StreamError::NegativeEntriesRead => "ERR value for ENTRIESREAD must be positive or -1",
            StreamError::NegativeEntriesAdded => "ERR entries_added must be positive",
            StreamError::LastBelowGivenDeleted => {
                "ERR The ID specified in XSETID is smaller than the provided max_deleted_entry_id"
            }
            StreamError::LastBelowDeleted => {
                "ERR The ID specified in XSETID is smaller than current max_deleted_entry_id"
            }
            StreamError::LastBelowEntry => {
                "ERR The ID specified in XSETID is smaller than the target stream top item"
            }
            StreamError::FewerAddedThanThere => {
                "ERR The entries_added specified in XSETID is smaller than the target stream length"
            }
            StreamError::CountNotPositive => "ERR COUNT must be > 0",
            _ => return None,
        })
    }
}
