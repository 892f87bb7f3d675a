//! nodes.conf on disk: one process's at a time, replaced in one moment, its predecessor kept beside it.
//!
//! ```text
//!   nodes.conf         what the node knows. The end of the process leaves it whole, whenever that is
//!   nodes.conf.synced  only while nodes.conf has been written and not synced: the last that was. A power failure may leave nodes.conf
//!                      torn then, and this is taken in its place
//!   nodes.conf.old     what that was before: for whoever has to mend a disk that is damaged
//!   nodes.conf.lock    whose process it is
//! ```

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use slotway_core::cluster::nodes_conf;

use crate::files::{self, Sync};
use crate::log::Log;

/// The file, and the lock that says whose it is.
pub(super) struct ConfFile {
    path: PathBuf,
    /// The file on disk is whole, whatever fails: it has been synced since it was written.
    is_synced: bool,
    /// Held for the life of the process. A file of its own, since nodes.conf is replaced with each write.
    _lock: File,
}

/// Where a node's memory of its cluster is kept.
pub(super) enum Disk {
    File(ConfFile),
    /// Nowhere: the cluster lives as long as this process.
    Nowhere,
}

impl Disk {
    /// Puts `text` in the place of what was there, if anything is kept at all. A node that cannot must not go on: it would vote
    /// twice.
    pub(super) fn write_or_exit(&mut self, text: &str, sync: Sync, log: &Log) {
        if let Disk::File(file) = self {
            file.write_or_exit(text, sync, log);
        }
    }
}

impl ConfFile {
    /// Takes the file for this process, and reads it; `None` if there is nothing in it yet.
    ///
    /// # Errors
    /// Another process has it, or it cannot be read.
    pub(super) fn open(name: &str) -> anyhow::Result<(Self, Option<String>)> {
        let path = PathBuf::from(name);
        let lock_path = beside(&path, ".lock");
        let lock = File::create(&lock_path)
            .with_context(|| format!("can't open {} to lock the cluster config file", lock_path.display()))?;
        if let Err(error) = lock.try_lock() {
            bail!(
                "Sorry, the cluster configuration file {name} is already used by a different Redis Cluster node. \
                 Please make sure that different nodes use different cluster configuration files. ({error})"
            );
        }
        let synced = read(&beside(&path, SYNCED))?;
        let is_synced = synced.is_none();
        let text = match read(&path)? {
            Some(text) if is_synced || nodes_conf::is_whole(&text) => Some(text),
            None | Some(_) => synced,
        };
        Ok((Self { path, is_synced, _lock: lock }, text))
    }

    /// What to do about a file that makes no sense.
    pub(super) fn help(&self) -> String {
        format!(
            "Unrecoverable error: corrupted cluster config file {}. Its predecessor is {}: put it in its place if the node was not \
             stopped long ago, or remove the file to begin as a new node",
            self.path.display(),
            beside(&self.path, OLD).display()
        )
    }

    fn write_or_exit(&mut self, text: &str, sync: Sync, log: &Log) {
        if let Err(error) = self.write(text, sync) {
            log.warning(&format!("Fatal: can't update cluster config file {}: {error}", self.path.display()));
            std::process::exit(1);
        }
    }

    /// What must be durable is synced where it is, after its predecessor was kept: so file and name reach the disk by one commit of a journal.
    fn write(&mut self, text: &str, sync: Sync) -> io::Result<()> {
        match sync {
            Sync::Now if self.guard() => {
                files::replace(&self.path, text.as_bytes(), Sync::Never)?;
                files::sync(&self.path)?;
            }
            Sync::Never if self.guard() => {
                self.is_synced = false;
                return files::replace(&self.path, text.as_bytes(), Sync::Never);
            }
            Sync::Now => files::replace(&self.path, text.as_bytes(), Sync::Now)?,
            Sync::Never | Sync::Whenever => files::replace(&self.path, text.as_bytes(), Sync::Whenever)?,
        }
        self.is_synced = true;
        match fs::rename(beside(&self.path, SYNCED), beside(&self.path, OLD)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Has the last text that was synced lie beside the file. False where that cannot be.
    fn guard(&self) -> bool {
        let synced = beside(&self.path, SYNCED);
        // Not all file systems have links; a copy would have to be synced.
        !self.is_synced || fs::hard_link(&self.path, synced).is_ok()
    }
}

/// What is in a file, if there is anything.
fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match fs::read(path) {
        // What is no text is refused by whoever reads it.
        Ok(bytes) => {
            Ok(Some(String::from_utf8_lossy(&bytes).into_owned()).filter(|text| !text.trim().is_empty()))
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("can't read {}", path.display())),
    }
}

/// Endings of what lies beside the file.
const OLD: &str = ".old";
const SYNCED: &str = ".synced";

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A text that is whole.
    fn conf(epoch: u32) -> String {
        format!("vars currentEpoch {epoch} lastVoteEpoch 0\n")
    }

    /// What a node finds that is started after `written`, when the file itself holds `left` because the power failed.
    fn found_after(written: &[(u32, Sync)], left: Option<&str>) -> Option<String> {
        let dir = tempfile::tempdir().expect("a folder can be made");
        let path = dir.path().join("nodes.conf");
        let name = path.to_str().expect("it is text");
        let (mut file, _) = ConfFile::open(name).expect("it is nobody's");
        for (epoch, sync) in written {
            file.write(&conf(*epoch), *sync).expect("there is room");
        }
        drop(file);
        if let Some(left) = left {
            fs::write(&path, left).expect("there is room");
        }
        ConfFile::open(name).expect("it is nobody's").1
    }

    #[test]
    fn a_file_torn_before_it_was_synced_is_the_last_that_was() {
        let written = [(1, Sync::Now), (2, Sync::Now), (3, Sync::Never), (4, Sync::Never)];
        for torn in ["", "vars currentEp", "\0\0\0\0\n"] {
            assert_eq!(found_after(&written, Some(torn)), Some(conf(2)), "{torn:?}");
        }
        assert_eq!(found_after(&written, None), Some(conf(4)), "the end of a process loses nothing");
    }

    #[test]
    fn a_file_that_was_synced_has_nothing_beside_it_that_could_be_taken_in_its_place() {
        for sync in [Sync::Now, Sync::Whenever] {
            let written = [(1, Sync::Now), (2, Sync::Never), (3, sync)];
            assert_eq!(
                found_after(&written, Some("torn\n")),
                Some("torn\n".into()),
                "{sync:?}: it is refused"
            );
        }
    }
}
