//! What the sequences of the differential suite are about: families, how many clients, and how the servers are set.
//!
//! A theme mixes few families, so that a sequence builds something up; others mix all, so that types collide.

use crate::grammar::{Deck, leaves, lua};
use crate::random::Random;
use crate::script::{self, Step};
use crate::spoil::spoil;

/// Commands of one sequence, at most.
pub const STEPS_MAX: usize = 100;
/// Percent of commands made wrong.
const SPOILT: usize = 8;
/// Percent of connections that speak RESP3.
const RESP3: usize = 40;

/// A kind of sequences.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    /// How `SLOTWAY_THEME` calls it.
    pub name: &'static str,
    weight: usize,
    /// Connections that send commands. With one, commands go out in batches.
    clients: usize,
    families: &'static [(usize, &'static str)],
    /// A script that runs first.
    setup: &'static str,
    /// One of these, or none, runs first too.
    settings: &'static [&'static str],
    /// Commands go into scripts.
    scripted: bool,
}

const EVERYTHING: &[(usize, &str)] = &[
    (1, "string"),
    (1, "generic"),
    (1, "list"),
    (1, "hash"),
    (1, "set"),
    (1, "sorted_set"),
    (1, "stream"),
    (1, "geo"),
    (1, "hyperloglog"),
    (1, "bitmap"),
    (1, "sort"),
];

const THEMES: &[Theme] = &[
    Theme {
        weight: 4,
        families: &[(2, "string"), (2, "bitmap"), (1, "generic"), (1, "connection")],
        ..theme("strings")
    },
    Theme {
        weight: 3,
        families: &[(4, "list"), (1, "generic")],
        settings: &[
            "CONFIG SET list-max-listpack-size 4",
            "CONFIG SET list-max-listpack-size -1 list-compress-depth 1",
        ],
        ..theme("lists")
    },
    Theme {
        weight: 3,
        families: &[(4, "hash"), (1, "generic")],
        settings: &["CONFIG SET hash-max-listpack-entries 4", "CONFIG SET hash-max-listpack-value 8"],
        ..theme("hashes")
    },
    Theme {
        weight: 3,
        families: &[(4, "set"), (1, "generic")],
        settings: &["CONFIG SET set-max-intset-entries 6"],
        ..theme("sets")
    },
    Theme {
        weight: 4,
        families: &[(5, "sorted_set"), (1, "generic"), (1, "set")],
        settings: &["CONFIG SET zset-max-listpack-entries 4", "CONFIG SET zset-max-listpack-value 8"],
        ..theme("sorted_sets")
    },
    Theme { weight: 2, families: &[(4, "geo"), (1, "generic")], ..theme("geo") },
    Theme {
        weight: 4,
        families: &[(5, "stream"), (1, "generic")],
        settings: &["CONFIG SET stream-node-max-entries 3", "CONFIG SET stream-node-max-bytes 100"],
        ..theme("streams")
    },
    Theme {
        weight: 1,
        families: &[(4, "hyperloglog"), (1, "generic")],
        settings: &["CONFIG SET hll-sparse-max-bytes 30"],
        ..theme("sketches")
    },
    Theme {
        weight: 2,
        families: &[(4, "sort"), (1, "list"), (1, "set"), (1, "sorted_set"), (1, "hash"), (1, "string")],
        ..theme("sort")
    },
    Theme { weight: 3, families: EVERYTHING, ..theme("everything") },
    Theme {
        weight: 3,
        clients: 2,
        families: &[
            (20, "transaction"),
            (1, "string"),
            (1, "generic"),
            (1, "list"),
            (1, "hash"),
            (1, "set"),
            (1, "sorted_set"),
            (1, "stream"),
            (1, "bitmap"),
        ],
        ..theme("transactions")
    },
    Theme { weight: 3, clients: 3, families: &[(1, "blocking")], ..theme("blocking") },
    Theme { weight: 2, clients: 3, families: &[(1, "pubsub")], ..theme("pubsub") },
    Theme {
        weight: 3,
        families: EVERYTHING,
        setup: "DEBUG SET-ACTIVE-EXPIRE 0\nCONFIG SET notify-keyspace-events KEA\n@1 PSUBSCRIBE __key*__:*",
        ..theme("events")
    },
    Theme { weight: 4, families: EVERYTHING, scripted: true, ..theme("scripts") },
    Theme {
        weight: 1,
        families: &[
            (30, "expiry"),
            (1, "string"),
            (1, "generic"),
            (1, "list"),
            (1, "hash"),
            (1, "set"),
            (1, "sorted_set"),
            (1, "stream"),
        ],
        setup: "DEBUG SET-ACTIVE-EXPIRE 0",
        ..theme("expiry")
    },
];

const fn theme(name: &'static str) -> Theme {
    Theme { name, weight: 1, clients: 1, families: &[], setup: "", settings: &[], scripted: false }
}

/// The themes that sequences are drawn from.
#[derive(Debug)]
pub struct Themes {
    themes: Vec<(Theme, Deck)>,
    /// Indices into `themes`, each as often as its weight.
    draws: Vec<usize>,
}

/// Steps, and how many of them may go out at once.
pub type Sequence = (Vec<Step>, usize);

impl Themes {
    /// All themes, or the one named. Panics when there is none of that name.
    pub fn new(only: Option<&str>) -> Themes {
        let themes = Themes::chosen(|theme| only.is_none_or(|name| theme.name == name));
        assert!(!themes.draws.is_empty(), "there is no theme {only:?}");
        themes
    }

    fn chosen(is_chosen: impl Fn(&Theme) -> bool) -> Themes {
        let chosen = THEMES.iter().filter(|theme| is_chosen(theme));
        let themes: Vec<(Theme, Deck)> = chosen.map(|theme| (*theme, Deck::of(theme.families))).collect();
        let weights = themes.iter().enumerate();
        let draws =
            weights.flat_map(|(index, (theme, _))| std::iter::repeat_n(index, theme.weight)).collect();
        Themes { themes, draws }
    }

    /// The themes of one client, in which nothing expires and nobody is told of anything: what is left of them is data.
    pub fn of_data() -> Themes {
        Themes::chosen(|theme| theme.clients == 1 && theme.setup.is_empty() && !theme.scripted)
    }

    /// The sequence of a seed.
    pub fn sequence(&self, seed: u64) -> Sequence {
        let mut random = Random::new(seed);
        let (theme, deck) = &self.themes[*random.pick(&self.draws)];
        let batch_max = if theme.clients > 1 || !theme.setup.is_empty() {
            1
        } else {
            *random.pick(&[1, 4, 32, STEPS_MAX])
        };
        let mut steps = theme.opening(&mut random);
        let len = 1 + random.below(STEPS_MAX);
        let last = steps.len() + len;
        while steps.len() < last {
            steps.extend(theme.steps(deck, &mut random));
        }
        (steps, batch_max)
    }
}

impl Theme {
    /// What comes before the commands: the setup, a setting, and protocols.
    fn opening(&self, random: &mut Random) -> Vec<Step> {
        let speaks = (0..3).filter(|_| random.chance(RESP3)).collect::<Vec<usize>>();
        let hello = |client| Step { client, ..Step::new(["HELLO", "3"]) };
        let mut steps: Vec<Step> = speaks.into_iter().map(hello).collect();
        steps.extend(script::parse(self.setup));
        if !self.settings.is_empty() && random.chance(60) {
            steps.extend(script::parse(random.pick::<&str>(self.settings)));
        }
        steps
    }

    /// A command, or a script with some in it.
    fn steps(&self, deck: &Deck, random: &mut Random) -> Vec<Step> {
        if !self.scripted {
            return vec![self.step(deck, random)];
        }
        lua::steps(random, |random| {
            loop {
                let step = self.step(deck, random);
                if lua::is_fit(&step) {
                    return step;
                }
            }
        })
    }

    fn step(&self, deck: &Deck, random: &mut Random) -> Step {
        loop {
            let mut step = Step { client: random.below(self.clients), ..deck.draw(random) };
            // Left as they are: what may block could wait for ever, and sorted sets of one score would get another.
            let plain = !step.waits && step.pause_ms == 0 && !may_block(&step) && !is_level(&step);
            if plain && random.chance(SPOILT) {
                spoil(random, &mut step.args);
            }
            if !UNFIT.iter().any(|is_unfit| is_unfit(&step)) {
                return step;
            }
        }
    }
}

/// What makes a step unfit for a comparison.
const UNFIT: &[fn(&Step) -> bool] = &[
    depends_on_the_moment,
    leaves_another_session,
    asks_too_much,
    keeps_a_part_of_no_order,
    ranges_by_chance,
    sets_at_an_index_of_more_than_32_bits,
    draws_a_key,
];

fn may_block(step: &Step) -> bool {
    let name = step.name();
    name.starts_with('b') && !name.starts_with("bit")
        || (1..step.args.len()).any(|at| step.word(at) == "block")
}

fn is_level(step: &Step) -> bool {
    step.args.iter().any(|arg| leaves::LEVEL_SORTED_SETS.iter().any(|key| key.as_bytes() == arg))
}

/// True for a range by name of a sorted set that may have several scores: its order is undefined then.
fn ranges_by_chance(step: &Step) -> bool {
    let by_name = step.name().ends_with("bylex") || (3..step.args.len()).any(|at| step.word(at) == "bylex");
    by_name && !is_level(step)
}

/// True when the two servers, asked a few milliseconds apart, may rightly differ: a key would expire so soon, or a
/// remaining time is compared with one that was set a moment ago.
fn depends_on_the_moment(step: &Step) -> bool {
    let numbers = step.args.iter().map(|arg| String::from_utf8_lossy(arg).parse::<i64>().unwrap_or(0));
    let soon = |at: usize| numbers.clone().nth(at).is_some_and(|n| (1..100_000).contains(&n));
    let mut words = 1..step.args.len();
    match step.name().as_str() {
        _ if step.pause_ms > 0 => false,
        "expire" | "pexpire" => soon(2) || words.any(|at| matches!(step.word(at).as_str(), "gt" | "lt")),
        "setex" | "psetex" => soon(2),
        "set" | "getex" => words.any(|at| matches!(step.word(at).as_str(), "ex" | "px") && soon(at + 1)),
        _ => false,
    }
}

/// True for HELLO with a name and more: when the rest is wrong, 7.0 has taken the name by then, and 7.2 has not. And for a name
/// with NUL in it: 7.2 reads it up to there.
fn leaves_another_session(step: &Step) -> bool {
    let names = (1..step.args.len()).any(|at| step.word(at) == "setname");
    let has_nul = step.args.iter().any(|arg| arg.contains(&0));
    names && (has_nul || step.name() == "hello" && step.args.len() != 4)
}

/// True for what has no order of its own and then keeps a part of it: SORT by texts of other keys, of which many are equal.
fn keeps_a_part_of_no_order(step: &Step) -> bool {
    let has = |word| (2..step.args.len()).any(|at| step.word(at) == word);
    step.name().starts_with("sort") && has("by") && has("alpha") && (has("store") || has("limit"))
}

/// True for LSET with an index of which 7.2 takes the lower 32 bits, and 7.0 all.
fn sets_at_an_index_of_more_than_32_bits(step: &Step) -> bool {
    let index = step.args.get(2).and_then(|arg| core::str::from_utf8(arg).ok()?.parse::<i64>().ok());
    step.name() == "lset" && index.is_some_and(|index| i32::try_from(index).is_err())
}

/// True for RANDOMKEY: whether it meets a key that has expired, and so removes it and tells of that, is chance.
fn draws_a_key(step: &Step) -> bool {
    step.name() == "randomkey" && step.args.len() == 1
}

/// True for what is legal, but too slow or too large to repeat: a write far behind the end of a string, a random sample
/// of a billion members.
fn asks_too_much(step: &Step) -> bool {
    let number =
        |arg: &Vec<u8>| String::from_utf8_lossy(arg).trim_start_matches('#').parse::<i64>().unwrap_or(0);
    let far = |arg: &Vec<u8>| (100_000..4_294_967_296).contains(&number(arg)) && arg != b"536870912";
    match step.name().as_str() {
        "setbit" | "setrange" => step.args.get(2).is_some_and(far),
        "bitfield" => step.args.iter().skip(3).any(far),
        "srandmember" | "hrandfield" | "zrandmember" => {
            step.args.get(2).is_some_and(|arg| (i64::MIN / 2..-1000).contains(&number(arg)))
        }
        _ => false,
    }
}
