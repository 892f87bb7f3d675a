//! What each of the 16384 slots holds and costs, as it was last counted.

use std::time::Instant;

use serde::{Deserialize, Serialize};
use slotway_core::id::NodeId;
use slotway_core::resp::value::Value;
use slotway_core::slot::{SLOT_COUNT, Slot};
use slotway_core::topology::Topology;

/// What a node has counted of a slot. What it does not count is `None`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Counts {
    keys: Option<u64>,
    bytes: Option<u64>,
    cpu_usec: Option<u64>,
    network_in: Option<u64>,
    network_out: Option<u64>,
}

impl Counts {
    /// Of a node that counts nothing but keys.
    pub(super) fn of_keys(keys: u64) -> Self {
        Self { keys: Some(keys), ..Self::default() }
    }

    /// From the reply of CLUSTER SLOT-STATS; `None` if it is none.
    pub(super) fn of_stats(reply: &Value) -> Option<Vec<(Slot, Self)>> {
        let of_slot = |entry: &Value| {
            let [slot, fields] = entry.as_items()? else { return None };
            let slot = Slot::new(u16::try_from(slot.as_integer()?).ok()?)?;
            let mut counts = Self::default();
            for (name, count) in fields.to_pairs()? {
                let count = u64::try_from(count.as_integer()?).ok();
                match name.as_str()? {
                    "key-count" => counts.keys = count,
                    "memory-bytes" => counts.bytes = count,
                    "cpu-usec" => counts.cpu_usec = count,
                    "network-bytes-in" => counts.network_in = count,
                    "network-bytes-out" => counts.network_out = count,
                    _ => {}
                }
            }
            Some((slot, counts))
        };
        Some(reply.as_items()?.iter().filter_map(of_slot).collect())
    }
}

/// Some slots of one node, counted at one moment.
pub(super) struct Reading {
    pub(super) at: Instant,
    pub(super) counts: Vec<(Slot, Counts)>,
}

/// A figure of all slots.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Column {
    /// Keys in the slot.
    Keys,
    /// What they take, by the server's own account.
    Bytes,
    /// Microseconds of processor time since the server began to count.
    CpuUsec,
    /// Microseconds of processor time a second, between the last two counts.
    Load,
    /// Bytes received.
    NetworkIn,
    /// Bytes sent.
    NetworkOut,
}

impl Column {
    const ALL: [(&'static str, Self); 6] = [
        ("keys", Self::Keys),
        ("bytes", Self::Bytes),
        ("cpuUsec", Self::CpuUsec),
        ("load", Self::Load),
        ("networkIn", Self::NetworkIn),
        ("networkOut", Self::NetworkOut),
    ];

    /// The columns that `names` names, with commas between them.
    ///
    /// # Errors
    /// There is none of a name; which there are.
    pub(crate) fn read(names: &str) -> Result<Vec<(&'static str, Self)>, String> {
        let known = || Self::ALL.map(|(name, _)| name).join(", ");
        let column = |name: &str| Self::ALL.into_iter().find(|(known, _)| *known == name);
        let read =
            |name: &str| column(name).ok_or_else(|| format!("no column '{name}': there are {}\n", known()));
        names.split(',').map(read).collect()
    }
}

/// All slots.
pub(crate) struct Slots(Vec<Known>);

/// What is known of one slot.
#[derive(Clone, Copy, Default)]
struct Known {
    /// Who counted it, and when.
    counted: Option<(NodeId, Instant)>,
    counts: Counts,
    load: Option<u64>,
}

impl Default for Slots {
    fn default() -> Self {
        Self(vec![Known::default(); usize::from(SLOT_COUNT)])
    }
}

impl Slots {
    /// A column, slot by slot; `null` in JSON where nobody has counted.
    pub(crate) fn column(&self, column: Column) -> Vec<Option<u64>> {
        let of = |known: &Known| match column {
            Column::Keys => known.counts.keys,
            Column::Bytes => known.counts.bytes,
            Column::CpuUsec => known.counts.cpu_usec,
            Column::Load => known.load,
            Column::NetworkIn => known.counts.network_in,
            Column::NetworkOut => known.counts.network_out,
        };
        self.0.iter().map(of).collect()
    }

    /// Takes what the node `id` has counted.
    pub(super) fn take(&mut self, id: NodeId, reading: Option<&Reading>) {
        let Some(Reading { at, counts }) = reading else { return };
        for (slot, counts) in counts {
            let known = &mut self.0[usize::from(slot.get())];
            let load = load(known, id, *at, counts);
            *known = Known { counted: Some((id, *at)), counts: *counts, load };
        }
    }

    /// Of slots that nobody serves nothing is known.
    pub(super) fn forget_all_but(&mut self, topology: &Topology) {
        for slot in topology.uncovered().iter() {
            self.0[usize::from(slot.get())] = Known::default();
        }
    }
}

/// What came about since the same node counted before.
fn load(before: &Known, id: NodeId, at: Instant, now: &Counts) -> Option<u64> {
    let (_, then) = before.counted.filter(|(counter, _)| *counter == id)?;
    let spent = now.cpu_usec?.checked_sub(before.counts.cpu_usec?)?;
    let passed = at.checked_duration_since(then)?.as_micros().max(1);
    u64::try_from(u128::from(spent) * 1_000_000 / passed).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn reading(at: Instant, slot: u16, counts: Counts) -> Reading {
        Reading { at, counts: vec![(Slot::new(slot).expect("a slot"), counts)] }
    }

    #[test]
    fn stats_of_any_server_are_read() {
        let text = b"*2\r\n*2\r\n:7\r\n*4\r\n$9\r\nkey-count\r\n:3\r\n$8\r\ncpu-usec\r\n:40\r\n*2\r\n:8\r\n%1\r\n$9\r\nkey-count\r\n:0\r\n";
        let (reply, _) = Value::decode(text).expect("a reply");
        let counts = Counts::of_stats(&reply).expect("stats");
        let counts: Vec<_> =
            counts.iter().map(|(slot, counts)| (slot.get(), counts.keys, counts.cpu_usec)).collect();
        assert_eq!(counts, [(7, Some(3), Some(40)), (8, Some(0), None)]);
        assert_eq!(Counts::of_stats(&Value::Error("ERR unknown subcommand".into())), None);
    }

    #[test]
    fn load_is_what_one_node_spent_between_two_counts() {
        let (a, b) = (NodeId::from_random([1; 20]), NodeId::from_random([2; 20]));
        let (start, mut slots) = (Instant::now(), Slots::default());
        let spent = |cpu_usec| Counts { keys: Some(1), cpu_usec: Some(cpu_usec), ..Counts::default() };
        let load = |slots: &Slots| slots.column(Column::Load)[9];
        slots.take(a, Some(&reading(start, 9, spent(1000))));
        assert_eq!(load(&slots), None);
        slots.take(a, Some(&reading(start + Duration::from_secs(2), 9, spent(5000))));
        assert_eq!(load(&slots), Some(2000));
        slots.take(b, Some(&reading(start + Duration::from_secs(3), 9, spent(9000))));
        assert_eq!((load(&slots), slots.column(Column::Keys)[9]), (None, Some(1)));
    }

    #[test]
    fn a_column_that_is_not_there_is_named() {
        assert_eq!(Column::read("keys,load").map(|columns| columns.len()), Ok(2));
        assert!(Column::read("keys,heat").unwrap_err().contains("'heat'"));
    }
}
