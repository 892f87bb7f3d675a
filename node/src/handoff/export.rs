//! The source's task of one migration.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use bytes::{Buf as _, BytesMut};
use futures_util::FutureExt as _;
use slotway_core::cluster::{HandoffInput, Message, Verdict};
use slotway_core::id::{JobId, NodeId};
use slotway_core::resp::decode::{Decoder, Limits};
use slotway_core::slot_set::SlotSet;
use slotway_engine::handoff::words;
use slotway_engine::node::Node as _;
use slotway_engine::propagation::write_command;
use slotway_engine::shards::{ShardAccess, WholeKeyspace as _};
use tokio::io::AsyncReadExt as _;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::{Order, Outgoing, tell_machine};
use crate::server::Server;
use crate::shared::Shared;
use crate::stream::{Stream, send};
use crate::tls;

/// Bytes made before clients have their turn: some tens of microseconds.
const SLICE_LEN: usize = 16 * 1024;
/// Bytes sent at once.
const CHUNK_LEN: usize = 128 * 1024;
/// How long the target may take to answer while the migration is established.
const PATIENCE: Duration = Duration::from_secs(5);
/// With so many keys to be sent again, or fewer, the target is told that it has nearly everything.
const NEARLY: usize = 64;
/// Where writes outrun the link, so many are allowed after a while: what is left is sent while requests wait.
const NEARLY_MAX: usize = 8192;
/// After so long it is twice as many as before.
const PATIENCE_DOUBLES: Duration = Duration::from_millis(500);
/// The longest line that a target answers.
const LINE_MAX: usize = 64 * 1024;

/// Gives the slots away, or tells why that is not possible.
pub(super) async fn run<A: ShardAccess>(
    server: Arc<Server<A>>,
    outgoing: Arc<Outgoing>,
    orders: mpsc::UnboundedReceiver<Order>,
) {
    let (shared, job) = (&server.shared, outgoing.job);
    let task = Task { server: &server, outgoing: &outgoing, orders, pace: Pace::default() };
    tokio::select! {
        biased;
        () = outgoing.ended.notified() => {}
        error = task.run() => {
            let Err(error) = error;
            tell_machine(shared, HandoffInput::Lost(job, format!("{error:#}")));
            // One that is granted goes on without its link until it is known what became of it.
            outgoing.ended.notified().await;
        }
    }
    let mut exports = shared.handoff.exports.lock();
    exports.remove(&job);
    shared.handoff.records.store(!exports.is_empty(), Ordering::Release);
    drop(exports);
    shared.handoff.keep_figures(job, outgoing.export.lock().progress());
}

/// What a target says about a job that it was granted.
pub(super) async fn resolve(
    shared: &Shared,
    (job, target, slots): (JobId, NodeId, &SlotSet),
    host: &str,
    port: u16,
) -> anyhow::Result<Verdict> {
    let mut wire = Wire::connect(shared, host, port).await?;
    let line = wire.call(&words::resolve(job, target, slots)).await?;
    words::parse_verdict(&line).with_context(|| format!("it answers {line}"))
}

/// The line with which the node at this address answers a command.
pub(crate) async fn ask_node(
    shared: &Shared,
    host: &str,
    port: u16,
    words: &[Vec<u8>],
) -> anyhow::Result<String> {
    Wire::connect(shared, host, port).await?.call(words).await
}

/// What the task is at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Keys are being sent.
    Sending,
    /// The target has been told that it has nearly everything; what changes follows.
    Following,
    /// Requests wait: what is left is sent.
    Fencing,
    /// Everything is sent.
    Fenced,
}

struct Task<'a, A> {
    server: &'a Server<A>,
    outgoing: &'a Outgoing,
    orders: mpsc::UnboundedReceiver<Order>,
    pace: Pace,
}

impl<A: ShardAccess> Task<'_, A> {
    /// Ends with an error only; otherwise the machine ends it.
    async fn run(mut self) -> anyhow::Result<std::convert::Infallible> {
        let (shared, job) = (&self.server.shared, self.outgoing.job);
        let mut wire = Wire::connect(shared, &self.outgoing.host, self.outgoing.port)
            .await
            .context("Unable to connect to target node")?;
        self.establish(&mut wire).await?;
        // From here on each write is told.
        self.server.engine.shards().all_shards(&mut |_| {
            shared.handoff.records.store(true, Ordering::Release);
        });
        tell_machine(shared, HandoffInput::Established(job));
        let (mut phase, mut walked_at) = (Phase::Sending, None);
        loop {
            phase = self.obey(&mut wire, phase).await?;
            if self.outgoing.export.lock().is_flushed() {
                tell_machine(shared, HandoffInput::Flushed);
                std::future::pending::<()>().await;
            }
            match phase {
                Phase::Sending => {
                    self.send_some(&mut wire).await?;
                    if self.is_nearly_done(&mut walked_at) {
                        tell_machine(shared, HandoffInput::Sent(job));
                        phase = Phase::Following;
                    }
                }
                Phase::Following if !self.outgoing.export.lock().is_nearly_done(NEARLY) => {
                    self.send_some(&mut wire).await?;
                }
                Phase::Fencing => {
                    // Whatever was admitted before the fence has been noted once this returns.
                    self.server.engine.shards().all_shards(&mut |_| {});
                    while self.outgoing.export.lock().next().is_some() {
                        self.make_some();
                        self.flush(&mut wire).await?;
                    }
                    self.flush(&mut wire).await?;
                    tell_machine(shared, HandoffInput::Fenced(job));
                    phase = Phase::Fenced;
                }
                Phase::Following | Phase::Fenced => self.listen(&mut wire).await?,
            }
            self.hear(&mut wire)?;
        }
    }

    async fn establish(&self, wire: &mut Wire<'_>) -> anyhow::Result<()> {
        let Outgoing { job, source, slots, .. } = self.outgoing;
        let line = wire.call(&words::establish(*job, *source, slots)).await?;
        if line.starts_with("-ERR unknown") {
            bail!("The target cannot take slots in this way (it is neither Slotway nor Valkey 9): {line}");
        }
        if !line.starts_with('+') {
            bail!("Received error during handshake to target: {line}");
        }
        Ok(())
    }

    /// Few keys are left; the longer that takes, the more are few.
    fn is_nearly_done(&self, walked_at: &mut Option<Instant>) -> bool {
        let export = self.outgoing.export.lock();
        if !export.is_nearly_done(usize::MAX) {
            return false;
        }
        let since = walked_at.get_or_insert_with(Instant::now).elapsed();
        let doublings = (since.as_millis() / PATIENCE_DOUBLES.as_millis()).min(16) as u32;
        export.is_nearly_done((NEARLY << doublings).min(NEARLY_MAX))
    }

    /// Does what the machine wants, as far as it has said.
    async fn obey(&mut self, wire: &mut Wire<'_>, mut phase: Phase) -> anyhow::Result<Phase> {
        while let Ok(order) = self.orders.try_recv() {
            match order {
                Order::Tell(message) => self.tell(wire, message).await?,
                Order::Fence => phase = Phase::Fencing,
            }
        }
        Ok(phase)
    }

    async fn tell(&self, wire: &mut Wire<'_>, message: Message) -> anyhow::Result<()> {
        let mut bytes = self.outgoing.export.lock().take();
        write_command(&mut bytes, words::message(message).iter().map(Vec::as_slice));
        send(&mut wire.stream, &bytes).await.context("Connection lost to target")
    }

    /// Makes and sends a chunk, as fast as the rate allows.
    async fn send_some(&mut self, wire: &mut Wire<'_>) -> anyhow::Result<()> {
        while self.outgoing.export.lock().pending() < CHUNK_LEN && self.make_some() {
            yield_now().await;
        }
        let sent = self.flush(wire).await?;
        let rate = self.server.shared.config().slot_migration_max_rate();
        self.pace.keep(sent, rate).await;
        Ok(())
    }

    /// Makes a slice. False if there is nothing to be sent.
    fn make_some(&self) -> bool {
        let Server { engine, shared } = self.server;
        let shards = engine.shards();
        let layout = slotway_engine::shards::WholeKeyspace::layout(shards);
        let Some(slot) = self.outgoing.export.lock().next() else { return false };
        shards.one_shard(layout.shard_of(slot), &mut |shard| {
            self.outgoing.export.lock().go_on(shared.now(), shard, engine.hasher(), SLICE_LEN);
        });
        true
    }

    async fn flush(&self, wire: &mut Wire<'_>) -> anyhow::Result<usize> {
        let bytes = self.outgoing.export.lock().take();
        if !bytes.is_empty() {
            send(&mut wire.stream, &bytes).await.context("Connection lost to target")?;
        }
        Ok(bytes.len())
    }

    /// Waits until the target says something, the machine wants something, or something has changed.
    async fn listen(&mut self, wire: &mut Wire<'_>) -> anyhow::Result<()> {
        tokio::select! {
            read = wire.stream.read_buf(&mut wire.input) => {
                if read.context("Connection lost to target")? == 0 {
                    bail!("Connection lost to target. Check CLUSTER GETSLOTMIGRATIONS on the target node for more information.");
                }
            }
            Some(order) = self.orders.recv() => match order {
                Order::Tell(message) => self.tell(wire, message).await?,
                // Taken up again where orders are looked at.
                Order::Fence => drop(self.outgoing.orders.send(Order::Fence)),
            },
            () = tokio::time::sleep(Duration::from_millis(5)) => {}
        }
        Ok(())
    }

    /// Tells the machine what the target has said by now.
    fn hear(&self, wire: &mut Wire<'_>) -> anyhow::Result<()> {
        match wire.stream.read_buf(&mut wire.input).now_or_never() {
            Some(Ok(0)) => bail!(
                "Connection lost to target. Check CLUSTER GETSLOTMIGRATIONS on the target node for more information."
            ),
            Some(Ok(_)) | None => {}
            Some(Err(error)) => return Err(error).context("Connection lost to target"),
        }
        let limits = Limits { bulk_len_max: 1 << 16, authenticated: true };
        let mut decoder = Decoder::default();
        decoder.decode(&wire.input, limits);
        for index in 0..decoder.len() {
            let words = decoder.request(&wire.input, index);
            let message = words.get(2).filter(|_| words.is(1, "syncslots")).and_then(Message::parse);
            if let Some(message) = message {
                tell_machine(&self.server.shared, HandoffInput::Heard(self.outgoing.job, message));
            }
        }
        let used = decoder.consume_first(decoder.len());
        wire.input.advance(used);
        if wire.input.len() > LINE_MAX {
            bail!("The target sends what is no message");
        }
        Ok(())
    }
}

/// How fast it goes.
#[derive(Default)]
struct Pace {
    /// When the bytes sent so far may have been sent.
    due: Option<Instant>,
}

impl Pace {
    /// Waits as long as it takes for `sent` bytes at `rate` bytes a second; 0: as fast as can be.
    async fn keep(&mut self, sent: usize, rate: u64) {
        if rate == 0 {
            self.due = None;
            return;
        }
        let now = Instant::now();
        let due = self.due.unwrap_or(now).max(now) + Duration::from_secs_f64(sent as f64 / rate as f64);
        self.due = Some(due);
        tokio::time::sleep_until(due.into()).await;
    }
}

/// A connection to the target.
struct Wire<'a> {
    stream: Stream,
    input: BytesMut,
    shared: &'a Shared,
}

impl<'a> Wire<'a> {
    async fn connect(shared: &'a Shared, host: &str, port: u16) -> anyhow::Result<Self> {
        let with_tls = shared.config().tls_cluster();
        let connecting = timeout(PATIENCE, tls::connect(shared, host, port, with_tls));
        let stream = connecting.await.context("it does not answer")??;
        let mut wire = Self { stream, input: BytesMut::new(), shared };
        wire.authenticate().await?;
        Ok(wire)
    }

    async fn authenticate(&mut self) -> anyhow::Result<()> {
        let config = self.shared.config();
        if config.masterauth().is_empty() {
            return Ok(());
        }
        let mut words = vec![b"AUTH".to_vec()];
        if !config.masteruser().is_empty() {
            words.push(config.masteruser().as_bytes().to_vec());
        }
        words.push(config.masterauth().to_vec());
        let answer = self.call(&words).await?;
        if answer.starts_with('-') {
            bail!("Failed to AUTH to target node: {answer}");
        }
        Ok(())
    }

    /// Says something, and gives the line that answers it.
    async fn call(&mut self, words: &[Vec<u8>]) -> anyhow::Result<String> {
        let mut bytes = Vec::new();
        write_command(&mut bytes, words.iter().map(Vec::as_slice));
        timeout(PATIENCE, send(&mut self.stream, &bytes)).await.context("it does not read")??;
        loop {
            if let Some(end) = self.input.iter().position(|byte| *byte == b'\n') {
                let line = self.input.split_to(end + 1);
                return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
            }
            if self.input.len() > LINE_MAX {
                bail!("it answers with a line that does not end");
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.input));
            if read.await.context("it has fallen silent")?? == 0 {
                bail!("it has closed the connection");
            }
        }
    }
}
