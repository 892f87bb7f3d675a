//! Threads and listeners.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::Context as _;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::runtime::{Builder, Runtime};

/// A runtime that does everything on the thread that blocks on it.
pub(crate) fn current_thread() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_io().enable_time().build()
}

/// Listens on `port` of every address of `addresses`, as the `bind` directive words them: `*`, `::*`, host addresses, a `-` in front
/// of those that may be missing. Port 0 listens nowhere.
///
/// # Errors
/// An address that must be there cannot be bound.
pub(crate) fn listen(
    addresses: &[&str],
    port: u16,
    backlog: i32,
) -> anyhow::Result<Vec<std::net::TcpListener>> {
    if port == 0 {
        return Ok(Vec::new());
    }
    let mut listeners = Vec::new();
    for address in addresses {
        let (address, optional) = address.strip_prefix('-').map_or((*address, false), |rest| (rest, true));
        match parse_address(address).and_then(|ip| bind(SocketAddr::new(ip, port), backlog)) {
            Ok(listener) => listeners.push(listener),
            Err(_) if optional => {}
            Err(error) => {
                return Err(error).with_context(|| {
                    format!("Could not create server TCP listening socket {address}:{port}: bind")
                });
            }
        }
    }
    Ok(listeners)
}

/// An address as `bind` words it.
///
/// # Errors
/// It is a name.
pub(crate) fn parse_address(address: &str) -> io::Result<IpAddr> {
    match address {
        "*" => Ok(Ipv4Addr::UNSPECIFIED.into()),
        "::*" => Ok(Ipv6Addr::UNSPECIFIED.into()),
        "localhost" => Ok(Ipv4Addr::LOCALHOST.into()),
        literal => literal.parse().map_err(|_| {
            io::Error::new(
                io::ErrorKind::InvalidInput,
                format!("'{literal}' is not an address; bind takes addresses, not names"),
            )
        }),
    }
}

/// Listens on an address.
///
/// # Errors
/// It is taken, or not of this machine.
pub(crate) fn bind(address: SocketAddr, backlog: i32) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(backlog)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Hands listeners to the runtime that is running.
pub(crate) fn adopt(listeners: Vec<std::net::TcpListener>) -> io::Result<Vec<tokio::net::TcpListener>> {
    listeners.into_iter().map(tokio::net::TcpListener::from_std).collect()
}
