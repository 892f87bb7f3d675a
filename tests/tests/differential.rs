//! Generated sequences of commands leave Slotway and a real Redis with the same replies and the same keyspace.
//!
//! Sequences are drawn from Redis' own `COMMAND DOCS`. A failing one is shrunk to its shortest part and printed with its
//! seed. `SLOTWAY_SEQUENCES` says how many to run, `SLOTWAY_SEED` where to begin. Sequences that once failed are in
//! `regressions/` and run first. Deviations by design are in `differences.txt`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use slotway_tests::atoms::Atoms;
use slotway_tests::differences::Differences;
use slotway_tests::grammar::{Grammar, of_server, spoil};
use slotway_tests::lockstep::{Mismatch, Pair};
use slotway_tests::random::Random;
use slotway_tests::script::{Step, parse};
use slotway_tests::server::Server;
use slotway_tests::shrink::shrink;

/// Sequences of one run without `SLOTWAY_SEQUENCES`.
const SEQUENCES: u64 = 4000;
/// Commands of one sequence, at most.
const STEPS_MAX: usize = 120;
/// Percent of commands made wrong.
const SPOILT: usize = 12;
/// Failures after which a run ends: the first few say enough.
const FAILURES_MAX: usize = 40;

/// Every command under test and how often it is drawn.
#[rustfmt::skip]
const COMMANDS: &[(usize, &[&str])] = &[
    (10, &[
        "append", "bitcount", "bitfield", "bitfield_ro", "bitop", "bitpos", "copy", "decr", "decrby", "del",
        "exists", "expire", "expireat", "expiretime", "get", "getbit", "getdel", "getex", "getrange", "getset",
        "incr", "incrby", "incrbyfloat", "lcs", "mget", "move", "mset", "msetnx", "object|encoding", "persist",
        "pexpire", "pexpireat", "pexpiretime", "psetex", "pttl", "rename", "renamenx", "set", "setbit", "setex",
        "setnx", "setrange", "strlen", "substr", "touch", "ttl", "type", "unlink",
    ]),
    (3, &[
        "client|getname", "client|setname", "config|get", "dbsize", "echo", "hello", "keys", "object|idletime",
        "object|refcount", "ping", "randomkey", "scan", "select",
    ]),
    (1, &[
        "auth", "client|getredir", "client|id", "client|info", "client|list", "client|no-evict",
        "command|count", "flushall", "flushdb",
        "object|freq", "quit", "readonly", "readwrite", "asking", "reset", "swapdb", "time",
        "cluster|info", "cluster|keyslot",
    ]),
];

#[test]
fn sequences_that_once_failed_agree() {
    let servers = Servers::start();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    let files = fs::read_dir(&folder).expect("the folder is part of the repository");
    let mut failures = Vec::new();
    for path in files.map(|file| file.expect("a folder can be read").path()) {
        let steps = parse(&fs::read_to_string(&path).expect("a script is text"));
        for batch_max in [1, steps.len().max(1)] {
            if let Err(mismatch) = servers.run(&steps, batch_max) {
                failures.push(format!("{}: {mismatch}", path.display()));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn generated_sequences_agree() {
    let servers = Servers::start();
    let deck = Deck::new(&of_server(&mut servers.theirs.connect()));
    let first = variable("SLOTWAY_SEED").unwrap_or(1);
    let mut failures = BTreeMap::new();
    for seed in first..first + variable("SLOTWAY_SEQUENCES").unwrap_or(SEQUENCES) {
        let (mut steps, batch_max) = deck.sequence(seed);
        // One report for each command; what else is wrong with a sequence then shows too.
        steps.retain(|step| !failures.contains_key(&step.name()));
        if servers.run(&steps, batch_max).is_err() {
            let (name, report) = servers.shortest(seed, &steps, batch_max);
            failures.entry(name).or_insert(report);
        }
        if failures.len() == FAILURES_MAX {
            break;
        }
    }
    let reports: Vec<String> = failures.into_values().collect();
    assert!(reports.is_empty(), "{}", reports.join("\n"));
}

struct Servers {
    ours: Server,
    theirs: Server,
    differences: Differences,
}

impl Servers {
    fn start() -> Servers {
        let none: [&str; 0] = [];
        Servers {
            ours: Server::slotway(&none),
            theirs: Server::redis(&none),
            differences: Differences::of_suite("differential"),
        }
    }

    fn run(&self, steps: &[Step], batch_max: usize) -> Result<(), Mismatch> {
        let pair =
            Pair { ours: self.ours.port(), theirs: self.theirs.port(), differences: &self.differences };
        pair.run(steps, batch_max)
    }

    /// The command that differs, and the shortest sequence that shows it.
    fn shortest(&self, seed: u64, steps: &[Step], batch_max: usize) -> (String, String) {
        // Most failures need no pipeline; those are easier to read.
        let batch_max = if self.run(steps, 1).is_err() { 1 } else { batch_max };
        let steps = shrink(steps, |part| self.run(part, batch_max).is_err());
        let lines: Vec<String> = steps.iter().map(Step::format).collect();
        let lines = lines.join("\n");
        let Err(mismatch) = self.run(&steps, batch_max) else {
            return (String::new(), format!("seed {seed}: differs now and then:\n{lines}\n"));
        };
        let name = mismatch.request.split(' ').next().unwrap_or_default().to_ascii_lowercase();
        let summary = format!(
            "seed {seed}, batches of {batch_max}: {} steps (keep them as a file in regressions/):\n{lines}\n=> {mismatch}\n",
            steps.len()
        );
        (name, summary)
    }
}

/// The grammars under test, each as often as its weight.
struct Deck {
    grammars: Vec<Grammar>,
    atoms: Atoms,
}

impl Deck {
    fn new(known: &[Grammar]) -> Deck {
        let find = |name: &&str| known.iter().find(|grammar| grammar.name == **name);
        let mut grammars = Vec::new();
        for (weight, names) in COMMANDS {
            for name in *names {
                let grammar = find(name).unwrap_or_else(|| panic!("the reference documents no {name}"));
                grammars.extend(std::iter::repeat_n(grammar.clone(), *weight));
            }
        }
        Deck { grammars, atoms: Atoms::few_keys() }
    }

    fn sequence(&self, seed: u64) -> (Vec<Step>, usize) {
        let mut random = Random::new(seed);
        let batch_max = *random.pick(&[1, 4, 32, STEPS_MAX]);
        let len = 1 + random.below(STEPS_MAX);
        let steps = (0..len).map(|_| self.step(&mut random)).collect();
        (steps, batch_max)
    }

    fn step(&self, random: &mut Random) -> Step {
        loop {
            let mut args = random.pick(&self.grammars).request(random, &self.atoms);
            if random.chance(SPOILT) {
                spoil(random, &self.atoms, &mut args);
            }
            let step = Step { args, pause_ms: 0 };
            if !(depends_on_the_moment(&step)
                || leaves_another_session(&step)
                || takes_half_a_gigabyte(&step))
            {
                return step;
            }
        }
    }
}

/// True when the two servers, asked a few milliseconds apart, may rightly differ: a key would expire so soon, or a
/// remaining time is compared with one that was set a moment ago.
fn depends_on_the_moment(step: &Step) -> bool {
    let numbers = step.args.iter().map(|arg| String::from_utf8_lossy(arg).parse::<i64>().unwrap_or(0));
    let soon = |at: usize| numbers.clone().nth(at).is_some_and(|n| (1..100_000).contains(&n));
    let mut words = 1..step.args.len();
    match step.name().as_str() {
        "expire" | "pexpire" => soon(2) || words.any(|at| matches!(step.word(at).as_str(), "gt" | "lt")),
        "setex" | "psetex" => soon(2),
        "set" | "getex" => words.any(|at| matches!(step.word(at).as_str(), "ex" | "px") && soon(at + 1)),
        _ => false,
    }
}

/// True for HELLO with a name and more: when the rest is wrong, 7.0 has taken the name by then, and 7.2 has not.
fn leaves_another_session(step: &Step) -> bool {
    let names = (1..step.args.len()).any(|at| step.word(at) == "setname");
    step.name() == "hello" && names && step.args.len() != 4
}

/// True for a write far behind the end of a string: legal, but too slow to repeat.
fn takes_half_a_gigabyte(step: &Step) -> bool {
    let far = |arg: &Vec<u8>| {
        let text = String::from_utf8_lossy(arg);
        text.trim_start_matches('#').parse::<u64>().is_ok_and(|n| (100_000..4_294_967_296).contains(&n))
    };
    match step.name().as_str() {
        "setbit" | "setrange" => step.args.get(2).is_some_and(|arg| far(arg) && arg != b"536870912"),
        "bitfield" => step.args.iter().skip(3).any(far),
        _ => false,
    }
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number, and not {text}")))
}
