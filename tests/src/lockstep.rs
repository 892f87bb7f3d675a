//! The same steps to two servers, their replies compared one by one, and their keyspaces at the end.
//!
//! Steps go out in batches, so that pipelining is under test too. Replies are compared byte for byte, except where
//! the answer is free by definition: order of KEYS, remaining time, ids and clocks.

use std::fmt;
use std::io::ErrorKind;
use std::thread;
use std::time::{Duration, Instant};

use slotway_core::resp::value::Value;

use crate::differences::Differences;
use crate::random::Random;
use crate::script::{Step, format_args};
use crate::server::POLL;
use crate::wire::{Connection, request};

/// Databases that generated commands reach.
const DATABASES: &[&str] = &["0", "1", "2", "3", "15"];
/// How far two answers about remaining time may lie apart, in the unit of the answer.
const TIME_TOLERANCE: i64 = 2000;
/// Active expiry removes what has expired by then.
const SETTLE_MAX: Duration = Duration::from_secs(3);
/// Remaining times below this are exact: -1, -2 and errors of small numbers.
const TIME_MIN: i64 = 90;

/// Two servers that should be one.
#[derive(Debug)]
pub struct Pair<'a> {
    /// Port of the server under test.
    pub ours: u16,
    /// Port of the reference.
    pub theirs: u16,
    /// What may differ.
    pub differences: &'a Differences,
}

/// The first request that they answered differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The request as a line of a script.
    pub request: String,
    /// What the server under test sent; `None` when it closed.
    pub ours: Option<Vec<u8>>,
    /// What the reference sent; `None` when it closed.
    pub theirs: Option<Vec<u8>>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |reply: &Option<Vec<u8>>| {
            reply.as_ref().map_or("(closed)".to_string(), |bytes| bytes.escape_ascii().to_string())
        };
        let (ours, theirs) = (show(&self.ours), show(&self.theirs));
        write!(f, "{}\n  ours:   {ours}\n  theirs: {theirs}", self.request)
    }
}

/// How two replies to a command are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Exact,
    /// Items of an array in any order.
    Unordered,
    /// Integers that count down while the second server is asked.
    Near,
    /// A whole iteration in one reply: items in any order; a part of one: anything.
    Scan,
    /// A page of an iteration from a cursor that nobody gave: errors are compared, keys are not.
    Page,
    /// The same kinds of values.
    Shape,
    /// The same once expired keys are removed.
    Settled,
}

fn comparison(step: &Step) -> Comparison {
    match (step.name().as_str(), step.word(1).as_str()) {
        ("keys", _) => Comparison::Unordered,
        ("ttl" | "pttl" | "expiretime" | "pexpiretime", _) => Comparison::Near,
        ("scan", "0") => Comparison::Scan,
        ("scan", _) => Comparison::Page,
        ("dbsize", _) => Comparison::Settled,
        ("hello" | "time" | "lastsave" | "randomkey" | "info" | "lolwut", _) => Comparison::Shape,
        ("client", "id" | "info" | "list") | ("memory", "usage") => Comparison::Shape,
        ("object", "idletime") | ("command", "count") => Comparison::Shape,
        _ => Comparison::Exact,
    }
}

impl Pair<'_> {
    /// Empties both servers, runs `steps` on both in batches of up to `batch_max`, and compares everything.
    pub fn run(&self, steps: &[Step], batch_max: usize) -> Result<(), Mismatch> {
        self.session().run(&[Step::new(["FLUSHALL"])])?;
        let mut session = self.session();
        let mut rest = steps;
        let mut sizes = Random::new(batch_max as u64);
        while !rest.is_empty() {
            let size = 1 + sizes.below(batch_max);
            let ends = |step: &Step| step.pause_ms > 0 || matches!(step.name().as_str(), "quit" | "dbsize");
            let size = rest.iter().take(size).position(ends).map_or(size, |at| at + 1).min(rest.len());
            let (batch, after) = rest.split_at(size);
            if session.run(batch)? == Run::Closed {
                session = self.session();
            }
            thread::sleep(Duration::from_millis(batch.last().map_or(0, |step| step.pause_ms)));
            rest = after;
        }
        self.compare_keyspaces()
    }

    fn session(&self) -> Session<'_> {
        let open =
            |port| Connection::open(port).unwrap_or_else(|error| panic!("port {port} refuses: {error}"));
        Session { ours: open(self.ours), theirs: open(self.theirs), differences: self.differences }
    }

    fn compare_keyspaces(&self) -> Result<(), Mismatch> {
        let mut session = self.session();
        for database in DATABASES {
            session.run(&[Step::new(["SELECT", database]), Step::new(["KEYS", "*"])])?;
            let keys = session.theirs.call(&["KEYS", "*"]);
            let keys: Vec<&[u8]> =
                keys.as_items().unwrap_or_default().iter().filter_map(Value::as_bytes).collect();
            let facts = |key: &&[u8]| {
                let key = *key;
                ["TYPE", "GET", "PEXPIRETIME", "TTL"].map(|command| Step::new([command.as_bytes(), key]))
            };
            session.run(&keys.iter().flat_map(facts).collect::<Vec<Step>>())?;
            session.compare_scans(&keys)?;
        }
        Ok(())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    Open,
    Closed,
}

struct Session<'a> {
    ours: Connection,
    theirs: Connection,
    differences: &'a Differences,
}

impl Session<'_> {
    fn run(&mut self, batch: &[Step]) -> Result<Run, Mismatch> {
        let bytes: Vec<u8> = batch.iter().flat_map(|step| request(&step.args)).collect();
        // A server that closed meanwhile shows itself at the next read.
        let _ = self.ours.send(&bytes);
        let _ = self.theirs.send(&bytes);
        for step in batch {
            let (theirs, ours) =
                (reply("the reference", &mut self.theirs, step), reply("ours", &mut self.ours, step));
            let agree = match (&ours, &theirs) {
                (Some(ours), Some(theirs)) => self.agree(step, ours, theirs) || self.settle(step),
                (ours, theirs) => ours.is_none() && theirs.is_none(),
            };
            if !agree {
                return Err(Mismatch { request: step.format(), ours, theirs });
            }
            if theirs.is_none() || step.name() == "quit" {
                return Ok(Run::Closed);
            }
        }
        Ok(Run::Open)
    }

    fn agree(&self, step: &Step, ours: &[u8], theirs: &[u8]) -> bool {
        ours == theirs
            || same(comparison(step), &decode(ours), &decode(theirs))
            || self.differences.allow(&step.args, ours, theirs)
    }

    /// Asks again until both have removed the keys whose time has passed: in an iteration, or when they get to it. Only for
    /// the last step of a batch.
    fn settle(&mut self, step: &Step) -> bool {
        let ask = |connection: &mut Connection| {
            connection.call(&["SCAN", "0", "COUNT", "1000000"]);
            connection.call(&step.args)
        };
        let give_up = Instant::now() + SETTLE_MAX;
        while comparison(step) == Comparison::Settled && Instant::now() < give_up {
            if ask(&mut self.ours) == ask(&mut self.theirs) {
                return true;
            }
            thread::sleep(POLL);
        }
        false
    }

    /// A SCAN in small steps must give each of `keys` at least once, and nothing else.
    fn compare_scans(&mut self, keys: &[&[u8]]) -> Result<(), Mismatch> {
        let mut expected = keys.to_vec();
        expected.sort_unstable();
        let mut found = scan(&mut self.ours, expected.len());
        found.sort_unstable();
        found.dedup();
        if found == expected {
            return Ok(());
        }
        let request = "SCAN 0 COUNT 3, and on until cursor 0".to_string();
        let (ours, theirs) = (format_args(&found).into_bytes(), format_args(&expected).into_bytes());
        Err(Mismatch { request, ours: Some(ours), theirs: Some(theirs) })
    }
}

/// All keys that a whole iteration gives, in order of arrival. Ends after many more rounds than `count` keys need.
fn scan(connection: &mut Connection, count: usize) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut cursor = b"0".to_vec();
    for _ in 0..20_000 + 16 * count {
        let reply = connection.call(&[&b"SCAN"[..], &cursor, b"COUNT", b"3"]);
        let Some([next, page]) = reply.as_items() else {
            panic!("SCAN gives a cursor and keys, and not {reply:?}")
        };
        found.extend(
            page.as_items().unwrap_or_default().iter().filter_map(Value::as_bytes).map(<[u8]>::to_vec),
        );
        cursor = next.as_bytes().unwrap_or_default().to_vec();
        if cursor == b"0" {
            return found;
        }
    }
    panic!("SCAN does not end");
}

/// The bytes of the next reply, or `None` when the server closed. Panics when it hangs or does not speak RESP.
fn reply(who: &str, connection: &mut Connection, step: &Step) -> Option<Vec<u8>> {
    let failed = |error| panic!("{who} does not answer {}: {error}", step.format());
    match connection.read() {
        Ok(reply) => Some(reply.bytes),
        Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => None,
        Err(error) => failed(error),
    }
}

fn decode(bytes: &[u8]) -> Value {
    Value::decode(bytes).map_or(Value::Null, |(value, _)| value)
}

fn same(comparison: Comparison, ours: &Value, theirs: &Value) -> bool {
    match comparison {
        Comparison::Exact | Comparison::Settled => false,
        Comparison::Unordered => sorted(ours).is_some_and(|items| Some(items) == sorted(theirs)),
        Comparison::Near => match (ours, theirs) {
            (Value::Integer(a), Value::Integer(b)) => near(*a, *b),
            _ => false,
        },
        Comparison::Scan => same_scan(ours, theirs),
        Comparison::Page => ours.as_items().is_some() && theirs.as_items().is_some(),
        Comparison::Shape => same_shape(ours, theirs),
    }
}

fn near(a: i64, b: i64) -> bool {
    a >= TIME_MIN && b >= TIME_MIN && a.abs_diff(b) <= TIME_TOLERANCE as u64
}

fn sorted(value: &Value) -> Option<Vec<&[u8]>> {
    let mut items: Vec<&[u8]> = value.as_items()?.iter().filter_map(Value::as_bytes).collect();
    items.sort_unstable();
    Some(items)
}

fn same_scan(ours: &Value, theirs: &Value) -> bool {
    let (Some([our_cursor, our_page]), Some([their_cursor, their_page])) =
        (ours.as_items(), theirs.as_items())
    else {
        return false;
    };
    let whole = our_cursor.as_bytes() == Some(b"0") && their_cursor.as_bytes() == Some(b"0");
    !whole || sorted(our_page) == sorted(their_page)
}

fn same_shape(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Error(a), Value::Error(b)) => a == b,
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_shape(a, b))
        }
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((ak, av), (bk, bv))| ak == bk && same_shape(av, bv))
        }
        (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}
