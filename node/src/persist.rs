//! Snapshots on disk: written on demand, when they are due and before the end; loaded at the start.
//!
//! ```text
//!   SAVE, SHUTDOWN, DEBUG RELOAD    save: here and now
//!   BGSAVE, save points ----------> serve: a task beside the clients walks over the keys, slice by slice;
//!                                     a thread of its own writes, some slices behind (disk, file)
//!   start, DEBUG RELOAD             load
//! ```
//!
//! A file takes the place of the last one once it is whole and on disk: whatever fails before leaves that one alone.

mod disk;
mod file;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use parking_lot::Mutex;
use slotway_core::cluster::Dataset;
use slotway_core::resp::error::ErrorReply;
use slotway_core::time::UnixMs;
use slotway_engine::config::{AppendFsync, Config, SavePoint};
use slotway_engine::handoff::words;
use slotway_engine::keyspace::{DbIndex, KeyHasher};
use slotway_engine::node::{Merge, Node as _, Saves, Saving, Shutdown, When};
use slotway_engine::rdb::{ReadOptions, Reader, Step};
use slotway_engine::replication::Told;
use slotway_engine::script::{self, ScriptHost as _, Taken};
use slotway_engine::shards::{ShardAccess, WholeKeyspace};
use slotway_engine::snapshot::{Aux, Front, Loader, Noted, SLICE_LEN, Snapshot, Stale};
use slotway_engine::value::Limits;
use tokio::sync::Notify;
use tokio::task::yield_now;

use crate::server::Server;
use crate::shared::Shared;
use crate::{aof, handoff, huge_pages, replicate};
use disk::{Brake, Disk};
pub(crate) use file::SnapshotFile;
use file::{Input, Leave};

/// Bytes handed to the writing thread at once.
const PIECE_LEN: usize = 256 * 1024;
/// A snapshot that is due and has failed is tried again after so long.
const RETRY: Duration = Duration::from_secs(5);
/// How often a long load tells how far it is.
const PROGRESS: Duration = Duration::from_secs(2);

/// What a node knows of its snapshots.
#[derive(Default)]
pub(crate) struct Persist {
    state: Mutex<State>,
    /// The last one in the background failed.
    fails: AtomicBool,
    /// There is something to do for [`serve`].
    wanted: Notify,
}

#[derive(Default)]
struct State {
    /// The one that is being written in the background.
    saving: Option<Began>,
    /// It has begun, and nobody has taken it up yet; with what is written of it.
    begun: Option<(Snapshot, Vec<u8>)>,
    /// One is to be written as soon as that is possible.
    scheduled: bool,
    last_at: Option<UnixMs>,
    last_secs: Option<u64>,
    last_try: Option<Instant>,
    count: u64,
    /// The count of changes when the last one began.
    changes: u64,
    loaded: u64,
    expired: u64,
}

/// A snapshot in the background.
#[derive(Clone)]
struct Began {
    at: UnixMs,
    changes: u64,
    /// What it needs to take the place of the last one.
    leave: Arc<Leave>,
}

impl Persist {
    /// For INFO, where `changes` is the count of changes by now.
    pub(crate) fn saves(&self, started_at: UnixMs, changes: u64) -> Saves {
        let state = self.state.lock();
        Saves {
            changes: changes.saturating_sub(state.changes),
            began_at: state.saving.as_ref().map(|began| began.at),
            last_at: state.last_at.unwrap_or(started_at),
            failed: self.fails(),
            last_secs: state.last_secs,
            count: state.count,
            loaded: state.loaded,
            expired: state.expired,
        }
    }

    /// Whether the last snapshot in the background failed.
    pub(crate) fn fails(&self) -> bool {
        self.fails.load(Ordering::Relaxed)
    }
}

/// Begins a snapshot of the keys as they are now, and has it written in the background; a later one begins with a tick.
///
/// # Errors
/// One is being written; or one of another kind is under way, and it is to begin [`When::Now`].
pub(crate) fn begin_save(
    shared: &Shared,
    shards: &dyn WholeKeyspace,
    when: When,
) -> Result<Saving, ErrorReply> {
    let _whole = shared.replication.between_batches();
    let mut state = shared.persist.state.lock();
    if state.saving.is_some() {
        return Err(ErrorReply::SaveInProgress);
    }
    if when == When::Later {
        state.scheduled = true;
        return Ok(Saving::Scheduled);
    }
    let (at, changes) = (shared.now(), shared.stats.changes());
    let mut bytes = Vec::with_capacity(PIECE_LEN + SLICE_LEN);
    let Some(snapshot) =
        Snapshot::begin(shards, at, &shared.config(), &mut bytes, &mut || whole_front(shared))
    else {
        state.scheduled = when == When::Possible;
        return if state.scheduled { Ok(Saving::Scheduled) } else { Err(ErrorReply::SnapshotUnderWay) };
    };
    state.saving = Some(Began { at, changes, leave: Arc::default() });
    state.begun = Some((snapshot, bytes));
    state.scheduled = false;
    state.last_try = Some(Instant::now());
    shared.persist.wanted.notify_one();
    Ok(Saving::Started)
}

/// Begins a snapshot if one has been scheduled, or is due by `save`.
pub(crate) fn check_save_points(shared: &Shared, shards: &dyn WholeKeyspace) {
    let config = shared.config();
    let Saves { changes, last_at, began_at, failed, .. } = shared.saves();
    let (scheduled, last_try) = {
        let state = shared.persist.state.lock();
        (state.scheduled, state.last_try)
    };
    if began_at.is_some() || (failed && last_try.is_some_and(|at| at.elapsed() < RETRY)) {
        return;
    }
    if scheduled {
        // What forbids it may still do so.
        let _ = begin_save(shared, shards, When::Possible);
        return;
    }
    let elapsed_secs = shared.now().ms_since(last_at) / 1000;
    let is_due = |point: &&SavePoint| {
        changes >= u64::from(point.changes.unsigned_abs()) && elapsed_secs > point.seconds as u64
    };
    if let Some(SavePoint { seconds, changes }) = config.save().iter().find(is_due) {
        shared.log.notice(&format!("{changes} changes in {seconds} seconds. Saving..."));
        // Where one of another kind is under way, this one is still due when that has ended.
        let _ = begin_save(shared, shards, When::Possible);
    }
}

/// Writes snapshots in the background when it is asked to.
pub(crate) async fn serve<A: ShardAccess>(server: Arc<Server<A>>) {
    let shared = &server.shared;
    let mut stop = shared.watch_stop();
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = shared.persist.wanted.notified() => {}
        }
        let begun = shared.persist.state.lock().begun.take();
        if let Some((snapshot, bytes)) = begun {
            tokio::select! {
                () = save_beside(&server, snapshot, bytes) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }
}

/// Writes a snapshot while clients are served.
async fn save_beside<A: ShardAccess>(server: &Server<A>, snapshot: Snapshot, bytes: Vec<u8>) {
    let shared = &server.shared;
    shared.log.notice(&format!("Background saving started by pid {}", std::process::id()));
    let Some(began) = shared.persist.state.lock().saving.clone() else { return };
    let file = SnapshotFile::create(&shared.config(), "temp-bg");
    let result = walk(shared, server.engine.shards(), snapshot, bytes, file, &began.leave).await;
    let persist = &shared.persist;
    let mut state = persist.state.lock();
    if began.leave.is_taken_back() {
        return;
    }
    state.saving = None;
    state.last_secs = Some(shared.now().ms_since(began.at) / 1000);
    match result {
        Ok(()) => {
            shared.log.notice("DB saved on disk");
            shared.log.notice("Background saving terminated with success");
            (state.changes, state.last_at, state.count) =
                (began.changes, Some(shared.now()), state.count + 1);
            persist.fails.store(false, Ordering::Relaxed);
        }
        Err(error) => {
            shared.log.warning(&format!("Background saving error: {error}"));
            persist.fails.store(true, Ordering::Relaxed);
        }
    }
}

/// Writes a snapshot that nobody takes back while clients are served; `piece` is what there is of it.
///
/// # Errors
/// The file could not be made, or not be written.
pub(crate) async fn write_beside(
    shared: &Shared,
    shards: &impl ShardAccess,
    snapshot: Snapshot,
    piece: Vec<u8>,
    file: io::Result<SnapshotFile>,
) -> io::Result<()> {
    walk(shared, shards, snapshot, piece, file, &Arc::default()).await
}

/// Walks over all keys, between the commands of clients, and has written what it finds, behind the bytes of `piece`.
async fn walk(
    shared: &Shared,
    shards: &impl ShardAccess,
    mut snapshot: Snapshot,
    mut piece: Vec<u8>,
    file: io::Result<SnapshotFile>,
    leave: &Arc<Leave>,
) -> io::Result<()> {
    if file.is_err() {
        Snapshot::end_any(shards);
    }
    let disk = Disk::start(file?, Arc::clone(leave));
    let brake = Brake::new(shared, shards);
    let mut goes_on = true;
    let mut is_wanted = true;
    while goes_on {
        goes_on = snapshot.slice(shards, SLICE_LEN, &mut piece);
        if (piece.len() >= PIECE_LEN || !goes_on) && is_wanted {
            let full = std::mem::replace(&mut piece, Vec::with_capacity(PIECE_LEN + SLICE_LEN));
            is_wanted = brake.while_waiting(disk.write(full)).await;
            if !is_wanted {
                snapshot.give_up(shards);
            }
        }
        if let Ok(delay_us @ 1..) = u64::try_from(shared.config().rdb_key_save_delay())
            && goes_on
        {
            brake.sleep(Duration::from_micros(delay_us)).await;
        }
        yield_now().await;
    }
    drop(brake);
    disk.end().await
}

/// Writes a snapshot here and now.
///
/// # Errors
/// One is being written in the background, or it cannot be written: the log tells why.
pub(crate) fn save(shared: &Shared, shards: &dyn WholeKeyspace) -> Result<(), ErrorReply> {
    if shared.persist.state.lock().saving.is_some() {
        return Err(ErrorReply::SaveInProgress);
    }
    let changes = shared.stats.changes();
    match write_all(shared, shards) {
        Ok(()) => {
            let mut state = shared.persist.state.lock();
            (state.changes, state.last_at, state.count) = (changes, Some(shared.now()), state.count + 1);
            shared.persist.fails.store(false, Ordering::Relaxed);
            shared.log.notice("DB saved on disk");
            Ok(())
        }
        Err(error) => {
            shared.log.warning(&format!("Error saving the DB: {error}"));
            Err(ErrorReply::NotSaved)
        }
    }
}

/// FLUSHALL has removed all keys: with save points the file follows at once, lest a restart bring them back; behind the snapshot that is
/// under way, if one is. Says whether it has followed.
pub(crate) fn save_flushed(shared: &Shared, shards: &dyn WholeKeyspace) -> bool {
    if shared.config().save().is_empty() {
        return false;
    }
    let saved = save(shared, shards).is_ok();
    shared.persist.state.lock().scheduled |= !saved;
    saved
}

fn write_all(shared: &Shared, shards: &dyn WholeKeyspace) -> io::Result<()> {
    let config = shared.config();
    let mut file = SnapshotFile::create(&config, "temp")?;
    let mut piece = Vec::with_capacity(PIECE_LEN + SLICE_LEN);
    let whole = shared.replication.between_batches();
    let Some(mut snapshot) =
        Snapshot::begin(shards, shared.now(), &config, &mut piece, &mut || whole_front(shared))
    else {
        return Err(io::Error::other("another snapshot is under way"));
    };
    drop(whole);
    let mut goes_on = true;
    while goes_on {
        goes_on = snapshot.slice(shards, PIECE_LEN, &mut piece);
        if let Err(error) = file.write(&piece) {
            Snapshot::end_any(shards);
            return Err(error);
        }
        piece.clear();
    }
    file.finish(&Leave::default())
}

/// What a file tells in front of its keys: where the stream stands, with all shards in hand, and that no commands follow its keys.
fn whole_front(shared: &Shared) -> Front {
    front(shared, [replicate::facts(shared), vec![("aof-base", "0".into())], handoff::facts(shared)].concat())
}

/// These facts, and the libraries of functions.
pub(crate) fn front(shared: &Shared, facts: Vec<Aux>) -> Front {
    Front { facts, libraries: Some(shared.scripts.libraries()) }
}

/// Saves what must be saved, and stops the node.
///
/// # Errors
/// It cannot be saved: then the node goes on, unless it is to end by force.
pub(crate) fn shut_down(
    shared: &Shared,
    how: Shutdown,
    shards: &dyn WholeKeyspace,
) -> Result<(), ErrorReply> {
    end_background_save(shared, shards);
    aof::close(shared);
    if how.save.unwrap_or(!shared.config().save().is_empty()) {
        shared.log.notice("Saving the final RDB snapshot before exiting.");
        let saved = save(shared, shards);
        if saved.is_err() && !how.force {
            shared.log.warning("Error trying to save the DB, can't exit.");
            return Err(ErrorReply::ShutdownFailed);
        }
    }
    shared.stop();
    Ok(())
}

fn end_background_save(shared: &Shared, shards: &dyn WholeKeyspace) {
    let mut state = shared.persist.state.lock();
    state.begun = None;
    if let Some(began) = state.saving.take() {
        began.leave.take_back();
        shared.log.warning("There is a background save under way. It is ended.");
        Snapshot::end_any(shards);
    }
}

/// Loads the file that the node begins with, if there is one, and tells the control plane what has been found.
///
/// # Errors
/// There is one, and it cannot be loaded.
pub(crate) fn load_at_start<A: ShardAccess>(server: &Server<A>) -> anyhow::Result<()> {
    let Server { engine, shared } = server;
    let config = shared.config();
    let began = Instant::now();
    // What nodes.conf says, whether this is a replica first of all, is carried out before.
    shared.with_cluster(&mut |_, _| {});
    let loaded = match config.appendonly() {
        true => aof::load(server),
        false => load_file(shared, engine.shards(), engine.hasher(), Merge::Refuse, Purpose::Start),
    };
    let dataset = match loaded {
        Ok(Loaded::Nothing) => Dataset::Absent,
        Ok(Loaded::File) if config.appendonly() && config.appendfsync() == AppendFsync::Always => {
            Dataset::Whole
        }
        Ok(Loaded::File) => Dataset::Older,
        Err(error) => {
            shared.log.warning(&format!("{error:#}"));
            return Err(anyhow!("Fatal error loading the DB, check server logs. Exiting."));
        }
    };
    if dataset != Dataset::Absent && !config.appendonly() {
        shared.log.notice(&format!("DB loaded from disk: {:.3} seconds", began.elapsed().as_secs_f64()));
    }
    replicate::begin_stream(shared);
    shared.started_with(dataset);
    Ok(())
}

/// What there was to load.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loaded {
    /// No file.
    Nothing,
    /// One, and it is loaded.
    File,
}

/// Puts the keys of the file into `shards`.
///
/// # Errors
/// The file cannot be read, or is damaged; or it has keys that cannot be here.
pub(crate) fn load(
    shared: &Shared,
    shards: &dyn WholeKeyspace,
    hasher: &KeyHasher,
    merge: Merge,
) -> anyhow::Result<Loaded> {
    load_file(shared, shards, hasher, merge, Purpose::Keys)
}

fn load_file(
    shared: &Shared,
    shards: &dyn WholeKeyspace,
    hasher: &KeyHasher,
    merge: Merge,
    purpose: Purpose,
) -> anyhow::Result<Loaded> {
    let config = shared.config();
    let stale = if shared.replication.follows() { Stale::Keep } else { Stale::Skip };
    let source = Source { path: Path::new(config.dbfilename()), stale, merge, purpose };
    let Some(mut loading) = Loading::begin(shared, shards, hasher, source)? else {
        return Ok(Loaded::Nothing);
    };
    while loading.go_on(usize::MAX)? {}
    loading.finish();
    Ok(Loaded::File)
}

/// Which file is loaded, and how.
pub(crate) struct Source<'a> {
    /// Where it is.
    pub(crate) path: &'a Path,
    /// What becomes of keys whose expiry has passed.
    pub(crate) stale: Stale,
    /// What becomes of keys that are there already.
    pub(crate) merge: Merge,
    pub(crate) purpose: Purpose,
}

/// What is wanted of a snapshot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Its keys.
    Keys,
    /// The node starts: what it has copied or given to others goes on from there, too.
    Start,
}

/// A snapshot that is being loaded.
pub(crate) struct Loading<'a> {
    shared: &'a Shared,
    config: Arc<Config>,
    name: String,
    input: Input,
    reader: Reader,
    loader: Loader<'a>,
    hasher: &'a KeyHasher,
    purpose: Purpose,
    merge: Merge,
    /// Where the stream stood, as far as the file has told.
    told: Told,
    progress_at: Instant,
}

impl<'a> Loading<'a> {
    /// Begins; `None` if there is no such file.
    ///
    /// # Errors
    /// There is one, and it cannot be read.
    pub(crate) fn begin(
        shared: &'a Shared,
        shards: &'a dyn WholeKeyspace,
        hasher: &'a KeyHasher,
        source: Source<'_>,
    ) -> anyhow::Result<Option<Self>> {
        let (config, name) = (shared.config(), source.path.display().to_string());
        let input = Input::open(source.path).with_context(|| format!("Can't open the RDB file {name}"))?;
        huge_pages::follow(input.as_ref().map_or(0, Input::len));
        let loader = Loader::new(shards, hasher, shared.now(), source.stale);
        let loader = if source.merge == Merge::Replace { loader.merging() } else { loader };
        let reader = Reader::new(ReadOptions { verifies_checksum: config.rdbchecksum() });
        let (purpose, merge) = (source.purpose, source.merge);
        let (told, progress_at) = (Told::default(), Instant::now());
        let begun = |input| Self {
            shared,
            config,
            name,
            input,
            reader,
            loader,
            hasher,
            purpose,
            merge,
            told,
            progress_at,
        };
        Ok(input.map(begun))
    }

    /// Loads up to `items` items. False at the end.
    ///
    /// # Errors
    /// The file is damaged, or has keys that cannot be here. What has been loaded before stays.
    pub(crate) fn go_on(&mut self, items: usize) -> anyhow::Result<bool> {
        for _ in 0..items {
            let Self { config, name, input, reader, loader, hasher, .. } = self;
            let limits = Limits { config, hasher };
            match reader
                .next(input.bytes(), &limits)
                .with_context(|| format!("The RDB file {name} is damaged"))?
            {
                Step::Item { item, consumed } => {
                    input.consume(consumed);
                    let noted =
                        loader.take(item).with_context(|| format!("The RDB file {name} does not fit"))?;
                    self.note(noted).with_context(|| format!("The RDB file {} does not fit", self.name))?;
                }
                Step::Incomplete => {
                    if input.read_more().with_context(|| format!("Can't read the RDB file {name}"))? == 0 {
                        let error = reader.unexpected_end(input.bytes().len());
                        return Err(error).with_context(|| format!("The RDB file {name} is cut off"));
                    }
                }
                Step::End { .. } => return Ok(false),
            }
            if self.progress_at.elapsed() >= PROGRESS {
                self.tell_progress();
            }
        }
        Ok(true)
    }

    fn tell_progress(&mut self) {
        self.progress_at = Instant::now();
        let percent = self.reader.offset() * 100 / self.input.len().max(1);
        let keys = self.loader.loaded;
        self.shared.log.notice(&format!("Loading the RDB file: {percent} %, {keys} keys"));
    }

    /// Takes note of what the file says besides its keys. Facts come before all keys.
    ///
    /// # Errors
    /// A library of functions cannot be loaded.
    fn note(&mut self, noted: Noted) -> anyhow::Result<()> {
        let shared = self.shared;
        match &noted {
            Noted::Aux(name, value) => {
                let before = self.told.saved();
                self.told.take(name, value);
                if let (None, Some(saved), Purpose::Start) = (before, self.told.saved(), self.purpose) {
                    replicate::restore(shared, saved);
                }
            }
            Noted::Expired(db, key) if self.purpose == Purpose::Start => {
                replicate::expired_at_start(shared, *db, key)
            }
            Noted::Function(code) => self.load_library(code)?,
            Noted::Expired(..) | Noted::EmptyKey(_) | Noted::Nothing => {}
        }
        tell(shared, noted);
        Ok(())
    }

    fn load_library(&self, code: &[u8]) -> anyhow::Result<()> {
        let taken = if self.merge == Merge::Replace { Taken::Replace } else { Taken::Refuse };
        let log = |level, line: &[u8]| self.shared.log_at(level, &String::from_utf8_lossy(line));
        let loaded =
            script::Loading { host: &self.shared.scripts, patience_ms: None, log: &log }.library(code, taken);
        loaded.map_err(|error| {
            let text = ErrorReply::from(error).to_string();
            anyhow!("Failed loading a library of functions: {}", text.trim_start_matches("ERR "))
        })
    }

    /// The database that the stream had selected where the snapshot was made.
    pub(crate) fn stream_db(&self) -> DbIndex {
        self.told.db()
    }

    /// Notes what has been loaded. Returns how many bytes of the file it was.
    pub(crate) fn finish(self) -> u64 {
        let Loader { loaded, expired, .. } = self.loader;
        self.shared.log.notice(&format!("Done loading RDB, keys loaded: {loaded}, keys expired: {expired}."));
        let mut state = self.shared.persist.state.lock();
        (state.loaded, state.expired) = (loaded, expired);
        self.reader.offset()
    }
}

/// Tells of what the file says besides its keys, as far as it matters.
fn tell(shared: &Shared, noted: Noted) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match noted {
        Noted::Aux(name, value) if name == b"redis-ver" => {
            shared.log.notice(&format!("Loading RDB produced by version {}", text(&value)));
        }
        Noted::Aux(name, value) if name == b"ctime" => {
            let made = text(&value).parse().unwrap_or(0_u64);
            let age = shared.now().as_secs().saturating_sub(made);
            shared.log.notice(&format!("RDB age {age} seconds"));
        }
        Noted::EmptyKey(key) => {
            shared.log.notice(&format!("The RDB file has an empty key, which is left out: {}", text(&key)));
        }
        Noted::Aux(name, value) if name == words::FACT.as_bytes() => shared.handoff.track_text(&text(&value)),
        Noted::Aux(..) | Noted::Expired(..) | Noted::Function(_) | Noted::Nothing => {}
    }
}
