//! `COMMAND` says of every command what Redis 7.2 says: arity, flags, keys, ACL categories, tips.

use std::fs;
use std::path::Path;

use slotway_tests::command_table::{CommandTable, of_reply, of_server, of_text};
use slotway_tests::server::Server;

/// Commands that Redis 7.2 does not have.
const OF_VALKEY: [&str; 5] = [
    "cluster|cancelslotmigrations",
    "cluster|getslotmigrations",
    "cluster|migrateslots",
    "cluster|slot-stats",
    "cluster|syncslots",
];

#[test]
fn commands_are_described_as_by_redis() {
    let none: [&str; 0] = [];
    let server = Server::slotway(&none);
    let (ours, golden) = (of_server(&mut server.connect()), golden());
    let wrong: Vec<String> = ours
        .iter()
        .filter(|(name, line)| !OF_VALKEY.contains(&name.as_str()) && golden.get(*name) != Some(line))
        .map(|(name, line)| {
            format!("ours:   {line}\ntheirs: {}", golden.get(name).map_or("", String::as_str))
        })
        .collect();
    assert!(wrong.is_empty(), "{} commands:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_command_of_redis_is_served() {
    let none: [&str; 0] = [];
    let server = Server::slotway(&none);
    let ours = of_server(&mut server.connect());
    let missing: Vec<String> = golden().into_keys().filter(|name| !ours.contains_key(name)).collect();
    assert!(missing.is_empty(), "not served: {}", missing.join(" "));
}

#[test]
fn command_info_answers_what_command_answers() {
    let none: [&str; 0] = [];
    let server = Server::slotway(&none);
    let mut connection = server.connect();
    let all = of_server(&mut connection);
    let names: Vec<&str> = all.keys().map(String::as_str).collect();
    let request = [&["COMMAND", "INFO"], &names[..]].concat();
    assert_eq!(of_reply(&connection.call(&request)), all);
}

fn golden() -> CommandTable {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/command-7.2.txt");
    of_text(&fs::read_to_string(path).expect("the file is part of the repository"))
}
