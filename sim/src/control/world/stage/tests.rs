use alloc::string::String;
use alloc::vec::Vec;

use super::{Act, Play, Stage};
use crate::control;
use crate::timeline::Time;

const THREE: Play =
    Play::Cluster { seed: 7, primaries: 3, replicas: 1, node_timeout_ms: 1000, begins_colliding: false };

fn at(ms: u64) -> Time {
    Time::default().plus_ms(ms)
}

fn act(stage: &mut Stage, words: &str) -> bool {
    stage.act(&Act::parse(words).expect("an act"))
}

/// Plays these acts, looking at the world every `look_ms`.
fn play(acts: &[(u64, &str)], end_ms: u64, look_ms: u64) -> Stage {
    let mut stage = Stage::new(THREE);
    let mut acts = acts.iter().peekable();
    let mut now = 0;
    while now < end_ms {
        let next_act = acts.peek().map_or(end_ms, |(ms, _)| *ms);
        now = (now + look_ms).min(next_act).min(end_ms);
        stage.run_until(at(now));
        while let Some((_, words)) = acts.next_if(|(ms, _)| *ms == now) {
            assert!(act(&mut stage, words), "{words} at {now}");
        }
        stage.view();
    }
    stage
}

#[test]
fn a_killed_primary_is_replaced_and_follows_when_it_is_back() {
    let mut stage = play(&[(3000, "vanish 0"), (8000, "start 0")], 12_000, 100);
    let view = stage.view();
    assert_eq!(view.violation, None);
    assert!(!view.nodes[3].replica && view.nodes[3].slots > 5000, "{:?}", view.nodes[3]);
    assert_eq!(view.nodes[0].primary, Some(3));
    assert!(view.nodes.iter().all(|node| node.ok && !node.thinks.contains(['X', '?', '-'])));
    let lines = stage.take_lines().join("\n");
    for words in
        ["n0 stops: Vanished", "is down: a majority", "vote for node n3", "election won", "n0 starts"]
    {
        assert!(lines.contains(words), "{words} in\n{lines}");
    }
}

#[test]
fn a_run_does_not_depend_on_how_often_somebody_looks() {
    let acts = [
        (1000, "split 0 4"),
        (5000, "heal"),
        (6000, "pause 1 3000"),
        (7000, "slow 2 3 200"),
        (8000, "jump 2 60000"),
    ];
    let hashes: Vec<u64> = [7, 250, 20_000].map(|look_ms| play(&acts, 15_000, look_ms).trace_hash()).into();
    assert_eq!(hashes[0], hashes[1]);
    assert_eq!(hashes[0], hashes[2]);
}

#[test]
fn clients_of_a_minority_lose_what_it_acknowledged() {
    let mut stage = play(&[(3000, "split 0"), (10_000, "heal")], 15_000, 500);
    let writes = stage.view().writes.expect("clients");
    assert!(writes.acknowledged > 300, "{writes:?}");
    assert!(writes.lost > 0 && writes.lost < writes.acknowledged / 2, "{writes:?}");
    assert!(writes.unanswered > 0 && writes.refused > 0, "{writes:?}");
}

#[test]
fn a_manual_failover_loses_nothing() {
    let mut stage = play(&[(3000, "failover 3 agreed")], 8000, 500);
    let view = stage.view();
    assert!(!view.nodes[3].replica && view.nodes[0].replica, "{view:?}");
    assert_eq!(view.writes.map(|writes| writes.lost), Some(0));
}

#[test]
fn slots_move_under_load_and_nothing_is_lost() {
    let mut stage = play(&[(2000, "move 0 1 100")], 8000, 500);
    let view = stage.view();
    assert_eq!((view.moving, view.nodes[0].slots), (0, 5461 - 100), "{}", stage.take_lines().join("\n"));
    assert_eq!(view.writes.map(|writes| writes.lost), Some(0));
    assert!(view.writes.is_some_and(|writes| writes.redirected > 0));
}

#[test]
fn a_storm_is_the_one_of_the_test_suite() {
    for seed in [3, 8] {
        let mut stage = Stage::new(Play::Storm(seed));
        while !stage.view().ended && stage.view().violation.is_none() {
            stage.run_until(stage.now().plus_ms(700));
        }
        let outcome = control::run(seed);
        assert_eq!(stage.trace_hash(), outcome.trace.hash(), "{outcome}");
        assert!(!act(&mut stage, "stop 0"), "nobody interferes with a seed");
    }
}

#[test]
fn nonsense_is_no_act() {
    for words in ["", "stop", "stop x", "stop -1", "pause 0 99999999999", "split a", "failover 1 please"] {
        assert_eq!(Act::parse(words), None, "{words}");
    }
    let mut stage = Stage::new(THREE);
    for words in ["stop 6", "start 0", "cut 1 1", "failover 0 agreed", "move 3 0 5"] {
        let done = act(&mut stage, words);
        assert!(!done || words.starts_with("move"), "{words}");
    }
}

#[test]
fn a_node_answers_at_the_console_as_long_as_it_runs() {
    let mut stage = play(&[], 1000, 1000);
    let nodes: String = stage.ask(0, "cluster nodes");
    assert_eq!(nodes.lines().count(), 6, "{nodes}");
    assert!(nodes.contains("myself,master"));
    assert!(stage.ask(0, "CLUSTER INFO").contains("cluster_state:ok"));
    act(&mut stage, "stop 0");
    assert!(stage.ask(0, "PING").starts_with("Could not connect"));
}
