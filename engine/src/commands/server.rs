//! The node as a whole: its databases, its clock, its role, its end.

use core::ops::Range;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::{ErrorReply, ScriptError};

use super::connection::REDIS_VERSION;
use super::{Binding, Connection, Whole, args};
use crate::config::Config;
use crate::events::Invalidated;
use crate::keyspace::DbIndex;
use crate::node::Shutdown;
use crate::registry::{Effect, Handler, Outcome};
use crate::session::After;

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("dbsize", Handler::Node(dbsize)),
    ("flushall", Handler::Node(flushall)),
    ("flushdb", Handler::Node(flushdb)),
    ("lolwut", Handler::Session(lolwut)),
    ("monitor", Handler::Session(monitor)),
    ("shutdown", Handler::Node(shutdown)),
    ("swapdb", Handler::Node(swapdb)),
    ("time", Handler::Session(time)),
];

fn dbsize(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (db, mut keys) = (whole.db(), 0);
    whole.shards.each_shard(&mut |shard| keys += shard.db(db).visible_len().0);
    reply.integer(keys as i64);
    Ok(Effect::None)
}

fn flushall(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let mode = FlushMode::read(args, whole.connection.config)?;
    let databases = whole.shards.layout().databases();
    let removed = flush(whole, 0..databases, mode, args);
    let saved = whole.connection.node.save_flushed(whole.shards);
    reply.ok();
    Ok(Effect::changed(if saved { 0 } else { removed }))
}

fn flushdb(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let mode = FlushMode::read(args, whole.connection.config)?;
    let DbIndex(db) = whole.db();
    let removed = flush(whole, db..db + 1, mode, args);
    reply.ok();
    Ok(Effect::changed(removed))
}

/// Removes all keys of databases; says how many there were. Propagated even if there were none.
pub(super) fn flush(whole: &mut Whole<'_>, dbs: Range<u16>, mode: FlushMode, args: Args<'_>) -> u64 {
    let (now, node, selected) = (whole.connection.now, whole.connection.node, whole.db());
    let (in_transaction, effects, mut removed) = (whole.in_transaction, &mut *whole.effects, 0);
    whole.shards.all_shards(&mut |held| {
        held.each(|shard| {
            for db in dbs.clone().map(DbIndex) {
                shard.announce_all(now, db, None, &mut |key| effects.ready(db, key));
                let Some(flushed) = shard.flush_db(db) else { continue };
                removed += flushed.keys;
                match mode {
                    FlushMode::Sync => drop(flushed.garbage),
                    FlushMode::Async => node.discard(flushed.garbage),
                }
            }
        });
        if node.is_tracking() {
            effects.invalidated(Invalidated::All);
        }
        Whole::propagate(node, effects, in_transaction, selected, args);
    });
    removed as u64
}

/// Where the memory of flushed keys is freed.
#[derive(Clone, Copy)]
pub(super) enum FlushMode {
    /// Here, before the reply.
    Sync,
    /// In the background.
    Async,
}

impl FlushMode {
    fn read(args: Args<'_>, config: &Config) -> Result<Self, ErrorReply> {
        match args.len() {
            1 if config.lazyfree_lazy_user_flush() => Ok(FlushMode::Async),
            1 => Ok(FlushMode::Sync),
            2 if args.is(1, "async") => Ok(FlushMode::Async),
            2 if args.is(1, "sync") => Ok(FlushMode::Sync),
            _ => Err(ErrorReply::Syntax),
        }
    }
}

fn swapdb(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    if whole.connection.config.cluster_enabled() {
        return Err(ErrorReply::SwapDbInCluster);
    }
    let first = swapped_db(whole, args.at(1), "first")?;
    let second = swapped_db(whole, args.at(2), "second")?;
    let (first, second) =
        (first.ok_or(ErrorReply::DbIndexOutOfRange)?, second.ok_or(ErrorReply::DbIndexOutOfRange)?);
    if first == second {
        Whole::propagate(whole.connection.node, whole.effects, whole.in_transaction, whole.db(), args);
        reply.ok();
        return Ok(Effect::Changed(1));
    }
    let (now, node, selected) = (whole.connection.now, whole.connection.node, whole.db());
    let (in_transaction, effects) = (whole.in_transaction, &mut *whole.effects);
    whole.shards.all_shards(&mut |held| {
        held.each(|shard| {
            shard.swap_dbs(first, second);
            for (db, other) in [(first, second), (second, first)] {
                shard.announce_all(now, db, Some(other), &mut |key| effects.ready(db, key));
            }
        });
        Whole::propagate(node, effects, in_transaction, selected, args);
    });
    reply.ok();
    Ok(Effect::Changed(1))
}

/// `None` for a number that no database has: refused once both are known to be numbers.
fn swapped_db(whole: &Whole<'_>, word: &[u8], which: &'static str) -> Result<Option<DbIndex>, ErrorReply> {
    let not_a_number = || ErrorReply::InvalidSwapDbIndex(which);
    let index = args::integer_or(word, not_a_number())?;
    i32::try_from(index).map_err(|_| not_a_number())?;
    Ok(args::db_index(index, whole.connection.config).ok())
}

fn time(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let now = connection.node.now_us();
    reply.array(2);
    reply.bulk_integer((now / 1_000_000) as i64);
    reply.bulk_integer((now % 1_000_000) as i64);
    Ok(Effect::None)
}

/// The version, without the drawing that Redis makes for some of its versions.
fn lolwut(_: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    if args.is(1, "version") && args.len() > 2 {
        args::integer(args.at(2))?;
    }
    reply.verbatim("txt", alloc::format!("Redis ver. {REDIS_VERSION}\n").as_bytes());
    Ok(Effect::None)
}

/// All commands are shown to this connection from now on. No reply if they are already.
fn monitor(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    if connection.in_transaction {
        return Err(ErrorReply::MonitorDenied);
    }
    let session = &mut *connection.session;
    if !session.is_monitor {
        (session.is_monitor, session.card_changed) = (true, true);
        connection.node.with_monitors(&mut |monitors| monitors.begin(session.id));
        reply.ok();
    }
    Ok(Effect::None)
}

/// No reply: the connection ends with the process.
fn shutdown(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let how = shutdown_options(args)?;
    let slow = whole.connection.node.scripts().and_then(|host| host.slow());
    if let Some(slow) = slow.filter(|_| how.save != Some(false)) {
        return Err(ScriptError::Busy(slow.kind).into());
    }
    whole.connection.node.shutdown(how, whole.shards)?;
    match how.abort {
        true => reply.ok(),
        false if whole.connection.node.waits_to_shut_down() => {
            whole.connection.session.after = After::WaitForShutdown;
        }
        false => whole.connection.session.after = After::Close,
    }
    Ok(Effect::None)
}

fn shutdown_options(args: Args<'_>) -> Result<Shutdown, ErrorReply> {
    let mut how = Shutdown::default();
    for word in args.skip(1).iter() {
        match word {
            word if args::is(word, "save") && how.save != Some(false) => how.save = Some(true),
            word if args::is(word, "nosave") && how.save != Some(true) => how.save = Some(false),
            word if args::is(word, "now") => how.now = true,
            word if args::is(word, "force") => how.force = true,
            word if args::is(word, "abort") => how.abort = true,
            _ => return Err(ErrorReply::Syntax),
        }
    }
    match how {
        Shutdown { abort: true, save: None, now: false, force: false } | Shutdown { abort: false, .. } => {
            Ok(how)
        }
        _ => Err(ErrorReply::Syntax),
    }
}

#[cfg(test)]
mod tests {
    use crate::node::Shutdown;
    use crate::session::After;
    use crate::testing::{TestClient, three_nodes};

    #[test]
    fn databases_are_counted_flushed_and_swapped() {
        let mut client = TestClient::new();
        client.run("MSET a 1 b 2");
        assert_eq!(client.run("DBSIZE"), ":2\r\n");
        assert_eq!(client.run("SWAPDB 0 1"), "+OK\r\n");
        assert_eq!(client.run("DBSIZE"), ":0\r\n");
        assert_eq!(client.run("FLUSHDB ASYNC"), "+OK\r\n");
        client.run("SELECT 1");
        assert_eq!(client.run("DBSIZE"), ":2\r\n");
        assert_eq!(client.run("FLUSHALL"), "+OK\r\n");
        assert_eq!(client.run("DBSIZE"), ":0\r\n");
        assert_eq!(client.run("FLUSHALL now"), "-ERR syntax error\r\n");
    }

    #[test]
    fn a_database_swapped_with_itself_is_no_change_to_those_who_watch_it() {
        let mut client = TestClient::new();
        client.run("SET a 1");
        client.run("WATCH a");
        client.another().run("SWAPDB 0 0");
        client.run("MULTI");
        client.run("GET a");
        assert_eq!(client.run("EXEC"), "*1\r\n$1\r\n1\r\n");
    }

    #[test]
    fn swapdb_takes_two_numbers_of_databases() {
        let mut client = TestClient::new();
        for (line, error) in [
            ("SWAPDB x 1", "ERR invalid first DB index"),
            ("SWAPDB 0 99999999999", "ERR invalid second DB index"),
            ("SWAPDB 99 x", "ERR invalid second DB index"),
            ("SWAPDB 0 16", "ERR DB index is out of range"),
            ("SWAPDB -1 0", "ERR DB index is out of range"),
        ] {
            assert_eq!(client.run(line), alloc::format!("-{error}\r\n"), "{line}");
        }
        let mut node = TestClient::in_cluster(three_nodes().build().unwrap());
        assert_eq!(node.run("SWAPDB x 1"), "-ERR SWAPDB is not allowed in cluster mode\r\n");
    }

    #[test]
    fn shutdown_says_nothing_and_closes() {
        let mut client = TestClient::new();
        assert_eq!(client.run("SHUTDOWN NOSAVE NOW"), "");
        assert_eq!(client.session.after, After::Close);
        let asked = client.node().shutdown.get();
        assert_eq!(asked, Some(Shutdown { save: Some(false), now: true, ..Shutdown::default() }));
    }

    #[test]
    fn shutdown_options_must_agree() {
        let mut client = TestClient::new();
        for line in ["SHUTDOWN SAVE NOSAVE", "SHUTDOWN ABORT NOW", "SHUTDOWN please"] {
            assert_eq!(client.run(line), "-ERR syntax error\r\n", "{line}");
        }
        assert_eq!(client.run("SHUTDOWN ABORT"), "-ERR No shutdown in progress.\r\n");
    }

    #[test]
    fn time_and_version_are_told() {
        let mut client = TestClient::new();
        assert_eq!(client.run("TIME"), "*2\r\n$10\r\n1700000000\r\n$1\r\n0\r\n");
        assert_eq!(client.run("LOLWUT"), "$17\r\nRedis ver. 7.2.4\n\r\n");
        assert_eq!(client.run("LOLWUT VERSION x"), "-ERR value is not an integer or out of range\r\n");
    }
}
