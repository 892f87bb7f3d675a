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
use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;

use super::Bus;
use crate::stream::{self, Stream};
use crate::tls;

/// A connection that is not there after this long is tried anew.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Room for what is read at a time, once so much comes; before, for a heartbeat of a small cluster.
const READ_LEN: usize = 16 * 1024;
const FIRST_READ_LEN: usize = 3 * 1024;
/// Others ping as soon as they are connected. One that has sent no frame for so long after that is closed.
const FIRST_FRAME_TIMEOUT: Duration = Duration::from_secs(10);
/// While so many bytes of answers wait for a node that asks and does not read, it is not read from either.
const ANSWERS_LEN_MAX: usize = 1024 * 1024;
/// Frames under way that are longer than this are long messages of channels: heartbeats are shorter.
const LONG_LEN: usize = 1024 * 1024;
/// Room that those may take on all links together. Who goes past it is closed.
const LONG_TOTAL_MAX: usize = 160 * 1024 * 1024;

/// What a link takes of memory, in bytes.
#[derive(Default)]
struct Load {
    /// Frames that wait to be sent.
    waiting: AtomicUsize,
    /// Room for what is read.
    buffer: AtomicUsize,
    /// Something has been sent.
    sent: Notify,
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
    let mut buffer = BytesMut::new();
    let (mut room, mut has_spoken) = (FIRST_READ_LEN, matches!(link, LinkId::Outbound(..)));
    let mut taken = Taken { bus, load, len: 0 };
    let first_frame_by = tokio::time::Instant::now() + FIRST_FRAME_TIMEOUT;
    loop {
        if matches!(link, LinkId::Inbound(_)) {
            while load.waiting.load(Ordering::Relaxed) > ANSWERS_LEN_MAX {
                load.sent.notified().await;
            }
        }
        // Buffers double when they grow: whether there is room for that is asked before.
        let grown = if buffer.capacity() - buffer.len() < room { 2 * buffer.capacity() } else { 0 };
        if !taken.resize(grown.max(buffer.capacity())) {
            return Err(io::Error::other("too much of long frames is under way"));
        }
        buffer.reserve(room);
        let reading = read.read_buf(&mut buffer);
        let len = match has_spoken {
            true => reading.await?,
            false => tokio::time::timeout_at(first_frame_by, reading).await??,
        };
        match len {
            0 => return Ok(()),
            len if len == room => room = READ_LEN,
            _ => {}
        }
        while let Some(len) = frame_len(&buffer).map_err(io::Error::other)? {
            if buffer.len() < len {
                break;
            }
            has_spoken = true;
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

/// The room that a link takes for what it reads, given back when it ends.
struct Taken<'a> {
    bus: &'a Bus,
    load: &'a Load,
    len: usize,
}

impl Taken<'_> {
    /// It takes `len` bytes from now on. False if that is one too many of the long ones.
    fn resize(&mut self, len: usize) -> bool {
        self.load.buffer.store(len, Ordering::Relaxed);
        let long = |len| if len > LONG_LEN { len } else { 0 };
        let (before, now) = (long(std::mem::replace(&mut self.len, len)), long(len));
        self.bus.long_frames.fetch_sub(before, Ordering::Relaxed);
        self.bus.long_frames.fetch_add(now, Ordering::Relaxed) + now <= LONG_TOTAL_MAX || now <= before
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.resize(0);
    }
}

/// Writes frames until there is nobody to send any.
async fn send(mut frames: Frames, mut write: WriteHalf<Stream>) -> io::Result<()> {
    while let Some(frame) = frames.frames.recv().await {
        stream::send(&mut write, &frame).await?;
        frames.load.waiting.fetch_sub(frame.len(), Ordering::Relaxed);
        frames.load.sent.notify_one();
    }
    Ok(())
}
