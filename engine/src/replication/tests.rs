//! A log that is read, cut and continued; a stream that is executed.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use slotway_core::replication::{FullSync, History, ReplId, Resume};
use slotway_core::time::Instant;

use super::*;
use crate::config::OutputLimit;
use crate::keyspace::DbIndex;
use crate::node::LinkPhase;
use crate::session::ClientId;
use crate::testing::TestClient;

const NO_LIMIT: OutputLimit = OutputLimit { hard_bytes: 0, soft_bytes: 0, soft_seconds: 0 };
const READER: ClientId = ClientId(1);

fn id(byte: u8) -> ReplId {
    ReplId::from_random([byte; 20])
}

/// A log of ten bytes, which somebody has read up to the fifth.
fn read_to_the_fifth() -> Log {
    let mut log = Log::new(id(0));
    let History { offset, .. } = log.begin_snapshot(|| id(1));
    log.read_from(READER, offset);
    log.append(b"0123456789", 0);
    assert_eq!(log.read(READER, NO_LIMIT, 5, &mut Vec::new()), Ok(true));
    log.append(b"", 0);
    log
}

#[test]
fn what_was_written_before_anybody_read_is_in_nobodys_history() {
    let mut log = Log::new(id(0));
    log.append(b"xyz", 100);
    assert_eq!(log.begin(READER, Some(Resume { id: id(0), next: 1 })), Err(FullSync::NoBacklog));
    let history = log.begin_snapshot(|| id(1));
    assert_eq!(history, History { id: id(1), offset: 3, before: None });
    assert_eq!(log.begin_snapshot(|| id(2)), history, "a second snapshot begins no other one");
}

#[test]
fn a_reader_gets_what_it_has_not_and_what_it_has_is_dropped() {
    let (mut log, mut out) = (read_to_the_fifth(), Vec::new());
    assert_eq!(log.backlog().map(|backlog| (backlog.first, backlog.len)), Some((6, 5)));
    assert_eq!(log.read(READER, NO_LIMIT, 100, &mut out), Ok(true));
    assert_eq!(out, b"56789");
    assert_eq!(log.read(READER, NO_LIMIT, 100, &mut out), Ok(false));
    let back = ClientId(2);
    assert_eq!(log.begin(back, Some(Resume { id: id(1), next: 9 })), Ok(id(1)));
    assert_eq!(log.read(back, NO_LIMIT, 100, &mut out), Ok(true));
    assert_eq!(out, b"89");
    assert_eq!((log.syncs().full, log.syncs().partial), (0, 1));
}

#[test]
fn a_reader_is_cut_off_when_it_lies_too_far_behind_or_the_data_is_replaced() {
    let (mut log, mut out) = (read_to_the_fifth(), Vec::new());
    let limit = OutputLimit { hard_bytes: 4, ..NO_LIMIT };
    assert_eq!(log.read(READER, limit, 100, &mut out), Err(CutOff::TooFarBehind));
    log.part();
    assert_eq!(log.read(READER, NO_LIMIT, 100, &mut out), Err(CutOff::HistoryEnded));
}

#[test]
fn a_promoted_replica_goes_on_under_another_name_and_is_followed_without_a_snapshot() {
    let mut log = Log::new(id(0));
    log.adopt(History { offset: 40, ..History::new(id(1)) });
    log.append(b"0123456789", 100);
    log.lead(id(2));
    log.append(b"ab", 100);
    assert_eq!(log.begin(READER, Some(Resume { id: id(1), next: 51 })), Ok(id(2)));
    assert_eq!(log.begin(READER, Some(Resume { id: id(1), next: 52 })), Err(FullSync::OtherHistory));
}

#[test]
fn a_primary_that_was_loaded_is_followed_from_where_it_was_saved() {
    let saved = Saved { id: id(7), offset: 50, db: DbIndex(3) };
    let mut log = Log::new(id(1));
    log.restore_as_primary(Instant::from_ms(0), saved);
    log.append(b"ab", 100);
    assert_eq!(log.begin(READER, Some(Resume { id: id(7), next: 51 })), Ok(id(1)));
    assert_eq!(log.begin(READER, Some(Resume { id: id(7), next: 52 })), Err(FullSync::OtherHistory));
    let too_old = Err(FullSync::TooOld { first_kept: 51 });
    assert_eq!(log.begin(READER, Some(Resume { id: id(7), next: 50 })), too_old);
}

#[test]
fn what_was_loaded_asks_to_go_on_under_the_name_that_it_was_saved_under() {
    let saved = Saved { id: id(7), offset: 50, db: DbIndex(0) };
    let mut log = Log::new(id(1));
    log.restore_as_replica(saved);
    assert_eq!(log.history().resume(), Resume { id: id(7), next: 51 });
    // A primary whose place somebody has taken meanwhile: as long as it has written nothing of its own.
    let restored = || {
        let mut log = Log::new(id(1));
        log.restore_as_primary(Instant::from_ms(0), saved);
        log
    };
    let mut log = restored();
    log.be_replica();
    assert_eq!(log.history().resume(), Resume { id: id(7), next: 51 });
    let mut log = restored();
    log.append(b"a", 100);
    log.be_replica();
    assert_eq!(log.history().resume(), Resume { id: id(1), next: 52 });
    let mut log = restored();
    assert_eq!(log.begin(READER, Some(Resume { id: id(7), next: 51 })), Ok(id(1)));
    log.be_replica();
    assert_eq!(log.history().id, id(1), "the reader knows it by this name");
}

#[test]
fn the_backlog_goes_when_nobody_has_needed_it_for_long_enough() {
    let mut log = read_to_the_fifth();
    let at = Instant::from_ms;
    assert!(!log.forget(at(1_000_000), 500, || id(3)), "somebody reads it");
    log.leave(at(1000), READER);
    assert!(!log.forget(at(1499), 500, || id(3)));
    assert!(log.forget(at(1500), 500, || id(3)));
    assert_eq!((log.backlog(), log.history().id), (None, id(3)));
}

#[test]
fn data_is_as_fresh_as_the_link_and_none_before_the_first_snapshot() {
    let (at, mut link) = (Instant::from_ms, Link::default());
    link.be_replica(at(1), &Log::new(id(0)), None);
    link.set_phase(at(5), LinkPhase::Sync);
    assert_eq!(link.fresh_at(), None, "nothing has come yet");
    link.has_data = true;
    link.set_phase(at(9), LinkPhase::Connected);
    assert_eq!(link.fresh_at(), Some(at(9)));
    link.set_phase(at(20), LinkPhase::Down);
    link.set_phase(at(30), LinkPhase::Connecting);
    assert_eq!(link.fresh_at(), Some(at(20)), "an attempt to connect is no news of the data");
    link.drop_data();
    assert_eq!(link.fresh_at(), None);
    let mut primary = Link::default();
    primary.be_replica(at(40), &read_to_the_fifth(), None);
    assert_eq!(primary.fresh_at(), Some(at(40)), "what it wrote may be the beginning of what the other has");
}

#[test]
fn answers_to_psync_are_read_as_they_are_written() {
    let asked = Some(Resume { id: id(1), next: 7 });
    let full = Answer::Full(History { offset: 12, ..History::new(id(2)) });
    for answer in [Answer::Continue(Some(id(2))), Answer::Continue(None), full] {
        assert_eq!(Answer::parse(&answer.format(), asked), Some(answer));
    }
    assert_eq!(Answer::parse("+CONTINUE", None), None, "nobody goes on from nowhere");
    assert_eq!(Answer::parse("-ERR no", asked), None);
    assert_eq!(Answer::asked_by(None), ("?".into(), "-1".into()));
}

/// Executes `input` and gives what has been counted, and what is left.
fn apply(applier: &mut Applier, client: &TestClient, input: &[u8]) -> (Vec<u8>, usize) {
    let mut counted = Vec::new();
    let applied =
        client.apply(applier, input, |bytes| counted.extend_from_slice(bytes)).expect("a primary's stream");
    (counted, input.len() - applied.used)
}

#[test]
fn a_transaction_counts_once_it_is_whole() {
    let mut client = TestClient::new();
    let mut session = client.session.clone();
    session.is_primary_link = true;
    let mut applier = Applier::new(Box::new(session));
    let (begun, rest) =
        (b"*1\r\n$5\r\nMULTI\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n", b"*1\r\n$4\r\nEXEC\r\n");
    assert_eq!(apply(&mut applier, &client, begun), (Vec::new(), 0));
    assert_eq!(client.run("GET a"), "$-1\r\n");
    assert_eq!(apply(&mut applier, &client, &rest[..4]), (Vec::new(), 4), "a command that is cut waits");
    assert_eq!(apply(&mut applier, &client, rest), ([&begun[..], &rest[..]].concat(), 0));
    assert_eq!(client.run("GET a"), "$1\r\n1\r\n");
}

#[test]
fn what_comes_before_an_open_transaction_counts_though_the_link_is_lost_in_it() {
    let mut client = TestClient::new();
    let mut session = client.session.clone();
    session.is_primary_link = true;
    let mut applier = Applier::new(Box::new(session));
    let request = |words: &str| {
        let words: Vec<&str> = words.split(' ').collect();
        let args = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
        format!("*{}\r\n{}", words.len(), args.collect::<String>())
    };
    let stream: Vec<String> =
        ["INCR a", "MULTI", "INCR a", "EXEC", "INCR a", "MULTI", "INCR a", "EXEC"].map(request).into();
    let whole = stream[..5].concat();
    let (counted, left) = apply(&mut applier, &client, stream[..7].concat().as_bytes());
    assert_eq!((String::from_utf8(counted).unwrap(), left), (whole, 0));
    // The link is lost, and the primary goes on from what was counted.
    let mut applier = Applier::new(applier.end());
    let rest = stream[5..].concat();
    assert_eq!(apply(&mut applier, &client, rest.as_bytes()), (rest.clone().into_bytes(), 0));
    assert_eq!(client.run("GET a"), "$1\r\n4\r\n");
}

#[test]
fn blank_lines_count_as_they_come_whatever_follows_them() {
    let client = TestClient::new();
    let mut session = client.session.clone();
    session.is_primary_link = true;
    for (stream, counted, left) in [
        ("\r\n\r\n*1\r\n$5\r\nMULTI\r\n", "\r\n\r\n", 0),
        ("\n*1\r\n$4\r\nPI", "\n", 10),
        ("*1\r\n$4\r\nPING\r\n\r\n*2\r\n", "*1\r\n$4\r\nPING\r\n\r\n", 4),
    ] {
        let mut applier = Applier::new(Box::new(session.clone()));
        let applied = apply(&mut applier, &client, stream.as_bytes());
        assert_eq!(applied, (counted.as_bytes().to_vec(), left), "{}", stream.escape_debug());
    }
}

#[test]
fn a_link_ends_with_what_no_primary_sends() {
    let client = TestClient::new();
    let mut applier = Applier::new(Box::new(client.session.clone()));
    let quit = client.apply(&mut applier, b"*1\r\n$4\r\nQUIT\r\n", |_| ());
    assert_eq!(quit.map(|applied| applied.used), Err(ApplyError::NotOfAPrimary));
    let mut applier = Applier::new(Box::new(client.session.clone()));
    let broken = client.apply(&mut applier, b"*1\r\n+4\r\n", |_| ());
    assert!(matches!(broken, Err(ApplyError::NoCommand(_))), "{broken:?}");
}
