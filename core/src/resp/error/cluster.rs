//! What CLUSTER commands refuse, in Redis' exact words.

use super::{MigrationError, Text};
use crate::id::NodeId;
use crate::slot::Slot;

/// Why a CLUSTER command that changes something is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ClusterError {
    /// No node of that name is known.
    UnknownNode(NodeId),
    /// The same, as SETSLOT MIGRATING and IMPORTING say it.
    NodeNotKnown(NodeId),
    /// FORGET of the node itself.
    ForgetMyself,
    /// FORGET of the primary of the node.
    ForgetMyPrimary,
    /// ADDSLOTS of a slot that has an owner.
    SlotBusy(Slot),
    /// ADDSLOTS or DELSLOTS that names a slot twice.
    SlotTwice(Slot),
    /// DELSLOTS of a slot that has none.
    SlotUnassigned(Slot),
    /// FLUSHSLOTS with keys.
    FlushSlotsWithKeys,
    /// SETSLOT sent to a replica.
    SetSlotOnReplica,
    /// ADDSLOTS sent to a replica.
    SlotsOfReplica,
    /// SETSLOT MIGRATING of a slot of another.
    NotMySlot(Slot),
    /// SETSLOT IMPORTING of a slot of the node itself.
    MySlot(Slot),
    /// SETSLOT towards a replica.
    TargetNotPrimary,
    /// SETSLOT NODE of another, while there are keys.
    SlotHasKeys(Slot),
    /// REPLICATE of the node itself.
    ReplicateMyself,
    /// REPLICATE of a replica.
    ReplicateReplica,
    /// REPLICATE sent to a primary that has slots or keys.
    ReplicateNotEmpty,
    /// FAILOVER sent to a primary.
    FailoverOnPrimary,
    /// FAILOVER of a replica that does not know its primary.
    PrimaryUnknown,
    /// FAILOVER while the primary cannot be talked to.
    PrimaryDown,
    /// SET-CONFIG-EPOCH while others are known.
    EpochInCompany,
    /// SET-CONFIG-EPOCH a second time.
    EpochSet,
    /// RESET of a primary with keys.
    ResetWithKeys,
    /// Slots are not migrated.
    Migration(MigrationError),
}

impl From<MigrationError> for ClusterError {
    fn from(error: MigrationError) -> Self {
        ClusterError::Migration(error)
    }
}

impl ClusterError {
    pub(super) fn write_text(&self, text: &mut Text<'_>) {
        match self {
            ClusterError::UnknownNode(id) => text.put(format_args!("ERR Unknown node {id}")),
            ClusterError::NodeNotKnown(id) => text.put(format_args!("ERR I don't know about node {id}")),
            ClusterError::SlotBusy(slot) => text.put(format_args!("ERR Slot {slot} is already busy")),
            ClusterError::SlotUnassigned(slot) => {
                text.put(format_args!("ERR Slot {slot} is already unassigned"))
            }
            ClusterError::SlotTwice(slot) => {
                text.put(format_args!("ERR Slot {slot} specified multiple times"))
            }
            ClusterError::NotMySlot(slot) => {
                text.put(format_args!("ERR I'm not the owner of hash slot {slot}"))
            }
            ClusterError::MySlot(slot) => {
                text.put(format_args!("ERR I'm already the owner of hash slot {slot}"))
            }
            ClusterError::SlotHasKeys(slot) => text.put(format_args!(
                "ERR Can't assign hashslot {slot} to a different node while I still hold keys for this hash slot."
            )),
            ClusterError::Migration(error) => error.write_text(text),
            fixed => text.put(format_args!("{}", fixed.fixed())),
        }
    }

    fn fixed(&self) -> &'static str {
        match self {
            ClusterError::ForgetMyself => "ERR I tried hard but I can't forget myself...",
            ClusterError::ForgetMyPrimary => "ERR Can't forget my master!",
            ClusterError::FlushSlotsWithKeys => "ERR DB must be empty to perform CLUSTER FLUSHSLOTS.",
            ClusterError::SetSlotOnReplica => "ERR Please use SETSLOT only with masters.",
            ClusterError::SlotsOfReplica => "ERR You can use ADDSLOTS only with masters.",
            ClusterError::TargetNotPrimary => "ERR Target node is not a master",
            ClusterError::ReplicateMyself => "ERR Can't replicate myself",
            ClusterError::ReplicateReplica => "ERR I can only replicate a master, not a replica.",
            ClusterError::ReplicateNotEmpty => {
                "ERR To set a master the node must be empty and without assigned slots."
            }
            ClusterError::FailoverOnPrimary => "ERR You should send CLUSTER FAILOVER to a replica",
            ClusterError::PrimaryUnknown => "ERR I'm a replica but my master is unknown to me",
            ClusterError::PrimaryDown => "ERR Master is down or failed, please use CLUSTER FAILOVER FORCE",
            ClusterError::EpochInCompany => {
                "ERR The user can assign a config epoch only when the node does not know any other node."
            }
            ClusterError::EpochSet => "ERR Node config epoch is already non-zero",
            ClusterError::ResetWithKeys => {
                "ERR CLUSTER RESET can't be called with master nodes containing keys"
            }
            ClusterError::UnknownNode(_)
            | ClusterError::NodeNotKnown(_)
            | ClusterError::SlotBusy(_)
            | ClusterError::SlotTwice(_)
            | ClusterError::SlotUnassigned(_)
            | ClusterError::NotMySlot(_)
            | ClusterError::MySlot(_)
            | ClusterError::SlotHasKeys(_)
            | ClusterError::Migration(_) => unreachable!("write_text puts in what it is about"),
        }
    }
}
