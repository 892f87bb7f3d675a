//! How two replies to a command are compared: byte for byte, except where the answer is free by definition.

use slotway_core::resp::value::Value;

use crate::script::Step;

/// How far two answers about time may lie apart, in the unit of the answer.
const TIME_TOLERANCE: u64 = 5000;
/// Remaining times below this are exact: -1, -2 and errors of small numbers.
const TIME_MIN: i64 = 90;
/// Fields of XINFO that tell a time.
const CLOCKS: &[&str] = &["idle", "inactive", "seen-time", "active-time"];
/// Fields of XINFO that 7.0 does not have.
const NEW_FIELDS: &[&str] = &["inactive", "active-time"];

/// How two replies to a command are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// The same bytes.
    Exact,
    /// Items of a collection in any order.
    Unordered,
    /// Integers that count down while the second server is asked.
    Near,
    /// The same but for idle times and points in time.
    Clocks,
    /// A whole iteration in one reply: items in any order; a part of one: anything.
    Scan,
    /// A page of an iteration from a cursor that nobody gave: errors are compared, keys are not.
    Page,
    /// The same kinds of values.
    Shape,
    /// The same kinds of values; afterwards the key holds something else on each side.
    Random,
    /// The same once expired keys are removed.
    Settled,
}

use Comparison::{Clocks, Near, Page, Random, Scan, Settled, Shape, Unordered};

/// Commands whose replies are not compared byte for byte. `*` is any first argument, and a later line does not count
/// when an earlier one fits.
#[rustfmt::skip]
const COMPARISONS: &[(Comparison, &[&str])] = &[
    (Unordered, &[
        "keys *", "smembers *", "sunion *", "sinter *", "sdiff *", "hgetall *", "hkeys *", "hvals *", "pubsub channels",
        "pubsub shardchannels", "spop *", "config get",
    ]),
    (Near, &["ttl *", "pttl *", "expiretime *", "pexpiretime *"]),
    (Clocks, &["xpending *", "xinfo *"]),
    (Settled, &["dbsize *"]),
    (Shape, &[
        "hello *", "time *", "lastsave *", "randomkey *", "info *", "lolwut *", "client id", "client info", "client list",
        "memory usage", "object idletime", "command count", "srandmember *", "hrandfield *", "zrandmember *", "unsubscribe *",
        "punsubscribe *", "sunsubscribe *",
    ]),
];

/// How replies to `step` are compared.
pub fn of(step: &Step) -> Comparison {
    let (name, first) = (step.name(), step.word(1));
    match name.as_str() {
        "scan" if first == "0" => return Scan,
        "hscan" | "sscan" | "zscan" if step.word(2) == "0" => return Scan,
        "scan" | "hscan" | "sscan" | "zscan" => return Page,
        "xadd" if (2..step.args.len()).any(|at| step.word(at) == "*") => return Random,
        // A count that takes the whole set leaves nothing to chance.
        "spop" if step.word(2) != "1000" => return Random,
        "sort" | "sort_ro" if orders_by_nothing(step) => return Unordered,
        _ => {}
    }
    let fits = |pattern: &&str| {
        let (command, argument) = pattern.split_once(' ').unwrap_or((pattern, "*"));
        command == name && (argument == "*" || argument == first)
    };
    let found = COMPARISONS.iter().find(|(_, patterns)| patterns.iter().any(fits));
    found.map_or(Comparison::Exact, |(comparison, _)| *comparison)
}

/// True for SORT BY a constant, or by texts of which many are equal: a set then comes in no order.
fn orders_by_nothing(step: &Step) -> bool {
    let is_alpha = (2..step.args.len()).any(|at| step.word(at) == "alpha");
    (1..step.args.len()).any(|at| step.word(at) == "by" && (is_alpha || !step.word(at + 1).contains('*')))
}

/// True when the two replies say the same, as `comparison` understands it.
pub fn same(comparison: Comparison, ours: &Value, theirs: &Value) -> bool {
    if let (Value::Error(ours), Value::Error(theirs)) = (ours, theirs) {
        return ours == theirs;
    }
    match comparison {
        Comparison::Exact | Settled => ours == theirs,
        Unordered => sorted(ours).is_some_and(|items| Some(items) == sorted(theirs)),
        Near => match (ours, theirs) {
            (Value::Integer(a), Value::Integer(b)) => *a >= TIME_MIN && *b >= TIME_MIN && close(*a, *b),
            _ => false,
        },
        Clocks => same_but_clocks(ours, theirs),
        Scan => same_scan(ours, theirs),
        Page => ours.as_items().is_some() && theirs.as_items().is_some(),
        Shape | Random => same_shape(ours, theirs),
    }
}

fn close(a: i64, b: i64) -> bool {
    a.abs_diff(b) <= TIME_TOLERANCE
}

/// The items as bytes in some order; `None` for what is no collection.
fn sorted(value: &Value) -> Option<Vec<Vec<u8>>> {
    let bytes =
        |item: &Value| item.as_bytes().map_or_else(|| format!("{item:?}").into_bytes(), <[u8]>::to_vec);
    let mut items: Vec<Vec<u8>> = match value {
        Value::Map(pairs) => pairs.iter().map(|(key, value)| [bytes(key), bytes(value)].join(&0)).collect(),
        Value::Array(items) | Value::Set(items) => items.iter().map(bytes).collect(),
        _ => return None,
    };
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
        (Value::Array(a), Value::Array(b)) | (Value::Push(a), Value::Push(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_shape(a, b))
        }
        (Value::Map(a), Value::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((ak, av), (bk, bv))| ak == bk && same_shape(av, bv))
        }
        (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

/// Everything equal but times: fields with names of times, the third of four facts about a pending entry, and whatever
/// is a point in time of this century.
fn same_but_clocks(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Integer(a), Value::Integer(b)) => a == b || (*a > 1_000_000_000_000 && close(*a, *b)),
        (Value::Array(a), Value::Array(b)) if is_pending(a) && is_pending(b) => {
            same_idle(&a[2], &b[2]) && (a[0] == b[0] && a[1] == b[1] && a[3] == b[3])
        }
        (Value::Map(a), Value::Map(b)) => same_fields(a.clone(), b.clone()),
        (Value::Array(a), Value::Array(b)) => match (fields(a), fields(b)) {
            (Some(a), Some(b)) => same_fields(a, b),
            _ => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_but_clocks(a, b)),
        },
        (a, b) => a == b,
    }
}

/// Id, consumer, idle time, deliveries: an entry of XPENDING.
fn is_pending(items: &[Value]) -> bool {
    matches!(items, [Value::Bulk(_), Value::Bulk(_), Value::Integer(_), Value::Integer(_)])
}

type Fields = Vec<(Value, Value)>;

/// The map that an array in RESP2 stands for: recognised by a field of XINFO at its beginning.
fn fields(items: &[Value]) -> Option<Fields> {
    let first = items.first()?.as_str()?;
    let is_map = matches!(first, "name" | "length") && items.len().is_multiple_of(2);
    is_map.then(|| items.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect())
}

/// What only one of the two versions tells does not count.
fn same_fields(mut ours: Fields, mut theirs: Fields) -> bool {
    let has = |fields: &Fields, name: &str| fields.iter().any(|(key, _)| key.as_str() == Some(name));
    for name in NEW_FIELDS {
        if has(&ours, name) != has(&theirs, name) {
            ours.retain(|(key, _)| key.as_str() != Some(name));
            theirs.retain(|(key, _)| key.as_str() != Some(name));
        }
    }
    let agree = |((our_key, ours), (their_key, theirs)): (&(Value, Value), &(Value, Value))| {
        let is_clock = our_key.as_str().is_some_and(|name| CLOCKS.contains(&name));
        our_key == their_key && if is_clock { same_idle(ours, theirs) } else { same_but_clocks(ours, theirs) }
    };
    ours.len() == theirs.len() && ours.iter().zip(&theirs).all(agree)
}

/// -1 stands for never.
fn same_idle(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Integer(a), Value::Integer(b)) => a == b || (*a >= 0 && *b >= 0 && close(*a, *b)),
        _ => false,
    }
}

/// True when the replies differ only in that 7.0 writes doubles with 17 digits, and 7.2 with as few as tell them apart.
pub fn same_numbers(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_numbers(a, b))
        }
        (Value::Bulk(ours), Value::Bulk(theirs)) => {
            ours == theirs || same_double(&String::from_utf8_lossy(ours), &String::from_utf8_lossy(theirs))
        }
        (Value::Double(ours), Value::Double(theirs)) => ours == theirs || same_double(ours, theirs),
        (a, b) => a == b,
    }
}

fn same_double(ours: &str, theirs: &str) -> bool {
    let mantissa = theirs.split(['e', 'E']).next().unwrap_or_default();
    let digits = mantissa.trim_start_matches(['-', '0', '.']).bytes().filter(u8::is_ascii_digit).count();
    // From 12 digits on, 7.2 writes some numbers with an exponent that 7.0 writes plainly.
    let is_long = digits >= 12 && theirs.contains(['.', 'e']);
    // Up to here 7.2 writes whole numbers out.
    let is_large = ["e+17", "e+18", "e+19"].iter().any(|exponent| theirs.ends_with(exponent));
    (is_long || is_large) && ours.parse::<f64>().is_ok_and(|ours| theirs.parse() == Ok(ours))
}
