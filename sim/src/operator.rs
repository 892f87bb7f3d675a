//! An operator who moves slots from node to node with real CLUSTER SETSLOT commands, as redis-cli does, and never gives up.
//!
//! ```text
//!   Import   taker: SETSLOT IMPORTING --> Migrate  giver: SETSLOT MIGRATING --> Carry  giver: GETKEYSINSLOT, MIGRATE until there are none
//!      ^                                                                          |
//!      `-- something failed: all once more --  Settle giver: SETSLOT NODE <-- Take  taker: SETSLOT NODE
//! ```
//!
//! Or, atomically:
//!
//! ```text
//!   Hand  giver: MIGRATESLOTS --> Look  giver: GETSLOTMIGRATIONS until the job is over
//!     ^                             |
//!     `------------ it failed, or nobody knows of it
//! ```
//!
//! Sans-IO as clients are. One slot moves at a time; each command has a connection of its own. What it sent and had no answer to may have
//! happened: every step may be done twice.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use slotway_core::id::NodeId;
use slotway_core::plan;
use slotway_core::resp::value::Value;
use slotway_core::slot::Slot;

use crate::chance::{Chance, Permille};
use crate::history::Bytes;
use crate::network::LinkId;
use crate::node::Carried;
use crate::sabotage::{Plot, Sabotage};

/// Keys that are moved at a time.
const KEYS_MAX: usize = 2;
/// Time from one step to the next at most, in milliseconds.
pub const STEP_MS: u64 = 60;
/// How long it waits for an answer, in milliseconds.
pub const PATIENCE_MS: u64 = 400;

/// A node as the operator knows it.
pub struct Place {
    /// Its name.
    pub id: NodeId,
    /// `host:port`.
    pub address: String,
}

/// What the operator wants done.
#[derive(Debug)]
pub enum Wish {
    /// A command sent to the node at that place, on a connection of that name.
    Ask(usize, LinkId, Vec<u8>),
    /// Keys brought from one place to another: MIGRATE.
    Carry(usize, usize, Vec<Bytes>),
    /// The next step, some time soon.
    Later,
}

/// The operator.
pub struct Operator {
    chance: Chance,
    plot: Plot,
    places: Vec<Place>,
    /// Slots that have keys: others are not worth moving.
    slots: Vec<Slot>,
    /// Who has the slots that have moved.
    owners: BTreeMap<Slot, usize>,
    left: usize,
    current: Option<Move>,
    /// The last connection that was opened.
    link: LinkId,
    input: Vec<u8>,
    way: Way,
    /// Slots that have arrived.
    pub moved: u64,
    /// Of those, how many atomically.
    pub handed: u64,
    /// Atomic migrations that were begun.
    pub begun: u64,
}

/// How slots are moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Key by key, by SETSLOT and MIGRATE.
    Classic,
    /// At one moment, by MIGRATESLOTS. What fails is tried again until the giver has the slot no more.
    Atomic,
    /// The same where primaries change: whom a slot belongs to is looked up each time, and what fails too often is left.
    AtomicAmongReplicas,
}

/// So often is a migration tried again where primaries change.
const TRIES_MAX: usize = 4;

#[derive(Clone, Copy)]
struct Move {
    slot: Slot,
    from: usize,
    to: usize,
    stage: Stage,
    tries: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Stage {
    Import,
    Migrate,
    Carry,
    Take,
    Settle,
    Hand,
    Look,
}

impl Operator {
    /// An operator who moves `moves` of `slots` in turn, in this way, over connections called `link`.
    pub fn new(
        seed: u64,
        plot: Plot,
        places: Vec<Place>,
        slots: Vec<Slot>,
        (way, moves): (Way, usize),
        link: LinkId,
    ) -> Self {
        Self {
            chance: Chance::stream(seed, "operator"),
            plot,
            places,
            slots,
            owners: BTreeMap::new(),
            left: moves,
            current: None,
            link,
            input: Vec::new(),
            way,
            moved: 0,
            handed: 0,
            begun: 0,
        }
    }

    /// True when all moves have ended.
    pub fn is_idle(&self) -> bool {
        self.left == 0 && self.current.is_none()
    }

    /// No further move begins.
    pub fn stop(&mut self) {
        self.left = 0;
    }

    /// What is being done, for the trace.
    pub fn doing(&self) -> String {
        self.current.as_ref().map_or_else(String::new, |current| {
            let Move { slot, from, to, stage, .. } = current;
            format!("slot {slot} n{from} -> n{to}: {stage:?}")
        })
    }

    /// The time has come for the next step.
    pub fn step(&mut self) -> Option<Wish> {
        if self.current.is_none() {
            self.begin()?;
        }
        let Move { slot, from, to, stage, .. } = *self.current.as_ref()?;
        if stage == Stage::Import && self.plot.breaks(Sabotage::ForgetToImport) {
            self.go_to(Stage::Migrate);
            return Some(Wish::Later);
        }
        let slot = slot.to_string();
        let [giver, taker] = [from, to].map(|place| self.places[place].id.to_string());
        let keys_max = KEYS_MAX.to_string();
        let (place, words): (usize, &[&str]) = match stage {
            Stage::Import => (to, &["CLUSTER", "SETSLOT", &slot, "IMPORTING", &giver]),
            Stage::Migrate => (from, &["CLUSTER", "SETSLOT", &slot, "MIGRATING", &taker]),
            Stage::Carry => (from, &["CLUSTER", "GETKEYSINSLOT", &slot, &keys_max]),
            Stage::Take => (to, &["CLUSTER", "SETSLOT", &slot, "NODE", &taker]),
            Stage::Settle => (from, &["CLUSTER", "SETSLOT", &slot, "NODE", &taker]),
            Stage::Hand => (from, &["CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", &slot, &slot, "NODE", &taker]),
            Stage::Look => (from, &["CLUSTER", "GETSLOTMIGRATIONS"]),
        };
        let mut bytes = Vec::new();
        let words = words.iter().map(|word| word.as_bytes());
        slotway_engine::propagation::write_command(&mut bytes, words);
        self.link.serial += 1;
        self.input.clear();
        Some(Wish::Ask(place, self.link, bytes))
    }

    /// Draws a slot, and where it goes.
    fn begin(&mut self) -> Option<()> {
        self.left = self.left.checked_sub(1)?;
        let slot = *self.chance.pick(&self.slots);
        let count = self.places.len();
        let first =
            plan::spread(count).iter().position(|ranges| ranges.iter().any(|range| range.contains(slot)));
        let from = self.owners.get(&slot).copied().or(first)?;
        let to = match self.way {
            Way::Classic | Way::Atomic => (from + 1 + self.chance.below(count - 1)) % count,
            Way::AtomicAmongReplicas => self.some_owner_but(from)?,
        };
        self.current = Some(Move { slot, from, to, stage: self.first_stage(), tries: 0 });
        Some(())
    }

    fn some_owner_but(&mut self, from: usize) -> Option<usize> {
        let others: Vec<usize> = self.owners.values().copied().filter(|owner| *owner != from).collect();
        (!others.is_empty()).then(|| *self.chance.pick(&others))
    }

    fn first_stage(&self) -> Stage {
        match self.way {
            Way::Classic => Stage::Import,
            Way::Atomic | Way::AtomicAmongReplicas => Stage::Hand,
        }
    }

    /// Whose a slot is now, as far as anybody sees: where primaries change, that is looked up before each move.
    pub fn learn(&mut self, owner_of: impl Fn(Slot) -> Option<usize>) {
        if self.way == Way::AtomicAmongReplicas && self.current.is_none() {
            self.owners = self.slots.iter().filter_map(|slot| Some((*slot, owner_of(*slot)?))).collect();
        }
    }

    fn go_to(&mut self, stage: Stage) {
        if let Some(current) = &mut self.current {
            current.stage = stage;
        }
    }

    /// Bytes have come; `None` for the end of the connection. What is to be done next, once the answer is whole.
    pub fn answered(&mut self, link: LinkId, bytes: Option<&[u8]>) -> Option<Wish> {
        if link != self.link {
            return None;
        }
        let Some(bytes) = bytes else {
            self.link.serial += 1;
            return self.begin_again();
        };
        self.input.extend_from_slice(bytes);
        let (reply, _) = Value::decode(&self.input).ok()?;
        self.link.serial += 1;
        self.reply(reply)
    }

    /// The command on that connection has had no answer for too long.
    pub fn lose_patience(&mut self, link: LinkId) -> Option<Wish> {
        self.answered(link, None)
    }

    fn begin_again(&mut self) -> Option<Wish> {
        let first = self.first_stage();
        let current = self.current.as_mut()?;
        (current.stage, current.tries) = (first, current.tries + 1);
        if self.way == Way::AtomicAmongReplicas && current.tries >= TRIES_MAX {
            self.current = None;
        }
        Some(Wish::Later)
    }

    fn reply(&mut self, reply: Value) -> Option<Wish> {
        let Move { slot, from, to, stage, .. } = *self.current.as_ref()?;
        let text = if let Value::Error(text) = &reply { text.as_str() } else { "" };
        match (stage, reply.clone()) {
            // The taker has it already: only the giver may not know.
            (Stage::Import, _) if text.contains("already the owner") => self.go_to(Stage::Settle),
            (Stage::Import, Value::Simple(_)) => self.go_to(Stage::Migrate),
            (Stage::Migrate, Value::Simple(_)) => self.go_to(Stage::Carry),
            (Stage::Carry, Value::Array(keys)) if !keys.is_empty() && !self.claims_early() => {
                let key = |key: &Value| key.as_bytes().map(<[u8]>::to_vec);
                return Some(Wish::Carry(from, to, keys.iter().filter_map(key).collect()));
            }
            (Stage::Carry, Value::Array(_)) => self.go_to(Stage::Take),
            (Stage::Take, Value::Simple(_)) => self.go_to(Stage::Settle),
            (Stage::Settle, Value::Simple(_)) => self.arrived(slot, to),
            (Stage::Hand, Value::Simple(_)) => {
                self.begun += 1;
                self.go_to(Stage::Look);
            }
            (Stage::Hand, _) if text.contains("already migrating") => self.go_to(Stage::Look),
            // It has been given away, and where primaries do not change, only to the taker.
            (Stage::Hand, _) if text.contains("not served") && self.way == Way::Atomic => {
                self.arrived(slot, to);
            }
            (Stage::Look, Value::Array(jobs)) => match state_of(&jobs, slot).as_deref() {
                Some("success") => self.arrived(slot, to),
                Some("failed" | "cancelled") | None => return self.begin_again(),
                Some(_) => {}
            },
            _ => return self.begin_again(),
        }
        Some(Wish::Later)
    }

    fn arrived(&mut self, slot: Slot, to: usize) {
        self.owners.insert(slot, to);
        self.moved += 1;
        self.handed += u64::from(self.way != Way::Classic);
        self.current = None;
    }

    fn claims_early(&mut self) -> bool {
        self.plot.breaks(Sabotage::ClaimEarly) && self.chance.happens(Permille(500))
    }

    /// What it is waiting for now, by the name of a connection.
    pub fn waits(&self) -> LinkId {
        self.link
    }

    /// Keys have been brought to their new place, or not.
    pub fn carried(&mut self, how: &Carried) -> Option<Wish> {
        self.link.serial += 1;
        match how {
            Carried::All => self.current.as_ref().map(|_| Wish::Later),
            Carried::NotAll { .. } => self.begin_again(),
        }
    }

    /// How long until the next step, in microseconds.
    pub fn pause_us(&mut self) -> u64 {
        self.chance.within(0..=STEP_MS * 1000)
    }
}

/// How far the last migration of the slot from that node is, among what GETSLOTMIGRATIONS tells.
fn state_of(jobs: &[Value], slot: Slot) -> Option<String> {
    let field = |job: &Value, name: &str| {
        let Value::Array(words) = job else { return None };
        let at = words.iter().position(|word| word.as_bytes() == Some(name.as_bytes()))?;
        Some(String::from_utf8_lossy(words.get(at + 1)?.as_bytes()?).into_owned())
    };
    let range = format!("{slot}-{slot}");
    let is_it = |job: &&Value| {
        field(job, "slot_ranges").as_deref() == Some(&range)
            && field(job, "operation").as_deref() == Some("EXPORT")
    };
    jobs.iter().find(is_it).and_then(|job| field(job, "state"))
}
