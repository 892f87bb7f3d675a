//! Rules of ACL SETUSER, drawn at random: most of them right, and some that are not.

use crate::random::Random;

/// Rules that every version since 7.0 takes, whatever the user is.
const ALWAYS: &[&str] = &[
    "on",
    "off",
    "nopass",
    "resetpass",
    "ON",
    ">secret",
    ">other",
    "allkeys",
    "~*",
    "resetkeys",
    "allchannels",
    "&*",
    "resetchannels",
    "allcommands",
    "+@all",
    "nocommands",
    "-@all",
    "clearselectors",
    "sanitize-payload",
    "skip-sanitize-payload",
    "reset",
    "",
    "()",
    "(~a* +@all)",
    "(%R~* +get +mget +sort)",
    "(+@read -get ~a*)",
    "(&c* +publish)",
];
const CATEGORIES: &[&str] = &[
    "keyspace",
    "read",
    "write",
    "set",
    "sortedset",
    "list",
    "hash",
    "string",
    "bitmap",
    "hyperloglog",
    "geo",
    "stream",
    "pubsub",
    "admin",
    "fast",
    "slow",
    "blocking",
    "dangerous",
    "connection",
    "transaction",
    "scripting",
    "Read",
];
const COMMANDS: &[&str] = &[
    "get",
    "set",
    "GET",
    "mset",
    "del",
    "copy",
    "sort",
    "bitfield",
    "xread",
    "blpop",
    "config",
    "config|get",
    "CONFIG|SET",
    "client",
    "client|kill",
    "acl|whoami",
    "object",
    "object|encoding",
    "subscribe",
    "psubscribe",
    "publish",
    "eval",
    "select",
];
/// Wrong, or wrong for some users.
const DOUBTFUL: &[&str] = &[
    "+select|0",
    "+get|x",
    "-get|x",
    "+config|nosuch",
    "+config|get|x",
    "+config|",
    "+nosuch",
    "-nosuch",
    "+@nosuch",
    "-@nosuch",
    "+",
    "-",
    "nosuch",
    "<secret",
    "<nosuch",
    "#abc",
    "!abc",
    "%~x",
    "%RX~x",
    "~a b",
    "&a b",
    "(~a",
    "(nosuch)",
    "(on)",
    "(~a b)",
    "(\"~a\")",
    "~",
    "&",
    "(%R~x %W~x)",
    "+debug|sleep",
    ">",
    "+@",
    ")",
    "#2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
    "!2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
];
/// Of keys that the generated requests use, too.
const PATTERNS: &[&str] = &["a*", "k*", "*1", "key", "{*", "?", "[a-m]*", "*", "src*"];

/// Some rules for one user.
pub fn rules(random: &mut Random) -> Vec<String> {
    (0..1 + random.below(5)).map(|_| rule(random)).collect()
}

fn rule(random: &mut Random) -> String {
    let pick = |random: &mut Random, words: &[&str]| random.pick(words).to_string();
    let sign = *random.pick(&["+", "+", "-"]);
    match random.below(20) {
        0..=4 => pick(random, ALWAYS),
        5..=8 => format!("{sign}@{}", random.pick(CATEGORIES)),
        9..=12 => format!("{sign}{}", random.pick(COMMANDS)),
        13..=15 => format!("{}{}", random.pick(&["~", "%R~", "%W~", "%RW~", "%w~"]), random.pick(PATTERNS)),
        16 => format!("&{}", random.pick(PATTERNS)),
        17 => format!(
            "({sign}@{} {}{})",
            random.pick(CATEGORIES),
            random.pick(&["~", "%R~"]),
            random.pick(PATTERNS)
        ),
        _ => pick(random, DOUBTFUL),
    }
}
