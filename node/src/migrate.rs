//! Takes keys to other servers: what MIGRATE asks for.
//!
//! ```text
//!   Connection --Migration--> run, a task of its own          a client that goes away changes nothing
//!     connect, or take a connection that was kept (Targets)
//!     pack (engine) --> write, 64 KiB at a time, replies being taken in meanwhile         again from the start if a kept connection has died
//!     read the replies
//!     come back (engine): what has arrived is removed here, the keys are held no longer, the request is answered --> Connection
//! ```
//!
//! One MIGRATE has a connection to itself: two of them to the same target do not wait for each other.
//!
//! Source of the rules: `migrateCommand` and `migrateGetSocket` of Redis 7.2.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::{Buf as _, BytesMut};
use parking_lot::Mutex;
use slotway_core::resp::error::ErrorReply;
use slotway_engine::migration::{Arrived, Migration, Packed, Packing};
use slotway_engine::node::Node as _;
use slotway_engine::propagation::write_command;
use slotway_engine::session::{After, ClientId, Session};
use slotway_engine::shards::ShardAccess;
use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{oneshot, watch};
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::server::Server;
use crate::stream::Stream;
use crate::tls;

/// Connections kept at most.
const KEPT_MAX: usize = 64;
/// For how long one is kept without use.
const KEPT_FOR: Duration = Duration::from_secs(10);
/// Bytes packed and written at a time.
const PIECE_LEN: usize = 64 * 1024;
/// Keys that are removed here at a time, before clients have their turn.
const REMOVED_AT_ONCE: usize = 512;
/// The longest reply that is read.
const LINE_MAX: usize = 64 * 1024;

/// Migrations of one node.
pub(crate) struct Migrations {
    kept: Mutex<Vec<Target>>,
    /// How many of `kept` there are, for INFO.
    kept_len: AtomicU64,
    /// The connections that hold keys.
    holders: watch::Sender<BTreeSet<ClientId>>,
}

impl Default for Migrations {
    fn default() -> Self {
        Self {
            kept: Mutex::default(),
            kept_len: AtomicU64::new(0),
            holders: watch::Sender::new(BTreeSet::new()),
        }
    }
}

impl Migrations {
    /// `client` holds keys from now on.
    pub(crate) fn begin(&self, client: ClientId) {
        self.holders.send_if_modified(|holders| holders.insert(client));
    }

    fn end(&self, client: ClientId) {
        self.holders.send_if_modified(|holders| holders.remove(&client));
    }

    /// Waits until `client` holds no keys.
    pub(crate) async fn wait_for(&self, client: ClientId) {
        // The sender lives as long as this.
        let _ = self.holders.subscribe().wait_for(|holders| !holders.contains(&client)).await;
    }

    /// Connections kept for later.
    pub(crate) fn kept_connections(&self) -> u64 {
        self.kept_len.load(Ordering::Relaxed)
    }

    /// Closes connections that have been kept for too long.
    pub(crate) fn tick(&self) {
        self.change_kept(|kept| kept.retain(|target| target.used_at.elapsed() < KEPT_FOR));
    }

    fn take(&self, address: &Address) -> Option<Target> {
        self.change_kept(|kept| {
            let at = kept.iter().rposition(|target| target.address == *address)?;
            Some(kept.remove(at))
        })
    }

    fn keep(&self, mut target: Target) {
        target.used_at = Instant::now();
        self.change_kept(|kept| {
            if kept.len() >= KEPT_MAX {
                kept.remove(0);
            }
            kept.push(target);
        });
    }

    fn change_kept<R>(&self, change: impl FnOnce(&mut Vec<Target>) -> R) -> R {
        let mut kept = self.kept.lock();
        let result = change(&mut kept);
        self.kept_len.store(kept.len() as u64, Ordering::Relaxed);
        result
    }
}

/// Host and port, as they were given.
#[derive(Clone, PartialEq, Eq)]
struct Address {
    host: String,
    port: u16,
}

impl Address {
    fn of(migration: &Migration) -> Self {
        let port = std::str::from_utf8(&migration.port).ok().and_then(|port| port.trim().parse().ok());
        // Redis, too, finds out by connecting that there is no port 0.
        Self { host: String::from_utf8_lossy(&migration.host).into_owned(), port: port.unwrap_or(0) }
    }
}

/// What a migration comes to for the connection that asked for it.
pub(crate) struct Answer {
    /// The reply.
    pub(crate) reply: Vec<u8>,
    /// The session as the request has left it.
    pub(crate) session: Session,
}

/// Begins a migration for `session`. The receiver gets the answer, unless the node stops before.
pub(crate) fn begin<A: ShardAccess + 'static>(
    server: Arc<Server<A>>,
    session: Session,
    migration: Box<Migration>,
) -> oneshot::Receiver<Answer> {
    let (sender, receiver) = oneshot::channel();
    tokio::task::spawn_local(async move {
        let held = Held { server, client: session.id };
        let answer = run(&held, session, &migration).await;
        drop(held);
        // A client that is gone needs no answer.
        let _ = sender.send(answer);
    });
    receiver
}

/// The keys are held no longer than this lives, whatever ends it.
struct Held<A: ShardAccess> {
    server: Arc<Server<A>>,
    client: ClientId,
}

impl<A: ShardAccess> Drop for Held<A> {
    fn drop(&mut self) {
        self.server.engine.release_keys(self.client);
        self.server.shared.migrations.end(self.client);
    }
}

async fn run<A: ShardAccess>(held: &Held<A>, session: Session, migration: &Migration) -> Answer {
    let mut journey = Journey { held, migration, arrived: Vec::new() };
    let mut end = journey.attempt().await;
    if let Err(Failure { retries: true, .. }) = end {
        end = journey.attempt().await;
    }
    let arrived = journey.arrived;
    let end = end.map_err(|failure| failure.error);
    come_back(held, session, migration, arrived, end).await
}

/// Removes what has arrived, and makes the reply.
async fn come_back<A: ShardAccess>(
    held: &Held<A>,
    mut session: Session,
    migration: &Migration,
    arrived: Vec<Box<[u8]>>,
    end: Result<(), ErrorReply>,
) -> Answer {
    let Server { engine, shared } = &*held.server;
    let mut reply = Vec::new();
    let mut rest = arrived.into_iter().peekable();
    let mut end = Some(end);
    while let Some(told) = end.take() {
        let keys: Vec<_> = rest.by_ref().take(REMOVED_AT_ONCE).collect();
        let (told, later) = if rest.peek().is_some() { (None, Some(told)) } else { (Some(told), None) };
        let arrived = Arc::new(Arrived { keys, end: told });
        loop {
            session.after = After::Continue;
            session.arrived = Some(Arc::clone(&arrived));
            let tally = engine.come_back(&**shared, &mut session, migration.request.as_args(), &mut reply);
            shared.stats.add(tally);
            if session.after != After::Hold {
                break;
            }
            shared.pauses.wait_for_end().await;
            shared.handoff.wait_at_fence().await;
        }
        end = later;
        yield_now().await;
    }
    session.arrived = None;
    Answer { reply, session }
}

/// Why keys have not arrived.
struct Failure {
    error: ErrorReply,
    /// A connection that was kept may have died since: another is tried.
    retries: bool,
}

impl From<ErrorReply> for Failure {
    fn from(error: ErrorReply) -> Self {
        Self { error, retries: false }
    }
}

/// A migration under way.
struct Journey<'a, A: ShardAccess> {
    held: &'a Held<A>,
    migration: &'a Migration,
    /// Keys that the target has confirmed.
    arrived: Vec<Box<[u8]>>,
}

impl<A: ShardAccess> Journey<'_, A> {
    /// Sends all keys, and reads what becomes of them. The connection is kept only if all has gone well.
    async fn attempt(&mut self) -> Result<(), Failure> {
        let migrations = &self.held.server.shared.migrations;
        let mut target = self.target().await?;
        let refusal = match self.exchange(&mut target).await {
            Ok(refusal) => refusal,
            Err(failure) => {
                target.reset();
                return Err(failure);
            }
        };
        // After a refusal nobody knows which database is selected.
        target.db = refusal.is_none().then_some(self.migration.to);
        migrations.keep(target);
        refusal.map_or(Ok(()), |words| Err(ErrorReply::MigrateRefused(words).into()))
    }

    async fn exchange(&mut self, target: &mut Target) -> Result<Option<Vec<u8>>, Failure> {
        let greetings = target.greet(self.migration);
        let packed = self.send(target).await?;
        self.receive(target, greetings, &packed).await
    }

    async fn target(&self) -> Result<Target, Failure> {
        let address = Address::of(self.migration);
        let patience = Duration::from_millis(self.migration.timeout_ms);
        if let Some(mut target) = self.held.server.shared.migrations.take(&address) {
            target.patience = patience;
            return Ok(target);
        }
        let shared = &self.held.server.shared;
        let with_tls = shared.config().tls_cluster();
        let connected = timeout(patience, tls::connect(shared, &address.host, address.port, with_tls)).await;
        let stream = connected.map_err(io::Error::from).and_then(|connected| connected);
        let stream = stream.map_err(|error| match error.kind() {
            // Redis notices only when it writes.
            io::ErrorKind::ConnectionRefused | io::ErrorKind::HostUnreachable => ErrorReply::MigrateWrite,
            _ => ErrorReply::MigrateConnect,
        })?;
        Ok(Target {
            address,
            stream,
            patience,
            db: None,
            input: BytesMut::new(),
            output: Vec::new(),
            used_at: Instant::now(),
        })
    }

    /// Packs and sends all keys. Gives those that were sent: others have expired.
    async fn send(&self, target: &mut Target) -> Result<Vec<usize>, Failure> {
        let Server { engine, shared } = &*self.held.server;
        let mut packing = Packing::default();
        loop {
            let client = self.held.client;
            let went =
                engine.pack(&**shared, self.migration, client, &mut packing, PIECE_LEN, &mut target.output);
            match went {
                Packed::Lost => return Err(ErrorReply::MigrateOvertaken.into()),
                Packed::More if target.output.len() < PIECE_LEN => {}
                Packed::More | Packed::All => target.flush().await.map_err(|error| Failure {
                    error: ErrorReply::MigrateWrite,
                    retries: error.kind() != io::ErrorKind::TimedOut,
                })?,
            }
            if went == Packed::All {
                return Ok(packing.packed);
            }
            yield_now().await;
        }
    }

    /// Reads all replies: first those to the greetings, then one for each key. The first refusal, if there is one.
    async fn receive(
        &mut self,
        target: &mut Target,
        greetings: usize,
        packed: &[usize],
    ) -> Result<Option<Vec<u8>>, Failure> {
        let read = |error: io::Error, retries: bool| Failure {
            error: ErrorReply::MigrateRead,
            retries: retries && error.kind() != io::ErrorKind::TimedOut,
        };
        let mut refused_greeting = None;
        for _ in 0..greetings {
            let line = target.line().await.map_err(|error| read(error, true))?;
            refused_greeting = refused_greeting.or(refusal(&line));
        }
        let mut first = None;
        for (at, index) in packed.iter().enumerate() {
            match target.line().await {
                // Redis tells what the target has said before it broke off.
                Err(_) if first.is_some() => {
                    return Err(ErrorReply::MigrateRefused(first.unwrap_or_default()).into());
                }
                Err(error) => return Err(read(error, at == 0)),
                Ok(line) => match refused_greeting.clone().or(refusal(&line)) {
                    None => self.arrived.push(self.migration.keys[*index].clone()),
                    words => first = first.or(words),
                },
            }
        }
        Ok(first)
    }
}

/// What an error reply says.
fn refusal(line: &[u8]) -> Option<Vec<u8>> {
    line.strip_prefix(b"-").map(<[u8]>::to_vec)
}

/// A connection to another server.
struct Target {
    address: Address,
    stream: Stream,
    patience: Duration,
    /// The database that is selected, if that is known.
    db: Option<i64>,
    input: BytesMut,
    output: Vec<u8>,
    used_at: Instant,
}

impl Target {
    /// Says who is there, and where the keys go. How many replies there will be.
    fn greet(&mut self, migration: &Migration) -> usize {
        let mut greetings = 0;
        if let Some(auth) = &migration.auth {
            let words = [Some(&b"AUTH"[..]), auth.user.as_deref(), Some(&*auth.password)];
            write_command(&mut self.output, words.into_iter().flatten().collect::<Vec<_>>().into_iter());
            greetings += 1;
        }
        if self.db != Some(migration.to) {
            let db = migration.to.to_string();
            write_command(&mut self.output, [&b"SELECT"[..], db.as_bytes()].into_iter());
            greetings += 1;
        }
        greetings
    }

    /// Writes what is to be written. Replies are taken in meanwhile, lest the target stops to read because nobody reads what it writes.
    async fn flush(&mut self) -> io::Result<()> {
        let Self { stream, input, output, patience, .. } = self;
        let (mut reader, mut writer) = tokio::io::split(stream);
        for mut piece in output.chunks(PIECE_LEN) {
            let written = async {
                while !piece.is_empty() {
                    tokio::select! {
                        biased;
                        written = writer.write(piece) => piece = &piece[written?..],
                        read = reader.read_buf(input) => if read? == 0 {
                            return Err(io::Error::from(io::ErrorKind::BrokenPipe));
                        },
                    }
                }
                writer.flush().await
            };
            timeout(*patience, written).await??;
        }
        output.clear();
        Ok(())
    }

    /// Breaks the connection off: what has not reached the target yet never will. Otherwise a target that has stood still would take the
    /// keys later, when their owner, who was told that they have not gone, has gone on with them.
    fn reset(self) {
        // Should the system refuse, the connection is closed as any other.
        if let Some(tcp) = self.stream.tcp() {
            let _ = SockRef::from(tcp).set_linger(Some(Duration::ZERO));
        }
    }

    /// The next line, without its end.
    async fn line(&mut self) -> io::Result<Vec<u8>> {
        let Self { stream, input, patience, .. } = self;
        let read = async {
            loop {
                if let Some(end) = input.iter().position(|byte| *byte == b'\n') {
                    let line = input[..end].strip_suffix(b"\r").unwrap_or(&input[..end]).to_vec();
                    input.advance(end + 1);
                    return Ok(line);
                }
                if input.len() > LINE_MAX {
                    return Err(io::ErrorKind::InvalidData.into());
                }
                if stream.read_buf(input).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
        };
        timeout(*patience, read).await?
    }
}
