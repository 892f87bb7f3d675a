//! Where clients come in: TCP ports, with TLS or without, and a Unix socket.
//!
//! ```text
//!   CONFIG SET port --> Doors::move_to    opens and closes     --notify-->  server::serve_here   accepts at the new ones
//! ```
//!
//! A door that is closed stops listening at once, whoever still waits at it.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, anyhow};
use parking_lot::Mutex;
use slotway_engine::config::Config;
use socket2::SockRef;
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Notify;

use crate::runtime;

/// All doors of a node.
#[derive(Default)]
pub(crate) struct Doors {
    state: Mutex<State>,
    moved: Notify,
}

#[derive(Default)]
struct State {
    open: Vec<Arc<Door>>,
    /// Those of them at which nobody accepts yet.
    new: Vec<Arc<Door>>,
}

/// One place where connections come in.
pub(crate) struct Door {
    place: Place,
    socket: Socket,
    is_closed: AtomicBool,
}

/// Where a door is.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Place {
    Tcp { address: SocketAddr, tls: bool },
    Unix { path: PathBuf, mode: u32 },
}

enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A connection that has come, and has been asked nothing yet.
pub(crate) enum Arrived {
    Tcp { stream: TcpStream, tls: bool },
    Unix { stream: UnixStream, path: Arc<str> },
}

/// The same on its way to another thread, whose poller it does not know yet.
pub(crate) enum Leaving {
    Tcp { stream: std::net::TcpStream, tls: bool },
    Unix { stream: std::os::unix::net::UnixStream, path: Arc<str> },
}

/// What listens, known to the poller of a thread.
pub(crate) enum Listener {
    Tcp { listener: tokio::net::TcpListener, tls: bool },
    Unix { listener: tokio::net::UnixListener, path: Arc<str> },
}

/// A place that `config` asks for, and whether it may be missing.
struct Wish {
    place: Place,
    is_optional: bool,
}

impl Doors {
    /// Opens what `config` asks for.
    ///
    /// # Errors
    /// A place is taken, or not of this machine.
    pub(crate) fn open(&self, config: &Config) -> anyhow::Result<()> {
        let mut state = self.state.lock();
        for Wish { place, is_optional } in wishes(config)? {
            match Door::open(&place, config) {
                Ok(door) => state.add(door),
                Err(_) if is_optional => {}
                Err(error) => return Err(error).with_context(|| place.trouble()),
            }
        }
        if config.port() != 0 && (config.bind().is_empty() || state.open.is_empty()) {
            return Err(anyhow!(
                "Failed listening on port {} (tcp): no address to listen on. Set 'bind'.",
                config.port()
            ));
        }
        Ok(())
    }

    /// Takes over what others have opened at the ports of `config`.
    pub(crate) fn adopt(&self, listeners: Vec<TcpListener>, config: &Config) -> io::Result<()> {
        let mut state = self.state.lock();
        for listener in listeners {
            let address = listener.local_addr()?;
            let place = Place::Tcp { address, tls: address.port() == config.tls_port() };
            state.add(Door { place, socket: Socket::Tcp(listener), is_closed: AtomicBool::new(false) });
        }
        Ok(())
    }

    /// Closes what `config` does not ask for, and opens what it asks for besides. If that fails, the doors are where they were.
    ///
    /// # Errors
    /// A place is taken, or not of this machine.
    pub(crate) fn move_to(&self, config: &Config) -> anyhow::Result<()> {
        let wishes = wishes(config)?;
        let mut state = self.state.lock();
        let is_wanted = |door: &Arc<Door>| wishes.iter().any(|wish| wish.place == door.place);
        let (kept, gone): (Vec<_>, Vec<_>) = std::mem::take(&mut state.open).into_iter().partition(is_wanted);
        gone.iter().for_each(|door| door.close());
        let mut added = Vec::new();
        let mut failure = None;
        for Wish { place, is_optional } in wishes {
            if kept.iter().any(|door| door.place == place) {
                continue;
            }
            match Door::open(&place, config) {
                Ok(door) => added.push(door),
                Err(_) if is_optional => {}
                Err(error) => {
                    failure = Some(anyhow::Error::from(error).context(place.trouble()));
                    break;
                }
            }
        }
        if failure.is_some() {
            added.drain(..).for_each(|door| door.close());
            added.extend(gone.iter().filter_map(|door| Door::open(&door.place, config).ok()));
        }
        state.open = kept;
        added.into_iter().for_each(|door| state.add(door));
        drop(state);
        self.moved.notify_one();
        failure.map_or(Ok(()), Err)
    }

    /// Ready when there may be new doors.
    pub(crate) async fn moved(&self) {
        self.moved.notified().await;
    }

    /// The doors at which nobody accepts yet; the caller does from now on.
    pub(crate) fn take_new(&self) -> Vec<Arc<Door>> {
        std::mem::take(&mut self.state.lock().new)
    }
}

impl Drop for Doors {
    fn drop(&mut self) {
        self.state.lock().open.iter().for_each(|door| door.close());
    }
}

impl State {
    fn add(&mut self, door: Door) {
        let door = Arc::new(door);
        self.open.push(Arc::clone(&door));
        self.new.push(door);
    }
}

impl Door {
    fn open(place: &Place, config: &Config) -> io::Result<Self> {
        let socket = match place {
            Place::Tcp { address, .. } => Socket::Tcp(runtime::bind(*address, config.tcp_backlog() as i32)?),
            Place::Unix { path, mode } => Socket::Unix(bind_unix(path, *mode)?),
        };
        Ok(Self { place: place.clone(), socket, is_closed: AtomicBool::new(false) })
    }

    /// Nobody comes in any more.
    fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        // It fails if it is closed already.
        let _ = match &self.socket {
            Socket::Tcp(listener) => SockRef::from(listener).shutdown(Shutdown::Both),
            Socket::Unix(listener) => SockRef::from(listener).shutdown(Shutdown::Both),
        };
        if let Place::Unix { path, .. } = &self.place {
            let _ = std::fs::remove_file(path);
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// What listens, for the poller of this thread.
    ///
    /// # Errors
    /// There are no more file descriptors.
    pub(crate) fn listener(&self) -> io::Result<Listener> {
        Ok(match (&self.place, &self.socket) {
            (Place::Unix { path, .. }, Socket::Unix(listener)) => Listener::Unix {
                listener: tokio::net::UnixListener::from_std(listener.try_clone()?)?,
                path: path.to_string_lossy().into(),
            },
            (place, Socket::Tcp(listener)) => Listener::Tcp {
                listener: tokio::net::TcpListener::from_std(listener.try_clone()?)?,
                tls: matches!(place, Place::Tcp { tls: true, .. }),
            },
            (Place::Tcp { .. }, Socket::Unix(_)) => unreachable!("a port is of TCP"),
        })
    }

    /// A connection that is waiting, without TLS, if there is one.
    pub(crate) fn accept_plain(&self) -> Option<std::net::TcpStream> {
        match (&self.place, &self.socket) {
            (Place::Tcp { tls: false, .. }, Socket::Tcp(listener)) => Some(listener.accept().ok()?.0),
            (Place::Tcp { .. } | Place::Unix { .. }, Socket::Tcp(_) | Socket::Unix(_)) => None,
        }
    }
}

impl Listener {
    pub(crate) async fn accept(&self) -> io::Result<Arrived> {
        match self {
            Self::Tcp { listener, tls } => {
                let (stream, _) = listener.accept().await?;
                Ok(Arrived::Tcp { stream, tls: *tls })
            }
            Self::Unix { listener, path } => {
                let (stream, _) = listener.accept().await?;
                Ok(Arrived::Unix { stream, path: Arc::clone(path) })
            }
        }
    }
}

impl Arrived {
    /// Leaves this thread's poller.
    pub(crate) fn leave(self) -> io::Result<Leaving> {
        Ok(match self {
            Self::Tcp { stream, tls } => Leaving::Tcp { stream: stream.into_std()?, tls },
            Self::Unix { stream, path } => Leaving::Unix { stream: stream.into_std()?, path },
        })
    }
}

impl Leaving {
    /// Joins this thread's poller.
    pub(crate) fn arrive(self) -> io::Result<Arrived> {
        Ok(match self {
            Self::Tcp { stream, tls } => Arrived::Tcp { stream: TcpStream::from_std(stream)?, tls },
            Self::Unix { stream, path } => Arrived::Unix { stream: UnixStream::from_std(stream)?, path },
        })
    }
}

impl Place {
    fn trouble(&self) -> String {
        match self {
            Self::Tcp { address, .. } => format!(
                "Could not create server TCP listening socket {}:{}: bind",
                address.ip(),
                address.port()
            ),
            Self::Unix { path, .. } => format!("Failed opening Unix socket: bind: {}", path.display()),
        }
    }
}

/// What `bind`, `port`, `tls-port`, `cluster-client-port` and `unixsocket` ask for.
fn wishes(config: &Config) -> anyhow::Result<Vec<Wish>> {
    let mut wishes = Vec::new();
    let client_port = Some(config.cluster_client_port()).filter(|port| *port != config.port());
    let ports = [(Some(config.port()), false), (Some(config.tls_port()), true), (client_port, false)];
    for (port, tls) in
        ports.into_iter().filter_map(|(port, tls)| Some((port.filter(|port| *port != 0)?, tls)))
    {
        for word in config.bind() {
            let (word, is_optional) =
                word.strip_prefix('-').map_or((word.as_str(), false), |rest| (rest, true));
            let ip = runtime::parse_address(word).with_context(|| {
                format!("Could not create server TCP listening socket {word}:{port}: bind")
            })?;
            let place = Place::Tcp { address: SocketAddr::new(ip, port), tls };
            wishes.push(Wish { place, is_optional });
        }
    }
    if !config.unixsocket().is_empty() {
        let place = Place::Unix { path: config.unixsocket().into(), mode: config.unixsocketperm() };
        wishes.push(Wish { place, is_optional: false });
    }
    Ok(wishes)
}

/// As in Redis, a socket that somebody has left there makes room.
fn bind_unix(path: &Path, mode: u32) -> io::Result<UnixListener> {
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path)?;
    if mode != 0 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    }
    listener.set_nonblocking(true)?;
    Ok(listener)
}
