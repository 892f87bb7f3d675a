//! What the npm package hands to Rust is answered, whatever is in it, and the answer holds what its readers in JavaScript take for granted.
//!
//! The crate of the package makes WASM only, so its modules are taken here as they are.
#![no_main]

extern crate alloc;

#[path = "../../wasm/packed/src/command.rs"]
mod command;
#[path = "../../wasm/packed/src/explanation.rs"]
mod explanation;
#[path = "../../wasm/packed/src/json.rs"]
mod json;
#[path = "../../wasm/packed/src/numbers.rs"]
mod numbers;
#[path = "../../wasm/packed/src/plan.rs"]
mod plan;
#[path = "../../wasm/packed/src/question.rs"]
mod question;
#[path = "../../wasm/packed/src/topology.rs"]
mod topology;

use arbitrary::Arbitrary;
use libfuzzer_sys::{arbitrary, fuzz_target};
use slotway_core::command::all;
use slotway_core::slot::{SLOT_COUNT, key_slot};

/// Nobody serves the slot; no weight is told; from nobody. As in `plan.rs`.
const NOBODY: u16 = u16::MAX;
const NONE: u32 = u32::MAX;

#[derive(Arbitrary, Debug)]
enum Question<'a> {
    /// A request of some command: arguments separated by bars.
    Request {
        command: u16,
        rest: &'a [u8],
        is_routed: bool,
    },
    /// As many arguments as that, of which nobody checked where they end.
    Forged {
        question: &'a [u8],
        count: u32,
        is_routed: bool,
    },
    /// Weights, and the slots of each node in turn.
    Plan {
        weights: Vec<u32>,
        runs: Vec<(u16, u16)>,
    },
    ForgedPlan(&'a [u8]),
    Topology {
        host: &'a str,
        reply: &'a [u8],
        prefer_tls: bool,
    },
    Key(&'a [u8]),
}

fuzz_target!(|question: Question<'_>| match question {
    Question::Request { command, rest, is_routed } => request(command, rest, is_routed),
    Question::Forged { question, count, is_routed } => {
        keys_within(&numbers_of(&command::facts_of(question, count as usize, is_routed)), count as usize);
    }
    Question::Plan { weights, runs } => planned(weights, &runs),
    Question::ForgedPlan(question) => {
        plan::told(question);
    }
    Question::Topology { host, reply, prefer_tls } => {
        let question = [host.as_bytes(), reply].concat();
        let told =
            String::from_utf8(topology::told(&question, host.len(), prefer_tls)).expect("JSON is UTF-8");
        assert!(told.starts_with("{\"ok\":{") || told.starts_with("{\"error\":{"), "{told}");
    }
    Question::Key(key) => {
        let told = numbers_of(&explanation::told(key));
        assert_eq!(told[4], u32::from(key_slot(key).get()));
        assert!(told.len() == 5 || told.len() > 256 * 4 || told.last() == Some(&told[3]));
    }
});

fn request(command: u16, rest: &[u8], is_routed: bool) {
    // The first word is a command more often than chance would have it.
    let name = all()[usize::from(command) % all().len()].name;
    let args: Vec<&[u8]> =
        name.split('|').map(str::as_bytes).chain(rest.split(|byte| *byte == b'|')).collect();
    let mut end = 0;
    let mut question = Vec::new();
    for arg in &args {
        end += arg.len() as u32;
        question.extend(end.to_le_bytes());
    }
    question.extend(args.concat());
    let told = numbers_of(&command::facts_of(&question, args.len(), is_routed));
    assert_ne!(told[0], 1, "every command of the table is known");
    keys_within(&told, args.len());
}

/// `[outcome, facts, step, index, flags, ..]`
fn keys_within(told: &[u32], count: usize) {
    assert!(told[0] <= 4);
    for key in told.get(3..).unwrap_or_default().chunks(2) {
        assert!((1..count).contains(&(key[0] as usize)), "{told:?}");
    }
}

fn planned(mut weights: Vec<u32>, runs: &[(u16, u16)]) {
    weights.truncate(64);
    let mut owners: Vec<u16> = Vec::new();
    for (len, owner) in runs {
        // Nobody, or somebody who is there; now and then somebody who is not.
        let owner = if *owner >= 100 { NOBODY } else { *owner };
        owners.extend(std::iter::repeat_n(owner, usize::from(len % 4096) + 1));
    }
    owners.resize(usize::from(SLOT_COUNT), NOBODY);
    let mut question: Vec<u8> = weights.iter().copied().flat_map(u32::to_le_bytes).collect();
    question.extend(owners.iter().copied().flat_map(u16::to_le_bytes));
    let told = numbers_of(&plan::told(&question));
    if told[0] != 0 {
        return assert_eq!(told.len(), 1);
    }
    for part in told[1..].chunks(4) {
        let [from, to, start, end] = part else { panic!("a move has four numbers") };
        assert!(start <= end && *end < u32::from(SLOT_COUNT));
        assert!((*to as usize) < weights.len() && from != to && weights[*to as usize] != 0);
        for owner in &mut owners[*start as usize..=*end as usize] {
            let before = if *from == NONE { NOBODY } else { *from as u16 };
            assert_eq!(*owner, before, "a slot moves once, away from who has it");
            *owner = *to as u16;
        }
    }
    assert!(!owners.contains(&NOBODY), "every slot has an owner in the end");
}

fn numbers_of(bytes: &[u8]) -> Vec<u32> {
    bytes.chunks_exact(4).map(|number| u32::from_le_bytes(number.try_into().unwrap())).collect()
}
