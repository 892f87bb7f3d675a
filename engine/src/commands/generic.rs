//! Keys whatever they hold: there or not, of which type, removed, renamed, copied.
//!
//! Source and target of RENAME and COPY may lie in different shards, and in different databases for COPY and MOVE: values
//! are taken out of one database's part of a shard and put into another's.

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use super::args::{self, Options};
use super::{Binding, Data};
use crate::config::Config;
use crate::events::Class;
use crate::keyspace::DbIndex;
use crate::registry::{Effect, Handler, Outcome};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("copy", Handler::Data(copy)),
    ("del", Handler::Data(del)),
    ("exists", Handler::Data(exists)),
    ("move", Handler::Data(move_key)),
    ("rename", Handler::Data(rename)),
    ("renamenx", Handler::Data(renamenx)),
    ("touch", Handler::Data(touch)),
    ("type", Handler::Data(type_of)),
    ("unlink", Handler::Data(unlink)),
];

fn del(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    if data.config().lazyfree_lazy_user_del() {
        return unlink(data, args, reply);
    }
    remove_all(data, args, Data::remove, reply)
}

/// DEL, large values being freed in the background.
fn unlink(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    remove_all(data, args, Data::unlink, reply)
}

fn remove_all<'d, 'h>(
    data: &mut Data<'d, 'h>,
    args: Args<'_>,
    remove: fn(&mut Data<'d, 'h>, &[u8]) -> bool,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let mut removed = 0;
    for key in args.skip(1).iter() {
        if remove(data, key) {
            data.changed(Class::Generic, "del", key);
            removed += 1;
        }
    }
    reply.integer(removed as i64);
    Ok(Effect::changed(removed as u64))
}

/// A key named twice counts twice, here and in TOUCH.
fn exists(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let present = args.skip(1).iter().filter(|key| data.look(key).is_some()).count();
    reply.integer(present as i64);
    Ok(Effect::None)
}

fn touch(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let present = args.skip(1).iter().filter(|key| data.find(key).is_some()).count();
    reply.integer(present as i64);
    Ok(Effect::None)
}

fn type_of(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply.simple(data.look(args.at(1)).map_or("none", |entry| entry.kind().name()));
    Ok(Effect::None)
}

fn rename(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (from, to) = (args.at(1), args.at(2));
    data.find(from).ok_or(ErrorReply::NoSuchKey)?;
    let renamed = from != to && move_value(data, from, to);
    reply.ok();
    Ok(Effect::changed(u64::from(renamed)))
}

fn renamenx(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (from, to) = (args.at(1), args.at(2));
    if !data.used(from) {
        return Err(ErrorReply::NoSuchKey);
    }
    let renamed = !data.used(to) && move_value(data, from, to);
    reply.integer(i64::from(renamed));
    Ok(Effect::changed(u64::from(renamed)))
}

/// Gives the value of `from` to `to`, and tells of it.
fn move_value(data: &mut Data<'_, '_>, from: &[u8], to: &[u8]) -> bool {
    let moved = data.rename(from, to);
    if moved {
        data.changed(Class::Generic, "rename_from", from);
        data.changed(Class::Generic, "rename_to", to);
    }
    moved
}

fn copy(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let options = CopyOptions::read(args, data)?;
    let (from, to, target) = (args.at(1), args.at(2), options.target);
    if from == to && target == data.db_index() {
        return Err(ErrorReply::SameObject);
    }
    let is_free = data.find(from).is_some() && (options.replace || !data.exists_in(target, to));
    let copied = is_free && data.copy(from, target, to);
    if copied {
        data.changed_in(target, Class::Generic, "copy_to", to);
    }
    reply.integer(i64::from(copied));
    Ok(Effect::changed(u64::from(copied)))
}

struct CopyOptions {
    replace: bool,
    target: DbIndex,
}

impl CopyOptions {
    fn read(args: Args<'_>, data: &Data<'_, '_>) -> Result<Self, ErrorReply> {
        let mut options = Self { replace: false, target: data.db_index() };
        let mut words = Options::new(args, 3);
        while let Some(word) = words.word() {
            match word {
                word if args::is(word, "replace") => options.replace = true,
                word if args::is(word, "db") => options.target = db_index(words.value()?, data.config())?,
                _ => return Err(ErrorReply::Syntax),
            }
        }
        Ok(options)
    }
}

fn move_key(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    if data.config().cluster_enabled() {
        return Err(ErrorReply::MoveInCluster);
    }
    let (key, target) = (args.at(1), db_index(args.at(2), data.config())?);
    if target == data.db_index() {
        return Err(ErrorReply::SameObject);
    }
    let moved = !data.exists_in(target, key) && data.move_to(key, target);
    if moved {
        data.changed(Class::Generic, "move_from", key);
        data.changed_in(target, Class::Generic, "move_to", key);
    }
    reply.integer(i64::from(moved));
    Ok(Effect::changed(u64::from(moved)))
}

/// A database number, which must fit 32 bits before it is asked whether there is such a database.
fn db_index(arg: &[u8], config: &Config) -> Result<DbIndex, ErrorReply> {
    args::db_index(args::integer_between(arg, i32::MIN.into(), i32::MAX.into())?, config)
}

#[cfg(test)]
mod tests {
    use crate::testing::TestClient;

    #[test]
    fn del_counts_the_keys_that_were_there_once_each() {
        let mut client = TestClient::new();
        client.run("MSET a 1 b 2");
        assert_eq!(client.run("EXISTS a a b c"), ":3\r\n");
        assert_eq!(client.run("DEL a a c"), ":1\r\n");
        assert_eq!(client.run("UNLINK b"), ":1\r\n");
        assert_eq!(client.run("TYPE b"), "+none\r\n");
        assert_eq!(client.node().changes.get(), 4);
    }

    #[test]
    fn rename_takes_value_and_expiry_along_and_replaces_the_target() {
        let mut client = TestClient::new();
        client.run("SET a 1 EX 10");
        client.run("SET b 2");
        assert_eq!(client.run("RENAMENX a b"), ":0\r\n");
        assert_eq!(client.run("RENAME a b"), "+OK\r\n");
        assert_eq!(client.run("MGET a b"), "*2\r\n$-1\r\n$1\r\n1\r\n");
        assert_eq!(client.run("TTL b"), ":10\r\n");
        assert_eq!(client.run("RENAME a b"), "-ERR no such key\r\n");
        assert_eq!(client.run("RENAME b b"), "+OK\r\n");
        assert_eq!(client.run("RENAMENX b b"), ":0\r\n");
    }

    #[test]
    fn copy_goes_to_another_database_and_replaces_only_when_told() {
        let mut client = TestClient::new();
        client.run("SET a 1 EX 10");
        assert_eq!(client.run("COPY a a"), "-ERR source and destination objects are the same\r\n");
        assert_eq!(client.run("COPY a a DB 1"), ":1\r\n");
        assert_eq!(client.run("COPY a a DB 1"), ":0\r\n");
        assert_eq!(client.run("COPY a a DB 1 REPLACE"), ":1\r\n");
        assert_eq!(client.run("COPY a b DB 16"), "-ERR DB index is out of range\r\n");
        client.run("SELECT 1");
        assert_eq!(client.run("TTL a"), ":10\r\n");
    }

    #[test]
    fn move_leaves_a_key_that_the_target_has_already() {
        let mut client = TestClient::new();
        client.run("SET a 1");
        assert_eq!(client.run("MOVE a 1"), ":1\r\n");
        assert_eq!(client.run("MOVE a 1"), ":0\r\n");
        client.run("SET a 2");
        assert_eq!(client.run("MOVE a 1"), ":0\r\n");
        assert_eq!(client.run("GET a"), "$1\r\n2\r\n");
        assert_eq!(client.run("MOVE a 0"), "-ERR source and destination objects are the same\r\n");
    }
}
