//! What a server has, key by key: enough to tell whether another one has the same, and what differs.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use slotway_core::resp::value::Value;

use crate::script::format_args;
use crate::wire::{Connection, pipeline};
use crate::workload::{DATABASES, names};

/// What may be told of a stream and is not part of it: the shape of the tree it lies in, and when consumers were last there, which replicas
/// are not told.
const PASSING: &[&[u8]] = &[b"radix-tree-keys", b"radix-tree-nodes", b"seen-time", b"active-time"];
/// What a primary does not tell of a group's readers.
const UNTOLD: &[&[u8]] = &[b"entries-read", b"lag"];
/// Differences shown.
const SHOWN: usize = 10;

/// What gives the value of a key, by type; of a stream, its groups, consumers and entries that wait to be acknowledged too.
const VALUES: &[(&str, &[&str])] = &[
    ("string", &["GET", "key"]),
    ("list", &["LRANGE", "key", "0", "-1"]),
    ("hash", &["HGETALL", "key"]),
    ("set", &["SMEMBERS", "key"]),
    ("zset", &["ZRANGE", "key", "0", "-1", "WITHSCORES"]),
    ("stream", &["XINFO", "STREAM", "key", "FULL", "COUNT", "0"]),
];

/// A key: its type, value, expiry and encoding.
#[derive(Clone, PartialEq)]
struct Fact {
    kind: String,
    value: Value,
    /// PEXPIRETIME.
    expiry: Value,
    encoding: String,
}

/// All keys of a server.
#[derive(Clone)]
pub struct Facts(BTreeMap<(&'static str, Vec<u8>), Fact>);

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} keys", self.len())
    }
}

/// On which way the same data came to both servers, and so what of it must be equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// One executed the commands of the other. Redis does not tell replicas of all that it counts of the readers of a stream, nor of consumers
    /// who have nothing.
    Commands,
    /// One loaded what the other has. Encodings depend on the past of a key, and on settings of the time.
    Snapshot,
    /// Both loaded the same file. Only lists, and sets of texts, have other encodings since 7.2.
    SameFile,
}

impl Facts {
    /// Of a server that takes DEBUG.
    pub fn of(connection: &mut Connection) -> Facts {
        let mut facts = BTreeMap::new();
        for db in DATABASES {
            connection.call(&["SELECT", db]);
            for chunk in names(connection).chunks(1000) {
                let found = ask(connection, chunk);
                facts.extend(chunk.iter().map(|key| (*db, key.clone())).zip(found));
            }
        }
        Facts(facts)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True without any key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Types and encodings that occur, like `set intset`.
    pub fn encodings(&self) -> BTreeSet<String> {
        self.0.values().map(|fact| format!("{} {}", fact.kind, fact.encoding)).collect()
    }

    /// Panics when `other` has something else, and shows some of it.
    #[track_caller]
    pub fn assert_same(&self, other: &Facts, way: Way, what: &str) {
        let keys: BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        let view = |facts: &Facts, key| facts.0.get(key).map(|fact| fact.seen(way));
        let different = keys.into_iter().filter(|key| view(self, *key) != view(other, *key));
        let mut lines = Vec::new();
        for key in different {
            let (db, name) = key;
            let show = |facts| view(facts, key).map_or("nothing".to_owned(), |fact| fact.show());
            lines.push(format!("{db} {}\n  {}\n  {}", format_args(&[name]), show(self), show(other)));
        }
        let shown = &lines[..lines.len().min(SHOWN)];
        assert!(
            lines.is_empty(),
            "{what}: {} of {} keys differ:\n{}",
            lines.len(),
            self.len(),
            shown.join("\n")
        );
    }
}

impl Fact {
    fn seen(&self, way: Way) -> Fact {
        let encoding = match (way, self.kind.as_str(), self.encoding.as_str()) {
            (Way::Commands | Way::Snapshot, ..) | (_, "list", _) => "",
            (_, "set", "hashtable" | "listpack") => "texts",
            (Way::SameFile, _, encoding) => encoding,
        };
        let is_told = way == Way::Commands && self.kind == "stream";
        let value = if is_told { told(&self.value) } else { self.value.clone() };
        Fact { encoding: encoding.to_owned(), value, ..self.clone() }
    }

    fn show(&self) -> String {
        let Fact { kind, value, expiry, encoding } = self;
        format!("{kind} {encoding} until {}: {:.1000}", show(expiry), show(value))
    }
}

fn ask(connection: &mut Connection, keys: &[Vec<u8>]) -> Vec<Fact> {
    let mut all = |words: &dyn Fn(usize) -> &'static [&'static str]| -> Vec<Value> {
        let request = |at: usize| -> Vec<Vec<u8>> {
            let word = |word: &&str| if *word == "key" { keys[at].clone() } else { word.as_bytes().to_vec() };
            words(at).iter().map(word).collect()
        };
        let requests: Vec<Vec<Vec<u8>>> = (0..keys.len()).map(request).collect();
        pipeline(connection, &requests).into_iter().map(|reply| reply.value).collect()
    };
    let text = |value: Value| value.as_str().unwrap_or_default().to_owned();
    let kinds: Vec<String> = all(&|_| &["TYPE", "key"]).into_iter().map(text).collect();
    let of_kind = |at: usize| VALUES.iter().find(|(kind, _)| *kind == kinds[at]);
    let values = all(&|at| of_kind(at).expect("every type is known").1);
    let expiries = all(&|_| &["PEXPIRETIME", "key"]);
    let encodings = all(&|_| &["OBJECT", "ENCODING", "key"]).into_iter().map(text);
    let facts = kinds.iter().zip(values).zip(expiries).zip(encodings);
    let fact = |(((kind, value), expiry), encoding): (((&String, Value), Value), String)| Fact {
        value: in_order(kind, lasting(&value)),
        kind: kind.clone(),
        expiry,
        encoding,
    };
    facts.map(fact).collect()
}

/// A value whose elements have no order of their own, in one that depends on them alone; scores as any version writes them.
fn in_order(kind: &str, value: Value) -> Value {
    let Value::Array(mut items) = value else { return value };
    match kind {
        "set" => items.sort_by(by_bytes),
        "hash" => {
            let mut pairs: Vec<_> = items.chunks(2).collect();
            pairs.sort_by(|a, b| by_bytes(&a[0], &b[0]));
            items = pairs.concat();
        }
        "zset" => items.chunks_mut(2).for_each(|pair| pair[1] = score(&pair[1])),
        _ => {}
    }
    Value::Array(items)
}

fn by_bytes(one: &Value, other: &Value) -> Ordering {
    one.as_bytes().cmp(&other.as_bytes())
}

/// Zero has no sign here: whether it keeps one depends on the encoding, of which replicas have their own.
fn score(value: &Value) -> Value {
    let number = value.as_str().and_then(|text| text.parse::<f64>().ok());
    let number = number.unwrap_or_else(|| panic!("{value:?} is no score"));
    Value::Simple(if number == 0.0 { "0".to_owned() } else { number.to_string() })
}

/// A reply without what is passing in it.
fn lasting(value: &Value) -> Value {
    without(value, PASSING)
}

/// What is told of a stream by commands.
fn told(value: &Value) -> Value {
    let Value::Array(items) = without(value, UNTOLD) else { return value.clone() };
    Value::Array(items.iter().filter(|item| !has_nothing(item)).map(told_within).collect())
}

fn told_within(item: &Value) -> Value {
    if matches!(item, Value::Array(_)) { told(item) } else { item.clone() }
}

/// True for a consumer without entries that wait to be acknowledged.
fn has_nothing(item: &Value) -> bool {
    let Value::Array(facts) = item else { return false };
    let [name, _, count, Value::Integer(0), ..] = &facts[..] else { return false };
    name.as_bytes() == Some(b"name") && count.as_bytes() == Some(b"pel-count")
}

/// A reply without the pairs of these names, at whatever depth.
fn without(value: &Value, names: &[&[u8]]) -> Value {
    let Value::Array(items) = value else { return value.clone() };
    let mut kept = Vec::new();
    let mut items = items.iter();
    while let Some(item) = items.next() {
        if item.as_bytes().is_some_and(|name| names.contains(&name)) {
            items.next();
        } else {
            kept.push(without(item, names));
        }
    }
    Value::Array(kept)
}

fn show(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(" ")),
        other => other.as_bytes().map_or_else(|| format!("{other:?}"), |bytes| format_args(&[bytes])),
    }
}
