//! The classic way of moving a slot, which every Redis has: open it on both sides, MIGRATE its keys, tell all who owns it now. Some slots are open
//! together, since each of these orders costs a round trip, and a server a write to its disk.
//!
//! ```text
//!   target: SETSLOT s IMPORTING source        from here on clients are sent on by ASK for keys that are gone
//!   source: SETSLOT s MIGRATING target
//!   source: GETKEYSINSLOT, MIGRATE ... KEYS   until there are none
//!   target, source, other primaries: SETSLOT s NODE target
//! ```
//!
//! There is only one way out that loses nothing once a key has moved: on. Back would need the source to take keys while it sends clients
//! away, or to call keys missing that are not. So a slot whose first key has moved is finished, through what hinders it where that can be:
//! a key that is on both sides (an earlier attempt got no answer) is replaced, since the source still owns it and clients saw its value;
//! a target out of memory is allowed more for this one slot. Where nothing has moved, the slot is closed again.

use std::time::Duration;

use slotway_core::id::NodeId;
use slotway_core::resp::value::Value;
use slotway_core::slot::Slot;
use slotway_core::slot_set::SlotSet;

use crate::cli::cluster::client::{Access, Client};
use crate::cli::cluster::exit::Stop;
use crate::cli::cluster::interrupt;
use crate::cli::cluster::place::Place;
use crate::cli::cluster::view::View;

/// Slots that are open together.
pub(super) const TOGETHER_MAX: usize = 32;
/// Keys of one MIGRATE.
const BATCH: &str = "100";
/// For MIGRATE, and for its answer: one value may be big.
const PATIENCE: Duration = Duration::from_secs(600);
/// Times that a batch is tried which fails on the way between the nodes.
const TRIES_MAX: usize = 3;

/// The primaries of a cluster, each with a connection that waits for MIGRATE.
pub(in crate::cli::cluster) struct Slots {
    primaries: Vec<Primary>,
    auth: Vec<String>,
}

struct Primary {
    id: NodeId,
    /// Where other nodes find it.
    address: Place,
    client: Client,
}

impl Slots {
    /// Connects to the primaries of `view`.
    ///
    /// # Errors
    /// One of them cannot be reached.
    pub(in crate::cli::cluster) fn new(view: &View, access: &Access) -> Result<Self, Stop> {
        let patient = Access { timeout: access.timeout.max(PATIENCE), ..access.clone() };
        let connect = |seen: &crate::cli::cluster::view::Seen| {
            let node = seen.node();
            let place = seen.client.place();
            let host = if node.ip.is_empty() { &place.host } else { &node.ip };
            let address = Place { host: host.clone(), port: node.port };
            Ok(Primary { id: seen.id, address, client: Client::connect(&patient, place)? })
        };
        let primaries = view.primaries().map(connect).collect::<Result<_, Stop>>()?;
        Ok(Self { primaries, auth: access.words_of_migrate() })
    }

    fn primary(&mut self, id: &NodeId) -> Result<&mut Primary, Stop> {
        let found = self.primaries.iter_mut().find(|primary| primary.id == *id);
        found.ok_or_else(|| {
            Stop::refused(format!("Node {id} is no primary of this cluster: only primaries have slots."))
        })
    }

    /// A connection to a primary.
    ///
    /// # Errors
    /// It is none.
    pub(in crate::cli::cluster) fn client(&mut self, id: &NodeId) -> Result<&mut Client, Stop> {
        Ok(&mut self.primary(id)?.client)
    }

    /// CLUSTER SETSLOT on one node.
    ///
    /// # Errors
    /// The connection ends, or the node refuses.
    pub(in crate::cli::cluster) fn set(
        &mut self,
        on: &NodeId,
        slot: Slot,
        words: &[&str],
    ) -> Result<(), Stop> {
        self.set_all(on, &[slot], words)
    }

    /// CLUSTER SETSLOT on one node, of some slots at once.
    fn set_all(&mut self, on: &NodeId, slots: &[Slot], words: &[&str]) -> Result<(), Stop> {
        let request = |slot: &Slot| {
            let words = words.iter().map(|word| (*word).to_owned());
            ["CLUSTER".to_owned(), "SETSLOT".to_owned(), slot.to_string()].into_iter().chain(words).collect()
        };
        self.client(on)?.order_all(&slots.iter().map(request).collect::<Vec<Vec<String>>>()).map(drop)
    }

    /// Those of `slots` of which a node holds keys.
    fn filled(&mut self, on: &NodeId, slots: &[Slot]) -> Result<SlotSet, Stop> {
        let request =
            |slot: &Slot| vec!["CLUSTER".to_owned(), "COUNTKEYSINSLOT".to_owned(), slot.to_string()];
        let counts = self.client(on)?.order_all(&slots.iter().map(request).collect::<Vec<_>>())?;
        let has_keys = |(_, count): &(&Slot, &Value)| count.as_integer() != Some(0);
        Ok(slots.iter().zip(&counts).filter(has_keys).map(|(slot, _)| *slot).collect())
    }

    /// How many keys of a slot a node holds.
    ///
    /// # Errors
    /// The connection ends, or the node refuses.
    pub(in crate::cli::cluster) fn keys(&mut self, on: &NodeId, slot: Slot) -> Result<u64, Stop> {
        self.client(on)?.number(&["CLUSTER", "COUNTKEYSINSLOT", &slot.get().to_string()])
    }

    /// Tells all primaries who owns some slots: the new owner first, so that no key is ever without one, then who must give them up.
    ///
    /// # Errors
    /// One of those two does not take it. The others learn it from them too.
    pub(in crate::cli::cluster) fn assign(
        &mut self,
        slots: &[Slot],
        from: Option<&NodeId>,
        to: &NodeId,
    ) -> Result<(), Stop> {
        let words = ["NODE", to.as_str()];
        self.set_all(to, slots, &words)?;
        if let Some(from) = from {
            match self.set_all(from, slots, &words) {
                // It heard of it by the bus already. That was its last slot, and so it follows the new owner now.
                Err(stop) if stop.text().contains("SETSLOT only with masters") => {}
                other => other?,
            }
        }
        let others: Vec<NodeId> = self
            .primaries
            .iter()
            .map(|primary| primary.id)
            .filter(|id| id != to && Some(id) != from)
            .collect();
        for other in others {
            // Gossip tells it to who does not listen now.
            let _ = self.set_all(&other, slots, &words);
        }
        Ok(())
    }

    /// Sends all keys of `slot` from one node to the other; how many.
    ///
    /// # Errors
    /// The keys that are left cannot be sent.
    pub(in crate::cli::cluster) fn send_keys(
        &mut self,
        slot: Slot,
        from: &NodeId,
        to: &NodeId,
    ) -> Result<u64, Stop> {
        let mut limit = None;
        let sent = self.send_all(slot, from, to, &mut limit);
        let Some(limit) = limit else { return sent };
        self.client(to)?.order(&["CONFIG", "SET", "maxmemory", &limit])?;
        sent
    }

    fn send_all(
        &mut self,
        slot: Slot,
        from: &NodeId,
        to: &NodeId,
        limit: &mut Option<String>,
    ) -> Result<u64, Stop> {
        let (number, mut sent, mut tries) = (slot.get().to_string(), 0, 0);
        loop {
            let reply = self.client(from)?.order(&["CLUSTER", "GETKEYSINSLOT", &number, BATCH])?;
            let keys: Vec<Vec<u8>> = reply
                .as_items()
                .unwrap_or_default()
                .iter()
                .filter_map(|key| key.as_bytes().map(<[u8]>::to_vec))
                .collect();
            if keys.is_empty() {
                return Ok(sent);
            }
            let Value::Error(text) = self.migrate(from, to, &keys, &[])? else {
                sent += keys.len() as u64;
                tries = 0;
                continue;
            };
            tries += 1;
            let failed = || {
                let (from, to) = (from.as_str(), to.as_str());
                Stop::interrupted(format!(
                    "The keys of slot {number} cannot be moved from node {from} to {to}: {text}"
                ))
            };
            match text {
                _ if tries > TRIES_MAX => return Err(failed()),
                _ if text.contains("BUSYKEY") => {
                    if let Value::Error(_) = self.migrate(from, to, &keys, &["REPLACE"])? {
                        return Err(failed());
                    }
                    sent += keys.len() as u64;
                }
                _ if text.contains("OOM") && limit.is_none() && self.keys(to, slot)? > 0 => {
                    *limit = Some(self.lift(to)?)
                }
                _ if text.contains("IOERR") => {}
                _ => return Err(failed()),
            }
        }
    }

    fn migrate(&mut self, from: &NodeId, to: &NodeId, keys: &[Vec<u8>], how: &[&str]) -> Result<Value, Stop> {
        let address = self.primary(to)?.address.clone();
        let (port, patience) = (address.port.to_string(), PATIENCE.as_millis().to_string());
        let fixed = ["MIGRATE", &address.host, &port, "", "0", &patience];
        let auth = self.auth.clone();
        let words = fixed
            .into_iter()
            .chain(how.iter().copied())
            .chain(auth.iter().map(String::as_str))
            .chain(["KEYS"]);
        let request: Vec<&[u8]> = words.map(str::as_bytes).chain(keys.iter().map(Vec::as_slice)).collect();
        self.client(from)?.ask(&request)
    }

    /// Lets a node have all the memory that the slot in hand needs; gives the limit to set again.
    fn lift(&mut self, node: &NodeId) -> Result<String, Stop> {
        let client = self.client(node)?;
        let reply = client.order(&["CONFIG", "GET", "maxmemory"])?;
        let limit = reply.to_pairs().and_then(|pairs| Some(pairs.first()?.1.as_str()?.to_owned()));
        let limit = limit
            .ok_or_else(|| Stop::interrupted("The target is out of memory, and does not tell its limit."))?;
        client.order(&["CONFIG", "SET", "maxmemory", "0"])?;
        Ok(limit)
    }
}

/// Moves some slots with their keys. `tell` is told of those that are done, and of their keys.
///
/// # Errors
/// It could not be begun, and all is as before; or it could not be ended, and the text says what is open and what to do. Or there is a wish to
/// stop: the slot in hand is done then, and those behind it are closed again.
pub(in crate::cli::cluster) fn move_slots(
    nodes: &mut Slots,
    slots: &[Slot],
    from: &NodeId,
    to: &NodeId,
    tell: impl FnOnce(usize, u64),
) -> Result<(), Stop> {
    if let Err(stop) = open(nodes, slots, from, to) {
        return Err(close(nodes, slots, from, to, stop));
    }
    let (sent, failure) = send(nodes, slots, from, to);
    let (done, left) = slots.split_at(sent.len());
    if let Err(stop) = nodes.assign(done, Some(from), to) {
        return Err(close(nodes, slots, from, to, failure.unwrap_or(stop)));
    }
    tell(done.len(), sent.iter().sum());
    match failure {
        None => Ok(()),
        Some(stop) => Err(close(nodes, left, from, to, stop)),
    }
}

fn open(nodes: &mut Slots, slots: &[Slot], from: &NodeId, to: &NodeId) -> Result<(), Stop> {
    nodes.set_all(to, slots, &["IMPORTING", from.as_str()])?;
    nodes.set_all(from, slots, &["MIGRATING", to.as_str()])
}

/// Sends the keys of open slots, one slot after the other. How many each had, as far as that went, and what hindered it then.
fn send(nodes: &mut Slots, slots: &[Slot], from: &NodeId, to: &NodeId) -> (Vec<u64>, Option<Stop>) {
    // From now on nobody makes a new key there: who would is sent on to the target.
    let filled = match nodes.filled(from, slots) {
        Ok(filled) => filled,
        Err(stop) => return (Vec::new(), Some(stop)),
    };
    let mut sent = Vec::with_capacity(slots.len());
    for slot in slots {
        let keys = match filled.contains(*slot) {
            true => interrupt::check().and_then(|()| nodes.send_keys(*slot, from, to)),
            false => Ok(0),
        };
        match keys {
            Ok(keys) => sent.push(keys),
            Err(stop) => return (sent, Some(stop)),
        }
    }
    (sent, None)
}

/// Closes slots again of which nothing has moved; says which are open for all that.
fn close(nodes: &mut Slots, slots: &[Slot], from: &NodeId, to: &NodeId, stop: Stop) -> Stop {
    let is_open = |slot: &&Slot| !is_closed_again(nodes, **slot, from, to).unwrap_or(false);
    let left: SlotSet = slots.iter().filter(is_open).copied().collect();
    if left.is_empty() {
        let slots: SlotSet = slots.iter().copied().collect();
        let stays = named(&slots, "stays where it was", "stay where they were");
        return stop.midway(&format!("{stays}, with all keys."));
    }
    let at = nodes
        .primaries
        .iter()
        .find(|primary| primary.id == *from)
        .map_or(String::new(), |primary| primary.address.to_string());
    stop.midway(&format!(
        "{} left open: keys may be on both sides, where clients find all of them. \
         When both nodes answer, end the move with: slotway cluster fix {at}",
        named(&left, "is", "are")
    ))
}

/// `Slot 5 is`, `Slots 5-7 are`.
fn named(slots: &SlotSet, one: &str, several: &str) -> String {
    match slots.len() {
        1 => format!("Slot {slots} {one}"),
        _ => format!("Slots {slots} {several}"),
    }
}

/// False where a key has moved, or where it cannot be known.
fn is_closed_again(nodes: &mut Slots, slot: Slot, from: &NodeId, to: &NodeId) -> Result<bool, Stop> {
    if nodes.keys(to, slot)? > 0 {
        return Ok(false);
    }
    nodes.set(from, slot, &["STABLE"])?;
    // A client that had been sent on may have written there just now.
    if nodes.keys(to, slot)? > 0 {
        nodes.set(from, slot, &["MIGRATING", to.as_str()])?;
        return Ok(false);
    }
    nodes.set(to, slot, &["STABLE"])?;
    Ok(true)
}
