//! The file of users, `aclfile`, and the users that the configuration declares.

use std::io;
use std::path::Path;

use anyhow::anyhow;
use slotway_engine::acl::{self, Acl};
use slotway_engine::config::Config;
use slotway_engine::node::Node as _;

use crate::files::{self, Sync};
use crate::shared::Shared;

/// Makes the users that redis.conf or the file of users tells of.
///
/// # Errors
/// Either is wrong, or there are both: the node must not start with other users than it was told.
pub(crate) fn load_at_start(shared: &Shared) -> anyhow::Result<()> {
    let config = shared.config();
    let notices = acl::ask(shared, |acl| acl.declare(&config)).map_err(|why| anyhow!("{why}"))?;
    notices.iter().for_each(|notice| shared.log.notice(notice));
    let file = config.aclfile();
    if file.is_empty() {
        return Ok(());
    }
    let aborted = |errors: String| anyhow!("Aborting Slotway startup because of ACL errors: {errors}");
    let text =
        read(file).map_err(|why| aborted(format!("Error loading ACLs, opening file '{file}': {why}")))?;
    let loaded = acl::ask(shared, |acl| acl.load(file, &text, config.acl_pubsub_default()));
    // Nobody is connected yet.
    loaded.map(drop).map_err(|errors| aborted(String::from_utf8_lossy(&errors).into_owned()))
}

/// The text of the file of users.
///
/// # Errors
/// It cannot be read, in the system's words.
pub(crate) fn read(file: &str) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| in_words_of_the_system(&error))
}

fn in_words_of_the_system(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(number) => nix::errno::Errno::from_raw(number).desc().to_owned(),
        None => error.to_string(),
    }
}

/// Puts `text` in the place of the file of users. False if that fails; the log then tells why.
pub(crate) fn write(shared: &Shared, text: &[u8]) -> bool {
    let written = files::replace(Path::new(shared.config().aclfile()), text, Sync::Now);
    if let Err(error) = &written {
        shared.log.warning(&format!("Writing ACL file for ACL SAVE: {error}"));
    }
    written.is_ok()
}

/// The users as CONFIG REWRITE writes them: none where a file has them.
pub(crate) fn for_rewrite(config: &Config, acl: &Acl) -> Vec<String> {
    match config.aclfile() {
        "" => acl.lines().map(|line| String::from_utf8_lossy(&line).into_owned()).collect(),
        _ => Vec::new(),
    }
}
