//! Whether a node is well, for those who look after it: `/healthz`, `/readyz`, and the socket of `slotway ping`.
//!
//! *Alive* is who answers at all: another process would be no better, so nothing but silence is a reason to start one. *Ready* is a node
//! that clients can be sent to.
//!
//! The health socket (`health-socket`) answers whoever runs in the same container, whatever port, password and TLS the node has been given
//! since: one line, `PONG`, and one more, `ready` or why not. A name with `@` needs no file, and holds for one container: its process
//! namespace is part of it, so that containers which share the network of their host do not meet.

use std::fs;
use std::io::{self, Read as _};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use slotway_core::topology::ClusterState;
use slotway_engine::node::Node as _;
use tokio::io::AsyncWriteExt as _;

use crate::log::Log;
use crate::shared::Shared;

/// Most bytes of an answer.
const ANSWER_LEN_MAX: u64 = 4096;

/// How some nodes are; those of one process stand for each other.
#[derive(Clone)]
pub(crate) struct Health {
    nodes: Arc<[Arc<Shared>]>,
}

impl Health {
    pub(crate) fn of(nodes: Vec<Arc<Shared>>) -> Self {
        Self { nodes: nodes.into() }
    }

    /// The nodes.
    pub(crate) fn nodes(&self) -> &[Arc<Shared>] {
        &self.nodes
    }

    /// Whether clients can be sent here.
    ///
    /// # Errors
    /// Why not, in a few words.
    pub(crate) fn ready(&self) -> Result<(), String> {
        self.nodes.iter().try_for_each(|node| is_ready(node))
    }
}

/// Whether clients can be sent to `node`.
///
/// # Errors
/// Why not, in a few words.
pub(crate) fn is_ready(node: &Shared) -> Result<(), String> {
    if node.replication.is_loading() {
        return Err("loading the data".into());
    }
    if node.replication.is_cut_off() {
        return Err("the link to the primary is down".into());
    }
    let Some(topology) = node.topology() else { return Ok(()) };
    let uncovered = topology.uncovered().len();
    match topology.state() {
        _ if uncovered > 0 => Err(format!("{uncovered} slots have no node")),
        ClusterState::Ok => Ok(()),
        ClusterState::Fail => Err("the cluster is down".into()),
    }
}

/// Answers on the socket `name`, if it has one, as long as the runtime runs. That it cannot be had is told in `log`, and no reason to
/// serve nobody.
pub(crate) fn serve(name: &str, health: Health, log: &Log) {
    if name.is_empty() {
        return;
    }
    match listen(name) {
        Ok(listener) => drop(tokio::spawn(answer_all(listener, health))),
        Err(error) => log.warning(&format!("No health checks on '{name}': {error}")),
    }
}

fn listen(name: &str) -> io::Result<tokio::net::UnixListener> {
    let listener = match name.strip_prefix('@') {
        Some(name) => UnixListener::bind_addr(&abstract_address(name)?)?,
        None => {
            // A file that nobody listens on is of a process that is gone.
            if Path::new(name).exists() && UnixStream::connect(name).is_err() {
                fs::remove_file(name)?;
            }
            UnixListener::bind(name)?
        }
    };
    listener.set_nonblocking(true)?;
    tokio::net::UnixListener::from_std(listener)
}

fn abstract_address(name: &str) -> io::Result<SocketAddr> {
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    SocketAddr::from_abstract_name(format!("{name}-{}", namespace.display()))
}

async fn answer_all(listener: tokio::net::UnixListener, health: Health) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let ready = health.ready().map_or_else(|why| why, |()| "ready".into());
        // Who does not read it does not need it.
        let _ = stream.write_all(format!("PONG\n{ready}\n").as_bytes()).await;
    }
}

/// What a node that answers says of itself.
pub(crate) struct Answer {
    /// Why clients cannot be sent there yet.
    pub(crate) not_ready: Option<String>,
}

/// Asks the node that listens on the socket `name`.
///
/// # Errors
/// Nobody answers within `timeout`.
pub(crate) fn ask(name: &str, timeout: Duration) -> io::Result<Answer> {
    let stream = match name.strip_prefix('@') {
        Some(name) => UnixStream::connect_addr(&abstract_address(name)?)?,
        None => UnixStream::connect(name)?,
    };
    stream.set_read_timeout(Some(timeout))?;
    let mut text = String::new();
    stream.take(ANSWER_LEN_MAX).read_to_string(&mut text)?;
    let mut lines = text.lines();
    match (lines.next(), lines.next()) {
        (Some("PONG"), Some("ready")) => Ok(Answer { not_ready: None }),
        (Some("PONG"), Some(why)) => Ok(Answer { not_ready: Some(why.into()) }),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, format!("unexpected answer {text:?}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::Level;

    /// A name of this process alone.
    fn own_name(word: &str) -> String {
        format!("@slotway-{word}-{}", std::process::id())
    }

    fn answer(name: &str) -> Answer {
        let runtime = crate::runtime::current_thread().unwrap();
        let log = Log::open("", Level::Nothing).unwrap();
        runtime.block_on(async {
            serve(name, Health::of(Vec::new()), &log);
            let name = name.to_owned();
            let asking = tokio::task::spawn_blocking(move || ask(&name, Duration::from_secs(5)));
            asking.await.unwrap().unwrap()
        })
    }

    #[test]
    fn a_socket_with_a_file_or_without_answers() {
        assert_eq!(answer(&own_name("health")).not_ready, None);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("health");
        // The second time the file is there already, of a process that is gone.
        for _ in 0..2 {
            assert_eq!(answer(path.to_str().unwrap()).not_ready, None);
        }
    }

    #[test]
    fn nobody_there_is_an_error() {
        assert!(ask(&own_name("nobody"), Duration::from_secs(1)).is_err());
    }
}
