//! The cluster.

use crate::config::checks::{hostname, human_nodename, zone};
use crate::config::directive::{Directive, INT_MAX, LONG_MAX, int, memory, port, text, unset, word, yes_no};
use crate::config::reach::{ipv4, ipv6, networks};
use crate::config::words::ENDPOINT_WORDS;
use slotway_core::topology::EndpointType;

pub(super) const DIRECTIVES: &[Directive] = &[
    yes_no("cluster-enabled", false).immutable(),
    text("cluster-config-file", "nodes.conf").immutable(),
    port("cluster-port", 0).immutable(),
    int("cluster-node-timeout", 0, LONG_MAX, 15000),
    unset("cluster-announce-ip"),
    port("cluster-announce-port", 0),
    port("cluster-announce-tls-port", 0),
    port("cluster-announce-bus-port", 0),
    unset("cluster-announce-hostname").checked(hostname),
    unset("cluster-announce-human-nodename").checked(human_nodename),
    // As in Valkey 8.
    text("availability-zone", "").checked(zone),
    // What clients of the outside are told, the first two as in Valkey 8.1.
    unset("cluster-announce-client-ipv4").checked(ipv4),
    unset("cluster-announce-client-ipv6").checked(ipv6),
    unset("cluster-announce-client-hostname").checked(hostname),
    port("cluster-announce-client-port", 0),
    // Who is outside: who comes by that port, or from no network of that list.
    port("cluster-client-port", 0).immutable(),
    unset("cluster-inside-networks").checked(networks),
    word("cluster-preferred-endpoint-type", ENDPOINT_WORDS, EndpointType::Ip as u32),
    yes_no("cluster-require-full-coverage", true),
    yes_no("cluster-allow-reads-when-down", false),
    yes_no("cluster-allow-pubsubshard-when-down", true),
    yes_no("cluster-allow-replica-migration", true),
    int("cluster-migration-barrier", 0, INT_MAX, 1),
    yes_no("cluster-replica-no-failover", false).alias("cluster-slave-no-failover"),
    int("cluster-replica-validity-factor", 0, INT_MAX, 10).alias("cluster-slave-validity-factor"),
    memory("cluster-link-sendbuf-limit", 0, u64::MAX as i128, 0),
    // Valkey 8's, where it is off unless asked for.
    yes_no("cluster-slot-stats-enabled", true),
    int("cluster-ping-interval", 0, LONG_MAX, 0).hidden(),
];
