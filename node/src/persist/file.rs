//! The file of a snapshot, being written and being read.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use slotway_engine::config::Config;
use slotway_engine::rdb::{Footer, Seal};
use slotway_engine::snapshot::Form;

use crate::files;

/// Bytes read at once, at first.
const READ_LEN: usize = 1024 * 1024;

/// The leave to put a snapshot in the place of the last one: taken back when a later one is to have that place.
#[derive(Default)]
pub(super) struct Leave {
    is_taken_back: Mutex<bool>,
}

impl Leave {
    /// From now on the file does not take the place, unless it has it already.
    pub(super) fn take_back(&self) {
        *self.is_taken_back.lock() = true;
    }

    /// Whether it has been taken back.
    pub(super) fn is_taken_back(&self) -> bool {
        *self.is_taken_back.lock()
    }
}

/// A snapshot that is being written. Until it is finished it has another name, under which it is removed if it is dropped.
pub(crate) struct SnapshotFile {
    file: File,
    /// The end of a file in [`Form::Rdb`].
    seal: Option<Seal>,
    temporary: PathBuf,
    target: PathBuf,
    is_done: bool,
}

impl SnapshotFile {
    /// Of a node with `config`; `prefix` begins the name that it has until it is finished.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(crate) fn create(config: &Config, prefix: &str) -> io::Result<Self> {
        Self::create_at(config, prefix, Path::new(config.dbfilename()), Form::Rdb)
    }

    /// The same for a file at `target`, which is written in `form`.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(crate) fn create_at(config: &Config, prefix: &str, target: &Path, form: Form) -> io::Result<Self> {
        // Several nodes may live in one process, and share a folder.
        let name = format!("{prefix}-{}-{}.rdb", std::process::id(), config.known_port());
        let temporary = target.with_file_name(name);
        let footer = if config.rdbchecksum() { Footer::Checksum } else { Footer::Zero };
        Ok(Self {
            file: File::create(&temporary)?,
            seal: (form == Form::Rdb).then(|| Seal::new(footer)),
            temporary,
            target: target.into(),
            is_done: false,
        })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// The disk is full, or fails.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(seal) = &mut self.seal {
            seal.update(bytes);
        }
        self.file.write_all(bytes)
    }

    /// The same where nobody takes the leave back.
    ///
    /// # Errors
    /// As above.
    pub(crate) fn finish_plainly(self) -> io::Result<()> {
        self.finish(&Leave::default())
    }

    /// Writes the end, and puts the file in its place once it is on disk.
    ///
    /// # Errors
    /// The disk is full, or fails, or the leave has been taken back; the last snapshot is still there.
    pub(super) fn finish(mut self, leave: &Leave) -> io::Result<()> {
        if let Some(seal) = self.seal.take() {
            self.file.write_all(&seal.end())?;
        }
        self.file.sync_all()?;
        let is_taken_back = leave.is_taken_back.lock();
        if *is_taken_back {
            return Err(io::Error::other("it was ended"));
        }
        fs::rename(&self.temporary, &self.target)?;
        self.is_done = true;
        drop(is_taken_back);
        files::sync_folder_of(&self.target)
    }
}

impl Drop for SnapshotFile {
    fn drop(&mut self) {
        if !self.is_done {
            // It is of no use to anybody; where it cannot be removed, the log has told of the disk already.
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

/// A snapshot that is being read: bytes from where the last item has ended.
pub(super) struct Input {
    file: File,
    len: u64,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are done with.
    consumed: usize,
}

impl Input {
    /// Of the file at `path`; `None` if there is none.
    ///
    /// # Errors
    /// It is there, and cannot be read.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        match File::open(path) {
            Ok(file) => {
                let len = file.metadata()?.len();
                Ok(Some(Self { file, len, buffer: Vec::new(), consumed: 0 }))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Bytes of the whole file.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// What has been read and not been consumed.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.consumed..]
    }

    /// The first `len` bytes are done with.
    pub(super) fn consume(&mut self, len: usize) {
        self.consumed += len;
    }

    /// Reads on, twice as much as is there already: what is looked at again and again is looked at seldom then. Returns how much has come,
    /// 0 at the end.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn read_more(&mut self) -> io::Result<usize> {
        self.buffer.drain(..self.consumed);
        self.consumed = 0;
        let wanted = READ_LEN.max(self.buffer.len());
        (&mut self.file).take(wanted as u64).read_to_end(&mut self.buffer)
    }
}
