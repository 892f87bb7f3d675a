//! One client of both servers: a connection to each, and what was asked on it but not yet answered.

use std::io::ErrorKind;
use std::thread;
use std::time::{Duration, Instant};

use slotway_core::resp::value::Value;

use crate::comparison::{self, Comparison};
use crate::differences::Differences;
use crate::lockstep::Mismatch;
use crate::script::Step;
use crate::server::POLL;
use crate::wire::{Connection, request};

/// Active expiry removes what has expired by then.
const SETTLE_MAX: Duration = Duration::from_secs(3);
/// A server that says nothing for so long hangs: short, since shrinking repeats it.
const HANG: Duration = Duration::from_secs(4);
/// Comes back with the reply to a PING: whatever came before it was sent before it.
const MARKER: &str = "everything-came";

/// The same thing of both servers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sides<T> {
    pub(crate) ours: T,
    pub(crate) theirs: T,
}

/// Whether a connection stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Open,
    Closed,
}

/// One side of a line.
#[derive(Debug)]
pub(crate) struct Peer {
    who: &'static str,
    pub(crate) connection: Connection,
}

/// A connection to each server.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) ours: Peer,
    pub(crate) theirs: Peer,
    /// The step that blocks it.
    pub(crate) waits_for: Option<Step>,
    /// Whether the two sides went different ways that are both right.
    pub(crate) is_lost: bool,
    /// Steps since MULTI.
    queued: Option<Vec<Step>>,
    /// How many words (un)subscribed so far: more than none, and replies are no longer one for each step.
    subscriptions: usize,
}

impl Line {
    /// Connects to both. Panics when refused.
    pub(crate) fn open(ours: u16, theirs: u16) -> Line {
        let open = |who, port| {
            let connection = Connection::open(port).and_then(|connection| connection.patient(HANG));
            Peer {
                who,
                connection: connection.unwrap_or_else(|error| panic!("port {port} refuses: {error}")),
            }
        };
        let (ours, theirs) = (open("ours", ours), open("the reference", theirs));
        Line { ours, theirs, waits_for: None, is_lost: false, queued: None, subscriptions: 0 }
    }

    /// Runs steps on both whatever they answer.
    pub(crate) fn ask(&mut self, steps: &[Step]) {
        self.send(steps);
        for step in steps {
            self.theirs.reply(step);
            self.ours.reply(step);
        }
        // Whoever still blocks belongs to a sequence before: its connections are closed, and the servers about to notice.
        let give_up = Instant::now() + SETTLE_MAX;
        while Instant::now() < give_up {
            let blocked = self.blocked_clients();
            if blocked.ours == 0 && blocked.theirs == 0 {
                return;
            }
            thread::sleep(POLL);
        }
    }

    /// Sends steps to both without waiting.
    pub(crate) fn send(&mut self, steps: &[Step]) {
        let bytes: Vec<u8> = steps.iter().flat_map(|step| request(&step.args)).collect();
        // A server that closed meanwhile shows itself at the next read.
        let _ = self.ours.connection.send(&bytes);
        let _ = self.theirs.connection.send(&bytes);
    }

    /// Runs steps and compares their replies.
    pub(crate) fn run(&mut self, batch: &[Step], differences: &Differences) -> Result<End, Mismatch> {
        self.send(batch);
        for step in batch {
            if self.hear(step, differences)? == End::Closed {
                return Ok(End::Closed);
            }
        }
        Ok(End::Open)
    }

    /// Compares the replies to a step that was sent.
    pub(crate) fn hear(&mut self, step: &Step, differences: &Differences) -> Result<End, Mismatch> {
        if is_subscription(step) && self.queued.is_none() {
            self.subscriptions += step.args.len();
        }
        if self.subscriptions > 0 && self.queued.is_none() {
            return self.hear_all(step);
        }
        let (theirs, ours) = (self.theirs.reply(step), self.ours.reply(step));
        let agree = match (&ours, &theirs) {
            (Some(ours), Some(theirs)) => self.agree(step, ours, theirs, differences) || self.settle(step),
            (ours, theirs) => ours.is_none() && theirs.is_none(),
        };
        if !agree {
            return Err(Mismatch { request: step.format(), ours, theirs });
        }
        let Some(theirs) = theirs else { return Ok(End::Closed) };
        self.follow(step, &theirs);
        Ok(if step.name() == "quit" { End::Closed } else { End::Open })
    }

    /// Compares what only one side answered: a mismatch, unless it may differ. The connections are of no use then.
    pub(crate) fn one_sided(&mut self, step: &Step, differences: &Differences) -> Result<End, Mismatch> {
        let waiting = |peer: &mut Peer| if peer.has_reply() { peer.reply(step) } else { None };
        let (ours, theirs) = (waiting(&mut self.ours), waiting(&mut self.theirs));
        let bytes = |reply: &Option<Vec<u8>>| reply.clone().unwrap_or(b"(nothing)".to_vec());
        if differences.allow(&step.args, &bytes(&ours), &bytes(&theirs)) {
            return Ok(End::Closed);
        }
        Err(Mismatch { request: format!("{} (waits on the other side)", step.format()), ours, theirs })
    }

    /// Compares all messages that arrived; both sides' bytes when they differ.
    pub(crate) fn hear_messages(&mut self) -> Result<(), (Vec<u8>, Vec<u8>)> {
        if self.subscriptions == 0 || self.queued.is_some() {
            return Ok(());
        }
        self.send(&[Step::new(["PING", MARKER])]);
        let (ours, theirs) = (self.ours.until_marker(), self.theirs.until_marker());
        if same_messages(&ours, &theirs, Comparison::Exact) {
            Ok(())
        } else {
            Err((ours.concat(), theirs.concat()))
        }
    }

    /// How many clients each server says it blocks.
    pub(crate) fn blocked_clients(&mut self) -> Sides<usize> {
        Sides { ours: self.ours.blocked_clients(), theirs: self.theirs.blocked_clients() }
    }

    /// Compares all that a step brought, messages of our own included.
    fn hear_all(&mut self, step: &Step) -> Result<End, Mismatch> {
        self.send(&[Step::new(["PING", MARKER])]);
        let (theirs, ours) = (self.theirs.until_marker(), self.ours.until_marker());
        if !same_messages(&ours, &theirs, comparison::of(step)) {
            let (ours, theirs) = (Some(ours.concat()), Some(theirs.concat()));
            return Err(Mismatch { request: step.format(), ours, theirs });
        }
        if let Some(first) = theirs.first() {
            self.follow(step, first);
        }
        let closed = step.name() == "quit" || theirs.is_empty();
        Ok(if closed { End::Closed } else { End::Open })
    }

    fn agree(&self, step: &Step, ours: &[u8], theirs: &[u8], differences: &Differences) -> bool {
        if ours == theirs {
            return true;
        }
        if step.name() == "exec"
            && let Some(queued) = &self.queued
        {
            let (ours, theirs) = (items(ours), items(theirs));
            let each = queued.iter().zip(ours.iter().zip(&theirs));
            return ours.len() == queued.len()
                && theirs.len() == queued.len()
                && each.into_iter().all(|(step, (ours, theirs))| alike(step, ours, theirs, differences));
        }
        alike(step, ours, theirs, differences)
    }

    /// Asks again until both have removed the keys whose time has passed: in an iteration, or when they get to it. Only for
    /// the last step of a batch.
    fn settle(&mut self, step: &Step) -> bool {
        let ask = |peer: &mut Peer| {
            peer.connection.call(&["SCAN", "0", "COUNT", "1000000"]);
            peer.connection.call(&step.args)
        };
        let give_up = Instant::now() + SETTLE_MAX;
        while comparison::of(step) == Comparison::Settled && self.queued.is_none() && Instant::now() < give_up
        {
            if ask(&mut self.ours) == ask(&mut self.theirs) {
                return true;
            }
            thread::sleep(POLL);
        }
        false
    }

    /// Remembers what a step does to the connection, and makes keys with random contents equal again.
    fn follow(&mut self, step: &Step, reply: &[u8]) {
        let name = step.name();
        if reply == b"+QUEUED\r\n" {
            self.queued.get_or_insert_default().push(step.clone());
        } else if name == "multi" && reply == b"+OK\r\n" {
            self.queued = Some(Vec::new());
        } else if matches!(name.as_str(), "discard" | "reset") && reply.starts_with(b"+") {
            self.queued = None;
        } else if name == "exec" && !reply.starts_with(b"-ERR") {
            let executed = self.queued.take().unwrap_or_default();
            let subscriptions = executed.iter().filter(|step| is_subscription(step));
            self.subscriptions += subscriptions.map(|step| step.args.len()).sum::<usize>();
            if reply.starts_with(b"*") && !reply.starts_with(b"*-1") {
                executed.iter().for_each(|step| self.forget(step));
            }
        } else if !reply.starts_with(b"-") {
            self.forget(step);
        }
    }

    fn forget(&mut self, step: &Step) {
        if comparison::of(step) == Comparison::Random && step.args.len() > 1 {
            for peer in [&mut self.ours, &mut self.theirs] {
                peer.connection.call(&[b"DEL", &step.args[1][..]]);
            }
        }
    }
}

fn alike(step: &Step, ours: &[u8], theirs: &[u8], differences: &Differences) -> bool {
    ours == theirs
        || comparison::same(comparison::of(step), &decode(ours), &decode(theirs))
        || comparison::same_numbers(&decode(ours), &decode(theirs))
        || differences.allow(&step.args, ours, theirs)
}

fn decode(bytes: &[u8]) -> Value {
    Value::decode(bytes).map_or(Value::Null, |(value, _)| value)
}

/// The items of an array, each as its bytes.
fn items(array: &[u8]) -> Vec<&[u8]> {
    let Some(end) = array.windows(2).position(|pair| pair == b"\r\n").filter(|_| array.starts_with(b"*"))
    else {
        return Vec::new();
    };
    let (mut items, mut rest) = (Vec::new(), &array[end + 2..]);
    while let Ok((_, used)) = Value::decode(rest) {
        items.push(&rest[..used]);
        rest = &rest[used..];
    }
    items
}

/// Messages of one moment come in any order to a client with several patterns.
fn same_messages(ours: &[Vec<u8>], theirs: &[Vec<u8>], comparison: Comparison) -> bool {
    let sorted = |messages: &[Vec<u8>]| {
        let mut messages = messages.to_vec();
        messages.sort_unstable();
        messages
    };
    let alike =
        |(ours, theirs): (&Vec<u8>, &Vec<u8>)| comparison::same(comparison, &decode(ours), &decode(theirs));
    ours == theirs
        || sorted(ours) == sorted(theirs)
        || ours.len() == theirs.len() && ours.iter().zip(theirs).all(alike)
}

fn is_subscription(step: &Step) -> bool {
    step.name().ends_with("subscribe")
}

impl Peer {
    /// The bytes of the next reply, or `None` when the server closed or hangs. Panics when it does not speak RESP.
    pub(crate) fn reply(&mut self, step: &Step) -> Option<Vec<u8>> {
        match self.connection.read() {
            Ok(reply) => Some(reply.bytes),
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                panic!("{} does not answer {}: {error}", self.who, step.format())
            }
            Err(_) => None,
        }
    }

    /// True when something can be read, be it the end.
    pub(crate) fn has_reply(&mut self) -> bool {
        self.connection.is_readable()
    }

    /// Replies and messages up to the marker, or to the close.
    fn until_marker(&mut self) -> Vec<Vec<u8>> {
        let mut messages = Vec::new();
        let asked = Step::new(["PING", MARKER]);
        while let Some(message) = self.reply(&asked) {
            if message.windows(MARKER.len()).any(|part| part == MARKER.as_bytes()) {
                break;
            }
            messages.push(message);
        }
        messages
    }

    fn blocked_clients(&mut self) -> usize {
        let info = self.connection.call(&["INFO", "clients"]);
        let line =
            |text: &str| text.lines().find_map(|line| line.strip_prefix("blocked_clients:")?.parse().ok());
        info.as_str().and_then(line).unwrap_or(0)
    }
}
