//! `slotway cluster info` and `check`: what there is, and whether it is whole.

use serde::Serialize;

use super::check::{Trouble, troubles};
use super::client::Access;
use super::console::{Console, count, table};
use super::exit::Stop;
use super::place::Place;
use super::view::{Member, Seen, View, name_in};

/// Tell the nodes, their slots, keys and memory.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  slotway cluster info 10.0.0.5:7000
  slotway cluster info 10.0.0.5:7000 --json | jq '.nodes[] | select(.role == \"primary\")'")]
pub(super) struct Options {
    /// A node of the cluster
    #[arg(value_name = "HOST:PORT")]
    node: Place,
}

/// Tell whether the cluster is whole.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  slotway cluster check 10.0.0.5:7000
  slotway cluster check 10.0.0.5:7000 --json && deploy

Ends with 0 if the cluster is whole, with 1 if not. Advice does not count; `slotway doctor` looks closer.")]
pub(super) struct CheckOptions {
    /// A node of the cluster
    #[arg(value_name = "HOST:PORT")]
    node: Place,
}

/// A node as programs read it.
#[derive(Serialize)]
pub(super) struct NodeView {
    id: String,
    address: String,
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    primary: Option<String>,
    software: String,
    slots: String,
    slot_count: usize,
    keys: u64,
    bytes: u64,
    zone: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub(super) fn run(options: &Options, access: &Access, console: &Console) -> Result<(), Stop> {
    let view = View::load(access, &options.node)?;
    let nodes = nodes(&view);
    let keys: u64 = view.primaries().map(|seen| seen.keys).sum();
    let row = |node: &NodeView| {
        let name = match &node.error {
            Some(_) => "does not answer".into(),
            None => node.software.clone(),
        };
        let role = node.primary.as_ref().map_or("primary".into(), |primary| format!("replica of {primary}"));
        vec![
            node.address.clone(),
            node.id[..8].into(),
            role,
            node.slot_count.to_string(),
            node.keys.to_string(),
            node.bytes.to_string(),
            name,
        ]
    };
    console.say(table(
        &["NODE", "ID", "ROLE", "SLOTS", "KEYS", "BYTES", "SERVER"],
        &nodes.iter().map(row).collect::<Vec<_>>(),
    ));
    let state = if view.seen().all(|seen| seen.is_ok) { "ok" } else { "fail" };
    console.say(format!(
        "{}, {}, state {state}",
        count(view.primaries().count(), "primary node"),
        count(keys as usize, "key")
    ));
    console.data(&serde_json::json!({ "state": state, "keys": keys, "nodes": nodes }));
    Ok(())
}

pub(super) fn check(options: &CheckOptions, access: &Access, console: &Console) -> Result<(), Stop> {
    let view = View::load(access, &options.node)?;
    let found = troubles(&view);
    tell(&found, &options.node, console)
}

/// Tells troubles with what mends them.
///
/// # Errors
/// One of them is serious.
pub(super) fn tell(found: &[Trouble], at: &Place, console: &Console) -> Result<(), Stop> {
    let at = at.to_string();
    for trouble in found {
        let kind = if trouble.is_serious() { "trouble" } else { "advice" };
        console.say(format!("{kind}: {}\n  mend: {}", trouble.sentence(), trouble.remedy(&at)));
    }
    let serious = found.iter().filter(|trouble| trouble.is_serious()).count();
    console.data(&serde_json::json!({
        "ok": serious == 0,
        "troubles": found.iter().map(|trouble| trouble.to_view(&at)).collect::<Vec<_>>(),
    }));
    match serious {
        0 => {
            console.say("The cluster is whole: all 16384 slots are served, none is open, all nodes agree.");
            Ok(())
        }
        _ => Err(Stop::trouble(format!("{} found.", count(serious, "trouble")))),
    }
}

/// All nodes, as programs read them.
pub(super) fn nodes(view: &View) -> Vec<NodeView> {
    view.members.iter().map(|member| node(view, member)).collect()
}

fn node(view: &View, member: &Member) -> NodeView {
    let topology = view.topology();
    let index = topology.find(&member.id);
    let told = index.map(|index| topology.node(index));
    let seen: Option<&Seen> = member.seen.as_ref().ok();
    let slots = index.map(|index| topology.slots_of(index)).unwrap_or_default();
    NodeView {
        id: member.id.as_str().to_owned(),
        address: member.place.to_string(),
        role: if told.is_some_and(|node| node.is_replica()) { "replica" } else { "primary" },
        primary: told
            .and_then(|node| node.primary)
            .map(|primary| name_in(topology, &topology.node(primary).id)),
        software: seen.map(Seen::software).unwrap_or_default(),
        slots: slots.to_string(),
        slot_count: slots.len(),
        keys: seen.map(|seen| seen.keys).unwrap_or_default(),
        bytes: seen.and_then(|seen| seen.number("used_memory")).unwrap_or_default(),
        zone: seen.map(Seen::zone).unwrap_or_default(),
        error: member.seen.as_ref().err().map(|stop| stop.text().to_owned()),
    }
}
