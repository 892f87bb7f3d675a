//! From the files to the keyspace, at the start.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::{Context as _, anyhow, bail};
use slotway_core::resp::decode::{Decoded, Decoder, Limits};
use slotway_engine::dispatch::Requests;
use slotway_engine::node::{Merge, Node as _};
use slotway_engine::session::{After, Session};
use slotway_engine::shards::ShardAccess;
use slotway_engine::snapshot::{Snapshot, Stale};

use super::manifest::{Manifest, Part};
use super::{create, folder, manifest_path, size_of_all, write_manifest};
use crate::persist::{Loaded, Loading, Purpose, SnapshotFile, Source};
use crate::server::Server;

/// Bytes read at once.
const READ_LEN: usize = 1024 * 1024;
/// What begins a file that begins with a snapshot.
const SNAPSHOT: &[u8] = b"REDIS";
/// What begins a line that only tells the time.
const ANNOTATION: &[u8] = b"\n#";

/// Loads the append-only file that the node begins with, or begins one.
///
/// # Errors
/// A file is missing, damaged, or cannot be read or written.
pub(crate) fn load<A: ShardAccess>(server: &Server<A>) -> anyhow::Result<Loaded> {
    let (shared, config) = (&server.shared, server.shared.config());
    fs::create_dir_all(folder(&config))
        .with_context(|| format!("Can't make the folder {}", config.appenddirname()))?;
    let began = Instant::now();
    let mut manifest = match fs::read_to_string(manifest_path(&config)) {
        Ok(text) => Manifest::parse(&text).context("The AOF manifest is damaged")?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => adopt(server)?,
        Err(error) => return Err(error).context("Can't read the AOF manifest"),
    };
    let parts: Vec<Part> = manifest.base.iter().chain(&manifest.increments).cloned().collect();
    for (index, part) in parts.iter().enumerate() {
        let path = folder(&config).join(&part.name);
        let is_last = index + 1 == parts.len();
        Reading { server, path: &path, is_last }.run().with_context(|| format!("AOF {}", part.name))?;
    }
    if !parts.is_empty() {
        shared.log.notice(&format!(
            "DB loaded from append only file: {:.3} seconds",
            began.elapsed().as_secs_f64()
        ));
    }
    if manifest.base.is_none() {
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
    Ok(if parts.is_empty() { Loaded::Nothing } else { Loaded::File })
}

/// Without a manifest there may be one file, as before Redis 7: it becomes the base.
fn adopt<A: ShardAccess>(server: &Server<A>) -> anyhow::Result<Manifest> {
    let config = server.shared.config();
    let old = PathBuf::from(config.appendfilename());
    if !old.is_file() {
        return Ok(Manifest::default());
    }
    let name = config.appendfilename().to_owned();
    fs::rename(&old, folder(&config).join(&name)).with_context(|| format!("Can't move {name}"))?;
    let manifest = Manifest { base: Some(Part { name, seq: 1 }), ..Manifest::default() };
    write_manifest(&config, &manifest)?;
    server.shared.log.notice("Successfully migrated an old-style AOF");
    Ok(manifest)
}

/// A base of what there is: nothing, in a new node.
fn write_first_base<A: ShardAccess>(server: &Server<A>, manifest: &Manifest) -> anyhow::Result<Part> {
    let Server { shared, engine } = server;
    let (config, shards) = (shared.config(), engine.shards());
    let base = manifest.next_base(config.appendfilename());
    let mut file = SnapshotFile::create_at(&config, "temp-rewriteaof", &folder(&config).join(&base.name))?;
    let mut bytes = Vec::new();
    let facts = &mut || vec![("aof-base", "1".to_owned())];
    let snapshot = Snapshot::begin(shards, shared.now(), &config, &mut bytes, facts);
    let mut snapshot = snapshot.ok_or_else(|| anyhow!("a snapshot is under way"))?;
    while snapshot.slice(shards, READ_LEN, &mut bytes) {}
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
        let mut session =
            Session::new(shared.clients.next_id(), String::new(), String::new(), shared.now(), true);
        session.is_primary_link = true;
        let limits = Limits { bulk_len_max: u64::MAX >> 1, authenticated: true };
        let (mut decoder, mut pending, mut replies) = (Decoder::default(), Vec::new(), Vec::new());
        // How much has been executed, and how much of it outside of transactions that are still open.
        let (mut executed, mut whole) = (start, start);
        loop {
            let wanted = READ_LEN.max(pending.len()) as u64;
            let is_end = (&mut file).take(wanted).read_to_end(&mut pending)? == 0;
            let (mut used, mut annotated) = (0, annotation(&pending));
            loop {
                let rest = &pending[used..];
                if rest.first() == Some(&b'#') {
                    let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { break };
                    (used, executed) = (used + end + 1, executed + end as u64 + 1);
                    annotated = used + annotation(&pending[used..]);
                    continue;
                }
                if rest.first().is_some_and(|byte| *byte != b'*') {
                    bail!(
                        "Bad file format reading the append only file at byte {executed}: make a backup of your AOF file, then use redis-check-aof --fix"
                    );
                }
                let mut decoded = decoder.decode(&rest[..annotated.max(used) - used], limits);
                if decoder.is_empty() {
                    // What looks like such a line is in the middle of a command.
                    decoded = decoder.decode(rest, limits);
                }
                if let Decoded::Broken(error) = decoded {
                    let text = String::from_utf8_lossy(&error.text()).into_owned();
                    bail!("Bad file format reading the append only file at byte {executed}: {text}");
                }
                if decoder.is_empty() {
                    break;
                }
                let requests = Requests { decoder: &decoder, buffer: rest };
                let tally = engine.execute(&**shared, &mut session, requests, &mut replies);
                if session.after != After::Continue || session.blocked.is_some() {
                    bail!("a command at byte {executed} or behind is none that is ever written there");
                }
                check(&replies, executed)?;
                replies.clear();
                if session.transaction.is_some() {
                    // The one that is still open begins with the last MULTI.
                    let multi = |index: &usize| decoder.request(rest, *index).is(0, "multi");
                    if let Some(begin) = (0..tally.requests).rev().find(multi) {
                        whole = executed + decoder.clone().consume_first(begin) as u64;
                    }
                }
                let len = decoder.consume_first(tally.requests);
                if session.transaction.is_none() {
                    whole = executed + len as u64;
                }
                (used, executed) = (used + len, executed + len as u64);
            }
            pending.drain(..used);
            if is_end {
                return if whole == executed && pending.is_empty() { Ok(()) } else { self.cut(whole) };
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

/// Where the next line begins that only tells the time; the end if there is none.
fn annotation(bytes: &[u8]) -> usize {
    bytes.windows(ANNOTATION.len()).position(|window| window == ANNOTATION).map_or(bytes.len(), |at| at + 1)
}

/// A command that is not known here has been lost: nothing is served then.
fn check(replies: &[u8], at: u64) -> anyhow::Result<()> {
    const UNKNOWN: &[u8] = b"-ERR unknown command";
    if replies.windows(UNKNOWN.len()).any(|window| window == UNKNOWN) {
        bail!("Unknown command reading the append only file at byte {at} or behind");
    }
    Ok(())
}
