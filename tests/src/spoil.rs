//! Requests made wrong: what no documentation allows must be refused in the same words.

use crate::grammar::form::in_some_case;
use crate::grammar::leaves;
use crate::random::Random;

/// Tokens that mean something to some command, for spoiling requests of others.
#[rustfmt::skip]
const TOKENS: &[&str] = &[
    "NX", "XX", "GT", "LT", "EX", "PX", "GET", "KEEPTTL", "STORE", "STOREDIST", "BY", "LIMIT", "COUNT", "MATCH", "TYPE",
    "KEYS", "AUTH", "AUTH2", "STREAMS", "WEIGHTS", "AGGREGATE", "WITHSCORES", "LEN", "IDX", "BIT", "BYTE", "OVERFLOW",
    "REPLACE", "DB", "ASYNC", "SYNC", "LEFT", "RIGHT", "MAXLEN", "FORCE", "WITHVALUES", "CH", "INCR", "-", "#",
];

/// Spoils a request: an argument left out, doubled, swapped with another, replaced or added. The name stays.
pub fn spoil(random: &mut Random, args: &mut Vec<Vec<u8>>) {
    for _ in 0..1 + random.below(2) {
        let at = 1 + random.below(args.len());
        match random.below(5) {
            0 if at < args.len() => drop(args.remove(at)),
            1 if at < args.len() => args.insert(at, args[at].clone()),
            2 if at < args.len() => {
                let other = 1 + random.below(args.len() - 1);
                args.swap(at, other);
            }
            3 if at < args.len() => args[at] = anything(random),
            _ => args.insert(at.min(args.len()), anything(random)),
        }
    }
}

/// A leaf or a token of any kind.
fn anything(random: &mut Random) -> Vec<u8> {
    let token = *random.pick(TOKENS);
    match random.below(6) {
        0 => leaves::find("key").draw(random),
        1 => random.pick(leaves::EDGE_NUMBERS).as_bytes().to_vec(),
        2 => leaves::find("ttl").draw(random),
        3 => leaves::find("value").draw(random),
        _ => in_some_case(random, token),
    }
}
