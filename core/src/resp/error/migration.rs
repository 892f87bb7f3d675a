//! What CLUSTER MIGRATESLOTS and its kin refuse, in Valkey's words where Valkey refuses it too.

use alloc::string::String;

use super::Text;
use crate::slot::{Slot, SlotRange};

/// Why slots are not migrated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MigrationError {
    /// Sent to a replica.
    NotAPrimary,
    /// A slot is open by SETSLOT IMPORTING.
    OpenByImport,
    /// A slot is open by SETSLOT MIGRATING.
    OpenByMigration,
    /// A slot that nobody owns.
    NotServed(Slot),
    /// Slots of several owners.
    SeveralOwners,
    /// SLOTSRANGE without a range.
    NoRanges,
    /// A range without its end.
    NoEnd,
    /// A range whose end comes before its start.
    Descending(Slot, Slot),
    /// A range that has slots of one before.
    Overlap(SlotRange, SlotRange),
    /// Slots of another node.
    NotMine,
    /// A slot of a migration that is under way.
    AlreadyMoving(Slot),
    /// Two migrations of one command have a slot in common.
    RangesOverlap,
    /// What is no name of a node.
    InvalidNode(String),
    /// The name of no node.
    UnknownNode(String),
    /// The target is the node itself.
    ToMyself,
    /// The target is a replica.
    TargetIsReplica,
    /// The target is down.
    TargetDown,
    /// Nothing to cancel.
    NoneUnderWay,
    /// The target may have taken the slots already.
    PastReturn,
    /// The target does not know the source.
    SourceUnknown,
    /// The source is the target.
    SourceIsTarget,
    /// The target is given one of the slots already.
    AlreadyImported,
    /// The target knows another owner of the slots.
    OwnersDisagree,
    /// What only the other side of a migration may say.
    OnlyForLinks(&'static str),
    /// SETSLOT of a slot that is being migrated.
    SlotOnItsWay(Slot),
    /// The link of a migration sends what has nothing to do with its slots.
    NotOfLinks,
    /// A migration that is not known.
    UnknownJob,
    /// RESOLVE that is meant for another node.
    NotAsked,
}

impl MigrationError {
    pub(super) fn write_text(&self, text: &mut Text<'_>) {
        match self {
            MigrationError::NotServed(slot) => text.put(format_args!("ERR Slot {slot} has no node served.")),
            MigrationError::Descending(start, end) => {
                text.put(format_args!("ERR Start slot number {start} is greater than end slot number {end}."))
            }
            MigrationError::Overlap(range, before) => text.put(format_args!(
                "ERR Slot range {}-{} overlaps with previous range {}-{}.",
                range.start(),
                range.end(),
                before.start(),
                before.end()
            )),
            MigrationError::AlreadyMoving(slot) => {
                text.put(format_args!("ERR I am already migrating slot {slot}."))
            }
            MigrationError::InvalidNode(name) => text.put(format_args!("ERR Invalid node name: {name}")),
            MigrationError::UnknownNode(name) => text.put(format_args!("ERR Unknown node name: {name}")),
            MigrationError::OnlyForLinks(word) => text.put(format_args!(
                "ERR CLUSTER SYNCSLOTS {word} should only be used by slot migration clients"
            )),
            MigrationError::SlotOnItsWay(slot) => text.put(format_args!(
                "ERR Slot {slot} is being migrated: wait, or end that with CLUSTER CANCELSLOTMIGRATIONS"
            )),
            fixed => text.put(format_args!("{}", fixed.fixed())),
        }
    }

    fn fixed(&self) -> &'static str {
        match self {
            MigrationError::NotAPrimary => "ERR Slot migration can only be used on primary nodes.",
            MigrationError::OpenByImport => "ERR Slots are being manually imported",
            MigrationError::OpenByMigration => "ERR Slots are being manually migrated",
            MigrationError::SeveralOwners => "ERR Requested slots span multiple shards",
            MigrationError::NoRanges => "ERR No slot ranges specified",
            MigrationError::NoEnd => "ERR No end slot for final slot range",
            MigrationError::NotMine => "ERR Slots are not served by this node.",
            MigrationError::RangesOverlap => "ERR Slot ranges in migrations overlap",
            MigrationError::ToMyself => "ERR Target node can not be this node.",
            MigrationError::TargetIsReplica => "ERR Target node is not a master",
            MigrationError::TargetDown => "ERR Target node is down",
            MigrationError::NoneUnderWay => "ERR No migrations ongoing",
            MigrationError::PastReturn => {
                "ERR The slots have been granted to their target: it decides, and cannot be stopped any more"
            }
            MigrationError::SourceUnknown => "ERR Target node does not know the source node",
            MigrationError::SourceIsTarget => "ERR Source node is target node itself",
            MigrationError::AlreadyImported => {
                "ERR Slot is already being imported on the target by a different migration"
            }
            MigrationError::OwnersDisagree => "ERR Target node does not agree about current slot ownership",
            MigrationError::NotOfLinks => "ERR The link of a slot migration may only bring its own slots",
            MigrationError::UnknownJob => "ERR No such slot migration job",
            MigrationError::NotAsked => "ERR This is another node than the one that is asked",
            MigrationError::NotServed(_)
            | MigrationError::Descending(..)
            | MigrationError::Overlap(..)
            | MigrationError::AlreadyMoving(_)
            | MigrationError::InvalidNode(_)
            | MigrationError::UnknownNode(_)
            | MigrationError::OnlyForLinks(_)
            | MigrationError::SlotOnItsWay(_) => unreachable!("write_text puts in what it is about"),
        }
    }
}
