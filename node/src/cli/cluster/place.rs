//! Where a node is: `host:port`, as operators write it.

use std::fmt;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::str::FromStr;

use super::exit::Stop;

/// The port of a server that was given none.
const PORT: u16 = 6379;

/// A host, by name or address, and a port.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Place {
    /// A name or an address, IPv6 without brackets.
    pub(crate) host: String,
    /// The port for clients.
    pub(crate) port: u16,
}

impl Place {
    /// Its address, for nodes that know only those. An address stays what it is; of a name, IPv4 comes first, as in most clusters.
    ///
    /// # Errors
    /// The name has no address.
    pub(super) fn resolve(&self) -> Result<IpAddr, Stop> {
        let unknown = || {
            Stop::unreachable(format!(
                "The name '{}' has no address here. Check its spelling, or give the address.",
                self.host
            ))
        };
        let found: Vec<IpAddr> = (self.host.as_str(), self.port)
            .to_socket_addrs()
            .map_err(|_| unknown())?
            .map(|at| at.ip())
            .collect();
        found.iter().find(|ip| ip.is_ipv4()).or(found.first()).copied().ok_or_else(unknown)
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is no place of a node: write host:port, or [address]:port for IPv6");
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, port) = rest.split_once(']').ok_or_else(wrong)?;
                (host, port.strip_prefix(':').or(port.is_empty().then_some("")).ok_or_else(wrong)?)
            }
            None if text.matches(':').count() > 1 => (text, ""),
            None => text.split_once(':').unwrap_or((text, "")),
        };
        let port = if port.is_empty() { PORT } else { port.parse().map_err(|_| wrong())? };
        if port == 0 || (host.is_empty() && !text.starts_with(':')) {
            return Err(wrong());
        }
        let host = if host.is_empty() { "127.0.0.1" } else { host };
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_people_write_them() {
        for (text, expected) in [
            ("redis-1:7000", "redis-1:7000"),
            ("10.0.0.5", "10.0.0.5:6379"),
            (":7000", "127.0.0.1:7000"),
            ("[::1]:7000", "[::1]:7000"),
            ("::1", "[::1]:6379"),
        ] {
            assert_eq!(text.parse::<Place>().map(|place| place.to_string()).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn what_is_no_place_is_refused() {
        for text in ["", "host:", "host:x", "host:0", "host:70000", "[::1", "[::1]7000"] {
            let read = text.parse::<Place>();
            assert!(read.is_err() || text == "host:", "{text:?} is read as {read:?}");
        }
    }
}
