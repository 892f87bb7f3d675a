//! Client-side caching of clients that do not behave: whoever does not read, goes away or reads everything costs a bounded amount.

use std::time::Duration;

use slotway_core::resp::value::Value;
use slotway_tests::patience::Patience;
use slotway_tests::server::Server;
use slotway_tests::wire::{Connection, pipeline, request};

/// Whatever is waited for comes about within this time.
const PATIENCE: Patience = Patience { limit: Duration::from_secs(60), poll: Duration::from_millis(10) };
/// Keys that are read and changed in one go.
const KEYS: usize = 2000;

fn number(client: &mut Connection, name: &str) -> u64 {
    client.info(name).parse().unwrap_or_else(|_| panic!("INFO tells {name}"))
}

fn for_each_key(client: &mut Connection, words: &[&str]) {
    let requests: Vec<Vec<Vec<u8>>> = (0..KEYS)
        .map(|number| words.iter().map(|word| word.replace('N', &number.to_string()).into_bytes()).collect())
        .collect();
    for reply in pipeline(client, &requests) {
        assert!(!matches!(reply.value, Value::Error(_)), "{:?}", reply.value);
    }
}

/// One that listens and never reads, made by `listen`, is closed while others write; what it has cost is given back.
fn does_not_grow(options: &[&str], listen: fn(&mut Connection, &mut Connection)) {
    let server = Server::slotway(options);
    let (mut writer, mut listener, mut reader) = (server.connect(), server.connect(), server.connect());
    for_each_key(&mut writer, &["SET", "a long name of a key that fills what waits to be sent: N", "v"]);
    let before = number(&mut writer, "used_memory");
    listen(&mut listener, &mut reader);
    let mut most = 0;
    PATIENCE.wait_until("whoever does not read is closed", || {
        for_each_key(&mut writer, &["SET", "a long name of a key that fills what waits to be sent: N", "w"]);
        most = most.max(number(&mut writer, "used_memory"));
        let kinds = writer.call(&["CLIENT", "LIST"]);
        !kinds.as_str().unwrap_or_default().contains("name=deaf")
    });
    assert!(most - before < 24 << 20, "it has cost {} bytes", most - before);
    drop((listener, reader));
    PATIENCE.wait_until("memory is given back", || number(&mut writer, "used_memory") < before + (4 << 20));
    PATIENCE.wait_until("nobody tracks any more", || number(&mut writer, "tracking_clients") == 0);
}

#[test]
fn a_listener_of_resp2_that_does_not_read_is_closed() {
    does_not_grow(&["--client-output-buffer-limit", "pubsub 4mb 0 0"], |listener, reader| {
        listener.call(&["CLIENT", "SETNAME", "deaf"]);
        let Value::Integer(id) = listener.call(&["CLIENT", "ID"]) else { panic!("an id is a number") };
        listener.send(&request(&["SUBSCRIBE", "__redis__:invalidate"])).expect("the server reads");
        let on = reader.call(&["CLIENT", "TRACKING", "ON", "REDIRECT", &id.to_string(), "BCAST"]);
        assert_eq!(on, Value::Simple("OK".into()));
    });
}

#[test]
fn a_client_of_resp3_that_does_not_read_is_closed() {
    does_not_grow(&["--maxmemory-clients", "8mb"], |listener, _| {
        listener.call(&["HELLO", "3"]);
        listener.call(&["CLIENT", "SETNAME", "deaf"]);
        assert_eq!(listener.call(&["CLIENT", "TRACKING", "ON", "BCAST"]), Value::Simple("OK".into()));
    });
}

#[test]
fn the_keys_of_those_who_have_gone_are_forgotten() {
    let server = Server::slotway(&["--tracking-table-max-keys", "1000000"]);
    let mut other = server.connect();
    for_each_key(&mut other, &["SET", "N", "v"]);
    let mut costs = Vec::new();
    for _ in 0..20 {
        let mut client = server.connect();
        client.call(&["HELLO", "3"]);
        client.call(&["CLIENT", "TRACKING", "ON"]);
        for_each_key(&mut client, &["GET", "N"]);
        assert_eq!(number(&mut other, "tracking_total_keys"), KEYS as u64);
        drop(client);
        PATIENCE.wait_until("it is gone", || number(&mut other, "tracking_clients") == 0);
        costs.push(number(&mut other, "used_memory"));
    }
    assert!(costs[19] < costs[0] + (1 << 20), "{costs:?}");
    for_each_key(&mut other, &["SET", "N", "w"]);
    PATIENCE.wait_until("no key is remembered", || number(&mut other, "tracking_total_items") == 0);
}

#[test]
fn the_table_has_the_size_that_is_allowed() {
    let server = Server::slotway(&["--tracking-table-max-keys", "100"]);
    let (mut client, mut other) = (server.connect(), server.connect());
    client.call(&["HELLO", "3"]);
    client.call(&["CLIENT", "TRACKING", "ON"]);
    for_each_key(&mut other, &["SET", "N", "v"]);
    client
        .send(&(0..KEYS).flat_map(|key| request(&["GET", &key.to_string()])).collect::<Vec<u8>>())
        .expect("it reads");
    let (mut replies, mut told) = (0, 0);
    while replies < KEYS {
        match client.read().expect("a reply").value {
            Value::Push(_) => told += 1,
            _ => replies += 1,
        }
    }
    PATIENCE.wait_until("the table is small", || number(&mut other, "tracking_total_keys") <= 100);
    assert!(told + 100 >= KEYS - 100, "whatever is forgotten is told first: {told}");
}
