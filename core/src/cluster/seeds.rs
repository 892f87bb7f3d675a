//! Seeds: where a node looks for the rest of its cluster, by host names that are looked up at each attempt.
//!
//! While it knows of no slots, a node MEETs its seeds until each has answered. A node of a cluster with slots takes nobody in
//! by a seed: it asks who lives there, and learns where nodes that it knows are now, which is how a cluster finds itself again
//! after all of its nodes have got new addresses. So an address that is used again by strangers merges no clusters.
//!
//! Redis has no seeds; what is sent is ordinary MEET and PING.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::IpAddr;

use super::Cluster;
use super::address::Address;
use super::handshake::Purpose;
use super::input::Now;
use crate::time::Instant;

/// From client port to bus port.
const BUS_PORT_DISTANCE: u16 = 10_000;
/// Pause between two attempts at most.
const PAUSE_MS_MAX: u64 = 5000;
/// What the pause grows by.
const PAUSE_STEP_MS: u64 = 500;

/// Where another node may be found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seed {
    /// An address or a host name.
    pub host: String,
    /// True if it is a name.
    pub is_name: bool,
    /// Port for clients.
    pub port: u16,
    /// Port of the cluster bus.
    pub bus_port: u16,
}

impl Seed {
    /// Reads `cluster-seeds`: `host`, `host:port` or `host:port@bus-port`, with commas or blanks between them. An IPv6 address with
    /// a port goes in brackets. Where no port is given it is `port`; a bus port is 10000 above the port.
    ///
    /// # Errors
    /// In words for the operator.
    pub fn parse_list(text: &str, port: u16) -> Result<Vec<Self>, &'static str> {
        let words = text.split([',', ' ', '\t']).filter(|word| !word.is_empty());
        words.map(|word| Self::parse(word, port)).collect()
    }

    fn parse(word: &str, default_port: u16) -> Result<Self, &'static str> {
        let (place, bus_port) = match word.split_once('@') {
            None => (word, None),
            Some((place, bus_port)) => (place, Some(port_number(bus_port)?)),
        };
        let (host, port) = host_and_port(place)?;
        let port = port.unwrap_or(default_port);
        let bus_port = bus_port.or_else(|| port.checked_add(BUS_PORT_DISTANCE));
        let bus_port =
            bus_port.ok_or("cluster-seeds: a port above 55535 needs its bus port: host:port@bus-port")?;
        if host.is_empty() || host.len() > HOST_LEN_MAX || host.contains(['/', '[', ']']) {
            return Err("cluster-seeds: expected host:port,host:port,...");
        }
        Ok(Self { is_name: host.parse::<IpAddr>().is_err(), host: host.into(), port, bus_port })
    }
}

/// Longest host name of DNS.
const HOST_LEN_MAX: usize = 253;

fn host_and_port(place: &str) -> Result<(&str, Option<u16>), &'static str> {
    if place.parse::<IpAddr>().is_ok() {
        return Ok((place, None));
    }
    if let Some((host, rest)) = place.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        let port = rest.strip_prefix(':').map(port_number).transpose()?;
        return Ok((host, port));
    }
    match place.rsplit_once(':') {
        None => Ok((place, None)),
        Some((host, port)) => Ok((host, Some(port_number(port)?))),
    }
}

fn port_number(text: &str) -> Result<u16, &'static str> {
    text.parse().ok().filter(|port| *port > 0).ok_or("cluster-seeds: a port is a number from 1 to 65535")
}

/// The seeds that have not answered in this life of the node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Search {
    sought: Vec<Sought>,
}

#[derive(Clone, Debug)]
struct Sought {
    seed: Seed,
    attempts: u64,
    due: Instant,
}

impl Search {
    /// Looks for these from `now` on.
    pub(crate) fn for_seeds(seeds: &[Seed], now: Instant) -> Self {
        Self {
            sought: seeds.iter().map(|seed| Sought { seed: seed.clone(), attempts: 0, due: now }).collect(),
        }
    }

    /// Somebody lives at this place: it is found.
    pub(crate) fn found(&mut self, host: &str, bus_port: u16) {
        self.sought.retain(|sought| sought.seed.host != host || sought.seed.bus_port != bus_port);
    }

    /// The seeds to be tried at `now`.
    fn take_due(&mut self, now: Instant, answer_ms: u64) -> Vec<Seed> {
        let is_due = |sought: &&mut Sought| sought.due <= now;
        let due = self.sought.iter_mut().filter(is_due).map(|sought| {
            let pause_ms = (sought.attempts * PAUSE_STEP_MS).min(PAUSE_MS_MAX);
            sought.attempts += 1;
            sought.due = now.plus_ms(answer_ms + pause_ms);
            sought.seed.clone()
        });
        due.collect()
    }
}

impl Cluster {
    /// Looks for the seeds that are due.
    pub(crate) fn look_for_seeds(&mut self, now: Now) {
        let purpose = if self.nodes.voters() == 0 { Purpose::Meet } else { Purpose::Visit };
        for Seed { host, is_name, port, bus_port } in
            self.search.take_due(now.instant, self.config.handshake_timeout_ms())
        {
            let (ip, met_as) = if is_name { (String::new(), Some(host)) } else { (host, None) };
            let (port, tls_port) = if self.config.tls_cluster { (0, port) } else { (port, 0) };
            self.begin_handshake(now, Address { ip, port, tls_port, bus_port }, met_as, purpose);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn seed(host: &str, is_name: bool, port: u16, bus_port: u16) -> Seed {
        Seed { host: host.into(), is_name, port, bus_port }
    }

    #[test]
    fn seeds_are_hosts_with_or_without_ports() {
        let seeds = Seed::parse_list("db-0.example:7000, db-1 10.0.0.1:7001@9,[::1]:5,::1", 6379);
        let expected = vec![
            seed("db-0.example", true, 7000, 17000),
            seed("db-1", true, 6379, 16379),
            seed("10.0.0.1", false, 7001, 9),
            seed("::1", false, 5, 10005),
            seed("::1", false, 6379, 16379),
        ];
        assert_eq!(seeds, Ok(expected));
    }

    #[test]
    fn what_is_no_seed_is_refused() {
        for wrong in ["a:0", "a:x", ":7000", "a:60000", "a:1@", "[::1]x@y", "a/b"] {
            assert!(Seed::parse_list(wrong, 6379).is_err(), "{wrong}");
        }
        assert_eq!(Seed::parse_list(" , ", 6379), Ok(vec![]));
    }

    #[test]
    fn a_seed_is_tried_again_after_pauses_that_grow_until_it_is_found() {
        let at = Instant::from_ms;
        let mut search = Search::for_seeds(&[seed("a", true, 1, 2)], at(0));
        assert_eq!(search.take_due(at(0), 1000).len(), 1);
        assert_eq!(search.take_due(at(999), 1000).len(), 0);
        assert_eq!(search.take_due(at(1000), 1000).len(), 1);
        assert_eq!(search.take_due(at(2000), 1000).len(), 0, "half a second more");
        search.found("a", 2);
        assert_eq!(search.take_due(at(100_000), 1000).len(), 0);
    }
}
