//! The directives of Redis that are taken, shown and kept by CONFIG REWRITE, and change nothing here: each with the reason.
//!
//! `docs/directives.md` has the same table, which a test compares. Whoever gives one of them an effect takes it out here: a directive
//! that is read by an accessor is not in this table, and one that is not read is.

/// Names and reasons.
pub(in crate::config) const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("activedefrag", DEFRAGMENTATION),
    ("active-defrag-cycle-max", DEFRAGMENTATION),
    ("active-defrag-cycle-min", DEFRAGMENTATION),
    ("active-defrag-ignore-bytes", DEFRAGMENTATION),
    ("active-defrag-max-scan-fields", DEFRAGMENTATION),
    ("active-defrag-threshold-lower", DEFRAGMENTATION),
    ("active-defrag-threshold-upper", DEFRAGMENTATION),
    (
        "activerehashing",
        "a table grows by one bucket at a time, and never has a second one that somebody must finish",
    ),
    ("always-show-logo", "there is no logo"),
    ("aof-disable-auto-gc", "for tests of Redis: files that the manifest no longer names are always removed"),
    ("aof-rewrite-incremental-fsync", SYNC),
    ("aof_rewrite_cpulist", FORK),
    ("bgsave_cpulist", FORK),
    ("bio_cpulist", CPUS),
    ("crash-log-enabled", CRASH),
    ("crash-memcheck-enabled", CRASH),
    (
        "disable-thp",
        "nothing is forked, so huge pages cost no copies: they are used from 4 MiB of data on, where the system allows them",
    ),
    ("dynamic-hz", HZ),
    ("hz", HZ),
    (
        "ignore-warnings",
        "the warning that Redis lets be ignored, of a fault of ARM64 kernels in copy-on-write, is none here: nothing is forked",
    ),
    ("io-threads", THREADS),
    ("io-threads-do-reads", THREADS),
    ("jemalloc-bg-thread", "the allocator is mimalloc, which gives memory back without a thread"),
    ("key-load-delay", "for tests of Redis: loading is in slices, and clients are served in between"),
    (
        "list-compress-depth",
        "nodes of lists are never compressed: they are read as often in the middle as bytes are saved",
    ),
    ("loading-process-events-interval-bytes", "for tests of Redis: see key-load-delay"),
    (
        "locale-collate",
        "SORT ALPHA compares bytes, which is the order of the C locale; no locale is linked into the server",
    ),
    ("oom-score-adj", FORK_SCORES),
    ("oom-score-adj-values", FORK_SCORES),
    ("proc-title-template", TITLE),
    (
        "propagation-error-behavior",
        "a replica that is sent what is no command asks for a snapshot, and errors of commands are counted, as with ignore",
    ),
    ("rdb-del-sync-files", DISKLESS),
    ("rdb-save-incremental-fsync", SYNC),
    (
        "repl-diskless-load",
        "a replica serves the old data until the new has arrived whole, and then loads it",
    ),
    ("repl-diskless-sync", DISKLESS),
    ("repl-diskless-sync-delay", DISKLESS),
    ("repl-diskless-sync-max-replicas", DISKLESS),
    (
        "replica-ignore-disk-write-errors",
        "a replica always goes on when its disk fails, and says so in its log: the data is its primary's",
    ),
    ("replica-lazy-flush", "a replica always frees its old data on another thread"),
    ("sanitize-dump-payload", "every payload is checked in full while it is decoded, whoever sends it"),
    ("server_cpulist", CPUS),
    ("set-proc-title", TITLE),
    (
        "socket-mark-id",
        "marks are for the firewalls of few, and are set by nftables for a user or a cgroup as well",
    ),
    ("syslog-enabled", SYSLOG),
    ("syslog-facility", SYSLOG),
    ("syslog-ident", SYSLOG),
    ("tls-dh-params-file", "key exchange is by elliptic curves only, whose parameters are fixed"),
    (
        "tls-session-cache-timeout",
        "sessions are forgotten by their number, tls-session-cache-size, and tickets by their own age",
    ),
    ("use-exit-on-panic", "for tests of Redis, whose assertions then end by exit and not by abort"),
    (
        "watchdog-period",
        "for the developers of Redis: a trace of a slow command by signal; SLOWLOG and LATENCY tell which it was",
    ),
];

const DEFRAGMENTATION: &str = "mimalloc keeps values of a size together and reuses their pages: nothing is moved, and MEMORY STATS tells the fragmentation";
const SYNC: &str = "files are forced to disk at their end, on a thread that no client waits for";
const FORK: &str = "nothing is forked: the snapshot is taken by the threads that serve";
const CPUS: &str =
    "threads are placed by the system: start the server with taskset to have it on a few processors";
const CRASH: &str =
    "a panic is told with its place on standard error, and no handler of signals writes a report";
const HZ: &str = "periodic work has timers of its own, ten times a second at most; INFO shows the value";
const THREADS: &str = "see data-threads: threads own both connections and data";
const FORK_SCORES: &str = "there are no child processes to set apart from their parent: OOMScoreAdjust of systemd, or choom, says it of the one there is";
const TITLE: &str = "the title stays the command line that the server was started with, as ps shows it";
const DISKLESS: &str =
    "a snapshot for a replica is written straight to its link, at once, and needs neither disk nor delay";
const SYSLOG: &str = "the log goes to standard output or a file: systemd and containers take it from there; logger(1) sends it to syslog";
