//! As whom the process runs.
//!
//! A container starts as root, so that a folder of the host that is mounted into it can be handed over; then nothing more is done as root:
//! `run-as-user` says who goes on. This is what the entry points of other images do with a shell, `chown` and `gosu`. Without the
//! capabilities for it (`--cap-drop ALL`), root has no more power than others, and stays.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

use anyhow::{Context as _, bail};
use nix::errno::Errno;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{self, AccessFlags, Gid, Group, Uid, User};
use slotway_engine::config::Config;

/// A user and its group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Identity {
    uid: Uid,
    gid: Gid,
}

/// If this process is root and is to run as somebody else: hands its folders over, and is that user from here on. Must happen while
/// there is one thread. Returns what deserves a line in the log.
///
/// # Errors
/// The user does not exist.
pub(crate) fn step_down(config: &Config) -> anyhow::Result<Option<String>> {
    let wanted = config.run_as_user();
    if wanted.is_empty() || !unistd::geteuid().is_root() {
        return Ok(None);
    }
    let identity = Identity::find(wanted)?;
    // What is written from here on is nobody else's, as in the images of Redis, unless the container says otherwise.
    let mask = umask(Mode::from_bits_truncate(0o077));
    if mask != Mode::from_bits_truncate(0o022) {
        umask(mask);
    }
    for folder in folders(config) {
        hand_over(&folder, identity);
    }
    match become_user(identity) {
        Ok(()) => Ok(None),
        Err(Errno::EPERM) => Ok(Some(format!(
            "Started as root without the capabilities to become user '{wanted}': going on as root"
        ))),
        Err(error) => Err(error).with_context(|| format!("cannot become user '{wanted}'")),
    }
}

/// A sentence if files are to be kept, and the working folder cannot be written by this process.
pub(crate) fn folder_trouble(config: &Config) -> Option<String> {
    let keeps_files = !config.save().is_empty() || config.appendonly() || config.cluster_enabled();
    if keeps_files { trouble_with(Path::new(config.dir())) } else { None }
}

fn trouble_with(folder: &Path) -> Option<String> {
    let flags = AccessFlags::W_OK | AccessFlags::X_OK;
    let error = unistd::eaccess(folder, flags).err()?;
    let (uid, gid) = (unistd::geteuid(), unistd::getegid());
    Some(format!(
        "The folder '{}' cannot be written by user {uid} of group {gid} ({}). Give it to that user (chown {uid}:{gid}), start as a user that owns it, \
         or name another folder with 'dir'.",
        folder.display(),
        error.desc()
    ))
}

/// The working folder, and that of the log.
fn folders(config: &Config) -> Vec<PathBuf> {
    let here = if config.dir().is_empty() { env::current_dir().ok() } else { Some(config.dir().into()) };
    let log = Path::new(config.logfile()).parent().filter(|parent| parent.is_absolute()).map(Path::to_owned);
    // Started in `/` or `/etc`, by mistake or without a volume: that is nobody's to give away.
    here.into_iter()
        .chain(log)
        .filter(|folder| folder.parent().is_some() && !is_of_the_system(folder))
        .collect()
}

fn is_of_the_system(folder: &Path) -> bool {
    const SYSTEM: [&str; 14] = [
        "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/proc", "/root", "/run", "/sbin", "/sys", "/tmp",
        "/usr", "/var",
    ];
    let folder = fs::canonicalize(folder).unwrap_or_else(|_| folder.into());
    SYSTEM.iter().any(|system| folder == Path::new(system))
        || folder.starts_with("/proc")
        || folder.starts_with("/dev")
}

/// Gives a folder, made if it is missing, and all in it to a user, as far as that is allowed: what cannot be given away may still be writable.
fn hand_over(path: &Path, to: Identity) {
    let _ = fs::create_dir_all(path);
    let mut left = vec![path.to_owned()];
    while let Some(path) = left.pop() {
        if give(&path, to).is_ok_and(|is_folder| is_folder) {
            left.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        }
    }
}

/// Gives one file away, a link itself and not what it leads to. True for a folder.
fn give(path: &Path, to: Identity) -> io::Result<bool> {
    use std::os::unix::fs::{MetadataExt as _, lchown};
    let metadata = fs::symlink_metadata(path)?;
    if metadata.uid() != to.uid.as_raw() {
        lchown(path, Some(to.uid.as_raw()), None)?;
    }
    Ok(metadata.is_dir())
}

fn become_user(identity: Identity) -> Result<(), Errno> {
    unistd::setgroups(&[identity.gid])?;
    unistd::setgid(identity.gid)?;
    unistd::setuid(identity.uid)
}

impl Identity {
    /// The user of `user` or `user:group`, by name or number.
    fn find(text: &str) -> anyhow::Result<Self> {
        let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
        let (uid, own_group) = match user.parse() {
            Ok(number) => (Uid::from_raw(number), Gid::from_raw(number)),
            Err(_) => match User::from_name(user)? {
                Some(user) => (user.uid, user.gid),
                None => bail!("run-as-user: there is no user '{user}'"),
            },
        };
        let gid = match group.map(|group| (group, group.parse())) {
            None => own_group,
            Some((_, Ok(number))) => Gid::from_raw(number),
            Some((group, Err(_))) => match Group::from_name(group)? {
                Some(group) => group.gid,
                None => bail!("run-as-user: there is no group '{group}'"),
            },
        };
        Ok(Self { uid, gid })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(uid: u32, gid: u32) -> Identity {
        Identity { uid: Uid::from_raw(uid), gid: Gid::from_raw(gid) }
    }

    #[test]
    fn users_are_found_by_number_and_by_name() {
        assert_eq!(Identity::find("999:998").unwrap(), identity(999, 998));
        assert_eq!(Identity::find("999").unwrap(), identity(999, 999));
        assert_eq!(Identity::find("root").unwrap(), identity(0, 0));
        assert_eq!(Identity::find("root:7").unwrap(), identity(0, 7));
        let nobody = Identity::find("no-such-user-here").unwrap_err().to_string();
        assert_eq!(nobody, "run-as-user: there is no user 'no-such-user-here'");
    }

    #[test]
    fn folders_of_the_system_are_not_given_away() {
        for system in ["/etc", "/var", "/tmp", "/proc/self"] {
            assert!(is_of_the_system(Path::new(system)), "{system}");
        }
        for data in ["/data", "/var/lib/slotway", "/var/log/redis"] {
            assert!(!is_of_the_system(Path::new(data)), "{data}");
        }
    }

    #[test]
    fn a_folder_that_can_be_written_is_no_trouble() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(trouble_with(folder.path()), None);
        let told = trouble_with(&folder.path().join("missing")).unwrap();
        assert!(told.contains("cannot be written by user") && told.contains("chown"), "{told}");
    }
}
