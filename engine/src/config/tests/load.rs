use super::*;

#[test]
fn comments_quotes_and_case_are_read_as_in_redis() {
    let config = config("# hz 1\n\n  HZ\t\"30\"  \r\n'timeout' '5'\nrequirepass \"a\\x41\\n\"\n");
    assert_eq!((config.hz(), config.timeout_secs()), (30, 5));
    assert_eq!(config.requirepass(), b"aA\n");
}

#[test]
fn the_last_line_wins_under_whatever_name() {
    let config = config("slave-priority 5\nreplica-priority 6\nhz 20\nhz 40");
    assert_eq!((config.replica_priority(), config.hz()), (6, 40));
}

#[test]
fn save_lines_replace_the_default_and_add_up() {
    assert_eq!(shown(&config("save 60 1\nsave 30 2 5 6"), "save"), "60 1 30 2 5 6");
    assert_eq!(shown(&config("save \"60 1 30 2\""), "save"), "60 1 30 2");
    assert_eq!(shown(&config("save 60 1\nsave \"\"\nsave 5 6"), "save"), "5 6");
    assert_eq!(shown(&config("save"), "save"), "");
}

#[test]
fn save_adds_up_over_several_texts() {
    let mut config = config("save 60 1");
    config.load("command line", "save \"30\" \"2\" ", &mut no_include).unwrap();
    assert_eq!(shown(&config, "save"), "60 1 30 2");
}

#[test]
fn lists_take_several_arguments_or_one_with_blanks() {
    for line in ["bind 127.0.0.1 ::1", "bind \"127.0.0.1 ::1\""] {
        assert_eq!(config(line).bind(), ["127.0.0.1", "::1"]);
    }
    assert!(config("bind \"\"").bind().is_empty());
    assert_eq!(shown(&config("shutdown-on-sigterm save now"), "shutdown-on-sigterm"), "save now");
}

#[test]
fn limits_of_several_lines_complement_each_other() {
    let config =
        config("client-output-buffer-limit slave 1mb 2mb 3\nclient-output-buffer-limit normal 1 2 3");
    let limits = config.client_output_buffer_limit();
    assert_eq!(limits.replica, OutputLimit { hard_bytes: 1 << 20, soft_bytes: 2 << 20, soft_seconds: 3 });
    assert_eq!(limits.normal.hard_bytes, 1);
    assert_eq!(limits.pubsub.soft_seconds, 60);
}

#[test]
fn what_a_line_gets_wrong_is_said_in_redis_words() {
    for (line, reason) in [
        ("hz \"a", "Unbalanced quotes in configuration line"),
        ("hz", "wrong number of arguments"),
        ("hz 5 # no comment", "wrong number of arguments"),
        ("replicaof a", "wrong number of arguments"),
        ("replicaof a x", "Invalid master port"),
        ("bogus 1", "Bad directive or wrong number of arguments"),
        ("include", "Bad directive or wrong number of arguments"),
        ("user", "Bad directive or wrong number of arguments"),
        ("\"\" x", "Bad directive or wrong number of arguments"),
        ("rename-command NOPE x", "No such command in rename-command"),
        ("sentinel monitor x", "sentinel directive while not in sentinel mode"),
        ("unixsocketperm 1000", "argument must be between 0 and 777 inclusive"),
        (
            "oom-score-adj-values 1 2 9999",
            "Invalid oom-score-adj-values, elements must be between -2000 and 2000.",
        ),
        (
            "client-output-buffer-limit x 1 2 3",
            "Invalid client class specified in buffer limit configuration.",
        ),
    ] {
        assert_eq!(error(line).reason, reason, "{line}");
    }
}

#[test]
fn an_error_shows_file_line_and_what_was_probably_meant() {
    let text = error("hz 10\n\n  maxmemory-polcy noeviction  \n").to_string();
    let (first, rest) = text.split_once('\n').unwrap();
    assert!(first.starts_with("*** FATAL CONFIG FILE ERROR (Slotway ") && first.ends_with(") ***"));
    assert_eq!(
        rest,
        "Reading the configuration file, at line 3\n>>> 'maxmemory-polcy noeviction'\n\
         Bad directive or wrong number of arguments\nIn test.conf: did you mean 'maxmemory-policy'?"
    );
}

#[test]
fn a_cluster_node_follows_no_configured_primary() {
    let error = error("replicaof 10.0.0.1 6379\ncluster-enabled yes");
    assert_eq!(error.reason, "replicaof directive not allowed in cluster mode");
    assert!(!error.to_string().contains("at line"));
    config("slaveof no one\ncluster-enabled yes");
}

#[test]
fn included_files_are_read_in_their_place() {
    let mut include = |path: &str| match path {
        "a*.conf" => {
            Ok(["a1.conf", "a2.conf"].map(|name| (name.to_string(), "hz 20\ntimeout 3".to_string())).to_vec())
        }
        _ => Ok(Vec::new()),
    };
    let mut config = Config::default();
    config.load("test.conf", "hz 5\ninclude a*.conf\ninclude none*\ntimeout 4", &mut include).unwrap();
    assert_eq!((config.hz(), config.timeout_secs()), (20, 4));
}

#[test]
fn a_fault_in_an_included_file_names_that_file() {
    let mut include = |_: &str| Ok(alloc::vec![("inner.conf".to_string(), "\nbogus x".to_string())]);
    let error = Config::default().load("test.conf", "include inner.conf", &mut include).unwrap_err();
    assert_eq!((error.source.as_str(), error.line, error.text.as_str()), ("inner.conf", 2, "bogus x"));
}

#[test]
fn a_circle_of_includes_is_an_error() {
    let mut include = |_: &str| Ok(alloc::vec![("self.conf".to_string(), "include self.conf".to_string())]);
    let error = Config::default().load("self.conf", "include self.conf", &mut include).unwrap_err();
    assert_eq!(error.reason, "Too many includes within includes");
}

#[test]
fn declarations_are_kept_with_their_place() {
    let config =
        config("user ann on >x ~*\nrename-command FLUSHALL \"\"\nuser bob off\nloadmodule /m.so a b");
    let users: Vec<&[u8]> = config.declarations(Subject::User).map(|user| user.args[0].as_slice()).collect();
    assert_eq!(users, [b"ann", b"bob"]);
    assert_eq!(config.declarations(Subject::LoadModule).next().unwrap().args.len(), 3);
    let renamed = config.declarations(Subject::RenameCommand).next().unwrap();
    assert_eq!(renamed.args, [b"FLUSHALL".to_vec(), Vec::new()]);
    assert_eq!(renamed.error("Target command name already exists").line, 2);
}

#[test]
fn obsolete_directives_are_taken_and_forgotten() {
    config("lua-replicate-commands yes\nlist-max-ziplist-entries 1\nsentinel");
    assert_eq!(error("lua-replicate-commands").reason, "Bad directive or wrong number of arguments");
}

#[test]
fn a_command_line_reads_as_lines_of_a_file() {
    let line =
        args::parse(&["--port", "7000", "--save", "60", "1", "--save", "30 2", "--requirepass", "--x y"]);
    let config = config(&line.text);
    assert_eq!((config.port(), config.requirepass()), (7000, b"--x y".as_slice()));
    assert_eq!(shown(&config, "save"), "60 1 30 2");
    assert_eq!(error(&args::parse(&["--port", "1", "2"]).text).reason, "wrong number of arguments");
    assert_eq!(
        error(&args::parse(&["--port=7000"]).text).reason,
        "Bad directive or wrong number of arguments"
    );
}
