//! What stands at the leaves of forms: keys, values and numbers, ordinary and extreme.
//!
//! Few keys, few members, few elements, so that the commands of a sequence meet each other's traces. A key of a type is now and
//! then one of another type. Times are chosen so that whatever unit a command takes them in, they lie in the distant
//! past or in the distant future: two servers asked a few milliseconds apart must agree. Numbers that would make a
//! string of half a gigabyte or a reply of a billion members are left out; those past the limits are in.

use crate::random::Random;

/// A leaf of a form.
#[derive(Clone, Copy, Debug)]
pub enum Leaf {
    /// Any key.
    Key,
    /// Mostly one of these keys.
    KeyOf(&'static [&'static str]),
    /// One of these.
    Word(&'static [&'static str]),
    /// Mostly an integer within these bounds, else an edge.
    Integer(i64, i64),
    /// Mostly one of the first, else one of the second.
    Mostly(&'static [&'static str], &'static [&'static str]),
    /// A short text, a number, binary; lengths on both sides of every encoding.
    Value,
    /// An element, a member or a field: drawn from few, now and then any value.
    Element,
}

const STRINGS: &[&str] = &["k0", "k1", "k2", "k3", "{a}1", "{a}2", "b{}c", ""];
const LISTS: &[&str] = &["l0", "l1", "l2"];
const HASHES: &[&str] = &["h0", "h1", "h2"];
const SETS: &[&str] = &["s0", "s1", "s2", "s3"];
const SORTED_SETS: &[&str] = &["z0", "z1", "z2", "z3"];
/// The last one is a list.
pub(crate) const LEVEL_SORTED_SETS: &[&str] = &["y0", "y1", "y2", "y0", "y1", "y9"];
const STREAMS: &[&str] = &["x0", "x1"];
const PLACES: &[&str] = &["g0", "g1"];
const SKETCHES: &[&str] = &["p0", "p1", "p2"];
const KEYS: &[&[&str]] = &[
    STRINGS,
    STRINGS,
    LISTS,
    HASHES,
    SETS,
    SORTED_SETS,
    STREAMS,
    PLACES,
    SKETCHES,
    &["nothing", "\0\u{ff}\r\n"],
];

/// Integers at which parsers and arithmetic change their minds.
#[rustfmt::skip]
pub const EDGE_NUMBERS: &[&str] = &[
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
const TIMES: &[&str] = &["100000", "123456", "1000000", "4000000000", "4102444800", "4102444800000"];
#[rustfmt::skip]
const EDGE_TIMES: &[&str] = &[
    "0", "-1", "-100000", "abc", "", "1.5", "9223372036854775", "9223372036854776", "9223372036854775807",
    "-9223372036854775808", "9223370399119966",
];
/// Offsets of writes: near the beginning, or refused.
const WRITE_OFFSETS: &[&str] =
    &["0", "1", "2", "3", "7", "8", "9", "17", "31", "64", "100", "255", "#0", "#1", "#7"];
const EDGE_WRITE_OFFSETS: &[&str] =
    &["-1", "4294967296", "4294967297", "536870912", "abc", "", "#-1", "#99999999999999"];
#[rustfmt::skip]
const BIT_TYPES: &[&str] = &["u1", "i1", "u8", "i8", "u7", "i13", "u16", "i32", "u63", "i64"];
const EDGE_BIT_TYPES: &[&str] = &["u64", "i65", "i0", "x8", "u", "", "I8", "u08"];
#[rustfmt::skip]
const PATTERNS: &[&str] = &[
    "*", "k*", "*1", "?1", "k[0-3]", "m*", "[^1]*", "[a-c]*", "{*", "*}*", "\\*", "nothing", "", "k[", "?", "**1**", "k\\",
];
#[rustfmt::skip]
const WORDS: &[&str] = &[
    "hello", "foobar", "mynewtext", "ohmytext", "0", "1", "10", "-5", "12345", "3.5", "9223372036854775807", "-0", "",
];
/// Small and large integers, so that packed encodings use every width; short texts; a text that packs into no small node.
#[rustfmt::skip]
const ELEMENTS: &[&str] = &[
    "a", "b", "c", "d", "m1", "m2", "m3", "1", "2", "3", "7", "12", "-7", "127", "128", "-4097", "4095", "40000",
    "-8388609", "3000000000", "-9223372036854775808", "01", "1.5", "Hello", "",
    "a text that is longer than sixty-four bytes, so that nothing packs it small",
];
#[rustfmt::skip]
const SCORES: &[&str] = &["0", "1", "1", "2", "2", "2.5", "3", "-1", "-7.25", "10", "1e3", "0.1", "100000000000000"];
const EDGE_SCORES: &[&str] =
    &["inf", "-inf", "+inf", "nan", "1e308", "-1e308", "1e309", "0x10", "abc", "", "5e-324", " 1", "(1"];
const SCORE_BOUNDS: &[&str] =
    &["-inf", "+inf", "0", "1", "2", "(1", "(2", "2.5", "(2.5", "10", "-1", "inf", "(-inf"];
const LEX_BOUNDS: &[&str] = &["-", "+", "[a", "(a", "[b", "(c", "[m1", "(m3", "[", "(", "[1"];
#[rustfmt::skip]
const STREAM_IDS: &[&str] = &[
    "1-1", "1-2", "2-0", "2-1", "3", "3-3", "4-1", "5-*", "6-*", "7", "8-1", "9-9", "10-0",
];
#[rustfmt::skip]
const EDGE_STREAM_IDS: &[&str] = &[
    "0-0", "0", "0-1", "0-*", "-", "+", "1-", "-1", "1-1-1", "abc", "", "18446744073709551615-18446744073709551615",
    "18446744073709551616-1", "18446744073709551615-*", "01-1", "1-18446744073709551615", "(1-1", "$", ">",
];
const RANGE_IDS: &[&str] =
    &["-", "+", "0", "1", "1-1", "1-2", "2", "3-3", "5", "7-0", "(1-1", "(2-1", "(5-0", "9", "100"];

/// The leaf `name`. Panics when there is none: a form that names it is a mistake of ours.
pub fn find(name: &str) -> Leaf {
    let leaf = LEAVES.iter().find(|(known, _)| *known == name);
    leaf.unwrap_or_else(|| panic!("there is no leaf {name}")).1
}

#[rustfmt::skip]
const LEAVES: &[(&str, Leaf)] = &[
    // Keys.
    ("key", Leaf::Key),
    ("string", Leaf::KeyOf(STRINGS)),
    ("list", Leaf::KeyOf(LISTS)),
    ("hash", Leaf::KeyOf(HASHES)),
    ("set", Leaf::KeyOf(SETS)),
    ("zset", Leaf::KeyOf(SORTED_SETS)),
    // Sorted sets whose scores are all the same, as ranges by name ask for; other forms leave these keys alone.
    ("lexset", Leaf::Word(LEVEL_SORTED_SETS)),
    ("stream", Leaf::KeyOf(STREAMS)),
    ("geo", Leaf::KeyOf(PLACES)),
    ("sketch", Leaf::KeyOf(SKETCHES)),
    // What keys hold.
    ("value", Leaf::Value),
    ("element", Leaf::Element),
    ("field", Leaf::Mostly(&["f1", "f2", "f3", "f4", "f5", "1", "2", "300"], ELEMENTS)),
    ("member", Leaf::Element),
    ("number", Leaf::Mostly(&["1", "2", "3", "4", "5", "6", "7", "-1", "30000", "-40000", "70000", "-3000000000"], EDGE_NUMBERS)),
    ("score", Leaf::Mostly(SCORES, EDGE_SCORES)),
    ("weight", Leaf::Mostly(&["1", "2", "0", "-1", "0.5", "1.1"], EDGE_SCORES)),
    ("double", Leaf::Word(EDGE_DOUBLES)),
    ("pattern", Leaf::Word(PATTERNS)),
    // Numbers.
    ("integer", Leaf::Integer(-12, 60)),
    ("index", Leaf::Integer(-6, 6)),
    // 7.2 takes an index of more than 32 bits for another one where it replaces.
    ("seat", Leaf::Mostly(&["0", "1", "2", "-1", "-2", "3", "5", "-6"], &["abc", "", "1.5", "99999999999999999999", "100", "-128"])),
    ("offset", Leaf::Integer(-3, 20)),
    ("count", Leaf::Integer(-1, 6)),
    ("few", Leaf::Integer(1, 4)),
    ("sample", Leaf::Mostly(&["1", "2", "3", "10", "-1", "-3", "-10"], &["0", "100000", "abc", "", "9223372036854775807", "-9223372036854775808", "1.5"])),
    ("rank", Leaf::Mostly(&["1", "2", "-1", "-2", "3"], EDGE_NUMBERS)),
    ("step", Leaf::Mostly(&["1", "-1", "10", "100", "-3"], EDGE_NUMBERS)),
    ("write_offset", Leaf::Mostly(WRITE_OFFSETS, EDGE_WRITE_OFFSETS)),
    ("bit_offset", Leaf::Integer(-2, 150)),
    ("bit", Leaf::Mostly(&["0", "1"], &["2", "-1", "abc"])),
    ("bit_type", Leaf::Mostly(BIT_TYPES, EDGE_BIT_TYPES)),
    ("score_bound", Leaf::Mostly(SCORE_BOUNDS, &["abc", "", "(", "nan", "(nan", "((1", "1e309"])),
    ("lex_bound", Leaf::Mostly(LEX_BOUNDS, &["a", "", "1", "--", "+inf"])),
    ("page", Leaf::Word(&["1000000", "1000000", "0", "-1", "abc"])),
    // Times.
    ("ttl", Leaf::Mostly(TIMES, EDGE_TIMES)),
    ("at", Leaf::Mostly(&["4000000000", "4102444800", "4102444800000"], EDGE_TIMES)),
    ("timeout", Leaf::Mostly(&["0.01", "0.02", "0.01"], &["-1", "abc", "", "nan", "inf", "1e30", "-0.5"])),
    ("timeout_ms", Leaf::Mostly(&["10", "20"], &["-1", "abc", "", "1.5"])),
    // Streams.
    ("id", Leaf::Mostly(STREAM_IDS, EDGE_STREAM_IDS)),
    ("range_id", Leaf::Mostly(RANGE_IDS, EDGE_STREAM_IDS)),
    ("seen_id", Leaf::Mostly(&["0", "0-0", "1-1", "1-2", "2-1", "5-0", "$"], EDGE_STREAM_IDS)),
    ("group", Leaf::Mostly(&["one", "two"], &["none", ""])),
    ("consumer", Leaf::Mostly(&["alice", "bob"], &["carol", ""])),
    ("idle", Leaf::Mostly(&["0", "0", "0", "100000000"], &["-1", "abc", "", "9223372036854775807"])),
    ("unix_ms", Leaf::Mostly(&["1", "1000000000000"], &["-1", "abc", "", "99999999999999"])),
    // Places.
    ("longitude", Leaf::Mostly(&["13.361389", "15.087269", "2.3522", "-73.9857", "0", "180", "-180", "13.4"], &["181", "-180.1", "abc", "nan", "inf", ""])),
    ("latitude", Leaf::Mostly(&["38.115556", "37.502669", "48.8566", "40.7484", "0", "85", "-85", "38.2"], &["86", "-90", "85.05112878", "abc", "nan", ""])),
    ("radius", Leaf::Mostly(&["10", "200", "1000", "20000", "0", "0.5", "5000.5"], &["-1", "abc", "nan", "inf", "", "1e308"])),
    ("unit", Leaf::Mostly(&["m", "km", "km", "ft", "mi"], &["M", "KM", "cm", ""])),
    ("place", Leaf::Mostly(&["Palermo", "Catania", "Paris", "a", "b", "c"], ELEMENTS)),
    // Names of other things.
    ("name", Leaf::Mostly(&["me", "a-name", ""], &["two words", "new\nline", "\u{ff}"])),
    ("database", Leaf::Mostly(&["0", "1", "2", "0", "1", "3", "15"], &["16", "-1", "abc", "", "99999999999"])),
    ("type", Leaf::Word(&["string", "list", "hash", "set", "zset", "stream", "nothing", "STRING", ""])),
    ("channel", Leaf::Mostly(&["news", "news.art", "weather", "{a}1"], &["", "*", "news*"])),
    ("channels", Leaf::Mostly(&["news*", "*", "n?ws", "weather", "[nw]e*"], &["", "\\*"])),
    ("weights", Leaf::Word(&["k*", "h*->f1", "h*->f2", "*", "nosort", "{a}*", "", "#", "h*->", "k*->f1", "->f"])),
    ("setting", Leaf::Word(&["list-max-listpack-size", "hash-max-listpack-entries", "maxmemory", "hash-max-listpack-*", "nothing", "save", "appendonly"])),
];

/// True for a word that stands for a key in forms, and for next to nothing else.
pub fn is_key(word: &[u8]) -> bool {
    KEYS.iter().chain([&LEVEL_SORTED_SETS]).any(|names| names.iter().any(|name| name.as_bytes() == word))
}

impl Leaf {
    /// One of what this leaf stands for.
    pub fn draw(self, random: &mut Random) -> Vec<u8> {
        match self {
            Leaf::Key => key(random),
            Leaf::KeyOf(_) if random.chance(7) => key(random),
            Leaf::KeyOf(keys) => word(random, keys),
            Leaf::Word(words) => word(random, words),
            Leaf::Integer(first, last) if random.chance(90) => {
                random.between(first, last).to_string().into_bytes()
            }
            Leaf::Integer(..) => word(random, EDGE_NUMBERS),
            Leaf::Mostly(words, _) if random.chance(92) => word(random, words),
            Leaf::Mostly(_, edges) => word(random, edges),
            Leaf::Value => value(random),
            Leaf::Element if random.chance(92) => word(random, ELEMENTS),
            Leaf::Element => value(random),
        }
    }
}

fn word(random: &mut Random, words: &[&str]) -> Vec<u8> {
    random.pick(words).as_bytes().to_vec()
}

fn key(random: &mut Random) -> Vec<u8> {
    let keys = *random.pick(KEYS);
    word(random, keys)
}

fn value(random: &mut Random) -> Vec<u8> {
    match random.below(8) {
        0 => word(random, EDGE_NUMBERS),
        1 => word(random, EDGE_DOUBLES),
        2 => random.between(-12, 60).to_string().into_bytes(),
        3 => {
            let len = random.below(80);
            random.bytes(len)
        }
        4 => vec![b'x'; *random.pick(&[43, 44, 45, 63, 64, 65, 1000, 3000])],
        _ => word(random, WORDS),
    }
}
