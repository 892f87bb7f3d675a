//! Many seeds; the same seed twice; and bugs planted to see whether they are found.

use alloc::collections::BTreeMap;
use alloc::string::String;
use std::eprintln;

use crate::sabotage::{Plot, Sabotage};
use crate::trace::Trace;
use crate::world::World;
use crate::{Report, replay, run};

/// Seeds that every change must pass. `SIM_SEEDS=20000` runs more.
const SEEDS: u64 = 200;
/// Each planted bug must be found within so many seeds.
const SABOTAGE_SEEDS: u64 = 400;

/// How many seeds the environment asks for.
pub(crate) fn seeds(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn no_seed_breaks_an_invariant_and_together_they_meet_every_refusal() {
    let mut errors: BTreeMap<String, u64> = BTreeMap::new();
    let (mut slots, mut undecided) = (0, 0);
    for seed in 1..=seeds("SIM_SEEDS", SEEDS) {
        let report = run(seed);
        assert!(report.violation.is_none(), "{report}");
        slots += report.verdicts.len();
        undecided += report.undecided();
        for (word, count) in report.history.errors {
            *errors.entry(word).or_default() += count;
        }
    }
    for word in ["MOVED", "ASK", "TRYAGAIN", "CROSSSLOT", "CLUSTERDOWN", "ERR"] {
        assert!(errors.contains_key(word), "no seed met {word}: {errors:?}");
    }
    assert!(undecided * 200 <= slots, "{undecided} of {slots} slots could not be judged");
}

/// What they showed: a search that took a repeated SET for nothing; a history with more orders than it could go through;
/// an expired copy of a key that was taken for a second one (twice); a late ASKING.
#[test]
fn seeds_that_once_failed_pass() {
    for seed in [81, 263, 1107, 3561, 10_391] {
        let report = run(seed);
        assert!(report.violation.is_none() && report.undecided() == 0, "{report}");
    }
}

#[test]
fn the_same_seed_has_the_same_trace_kept_or_not() {
    for seed in 1..=20 {
        assert_eq!(run(seed).trace.hash(), replay(seed).trace.hash(), "seed {seed}");
    }
    assert_ne!(run(1).trace.hash(), run(2).trace.hash());
}

/// The first report that finds the bug, and that it is the rule expected.
fn found(rule: Sabotage, invariants: &[&str]) {
    let sabotaged = |seed| World::plotted(seed, Trace::hashed(), Plot::against(rule)).run();
    let failed = (1..=SABOTAGE_SEEDS).map(sabotaged).find(|report: &Report| report.violation.is_some());
    let report = failed.unwrap_or_else(|| panic!("nobody noticed {rule:?}"));
    let violation = report.violation.as_ref().expect("chosen because of it");
    eprintln!("{rule:?}: seed {}: {violation}", report.seed);
    assert!(invariants.iter().any(|name| violation.invariant.starts_with(name)), "{rule:?}: {report}");
}

#[test]
fn a_slot_served_after_it_was_given_away_is_found() {
    found(Sabotage::ServeWhatIsGone, &["S2", "S8"]);
}

#[test]
fn a_key_lost_on_its_way_is_found() {
    found(Sabotage::DropKey, &["S8"]);
}

#[test]
fn a_key_left_behind_is_found() {
    found(Sabotage::KeepCopy, &["S8"]);
}

#[test]
fn a_slot_claimed_too_early_is_found() {
    found(Sabotage::ClaimEarly, &["S2", "S8"]);
}

#[test]
fn an_importing_node_that_does_not_know_is_found() {
    found(Sabotage::ForgetToImport, &["S8 ASK"]);
}

#[test]
fn a_node_that_is_not_told_is_found() {
    found(Sabotage::ForgetToTell, &["L2"]);
}

#[test]
fn an_old_claim_that_wins_is_found() {
    found(Sabotage::LaterClaimWins, &["S8", "S9", "L2"]);
}

#[test]
fn a_node_that_redirects_to_itself_is_found() {
    found(Sabotage::MovedToItself, &["S9 MOVED"]);
}

#[test]
fn a_redirection_to_a_stranger_is_found() {
    found(Sabotage::MovedToStranger, &["S9 redirections"]);
}

#[test]
fn replies_out_of_order_is_found() {
    found(Sabotage::MixReplies, &["- replies"]);
}

#[test]
fn a_lost_reply_is_found() {
    found(Sabotage::LoseReply, &["- replies"]);
}
