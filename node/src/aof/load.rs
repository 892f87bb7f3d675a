//! From the files to the keyspace, at the start.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::{Context as _, anyhow, bail};
use slotway_engine::node::{Merge, Node as _};
use slotway_engine::replay::{End, Replay};
use slotway_engine::session::Session;
use slotway_engine::shards::{ShardAccess, WholeKeyspace as _};
use slotway_engine::snapshot::{AOF_BASE, Snapshot, Stale};

use super::manifest::{Manifest, Part};
use super::{create, folder, form, front_of, manifest_path, size_of_all, write_manifest};
use crate::huge_pages;
use crate::persist::{self, Loaded, Loading, Purpose, SnapshotFile, Source};
use crate::server::Server;

/// Bytes read at once.
const READ_LEN: usize = 1024 * 1024;
/// What begins a file that begins with a snapshot.
const SNAPSHOT: &[u8] = b"REDIS";

/// Loads the append-only file that the node begins with, or begins one.
///
/// # Errors
/// A file is missing, damaged, or cannot be read or written.
pub(crate) fn load<A: ShardAccess>(server: &Server<A>) -> anyhow::Result<Loaded> {
    let (shared, config) = (&server.shared, server.shared.config());
    fs::create_dir_all(folder(&config))
        .with_context(|| format!("Can't make the folder {}", config.appenddirname()))?;
    let began = Instant::now();
    let manifest = match fs::read_to_string(manifest_path(&config)) {
        Ok(text) => Some(Manifest::parse(&text).context("The AOF manifest is damaged")?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(error).context("Can't read the AOF manifest"),
    };
    let mut manifest = adopt(server, manifest)?;
    huge_pages::follow(size_of_all(&config, &manifest));
    let is_new = load_parts(server, &manifest)? == 0;
    if !is_new {
        shared.log.notice(&format!(
            "DB loaded from append only file: {:.3} seconds",
            began.elapsed().as_secs_f64()
        ));
    }
    // Beside increments a base would hold what is in them once more.
    if manifest.base.is_none() && manifest.increments.is_empty() {
        manifest.base = Some(write_first_base(server, &manifest)?);
    }
    let part = match manifest.increments.last() {
        Some(part) => part.clone(),
        None => {
            let part = manifest.next_increment(config.appendfilename());
            create(&folder(&config).join(&part.name))?;
            manifest.increments.push(part.clone());
            part
        }
    };
    write_manifest(&config, &manifest)?;
    let path = folder(&config).join(&part.name);
    let file = OpenOptions::new().append(true).open(&path);
    let file = file.with_context(|| format!("Can't open {} to append to it", path.display()))?;
    let mut state = shared.aof.state.lock();
    state.written = file.metadata()?.len();
    state.size = size_of_all(&config, &manifest);
    (state.base_size, state.file, state.manifest) = (state.size, Some(file), manifest);
    shared.aof.on.store(true, Ordering::Release);
    Ok(if is_new { Loaded::Nothing } else { Loaded::File })
}

/// Loads the files that `manifest` names, and returns how many there are.
fn load_parts<A: ShardAccess>(server: &Server<A>, manifest: &Manifest) -> anyhow::Result<usize> {
    let config = server.shared.config();
    let parts: Vec<&Part> = manifest.base.iter().chain(&manifest.increments).collect();
    for (index, part) in parts.iter().enumerate() {
        let path = folder(&config).join(&part.name);
        let is_last = index + 1 == parts.len();
        Reading { server, path: &path, is_last }
            .run()
            .with_context(|| format!("The append only file {} can't be loaded", part.name))?;
    }
    Ok(parts.len())
}

/// Replaces the data by what the append-only file holds; by nothing where there is none.
///
/// # Errors
/// A file is missing, damaged, or cannot be read.
pub(crate) fn reload<A: ShardAccess>(server: &Server<A>) -> anyhow::Result<()> {
    let Server { shared, engine } = server;
    super::flush(shared);
    engine.shards().each_shard(&mut |shard| {
        shard.flush_all();
    });
    // What is loaded is in the file already.
    let was_on = shared.aof.on.swap(false, Ordering::AcqRel);
    let manifest = shared.aof.state.lock().manifest.clone();
    let result = load_parts(server, &manifest);
    shared.aof.on.store(was_on, Ordering::Release);
    result?;
    shared.log.warning("Append Only File loaded by DEBUG LOADAOF");
    Ok(())
}

/// Without a manifest there may be one file, as before Redis 7: it becomes the base. The manifest is written first; one that names that file
/// only, which is not in the folder, tells of a start that ended in between.
fn adopt<A: ShardAccess>(server: &Server<A>, manifest: Option<Manifest>) -> anyhow::Result<Manifest> {
    let config = server.shared.config();
    let name = config.appendfilename().to_owned();
    let (old, new) = (PathBuf::from(&name), folder(&config).join(&name));
    let adopted = Manifest { base: Some(Part { name: name.clone(), seq: 1 }), ..Manifest::default() };
    let was_begun = manifest.as_ref().is_some_and(|manifest| *manifest == adopted) && !new.exists();
    match manifest {
        Some(manifest) if !(was_begun && old.is_file()) => return Ok(manifest),
        None if !old.is_file() => return Ok(Manifest::default()),
        Some(_) | None => {}
    }
    write_manifest(&config, &adopted)?;
    fs::rename(&old, new).with_context(|| format!("Can't move {name}"))?;
    server.shared.log.notice("Successfully migrated an old-style AOF");
    Ok(adopted)
}

/// A base of what there is: nothing, in a new node.
fn write_first_base<A: ShardAccess>(server: &Server<A>, manifest: &Manifest) -> anyhow::Result<Part> {
    let Server { shared, engine } = server;
    let (config, shards) = (shared.config(), engine.shards());
    let mut bytes = front_of(&config, shared.now());
    let front = &mut || persist::front(shared, vec![(AOF_BASE, "1".to_owned())]);
    let snapshot = Snapshot::begin_in(form(&config), shards, shared.now(), &config, &mut bytes, front);
    let mut snapshot = snapshot.ok_or_else(|| anyhow!("a snapshot is under way"))?;
    let base = manifest.next_base(config.appendfilename(), snapshot.form());
    let target = folder(&config).join(&base.name);
    while snapshot.slice(shards, READ_LEN, &mut bytes) {}
    let mut file = SnapshotFile::create_at(&config, "temp-rewriteaof", &target, snapshot.form())?;
    file.write(&bytes)?;
    file.finish_plainly()?;
    Ok(base)
}

/// A file that is being loaded.
struct Reading<'a, A> {
    server: &'a Server<A>,
    path: &'a Path,
    /// Only of the last one the end may be missing.
    is_last: bool,
}

impl<A: ShardAccess> Reading<'_, A> {
    fn run(&self) -> anyhow::Result<()> {
        let mut file = File::open(self.path).context("cannot be opened")?;
        let mut head = [0; SNAPSHOT.len()];
        let begins_with_snapshot = file.read_exact(&mut head).is_ok() && head == SNAPSHOT;
        let start = if begins_with_snapshot { self.snapshot()? } else { 0 };
        self.commands(file, start)
    }

    /// Loads the snapshot at the beginning. Returns where it ends.
    fn snapshot(&self) -> anyhow::Result<u64> {
        let Server { shared, engine } = self.server;
        let (stale, merge, purpose) = (Stale::Keep, Merge::Refuse, Purpose::Keys);
        let source = Source { path: self.path, stale, merge, purpose };
        let mut loading = Loading::begin(shared, engine.shards(), engine.hasher(), source)?
            .ok_or_else(|| anyhow!("it is gone"))?;
        while loading.go_on(usize::MAX)? {}
        Ok(loading.finish())
    }

    /// Executes the commands from `start` on.
    fn commands(&self, mut file: File, start: u64) -> anyhow::Result<()> {
        let Server { shared, engine } = self.server;
        file.seek(SeekFrom::Start(start))?;
        let session =
            Session::new(shared.clients.next_id(), String::new(), String::new(), shared.now(), None);
        let mut replay = Replay::new(session, start);
        loop {
            let pending = replay.pending();
            let wanted = READ_LEN.max(pending.len()) as u64;
            let is_end = (&mut file).take(wanted).read_to_end(pending)? == 0;
            replay.execute(engine, &**shared)?;
            match replay.end() {
                _ if !is_end => {}
                End::Whole => return Ok(()),
                End::CutAt(whole) => return self.cut(whole),
            }
        }
    }

    /// The end of the file is missing: what is there of it goes, where that is allowed.
    fn cut(&self, whole: u64) -> anyhow::Result<()> {
        let shared = &self.server.shared;
        if !self.is_last || !shared.config().aof_load_truncated() {
            bail!(
                "Unexpected end of file reading the append only file at byte {whole}. You can: 1) Make a backup of your AOF file, then use redis-check-aof --fix. 2) Set 'aof-load-truncated' to yes and restart."
            );
        }
        shared.log.warning("!!! Warning: short read while loading the AOF file !!!");
        shared.log.warning(&format!(
            "AOF loaded anyway because aof-load-truncated is enabled: cut at byte {whole}"
        ));
        OpenOptions::new().write(true).open(self.path)?.set_len(whole).context("cannot be cut")
    }
}
