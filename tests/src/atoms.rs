//! The leaves of generated requests: keys, values and numbers, ordinary and extreme.
//!
//! Times are chosen so that whatever unit a command takes them in, they lie in the distant past or in the distant
//! future: two servers asked a few milliseconds apart must agree. Offsets that would make a string of half a gigabyte
//! are left out; offsets past the limit are in.

use crate::grammar::in_some_case;
use crate::random::Random;

/// Integers at which parsers and arithmetic change their minds.
#[rustfmt::skip]
const EDGE_NUMBERS: &[&str] = &[
    "0", "-1", "1", "-0", "+1", "01", " 1", "1 ", "", "abc", "1.5", "1e3", "0x10", "127", "-128", "128", "255", "256",
    "32767", "65536", "2147483647", "-2147483648", "2147483648", "4294967295", "4294967296", "9223372036854775806",
    "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
    "18446744073709551615", "18446744073709551616", "99999999999999999999999",
];
#[rustfmt::skip]
const EDGE_DOUBLES: &[&str] = &[
    "0", "-0", "0.1", "-0.1", "1.5", "3.0e3", "1e17", "1e-17", "1e308", "-1e308", "1e309", "inf", "-inf", "+inf",
    "nan", "0x1p3", "abc", "", " 1", "1 ", "1.0000000000000001", "123456789.123456789", "5e-324",
    "17179869184.000000001", "-9223372036854775808", "9223372036854775807",
];
/// Every one is at least 100 s away as milliseconds, and as a point in time 1970 or past 2096.
#[rustfmt::skip]
const TIMES: &[&str] = &[
    "100000", "123456", "1000000", "4000000000", "4102444800", "4102444800000", "0", "-1", "-100000", "abc", "", "1.5",
    "9223372036854775", "9223372036854776", "9223372036854775807", "-9223372036854775808", "9223370399119966",
];
/// Offsets of writes: near the beginning, or refused.
const WRITE_OFFSETS: &[&str] =
    &["-1", "4294967296", "4294967297", "536870912", "abc", "", "#-1", "#99999999999999"];
#[rustfmt::skip]
const ENCODINGS: &[&str] = &[
    "u1", "i1", "u8", "i8", "u7", "i13", "u16", "i32", "u63", "i64", "u64", "i65", "i0", "x8", "u", "", "I8", "u08",
];
#[rustfmt::skip]
const PATTERNS: &[&str] = &[
    "*", "k*", "*1", "k?", "k[0-3]", "k[^1]", "[a-c]*", "{*", "*}*", "\\*", "nothing", "", "k[", "?", "**k**", "k\\",
];
#[rustfmt::skip]
const WORDS: &[&str] = &[
    "hello", "foobar", "mynewtext", "ohmytext", "0", "1", "10", "-5", "12345", "3.5", "9223372036854775807", "-0", "",
];
const TYPES: &[&str] = &["string", "list", "hash", "nothing", "STRING", ""];
const DATABASES: &[&str] = &["0", "1", "2", "3", "0", "1", "15", "16", "-1", "abc", "", "99999999999"];
/// Tokens that mean something to some command, for spoiling requests of others.
#[rustfmt::skip]
const TOKENS: &[&str] = &[
    "NX", "XX", "GT", "LT", "EX", "PX", "GET", "KEEPTTL", "STORE", "STOREDIST", "BY", "LIMIT", "COUNT", "MATCH", "TYPE",
    "KEYS", "AUTH", "AUTH2", "STREAMS", "WEIGHTS", "AGGREGATE", "WITHSCORES", "LEN", "IDX", "BIT", "BYTE", "OVERFLOW",
    "REPLACE", "DB", "ASYNC", "SYNC", "numkeys", "$", "-",
];

/// Where leaves are drawn from.
#[derive(Clone, Debug)]
pub struct Atoms {
    keys: Vec<Vec<u8>>,
}

impl Atoms {
    /// Few keys, so that the commands of a sequence meet each other's traces.
    pub fn few_keys() -> Atoms {
        let named = ["k0", "k1", "k2", "k3", "k4", "k5", "{a}1", "{a}2", "b{}c", ""];
        let mut keys: Vec<Vec<u8>> = named.iter().map(|key| key.as_bytes().to_vec()).collect();
        keys.push(b"\x00\xff\r\n".to_vec());
        Atoms { keys }
    }

    /// A leaf for the argument `name` of type `kind` of `command`.
    pub fn draw(&self, random: &mut Random, command: &str, name: &str, kind: &str) -> Vec<u8> {
        match (command, name) {
            ("setbit" | "setrange" | "bitfield", "offset") => return write_offset(random),
            (_, "encoding") => return word(random, ENCODINGS),
            (_, "seconds" | "milliseconds") => return word(random, TIMES),
            ("scan", "cursor") => return b"0".to_vec(),
            ("scan", "count") => return word(random, &["1000000", "1000000", "0", "-1", "abc"]),
            ("scan", "type") => return word(random, TYPES),
            ("select" | "move" | "swapdb", _) if kind == "integer" => return word(random, DATABASES),
            (_, "destination-db" | "db") => return word(random, DATABASES),
            ("hello", "protover") => return word(random, &["2", "3", "2", "3", "1", "4", "abc"]),
            ("setbit", "value") | (_, "bit") => return word(random, &["0", "1", "0", "1", "2", "-1", "abc"]),
            _ => {}
        }
        match kind {
            "key" => self.key(random),
            "integer" => integer(random),
            "double" => word(random, EDGE_DOUBLES),
            "unix-time" => word(random, TIMES),
            "pattern" => word(random, PATTERNS),
            _ => value(random),
        }
    }

    /// A leaf or a token of any kind.
    pub fn anything(&self, random: &mut Random) -> Vec<u8> {
        match random.below(6) {
            0 => self.key(random),
            1 => word(random, EDGE_NUMBERS),
            2 => word(random, TIMES),
            3 => value(random),
            _ => {
                let token = *random.pick(TOKENS);
                in_some_case(random, token)
            }
        }
    }

    /// One of the keys.
    pub fn key(&self, random: &mut Random) -> Vec<u8> {
        random.pick(&self.keys).clone()
    }
}

fn word(random: &mut Random, words: &[&str]) -> Vec<u8> {
    random.pick(words).as_bytes().to_vec()
}

fn integer(random: &mut Random) -> Vec<u8> {
    match random.chance(75) {
        true => random.between(-12, 60).to_string().into_bytes(),
        false => word(random, EDGE_NUMBERS),
    }
}

fn write_offset(random: &mut Random) -> Vec<u8> {
    match random.below(10) {
        0 => word(random, WRITE_OFFSETS),
        1 | 2 => format!("#{}", random.below(9)).into_bytes(),
        _ => random.below(300).to_string().into_bytes(),
    }
}

/// A string value: words, numbers, binary; lengths on both sides of every encoding.
fn value(random: &mut Random) -> Vec<u8> {
    match random.below(8) {
        0 => word(random, EDGE_NUMBERS),
        1 => word(random, EDGE_DOUBLES),
        2 => integer(random),
        3 => {
            let len = random.below(80);
            random.bytes(len)
        }
        4 => vec![b'x'; *random.pick(&[43, 44, 45, 63, 64, 1000, 3000])],
        _ => word(random, WORDS),
    }
}
