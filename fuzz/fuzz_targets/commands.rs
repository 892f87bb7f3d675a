//! Whatever clients ask, in whatever order, the engine answers with whole replies and keeps its books.
#![no_main]

#[path = "commands/node.rs"]
mod node;

use libfuzzer_sys::fuzz_target;
use node::FuzzNode;
use slotway_core::command::all;
use slotway_core::resp::decode::{Decoder, Limits};
use slotway_core::resp::value::Value;
use slotway_core::time::UnixMs;
use slotway_engine::dispatch::{Engine, Requests};
use slotway_engine::keyspace::{KeyHasher, Layout, Shard};
use slotway_engine::session::{ClientId, Session};
use slotway_engine::shards::Owned;

/// Words that commands give a meaning, so that not all has to be found by chance. Numbers are small: what is legal and large,
/// like a string of half a gigabyte, only takes time.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    "k", "l", "m", "0", "1", "-1", "2", "7", "-7", "1.5", "inf", "nan", "(1", "[a", "-", "+", "*", "$", ">", "1-1", "5-*", "", "a", "b", "NX",
    "XX", "GT", "LT", "CH", "INCR", "EX", "PX", "GET", "COUNT", "MATCH", "LIMIT", "BY", "STORE", "ALPHA", "WITHSCORES",
    "LEFT", "RIGHT", "MIN", "MAX", "STREAMS", "GROUP", "MAXLEN", "~", "MKSTREAM", "CREATE", "BYSCORE", "BYLEX", "REV", "FROMMEMBER",
    "BYRADIUS", "km", "ASC", "WEIGHTS", "AGGREGATE", "ENCODING", "BLOCK", "SET", "u8", "i64", "#1", "OVERFLOW", "SAT", "KEEPTTL",
];
/// Lengths and counts from here on are cut: they would only take memory.
const NUMBER_MAX: u64 = 100_000;

fuzz_target!(|requests: Vec<(u16, Vec<(u8, Vec<u8>)>)>| {
    let layout = Layout::new(1, 16).expect("one is a power of two");
    let hasher = KeyHasher::new(1);
    let engine = Engine::new(Owned::new(layout, Shard::new(layout, 0, hasher)), hasher);
    let node = FuzzNode::default();
    let (address, local, user) = ("127.0.0.1:1".into(), "127.0.0.1:2".into(), node.default_user());
    let mut session = Session::new(ClientId(1), address, local, UnixMs::from_ms(1), Some(user));
    for (number, words) in &requests {
        let request = encode(*number, words);
        let (mut decoder, mut out) = (Decoder::default(), Vec::new());
        decoder.decode(&request, Limits { bulk_len_max: 1 << 20, authenticated: true });
        engine.execute(&node, &mut session, Requests { decoder: &decoder, buffer: &request }, &mut out);
        check_replies(&out);
        node.pass_time();
    }
});

/// A request to a command of the table: its name, and words known or made up.
fn encode(number: u16, words: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let command = &all()[usize::from(number) % all().len()];
    let name = command.name.split('|').map(|word| word.as_bytes().to_vec());
    let word = |(choice, made_up): &(u8, Vec<u8>)| match WORDS.get(usize::from(*choice)) {
        Some(word) => word.as_bytes().to_vec(),
        None => moderate(made_up),
    };
    let args: Vec<Vec<u8>> = name.chain(words.iter().map(word)).collect();
    let mut request = format!("*{}\r\n", args.len()).into_bytes();
    for arg in &args {
        request.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        request.extend_from_slice(arg);
        request.extend_from_slice(b"\r\n");
    }
    request
}

fn moderate(word: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(word);
    let digits = text.trim_start_matches(['-', '+', '#']);
    match digits.parse::<u64>() {
        Ok(number) if number > NUMBER_MAX && number < 1 << 40 => b"1000".to_vec(),
        _ => word.to_vec(),
    }
}

/// Replies are whole values, one after the other.
fn check_replies(mut out: &[u8]) {
    while !out.is_empty() {
        let (_, used) =
            Value::decode(out).unwrap_or_else(|error| panic!("{error:?}: {}", out.escape_ascii()));
        out = &out[used..];
    }
}
