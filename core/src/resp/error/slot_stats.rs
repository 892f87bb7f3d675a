//! What CLUSTER SLOT-STATS refuses, in Valkey's exact words.

use super::Text;
use crate::slot::Slot;

/// Why no statistics of slots are told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SlotStatsError {
    /// SLOTSRANGE whose last slot is before its first.
    Descending(Slot, Slot),
    /// ORDERBY of something that is not counted.
    UnknownMetric,
    /// LIMIT of no slot, of more than there are, or that is no number.
    Limit,
    /// LIMIT, or a direction, is said twice.
    RepeatedFilter,
}

impl SlotStatsError {
    pub(super) fn write_text(self, text: &mut Text<'_>) {
        match self {
            SlotStatsError::Descending(first, last) => {
                text.put(format_args!("ERR Start slot number {first} is greater than end slot number {last}"))
            }
            SlotStatsError::UnknownMetric => {
                text.put(format_args!("ERR Unrecognized sort metric for ORDERBY."))
            }
            SlotStatsError::Limit => text
                .put(format_args!("ERR Limit has to lie in between 1 and 16384 (maximum number of slots).")),
            SlotStatsError::RepeatedFilter => {
                text.put(format_args!("ERR Multiple filters of the same type are disallowed."))
            }
        }
    }
}
