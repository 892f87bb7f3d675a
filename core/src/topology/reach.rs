//! Where a client comes from, and what it is told accordingly: the address of a node within its network, or the one that reaches it
//! from outside.
//!
//! Nodes in containers have an address that only their neighbours reach. So a node may announce a second one for clients
//! (`cluster-announce-client-*`), and each client is told the one or the other: in MOVED, ASK, CLUSTER SLOTS, SHARDS and NODES. What
//! nodes use among themselves, bus and replication, is always the first.
//!
//! Source of the rule: Valkey 8.1 for the addresses by IPv4 and IPv6; port, host name and the choice by client are Slotway's.

use alloc::borrow::Cow;
use alloc::string::{String, ToString as _};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::node::{EndpointType, Node};

/// For whom a reply is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct View {
    /// What clients are told to connect to.
    pub endpoint_type: EndpointType,
    /// The client came with TLS, so ports with TLS are what it needs.
    pub tls: bool,
    /// Where the client comes from.
    pub reach: Reach,
}

/// Where a client comes from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Reach {
    /// From where the nodes reach each other.
    #[default]
    Inside,
    /// From elsewhere, by IPv4.
    OutsideByIpv4,
    /// From elsewhere, by IPv6.
    OutsideByIpv6,
}

impl Reach {
    /// From elsewhere, at that address.
    pub fn outside(from: IpAddr) -> Self {
        match from.to_canonical() {
            IpAddr::V4(_) => Reach::OutsideByIpv4,
            IpAddr::V6(_) => Reach::OutsideByIpv6,
        }
    }
}

/// What a node announces for clients of the outside. What it leaves open is as inside.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Outside {
    /// `cluster-announce-client-ipv4`: for those who come by IPv4.
    pub ipv4: Option<Ipv4Addr>,
    /// `cluster-announce-client-ipv6`: for those who come by IPv6.
    pub ipv6: Option<Ipv6Addr>,
    /// `cluster-announce-client-hostname`; empty for none.
    pub hostname: String,
    /// `cluster-announce-client-port`; 0 for that of the inside.
    pub port: u16,
}

/// Where one client reaches one node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place<'a> {
    /// The address, without brackets; empty while nobody knows it.
    pub ip: Cow<'a, str>,
    /// The host name, if there is one.
    pub hostname: Option<&'a str>,
    /// The port, of the client's kind; 0 if there is none.
    pub port: u16,
    endpoint_type: EndpointType,
}

impl Place<'_> {
    /// The host to tell clients, as CLUSTER SHARDS and redirections word it: `?` where a host name is preferred
    /// and missing, nothing where clients are to stay with the host they know.
    pub fn host(&self) -> &str {
        match self.endpoint_type {
            EndpointType::Ip => &self.ip,
            EndpointType::Hostname => self.hostname.unwrap_or("?"),
            EndpointType::Unknown => "",
        }
    }
}

impl Node {
    /// Where a client reaches it.
    pub fn place(&self, view: View) -> Place<'_> {
        let inside = Place {
            ip: Cow::Borrowed(&self.ip),
            hostname: self.hostname.as_deref(),
            port: self.client_port(view.tls),
            endpoint_type: view.endpoint_type,
        };
        match view.reach {
            Reach::Inside => inside,
            Reach::OutsideByIpv4 => self.outside_place(self.outside.ipv4.map(|ip| ip.to_string()), inside),
            Reach::OutsideByIpv6 => self.outside_place(self.outside.ipv6.map(|ip| ip.to_string()), inside),
        }
    }

    fn outside_place<'a>(&'a self, ip: Option<String>, inside: Place<'a>) -> Place<'a> {
        let hostname = Some(self.outside.hostname.as_str()).filter(|name| !name.is_empty());
        // A name alone stands for the address too: better than one that is known not to be reached.
        let ip = ip.map(Cow::Owned).or(hostname.map(Cow::Borrowed));
        Place {
            ip: ip.unwrap_or(inside.ip),
            hostname: hostname.or(inside.hostname),
            port: if self.outside.port == 0 { inside.port } else { self.outside.port },
            endpoint_type: inside.endpoint_type,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::NodeId;

    fn node(outside: Outside) -> Node {
        let hostname = Some("one.inside".into());
        Node {
            ip: "10.0.0.1".into(),
            port: 6379,
            hostname,
            outside,
            ..Node::new(NodeId::from_random([1; 20]))
        }
    }

    fn told(node: &Node, reach: Reach, endpoint_type: EndpointType) -> String {
        let place = node.place(View { endpoint_type, tls: false, reach });
        alloc::format!("{}:{}", place.host(), place.port)
    }

    #[test]
    fn who_comes_from_outside_is_told_what_is_announced_for_clients() {
        let outside = Outside {
            ipv4: Some(Ipv4Addr::new(203, 0, 113, 7)),
            hostname: "one.example".into(),
            port: 7001,
            ..Outside::default()
        };
        let node = node(outside);
        assert_eq!(told(&node, Reach::Inside, EndpointType::Ip), "10.0.0.1:6379");
        assert_eq!(told(&node, Reach::OutsideByIpv4, EndpointType::Ip), "203.0.113.7:7001");
        assert_eq!(told(&node, Reach::OutsideByIpv4, EndpointType::Hostname), "one.example:7001");
        assert_eq!(told(&node, Reach::OutsideByIpv6, EndpointType::Ip), "one.example:7001");
        assert_eq!(told(&node, Reach::OutsideByIpv4, EndpointType::Unknown), ":7001");
    }

    #[test]
    fn what_is_not_announced_is_as_inside() {
        let node = node(Outside::default());
        for endpoint_type in [EndpointType::Ip, EndpointType::Hostname, EndpointType::Unknown] {
            let inside = told(&node, Reach::Inside, endpoint_type);
            assert_eq!(told(&node, Reach::OutsideByIpv4, endpoint_type), inside);
            assert_eq!(told(&node, Reach::OutsideByIpv6, endpoint_type), inside);
        }
    }

    #[test]
    fn an_ipv4_client_on_an_ipv6_socket_is_one_of_ipv4() {
        assert_eq!(Reach::outside("::ffff:10.0.0.1".parse().unwrap()), Reach::OutsideByIpv4);
        assert_eq!(Reach::outside("fd00::1".parse().unwrap()), Reach::OutsideByIpv6);
    }
}
