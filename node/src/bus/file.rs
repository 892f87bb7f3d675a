//! nodes.conf on disk: one process's at a time, replaced in one moment, its predecessor kept beside it.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::files::{self, Sync};
use crate::log::Log;

/// The file, and the lock that says whose it is.
pub(super) struct ConfFile {
    path: PathBuf,
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
    pub(super) fn write_or_exit(&self, text: &str, sync: Sync, log: &Log) {
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
        let text = match fs::read_to_string(&path) {
            Ok(text) => Some(text).filter(|text| !text.trim().is_empty()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error).with_context(|| format!("can't read {name}")),
        };
        Ok((Self { path, _lock: lock }, text))
    }

    /// What to do about a file that makes no sense.
    pub(super) fn help(&self) -> String {
        format!(
            "Unrecoverable error: corrupted cluster config file {}. Its predecessor is {}: put it in its place if the node was not \
             stopped long ago, or remove the file to begin as a new node",
            self.path.display(),
            beside(&self.path, ".old").display()
        )
    }

    fn write_or_exit(&self, text: &str, sync: Sync, log: &Log) {
        if let Err(error) = self.write(text, sync) {
            log.warning(&format!("Fatal: can't update cluster config file {}: {error}", self.path.display()));
            std::process::exit(1);
        }
    }

    /// The predecessor is kept where the new text must be durable: those written in between may be lost anyhow.
    fn write(&self, text: &str, sync: Sync) -> io::Result<()> {
        if sync == Sync::Now {
            self.keep_predecessor();
        }
        files::replace(&self.path, text.as_bytes(), sync)
    }

    fn keep_predecessor(&self) {
        let old = beside(&self.path, ".old");
        let _ = fs::remove_file(&old);
        match fs::hard_link(&self.path, &old) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            // Not all file systems can; a copy does it there.
            Err(_) => drop(fs::copy(&self.path, &old)),
        }
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}
