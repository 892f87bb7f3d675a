//! `slotway cluster backup`: a snapshot of each shard, taken as a replica takes it, and the picture of the cluster beside them.
//!
//! Each snapshot is of one moment; those of different shards are not of the same.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use indicatif::ProgressBar;
use slotway_core::id::NodeId;

use super::client::{Access, Client};
use super::console::{Console, count, table};
use super::exit::Stop;
use super::info;
use super::place::Place;
use super::reshard::must_be_whole;
use super::view::{Seen, View};

/// Length of the mark that ends a snapshot whose length the server does not know beforehand.
const MARK_LEN: usize = 40;
/// Bytes read at once.
const PIECE_LEN: usize = 64 * 1024;
/// How a snapshot begins.
const MAGIC: &[u8] = b"REDIS";

/// Write a snapshot of each shard, and the picture of the cluster, into a folder.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  slotway cluster backup 10.0.0.5:7000 /backup/2026-11-28

Takes each shard from a replica where one is in step, and writes HOST-PORT.rdb for each, and nodes.json. The folder must
be new or empty. A server started with one of these files as its dump.rdb has the shard's keys.")]
pub(super) struct Options {
    /// A node of the cluster
    #[arg(value_name = "HOST:PORT")]
    node: Place,
    /// Where to
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Tell which nodes would be asked, and ask none
    #[arg(long)]
    dry_run: bool,
}

/// A shard's snapshot: whose, and from whom.
struct Shard {
    primary: NodeId,
    from: NodeId,
    file: String,
}

pub(super) fn run(options: &Options, access: &Access, console: &Console) -> Result<(), Stop> {
    let view = View::load(access, &options.node)?;
    must_be_whole(&view, &options.node)?;
    let shards = shards(&view);
    let row = |shard: &Shard| vec![view.name(&shard.primary), view.name(&shard.from), shard.file.clone()];
    console.say(table(&["SHARD OF", "FROM", "FILE"], &shards.iter().map(row).collect::<Vec<_>>()));
    let told = |shard: &Shard| serde_json::json!({ "primary": view.name(&shard.primary), "from": view.name(&shard.from), "file": shard.file });
    let told: Vec<_> = shards.iter().map(told).collect();
    if options.dry_run {
        console.data(&serde_json::json!({ "dry_run": true, "shards": told }));
        return Ok(());
    }
    prepare(&options.folder)?;
    let bar = console.bar(shards.len() as u64, "shards");
    let mut bytes = 0;
    for shard in &shards {
        let place = view.member(&shard.from)?.client.place();
        let path = options.folder.join(&shard.file);
        bytes += fetch(access, place, &path, &bar)
            .map_err(|stop| stop.midway("The backup is not whole: begin it again in an empty folder."))?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    let picture = serde_json::json!({ "nodes": info::nodes(&view), "shards": told });
    let text = serde_json::to_vec_pretty(&picture).map_err(|error| Stop::interrupted(error.to_string()))?;
    write_whole(&options.folder.join("nodes.json"), |file| file.write_all(&text))?;
    console.say(format!("Wrote {} with {bytes} bytes.", count(shards.len(), "snapshot")));
    console.data(&serde_json::json!({ "shards": told, "bytes": bytes }));
    Ok(())
}

/// Each primary that has slots, with a replica that is in step, or itself.
fn shards(view: &View) -> Vec<Shard> {
    let serving = view.primaries().filter(|seen| !seen.slots().is_empty());
    let shard = |primary: &Seen| {
        let is_good = |seen: &&Seen| {
            let follows = seen.node().primary.map(|of| seen.topology.node(of).id) == Some(primary.id);
            follows && seen.is_in_step()
        };
        let from = view.seen().find(is_good).unwrap_or(primary);
        let place = primary.client.place();
        Shard {
            primary: primary.id,
            from: from.id,
            file: format!("{}-{}.rdb", place.host.replace(':', "_"), place.port),
        }
    };
    serving.map(shard).collect()
}

fn prepare(folder: &Path) -> Result<(), Stop> {
    let refused =
        |error: io::Error| Stop::refused(format!("The folder {} cannot be used: {error}.", folder.display()));
    fs::create_dir_all(folder).map_err(refused)?;
    match fs::read_dir(folder).map_err(refused)?.next() {
        Some(_) => {
            Err(Stop::refused(format!("The folder {} is not empty: give a new one.", folder.display())))
        }
        None => Ok(()),
    }
}

/// Takes a snapshot from a node; its length.
fn fetch(access: &Access, place: &Place, path: &Path, bar: &ProgressBar) -> Result<u64, Stop> {
    let patient =
        Access { timeout: access.timeout.max(std::time::Duration::from_secs(600)), ..access.clone() };
    let mut client = Client::connect(&patient, place)?;
    // Servers that know these need no file of their own, and keep no changes for us. Others refuse them, and send all the same.
    for words in [["REPLCONF", "capa", "eof"], ["REPLCONF", "rdb-only", "1"]] {
        client.ask(&words)?;
    }
    let (stream, place) = client.give_up_for(&["SYNC"])?;
    let failed =
        |error: io::Error| Stop::interrupted(format!("The snapshot of {place} did not come whole: {error}."));
    let mut stream = BufReader::with_capacity(PIECE_LEN, stream);
    let announced = header(&mut stream).map_err(failed)?;
    let mut len = 0;
    write_whole(path, |file| {
        len = match announced {
            Length::Known(len) => copy_known(&mut stream, file, len, bar)?,
            Length::UntilMark(mark) => copy_until(&mut stream, file, &mark, bar)?,
        };
        Ok(())
    })?;
    Ok(len)
}

/// How long a snapshot is.
#[derive(PartialEq, Eq, Debug)]
enum Length {
    Known(u64),
    UntilMark([u8; MARK_LEN]),
}

/// `$1234` or `$EOF:mark`, after empty lines by which the server says that it is at work.
fn header(stream: &mut impl io::BufRead) -> io::Result<Length> {
    loop {
        let mut line = Vec::new();
        // A line longer than this is no header.
        stream.by_ref().take(1024).read_until(b'\n', &mut line)?;
        let text = line.trim_ascii();
        let strange = || io::Error::other(format!("the node says '{}'", String::from_utf8_lossy(text)));
        match text {
            _ if line.is_empty() => return Err(io::ErrorKind::UnexpectedEof.into()),
            b"" => {}
            _ if text.starts_with(b"$EOF:") => {
                return text[5..].try_into().map(Length::UntilMark).map_err(|_| strange());
            }
            _ => {
                let len = text.strip_prefix(b"$").and_then(|len| std::str::from_utf8(len).ok()?.parse().ok());
                return len.map(Length::Known).ok_or_else(strange);
            }
        }
    }
}

fn copy_known(
    stream: &mut impl io::Read,
    file: &mut impl io::Write,
    len: u64,
    bar: &ProgressBar,
) -> io::Result<u64> {
    bar.set_message(format!("{len} bytes"));
    let copied = io::copy(&mut stream.take(len), file)?;
    if copied == len { Ok(len) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Copies up to the mark. The last bytes are held back, since they may be the beginning of it.
fn copy_until(
    stream: &mut impl io::Read,
    file: &mut impl io::Write,
    mark: &[u8; MARK_LEN],
    bar: &ProgressBar,
) -> io::Result<u64> {
    let (mut held, mut copied) = (Vec::with_capacity(PIECE_LEN + MARK_LEN), 0);
    let mut piece = vec![0; PIECE_LEN];
    loop {
        let read = stream.read(&mut piece)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        held.extend_from_slice(&piece[..read]);
        // The snapshot ends with its checksum, and the mark is random: it can stand at the end only.
        if let Some(at) = held.windows(MARK_LEN).position(|window| window == mark) {
            file.write_all(&held[..at])?;
            return Ok(copied + at as u64);
        }
        let sure = held.len().saturating_sub(MARK_LEN);
        file.write_all(&held[..sure])?;
        held.drain(..sure);
        copied += sure as u64;
        bar.set_message(format!("{copied} bytes"));
    }
}

/// Writes a file that is there whole or not at all.
fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut io::BufWriter<File>) -> io::Result<()>,
) -> Result<(), Stop> {
    let part = path.with_extension("part");
    let written = || -> io::Result<()> {
        let mut file = io::BufWriter::new(File::create(&part)?);
        write(&mut file)?;
        file.flush()?;
        file.get_ref().sync_all()?;
        fs::rename(&part, path)
    };
    let done = written().and_then(|()| check_magic(path));
    done.map_err(|error| {
        let _ = fs::remove_file(&part);
        Stop::interrupted(format!("{} was not written: {error}.", path.display()))
    })
}

fn check_magic(path: &Path) -> io::Result<()> {
    if path.extension().is_none_or(|extension| extension != "rdb") {
        return Ok(());
    }
    let mut begin = [0; MAGIC.len()];
    File::open(path)?.read_exact(&mut begin)?;
    if begin == MAGIC { Ok(()) } else { Err(io::Error::other("what came is no snapshot")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_header_are_read() {
        let read = |text: &[u8]| header(&mut BufReader::new(text)).ok();
        assert_eq!(read(b"\n\n$5\r\nREDIS"), Some(Length::Known(5)));
        assert_eq!(
            read(format!("\n$EOF:{}\r\n", "m".repeat(40)).as_bytes()),
            Some(Length::UntilMark([b'm'; 40]))
        );
        assert_eq!(read(b"-NOMASTERLINK no\r\n"), None);
        assert_eq!(read(b""), None);
    }

    #[test]
    fn a_mark_is_found_wherever_reads_cut_it() {
        struct Slow<'a>(&'a [u8], usize);
        impl io::Read for Slow<'_> {
            fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
                let len = self.1.min(self.0.len()).min(out.len());
                let (now, later) = self.0.split_at(len);
                out[..len].copy_from_slice(now);
                self.0 = later;
                Ok(len)
            }
        }
        let mark = [b'm'; MARK_LEN];
        let sent = [b"REDIS and more".as_slice(), &mark, b"what follows"].concat();
        for step in 1..=sent.len() {
            let mut out = Vec::new();
            let len = copy_until(&mut Slow(&sent, step), &mut out, &mark, &ProgressBar::hidden()).unwrap();
            assert_eq!((out.as_slice(), len), (b"REDIS and more".as_slice(), 14));
        }
        let cut = &sent[..30];
        assert!(copy_until(&mut Slow(cut, 7), &mut Vec::new(), &mark, &ProgressBar::hidden()).is_err());
    }
}
