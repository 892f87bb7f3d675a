//! One connection of the bus: frames in, frames out, until either end has enough.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use slotway_core::bus::{Frame, frame_len};
use slotway_core::cluster::{Input, LinkId, Loss};
use slotway_engine::node::Node as _;
use tokio::io::{AsyncReadExt as _, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;

use super::Bus;
use crate::stream::{self, Stream};
use crate::tls;

/// A connection that is not there after this long is tried anew.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Room for what is read at a time.
const READ_LEN: usize = 16 * 1024;

/// What a link takes of memory, in bytes.
#[derive(Default)]
struct Load {
    /// Frames that wait to be sent.
    waiting: AtomicUsize,
    /// Room for what is read.
    buffer: AtomicUsize,
}

/// Where frames for a link are put.
#[derive(Clone)]
pub(super) struct Queue {
    frames: UnboundedSender<Arc<[u8]>>,
    load: Arc<Load>,
}

/// Where the link's task takes them from.
pub(super) struct Frames {
    frames: UnboundedReceiver<Arc<[u8]>>,
    load: Arc<Load>,
}

/// A queue without frames.
pub(super) fn queue() -> (Queue, Frames) {
    let (sender, receiver) = unbounded_channel();
    let load = Arc::<Load>::default();
    (Queue { frames: sender, load: Arc::clone(&load) }, Frames { frames: receiver, load })
}

/// The hold on a link's task: dropped, the connection is closed.
pub(super) struct Writer {
    queue: Queue,
    task: AbortHandle,
}

/// More waits to be sent than is allowed.
pub(super) struct TooMuch;

impl Writer {
    pub(super) fn new(queue: Queue, task: AbortHandle) -> Self {
        Self { queue, task }
    }

    /// How many bytes wait to be sent.
    pub(super) fn waiting(&self) -> usize {
        self.queue.load.waiting.load(Ordering::Relaxed)
    }

    /// How many bytes of memory the link takes.
    pub(super) fn memory(&self) -> usize {
        size_of::<Writer>()
            + size_of::<Load>()
            + self.waiting()
            + self.queue.load.buffer.load(Ordering::Relaxed)
    }

    /// Puts a frame behind those that wait. `limit` is in bytes, 0 for none.
    pub(super) fn push(&self, frame: Arc<[u8]>, limit: u64) -> Result<(), TooMuch> {
        let waiting = self.queue.load.waiting.fetch_add(frame.len(), Ordering::Relaxed) + frame.len();
        if limit != 0 && waiting as u64 > limit {
            return Err(TooMuch);
        }
        // A task that is at its end has said so, or will.
        let _ = self.queue.frames.send(frame);
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Opens a connection, and serves it.
pub(super) async fn dial(bus: Arc<Bus>, link: LinkId, host: String, port: u16, frames: Frames) {
    let Some(node) = bus.node.upgrade() else { return };
    let connecting = tls::connect(&node, &host, port, node.config().tls_cluster());
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, connecting).await;
    match connected {
        Ok(Ok(stream)) => {
            drop(node);
            let remote = stream.peer_ip().map(|peer| peer.to_string());
            bus.input(Input::Connected { link, remote_ip: &remote.unwrap_or_default() });
            serve(bus, link, stream, frames).await;
        }
        Ok(Err(error)) => bus.lost(link, loss(&error)),
        Err(_) => bus.lost(link, Loss::Ended),
    }
}

/// Serves a connection that another node has opened, after its handshake where nodes talk TLS.
pub(super) async fn take(bus: Arc<Bus>, link: LinkId, stream: TcpStream, frames: Frames) {
    let Some(node) = bus.node.upgrade() else { return };
    let _ = stream.set_nodelay(true);
    let stream = if node.config().tls_cluster() {
        let Some(tls) = node.tls() else { return bus.lost(link, Loss::Ended) };
        match tokio::time::timeout(CONNECT_TIMEOUT, tls.acceptor.accept(stream)).await {
            Ok(Ok(stream)) => Stream::Tls(Box::new(stream.into())),
            Ok(Err(error)) => {
                node.log.warning(&format!("Error accepting cluster node connection: {error}"));
                return bus.lost(link, Loss::Ended);
            }
            Err(_) => return bus.lost(link, Loss::Ended),
        }
    } else {
        Stream::Tcp(stream)
    };
    drop(node);
    serve(bus, link, stream, frames).await;
}

/// Serves a connection to its end.
async fn serve(bus: Arc<Bus>, link: LinkId, stream: Stream, frames: Frames) {
    let (read, write) = tokio::io::split(stream);
    let load = Arc::clone(&frames.load);
    let ended = tokio::select! {
        ended = receive(&bus, link, read, &load) => ended,
        ended = send(frames, write) => ended,
    };
    bus.lost(link, ended.map_or_else(|error| loss(&error), |()| Loss::Ended));
}

fn loss(error: &io::Error) -> Loss {
    match error.kind() {
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => Loss::Refused,
        _ => Loss::Ended,
    }
}

/// Reads frames until the other end closes, or says what is no frame.
async fn receive(bus: &Arc<Bus>, link: LinkId, mut read: ReadHalf<Stream>, load: &Load) -> io::Result<()> {
    let mut buffer = BytesMut::with_capacity(READ_LEN);
    loop {
        buffer.reserve(READ_LEN);
        load.buffer.store(buffer.capacity(), Ordering::Relaxed);
        if read.read_buf(&mut buffer).await? == 0 {
            return Ok(());
        }
        while let Some(len) = frame_len(&buffer).map_err(io::Error::other)? {
            if buffer.len() < len {
                break;
            }
            let bytes = buffer.split_to(len);
            match Frame::parse(&bytes) {
                Ok(frame) => bus.input(Input::Frame { link, frame: &frame }),
                Err(error) if error.closes_link() => return Err(io::Error::other(error)),
                // A frame that cannot be understood is passed over; the next may be.
                Err(_) => {}
            }
        }
    }
}

/// Writes frames until there is nobody to send any.
async fn send(mut frames: Frames, mut write: WriteHalf<Stream>) -> io::Result<()> {
    while let Some(frame) = frames.frames.recv().await {
        stream::send(&mut write, &frame).await?;
        frames.load.waiting.fetch_sub(frame.len(), Ordering::Relaxed);
    }
    Ok(())
}
