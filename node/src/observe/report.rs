//! The nodes and what moves between them, as plain data for JSON: what `GET /api/nodes` answers.
//!
//! Field names are camelCase there. Nodes name each other by id, ranges are `[first, last]`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use slotway_core::id::NodeId;
use slotway_core::resp::value::Value;
use slotway_core::topology::view::{RangeView, RoleView};
use slotway_core::topology::{Node, Topology};

use super::peer::{Heard, Peer};
use crate::process;

/// All nodes at one moment.
#[derive(Serialize, Debug)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// When, in milliseconds since 1970.
    at: u64,
    nodes: Vec<NodeReport>,
    migrations: Vec<Migration>,
}

/// One node. What it does not tell is `null`.
#[derive(Serialize, Debug, Default)]
#[serde(rename_all = "camelCase")]
struct NodeReport {
    id: String,
    /// Why nothing is known of it, if so.
    complaint: Option<String>,
    /// `Slotway 0.1.0`, `Redis 7.0.15`, `Valkey 8.0.1`.
    software: Option<String>,
    keys: Option<u64>,
    memory_bytes: Option<u64>,
    memory_max_bytes: Option<u64>,
    clients: Option<u64>,
    commands_per_second: Option<u64>,
    /// How far its data has come.
    offset: Option<u64>,
    /// Of a replica.
    replication: Option<Replication>,
}

/// How a replica keeps up.
#[derive(Serialize, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
struct Replication {
    /// It hears its primary.
    is_linked: bool,
    /// It is getting a whole copy.
    is_syncing: bool,
    /// Bytes that its primary has written and it has not, at about one moment.
    behind_bytes: Option<u64>,
    /// Seconds since it last heard its primary.
    silent_seconds: Option<u64>,
}

/// Slots on their way.
#[derive(Serialize, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "camelCase")]
struct Migration {
    from: String,
    to: String,
    ranges: Vec<RangeView>,
    slots: usize,
    /// `slotBySlot` by SETSLOT, or `atomic` by MIGRATESLOTS.
    how: &'static str,
    /// Of an atomic one, in the words of CLUSTER GETSLOTMIGRATIONS.
    state: Option<String>,
    keys_done: Option<u64>,
}

/// An atomic migration, as one of its two nodes tells it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Job {
    name: String,
    from: String,
    to: String,
    ranges: Vec<RangeView>,
    state: String,
    keys_done: Option<u64>,
}

/// States in which nothing moves any more.
const OVER: [&str; 4] = ["success", "failed", "cancelled", "canceled"];

impl Job {
    /// From an entry of CLUSTER GETSLOTMIGRATIONS; `None` of one that is over.
    pub(super) fn read(entry: &Value) -> Option<Self> {
        let fields: BTreeMap<&str, &Value> =
            entry.to_pairs()?.into_iter().filter_map(|(name, value)| Some((name.as_str()?, value))).collect();
        let text = |name: &str| fields.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        let range = |range: &str| {
            let (first, last) = range.split_once('-')?;
            Some((first.parse().ok()?, last.parse().ok()?))
        };
        let state = text("state").filter(|state| !OVER.contains(&state.as_str()))?;
        Some(Self {
            name: text("name")?,
            from: text("source_node")?,
            to: text("target_node")?,
            ranges: text("slot_ranges")?.split(' ').filter_map(range).collect(),
            state,
            keys_done: fields.get("keys_done").and_then(|count| u64::try_from(count.as_integer()?).ok()),
        })
    }
}

impl Report {
    /// What `peers` say of the nodes of `topology`.
    pub(super) fn of(topology: &Topology, peers: &BTreeMap<NodeId, &Peer>) -> Self {
        let heard_of = |id: &NodeId| peers.get(id).and_then(|peer| peer.heard());
        let complaint = |id: &NodeId| peers.get(id).map_or("has no known address", |peer| peer.complaint());
        let node = |node: &Node| {
            let primary = node.primary.and_then(|primary| heard_of(&topology.node(primary).id));
            match heard_of(&node.id) {
                Some(own) => node_report(node, own, primary),
                None => NodeReport {
                    id: node.id.into(),
                    complaint: Some(complaint(&node.id).into()),
                    ..NodeReport::default()
                },
            }
        };
        let all = || peers.values().filter_map(|peer| peer.heard());
        let mut migrations = one_by_one(all());
        migrations.extend(atomic(all()));
        Self {
            at: process::unix_ms().as_ms(),
            nodes: topology.nodes().map(|(_, described)| node(described)).collect(),
            migrations,
        }
    }
}

fn node_report(node: &Node, own: &Heard, primary: Option<&Heard>) -> NodeReport {
    let number = |field: &str| own.info.get(field)?.parse::<u64>().ok();
    let offset_of_primary = || primary?.info.get("master_repl_offset")?.parse::<u64>().ok();
    let is_replica = RoleView::from(node.role()) == RoleView::Replica;
    let offset = number(if is_replica { "slave_repl_offset" } else { "master_repl_offset" });
    let replication = is_replica.then(|| Replication {
        is_linked: own.info.get("master_link_status").is_some_and(|status| status == "up"),
        is_syncing: number("master_sync_in_progress") == Some(1),
        // Its offset was asked a moment before or after the primary's.
        behind_bytes: offset_of_primary().zip(offset).map(|(of_primary, own)| of_primary.saturating_sub(own)),
        silent_seconds: number("master_last_io_seconds_ago"),
    });
    NodeReport {
        id: node.id.into(),
        complaint: None,
        software: software(own),
        keys: Some(keys(own)),
        memory_bytes: number("used_memory"),
        memory_max_bytes: number("maxmemory").filter(|most| *most > 0),
        clients: number("connected_clients"),
        commands_per_second: number("instantaneous_ops_per_sec"),
        offset,
        replication,
    }
}

/// Of the one database that a cluster has; INFO leaves an empty one out.
fn keys(heard: &Heard) -> u64 {
    let line = heard.info.get("db0").and_then(|line| line.strip_prefix("keys=")).unwrap_or_default();
    line.split(',').next().and_then(|count| count.parse().ok()).unwrap_or_default()
}

fn software(heard: &Heard) -> Option<String> {
    let known = [("slotway_version", "Slotway"), ("valkey_version", "Valkey"), ("redis_version", "Redis")];
    known.iter().find_map(|(field, name)| Some(format!("{name} {}", heard.info.get(*field)?)))
}

/// Slots that SETSLOT has opened, told by the node at either end.
fn one_by_one<'a>(heard: impl Iterator<Item = &'a Heard>) -> Vec<Migration> {
    let mut open: BTreeMap<(String, String), BTreeSet<u16>> = BTreeMap::new();
    for Heard { topology, id, .. } in heard {
        let Some(id) = id else { continue };
        let name = |index| String::from(topology.node(index).id);
        let leaving = topology.all_migrating().map(|(slot, to)| ((String::from(*id), name(to)), slot));
        let coming = topology.all_importing().map(|(slot, from)| ((name(from), String::from(*id)), slot));
        for (pair, slot) in leaving.chain(coming) {
            open.entry(pair).or_default().insert(slot.get());
        }
    }
    let migration = |((from, to), slots): ((String, String), BTreeSet<u16>)| Migration {
        from,
        to,
        slots: slots.len(),
        ranges: ranges(slots),
        how: "slotBySlot",
        state: None,
        keys_done: None,
    };
    open.into_iter().map(migration).collect()
}

/// Each job once, as the node tells it that knows more: the source counts the keys.
fn atomic<'a>(heard: impl Iterator<Item = &'a Heard>) -> Vec<Migration> {
    let mut jobs: BTreeMap<&str, &Job> = BTreeMap::new();
    for job in heard.flat_map(|heard| &heard.jobs) {
        let known = jobs.entry(&job.name).or_insert(job);
        if known.keys_done.is_none() {
            *known = job;
        }
    }
    let migration = |job: &Job| Migration {
        from: job.from.clone(),
        to: job.to.clone(),
        slots: job.ranges.iter().map(|(first, last)| usize::from(last.saturating_sub(*first)) + 1).sum(),
        ranges: job.ranges.clone(),
        how: "atomic",
        state: Some(job.state.clone()),
        keys_done: job.keys_done,
    };
    jobs.into_values().map(migration).collect()
}

fn ranges(slots: BTreeSet<u16>) -> Vec<RangeView> {
    let mut ranges: Vec<RangeView> = Vec::new();
    for slot in slots {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == slot => *last = slot,
            _ => ranges.push((slot, slot)),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use slotway_core::topology::ClusterState;
    use slotway_core::topology::parse::{ParseOptions, nodes_text};

    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn heard(own: &str, info: &str, open: [&str; 2]) -> Heard {
        let myself = |id: &str| if id == own { "myself,master" } else { "master" };
        let text = format!(
            "{A} 10.0.0.1:7000@17000 {} - 0 0 1 connected 0-9000 {}\n{B} 10.0.0.2:7000@17000 {} - 0 0 2 connected 9001-16383 {}\n",
            myself(A),
            open[0],
            myself(B),
            open[1]
        );
        let field = |line: &str| line.split_once(':').map(|(name, value)| (name.into(), value.into()));
        Heard {
            id: NodeId::parse(own.as_bytes()),
            topology: nodes_text(&text, &ParseOptions::default()).expect("a cluster"),
            state: Some(ClusterState::Ok),
            epoch: 2,
            info: info.lines().filter_map(field).collect(),
            jobs: Vec::new(),
        }
    }

    #[test]
    fn open_slots_are_one_migration_whichever_end_tells_them() {
        let (leaving, coming) = (format!("[5->-{B}] [6->-{B}]"), format!("[6-<-{A}] [9-<-{A}]"));
        let told = one_by_one([heard(A, "", [&leaving, ""]), heard(B, "", ["", &coming])].iter());
        let [one] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!((one.from.as_str(), one.to.as_str(), one.slots), (A, B, 3));
        assert_eq!(one.ranges, [(5, 6), (9, 9)]);
    }

    #[test]
    fn what_a_replica_has_not_yet_is_told_in_bytes() {
        let primary = heard(A, "master_repl_offset:1000\ndb0:keys=12,expires=0", ["", ""]);
        let replica =
            heard(B, "slave_repl_offset:940\nmaster_link_status:up\nmaster_last_io_seconds_ago:1", ["", ""]);
        let mut node = Node::new(NodeId::parse(B.as_bytes()).expect("an id"));
        node.flags = slotway_core::topology::NodeFlags::REPLICA;
        let told = node_report(&node, &replica, Some(&primary));
        let expected = Replication {
            is_linked: true,
            is_syncing: false,
            behind_bytes: Some(60),
            silent_seconds: Some(1),
        };
        assert_eq!(told.replication, Some(expected));
        assert_eq!(node_report(&node, &replica, None).replication.expect("a replica").behind_bytes, None);
        assert_eq!(keys(&primary), 12);
    }

    #[test]
    fn an_atomic_migration_is_read_until_it_is_over() {
        let entry = |state: &str| {
            let words =
                ["name", "j1", "source_node", A, "target_node", B, "slot_ranges", "1-3 7-7", "state", state];
            Value::Array(words.map(|word| Value::Bulk(word.into())).to_vec())
        };
        let job = Job::read(&entry("replicating")).expect("it goes on");
        assert_eq!(job.ranges, [(1, 3), (7, 7)]);
        assert_eq!(Job::read(&entry("success")), None);
    }
}
