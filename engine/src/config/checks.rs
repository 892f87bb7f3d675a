//! Rules for single text directives, beyond their being text.

use slotway_core::cluster::{Seed, Shape};
use slotway_core::id::NodeId;

use super::Reason;

/// Stands for the port of this node where only the form of a text matters.
const DEFAULT_PORT: u16 = 6379;

/// What a text directive may hold.
pub(super) type Check = fn(&str) -> Result<(), &'static str>;

/// Any text.
pub(super) fn anything(_: &str) -> Result<(), &'static str> {
    Ok(())
}

/// `dbfilename`: a file name, not a path.
pub(super) fn snapshot_name(name: &str) -> Result<(), &'static str> {
    base_name(name).then_some(()).ok_or("dbfilename can't be a path, just a filename")
}

/// `appendfilename`: a file name, not a path.
pub(super) fn append_name(name: &str) -> Result<(), &'static str> {
    match name {
        "" => Err("appendfilename can't be empty"),
        _ => base_name(name).then_some(()).ok_or("appendfilename can't be a path, just a filename"),
    }
}

/// `appenddirname`: a folder name, not a path.
pub(super) fn append_folder(name: &str) -> Result<(), &'static str> {
    match name {
        "" => Err("appenddirname can't be empty"),
        _ => base_name(name).then_some(()).ok_or("appenddirname can't be a path, just a dirname"),
    }
}

fn base_name(name: &str) -> bool {
    !name.contains(['/', '\\'])
}

/// `cluster-announce-hostname`.
pub(super) fn hostname(name: &str) -> Result<(), &'static str> {
    const LEN_MAX: usize = 255;
    if name.len() > LEN_MAX {
        return Err("Hostnames must be less than 256 characters");
    }
    let allowed = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
    allowed.then_some(()).ok_or("Hostnames may only contain alphanumeric characters, hyphens or dots")
}

/// `availability-zone`: it goes over the bus with its length in one byte.
pub(super) fn zone(name: &str) -> Result<(), &'static str> {
    const LEN_MAX: usize = 255;
    (name.len() <= LEN_MAX).then_some(()).ok_or("availability-zone must be at most 255 bytes")
}

/// `cluster-announce-human-nodename`: nothing that nodes.conf uses as a mark.
pub(super) fn human_nodename(name: &str) -> Result<(), &'static str> {
    let marked = name.contains(|letter| "!#$%&()*+:;<>?@[]^{|}~".contains(letter));
    (!marked).then_some(()).ok_or("Announced human node name contained invalid character")
}

/// `cluster-seeds`.
pub(super) fn seeds(list: &str) -> Result<(), &'static str> {
    Seed::parse_list(list, DEFAULT_PORT).map(drop)
}

/// `cluster-allow-ids`: names of nodes with blanks between them.
pub(super) fn node_ids(list: &str) -> Result<(), &'static str> {
    let are_ids = list.split_whitespace().all(|id| NodeId::parse(id.as_bytes()).is_some());
    are_ids
        .then_some(())
        .ok_or("cluster-allow-ids: expected names of nodes, 40 characters each, with blanks between them")
}

/// `cluster-init`.
pub(super) fn shape(text: &str) -> Result<(), &'static str> {
    if text.is_empty() { Ok(()) } else { Shape::parse(text).map(drop) }
}

const TITLE: &str = "template format is invalid or contains unknown variables";

/// `proc-title-template`: known variables in braces, and not empty once they are filled in.
pub(super) fn title_template(template: &str) -> Result<(), &'static str> {
    let (mut visible, mut rest) = (false, template);
    while let Some((literal, after)) = rest.split_once('{') {
        let (shows, after) =
            after.strip_prefix('{').map(|after| (true, after)).or_else(|| variable(after)).ok_or(TITLE)?;
        visible |= shows || has_ink(literal);
        rest = after;
    }
    (visible || has_ink(rest)).then_some(()).ok_or(TITLE)
}

/// Whether the variable at the start of `text` shows anything on an ordinary node, and what follows its brace; `None`
/// if there is no such variable.
fn variable(text: &str) -> Option<(bool, &str)> {
    let (name, rest) = text.split_once('}')?;
    match name {
        "title" | "server-mode" | "unixsocket" => Some((false, rest)),
        "listen-addr" | "port" | "tls-port" | "config-file" => Some((true, rest)),
        _ => None,
    }
}

fn has_ink(text: &str) -> bool {
    text.contains(|letter| letter != ' ')
}

/// Turns the outcome of a [`Check`] into what a directive reports.
pub(super) fn run(check: Check, text: &str) -> Result<(), Reason> {
    check(text).map_err(Reason::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn title_templates_need_known_names_and_something_to_show() {
        for good in ["{title} {port}", "{{", "a{{}", "{listen-addr}", "}", "x"] {
            assert_eq!(title_template(good), Ok(()), "{good}");
        }
        for bad in ["", "  ", "{title}", "{", "{title", "{xx}", "{server-mode}"] {
            assert_eq!(title_template(bad), Err(TITLE), "{bad}");
        }
    }

    #[test]
    fn file_names_are_not_paths() {
        assert!(snapshot_name("a/b").is_err() && snapshot_name("").is_ok() && snapshot_name("a.rdb").is_ok());
        assert!(append_name("").is_err() && append_folder("a\\b").is_err());
    }

    #[test]
    fn host_names_have_a_length_and_letters() {
        assert!(hostname("a-b.c9").is_ok() && hostname("").is_ok() && hostname("a_b").is_err());
        assert!(hostname(&"a".repeat(255)).is_ok() && hostname(&"a".repeat(256)).is_err());
    }

    #[test]
    fn node_names_keep_clear_of_marks() {
        assert!(human_nodename("my node, 1=a").is_ok() && human_nodename("a:b").is_err());
    }
}
