//! What is worth a line in the log, a mark on a timeline, a tooltip.

use alloc::string::String;
use core::fmt;

use super::copies::NoPromise;
use super::election::Refusal;
use super::input::Dataset;
use crate::epoch::{ConfigEpoch, Epoch};
use crate::id::{JobId, NodeId};
use crate::topology::ClusterState;

/// Something that happened in the control plane of a node.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "each is said in words by Display, below")]
pub enum Event {
    HandshakeStarted { host: String, bus_port: u16 },
    HandshakeDone { node: NodeId },
    HandshakeExpired { host: String, bus_port: u16 },
    NameChanged { expected: NodeId, found: NodeId },
    NodeDiscovered { node: NodeId, by: NodeId },
    NodeForgotten { node: NodeId },
    NodeReset { node: NodeId },
    AddressChanged { node: NodeId, ip: String, port: u16 },
    OwnAddressLearnt { ip: String },
    Suspected { node: NodeId },
    SuspicionCleared { node: NodeId },
    Reported { node: NodeId, by: NodeId },
    ReportWithdrawn { node: NodeId, by: NodeId },
    Failed { node: NodeId, quorum: usize },
    FailureTold { node: NodeId, by: NodeId },
    FailureCleared { node: NodeId },
    StateChanged(ClusterState),
    RoleChanged { node: NodeId, primary: Option<NodeId> },
    SlotsMoved { to: NodeId, epoch: ConfigEpoch, slots: usize },
    Demoted { to: NodeId },
    EpochCollision { with: NodeId, epoch: Epoch },
    EpochBumped { epoch: Epoch },
    EpochJumpRefused { by: NodeId, epoch: Epoch },
    StrangerRefused { node: NodeId },
    ElectionScheduled { delay_ms: u64, rank: usize },
    ElectionStarted { epoch: Epoch },
    ElectionExpired { epoch: Epoch },
    ElectionWon { epoch: Epoch },
    NotEligible { why: &'static str },
    VoteGranted { to: NodeId, epoch: Epoch },
    VoteRefused { to: NodeId, epoch: Epoch, why: Refusal },
    ManualFailoverRequested { by: NodeId },
    ManualFailoverReady,
    ManualFailoverTimedOut,
    ReplicaMigrating { to: NodeId },
    FollowsPrimaryOfPrimary { primary: NodeId },
    Forming { free: usize, wanted: usize },
    Canvassing { epoch: Epoch },
    Promised { to: NodeId, epoch: Epoch },
    PromiseRefused { to: NodeId, epoch: Epoch, why: NoPromise },
    PromiseReleased { by: NodeId, epoch: Epoch },
    DataMissing { dataset: Dataset },
    ServesWithoutData,
    YieldedTo { by: NodeId },
    PlaceTaken { primary: Option<NodeId>, slots: usize },
    MigrationStarted { job: JobId, source: NodeId, target: NodeId, slots: usize },
    MigrationEnded { job: JobId, result: &'static str, why: String },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Event::*;
        match self {
            HandshakeStarted { host, bus_port } => {
                write!(f, "handshake with {host}, bus port {bus_port}, begins")
            }
            HandshakeDone { node } => write!(f, "handshake with node {node} is done"),
            HandshakeExpired { host, bus_port } => {
                write!(f, "handshake with {host}, bus port {bus_port}, was not answered in time")
            }
            NameChanged { expected, found } => {
                write!(f, "at the address of node {expected} there is node {found}; the address is forgotten")
            }
            NodeDiscovered { node, by } => write!(f, "node {node} is known through node {by}"),
            NodeForgotten { node } => write!(f, "node {node} is forgotten"),
            NodeReset { node } => write!(f, "this node was reset: its name is {node} now"),
            AddressChanged { node, ip, port } => write!(f, "node {node} is now at {ip}, port {port}"),
            OwnAddressLearnt { ip } => write!(f, "this node's own address is {ip}"),
            Suspected { node } => write!(f, "node {node} does not answer"),
            SuspicionCleared { node } => write!(f, "node {node} answers again"),
            Reported { node, by } => write!(f, "node {by} reports that node {node} does not answer"),
            ReportWithdrawn { node, by } => write!(f, "node {by} reports that node {node} answers again"),
            Failed { node, quorum } => {
                write!(f, "node {node} is down: a majority ({quorum} primaries) reports it")
            }
            FailureTold { node, by } => write!(f, "node {node} is down: node {by} tells so"),
            FailureCleared { node } => write!(f, "node {node} is up again"),
            StateChanged(ClusterState::Ok) => f.write_str("cluster state is ok"),
            StateChanged(ClusterState::Fail) => f.write_str("cluster state is fail"),
            RoleChanged { node, primary: None } => write!(f, "node {node} is a primary now"),
            RoleChanged { node, primary: Some(primary) } => {
                write!(f, "node {node} is a replica of {primary} now")
            }
            SlotsMoved { to, epoch, slots } => {
                write!(f, "{slots} slots belong to node {to} now, by config epoch {epoch}")
            }
            Demoted { to } => {
                write!(f, "the last slot of this shard went to node {to}: this node follows it")
            }
            EpochCollision { with, epoch } => {
                write!(f, "node {with} has the same config epoch: this node's is now {epoch}")
            }
            EpochBumped { epoch } => write!(f, "config epoch of this node is now {epoch}, without a vote"),
            EpochJumpRefused { by, epoch } => {
                write!(f, "node {by} claims epoch {epoch}, too far ahead to be true: its frame is ignored")
            }
            StrangerRefused { node } => {
                write!(f, "node {node} is not in cluster-allow-ids: it is not let in")
            }
            ElectionScheduled { delay_ms, rank } => {
                write!(f, "election starts in {delay_ms} ms (rank {rank})")
            }
            ElectionStarted { epoch } => write!(f, "election starts for epoch {epoch}"),
            ElectionExpired { epoch } => write!(f, "election for epoch {epoch} found no majority in time"),
            ElectionWon { epoch } => write!(f, "election won: this node is a primary since epoch {epoch}"),
            NotEligible { why } => write!(f, "this replica does not stand for election: {why}"),
            VoteGranted { to, epoch } => write!(f, "vote for node {to} in epoch {epoch}"),
            VoteRefused { to, epoch, why } => write!(f, "no vote for node {to} in epoch {epoch}: {why}"),
            ManualFailoverRequested { by } => write!(f, "node {by} asks for a manual failover: writes pause"),
            ManualFailoverReady => f.write_str("all data is here: the manual failover can start"),
            ManualFailoverTimedOut => f.write_str("the manual failover did not end in time"),
            ReplicaMigrating { to } => write!(f, "primary {to} has no working replica: this node goes to it"),
            Forming { free, wanted } => {
                write!(f, "cluster-init: {free} of {wanted} nodes are here")
            }
            PlaceTaken { primary: None, slots } => {
                write!(f, "cluster-init: this node is a primary of {slots} slots")
            }
            PlaceTaken { primary: Some(primary), .. } => {
                write!(f, "cluster-init: this node is a replica of {primary}")
            }
            Canvassing { epoch } => {
                write!(f, "cluster-write-quorum: asks the other copies to promise epoch {epoch}")
            }
            Promised { to, epoch } => {
                write!(f, "promise to node {to}: nothing is acknowledged to primaries before epoch {epoch}")
            }
            PromiseRefused { to, epoch, why } => write!(f, "no promise to node {to} for epoch {epoch}: {why}"),
            PromiseReleased { by, epoch } => write!(f, "node {by} gives the promise for epoch {epoch} back"),
            DataMissing { dataset: Dataset::Older } => f.write_str(
                "this primary comes back, and may lack the last writes (cluster-write-quorum): it serves nothing while a replica may have them",
            ),
            DataMissing { dataset: Dataset::Absent | Dataset::Whole } => f.write_str(
                "this primary comes back without its data: it serves nothing while a replica may have them",
            ),
            ServesWithoutData => f.write_str("no replica answers that it has data: this primary serves what it has"),
            YieldedTo { by } => write!(f, "primary {by} wants this replica to take over"),
            MigrationStarted { job, source, target, slots } => {
                write!(f, "migration {job} of {slots} slots from node {source} to node {target} begins")
            }
            MigrationEnded { job, result, why } if why.is_empty() => {
                write!(f, "migration {job} is over: {result}")
            }
            MigrationEnded { job, result, why } => write!(f, "migration {job} is over: {result}: {why}"),
            FollowsPrimaryOfPrimary { primary } => {
                write!(
                    f,
                    "the primary of this node is a replica now: this node follows its primary {primary}"
                )
            }
        }
    }
}
