use super::*;

fn refused(argument: &str, reason: &str) -> String {
    alloc::format!("ERR CONFIG SET failed (possibly related to argument '{argument}') - {reason}")
}

#[test]
fn values_are_shown_in_their_canonical_form() {
    let mut config = Config::default();
    for (name, value, expected) in [
        ("maxmemory", "1gb", "1073741824"),
        ("maxmemory", "99999999999999999999", "18446744073709551615"),
        ("MaxMemory", "", "0"),
        ("maxmemory-clients", "5%", "5%"),
        ("maxmemory-policy", "ALLKEYS-LRU", "allkeys-lru"),
        ("appendonly", "YES", "yes"),
        ("hz", "0", "1"),
        ("hz", "1000", "500"),
        ("save", "60 1 300 10", "60 1 300 10"),
        ("save", "", ""),
        ("bind", "127.0.0.1 -::1", "127.0.0.1 -::1"),
        ("bind", "", ""),
        (
            "client-output-buffer-limit",
            "replica 1mb 0 1",
            "normal 0 0 0 slave 1048576 0 1 pubsub 33554432 8388608 60",
        ),
        ("oom-score-adj", "relative", "yes"),
        ("notify-keyspace-events", "EKx", "xKE"),
        ("latency-tracking-info-percentiles", "0.0000001 99.90", "0 99.9"),
        ("shutdown-on-sigint", "FORCE now", "now force"),
        ("repl-backlog-size", "1", "16384"),
        ("slowlog-log-slower-than", "-1", "-1"),
        ("proto-max-bulk-len", "1mb", "1048576"),
    ] {
        assert_eq!(set(&mut config, &[name, value]), "OK", "{name} {value}");
        assert_eq!(shown(&config, &name.to_lowercase()), expected, "{name} {value}");
    }
}

#[test]
fn refusals_have_the_words_of_redis() {
    let mut config = Config::default();
    for (name, value, reason) in [
        ("maxmemory", "x", "argument must be a memory value"),
        ("maxmemory", "-1", "argument must be a memory value"),
        ("maxmemory-clients", "101%", "percentage argument must be less or equal to 100"),
        ("proto-max-bulk-len", "1000", "argument must be between 1048576 and 9223372036854775807 inclusive"),
        (
            "proto-max-bulk-len",
            "9223372036854775808",
            "argument must be between 1048576 and 9223372036854775807 inclusive",
        ),
        ("timeout", "+1", "argument couldn't be parsed into an integer"),
        ("timeout", "-1", "argument must be between 0 and 2147483647 inclusive"),
        ("port", "65536", "argument must be between 0 and 65535 inclusive"),
        ("appendonly", "1", "argument must be 'yes' or 'no'"),
        (
            "loglevel",
            "x",
            "argument(s) must be one of the following: debug, verbose, notice, warning, nothing",
        ),
        ("log-format", "xml", "argument(s) must be one of the following: legacy, logfmt, json"),
        (
            "shutdown-on-sigint",
            "",
            "argument(s) must be one of the following: default, save, nosave, now, force",
        ),
        (
            "shutdown-on-sigint",
            "save nosave",
            "shutdown options SAVE and NOSAVE can't be used simultaneously",
        ),
        ("save", "60", "Invalid save parameters"),
        ("oom-score-adj-values", "1 2", "wrong number of arguments"),
        ("databases", "2", "can't set immutable config"),
        ("dir", "/", "can't set protected config"),
        ("dbfilename", "x.rdb", "can't set protected config"),
        ("replicaof", "a 1", "can't set immutable config"),
        (
            "cluster-announce-hostname",
            "a_b",
            "Hostnames may only contain alphanumeric characters, hyphens or dots",
        ),
        ("slave-priority", "x", "argument couldn't be parsed into an integer"),
    ] {
        assert_eq!(set(&mut config, &[name, value]), refused(name, reason), "{name} {value}");
    }
    assert_eq!(config.values, Config::default().values);
}

#[test]
fn an_unknown_directive_is_named_as_it_was_sent() {
    let mut config = Config::default();
    let unknown =
        |name| alloc::format!("ERR Unknown option or number of arguments for CONFIG SET - '{name}'");
    assert_eq!(set(&mut config, &["Nope", "1"]), unknown("Nope"));
    assert_eq!(set(&mut config, &["timeout", "1", "include", "x"]), unknown("include"));
    assert_eq!(config.timeout_secs(), 0);
}

#[test]
fn the_first_fault_among_the_names_is_reported_before_any_value() {
    let mut config = Config::default();
    let immutable = refused("DATABASES", "can't set immutable config");
    assert_eq!(set(&mut config, &["timeout", "x", "DATABASES", "2", "nope", "1"]), immutable);
    assert_eq!(set(&mut config, &["Port", "1", "pOrt", "2"]), refused("pOrt", "duplicate parameter"));
}

#[test]
fn an_alias_and_its_directive_are_no_duplicates() {
    let mut config = Config::default();
    assert_eq!(set(&mut config, &["replica-priority", "5", "slave-priority", "6"]), "OK");
    assert_eq!(config.replica_priority(), 6);
}

#[test]
fn nothing_changes_unless_everything_does() {
    let mut config = Config::default();
    let reply = set(&mut config, &["maxmemory", "1mb", "save", "1 1", "timeout", "x"]);
    assert_eq!(reply, refused("timeout", "argument couldn't be parsed into an integer"));
    assert_eq!(config.values, Config::default().values);
}

#[test]
fn only_what_is_different_counts_as_changed_and_can_be_undone() {
    let mut config = Config::default();
    let pairs: [(&[u8], &[u8]); 3] = [(b"slave-priority", b"7"), (b"timeout", b"0"), (b"maxmemory", b"1kb")];
    let changes = config.set(&pairs, Asker::default()).unwrap();
    assert_eq!(changes.names().collect::<Vec<_>>(), ["replica-priority", "maxmemory"]);
    assert!(changes.contains("maxmemory") && !changes.contains("timeout") && !changes.is_empty());
    config.undo(changes);
    assert_eq!(config.values, Config::default().values);
}

#[test]
fn protected_directives_open_for_whom_the_file_says() {
    let mut local = config("enable-protected-configs local");
    let pair: [(&[u8], &[u8]); 1] = [(b"dir", b"/data")];
    assert!(local.set(&pair, Asker::default()).is_err());
    let changes = local.set(&pair, Asker { is_local: true, loading: false }).unwrap();
    assert!(changes.contains("dir"));
    assert_eq!(local.dir(), "/data");
    assert_eq!(
        set(&mut config("enable-protected-configs yes"), &["dbfilename", "a/b"]),
        refused("dbfilename", "dbfilename can't be a path, just a filename")
    );
}

#[test]
fn some_directives_wait_until_data_is_loaded() {
    let asker = Asker { is_local: true, loading: true };
    let reply = Config::default().set(&[(b"appendonly", b"yes")], asker).unwrap_err();
    assert_eq!(reply.to_string(), "LOADING Redis is loading the dataset in memory");
}

#[test]
fn passwords_may_hold_any_bytes() {
    let mut config = Config::default();
    config.set(&[(b"requirepass", b"a\0\xff")], Asker::default()).map(|_| ()).unwrap();
    assert_eq!(config.requirepass(), b"a\0\xff");
    assert!(directive(b"requirepass").unwrap().sensitive);
}
