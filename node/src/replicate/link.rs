//! This node's link to its primary: asks for its data, and executes what it executes.
//!
//! ```text
//!   connect --> handshake (PING, AUTH, REPLCONF, PSYNC) --+--> +CONTINUE ------------------------------+--> stream, until the link is lost
//!      ^                                                  `--> +FULLRESYNC --> snapshot aside --> load -+            |
//!      `---------------------------------------------- after a second ---------------------------------------------'
//! ```
//!
//! The present data is served until the new one has come, whole.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use bytes::{Buf as _, BytesMut};
use slotway_core::epoch::{ConfigEpoch, ReplOffset};
use slotway_core::replication::quorum::{Label, Tenure};
use slotway_core::replication::{FullSync, History, ReplId};
use slotway_engine::keyspace::{DbIndex, ExpiryPolicy};
use slotway_engine::node::{FailoverStage, LinkPhase, Merge, Node as _};
use slotway_engine::propagation::write_command;
use slotway_engine::replication::{Answer, Applier, Met, Transfer};
use slotway_engine::script::ScriptHost as _;
use slotway_engine::session::{ReplyMode, Session};
use slotway_engine::shards::{ShardAccess, WholeKeyspace as _};
use slotway_engine::snapshot::Stale;
use tokio::io::AsyncReadExt as _;
use tokio::task::{JoinHandle, spawn_local, yield_now};
use tokio::time::timeout;

use super::{Primary, append_raw, dismiss_replicas, failover};
use crate::aof;
use crate::persist::{Loading, Purpose, Source};
use crate::process;
use crate::server::Server;
use crate::shared::Shared;
use crate::stream::{Stream, send};
use crate::tls;

/// Pause after a link is lost or could not be made.
const RETRY: Duration = Duration::from_secs(1);
/// How often the primary is told how far this node is.
const ACK: Duration = Duration::from_secs(1);
/// Items loaded before clients have their turn.
const LOAD_SLICE: usize = 64;
/// The longest line that a primary answers.
const LINE_MAX: usize = 64 * 1024;

/// Follows the primary that is to be followed, whenever there is one, until the node stops.
pub(crate) async fn serve<A: ShardAccess>(server: Arc<Server<A>>) {
    let shared = &server.shared;
    let (mut primary, mut stop) = (shared.replication.watch_primary(), shared.watch_stop());
    loop {
        let target = primary.borrow_and_update().clone();
        take_role(&server, target.is_some());
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            changed = primary.changed() => if changed.is_err() { return },
            () = follow(&server, target.as_ref()) => {}
        }
    }
}

/// Lets keys expire by themselves, or leaves that to the primary; no write that was admitted before is under way when this returns.
fn take_role<A: ShardAccess>(server: &Server<A>, follows: bool) {
    let policy = if follows { ExpiryPolicy::Keep } else { ExpiryPolicy::Delete };
    server.engine.shards().all_shards(&mut |held| {
        held.each(|shard| shard.set_expiry_policy(policy));
        if follows {
            server.shared.replication.records.store(false, Ordering::Release);
        }
    });
    if follows {
        server.engine.role_changed(&*server.shared);
    }
}

async fn follow<A: ShardAccess>(server: &Server<A>, primary: Option<&Primary>) {
    let Some(primary) = primary else { return std::future::pending().await };
    let shared = &server.shared;
    loop {
        shared.log.notice(&format!("Connecting to MASTER {}:{}", primary.host, primary.port));
        let attempt = Attempt { server, primary };
        if let Err(error) = attempt.run().await {
            shared.log.warning(&format!("Link to MASTER {}:{}: {error:#}", primary.host, primary.port));
        }
        set_phase(shared, LinkPhase::Down);
        tokio::time::sleep(RETRY).await;
    }
}

fn set_phase(shared: &Shared, phase: LinkPhase) {
    shared.replication.link.lock().set_phase(process::instant(), phase);
}

/// One attempt to follow a primary: ends with the link.
struct Attempt<'a, A> {
    server: &'a Server<A>,
    primary: &'a Primary,
}

impl<A: ShardAccess> Attempt<'_, A> {
    async fn run(&self) -> anyhow::Result<()> {
        let shared = &self.server.shared;
        set_phase(shared, LinkPhase::Connecting);
        let patience = Duration::from_secs(u64::from(shared.config().repl_timeout_secs()).max(1));
        let Primary { host, port, .. } = self.primary;
        let with_tls = shared.config().tls_replication();
        let stream = timeout(patience, tls::connect(shared, host, *port, with_tls))
            .await
            .context("it does not answer")?
            .context("cannot connect")?;
        set_phase(shared, LinkPhase::Handshake);
        let mut wire = Wire { stream, input: BytesMut::new(), patience, shared, tenure: None };
        let answer = self.ask(&mut wire).await?;
        let session = match answer {
            Answer::Continue(id) => {
                let session = self.go_on(id);
                wire.tenure
                    .into_iter()
                    .for_each(|tenure| shared.replication.link.lock().label.follow(tenure));
                session
            }
            Answer::Full(history) => {
                set_phase(shared, LinkPhase::Sync);
                self.resynchronize(&mut wire, history).await?;
                None
            }
        };
        if wire.tenure.is_some() {
            shared.with_cluster(&mut |_, cluster| cluster.follow_anew());
        }
        let session = session.unwrap_or_else(|| Box::new(self.session(&wire)));
        set_phase(shared, LinkPhase::Connected);
        self.stream(&mut wire, session).await
    }

    /// Says who this node is, and how much it has.
    async fn ask(&self, wire: &mut Wire<'_>) -> anyhow::Result<Answer> {
        let shared = &self.server.shared;
        let config = shared.config();
        let pong = wire.call(&[b"PING"]).await?;
        if !pong.starts_with('+') && !pong.starts_with("-NOAUTH") && !pong.starts_with("-NOPERM") {
            bail!("it answers PING with {pong}");
        }
        if !config.masterauth().is_empty() {
            let (user, password) = (config.masteruser().as_bytes(), config.masterauth());
            let words: &[&[u8]] =
                if user.is_empty() { &[b"AUTH", password] } else { &[b"AUTH", user, password] };
            let answer = wire.call(words).await?;
            if answer.starts_with('-') {
                bail!("Unable to AUTH to MASTER: {answer}");
            }
        }
        self.make_sure_of_the_primary(wire).await?;
        let port = match config.replica_announce_port() {
            0 if config.tls_replication() && config.tls_port() != 0 => config.tls_port(),
            0 => config.port(),
            port => port,
        };
        wire.tell(&[b"REPLCONF", b"listening-port", port.to_string().as_bytes()]).await?;
        if !config.replica_announce_ip().is_empty() {
            wire.tell(&[b"REPLCONF", b"ip-address", config.replica_announce_ip().as_bytes()]).await?;
        }
        wire.tell(&[b"REPLCONF", b"capa", b"eof", b"capa", b"psync2"]).await?;
        if shared.counts_by_quorum() {
            wire.tenure = self.be_copy(wire).await?;
        }
        let has_data = shared.replication.link.lock().has_data;
        let resume = has_data.then(|| shared.replication.log.lock().history().resume());
        let (id, next) = Answer::asked_by(resume);
        shared.log.notice(&format!("Trying a partial resynchronization (request {id}:{next})."));
        let mut words: Vec<&[u8]> = vec![b"PSYNC", id.as_bytes(), next.as_bytes()];
        let is_handed_over = shared.replication.failover.stage() == FailoverStage::InProgress;
        if is_handed_over {
            words.push(b"FAILOVER");
        }
        wire.send(&words).await?;
        let line = wire.line().await?;
        let answer = Answer::parse(&line, resume);
        match answer {
            Some(_) if is_handed_over => failover::succeeded(shared),
            None if is_handed_over => {
                failover::give_up(shared, "Failover target rejected psync request");
            }
            Some(_) | None => {}
        }
        let answer = answer.with_context(|| format!("it answers PSYNC with {line}"))?;
        if let Answer::Full(told) = answer {
            let why = FullSync::as_told(resume, &told);
            shared.replication.log.lock().note_full_sync(why);
            shared.log.notice(&format!(
                "Full resync from master: {}:{} (of this replica: {why})",
                told.id, told.offset
            ));
        }
        Ok(answer)
    }

    /// In a cluster: whoever is at the primary's address now is the primary.
    async fn make_sure_of_the_primary(&self, wire: &mut Wire<'_>) -> anyhow::Result<()> {
        let Some(primary) = self.primary.id else { return Ok(()) };
        let answer = wire.call(&[b"CLUSTER", b"MYID"]).await?;
        // The length of a bulk string stands before it.
        let answer = if answer.starts_with('$') { wire.line().await? } else { answer };
        match Met::by(&answer, primary) {
            Met::Primary => Ok(()),
            Met::Unknown => {
                self.server
                    .shared
                    .log
                    .notice("The primary does not say who it is: its user may not call CLUSTER MYID");
                Ok(())
            }
            Met::Stranger => bail!("node {primary} is not there; who is answers CLUSTER MYID with {answer}"),
        }
    }

    /// Says which copy of the shard this node is. A primary whose writes count by quorum answers with its term.
    async fn be_copy(&self, wire: &mut Wire<'_>) -> anyhow::Result<Option<Tenure>> {
        let mut name = None;
        self.server.shared.with_cluster(&mut |_, cluster| name = Some(cluster.id()));
        let Some(name) = name else { return Ok(None) };
        let answer = wire.call(&[b"REPLCONF", b"slotway-copy", name.as_bytes()]).await?;
        let mut numbers = answer.strip_prefix("+TERM ").unwrap_or_default().split(' ').map(str::parse);
        let tenure = match (numbers.next(), numbers.next()) {
            (Some(Ok(term)), Some(Ok(start))) => {
                Some(Tenure { term: ConfigEpoch::new(term), start: ReplOffset::new(start) })
            }
            _ => None,
        };
        if tenure.is_none() {
            self.server
                .shared
                .log
                .warning("The primary does not count writes by quorum: cluster-write-quorum is off there");
        }
        Ok(tenure)
    }

    /// The link's data is that of the primary: its stream goes on where it has stopped.
    fn go_on(&self, id: Option<ReplId>) -> Option<Box<Session>> {
        let shared = &self.server.shared;
        let before = shared.replication.log.lock().history().id;
        shared.replication.log.lock().go_on(id);
        if id.is_some_and(|id| id != before) {
            dismiss_replicas(shared);
        }
        shared.log.notice("MASTER <-> REPLICA sync: Master accepted a Partial Resynchronization.");
        shared.replication.link.lock().session.take()
    }

    /// Takes the snapshot that the primary sends, and puts it in the place of the present data.
    async fn resynchronize(&self, wire: &mut Wire<'_>, history: History) -> anyhow::Result<()> {
        let shared = &self.server.shared;
        let file = wire.snapshot().await?;
        shared.log.notice("MASTER <-> REPLICA sync: Flushing old data");
        let _loading = Flag::raise(shared);
        shared.replication.link.lock().drop_data();
        // Those who follow this node have the old data: they begin anew.
        shared.replication.log.lock().part();
        shared.replication.written.send_modify(|_| {});
        let shards = self.server.engine.shards();
        shards.all_shards(&mut |held| {
            held.each(|shard| {
                for db in 0..shards.layout().databases() {
                    if let Some(flushed) = shard.flush_db(DbIndex(db)) {
                        shared.discard(flushed.garbage);
                    }
                }
            });
        });
        shared.scripts.set_libraries(Arc::default());
        self.server.engine.data_replaced(&**shared);
        crate::handoff::forget_tracked(self.server);
        shared.log.notice("MASTER <-> REPLICA sync: Loading DB in memory");
        let (stale, merge, purpose) = (Stale::Keep, Merge::Refuse, Purpose::Keys);
        let source = Source { path: &file.0, stale, merge, purpose };
        let mut loading = Loading::begin(shared, shards, self.server.engine.hasher(), source)?
            .ok_or_else(|| anyhow!("the snapshot is gone"))?;
        while loading.go_on(LOAD_SLICE)? {
            yield_now().await;
        }
        shared.replication.stream_db.store(loading.stream_db().0, Ordering::Relaxed);
        loading.finish();
        crate::handoff::hide_tracked(self.server);
        shared.replication.log.lock().adopt(history);
        {
            let mut link = shared.replication.link.lock();
            (link.has_data, link.label) = (true, wire.tenure.map(Label::of_snapshot).unwrap_or_default());
        }
        shared.log.notice("MASTER <-> REPLICA sync: Finished with success");
        Ok(())
    }

    fn session(&self, wire: &Wire<'_>) -> Session {
        let shared = &self.server.shared;
        let local = wire.stream.tcp().and_then(|tcp| tcp.local_addr().ok());
        let local = local.map_or_else(String::new, |address| address.to_string());
        let address = format!("{}:{}", self.primary.host, self.primary.port);
        let mut session = Session::new(shared.clients.next_id(), address, local, shared.now(), None);
        (session.is_primary_link, session.reply_mode) = (true, ReplyMode::Off);
        // Who goes on in the middle of a stream is not told again.
        session.db = DbIndex(shared.replication.stream_db.load(Ordering::Relaxed));
        session
    }

    /// Executes what the primary sends, for as long as the link lasts.
    async fn stream(&self, wire: &mut Wire<'_>, session: Box<Session>) -> anyhow::Result<()> {
        let shared = &self.server.shared;
        // CLIENT LIST shows the link, and CLIENT KILL ends what stands for it.
        let registration = shared.clients.enter(&session, -1, shared.now());
        let life = spawn_local(std::future::pending::<()>());
        registration.client().served_by(life.abort_handle());
        let mut reader =
            Reader { server: self.server, life, applier: Applier::new(session), acknowledged: 0 };
        let result = reader.run(wire).await;
        shared.replication.link.lock().session = Some(reader.applier.end());
        result
    }
}

impl<A: ShardAccess> Drop for Reader<'_, A> {
    fn drop(&mut self) {
        self.life.abort();
    }
}

/// Executes the primary's stream.
struct Reader<'a, A: ShardAccess> {
    server: &'a Server<A>,
    /// Ends when the link is killed.
    life: JoinHandle<()>,
    applier: Applier,
    /// How far this node was when it last told.
    acknowledged: u64,
}

impl<A: ShardAccess> Reader<'_, A> {
    async fn run(&mut self, wire: &mut Wire<'_>) -> anyhow::Result<()> {
        let shared = &self.server.shared;
        // The primary of a snapshot without a length waits for this before it goes on.
        self.acknowledge(wire).await?;
        let mut acks = tokio::time::interval(ACK);
        let mut heard = Instant::now();
        loop {
            self.execute(wire)?;
            let is_wanted = std::mem::take(&mut self.applier.session.ack_is_wanted);
            if is_wanted || self.owes_ack(wire) {
                self.acknowledge(wire).await?;
            }
            tokio::select! {
                biased;
                read = wire.stream.read_buf(&mut wire.input) => {
                    if read? == 0 {
                        bail!("connection with master lost");
                    }
                    heard = Instant::now();
                    shared.replication.link.lock().heard_at = Some(process::instant());
                }
                _ = &mut self.life => bail!("connection killed"),
                _ = acks.tick() => {
                    if heard.elapsed() > wire.patience {
                        bail!("MASTER timeout: no data nor PING received");
                    }
                    self.acknowledge(wire).await?;
                }
            }
        }
    }

    /// Executes all whole commands that have come, batch by batch.
    fn execute(&mut self, wire: &mut Wire<'_>) -> anyhow::Result<()> {
        let Server { engine, shared } = self.server;
        loop {
            let count = |bytes: &[u8]| {
                aof::flush(shared);
                append_raw(shared, bytes);
            };
            let _batch = shared.replication.between_batches();
            let applied = self.applier.batch(engine, &**shared, &wire.input, count)?;
            shared.stats.add(applied.tally);
            shared.replication.stream_db.store(self.applier.session.db.0, Ordering::Relaxed);
            shared.aof.note_reached(shared.replication.written());
            aof::flush(shared);
            wire.input.advance(applied.used);
            if !applied.goes_on {
                return Ok(());
            }
        }
    }

    /// Clients of the primary wait for this node.
    fn owes_ack(&self, wire: &Wire<'_>) -> bool {
        wire.tenure.is_some() && self.server.shared.replication.log.lock().offset() > self.acknowledged
    }

    async fn acknowledge(&mut self, wire: &mut Wire<'_>) -> anyhow::Result<()> {
        let shared = &self.server.shared;
        let mut offset = shared.replication.log.lock().offset();
        if let Some(tenure) = wire.tenure {
            // With the control plane in hand: what is promised after this is for no less.
            shared.with_cluster(&mut |_, cluster| {
                let reached = ReplOffset::new(shared.replication.log.lock().offset());
                (self.acknowledged, offset) =
                    (reached.get(), cluster.fence().cap(tenure.term, reached).get());
            });
        }
        let offset = offset.to_string();
        if !shared.aof.is_on() {
            return wire.send(&[b"REPLCONF", b"ACK", offset.as_bytes()]).await;
        }
        let fsynced = shared.aof.fsynced().to_string();
        wire.send(&[b"REPLCONF", b"ACK", offset.as_bytes(), b"FACK", fsynced.as_bytes()]).await
    }
}

/// The connection to the primary.
struct Wire<'a> {
    stream: Stream,
    /// What has come and has not been used.
    input: BytesMut,
    /// How long to wait for something to come.
    patience: Duration,
    shared: &'a Shared,
    /// The term of the primary, if it counts writes by quorum.
    tenure: Option<Tenure>,
}

impl Wire<'_> {
    async fn send(&mut self, words: &[&[u8]]) -> anyhow::Result<()> {
        let mut bytes = Vec::new();
        write_command(&mut bytes, words.iter().copied());
        timeout(self.patience, send(&mut self.stream, &bytes)).await.context("it does not read")??;
        Ok(())
    }

    async fn call(&mut self, words: &[&[u8]]) -> anyhow::Result<String> {
        self.send(words).await?;
        self.line().await
    }

    /// Tells what the primary need not understand.
    async fn tell(&mut self, words: &[&[u8]]) -> anyhow::Result<()> {
        let answer = self.call(words).await?;
        if answer.starts_with('-') {
            let option = String::from_utf8_lossy(words[1]);
            self.shared
                .log
                .notice(&format!("(Non critical) Master does not understand REPLCONF {option}: {answer}"));
        }
        Ok(())
    }

    /// The next line that is not empty: empty ones say that the primary is still there.
    async fn line(&mut self) -> anyhow::Result<String> {
        loop {
            if let Some(end) = self.input.iter().position(|byte| *byte == b'\n') {
                let line = self.input.split_to(end + 1);
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                if !text.is_empty() {
                    return Ok(text);
                }
                continue;
            }
            if self.input.len() > LINE_MAX {
                bail!("it answers with a line that does not end");
            }
            self.read().await?;
        }
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        let read = timeout(self.patience, self.stream.read_buf(&mut self.input));
        if read.await.context("it has fallen silent")?? == 0 {
            bail!("it has closed the connection");
        }
        self.shared.replication.link.lock().heard_at = Some(process::instant());
        Ok(())
    }

    /// Puts the snapshot that comes into a file.
    async fn snapshot(&mut self) -> anyhow::Result<Aside> {
        let line = self.line().await?;
        let mut transfer = Transfer::announced(&line).with_context(|| format!("it sends {line}"))?;
        self.shared.log.notice(&format!("MASTER <-> REPLICA sync: receiving {transfer}"));
        let (aside, mut file) = Aside::create(self.shared)?;
        loop {
            let part = transfer.next(&self.input);
            file.write_all(&self.input[..part.len]).context("cannot write the snapshot aside")?;
            self.input.advance(part.used);
            self.shared.replication.link.lock().transfer = Some((transfer.taken, transfer.len_told()));
            if part.is_last {
                return Ok(aside);
            }
            self.read().await?;
        }
    }
}

/// A file that a snapshot is put into until it is loaded; removed then.
struct Aside(PathBuf);

impl Aside {
    fn create(shared: &Shared) -> anyhow::Result<(Self, File)> {
        let name =
            PathBuf::from(format!("temp-link-{}-{}.rdb", std::process::id(), shared.config().known_port()));
        let file = File::create(&name)
            .with_context(|| format!("cannot make the file {} for the snapshot", name.display()))?;
        Ok((Self(name), file))
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// While it is there, clients are told that the data is being loaded.
struct Flag<'a>(&'a Shared);

impl<'a> Flag<'a> {
    fn raise(shared: &'a Shared) -> Self {
        shared.replication.loading.store(true, Ordering::Relaxed);
        Self(shared)
    }
}

impl Drop for Flag<'_> {
    fn drop(&mut self) {
        self.0.replication.loading.store(false, Ordering::Relaxed);
    }
}
