//! `slotway cluster hot`: which slots cost most, and which keys are the largest.
//!
//! What slots cost is told by nodes that have CLUSTER SLOT-STATS (Slotway, Valkey 8); of others their keys are counted, and their bytes
//! estimated. The largest keys are looked for slot by slot, the largest slots first, where nodes count the bytes of slots: no key is larger
//! than its slot, so that a few slots are enough. Elsewhere keys are gone through, up to a bound.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;
use slotway_core::slot::{Slot, key_slot};

use super::client::{Access, Client};
use super::console::{Console, count, table};
use super::exit::Stop;
use super::measure::Measure;
use super::place::Place;
use super::view::View;

/// Keys asked for, and measured, at a time.
const KEYS_AT_ONCE: usize = 1000;

/// Tell the slots that cost most, and the largest keys.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  slotway cluster hot 10.0.0.5:7000
  slotway cluster hot 10.0.0.5:7000 --by network-out --during 10   # what goes on now, instead of since the start
  slotway cluster hot 10.0.0.5:7000 --by bytes --keys 50 --json")]
pub(super) struct Options {
    /// A node of the cluster
    #[arg(value_name = "HOST:PORT")]
    node: Place,
    /// What slots are sorted by; without it CPU time where nodes tell it, else keys
    #[arg(long, value_enum)]
    by: Option<By>,
    /// How many slots to tell
    #[arg(long, default_value_t = 10, value_name = "COUNT")]
    slots: usize,
    /// How many keys to tell; 0 looks for none
    #[arg(long, default_value_t = 10, value_name = "COUNT")]
    keys: usize,
    /// Count costs for so many seconds, instead of telling them as counted so far
    #[arg(long, value_name = "SECONDS")]
    during: Option<u64>,
    /// Keys of each node that are looked at, at most; 0 for all
    #[arg(long, default_value_t = 1_000_000, value_name = "COUNT")]
    look_at: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum By {
    Cpu,
    NetworkIn,
    NetworkOut,
    Keys,
    Bytes,
}

/// What slots have and cost. What no node tells is `None`.
#[derive(Clone, Copy, Default, Serialize, Debug)]
struct Costs {
    keys: u64,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_usec: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_in: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_out: Option<u64>,
}

/// A slot as it is told.
#[derive(Clone, Serialize, Debug)]
struct SlotView {
    slot: u16,
    node: String,
    #[serde(flatten)]
    costs: Costs,
}

#[derive(Serialize, Debug)]
struct KeyView {
    key: String,
    slot: u16,
    #[serde(rename = "type")]
    kind: String,
    bytes: u64,
    node: String,
}

/// What a node has in all its slots.
#[derive(Serialize, Debug)]
struct NodeSums {
    node: String,
    slots: usize,
    #[serde(flatten)]
    costs: Costs,
}

pub(super) fn run(options: &Options, access: &Access, console: &Console) -> Result<(), Stop> {
    let mut view = View::load_whole(access, &options.node)?;
    let (mut slots, mut is_estimate) = measured(&mut view)?;
    if let Some(seconds) = options.during {
        thread::sleep(Duration::from_secs(seconds));
        let before = slots;
        (slots, is_estimate) = measured(&mut view)?;
        subtract(&mut slots, &before);
    }
    let by = wanted(options.by, &slots)?;
    let nodes = sums(&view, &slots);
    let search = match options.keys {
        0 => Search::default(),
        wanted => largest_keys(&mut view, &slots, is_estimate, wanted, options.look_at)?,
    };
    slots.sort_by_key(|slot| Reverse(by.of(slot)));
    slots.truncate(options.slots);
    slots.retain(|slot| by.of(slot) > Some(0));
    tell(&nodes, &slots, &search, is_estimate, console);
    console.data(&serde_json::json!({
        "nodes": nodes,
        "slots": slots,
        "bytes_are_estimated": is_estimate,
        "keys": search.found,
        "keys_looked_at": search.looked_at,
        "all_keys_looked_at": search.is_whole,
    }));
    Ok(())
}

/// All slots of all primaries, and whether their bytes are estimated.
fn measured(view: &mut View) -> Result<(Vec<SlotView>, bool), Stop> {
    let (mut all, mut is_estimate) = (Vec::new(), false);
    for seen in view.seen_mut().filter(|seen| !seen.node().is_replica()) {
        let slots = seen.slots();
        let measure = Measure::of(&mut seen.client, &slots)?;
        is_estimate |= measure.is_estimate;
        let node = seen.client.place().to_string();
        let cost = |of: &Option<BTreeMap<Slot, u64>>, slot| of.as_ref()?.get(&slot).copied();
        let costs = |slot| Costs {
            keys: measure.keys.get(&slot).copied().unwrap_or_default(),
            bytes: measure.bytes.get(&slot).copied().unwrap_or_default(),
            cpu_usec: cost(&measure.cpu, slot),
            network_in: cost(&measure.network_in, slot),
            network_out: cost(&measure.network_out, slot),
        };
        let told = |slot: Slot| SlotView { slot: slot.get(), node: node.clone(), costs: costs(slot) };
        all.extend(slots.iter().map(told));
    }
    Ok((all, is_estimate))
}

/// Leaves of the costs what has come since `before`. A slot that has changed its owner meanwhile has begun anew.
fn subtract(slots: &mut [SlotView], before: &[SlotView]) {
    let before: BTreeMap<(u16, &str), &SlotView> =
        before.iter().map(|slot| ((slot.slot, slot.node.as_str()), slot)).collect();
    for slot in slots {
        let Some(earlier) = before.get(&(slot.slot, slot.node.as_str())) else { continue };
        slot.costs = slot.costs.since(&earlier.costs);
    }
}

impl Costs {
    /// What has come since `before`, of what is counted all the time.
    fn since(self, before: &Costs) -> Costs {
        let since = |now: Option<u64>, then: Option<u64>| Some(now?.saturating_sub(then.unwrap_or_default()));
        Costs {
            cpu_usec: since(self.cpu_usec, before.cpu_usec),
            network_in: since(self.network_in, before.network_in),
            network_out: since(self.network_out, before.network_out),
            ..self
        }
    }

    /// Of both together.
    fn and(self, other: &Costs) -> Costs {
        let sum = |a: Option<u64>, b: Option<u64>| [a, b].into_iter().flatten().reduce(|a, b| a + b);
        Costs {
            keys: self.keys + other.keys,
            bytes: self.bytes + other.bytes,
            cpu_usec: sum(self.cpu_usec, other.cpu_usec),
            network_in: sum(self.network_in, other.network_in),
            network_out: sum(self.network_out, other.network_out),
        }
    }

    /// The cells of a table: keys, bytes, and what they cost.
    fn cells(&self, is_estimate: bool) -> [String; 5] {
        let cost = |cost: Option<u64>| cost.map_or("-".into(), |cost| cost.to_string());
        let bytes = if is_estimate { format!("~{}", self.bytes) } else { self.bytes.to_string() };
        let [cpu, bytes_in, bytes_out] = [self.cpu_usec, self.network_in, self.network_out].map(cost);
        [self.keys.to_string(), bytes, cpu, bytes_in, bytes_out]
    }
}

impl By {
    fn of(self, slot: &SlotView) -> Option<u64> {
        let costs = &slot.costs;
        match self {
            By::Cpu => costs.cpu_usec,
            By::NetworkIn => costs.network_in,
            By::NetworkOut => costs.network_out,
            By::Keys => Some(costs.keys),
            By::Bytes => Some(costs.bytes),
        }
    }
}

/// What to sort by.
///
/// # Errors
/// It is asked for, and no node tells it.
fn wanted(asked: Option<By>, slots: &[SlotView]) -> Result<By, Stop> {
    let is_told = |by: By| slots.iter().any(|slot| by.of(slot).is_some());
    match asked {
        Some(by) if !slots.is_empty() && !is_told(by) => Err(Stop::refused(
            "No node tells what its slots cost: that takes Slotway, or Valkey 8 with cluster-slot-stats-enabled. Ask --by keys or \
             --by bytes.",
        )),
        Some(by) => Ok(by),
        None if is_told(By::Cpu) => Ok(By::Cpu),
        None => Ok(By::Keys),
    }
}

fn sums(view: &View, slots: &[SlotView]) -> Vec<NodeSums> {
    let of_node = |node: String| {
        let own = || slots.iter().filter(|slot| slot.node == node);
        let costs = own().fold(Costs::default(), |sum, slot| sum.and(&slot.costs));
        NodeSums { slots: own().count(), costs, node }
    };
    view.primaries().map(|seen| of_node(seen.client.place().to_string())).collect()
}

/// What has come of looking for the largest keys.
#[derive(Default, Debug)]
struct Search {
    found: Vec<KeyView>,
    looked_at: usize,
    /// No key that was not looked at can be larger.
    is_whole: bool,
}

/// A key that has been measured.
struct Measured {
    key: Vec<u8>,
    bytes: u64,
}

fn largest_keys(
    view: &mut View,
    slots: &[SlotView],
    is_estimate: bool,
    wanted: usize,
    look_at: usize,
) -> Result<Search, Stop> {
    let mut search = Search { is_whole: true, ..Search::default() };
    let look_at = if look_at == 0 { usize::MAX } else { look_at };
    for seen in view.seen_mut().filter(|seen| !seen.node().is_replica()) {
        let node = seen.client.place().to_string();
        let own: Vec<&SlotView> =
            slots.iter().filter(|slot| slot.node == node && slot.costs.keys > 0).collect();
        let mut best = Best { wanted, keys: Vec::new(), looked_at: 0 };
        search.is_whole &= match is_estimate {
            true => scan(&mut seen.client, &mut best, look_at)?,
            false => walk(&mut seen.client, own, &mut best, look_at)?,
        };
        search.looked_at += best.looked_at;
        for Measured { key, bytes } in best.keys {
            let kind = seen.client.ask(&[&b"TYPE"[..], &key])?.as_str().unwrap_or("?").to_owned();
            let (slot, key) = (key_slot(&key).get(), readable(&key));
            search.found.push(KeyView { key, slot, kind, bytes, node: node.clone() });
        }
    }
    search.found.sort_by_key(|key| Reverse(key.bytes));
    search.found.truncate(wanted);
    Ok(search)
}

/// The largest keys of a node so far, the largest first.
struct Best {
    wanted: usize,
    keys: Vec<Measured>,
    looked_at: usize,
}

impl Best {
    /// How large a key must be to be among them.
    fn threshold(&self) -> u64 {
        if self.keys.len() < self.wanted { 0 } else { self.keys.last().map_or(0, |key| key.bytes) }
    }

    /// Measures keys, and keeps those that are among the largest.
    fn look_at(&mut self, client: &mut Client, keys: Vec<Vec<u8>>) -> Result<(), Stop> {
        self.looked_at += keys.len();
        let usage = |key: &Vec<u8>| vec![b"MEMORY".to_vec(), b"USAGE".to_vec(), key.clone()];
        let sizes = client.ask_all(&keys.iter().map(usage).collect::<Vec<_>>())?;
        let threshold = self.threshold();
        for (key, size) in keys.into_iter().zip(sizes) {
            // A key that has gone meanwhile has no size.
            let bytes = size.as_integer().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default();
            if bytes > threshold && !self.keys.iter().any(|known| known.key == key) {
                self.keys.push(Measured { key, bytes });
            }
        }
        self.keys.sort_by_key(|key| Reverse(key.bytes));
        self.keys.truncate(self.wanted);
        Ok(())
    }
}

/// Looks at the keys of the largest slots, until no other slot can have a larger key. Whether it got that far.
fn walk(
    client: &mut Client,
    mut slots: Vec<&SlotView>,
    best: &mut Best,
    look_at: usize,
) -> Result<bool, Stop> {
    slots.sort_by_key(|slot| Reverse(slot.costs.bytes));
    for slot in slots {
        if slot.costs.bytes <= best.threshold() {
            return Ok(true);
        }
        let left = look_at.saturating_sub(best.looked_at);
        if left == 0 {
            return Ok(false);
        }
        let (number, count) = (slot.slot.to_string(), left.min(i64::MAX as usize).to_string());
        let reply = client.order(&["CLUSTER", "GETKEYSINSLOT", &number, &count])?;
        let keys: Vec<Vec<u8>> = names(&reply);
        for some in keys.chunks(KEYS_AT_ONCE) {
            best.look_at(client, some.to_vec())?;
        }
    }
    Ok(true)
}

/// Looks at the keys as they come. Whether it has seen all.
fn scan(client: &mut Client, best: &mut Best, look_at: usize) -> Result<bool, Stop> {
    let (mut cursor, at_once) = ("0".to_owned(), KEYS_AT_ONCE.to_string());
    loop {
        let reply = client.order(&["SCAN", &cursor, "COUNT", &at_once])?;
        let Some([next, keys]) = reply.as_items() else {
            return Err(Stop::refused(format!("{} answers SCAN with something else.", client.place())));
        };
        cursor = next.as_str().unwrap_or("0").to_owned();
        best.look_at(client, names(keys))?;
        if cursor == "0" {
            return Ok(true);
        }
        if best.looked_at >= look_at {
            return Ok(false);
        }
    }
}

fn names(reply: &slotway_core::resp::value::Value) -> Vec<Vec<u8>> {
    let names = reply.as_items().unwrap_or_default().iter();
    names.filter_map(|name| name.as_bytes().map(<[u8]>::to_vec)).collect()
}

/// A key for people: what is no text, or would disturb a terminal, is escaped.
fn readable(key: &[u8]) -> String {
    match std::str::from_utf8(key) {
        Ok(text) if !text.contains(char::is_control) => text.to_owned(),
        Ok(_) | Err(_) => key.escape_ascii().to_string(),
    }
}

fn tell(nodes: &[NodeSums], slots: &[SlotView], search: &Search, is_estimate: bool, console: &Console) {
    let row = |node: &NodeSums| {
        [vec![node.node.clone(), node.slots.to_string()], node.costs.cells(is_estimate).into()].concat()
    };
    let headings = ["NODE", "SLOTS", "KEYS", "BYTES", "CPU-USEC", "NET-IN", "NET-OUT"];
    console.say(table(&headings, &nodes.iter().map(row).collect::<Vec<_>>()));
    let row = |slot: &SlotView| {
        [vec![slot.slot.to_string(), slot.node.clone()], slot.costs.cells(is_estimate).into()].concat()
    };
    let headings = ["SLOT", "NODE", "KEYS", "BYTES", "CPU-USEC", "NET-IN", "NET-OUT"];
    console.say("");
    console.say(table(&headings, &slots.iter().map(row).collect::<Vec<_>>()));
    if search.looked_at == 0 {
        return;
    }
    let row = |key: &KeyView| {
        vec![key.bytes.to_string(), key.kind.clone(), key.slot.to_string(), key.node.clone(), key.key.clone()]
    };
    console.say("");
    console.say(table(
        &["BYTES", "TYPE", "SLOT", "NODE", "KEY"],
        &search.found.iter().map(row).collect::<Vec<_>>(),
    ));
    let looked_at = count(search.looked_at, "key");
    console.say(match search.is_whole {
        true => format!("{looked_at} looked at: no other is larger."),
        false => format!("{looked_at} looked at, and there are more: --look-at 0 looks at all."),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(slot: u16, cpu_usec: Option<u64>) -> SlotView {
        let node = "127.0.0.1:7000".into();
        let costs = Costs { keys: 1, bytes: 2, cpu_usec, network_in: cpu_usec, network_out: cpu_usec };
        SlotView { slot, node, costs }
    }

    #[test]
    fn costs_are_what_has_come_since_and_a_slot_that_has_come_begins_anew() {
        let mut now = [slot(1, Some(10)), slot(2, Some(5)), slot(3, Some(4))];
        subtract(&mut now, &[slot(1, Some(7)), slot(2, Some(9))]);
        assert_eq!(now.map(|slot| slot.costs.cpu_usec), [Some(3), Some(0), Some(4)]);
    }

    #[test]
    fn what_no_node_tells_is_refused_and_not_chosen() {
        assert_eq!(wanted(None, &[slot(1, None)]), Ok(By::Keys));
        assert_eq!(wanted(None, &[slot(1, Some(0))]), Ok(By::Cpu));
        let refused = wanted(Some(By::Cpu), &[slot(1, None)]).unwrap_err();
        assert!(refused.text().contains("cluster-slot-stats-enabled"), "{}", refused.text());
    }

    #[test]
    fn keys_that_are_no_text_are_escaped() {
        assert_eq!(readable("grüße".as_bytes()), "grüße");
        assert_eq!(readable(b"a\x1b[2J\xff"), "a\\x1b[2J\\xff");
    }
}
