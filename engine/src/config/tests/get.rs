use super::*;

fn names(config: &Config, patterns: &[&str]) -> Vec<String> {
    let patterns: Vec<&[u8]> = patterns.iter().map(|pattern| pattern.as_bytes()).collect();
    let mut names: Vec<String> = config.get(&patterns).into_iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names
}

#[test]
fn defaults_are_those_of_redis() {
    let config = Config::default();
    for (name, value) in [
        ("bind", "* -::*"),
        ("save", "3600 1 300 100 60 10000"),
        ("client-output-buffer-limit", "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60"),
        ("maxmemory-policy", "noeviction"),
        ("latency-tracking-info-percentiles", "50 99 99.9"),
        ("oom-score-adj-values", "0 200 800"),
        ("shutdown-on-sigterm", "default"),
        ("proc-title-template", "{title} {listen-addr} {server-mode}"),
        ("unixsocketperm", "0"),
        ("replicaof", ""),
        ("requirepass", ""),
        ("server_cpulist", ""),
    ] {
        assert_eq!(shown(&config, name), value, "{name}");
    }
}

#[test]
fn there_are_as_many_directives_as_in_redis_besides_our_own() {
    let own = include_str!("../../../../tests/data/own-directives.txt").lines();
    let own: Vec<&str> = own.filter(|line| !line.starts_with('#')).collect();
    let all = names(&Config::default(), &["*"]);
    assert!(own.iter().all(|name| all.iter().any(|known| known == name)));
    assert_eq!(all.len() - own.len(), 195);
}

#[test]
fn patterns_find_names_and_aliases_once() {
    let config = Config::default();
    let priority = ["replica-priority", "slave-priority"];
    assert_eq!(names(&config, &["*-priority"]), priority);
    assert_eq!(names(&config, &["*-PRIORITY", "slave-priority", "SLAVE-p*"]), priority);
    assert_eq!(names(&config, &["nothing*", "x", ""]), [""; 0]);
    assert_eq!(names(&config, &["maxmemor[y]", "hz"]), ["hz", "maxmemory"]);
}

#[test]
fn a_name_is_shown_as_it_was_asked_for() {
    assert_eq!(names(&Config::default(), &["PORT", "port"]), ["PORT"]);
    assert_eq!(names(&Config::default(), &["por*", "PORT"]), ["port"]);
}

#[test]
fn hidden_directives_show_only_by_name() {
    let config = Config::default();
    assert_eq!(names(&config, &["watchdog*"]), [""; 0]);
    assert_eq!(names(&config, &["watchdog-period"]), ["watchdog-period"]);
}

#[test]
fn a_cluster_has_one_database() {
    let config = config("databases 4\ncluster-enabled yes");
    assert_eq!(config.databases(), 1);
    assert_eq!(shown(&config, "databases"), "1");
}
