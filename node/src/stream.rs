//! What a connection runs over: TCP, TLS on TCP, or a Unix socket.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd as _, RawFd};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use slotway_engine::config::Config;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpSocket, TcpStream, UnixStream, lookup_host};
use tokio_rustls::TlsStream;

/// A connection, made or accepted.
pub(crate) enum Stream {
    Tcp(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Unix(UnixStream),
}

impl Stream {
    /// The TCP connection beneath; `None` for a Unix socket.
    pub(crate) fn tcp(&self) -> Option<&TcpStream> {
        match self {
            Self::Tcp(stream) => Some(stream),
            Self::Tls(stream) => Some(stream.get_ref().0),
            Self::Unix(_) => None,
        }
    }

    /// The socket, where the bytes in it are those of the connection: they are not in TLS.
    pub(crate) fn plain_socket(&self) -> Option<RawFd> {
        match self {
            Self::Tcp(stream) => Some(stream.as_raw_fd()),
            Self::Unix(stream) => Some(stream.as_raw_fd()),
            Self::Tls(_) => None,
        }
    }

    /// The number of the socket, as CLIENT LIST tells it.
    pub(crate) fn socket(&self) -> RawFd {
        self.tcp().map_or_else(|| self.plain_socket().unwrap_or(-1), |stream| stream.as_raw_fd())
    }

    /// Where the other side is; of a Unix socket it is this machine.
    pub(crate) fn peer_ip(&self) -> io::Result<IpAddr> {
        match self.tcp() {
            Some(stream) => Ok(stream.peer_addr()?.ip().to_canonical()),
            None => Ok(IpAddr::from([127, 0, 0, 1])),
        }
    }

    /// Small packets go out at once, or wait for more.
    pub(crate) fn set_nodelay(&self, on: bool) -> io::Result<()> {
        self.tcp().map_or(Ok(()), |stream| stream.set_nodelay(on))
    }
}

impl AsyncRead for Stream {
    #[inline]
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    #[inline]
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            // What is written to a socket is on its way.
            Self::Tcp(_) | Self::Unix(_) => Poll::Ready(Ok(())),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// Writes all of `bytes` and holds nothing back: TLS may keep the end of what is written to itself until it is told not to.
///
/// # Errors
/// The connection fails.
pub(crate) async fn send(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// Connects to another server, from `bind-source-addr` if there is one.
///
/// # Errors
/// None of the addresses of `host` takes the connection.
pub(crate) async fn dial(config: &Config, host: &str, port: u16) -> io::Result<TcpStream> {
    let from = config.bind_source_addr();
    if from.is_empty() {
        return TcpStream::connect((host, port)).await;
    }
    let from: IpAddr = from.parse().map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("bind-source-addr '{from}' is no address"))
    })?;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "no address of the family of bind-source-addr");
    for address in lookup_host((host, port)).await?.filter(|address| address.is_ipv4() == from.is_ipv4()) {
        let socket = if from.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.bind(SocketAddr::new(from, 0))?;
        match socket.connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Has the system look after a client that says nothing: `tcp-keepalive`.
pub(crate) fn keep_alive(stream: &TcpStream, config: &Config) -> io::Result<()> {
    if let seconds @ 1.. = u64::from(config.tcp_keepalive()) {
        let idle = Duration::from_secs(seconds);
        let keepalive = TcpKeepalive::new().with_time(idle).with_interval(idle / 3).with_retries(3);
        SockRef::from(stream).set_tcp_keepalive(&keepalive)?;
    }
    Ok(())
}
