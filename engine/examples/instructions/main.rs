//! A fixed amount of work of the hot path, whose instructions `tests/perf/run instructions` counts: `instructions PIECE ROUNDS`.
//!
//! ```text
//!   instructions get 100     the keys are made, then 100 batches of 16 GETs go from bytes to bytes
//!   instructions             the names of all pieces, and how many operations are in one round of each
//! ```
//!
//! Nothing depends on time, chance or the machine: two runs execute the same instructions, so the difference between
//! runs of different rounds is that of the rounds alone.

mod node;

use std::fs;
use std::hint::black_box;
use std::path::Path;

use node::LoneNode;
use slotway_core::bus::Frame;
use slotway_core::resp::decode::{Decoder, Limits};
use slotway_core::slot::key_slot;
use slotway_core::time::UnixMs;
use slotway_engine::dispatch::{Engine, Requests};
use slotway_engine::keyspace::{KeyHasher, Layout, Shard};
use slotway_engine::session::{ClientId, Session};
use slotway_engine::shards::Owned;

const KEYS: usize = 10_000;
const LIMITS: Limits = Limits { bulk_len_max: 1 << 29, authenticated: true };

/// What is measured: its name, the operations of a round, and the work.
struct Piece {
    name: &'static str,
    operations: usize,
    run: fn(rounds: usize, operations: usize),
}

#[rustfmt::skip]
const PIECES: &[Piece] = &[
    Piece { name: "slot-16", operations: 1, run: |rounds, _| slots(rounds, 16) },
    Piece { name: "slot-64", operations: 1, run: |rounds, _| slots(rounds, 64) },
    Piece { name: "bus-ping", operations: 1, run: |rounds, _| frames(rounds) },
    Piece { name: "decode", operations: 16, run: decode },
    Piece { name: "get-alone", operations: 1, run: |rounds, many| commands(rounds, many, get) },
    Piece { name: "get", operations: 16, run: |rounds, many| commands(rounds, many, get) },
    Piece { name: "set", operations: 16, run: |rounds, many| commands(rounds, many, set) },
    Piece { name: "incr", operations: 16, run: |rounds, many| commands(rounds, many, incr) },
    Piece { name: "hget", operations: 16, run: |rounds, many| commands(rounds, many, hget) },
];

fn main() {
    let mut words = std::env::args().skip(1);
    let piece = words.next().and_then(|name| PIECES.iter().find(|piece| piece.name == name));
    let rounds = words.next().and_then(|count| count.parse().ok());
    match (piece, rounds) {
        (Some(piece), Some(rounds)) => (piece.run)(rounds, piece.operations),
        _ => PIECES.iter().for_each(|piece| println!("{} {}", piece.name, piece.operations)),
    }
}

fn slots(rounds: usize, len: usize) {
    let key = vec![b'k'; len];
    for _ in 0..rounds {
        black_box(key_slot(black_box(&key)));
    }
}

/// A PING of a real server, with gossip and extensions.
fn frames(rounds: usize) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/vectors/bus/PING_from7102_ext3.hex");
    let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let digits = text.trim().as_bytes().chunks(2).map(|pair| str::from_utf8(pair).expect("ASCII"));
    let bytes: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16).expect("hex digits")).collect();
    for _ in 0..rounds {
        black_box(Frame::parse(black_box(&bytes)).expect("a frame of a real server"));
    }
}

fn decode(rounds: usize, operations: usize) {
    let bytes: Vec<u8> = (0..operations).flat_map(set).collect();
    let mut decoder = Decoder::default();
    for _ in 0..rounds {
        let _ = black_box(decoder.decode(black_box(&bytes), LIMITS));
        assert_eq!(decoder.len(), operations);
        decoder.consume();
    }
}

/// Batches of `many` commands each, over keys that exist: `request` makes the command to the key of a number.
fn commands(rounds: usize, many: usize, request: fn(usize) -> Vec<u8>) {
    let mut client = Client::new();
    for number in 0..KEYS {
        for prepare in [set, incr, hset] {
            client.send(&prepare(number));
        }
    }
    // So many batches that each key has its turn, made before the measured rounds ask for the first of them.
    let batches: Vec<Vec<u8>> = (0..KEYS / many)
        .map(|batch| (0..many).flat_map(|place| request(batch * many + place)).collect())
        .collect();
    for batch in batches.iter().cycle().take(rounds) {
        client.send(batch);
    }
}

fn get(number: usize) -> Vec<u8> {
    encode(&["GET", &format!("key:{number:012}")])
}

fn set(number: usize) -> Vec<u8> {
    encode(&["SET", &format!("key:{number:012}"), &"v".repeat(64)])
}

fn incr(number: usize) -> Vec<u8> {
    encode(&["INCR", &format!("num:{number:012}")])
}

fn hset(number: usize) -> Vec<u8> {
    encode(&["HSET", &format!("map:{number:012}"), "first", "1", "second", "two", "third", "3"])
}

fn hget(number: usize) -> Vec<u8> {
    encode(&["HGET", &format!("map:{number:012}"), "second"])
}

fn encode(words: &[&str]) -> Vec<u8> {
    let words: String = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len())).collect();
    format!("*{}\r\n{words}", words.matches('$').count()).into_bytes()
}

/// A connection to an engine, from the bytes of requests to the bytes of replies.
struct Client {
    node: LoneNode,
    engine: Engine<Owned>,
    session: Session,
    decoder: Decoder,
    out: Vec<u8>,
}

impl Client {
    fn new() -> Self {
        let layout = Layout::new(1, 1).expect("one is a power of two");
        let hasher = KeyHasher::new(1);
        let node = LoneNode::new();
        let (address, local, user) = ("127.0.0.1:1".into(), "127.0.0.1:2".into(), node.default_user());
        Self {
            engine: Engine::new(Owned::new(layout, Shard::new(layout, 0, hasher)), hasher),
            session: Session::new(ClientId(1), address, local, UnixMs::from_ms(1), Some(user)),
            node,
            decoder: Decoder::default(),
            out: Vec::new(),
        }
    }

    fn send(&mut self, buffer: &[u8]) {
        self.out.clear();
        let _ = self.decoder.decode(buffer, LIMITS);
        let requests = Requests { decoder: &self.decoder, buffer };
        self.engine.execute(&self.node, &mut self.session, requests, &mut self.out);
        assert!(!self.out.is_empty() && self.out[0] != b'-', "{}", self.out.escape_ascii());
        self.decoder.consume();
    }
}
