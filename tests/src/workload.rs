//! Data made by random operations: the sequences of the differential suite, each on keys of its own, so that a server is left with
//! much of what commands can make.

use crate::grammar::leaves;
use crate::lockstep::DEFAULTS;
use crate::random::Random;
use crate::script::{Step, parse};
use crate::themes::Themes;
use crate::wire::{Connection, pipeline};
use slotway_core::resp::value::Value;

/// Commands that would take away the data of other sequences, change the connection, or take long with many keys.
#[rustfmt::skip]
const LEFT_OUT: &[&str] = &[
    "asking", "client", "cluster", "command", "config", "dbsize", "flushall", "flushdb", "hello", "keys", "pubsub", "quit", "randomkey",
    "readonly", "readwrite", "reset", "scan", "select", "swapdb",
];
/// Keys that would expire within this time lose their expiry: they are not to do so while they are looked at.
const EXPIRY_MIN_MS: i64 = 3_600_000;
/// Databases that sequences run in, and reach by MOVE and COPY.
pub const DATABASES: &[&str] = &["0", "1", "2", "3", "15"];

/// Runs at least `count` operations; `seed` tells which. Calls for other data need other seeds.
pub fn operate(connection: &mut Connection, seed: u64, count: usize) {
    let themes = Themes::of_data();
    let mut sent = 0;
    for number in 0.. {
        if sent >= count {
            break;
        }
        let seed = seed * 1_000_000 + number;
        let steps = steps(&themes, seed);
        sent += steps.len();
        let db = Random::new(seed).pick(&["0", "0", "0", "3"]).to_string();
        let requests = [Step::new(["SELECT", &db])].into_iter().chain(steps);
        let requests: Vec<Vec<Vec<u8>>> = requests.map(|step| step.args).collect();
        pipeline(connection, &requests);
    }
    pipeline(connection, &parse(DEFAULTS).into_iter().map(|step| step.args).collect::<Vec<_>>());
    keep(connection);
}

/// The sequence of a seed, with settings of its theme in front, on keys of its own.
fn steps(themes: &Themes, seed: u64) -> Vec<Step> {
    // Of sketches and streams, what commands do depends on settings too: replicas have their own.
    let is_of_encodings =
        |step: &Step| !step.word(2).starts_with("hll") && !step.word(2).starts_with("stream");
    let sets = |step: &Step| step.name() == "config" && step.word(1) == "set" && is_of_encodings(step);
    let (steps, _) = themes.sequence(seed);
    let settings = steps.iter().take_while(|step| matches!(step.name().as_str(), "config" | "hello"));
    let settings = settings.filter(|step| sets(step)).cloned().collect::<Vec<Step>>();
    let is_fit = |step: &Step| !LEFT_OUT.contains(&step.name().as_str()) && !is_kept_from_replicas(step);
    let own = steps.into_iter().filter(is_fit).map(|step| Step {
        args: step.args.into_iter().map(|word| on_own_keys(word, seed)).collect(),
        ..step
    });
    parse(DEFAULTS).into_iter().chain(settings).chain(own).collect()
}

/// True for what Redis does without telling its replicas, and so Slotway: BITFIELD that makes a key and then fails, and XREADGROUP that reads
/// again what a consumer has, and counts how often.
fn is_kept_from_replicas(step: &Step) -> bool {
    let mut words = (1..step.args.len()).map(|at| step.word(at));
    match step.name().as_str() {
        "bitfield" => words.any(|word| word == "fail"),
        "xreadgroup" => {
            let ids = words.skip_while(|word| word != "streams").skip(1).collect::<Vec<_>>();
            ids[ids.len() / 2..].iter().any(|id| id != ">")
        }
        _ => false,
    }
}

fn on_own_keys(word: Vec<u8>, seed: u64) -> Vec<u8> {
    if leaves::is_key(&word) { [format!("{seed}:").as_bytes(), &word].concat() } else { word }
}

/// Takes the expiry from keys that would be gone soon.
fn keep(connection: &mut Connection) {
    for db in DATABASES {
        connection.call(&["SELECT", db]);
        let keys = names(connection);
        for chunk in keys.chunks(1000) {
            let ask = |name: &'static str| move |key: &Vec<u8>| vec![name.as_bytes().to_vec(), key.clone()];
            let replies = pipeline(connection, &chunk.iter().map(ask("PTTL")).collect::<Vec<_>>());
            let is_soon = |value: &Value| matches!(value, Value::Integer(0..EXPIRY_MIN_MS));
            let soon = chunk.iter().zip(&replies).filter(|(_, reply)| is_soon(&reply.value));
            let persist: Vec<_> = soon.map(|(key, _)| ask("PERSIST")(key)).collect();
            pipeline(connection, &persist);
        }
    }
}

/// The keys of the present database.
pub(crate) fn names(connection: &mut Connection) -> Vec<Vec<u8>> {
    let Value::Array(names) = connection.call(&["KEYS", "*"]) else { panic!("KEYS is an array") };
    names.iter().filter_map(Value::as_bytes).map(<[u8]>::to_vec).collect()
}
