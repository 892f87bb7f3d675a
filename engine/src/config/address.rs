//! `bind` and `replicaof`: addresses.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::number::parse_lenient;
use super::value::utf8;
use super::{Reason, WRONG_COUNT};

/// Addresses that `bind` takes at most.
const BIND_MAX: usize = 16;

/// What a node without configuration listens on: all addresses, IPv6 only if there is such a thing.
pub(super) const BIND_DEFAULT: [&str; 2] = ["*", "-::*"];

/// Reads the addresses of `bind`; a single empty argument means none.
///
/// # Errors
/// Too many, or not text.
pub(super) fn parse_bind(args: &[&[u8]]) -> Result<Vec<String>, Reason> {
    match args {
        [b""] => Ok(Vec::new()),
        _ if args.len() > BIND_MAX => Err("Too many bind addresses specified.".into()),
        _ => args.iter().map(|arg| utf8(arg).map(str::to_string)).collect(),
    }
}

/// The primary that `replicaof` names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReplicaOf {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl ReplicaOf {
    /// Reads host and port; `no one` means no primary.
    ///
    /// # Errors
    /// Not two arguments, or a port that is none.
    pub(super) fn parse(args: &[&[u8]]) -> Result<Option<Self>, Reason> {
        let [host, port] = args else { return Err(WRONG_COUNT.into()) };
        if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
            return Ok(None);
        }
        let port =
            parse_lenient(port).and_then(|port| u16::try_from(port).ok()).ok_or("Invalid master port")?;
        Ok(Some(ReplicaOf { host: utf8(host)?.to_string(), port }))
    }

    /// As CONFIG GET shows it.
    pub(super) fn format(&self) -> String {
        format!("{} {}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replicaof_takes_host_and_port_or_no_one() {
        let parsed = ReplicaOf::parse(&[b"10.0.0.1", b"6379"]).unwrap().unwrap();
        assert_eq!(parsed.format(), "10.0.0.1 6379");
        assert_eq!(ReplicaOf::parse(&[b"NO", b"one"]), Ok(None));
        assert_eq!(ReplicaOf::parse(&[b"h", b"65536"]), Err("Invalid master port".into()));
        assert_eq!(ReplicaOf::parse(&[b"h"]), Err("wrong number of arguments".into()));
    }

    #[test]
    fn bind_takes_up_to_sixteen_addresses() {
        assert_eq!(parse_bind(&[b""]), Ok(Vec::new()));
        assert_eq!(parse_bind(&[b"::1".as_slice(); 16]).map(|all| all.len()), Ok(16));
        assert_eq!(parse_bind(&[b"::1".as_slice(); 17]), Err("Too many bind addresses specified.".into()));
    }
}
