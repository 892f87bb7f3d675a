//! Snapshots and the append-only file.

use crate::config::checks::{append_folder, append_name, snapshot_name};
use crate::config::directive::{
    Directive, INT_MAX, Kind, LONG_MAX, int, memory, special, text, word, yes_no,
};
use crate::config::words::{AppendFsync, SanitizeDumpPayload};

pub(super) const DIRECTIVES: &[Directive] = &[
    special("save", Kind::Save),
    text("dbfilename", "dump.rdb").protected().checked(snapshot_name),
    yes_no("stop-writes-on-bgsave-error", true),
    yes_no("rdbcompression", true),
    yes_no("rdbchecksum", true).immutable(),
    yes_no("rdb-del-sync-files", false),
    yes_no("rdb-save-incremental-fsync", true),
    word("sanitize-dump-payload", SanitizeDumpPayload::WORDS, SanitizeDumpPayload::No as u32),
    int("rdb-key-save-delay", i32::MIN as i128, INT_MAX, 0).hidden(),
    int("key-load-delay", i32::MIN as i128, INT_MAX, 0).hidden(),
    int("loading-process-events-interval-bytes", 1024, INT_MAX, 2 << 20).hidden(),
    yes_no("appendonly", false).deny_loading(),
    text("appendfilename", "appendonly.aof").immutable().checked(append_name),
    text("appenddirname", "appendonlydir").immutable().checked(append_folder),
    word("appendfsync", AppendFsync::WORDS, AppendFsync::EverySecond as u32),
    yes_no("no-appendfsync-on-rewrite", false),
    int("auto-aof-rewrite-percentage", 0, INT_MAX, 100),
    memory("auto-aof-rewrite-min-size", 0, LONG_MAX, 64 << 20),
    yes_no("aof-load-truncated", true),
    yes_no("aof-use-rdb-preamble", true),
    yes_no("aof-timestamp-enabled", false),
    yes_no("aof-rewrite-incremental-fsync", true),
    yes_no("aof-disable-auto-gc", false).hidden(),
];
