//! DUMP and RESTORE: a value as bytes, and back, here or on another server.
//!
//! RESTORE-ASKING is RESTORE into a slot that is being imported; what is special about it is where it is routed.

use alloc::vec::Vec;
use core::sync::atomic::Ordering;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::{Decimal, ReplyWriter};
use slotway_core::resp::error::ErrorReply;
use slotway_core::time::UnixMs;

use super::args::{self, Options};
use super::{Binding, Data, deletion};
use crate::events::Class;
use crate::keyspace::{Entry, ExpiryPolicy, Usage};
use crate::rdb::dump::{self, Payload};
use crate::rdb::{Compression, RdbValue, Version};
use crate::registry::{Effect, Handler, Outcome};
use crate::value::Limits;

/// Bytes of a payload from which on it is decoded by the node, and other clients do not wait for that.
const LARGE_LEN: usize = 256 * 1024;

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("dump", Handler::Data(dump)),
    ("restore", Handler::Data(restore)),
    ("restore-asking", Handler::Data(restore)),
];

fn dump(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let compression = if data.config().rdbcompression() { Compression::Lzf } else { Compression::Off };
    let payload = |entry: Entry<'_>| dump::encode(entry.value(), Version::V11, compression);
    match data.find(args.at(1)).map(payload) {
        Some(payload) => reply.bulk(&payload),
        None => reply.null(),
    }
    Ok(Effect::None)
}

fn restore(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let options = RestoreOptions::read(args)?;
    let key = args.at(1);
    if !options.replace && data.find(key).is_some() {
        return Err(ErrorReply::BusyKey);
    }
    let expiry = options.expiry(args.at(2), data.now())?;
    let value = match data.take_decoded() {
        Some(decoded) => decoded,
        None if data.node().switches().skips_checksums.load(Ordering::Relaxed) => {
            decode(&dump::sealed(args.at(3)), &data.limits())
        }
        None if args.at(3).len() > LARGE_LEN && data.may_wait() => {
            return Ok(Effect::Decode(args.at(3).into()));
        }
        None => decode(args.at(3), &data.limits()),
    };
    let value = value?;
    let removed = options.replace && data.discard(key);
    reply.ok();
    if is_over(data, key, expiry) {
        if removed {
            data.changed(Class::Generic, "del", key);
            data.propagate(&[deletion(data.config().lazyfree_lazy_server_del()), key]);
        }
        return Ok(Effect::changed(u64::from(removed)));
    }
    // A time before 1970 is over, unless the key is kept for the primary to delete.
    let expiry = expiry.map(|at| UnixMs::from_ms(u64::try_from(at).unwrap_or(0)));
    if let Some(at) = expiry.filter(|_| !options.absolute) {
        let mut decimal = Decimal::new();
        let head = [args.at(0), key, decimal.format_unsigned(at.as_ms()), args.at(3)];
        let words = head.into_iter().chain(args.skip(4).iter()).chain([&b"ABSTTL"[..]]);
        data.propagate(&words.collect::<Vec<_>>());
    }
    data.restore(key, value, expiry, options.usage);
    data.changed(Class::Generic, "restore", key);
    Ok(Effect::Changed(1))
}

/// The value of a payload, in the form that `limits` ask for.
///
/// # Errors
/// It is damaged, or of a later version, or has no sound value in it.
pub fn decode(payload: &[u8], limits: &Limits<'_>) -> Result<RdbValue, ErrorReply> {
    let payload = Payload::verify(payload).map_err(|_| ErrorReply::DumpPayload)?;
    payload.value(limits).ok().flatten().ok_or(ErrorReply::BadDataFormat)
}

/// True if a key with this expiry need not be stored. A replica stores it and waits for its primary's word.
fn is_over(data: &mut Data<'_, '_>, key: &[u8], expiry: Option<i64>) -> bool {
    let (now, key) = (data.now(), data.key(key));
    expiry.is_some_and(|at| at <= now.as_ms() as i64)
        && data.shard_of(&key).expiry_policy() == ExpiryPolicy::Delete
}

#[derive(Default)]
struct RestoreOptions {
    replace: bool,
    absolute: bool,
    usage: Option<Usage>,
}

impl RestoreOptions {
    fn read(args: Args<'_>) -> Result<Self, ErrorReply> {
        let mut options = Self::default();
        let mut words = Options::new(args, 4);
        while let Some(word) = words.word() {
            match word {
                word if args::is(word, "replace") => options.replace = true,
                word if args::is(word, "absttl") => options.absolute = true,
                word if args::is(word, "idletime") && !matches!(options.usage, Some(Usage::Frequency(_))) => {
                    options.usage = Some(Usage::IdleSecs(idle_secs(words.value()?)?));
                }
                word if args::is(word, "freq") && !matches!(options.usage, Some(Usage::IdleSecs(_))) => {
                    options.usage = Some(Usage::Frequency(frequency(words.value()?)?));
                }
                _ => return Err(ErrorReply::Syntax),
            }
        }
        Ok(options)
    }

    /// When the key expires, in milliseconds since 1970; `None` for a time to live of 0, which is for ever.
    fn expiry(&self, ttl: &[u8], now: UnixMs) -> Result<Option<i64>, ErrorReply> {
        match args::integer(ttl)? {
            ..0 => Err(ErrorReply::InvalidTtl),
            0 => Ok(None),
            at if self.absolute => Ok(Some(at)),
            // Redis lets the sum wrap around too: it is over then.
            ttl => Ok(Some(ttl.wrapping_add(now.as_ms() as i64))),
        }
    }
}

fn idle_secs(arg: &[u8]) -> Result<u64, ErrorReply> {
    u64::try_from(args::integer(arg)?).map_err(|_| ErrorReply::InvalidIdletime)
}

fn frequency(arg: &[u8]) -> Result<u8, ErrorReply> {
    u8::try_from(args::integer(arg)?).map_err(|_| ErrorReply::InvalidFrequency)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec::Vec;
    use std::string::String;

    use crate::testing::{START, TestClient};

    fn request(words: &[&[u8]]) -> Vec<u8> {
        let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
            bytes.extend_from_slice(word);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes
    }

    fn dumped(client: &mut TestClient, key: &str) -> Vec<u8> {
        let reply = client.run_bytes(&request(&[b"DUMP", key.as_bytes()]));
        let start = reply.iter().position(|byte| *byte == b'\n').expect("a bulk string") + 1;
        reply[start..reply.len() - 2].to_vec()
    }

    fn restored(client: &mut TestClient, key: &str, ttl: &str, payload: &[u8], options: &[&str]) -> String {
        let mut words = Vec::from([&b"RESTORE"[..], key.as_bytes(), ttl.as_bytes(), payload]);
        words.extend(options.iter().map(|option| option.as_bytes()));
        client.run_args(&words)
    }

    #[test]
    fn a_restored_key_has_the_value_and_the_encoding_of_the_dumped_one() {
        let mut client = TestClient::new();
        for (encoding, line) in [
            ("int", "SET k 12345678901"),
            ("embstr", "SET k word"),
            ("listpack", "RPUSH k a 1 -70000 c"),
            ("intset", "SADD k 1 2 70000"),
            ("listpack", "SADD k 1 a b"),
            ("listpack", "ZADD k 1 a 2.5 b inf c -inf d"),
            ("listpack", "HSET k f v 1 2"),
            ("stream", "XADD k 1-1 f v g w"),
        ] {
            client.run("DEL k r");
            client.run(line);
            let payload = dumped(&mut client, "k");
            assert_eq!(restored(&mut client, "r", "0", &payload, &[]), "+OK\r\n", "{line}");
            assert_eq!(
                client.run("OBJECT ENCODING r"),
                format!("${}\r\n{encoding}\r\n", encoding.len()),
                "{line}"
            );
            assert_eq!(dumped(&mut client, "r"), payload, "{line}");
            assert_eq!(client.run("DEBUG DIGEST-VALUE r"), client.run("DEBUG DIGEST-VALUE k"), "{line}");
        }
    }

    #[test]
    fn dump_answers_the_bytes_of_redis() {
        let mut client = TestClient::new();
        assert_eq!(client.run("DUMP k"), "$-1\r\n");
        client.run("SET k 10");
        assert_eq!(
            dumped(&mut client, "k"),
            b"\x00\xc0\x0a\x0b\x00\x07\x40\xea\x36\xf3\x31\x8a\x32".as_slice()
        );
    }

    #[test]
    fn restore_replaces_only_when_told_and_needs_a_sound_payload() {
        let mut client = TestClient::new();
        client.run("SET k 1");
        let mut payload = dumped(&mut client, "k");
        assert_eq!(
            restored(&mut client, "k", "0", &payload, &[]),
            "-BUSYKEY Target key name already exists.\r\n"
        );
        assert_eq!(restored(&mut client, "k", "0", &payload, &["REPLACE"]), "+OK\r\n");
        assert_eq!(
            restored(&mut client, "r", "-1", &payload, &[]),
            "-ERR Invalid TTL value, must be >= 0\r\n"
        );
        assert_eq!(
            restored(&mut client, "r", "x", &payload, &[]),
            "-ERR value is not an integer or out of range\r\n"
        );
        assert_eq!(
            restored(&mut client, "r", "0", &payload, &["IDLETIME", "-1"]),
            "-ERR Invalid IDLETIME value, must be >= 0\r\n"
        );
        assert_eq!(
            restored(&mut client, "r", "0", &payload, &["FREQ", "256"]),
            "-ERR Invalid FREQ value, must be >= 0 and <= 255\r\n"
        );
        assert_eq!(
            restored(&mut client, "r", "0", &payload, &["FREQ", "2", "IDLETIME", "1"]),
            "-ERR syntax error\r\n"
        );
        payload[2] ^= 1;
        assert_eq!(
            restored(&mut client, "r", "0", &payload, &[]),
            "-ERR DUMP payload version or checksum are wrong\r\n"
        );
    }

    #[test]
    fn restore_sets_expiry_and_idle_time() {
        let mut client = TestClient::new();
        client.run("SET k 1");
        let payload = dumped(&mut client, "k");
        assert_eq!(restored(&mut client, "a", "1000", &payload, &["IDLETIME", "7"]), "+OK\r\n");
        assert_eq!(client.run("PTTL a"), ":1000\r\n");
        assert_eq!(client.run("OBJECT IDLETIME a"), ":7\r\n");
        let later = format!("{}", START.as_ms() + 5);
        assert_eq!(restored(&mut client, "b", &later, &payload, &["ABSTTL"]), "+OK\r\n");
        assert_eq!(client.run("PTTL b"), ":5\r\n");
        let before = client.node().changes.get();
        assert_eq!(restored(&mut client, "b", "1", &payload, &["ABSTTL", "REPLACE"]), "+OK\r\n");
        assert_eq!(restored(&mut client, "c", "1", &payload, &["ABSTTL"]), "+OK\r\n");
        assert_eq!(client.run("EXISTS b c"), ":0\r\n");
        assert_eq!(client.node().changes.get(), before + 1, "only the removal of b is a change");
    }
}
