//! What CONFIG knows beside redis-server: the same directives with the same values, and none without effect but those that are told.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use slotway_engine::config::without_effect;
use slotway_tests::server::Server;

/// What is told to whoever reads the documentation.
const TOLD: &str = include_str!("../../docs/directives.md");
/// What Redis 7.2 has, and the reference, 7.0.15, has not.
const OF_7_2: &[&str] = &[
    "cluster-announce-human-nodename",
    "locale-collate",
    "set-max-listpack-entries",
    "set-max-listpack-value",
];
/// Slotway's own, and Valkey's, a line each behind a comment.
const OWN: &str = include_str!("../data/own-directives.txt");
/// What 7.2 shows only to who asks for it by its full name.
const HIDDEN_IN_7_2: &[&str] = &["aof-disable-auto-gc"];
/// Paths and ports are each server's own.
const OF_THE_PLACE: &[&str] = &["dir", "port"];

#[test]
fn config_get_shows_what_redis_shows() {
    let (redis, slotway) = (Server::redis::<&str>(&[]), Server::slotway::<&str>(&[]));
    let (mut theirs, mut ours) = (all(&redis), all(&slotway));
    theirs.retain(|name, _| !HIDDEN_IN_7_2.contains(&name.as_str()));
    let own = OWN.lines().filter(|line| !line.starts_with('#'));
    for name in OF_7_2.iter().copied().chain(own) {
        assert!(ours.remove(name).is_some(), "{name} is not there");
    }
    let names = |shown: &BTreeMap<String, String>| shown.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&ours), names(&theirs));
    let differ = |(name, value): &(&String, &String)| {
        theirs[*name] != **value && !OF_THE_PLACE.contains(&name.as_str())
    };
    let different: Vec<_> =
        ours.iter().filter(differ).map(|(name, value)| (name, value, &theirs[name])).collect();
    assert!(different.is_empty(), "{different:?}");
}

fn all(server: &Server) -> BTreeMap<String, String> {
    let reply = server.connect().call(&["CONFIG", "GET", "*"]);
    let text = |value: &slotway_core::resp::value::Value| value.as_str().expect("text").to_owned();
    reply
        .to_pairs()
        .expect("names and values")
        .iter()
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

#[test]
fn the_documentation_tells_of_those_without_effect() {
    let rows =
        TOLD.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |")?.split_once("` | "));
    assert!(
        rows.eq(without_effect().iter().copied()),
        "docs/directives.md is the table of without_effect.rs"
    );
}

#[test]
fn what_has_an_accessor_is_read_by_somebody() {
    let sources = ["engine/src", "node/src", "lua/src"]
        .map(root)
        .iter()
        .flat_map(|folder| files(folder))
        .collect::<Vec<_>>();
    let (accessors, others): (Vec<_>, Vec<_>) =
        sources.iter().partition(|path| path.ends_with("config/accessors.rs"));
    let accessors = fs::read_to_string(accessors[0]).expect("the accessors have a file");
    let (table, of_accessors) =
        accessors.rsplit_once("\n}\n\n/// The limit of").expect("the table ends before that");
    let mut code =
        others.into_iter().map(|path| fs::read_to_string(path).expect("source is text")).collect::<String>();
    code.push_str(of_accessors);
    let (_, table) = table.rsplit_once("accessors! {").expect("it begins so");
    let names: Vec<&str> = table.lines().filter_map(|line| Some(line.trim().split_once(": ")?.0)).collect();
    assert!(names.len() > 100, "{names:?}");
    let unread: Vec<_> = names.into_iter().filter(|name| !code.contains(&format!(".{name}("))).collect();
    assert!(unread.is_empty(), "{unread:?}");
}

fn root(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder)
}

/// The source files of a folder and those in it, without tests.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let paths = entries.map(|entry| entry.expect("it can be read").path());
    let is_test = |path: &PathBuf| path.file_stem().is_some_and(|stem| stem == "tests" || stem == "testing");
    paths
        .filter(|path| !is_test(path))
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .collect()
}
