//! Where a node is, by what a reply tells of it.
//!
//! | told                       | connect to                                              |
//! |----------------------------|---------------------------------------------------------|
//! | an address or a host name  | it                                                      |
//! | null or nothing            | the host that was asked (else the node's address)       |
//! | `?`                        | the node's address, if told (else the host that was asked) |
//!
//! Source of the rules: the documentation of CLUSTER SLOTS and of `cluster-preferred-endpoint-type`.

use alloc::borrow::ToOwned;

use crate::topology::Node;

/// What a reply tells of a node's place.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told<'a> {
    /// The preferred endpoint: `None` for null.
    pub(super) endpoint: Option<&'a str>,
    /// The address, where it is told apart from the endpoint.
    pub(super) ip: Option<&'a str>,
    /// The host name, where it is told apart from the endpoint.
    pub(super) hostname: Option<&'a str>,
}

/// Sets address, host name and endpoint of `node`.
pub(super) fn locate(node: &mut Node, told: Told<'_>, queried_host: Option<&str>) {
    let endpoint = told.endpoint.map(without_brackets);
    let literal = endpoint.filter(|text| is_address(text));
    let name = endpoint.filter(|text| !matches!(*text, "" | "?") && !is_address(text));
    let ip = told.ip.map(without_brackets).filter(|ip| !ip.is_empty()).or(literal);
    let host = match endpoint {
        None | Some("") => queried_host.or(ip),
        Some("?") => ip.or(queried_host),
        Some(host) => Some(host),
    };
    node.ip = ip.unwrap_or_default().to_owned();
    node.hostname = told.hostname.filter(|name| !name.is_empty()).or(name).map(str::to_owned);
    node.endpoint = host.filter(|host| Some(*host) != ip).map(str::to_owned);
}

/// An IPv6 address is told with brackets by some proxies, without by the servers themselves.
pub(super) fn without_brackets(host: &str) -> &str {
    host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
}

/// No host name has a colon, as every IPv6 address does, nor only digits and dots, as every IPv4 address has.
fn is_address(host: &str) -> bool {
    let is_of_numbers = host.bytes().all(|byte| byte == b'.' || byte.is_ascii_digit());
    host.bytes().any(|byte| byte == b':') || !host.is_empty() && is_of_numbers
}
