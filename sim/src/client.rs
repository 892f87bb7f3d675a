//! A cluster client: finds the node of a key, follows redirections, waits, tries again.
//!
//! ```text
//!   Input (bytes, end of a connection, timer) --> handle --> Action (open, send, close, wake)
//!                                                    `----> History
//! ```
//!
//! Sans-IO like everything else. It learns the cluster from CLUSTER SLOTS and CLUSTER NODES by the parsers that are
//! shipped to users, and then from MOVED. Operations of unknown outcome are tried again only if they may happen twice.

mod directory;
mod wire;

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

use slotway_core::resp::value::Value;

use crate::chance::{Chance, Permille};
use crate::history::{Call, Copies, History, Oddity, OperationId, Outcome, Redirect, RedirectKind};
use crate::network::LinkId;
use crate::timeline::Time;
use crate::workload::Workload;
use directory::Directory;
use wire::{Connection, Expected};

/// How long a client waits for a reply before it closes the connection, in milliseconds.
const PATIENCE_MS: u64 = 120;
/// How long it waits after TRYAGAIN, CLUSTERDOWN or a lost connection at most, in milliseconds, for each time that it has been sent.
const BACKOFF_MS: u64 = 12;
/// More attempts than these do not make it wait longer.
const BACKOFF_ATTEMPTS: u64 = 16;
/// How long WAIT waits, in milliseconds.
const WAIT_MS: u64 = 100;
/// How long WAITAOF does: `appendfsync everysec` takes a second.
const WAIT_FOR_DISKS_MS: u64 = 2500;
/// Redirections that are followed at once; after these the client waits before each.
const AT_ONCE_MAX: usize = 5;
/// How often an operation is sent before the client gives up.
const ATTEMPTS_MAX: u32 = 60;
/// How often an operation of unknown outcome is begun again.
const REPEATS_MAX: u32 = 4;
/// How often an ECHO follows an operation, to see that replies come in order.
const ECHO: Permille = Permille(300);
/// How often a client asks for the whole map after MOVED.
const REFRESH: Permille = Permille(100);

/// What happens to a client.
pub enum Input {
    /// The time has come for something it planned.
    Timer(Timer),
    /// Bytes have come.
    Bytes(LinkId, Vec<u8>),
    /// A connection has ended.
    End(LinkId),
}

/// What a client plans to do later.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Timer {
    /// Begin the next operation, if there is room.
    Next,
    /// Send an operation again.
    Send(OperationId),
    /// Stop waiting for the reply to an operation sent for the so-manieth time.
    Patience(OperationId, u32),
}

/// What a client wants done.
pub enum Action {
    /// Open a connection to an address.
    Open(LinkId, String),
    /// Send bytes.
    Send(LinkId, Vec<u8>),
    /// Close a connection.
    Close(LinkId),
    /// Tell it when the time has come.
    Wake(Time, Timer),
}

/// An operation under way.
#[derive(Default)]
struct Flight {
    /// How often it has been sent.
    attempts: u32,
    /// How often it was begun before, with unknown outcome.
    repeats: u32,
    /// Where it must go next, once.
    next: Option<Stop>,
}

enum Stop {
    /// Here, whatever the client knows.
    At(String),
    /// Here, after ASKING.
    Asking(String),
}

/// How a client goes about its work.
#[derive(Clone, Copy, Debug)]
pub struct Habits {
    /// Operations that it has under way at most.
    pub depth: usize,
    /// Time between two new operations at most, in milliseconds.
    pub think_ms: u64,
    /// How many replicas it waits for.
    pub replicas: usize,
    /// How often it does, after a write.
    pub waits: Permille,
    /// How often it then waits for their disks, and the primary's.
    pub for_disks: Permille,
}

/// A client.
pub struct Client {
    number: usize,
    chance: Chance,
    workload: Workload,
    /// Operations to do before those of the workload, each with the node to begin at.
    audit: VecDeque<(Call, String)>,
    habits: Habits,
    is_done: bool,
    directory: Directory,
    connections: BTreeMap<String, Connection>,
    opened: u32,
    echoes: u64,
    flights: BTreeMap<OperationId, Flight>,
    /// Writes that have been answered, and how often they had been sent by then: what WAIT tells is about that time.
    written: BTreeMap<OperationId, u32>,
    actions: Vec<Action>,
}

impl Client {
    /// A client that knows the addresses `seeds`.
    pub fn new(seed: u64, number: usize, seeds: Vec<String>, workload: Workload, habits: Habits) -> Self {
        Self {
            number,
            chance: Chance::stream(seed, &alloc::format!("client {number}")),
            workload,
            audit: VecDeque::new(),
            habits,
            is_done: false,
            directory: Directory::new(seeds),
            connections: BTreeMap::new(),
            opened: 0,
            echoes: 0,
            flights: BTreeMap::new(),
            written: BTreeMap::new(),
            actions: Vec::new(),
        }
    }

    /// True when all its operations have ended.
    pub fn is_idle(&self) -> bool {
        self.is_done && self.flights.is_empty()
    }

    /// It begins nothing more by itself.
    pub fn stop(&mut self) {
        self.workload.stop();
    }

    /// It closes its connections, on which nothing is under way: some of them may be dead by now. Returns which there were.
    pub fn hang_up(&mut self) -> Vec<LinkId> {
        core::mem::take(&mut self.connections).into_values().map(|connection| connection.link).collect()
    }

    /// Gives it more to do, each operation with the node at which to begin. Wake it with [`Timer::Next`].
    pub fn assign(&mut self, calls: impl IntoIterator<Item = (Call, String)>) {
        self.audit.extend(calls);
        self.is_done = false;
    }

    /// Something happens; returns what it wants done, in order.
    pub fn handle(&mut self, now: Time, input: Input, history: &mut History) -> Vec<Action> {
        match input {
            Input::Timer(Timer::Next) => self.next(now, history),
            Input::Timer(Timer::Send(id)) => self.send(now, id, history),
            Input::Timer(Timer::Patience(id, attempt)) => self.lose_patience(now, id, attempt, history),
            Input::Bytes(link, bytes) => self.read(now, link, &bytes, history),
            Input::End(link) => self.lose(now, link, history),
        }
        core::mem::take(&mut self.actions)
    }

    fn next(&mut self, now: Time, history: &mut History) {
        if self.flights.len() < self.habits.depth {
            let (call, start) = match self.audit.pop_front() {
                Some((call, start)) => (Some(call), Some(Stop::At(start))),
                None => (self.workload.next_call(), None),
            };
            let Some(call) = call else {
                self.is_done = true;
                return;
            };
            self.begin(now, call, Flight { next: start, ..Flight::default() }, history);
        }
        self.wake(now, self.habits.think_ms, Timer::Next);
    }

    fn begin(&mut self, now: Time, call: Call, flight: Flight, history: &mut History) {
        let id = history.begin(now, call);
        self.flights.insert(id, flight);
        self.send(now, id, history);
    }

    /// Sends an operation to where it should be served.
    fn send(&mut self, now: Time, id: OperationId, history: &mut History) {
        let Some(flight) = self.flights.get_mut(&id) else { return };
        flight.attempts += 1;
        let attempt = flight.attempts;
        if attempt > ATTEMPTS_MAX {
            self.flights.remove(&id);
            return history.end(now, id, Outcome::GaveUp);
        }
        let call = &history.operations[id.0].call;
        let (address, asking) = match flight.next.take() {
            Some(Stop::At(address)) => (address, false),
            Some(Stop::Asking(address)) => (address, true),
            None => (self.directory.find(call.slot(), &mut self.chance), false),
        };
        let mut bytes = Vec::new();
        let connection = self.connection(address);
        if asking {
            connection.ask(Expected::Asking, &[b"ASKING".to_vec()], &mut bytes);
        }
        connection.ask(Expected::Operation(id), &call.words(), &mut bytes);
        let link = connection.link;
        if !call.is_read() && self.chance.happens(self.habits.waits) {
            self.wait(link, Expected::Wait(id, attempt), &mut bytes);
        }
        if self.chance.happens(ECHO) {
            self.echo(link, &mut bytes);
        }
        self.actions.push(Action::Send(link, bytes));
        self.actions.push(Action::Wake(now.plus_ms(PATIENCE_MS), Timer::Patience(id, attempt)));
    }

    fn wait(&mut self, link: LinkId, reply: Expected, bytes: &mut Vec<u8>) {
        let number = |number: u64| alloc::format!("{number}").into_bytes();
        let replicas = number(self.habits.replicas as u64);
        let for_disks = self.habits.for_disks > Permille(0) && self.chance.happens(self.habits.for_disks);
        let words = match for_disks {
            true => Vec::from([b"WAITAOF".to_vec(), number(1), replicas, number(WAIT_FOR_DISKS_MS)]),
            false => Vec::from([b"WAIT".to_vec(), replicas, number(WAIT_MS)]),
        };
        if let Some(connection) = self.connections.values_mut().find(|connection| connection.link == link) {
            connection.ask(reply, &words, bytes);
        }
    }

    fn echo(&mut self, link: LinkId, bytes: &mut Vec<u8>) {
        self.echoes += 1;
        let token = alloc::format!("echo {} of client {}", self.echoes, self.number).into_bytes();
        if let Some(connection) = self.connections.values_mut().find(|connection| connection.link == link) {
            connection.ask(Expected::Echo(token.clone()), &[b"ECHO".to_vec(), token], bytes);
        }
    }

    /// The connection to `address`, opened if there is none.
    fn connection(&mut self, address: String) -> &mut Connection {
        if !self.connections.contains_key(&address) {
            self.opened += 1;
            let link = LinkId { client: self.number, serial: self.opened };
            self.actions.push(Action::Open(link, address.clone()));
        }
        let link = LinkId { client: self.number, serial: self.opened };
        self.connections.entry(address).or_insert_with(|| Connection::new(link))
    }

    fn read(&mut self, now: Time, link: LinkId, bytes: &[u8], history: &mut History) {
        let found = self.connections.iter_mut().find(|(_, connection)| connection.link == link);
        let Some((address, connection)) = found else { return };
        let address = address.clone();
        for reply in connection.read(bytes) {
            match reply {
                Ok((Expected::Operation(id), value)) => self.answered(now, id, &address, value, history),
                Ok((Expected::Wait(id, attempt), Value::Integer(replicas))) => {
                    if self.written.remove(&id) == Some(attempt) {
                        history.copied(now, id, Copies { replicas, on_disk: false });
                    }
                }
                Ok((Expected::Wait(id, attempt), Value::Array(counts))) => {
                    if let [Value::Integer(1), Value::Integer(replicas)] = counts[..]
                        && self.written.remove(&id) == Some(attempt)
                    {
                        history.copied(now, id, Copies { replicas, on_disk: true });
                    }
                }
                Ok((Expected::Map, value)) => {
                    if let Err(error) = self.directory.learn(&value, &address) {
                        history.oddities.push((link, Oddity::UnreadableMap(error)));
                    }
                }
                Ok((Expected::Echo(sent), came)) if came != Value::Bulk(sent.clone()) => {
                    history.oddities.push((link, Oddity::WrongEcho { sent, came }));
                }
                Ok((Expected::Echo(_) | Expected::Asking | Expected::Wait(..), _)) => {}
                Err(oddity) => history.oddities.push((link, oddity)),
            }
        }
    }

    /// A reply: the end of the operation, or where to go with it.
    fn answered(&mut self, now: Time, id: OperationId, from: &str, value: Value, history: &mut History) {
        let Some(flight) = self.flights.get_mut(&id) else { return };
        let text = if let Value::Error(text) = &value { text.as_str() } else { "" };
        let mut words = text.split(' ');
        match (words.next().unwrap_or_default(), words.nth(1)) {
            ("MOVED", Some(to)) => self.redirected(now, id, from, to, RedirectKind::Moved, history),
            ("ASK", Some(to)) => {
                flight.next = Some(Stop::Asking(to.into()));
                self.redirected(now, id, from, to, RedirectKind::Ask, history);
            }
            ("TRYAGAIN" | "CLUSTERDOWN", _) => {
                let attempts = u64::from(flight.attempts).min(BACKOFF_ATTEMPTS);
                history.count_error(text);
                self.wake(now, BACKOFF_MS * attempts, Timer::Send(id));
            }
            _ => {
                history.count_error(text);
                if let Some(flight) = self.flights.remove(&id).filter(|_| text.is_empty()) {
                    self.written.insert(id, flight.attempts);
                }
                history.end(now, id, Outcome::Replied(value));
            }
        }
    }

    fn redirected(
        &mut self,
        now: Time,
        id: OperationId,
        from: &str,
        to: &str,
        kind: RedirectKind,
        history: &mut History,
    ) {
        history.count_error(if kind == RedirectKind::Moved { "MOVED" } else { "ASK" });
        let operation = &mut history.operations[id.0];
        operation.redirects.push(Redirect { kind, from: from.into(), to: to.into() });
        let (followed, slot) = (operation.redirects.len(), operation.call.slot());
        if kind == RedirectKind::Moved {
            self.directory.moved(slot, to);
            if self.chance.happens(REFRESH) {
                self.refresh(to);
            }
        }
        if followed > AT_ONCE_MAX {
            return self.wake(now, BACKOFF_MS, Timer::Send(id));
        }
        self.send(now, id, history);
    }

    /// Asks a node for the whole map.
    fn refresh(&mut self, address: &str) {
        let command = *self.chance.pick(&["SLOTS", "NODES", "SHARDS"]);
        let mut bytes = Vec::new();
        let words = [b"CLUSTER".to_vec(), command.as_bytes().to_vec()];
        let connection = self.connection(address.into());
        connection.ask(Expected::Map, &words, &mut bytes);
        let link = connection.link;
        self.actions.push(Action::Send(link, bytes));
    }

    fn lose_patience(&mut self, now: Time, id: OperationId, attempt: u32, history: &mut History) {
        let waits = self.flights.get(&id).is_some_and(|flight| flight.attempts == attempt);
        let on = self.connections.values().find(|connection| waits && connection.expects(id));
        if let Some(link) = on.map(|connection| connection.link) {
            self.actions.push(Action::Close(link));
            self.lose(now, link, history);
        }
    }

    /// A connection has ended: what it still owed has an unknown outcome.
    fn lose(&mut self, now: Time, link: LinkId, history: &mut History) {
        let found = self.connections.iter().find(|(_, connection)| connection.link == link);
        let Some(address) = found.map(|(address, _)| address.clone()) else { return };
        let lost = self.connections.remove(&address).map(Connection::operations).unwrap_or_default();
        self.directory.forget();
        for id in lost {
            let Some(flight) = self.flights.remove(&id) else { continue };
            history.end(now, id, Outcome::Unknown);
            let call = &history.operations[id.0].call;
            if flight.repeats < REPEATS_MAX && call.may_be_repeated() {
                self.repeat(now, call.clone(), flight.repeats + 1, history);
            }
        }
    }

    /// The same once more, as an operation of its own: the first may have happened.
    fn repeat(&mut self, now: Time, call: Call, repeats: u32, history: &mut History) {
        let id = history.begin(now, call);
        self.flights.insert(id, Flight { repeats, ..Flight::default() });
        self.wake(now, BACKOFF_MS, Timer::Send(id));
    }

    fn wake(&mut self, now: Time, within_ms: u64, timer: Timer) {
        let at = now.plus_us(self.chance.within(100..=within_ms * 1000));
        self.actions.push(Action::Wake(at, timer));
    }
}
