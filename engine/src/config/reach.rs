//! Which clients are of the outside: `cluster-client-port`, `cluster-inside-networks`.
//!
//! | a client comes                       | it is told the addresses of |
//! |--------------------------------------|-----------------------------|
//! | by `cluster-client-port`             | the outside |
//! | from one of `cluster-inside-networks`| the inside |
//! | from elsewhere, where there is such a list | the outside |
//! | by `port`, where there is a `cluster-client-port` | the inside |
//! | without any of these                 | the outside: what a node announces for clients is for all of them, as in Valkey |

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;

use ipnet::IpNet;
use slotway_core::topology::{Outside, Reach};

use super::Config;

/// By which port a client has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entrance {
    /// `port`.
    Port,
    /// `cluster-client-port`.
    ClientPort,
}

impl Config {
    /// Where a client comes from that has come by that port, from that address.
    pub fn reach(&self, by: Entrance, from: IpAddr) -> Reach {
        let from = from.to_canonical();
        let mut networks = parse_networks(self.cluster_inside_networks()).peekable();
        let has_list = networks.peek().is_some();
        let is_inside = by == Entrance::Port
            && match has_list {
                true => networks.flatten().any(|network| network.contains(&from)),
                false => self.cluster_client_port() != 0,
            };
        if is_inside { Reach::Inside } else { Reach::outside(from) }
    }

    /// What this node announces for clients of the outside: where there is a port for them, they are to come by that.
    pub fn outside(&self) -> Outside {
        let port = match self.cluster_announce_client_port() {
            0 => self.cluster_client_port(),
            port => port,
        };
        Outside {
            ipv4: self.cluster_announce_client_ipv4().parse().ok(),
            ipv6: self.cluster_announce_client_ipv6().parse().ok(),
            hostname: self.cluster_announce_client_hostname().into(),
            port,
        }
    }
}

/// `cluster-announce-client-ipv4`.
pub(super) fn ipv4(text: &str) -> Result<(), &'static str> {
    literal::<Ipv4Addr>(text, "must be an IPv4 address, such as 203.0.113.7")
}

/// `cluster-announce-client-ipv6`.
pub(super) fn ipv6(text: &str) -> Result<(), &'static str> {
    literal::<Ipv6Addr>(text, "must be an IPv6 address, such as 2001:db8::7")
}

fn literal<A: FromStr>(text: &str, otherwise: &'static str) -> Result<(), &'static str> {
    if text.is_empty() { Ok(()) } else { text.parse::<A>().map(drop).map_err(|_| otherwise) }
}

/// `cluster-inside-networks`: addresses and networks, with blanks or commas between them.
pub(super) fn networks(text: &str) -> Result<(), &'static str> {
    let all = parse_networks(text).all(|network| network.is_ok());
    all.then_some(()).ok_or("must be networks or addresses, such as 172.16.0.0/12,fd00::/8")
}

fn parse_networks(text: &str) -> impl Iterator<Item = Result<IpNet, ()>> {
    let words = text.split([' ', ',']).filter(|word| !word.is_empty());
    words.map(|word| word.parse().or_else(|_| word.parse::<IpAddr>().map(IpNet::from)).map_err(drop))
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn config(text: &str) -> Config {
        let mut config = Config::default();
        config.load("test", text, &mut |_| Ok(Vec::new())).expect("directives that exist");
        config
    }

    fn reach(text: &str, by: Entrance, from: &str) -> Reach {
        config(text).reach(by, from.parse().expect("an address"))
    }

    #[test]
    fn without_a_rule_everybody_is_told_what_is_announced_for_clients() {
        assert_eq!(reach("", Entrance::Port, "10.0.0.1"), Reach::OutsideByIpv4);
        assert_eq!(reach("", Entrance::Port, "fd00::1"), Reach::OutsideByIpv6);
    }

    #[test]
    fn the_port_for_clients_tells_them_apart_whatever_their_address() {
        let text = "cluster-client-port 7001";
        assert_eq!(reach(text, Entrance::Port, "203.0.113.7"), Reach::Inside);
        assert_eq!(reach(text, Entrance::ClientPort, "172.17.0.1"), Reach::OutsideByIpv4);
    }

    #[test]
    fn networks_tell_them_apart_too() {
        let text = "cluster-inside-networks \"172.16.0.0/12, fd00::/8 192.0.2.1\"";
        for inside in ["172.17.0.5", "::ffff:172.31.0.1", "fd12::1", "192.0.2.1"] {
            assert_eq!(reach(text, Entrance::Port, inside), Reach::Inside, "{inside}");
        }
        assert_eq!(reach(text, Entrance::Port, "172.32.0.1"), Reach::OutsideByIpv4);
        assert_eq!(reach(text, Entrance::Port, "2001:db8::1"), Reach::OutsideByIpv6);
    }

    #[test]
    fn addresses_and_networks_are_checked() {
        assert!(networks("").is_ok() && networks("10.0.0.0/8").is_ok() && networks("10.0.0.0/33").is_err());
        assert!(ipv4("").is_ok() && ipv4("10.0.0.1").is_ok() && ipv4("::1").is_err() && ipv6("::1").is_ok());
    }

    #[test]
    fn clients_are_sent_to_the_port_for_them() {
        let outside = config("cluster-client-port 7001\ncluster-announce-client-ipv4 127.0.0.1").outside();
        assert_eq!((outside.ipv4, outside.port), (Some(Ipv4Addr::LOCALHOST), 7001));
        assert_eq!(config("cluster-client-port 1\ncluster-announce-client-port 2").outside().port, 2);
    }
}
