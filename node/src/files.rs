//! Files that a node reads and writes: its configuration.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The files that an `include` directive names, a pattern with `*` or one path: names and texts, in order.
///
/// # Errors
/// A file that is named outright, or found, cannot be read.
pub(crate) fn include(pattern: &str) -> Result<Vec<(String, String)>, String> {
    let paths = if pattern.contains(['*', '?', '[']) {
        glob::glob(pattern).map_err(|error| error.to_string())?.filter_map(Result::ok).collect()
    } else {
        vec![pattern.into()]
    };
    paths.iter().map(read_text).collect()
}

fn read_text(path: &PathBuf) -> Result<(String, String), String> {
    let name = path.display().to_string();
    let text =
        fs::read_to_string(path).map_err(|error| format!("can't open config file '{name}': {error}"))?;
    Ok((name, text))
}

/// Replaces the text of `path` by what `rewrite` makes of it, in one moment: whoever reads the file, and whatever fails, sees
/// the old text or the new one, whole.
///
/// # Errors
/// The file cannot be read, or the folder not be written.
pub(crate) fn rewrite(path: &Path, rewrite: impl FnOnce(&str) -> String) -> io::Result<()> {
    let old = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    replace(path, rewrite(&old).as_bytes(), Sync::Now)
}

/// When bytes must have reached the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Sync {
    /// Before the call returns.
    Now,
    /// When the system likes: a power failure may leave the old file in its place. What is in the new one is whole all the same.
    Whenever,
    /// Never by this process: a power failure may leave anything in the file's place. The caller keeps what was there before.
    Never,
}

/// Writes `bytes` beside `path`, and puts them in its place.
///
/// # Errors
/// The folder cannot be written; what was there is still there.
pub(crate) fn replace(path: &Path, bytes: &[u8], sync: Sync) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".tmp-{}", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = File::create(&temporary).and_then(|mut file| {
        file.write_all(bytes)?;
        if sync == Sync::Never { Ok(()) } else { file.sync_all() }
    });
    if let Err(error) = written.and_then(|()| fs::rename(&temporary, path)) {
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    match sync {
        Sync::Whenever | Sync::Never => Ok(()),
        Sync::Now => sync_folder_of(path),
    }
}

/// Returns once a file and its name are on disk.
///
/// # Errors
/// It cannot be read, or the disk fails.
pub(crate) fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    sync_folder_of(path)
}

/// Returns once the name of a file that has been made or renamed is on disk.
///
/// # Errors
/// The folder cannot be read, or the disk fails.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}
