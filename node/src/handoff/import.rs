//! The target's end of a migration: the connection that has sent ESTABLISH.

use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use bytes::{Buf as _, BytesMut};
use parking_lot::Mutex;
use slotway_core::cluster::{HandoffInput, Message};
use slotway_core::id::JobId;
use slotway_core::resp::decode::{Decoded, Decoder, Limits};
use slotway_engine::dispatch::Requests;
use slotway_engine::handoff::{Progress, words};
use slotway_engine::node::{Node as _, Pause};
use slotway_engine::propagation::write_command;
use slotway_engine::session::{AckWait, After, Import, Reached, ReplyMode, Session};
use slotway_engine::shards::{ShardAccess, WholeKeyspace as _};
use tokio::io::AsyncReadExt as _;
use tokio::sync::{Notify, mpsc};
use tokio::task::yield_now;

use super::{Incoming, Work, drop_slots, hide, propagate, tell_machine};
use crate::aof;
use crate::replicate;
use crate::server::Server;
use crate::shared::Shared;
use crate::stream::{Stream, send};

/// Bytes read at once.
const READ_LEN: usize = 256 * 1024;
/// How long replicas are waited for, requests at the source waiting meanwhile.
const COPIES_MS: u64 = 300;

/// Takes the slots in that the source of this connection gives, until it ends or the machine ends it.
pub(crate) async fn serve<A: ShardAccess>(
    server: &Arc<Server<A>>,
    stream: &mut Stream,
    session: &mut Session,
    pending: BytesMut,
) {
    let Some(import) = session.import.clone() else { return };
    let (tell, told) = mpsc::unbounded_channel();
    let shared = &server.shared;
    let incoming = Arc::new(Incoming {
        slots: import.slots.clone(),
        tell,
        outcome: Mutex::new(None),
        ended: Notify::new(),
    });
    shared.handoff.imports.lock().insert(import.job, Arc::clone(&incoming));
    let mut end = End { shared: Arc::clone(shared), job: import.job, why: String::new() };
    (session.reply_mode, session.after) = (ReplyMode::Off, After::Continue);
    let mut link = Link {
        server,
        import: &import,
        incoming: &incoming,
        session,
        told,
        decoder: Decoder::default(),
        progress: Progress::default(),
    };
    tokio::select! {
        biased;
        () = incoming.ended.notified() => {}
        result = link.run(stream, pending) => {
            let Err(error) = result;
            end.why = format!("{error:#}");
        }
    }
}

/// Whatever ends the connection: the machine is told, and what has come is dealt with.
struct End {
    shared: Arc<Shared>,
    job: JobId,
    why: String,
}

impl Drop for End {
    fn drop(&mut self) {
        let why = match self.why.is_empty() {
            true => {
                "Connection lost to source. Check CLUSTER GETSLOTMIGRATIONS on the source node for more information."
            }
            false => &self.why,
        };
        tell_machine(&self.shared, HandoffInput::Lost(self.job, why.to_owned()));
        let _ = self.shared.handoff.work.send(Work::Finish(self.job));
    }
}

struct Link<'a, A: ShardAccess> {
    server: &'a Arc<Server<A>>,
    import: &'a Import,
    incoming: &'a Incoming,
    session: &'a mut Session,
    told: mpsc::UnboundedReceiver<Message>,
    decoder: Decoder,
    progress: Progress,
}

impl<A: ShardAccess> Link<'_, A> {
    async fn run(
        &mut self,
        stream: &mut Stream,
        mut pending: BytesMut,
    ) -> anyhow::Result<std::convert::Infallible> {
        let shared = &self.server.shared;
        // What is left of an earlier life of these slots here.
        drop_slots(self.server, &self.import.slots, Some(self.import.job)).await;
        hide(self.server, &self.import.slots, true);
        let Import { job, source, slots } = self.import;
        propagate(shared, &words::establish(*job, *source, slots));
        loop {
            self.execute(&mut pending).await?;
            while let Ok(message) = self.told.try_recv() {
                self.tell(stream, message).await?;
            }
            pending.reserve(READ_LEN);
            tokio::select! {
                read = stream.read_buf(&mut pending) => {
                    if read? == 0 {
                        bail!("Connection lost to source. Check CLUSTER GETSLOTMIGRATIONS on the source node for more information.");
                    }
                }
                Some(message) = self.told.recv() => self.tell(stream, message).await?,
            }
            self.check_memory()?;
        }
    }

    /// Executes all whole commands that have come, batch by batch, clients being served in between.
    async fn execute(&mut self, pending: &mut BytesMut) -> anyhow::Result<()> {
        let Server { engine, shared } = &**self.server;
        let limits = Limits { bulk_len_max: u64::MAX >> 1, authenticated: true };
        let mut replies = Vec::new();
        loop {
            // A primary that has stopped writes must not go on in its history.
            while shared.pause() != Pause::Nothing {
                shared.pauses.wait_for_end().await;
            }
            if self.incoming.outcome.lock().is_some() {
                std::future::pending::<()>().await;
            }
            let decoded = self.decoder.decode(pending, limits);
            let requests = Requests { decoder: &self.decoder, buffer: pending };
            let tally = engine.execute(&**shared, self.session, requests, &mut replies);
            shared.stats.add(tally);
            aof::flush(shared);
            replies.clear();
            let used = self.decoder.consume_first(tally.requests);
            pending.advance(used);
            self.progress.keys += tally.changes;
            self.progress.bytes += used as u64;
            shared.handoff.keep_figures(self.import.job, self.progress);
            if tally.errors > 0 || self.session.after != After::Continue || self.session.blocked.is_some() {
                bail!("Failed to process command during slot migration");
            }
            match decoded {
                Decoded::All => return Ok(()),
                Decoded::Full => yield_now().await,
                Decoded::Broken(error) => {
                    bail!("The source sends what is no command: {}", String::from_utf8_lossy(&error.text()))
                }
            }
        }
    }

    async fn tell(&self, stream: &mut Stream, message: Message) -> anyhow::Result<()> {
        if message == Message::RequestFailover {
            self.wait_for_copies().await?;
        }
        answer(stream, message).await
    }

    /// The slots are wanted only once this node's replicas have what came with them: one of them may have to take over. They are not waited for
    /// long, unless `cluster-write-quorum` makes it a rule.
    async fn wait_for_copies(&self) -> anyhow::Result<()> {
        let (shared, offset) = (&self.server.shared, self.session.write_offset);
        if shared.counts_by_quorum() {
            let term = shared.replication.quorum.term_number();
            let result = replicate::quorum::wait(shared, offset, term).await;
            return result.map_err(|_| anyhow!("A failover occurred during slot import"));
        }
        let replicas = shared.replication().replicas.iter().filter(|replica| replica.is_online).count();
        if replicas > 0 {
            let deadline = Some(shared.now().plus_ms(COPIES_MS));
            let wait = AckWait { reached: Reached::Memory, offset, replicas, deadline };
            replicate::wait_for_acks(shared, wait).await;
        }
        Ok(())
    }

    /// Nothing is evicted for slots that are not this node's yet.
    fn check_memory(&self) -> anyhow::Result<()> {
        let limit = self.server.shared.config().maxmemory();
        if limit == 0 {
            return Ok(());
        }
        let mut used = 0;
        self.server.engine.shards().each_shard(&mut |shard| used += shard.used_memory() as u64);
        if used > limit {
            bail!("OOM: the target has no memory left (maxmemory)");
        }
        Ok(())
    }
}

async fn answer(stream: &mut Stream, message: Message) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    write_command(&mut bytes, words::message(message).iter().map(Vec::as_slice));
    send(stream, &bytes).await.context("Connection lost to source")
}
