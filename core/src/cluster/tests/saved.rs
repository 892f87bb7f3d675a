//! nodes.conf as it comes back: whole, by another hand, or damaged.

use alloc::string::String;

use super::super::nodes_conf::ConfError;
use super::super::*;
use super::net::{Net, at_ms};
use super::with_replicas;

fn saved() -> (String, Config) {
    let net = with_replicas();
    (net.saved(0), net.config(0))
}

/// Where `ip:port@bus` is, in the line that `at` is in.
fn is_in_an_address(text: &str, at: usize) -> bool {
    let line = text[..at].rsplit('\n').next().unwrap_or_default();
    let is_second = line.contains(' ') && line.split(' ').count() == 2;
    is_second && !line.contains(',') && !line.starts_with("vars")
}

#[test]
fn a_file_with_a_byte_turned_over_is_refused_or_says_the_same() {
    let (text, config) = saved();
    let restored = |text: &str| Cluster::restore(at_ms(9000), config.clone(), 1, text);
    let view = |cluster: &Cluster| cluster.topology(at_ms(9000));
    let whole = restored(&text).unwrap();
    for at in (0..text.len()).filter(|at| !is_in_an_address(&text, *at)) {
        let mut bytes = text.clone().into_bytes();
        bytes[at] ^= 1 << (at % 7);
        let rotten = String::from_utf8(bytes).unwrap();
        if let Ok(cluster) = restored(&rotten) {
            assert_eq!(cluster.last_vote_epoch, whole.last_vote_epoch, "byte {at}");
            assert_eq!(view(&cluster), view(&whole), "byte {at}");
        }
    }
}

#[test]
fn an_address_that_a_script_replaced_is_taken() {
    let (text, config) = saved();
    let moved = text.replace("10.0.0.1:", "10.9.9.9:");
    assert_ne!(moved, text);
    let cluster = Cluster::restore(at_ms(9000), config, 1, &moved).unwrap();
    let topology = cluster.topology(at_ms(9000));
    assert!(topology.nodes().skip(1).any(|(_, node)| node.ip == "10.9.9.9"));
}

#[test]
fn an_edited_file_is_taken_without_its_checksum_only() {
    let (text, config) = saved();
    let edited = text.replace("lastVoteEpoch 0", "lastVoteEpoch 1");
    let restored = |text: &str| Cluster::restore(at_ms(9000), config.clone(), 1, text);
    assert_eq!(restored(&edited).unwrap_err(), ConfError::Damaged);
    let (without, _) = edited.split_once(" checksum").unwrap();
    assert!(restored(without).is_ok());
}

#[test]
fn names_for_people_come_back() {
    let mut net = Net::with(2, 2000, |config| {
        config.human_name = alloc::format!("the-node-at-{}", config.announced.bus_port);
    });
    net.meet(0, 1);
    net.run_ms(5000);
    let restored = Cluster::restore(net.now(), net.config(0), 1, &net.saved(0)).unwrap();
    let topology = restored.topology(net.now());
    let other = topology.find(&net.node(1).id()).unwrap();
    assert_eq!(topology.node(other).human_name, "the-node-at-10001");
}
