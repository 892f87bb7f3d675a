//! The process and its log; latency and slow commands; shutting down.

use crate::config::directive::{Directive, INT_MAX, Kind, LONG_MAX, int, special, text, unset, word, yes_no};
use crate::config::words::{LogLevel, Supervised, SyslogFacility};

pub(super) const DIRECTIVES: &[Directive] = &[
    yes_no("daemonize", false).immutable(),
    word("supervised", Supervised::WORDS, Supervised::No as u32).immutable(),
    unset("pidfile").immutable(),
    unset("dir").protected().deny_loading(),
    int("databases", 1, INT_MAX, 16).immutable(),
    word("loglevel", LogLevel::WORDS, LogLevel::Notice as u32),
    text("logfile", "").immutable(),
    yes_no("syslog-enabled", false).immutable(),
    text("syslog-ident", "redis").immutable(),
    word("syslog-facility", SyslogFacility::WORDS, SyslogFacility::Local0 as u32).immutable(),
    yes_no("always-show-logo", false).immutable(),
    yes_no("crash-log-enabled", true),
    yes_no("crash-memcheck-enabled", true),
    int("hz", 0, INT_MAX, 10).clamped(1, 500),
    yes_no("dynamic-hz", true),
    int("slowlog-log-slower-than", -1, LONG_MAX, 10000),
    int("slowlog-max-len", 0, LONG_MAX, 128),
    int("latency-monitor-threshold", 0, LONG_MAX, 0),
    yes_no("latency-tracking", true),
    special("latency-tracking-info-percentiles", Kind::Percentiles),
    int("busy-reply-threshold", 0, LONG_MAX, 5000).alias("lua-time-limit"),
    int("shutdown-timeout", 0, INT_MAX, 10),
    special("shutdown-on-sigint", Kind::ShutdownFlags),
    special("shutdown-on-sigterm", Kind::ShutdownFlags),
    text("ignore-warnings", ""),
    text("locale-collate", ""),
    int("watchdog-period", 0, INT_MAX, 0).hidden(),
    yes_no("use-exit-on-panic", false).hidden(),
];
