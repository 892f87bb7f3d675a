//! `COMMAND GETKEYS` answers byte for byte what Redis answers, for requests of every command in every shape.
//!
//! Requests are drawn from Redis' own `COMMAND DOCS`; two in five are then spoiled. Deviations by design are in
//! `differences.txt`.

use std::collections::BTreeMap;

use slotway_tests::differences::Differences;
use slotway_tests::docs::{Grammar, of_server};
use slotway_tests::random::Random;
use slotway_tests::script::format_args;
use slotway_tests::server::Server;
use slotway_tests::spoil::spoil;
use slotway_tests::wire::pipeline;

/// Requests compared.
const REQUESTS: usize = 120_000;
const BATCH: usize = 500;
/// Percent of requests made wrong.
const SPOILT: usize = 40;
/// Percent of requests of the commands below.
const MOVABLE: usize = 40;
/// Commands whose keys move with their options: worth most of the attention.
#[rustfmt::skip]
const MOVABLE_KEYS: &[&str] = &[
    "bitfield", "blmpop", "bzmpop", "eval", "eval_ro", "evalsha", "evalsha_ro", "fcall", "fcall_ro", "georadius",
    "georadiusbymember", "lmpop", "migrate", "object|encoding", "set", "sintercard", "sort", "sort_ro", "xgroup|create",
    "xinfo|stream", "xread", "xreadgroup", "zdiff", "zdiffstore", "zinter", "zintercard", "zinterstore", "zmpop",
    "zunion", "zunionstore", "memory|usage",
];

#[test]
fn every_generated_request_has_the_keys_that_redis_finds() {
    let none: [&str; 0] = [];
    let (our_server, their_server) = (Server::slotway(&none), Server::redis(&none));
    let (mut ours, mut theirs) = (our_server.connect(), their_server.connect());
    let grammars = of_server(&mut theirs);
    let differences = Differences::of_suite("getkeys");
    let is_movable = |grammar: &Grammar| MOVABLE_KEYS.contains(&grammar.name.as_str());
    let movable: Vec<Grammar> = grammars.iter().filter(|grammar| is_movable(grammar)).cloned().collect();
    let mut random = Random::new(1);
    let mut found = Found::default();
    for _ in 0..REQUESTS / BATCH {
        let requests: Vec<_> = (0..BATCH)
            .map(|_| match random.chance(MOVABLE) {
                true => ask(&mut random, &movable),
                false => ask(&mut random, &grammars),
            })
            .collect();
        let replies = pipeline(&mut ours, &requests).into_iter().zip(pipeline(&mut theirs, &requests));
        for (request, (ours, theirs)) in requests.iter().zip(replies) {
            let asked = &request[2..];
            if ours.bytes != theirs.bytes && !differences.allow(asked, &ours.bytes, &theirs.bytes) {
                found.add(asked, &ours.bytes, &theirs.bytes);
            }
        }
    }
    assert!(found.commands.is_empty(), "{found}");
}

fn ask(random: &mut Random, grammars: &[Grammar]) -> Vec<Vec<u8>> {
    let mut request = random.pick(grammars).request(random);
    if random.chance(SPOILT) {
        spoil(random, &mut request);
    }
    [b"COMMAND".to_vec(), b"GETKEYS".to_vec()].into_iter().chain(request).collect()
}

/// The shortest disagreement about each command, and how many there were.
#[derive(Default)]
struct Found {
    commands: BTreeMap<String, (usize, String)>,
}

impl Found {
    fn add(&mut self, asked: &[Vec<u8>], ours: &[u8], theirs: &[u8]) {
        let name = String::from_utf8_lossy(&asked[0]).to_ascii_lowercase();
        let (ours, theirs) = (ours.escape_ascii(), theirs.escape_ascii());
        let line = format!("{}\n  ours:   {ours}\n  theirs: {theirs}", format_args(asked));
        let (count, shortest) = self.commands.entry(name).or_insert_with(|| (0, line.clone()));
        *count += 1;
        if line.len() < shortest.len() {
            *shortest = line;
        }
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "COMMAND GETKEYS differs for {} commands; the shortest of each:", self.commands.len())?;
        self.commands.values().try_for_each(|(count, line)| writeln!(f, "{count:5}x {line}"))
    }
}
