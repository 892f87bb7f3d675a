//! Four control planes, an operator who types anything, a network that loses, repeats, changes and cuts, data that is
//! anywhere, and files that are read again; with and without `cluster-write-quorum`.
#![no_main]

mod cluster {
    pub(super) mod net;
}

use cluster::net::{NODES, Net};
use libfuzzer_sys::fuzz_target;
use slotway_core::cluster::{Admin, Dataset, FailoverMode, Replication, SetSlot};
use slotway_core::epoch::{ConfigEpoch, ReplOffset};
use slotway_core::id::NodeId;
use slotway_core::slot::Slot;
use slotway_core::slot_set::SlotSet;

/// A step: what, at which node, and two arguments.
type Step = (u8, u8, u8, u16);

fuzz_target!(|input: (bool, Vec<Step>)| {
    let (write_quorum, steps) = input;
    let mut net = Net::new(write_quorum);
    for (what, at, other, number) in steps.into_iter().take(200) {
        let (at, other) = (usize::from(at) % NODES, usize::from(other));
        match what % 12 {
            0 => net.run_ms(u64::from(number)),
            1 | 2 => net.meet(at, other % NODES),
            3 => net.deliver(other),
            4 => net.change(other, number),
            5 => net.lose(at, other),
            6 => net.restart(at, dataset(number)),
            7 => net.deliver_all(),
            8 => net.report(at, replication(&net, other, number)),
            _ => net.admin(at, admin(&net, other, number)),
        }
        net.check();
    }
});

/// How the copying of data stands: `kind` says whose it is, `number` how far.
fn replication(net: &Net, kind: usize, number: u16) -> Replication {
    Replication {
        offset: ReplOffset::new(number.into()),
        fresh_at: (kind & 1 == 1).then(|| net.now().instant),
        is_linked: kind & 2 == 2,
        term: ConfigEpoch::new(kind as u64 >> 2),
    }
}

/// What a process that starts finds.
fn dataset(number: u16) -> Dataset {
    match number % 3 {
        0 => Dataset::Whole,
        1 => Dataset::Older,
        _ => Dataset::Absent,
    }
}

/// What an operator types: `kind` chooses the command, `number` what it is about.
fn admin(net: &Net, kind: usize, number: u16) -> Admin {
    let slot = Slot::new(number % 16384).expect("below 16384");
    let has_keys = number & 1 == 1;
    let id = id(net, number);
    match kind % 18 {
        0 => Admin::Forget(id),
        1 | 2 => Admin::AddSlots(slots(number)),
        3 => Admin::DeleteSlots(slots(number)),
        4 => Admin::FlushSlots { has_keys },
        5 => Admin::SetSlot { slot, to: SetSlot::Migrating(id), has_keys },
        6 => Admin::SetSlot { slot, to: SetSlot::Importing(id), has_keys },
        7 => Admin::SetSlot { slot, to: SetSlot::Stable, has_keys },
        8 => Admin::SetSlot { slot, to: SetSlot::Node(id), has_keys },
        9 | 10 => Admin::Replicate { primary: id, has_keys },
        11 => Admin::Failover(FailoverMode::Agreed),
        12 => Admin::Failover(FailoverMode::Force),
        13 => Admin::Failover(FailoverMode::Takeover),
        14 => Admin::BumpEpoch,
        15 => Admin::SetConfigEpoch(ConfigEpoch::new(number.into())),
        16 => Admin::CountFailureReports(id),
        _ => Admin::Reset { hard: number & 2 == 2, has_keys },
    }
}

fn id(net: &Net, number: u16) -> NodeId {
    net.id(usize::from(number >> 4)).unwrap_or_else(|| NodeId::from_random([number as u8; 20]))
}

/// From one of four places on, some thousand slots or one.
fn slots(number: u16) -> SlotSet {
    let first = number % 4 * 4096;
    let count = if number & 64 == 64 { 4096 } else { 1 };
    (first..first + count).filter_map(Slot::new).collect()
}
