//! The append-only file: every write, as it is propagated, on disk; and the way back.
//!
//! ```text
//!   write --Node::propagate--> buffer --flush, before replies go out--> increment file --fsync: at once, each second, never
//!   rewrite: a snapshot, or commands (`aof-use-rdb-preamble no`), become the new base; at its beginning, all shards in hand, a new increment begins
//!   start:   manifest -> base -> increments (load)
//! ```
//!
//! The order of the buffer is that of the replicas' stream. A tail that is cut off, by a crash in the middle of a write, is cut away at the next start.

mod load;
mod manifest;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context as _, bail};
use parking_lot::Mutex;
use slotway_core::resp::error::ErrorReply;
use slotway_core::time::UnixMs;
use slotway_engine::config::{AppendFsync, Config};
use slotway_engine::journal::{LatencyEvent, Stopwatch};
use slotway_engine::node::{AofState, Node as _, Saving, When};
use slotway_engine::propagation::{Readers, Record, Stream};
use slotway_engine::shards::{ShardAccess, WholeKeyspace};
use slotway_engine::snapshot::{AOF_BASE, Aux, Form, Snapshot};
use tokio::sync::Notify;

use crate::files::{self, Sync};
use crate::persist::{self, SnapshotFile};
use crate::server::Server;
use crate::shared::Shared;
use manifest::{Manifest, Part};

pub(crate) use load::{load, reload};

/// The append-only file of one node.
#[derive(Default)]
pub(crate) struct Aof {
    /// Whether writes are to be told. Begins while all shards are in hand.
    on: AtomicBool,
    /// Something waits in the buffer.
    pending: AtomicBool,
    /// The last write failed.
    fails: AtomicBool,
    state: Mutex<State>,
    /// The offset of the replication stream up to which everything is in the buffer or behind it.
    reached: AtomicU64,
    /// The same of the disk.
    fsynced: AtomicU64,
    /// A rewrite has begun, or the configuration has changed.
    wanted: Notify,
}

#[derive(Default)]
struct State {
    manifest: Manifest,
    file: Option<File>,
    stream: Stream,
    buffer: Vec<u8>,
    /// The second that has been told last.
    stamped: u64,
    /// Bytes of the increment that is written.
    written: u64,
    /// Bytes of everything, and as it was after the last rewrite.
    size: u64,
    base_size: u64,
    /// Written since the last fsync.
    is_dirty: bool,
    /// Increments that have come to their end since.
    unsynced: Vec<File>,
    rewrite: Option<Rewrite>,
    begun: Option<(Snapshot, Vec<u8>)>,
    is_scheduled: bool,
    last_rewrite_failed: bool,
    last_rewrite_secs: Option<u64>,
    rewrites: u64,
    error: String,
}

/// A rewrite under way.
struct Rewrite {
    at: Instant,
    /// The increments from here on belong to the new base.
    first: Part,
}

impl Aof {
    /// Whether writes are to be told.
    pub(crate) fn is_on(&self) -> bool {
        self.on.load(Ordering::Acquire)
    }

    /// Why the last write failed, if it did.
    pub(crate) fn failure(&self) -> Option<String> {
        self.fails.load(Ordering::Relaxed).then(|| self.state.lock().error.clone())
    }

    pub(crate) fn fails(&self) -> bool {
        self.fails.load(Ordering::Relaxed)
    }

    /// Takes the commands of a unit, behind which the replication stream is at `offset`; with `aof-timestamp-enabled` behind a line that tells the
    /// `second`, if that has not been told.
    pub(crate) fn append(&self, record: &Record, offset: u64, second: impl FnOnce() -> Option<u64>) {
        if self.is_on() {
            let State { stream, buffer, stamped, .. } = &mut *self.state.lock();
            if let Some(second) = second().filter(|second| *second > *stamped) {
                *stamped = second;
                buffer.extend_from_slice(format!("#TS:{second}\r\n").as_bytes());
            }
            stream.write(record, Readers::FILE, buffer);
            self.reached.store(offset, Ordering::Release);
            self.pending.store(true, Ordering::Release);
        }
    }

    /// For INFO.
    pub(crate) fn tell(&self) -> AofState {
        let state = self.state.lock();
        AofState {
            is_on: self.is_on(),
            is_scheduled: state.is_scheduled,
            rewriting_secs: state.rewrite.as_ref().map(|rewrite| rewrite.at.elapsed().as_secs()),
            last_rewrite_secs: state.last_rewrite_secs,
            last_rewrite_failed: state.last_rewrite_failed,
            rewrites: state.rewrites,
            write_failed: self.fails(),
            size: state.size + state.buffer.len() as u64,
            base_size: state.base_size,
            buffered: state.buffer.len() as u64,
            fsynced: self.fsynced(),
        }
    }

    /// The offset of the replication stream up to which everything is on disk; 0 without an append-only file.
    pub(crate) fn fsynced(&self) -> u64 {
        if self.is_on() { self.fsynced.load(Ordering::Acquire) } else { 0 }
    }

    /// What the primary has sent up to `offset` has been appended.
    pub(crate) fn note_reached(&self, offset: u64) {
        self.reached.store(offset, Ordering::Release);
    }

    /// `appendonly` has been set.
    pub(crate) fn reconsider(&self) {
        self.wanted.notify_one();
    }
}

fn folder(config: &Config) -> PathBuf {
    PathBuf::from(config.appenddirname())
}

fn manifest_path(config: &Config) -> PathBuf {
    folder(config).join(format!("{}.manifest", config.appendfilename()))
}

/// Writes what waits to the file; by `appendfsync always`, returns once it is on disk. To be called before the replies go out.
pub(crate) fn flush(shared: &Shared) {
    if shared.aof.pending.swap(false, Ordering::AcqRel) {
        let mut state = shared.aof.state.lock();
        flush_locked(shared, &mut state);
    }
}

fn flush_locked(shared: &Shared, state: &mut State) {
    let State { file: Some(file), buffer, written, size, .. } = state else { return };
    if buffer.is_empty() {
        return;
    }
    let config = shared.config();
    let mut stopwatch = Stopwatch::start(shared, &config);
    let mut note = |events: &[LatencyEvent]| {
        if let Some(stopwatch) = &mut stopwatch {
            stopwatch.stop(shared, events);
        }
    };
    if let us @ 1.. = shared.switches.aof_flush_sleep_us.load(Ordering::Relaxed) {
        shared.sleep(us);
    }
    let always = config.appendfsync() == AppendFsync::Always;
    let reached = shared.aof.reached.load(Ordering::Acquire);
    let result = file.write_all(buffer);
    note(&[LatencyEvent::AofWrite, LatencyEvent::AofWriteAny]);
    let result = result.and_then(|()| if always { file.sync_data() } else { Ok(()) });
    if always {
        note(&[LatencyEvent::AofFsyncAlways]);
    }
    match result {
        Ok(()) => {
            (*written, *size) = (*written + buffer.len() as u64, *size + buffer.len() as u64);
            buffer.clear();
            state.is_dirty = !always;
            if always {
                note_fsync(shared, reached);
            }
            if shared.aof.fails.swap(false, Ordering::Relaxed) {
                shared.log.warning("AOF write error looks solved, Redis can write again.");
            }
        }
        Err(error) => {
            // What has been written of it is taken back: it is written again as a whole.
            let _ = file.set_len(*written);
            if always {
                shared.log.warning(&format!(
                    "Can't recover from AOF write error when the AOF fsync policy is 'always' ({error}). Exiting..."
                ));
                std::process::exit(1);
            }
            state.error = error.to_string();
            shared.aof.pending.store(true, Ordering::Release);
            if !shared.aof.fails.swap(true, Ordering::Relaxed) {
                shared.log.warning(&format!("Error writing to the AOF file: {error}"));
            }
        }
    }
}

/// Everything up to `offset` is on disk: those who wait for that are told.
fn note_fsync(shared: &Shared, offset: u64) {
    // A history that begins anew may be behind the last one.
    if shared.aof.fsynced.swap(offset, Ordering::AcqRel) != offset {
        shared.replication.tell_waiters();
    }
}

/// Each second: what could not be written, fsync, and whether the file has grown enough to be rewritten.
pub(crate) async fn tick(shared: &Arc<Shared>, shards: &impl ShardAccess) {
    let config = shared.config();
    let (reached, written) = (shared.aof.reached.load(Ordering::Acquire), shared.replication.written());
    flush(shared);
    let files: io::Result<Vec<File>> = {
        let mut state = shared.aof.state.lock();
        // What is asked for is the disk's time for the rewrite, at the price of what a crash of the machine may cost.
        let is_spared = config.no_appendfsync_on_rewrite() && state.rewrite.is_some();
        let due = state.is_dirty && config.appendfsync() == AppendFsync::EverySecond && !is_spared;
        state.is_dirty &= !due;
        let current = state.file.as_ref().filter(|_| due).map(File::try_clone);
        std::mem::take(&mut state.unsynced).into_iter().filter(|_| due).map(Ok).chain(current).collect()
    };
    match files {
        // Nothing was appended since: what the stream has besides, PING and the like, needs no disk.
        Ok(files) if files.is_empty() && is_clean(shared) => note_fsync(shared, written),
        Ok(files) if files.is_empty() => {}
        Ok(files) => {
            let (files, synced) = sync(files).await;
            match synced {
                Ok(()) => note_fsync(shared, reached),
                Err(_) => {
                    // A failure shows at the next write, too.
                    let mut state = shared.aof.state.lock();
                    state.is_dirty = true;
                    state.unsynced.extend(files);
                }
            }
        }
        Err(_) => shared.aof.state.lock().is_dirty = true,
    }
    let due = {
        let state = shared.aof.state.lock();
        let percentage = u64::from(config.auto_aof_rewrite_percentage());
        let growth = state.size.saturating_sub(state.base_size) * 100 / state.base_size.max(1);
        let has_grown =
            percentage > 0 && state.size > config.auto_aof_rewrite_min_size() && growth >= percentage;
        shared.aof.is_on() && state.rewrite.is_none() && (has_grown || state.is_scheduled)
    };
    if config.appendonly() && !shared.aof.is_on() {
        shared.aof.reconsider();
    }
    if due {
        // What forbids it now may be over the next time.
        let _ = begin_rewrite(shared, shards, Kind::Rewrite);
    }
}

/// All that is to be appended is on disk.
fn is_clean(shared: &Shared) -> bool {
    let state = shared.aof.state.lock();
    shared.aof.is_on() && !state.is_dirty && state.buffer.is_empty()
}

/// Has the disk take what was written to these files; gives them back.
async fn sync(files: Vec<File>) -> (Vec<File>, io::Result<()>) {
    let syncing = tokio::task::spawn_blocking(move || {
        let synced = files.iter().try_for_each(File::sync_data);
        (files, synced)
    });
    syncing.await.unwrap_or_else(|error| (Vec::new(), Err(io::Error::other(error))))
}

/// Why a base is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// The present files are to be replaced.
    Rewrite,
    /// There are none yet, or none that count.
    Begin,
}

/// BGREWRITEAOF; a later one begins with a tick.
///
/// # Errors
/// A rewrite is under way, or its files cannot be made.
pub(crate) fn ask_for_rewrite(
    shared: &Shared,
    shards: &dyn WholeKeyspace,
    when: When,
) -> Result<Saving, ErrorReply> {
    {
        let mut state = shared.aof.state.lock();
        if state.rewrite.is_some() {
            return Err(ErrorReply::other("ERR Background append only file rewriting already in progress"));
        }
        if when == When::Later {
            state.is_scheduled = true;
            return Ok(Saving::Scheduled);
        }
    }
    begin_rewrite(shared, shards, Kind::Rewrite)
}

/// What a base is made of.
fn form(config: &Config) -> Form {
    if config.aof_use_rdb_preamble() { Form::Rdb } else { Form::Commands }
}

/// What a base of commands begins with: the time, where the file tells it.
fn front_of(config: &Config, now: UnixMs) -> Vec<u8> {
    match form(config) {
        Form::Commands if config.aof_timestamp_enabled() => format!("#TS:{}\r\n", now.as_secs()).into_bytes(),
        Form::Commands | Form::Rdb => Vec::new(),
    }
}

fn begin_rewrite(shared: &Shared, shards: &dyn WholeKeyspace, kind: Kind) -> Result<Saving, ErrorReply> {
    let mut bytes = front_of(&shared.config(), shared.now());
    let mut switched = fs::create_dir_all(folder(&shared.config())).context("cannot make the folder");
    let front = &mut || {
        if switched.is_ok() {
            switched = begin_increment(shared, kind);
        }
        let facts = [vec![(AOF_BASE, "1".to_owned())] as Vec<Aux>, crate::handoff::facts(shared)].concat();
        persist::front(shared, facts)
    };
    let config = shared.config();
    let snapshot = Snapshot::begin_in(form(&config), shards, shared.now(), &config, &mut bytes, front);
    if let Err(error) = switched {
        shared.log.warning(&format!("Can't begin a new append-only file: {error:#}"));
        Snapshot::end_any(shards);
        return Err(ErrorReply::other(format!("ERR {error:#}")));
    }
    let mut state = shared.aof.state.lock();
    let Some(snapshot) = snapshot else {
        state.is_scheduled = true;
        return Ok(Saving::Scheduled);
    };
    (state.begun, state.is_scheduled) = (Some((snapshot, bytes)), false);
    shared.aof.wanted.notify_one();
    Ok(Saving::Started)
}

/// While all shards are in hand: what is written from now on goes to a new increment.
fn begin_increment(shared: &Shared, kind: Kind) -> anyhow::Result<()> {
    let config = shared.config();
    let mut state = shared.aof.state.lock();
    flush_locked(shared, &mut state);
    if !state.buffer.is_empty() {
        // What waits is in the snapshot that begins: behind it, it would be executed twice.
        bail!("what is written cannot be appended: {}", state.error);
    }
    let part = state.manifest.next_increment(config.appendfilename());
    let file = create(&folder(&config).join(&part.name))?;
    if shared.aof.is_on() || kind == Kind::Rewrite {
        let mut manifest = state.manifest.clone();
        manifest.increments.push(part.clone());
        write_manifest(&config, &manifest)?;
        state.manifest = manifest;
    }
    state.rewrite = Some(Rewrite { at: Instant::now(), first: part });
    if shared.aof.is_on() || kind == Kind::Begin {
        if let Some(before) = state.file.replace(file).filter(|_| state.is_dirty) {
            state.unsynced.push(before);
        }
        state.written = 0;
        state.stream.restart();
        shared.aof.on.store(true, Ordering::Release);
    }
    Ok(())
}

/// An empty file, written at its end whatever has been cut off.
fn create(path: &Path) -> anyhow::Result<File> {
    let file = OpenOptions::new().create(true).append(true).open(path);
    let file = file.and_then(|file| file.set_len(0).map(|()| file));
    file.with_context(|| format!("cannot make the file {}", path.display()))
}

fn write_manifest(config: &Config, manifest: &Manifest) -> anyhow::Result<()> {
    let path = manifest_path(config);
    files::replace(&path, manifest.text().as_bytes(), Sync::Now)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Writes new bases, one after the other, when they are asked for; follows `appendonly`.
pub(crate) async fn serve<A: ShardAccess>(server: Arc<Server<A>>) {
    let shared = &server.shared;
    let mut stop = shared.watch_stop();
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = shared.aof.wanted.notified() => {}
        }
        let shards = server.engine.shards();
        match (shared.config().appendonly(), shared.aof.is_on()) {
            (true, false) => start_at_run_time(shared, shards),
            (false, true) => stop_at_run_time(shared),
            _ => {}
        }
        let begun = shared.aof.state.lock().begun.take();
        if let Some((snapshot, bytes)) = begun {
            tokio::select! {
                () = rewrite(&server, snapshot, bytes) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }
}

fn start_at_run_time(shared: &Shared, shards: &impl ShardAccess) {
    // Why it cannot is in the log; where it has to wait, it is tried again each second.
    let _ = begin_rewrite(shared, shards, Kind::Begin);
}

fn stop_at_run_time(shared: &Shared) {
    close(shared);
    shared.aof.on.store(false, Ordering::Release);
    shared.aof.state.lock().file = None;
}

/// Writes everything, and returns once it is on disk.
pub(crate) fn close(shared: &Shared) {
    flush(shared);
    let state = shared.aof.state.lock();
    if let Some(file) = &state.file {
        shared.log.notice("Calling fsync() on the AOF file.");
        // There is nobody left to tell.
        let _ = file.sync_all();
    }
}

/// Writes a base while clients are served, and lets it take the place of the files before.
async fn rewrite<A: ShardAccess>(server: &Server<A>, snapshot: Snapshot, bytes: Vec<u8>) {
    let shared = &server.shared;
    shared.log.notice("Background append only file rewriting started");
    let result = match write_base(server, snapshot, bytes).await {
        Ok(base) => take_base(shared, base),
        Err(error) => Err(error.into()),
    };
    let mut state = shared.aof.state.lock();
    let rewrite = state.rewrite.take();
    state.last_rewrite_secs = rewrite.map(|rewrite| rewrite.at.elapsed().as_secs());
    state.last_rewrite_failed = result.is_err();
    // Without a base there is nothing that could be loaded: it is tried again.
    state.is_scheduled |= result.is_err() && state.manifest.base.is_none();
    match result {
        Ok(()) => {
            state.rewrites += 1;
            shared.log.notice("Background AOF rewrite finished successfully");
        }
        Err(error) => shared.log.warning(&format!("Background AOF rewrite failed: {error:#}")),
    }
}

async fn write_base<A: ShardAccess>(
    server: &Server<A>,
    snapshot: Snapshot,
    piece: Vec<u8>,
) -> io::Result<Part> {
    let shared = &server.shared;
    let config = shared.config();
    let base = shared.aof.state.lock().manifest.next_base(config.appendfilename(), snapshot.form());
    let target = folder(&config).join(&base.name);
    let file = SnapshotFile::create_at(&config, "temp-rewriteaof-bg", &target, snapshot.form());
    persist::write_beside(shared, server.engine.shards(), snapshot, piece, file).await?;
    Ok(base)
}

/// The manifest says from now on that everything begins with `base`; then the files before it go.
fn take_base(shared: &Shared, base: Part) -> anyhow::Result<()> {
    let config = shared.config();
    let mut state = shared.aof.state.lock();
    let first = state.rewrite.as_ref().map_or(0, |rewrite| rewrite.first.seq);
    let old = state.manifest.clone();
    let (mut increments, mut history): (Vec<Part>, Vec<Part>) =
        old.increments.into_iter().partition(|part| part.seq >= first);
    if let Some(Rewrite { first, .. }) = state.rewrite.as_ref().filter(|_| increments.is_empty()) {
        increments.push(first.clone());
    }
    history.extend(old.base);
    let manifest = Manifest { base: Some(base), increments, history: Vec::new() };
    write_manifest(&config, &manifest)?;
    remove_beside(history.iter().map(|part| folder(&config).join(&part.name)).collect());
    state.size = size_of_all(&config, &manifest);
    (state.base_size, state.manifest) = (state.size, manifest);
    Ok(())
}

/// Removes files while clients are served: large ones take the disk some time.
fn remove_beside(paths: Vec<PathBuf>) {
    tokio::task::spawn_blocking(move || {
        for path in paths {
            // It is in no manifest any more: that it stays is a waste of room, no more.
            let _ = fs::remove_file(path);
        }
    });
}

fn size_of_all(config: &Config, manifest: &Manifest) -> u64 {
    let parts = manifest.base.iter().chain(&manifest.increments);
    let len = |part: &Part| fs::metadata(folder(config).join(&part.name)).map_or(0, |meta| meta.len());
    parts.map(len).sum()
}
