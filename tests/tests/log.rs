//! The log: its forms, and who is told to write it.

use slotway_core::resp::value::Value;
use slotway_tests::server::Server;

/// What a line of `name="value"` or `"name":"value"` says by that name.
fn field<'a>(line: &'a str, before: &str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!("{before}{name}"))?;
    rest.split_once('"').map(|(value, _)| value)
}

#[test]
fn lines_have_the_form_asked_for_from_the_first_one_on() {
    let server = Server::slotway(&["--log-format", "json"]);
    server.connect().call(&["SET", "k", "v"]);
    let said = server.output();
    let lines: Vec<&str> = said.lines().collect();
    assert!(!lines.is_empty());
    for line in &lines {
        let pid = format!("{{\"pid\":{},\"role\":\"primary\",\"timestamp\":\"20", server.pid());
        assert!(line.starts_with(&pid) && line.ends_with("\"}"), "{line}");
        let at = field(line, "\"timestamp\":\"", "").expect("a moment");
        assert!(at.len() == 29 && at.ends_with("+00:00"), "{line}");
    }
    assert!(lines.iter().any(|line| line.contains("\"message\":\"Ready to accept connections")), "{said}");
}

#[test]
fn the_form_can_be_changed_and_tells_of_the_role_as_in_valkey() {
    let primary = Server::slotway::<&str>(&[]);
    let server = Server::slotway(&["--log-format", "logfmt"]);
    let mut client = server.connect();
    let said = server.output();
    let told = format!("pid={} role=primary timestamp=\"", server.pid());
    assert!(said.lines().all(|line| line.starts_with(&told)), "{said}");
    assert!(said.lines().any(|line| line.contains("level=notice message=\"Server initialized\"")), "{said}");
    let port = primary.port().to_string();
    assert_eq!(client.call(&["REPLICAOF", "127.0.0.1", &port]), Value::Simple("OK".into()));
    client.call(&["CONFIG", "SET", "log-timestamp-format", "milliseconds"]);
    client.call(&["REPLICAOF", "no", "one"]);
    client.call(&["REPLICAOF", "127.0.0.1", &port]);
    client.call(&["CONFIG", "SET", "log-format", "legacy", "log-timestamp-format", "iso8601"]);
    client.call(&["REPLICAOF", "no", "one"]);
    let said = server.output();
    assert!(said.contains("role=replica timestamp=\""), "{said}");
    let millis =
        said.lines().filter_map(|line| field(line, "", " timestamp=\"")).next_back().expect("a moment");
    assert!(millis.len() == 13 && millis.bytes().all(|byte| byte.is_ascii_digit()), "{millis}");
    let last = said.lines().last().expect("a line");
    let begin = format!("{}:", server.pid());
    assert!(last.starts_with(&begin) && last.contains("T") && last.contains("+00:00 "), "{last}");
    let got = client.call(&["CONFIG", "GET", "log-*format"]);
    let pairs = got.to_pairs().unwrap_or_default();
    assert_eq!(pairs.len(), 2, "{got:?}");
    let refused = client.call(&["CONFIG", "SET", "log-format", "xml"]);
    assert!(matches!(&refused, Value::Error(text) if text.contains("legacy, logfmt, json")), "{refused:?}");
}
