use slotway_core::topology::parse::{ParseOptions, nodes_text};

use super::*;

/// A cluster of four, as node `myself` tells it: two primaries, a replica each. `{1}` to `{4}` stand for ids, and `open` follows its line.
fn told(myself: usize, border: u16, open: &str) -> Topology {
    let line = |number: usize, role: &str, primary: &str, slots: &str| {
        let (me, open) = if number == myself { ("myself,", open) } else { ("", "") };
        format!(
            "{{{number}}} 10.0.0.{number}:7000@17000 {me}{role} {primary} 0 0 {number} connected {slots} {open}\n"
        )
    };
    let mut text = line(1, "master", "-", &format!("0-{border}"));
    text += &line(2, "master", "-", &format!("{}-16383", border + 1));
    text += &line(3, "slave", "{1}", "");
    text += &line(4, "slave", "{2}", "");
    for number in 1..=4 {
        text = text.replace(&format!("{{{number}}}"), &number.to_string().repeat(40));
    }
    nodes_text(&text, &ParseOptions::default()).unwrap()
}

fn opinion(topology: &Topology, zone: &str) -> Opinion<'static> {
    let me = topology.node(topology.myself().unwrap());
    // Tests are short-lived, and so is what they leak.
    let topology: &'static Topology = Box::leak(Box::new(topology.clone()));
    Opinion {
        name: format!("{}:{}", me.ip, me.port),
        zone: zone.into(),
        topology,
        is_ok: true,
        is_linked: true,
    }
}

fn sentences(opinions: &[Opinion]) -> String {
    of(opinions).iter().map(|trouble| format!("{}: {}\n", trouble.name(), trouble.sentence())).collect()
}

#[test]
fn a_cluster_that_is_well_has_no_trouble() {
    let opinions =
        [(1, "a"), (2, "b"), (3, "b"), (4, "a")].map(|(node, zone)| opinion(&told(node, 8191, ""), zone));
    assert_eq!(sentences(&opinions), "");
}

#[test]
fn each_trouble_is_told_in_a_sentence() {
    let leaving = format!("[93->-{}]", "2".repeat(40));
    let mut opinions = [
        opinion(&told(1, 8191, &leaving), "a"),
        opinion(&told(2, 8191, ""), "a"),
        opinion(&told(3, 8100, ""), "a"),
        opinion(&told(4, 8191, ""), "b"),
    ];
    opinions[3].is_ok = false;
    opinions[3].is_linked = false;
    let expected = "\
open-slots: A move was not ended: 10.0.0.1:7000 has 1 slot open to 10.0.0.2:7000: 93.
views-disagree: 10.0.0.3:7000 and 10.0.0.1:7000 disagree about 10.0.0.1:7000, 10.0.0.2:7000.
replica-cut-off: The replica 10.0.0.4:7000 has no connection to its primary, so its data gets old.
state-fail: 10.0.0.4:7000 calls the cluster down and refuses commands.
majority-on-host: 2 of 2 primaries are on a: without it there is no majority, and no failover.
replica-beside-primary: The replica 10.0.0.3:7000 is on its primary's host or zone (a): what takes 10.0.0.1:7000 away takes both.
";
    assert_eq!(sentences(&opinions), expected);
}

#[test]
fn a_failed_primary_and_slots_of_nobody_are_told() {
    let text = format!(
        "{} 10.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-99\n{} 10.0.0.2:7000@17000 master,fail - 0 0 2 disconnected 200-16383\n",
        "1".repeat(40),
        "2".repeat(40)
    );
    let topology = nodes_text(&text, &ParseOptions::default()).unwrap();
    let expected = "\
uncovered-slots: Nobody serves 100 slots: 100-199.
node-down: The cluster calls 10.0.0.2:7000 down, and nobody has taken over its 16184 slots.
no-replica: The primary 10.0.0.1:7000 has no replica: if it ends, its slots are gone.
no-replica: The primary 10.0.0.2:7000 has no replica: if it ends, its slots are gone.
";
    assert_eq!(sentences(&[opinion(&topology, "a")]), expected);
}
