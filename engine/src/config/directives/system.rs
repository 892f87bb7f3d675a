//! What the operating system is asked for. The names with underscores are Redis' own.

use crate::config::directive::{Directive, Kind, special, unset, word, yes_no};
use crate::config::words::OomScoreAdj;

pub(super) const DIRECTIVES: &[Directive] = &[
    unset("server_cpulist").immutable(),
    unset("bio_cpulist").immutable(),
    unset("aof_rewrite_cpulist").immutable(),
    unset("bgsave_cpulist").immutable(),
    yes_no("disable-thp", true).immutable(),
    word("oom-score-adj", OomScoreAdj::WORDS, OomScoreAdj::No as u32),
    special("oom-score-adj-values", Kind::OomScores),
];
