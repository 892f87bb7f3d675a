//! OBJECT: how a key's value is kept, and how it has been used.

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use super::{Binding, Data, Whole, help};
use crate::keyspace::{ClockPolicy, Entry, ValueRef};
use crate::registry::{Effect, Handler, Outcome};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("object|encoding", Handler::Data(encoding)),
    ("object|freq", Handler::Data(freq)),
    ("object|help", Handler::Node(help)),
    ("object|idletime", Handler::Data(idletime)),
    ("object|refcount", Handler::Data(refcount)),
];

/// What OBJECT REFCOUNT tells of the integers from 0 up to [`SHARED_INTEGERS`], which Redis keeps once for all keys.
const SHARED_REFCOUNT: i64 = i32::MAX as i64;
/// How many integers those are.
const SHARED_INTEGERS: i64 = 10_000;

/// OBJECT HELP, in Redis' words.
const HELP: &str = "\
ENCODING <key>
    Return the kind of internal representation used in order to store the value
    associated with a <key>.
FREQ <key>
    Return the access frequency index of the <key>. The returned integer is
    proportional to the logarithm of the recent access frequency of the key.
IDLETIME <key>
    Return the idle time of the <key>, that is the approximated number of
    seconds elapsed since the last access to the key.
REFCOUNT <key>
    Return the number of references of the value associated with the specified
    <key>.
HELP
    Print this help.
";

fn help(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    help::write("object", HELP, whole.registry, reply);
    Ok(Effect::None)
}

fn encoding(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    match data.look(args.at(2)) {
        Some(entry) => reply.bulk(entry.encoding().name().as_bytes()),
        None => reply.null(),
    }
    Ok(Effect::None)
}

fn refcount(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    // A value that keeps the time of its last use for eviction cannot be shared.
    let policy = data.config().maxmemory_policy();
    let shares = data.config().maxmemory() == 0 || !(policy.is_lru() || policy.is_lfu());
    reply_integer_or_null(data, args, reply, |entry, _| {
        Ok(match entry.string() {
            Some(ValueRef::Int(0..SHARED_INTEGERS)) if shares => SHARED_REFCOUNT,
            Some(ValueRef::Int(_) | ValueRef::Bytes(_)) | None => 1,
        })
    })
}

fn idletime(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let now = data.now();
    reply_integer_or_null(data, args, reply, |entry, policy| match policy {
        ClockPolicy::Lru => Ok((entry.idle_ms(now) / 1000) as i64),
        ClockPolicy::Lfu { .. } => Err(ErrorReply::ObjectIdletimeWithLfu),
    })
}

fn freq(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let now = data.now();
    reply_integer_or_null(data, args, reply, |entry, policy| {
        entry.freq(now, policy).map(i64::from).ok_or(ErrorReply::ObjectFreqWithoutLfu)
    })
}

/// Replies with what `read` makes of the key's entry, or with null if there is no such key.
fn reply_integer_or_null(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    reply: &mut ReplyWriter<'_>,
    read: impl FnOnce(Entry<'_>, ClockPolicy) -> Result<i64, ErrorReply>,
) -> Outcome {
    let key = data.key(args.at(2));
    let policy = data.db_of(&key).clock_policy();
    match data.look(args.at(2)) {
        Some(entry) => reply.integer(read(entry, policy)?),
        None => reply.null(),
    }
    Ok(Effect::None)
}

#[cfg(test)]
mod tests {
    use crate::testing::TestClient;

    #[test]
    fn the_encoding_follows_from_text_length_and_history() {
        let mut client = TestClient::new();
        client.run("MSET n 12 short abc");
        client.run(&alloc::format!("SET long {}", "x".repeat(45)));
        assert_eq!(client.run("OBJECT ENCODING n"), "$3\r\nint\r\n");
        assert_eq!(client.run("OBJECT ENCODING short"), "$6\r\nembstr\r\n");
        assert_eq!(client.run("OBJECT ENCODING long"), "$3\r\nraw\r\n");
        client.run("APPEND short d");
        assert_eq!(client.run("OBJECT ENCODING short"), "$3\r\nraw\r\n");
        assert_eq!(client.run("OBJECT ENCODING none"), "$-1\r\n");
    }

    #[test]
    fn looking_at_an_object_is_no_use_of_it() {
        let mut client = TestClient::new();
        client.run("SET a 1");
        client.node().advance_ms(7_000);
        for line in ["OBJECT REFCOUNT a", "TTL a", "TYPE a", "EXISTS a"] {
            client.run(line);
        }
        assert_eq!(client.run("OBJECT IDLETIME a"), ":7\r\n");
        client.run("TOUCH a");
        assert_eq!(client.run("OBJECT IDLETIME a"), ":0\r\n");
        assert!(client.run("OBJECT FREQ a").starts_with("-ERR An LFU maxmemory policy is not selected"));
        assert_eq!(client.run("OBJECT FREQ none"), "$-1\r\n");
    }

    #[test]
    fn a_command_is_one_use_of_a_key_whether_it_reads_changes_or_finds_nothing_to_do() {
        let mut client =
            TestClient::with_config("maxmemory-policy allkeys-lfu\nlfu-log-factor 0\nlfu-decay-time 0");
        client.run("MSET s 5 t abc");
        client.run("SET e v EX 1000");
        client.run("HSET h f 1");
        client.run("SADD members 1 2");
        client.run("PFADD sketch a");
        for (line, key) in [
            ("GET s", "s"),
            ("SET s 6", "s"),
            ("SET s 6 NX", "s"),
            ("SETNX s 6", "s"),
            ("MSETNX s 1 other 1", "s"),
            ("INCR s", "s"),
            ("INCRBYFLOAT s 1", "s"),
            ("GETEX s", "s"),
            ("GETEX s PERSIST", "s"),
            ("GETEX e EX 100", "e"),
            ("APPEND t x", "t"),
            ("SETBIT t 1 1", "t"),
            ("EXPIRE e 100", "e"),
            ("EXPIRE e 100 NX", "e"),
            ("PERSIST s", "s"),
            ("RENAMENX s t", "t"),
            ("HSET h f 2", "h"),
            ("HSETNX h f 2", "h"),
            ("SADD members 1", "members"),
            ("SINTERSTORE target members members2", "members"),
            ("SUNIONSTORE e members", "e"),
            ("PFADD sketch a", "sketch"),
            ("PFCOUNT sketch", "sketch"),
        ] {
            let freq = alloc::format!("OBJECT FREQ {key}");
            let mut uses = || -> i64 { client.run(&freq)[1..].trim().parse().unwrap() };
            let before = uses();
            client.run(line);
            let freq = client.run(&freq);
            assert_eq!(freq, alloc::format!(":{}\r\n", before + 1), "{line}");
        }
    }

    #[test]
    fn commands_that_write_what_they_read_elsewhere_count_hits_and_misses() {
        let mut client = TestClient::new();
        client.run("SADD a 1 2");
        client.run("SET n 1");
        for (line, hits, misses) in [
            ("SUNIONSTORE target a none", 1, 1),
            ("ZUNIONSTORE target 2 a none", 1, 1),
            ("SORT a STORE target", 1, 0),
            ("BITOP NOT target n", 1, 0),
            ("COPY n m", 1, 0),
            ("INCR n", 0, 0),
            ("EXPIRE none 5", 0, 0),
        ] {
            client.run("CONFIG RESETSTAT");
            client.run(line);
            let stats = client.run("INFO stats");
            assert!(
                stats.contains(&alloc::format!("keyspace_hits:{hits}\r\nkeyspace_misses:{misses}\r\n")),
                "{line}"
            );
        }
    }

    #[test]
    fn small_integers_have_no_owner() {
        let mut client = TestClient::new();
        client.run("MSET a 9999 b 10000");
        assert_eq!(client.run("OBJECT REFCOUNT a"), ":2147483647\r\n");
        assert_eq!(client.run("OBJECT REFCOUNT b"), ":1\r\n");
    }
}
