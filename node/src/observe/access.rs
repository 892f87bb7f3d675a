//! How nodes are reached, and how to be let in.

use std::fmt;
use std::io;
use std::sync::Arc;

use slotway_core::topology::Node;
use slotway_engine::node::Node as _;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::shared::Shared;
use crate::stream::Stream;
use crate::tls;

/// How to be let in, the same for all nodes.
pub(crate) enum Access {
    /// As somebody said.
    Given(Given),
    /// As this node's link to its primary: `masteruser`, `masterauth`, `tls-replication`.
    AsReplica(Arc<Shared>),
}

/// What somebody said.
pub(crate) struct Given {
    pub(crate) user: Option<String>,
    pub(crate) password: Option<String>,
    /// With TLS, if there is one.
    pub(crate) tls: Option<TlsConnector>,
}

/// Where a node is reached.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Door {
    /// A name or an address, IPv6 without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The name that its certificate may be for, if that is not the host.
    pub(crate) name: Option<String>,
}

impl Door {
    /// Where clients reach `node`.
    pub(crate) fn of(node: &Node, access: &Access) -> Self {
        let host = if node.ip.is_empty() { node.host() } else { &node.ip };
        let port = match (access.uses_tls(), node.tls_port) {
            (true, tls_port @ 1..) => tls_port,
            _ if node.port == 0 => node.tls_port,
            _ => node.port,
        };
        Self { host: host.to_owned(), port, name: node.hostname.clone() }
    }
}

impl fmt::Display for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

impl Access {
    fn uses_tls(&self) -> bool {
        match self {
            Self::Given(given) => given.tls.is_some(),
            Self::AsReplica(node) => node.config().tls_replication(),
        }
    }

    /// A connection to `door`, nothing said on it yet.
    ///
    /// # Errors
    /// It cannot be reached, or it is not trusted.
    pub(super) async fn connect(&self, door: &Door) -> io::Result<Stream> {
        let given = match self {
            Self::Given(given) => given,
            Self::AsReplica(node) => {
                return tls::connect(node, &door.host, door.port, self.uses_tls()).await;
            }
        };
        let stream = TcpStream::connect((door.host.as_str(), door.port)).await?;
        stream.set_nodelay(true)?;
        let Some(connector) = &given.tls else { return Ok(Stream::Tcp(stream)) };
        let address = stream.peer_addr()?.ip();
        let name = door.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| door.host.clone());
        let name = ServerName::try_from(name).unwrap_or_else(|_| ServerName::IpAddress(address.into()));
        let stream = connector.connect(name, stream).await?;
        Ok(Stream::Tls(Box::new(stream.into())))
    }

    /// AUTH, if a password is known.
    pub(super) fn words(&self) -> Option<Vec<Vec<u8>>> {
        let (user, password) = match self {
            Self::Given(given) => {
                let password = given.password.clone()?.into_bytes();
                (given.user.clone().unwrap_or_default(), password)
            }
            Self::AsReplica(node) => {
                let config = node.config();
                (config.masteruser().to_owned(), config.masterauth().to_vec())
            }
        };
        let user = Some(user).filter(|user| !user.is_empty()).map(String::into_bytes);
        let words = [Some(b"AUTH".to_vec()), user, Some(password.clone())];
        (!password.is_empty()).then(|| words.into_iter().flatten().collect())
    }
}
