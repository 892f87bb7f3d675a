//! When keys expire: EXPIRE and its kin, TTL and its kin, PERSIST.

use alloc::vec::Vec;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::{Decimal, ReplyWriter};
use slotway_core::resp::error::{CommandName, ErrorReply};
use slotway_core::time::UnixMs;

use super::args::{self, Options, TimeUnit};
use super::{Binding, Data, deletion};
use crate::events::Class;
use crate::registry::{Effect, Handler, Outcome};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("expire", Handler::Data(expire)),
    ("expireat", Handler::Data(expireat)),
    ("expiretime", Handler::Data(expiretime)),
    ("persist", Handler::Data(persist)),
    ("pexpire", Handler::Data(pexpire)),
    ("pexpireat", Handler::Data(pexpireat)),
    ("pexpiretime", Handler::Data(pexpiretime)),
    ("pttl", Handler::Data(pttl)),
    ("ttl", Handler::Data(ttl)),
];

/// What TTL and its kin answer of a key that is not there.
const NO_KEY: i64 = -2;
/// What they answer of a key that never expires.
const NO_EXPIRY: i64 = -1;

fn expire(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    set_expiry(data, args, TimeUnit::Seconds, "expire", reply)
}

fn pexpire(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    set_expiry(data, args, TimeUnit::Millis, "pexpire", reply)
}

fn expireat(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    set_expiry(data, args, TimeUnit::UnixSeconds, "expireat", reply)
}

fn pexpireat(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    set_expiry(data, args, TimeUnit::UnixMillis, "pexpireat", reply)
}

fn set_expiry(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    unit: TimeUnit,
    name: CommandName,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let conditions = Conditions::read(args)?;
    let (now, key) = (data.now(), args.at(1));
    let at = args::expiry_at(now, args::integer(args.at(2))?, unit, name)?;
    let allowed = data.find(key).is_some_and(|entry| conditions.allow(entry.expiry(), at));
    let is_over = at <= now.as_ms() as i64 && !data.is_from_primary();
    let (changed, event) = match is_over {
        _ if !allowed => {
            data.used(key);
            (false, "")
        }
        // A time that has come removes the key at once, however the shard treats expired keys.
        true => (data.remove(key), "del"),
        false => {
            let at = UnixMs::from_ms(u64::try_from(at).unwrap_or(0));
            (data.set_expiry(key, Some(at)), "expire")
        }
    };
    if changed {
        data.changed(Class::Generic, event, key);
        propagate_expiry(data, args, at, is_over);
    }
    reply.integer(i64::from(changed));
    Ok(Effect::changed(u64::from(changed)))
}

/// As Redis tells of it: by the time, whatever was given; or that the key is gone.
fn propagate_expiry(data: &mut Data<'_, '_>, args: Args<'_>, at: i64, is_over: bool) {
    if is_over {
        return data.propagate(&[deletion(data.config().lazyfree_lazy_expire()), args.at(1)]);
    }
    let mut decimal = Decimal::new();
    let head = [b"PEXPIREAT", args.at(1), decimal.format(at)];
    let words: Vec<&[u8]> = head.into_iter().chain(args.skip(3).iter()).collect();
    data.propagate(&words);
}

/// NX, XX, GT and LT of EXPIRE. A key that never expires counts as one that expires last.
#[derive(Default)]
struct Conditions {
    if_none: bool,
    if_some: bool,
    if_later: bool,
    if_earlier: bool,
}

impl Conditions {
    /// Reads the words behind the time. Redis looks at all of them before it asks whether they go together.
    fn read(args: Args<'_>) -> Result<Self, ErrorReply> {
        let mut conditions = Self::default();
        let mut words = Options::new(args, 3);
        while let Some(word) = words.word() {
            match word {
                word if args::is(word, "nx") => conditions.if_none = true,
                word if args::is(word, "xx") => conditions.if_some = true,
                word if args::is(word, "gt") => conditions.if_later = true,
                word if args::is(word, "lt") => conditions.if_earlier = true,
                _ => return Err(ErrorReply::UnsupportedOption(word.to_vec())),
            }
        }
        conditions.checked()
    }

    fn checked(self) -> Result<Self, ErrorReply> {
        let Self { if_none, if_some, if_later, if_earlier } = self;
        match self {
            _ if if_none && (if_some || if_later || if_earlier) => Err(ErrorReply::ExpireNxWithOthers),
            _ if if_later && if_earlier => Err(ErrorReply::ExpireGtWithLt),
            conditions => Ok(conditions),
        }
    }

    /// Whether a key with the expiry `present` may get the expiry `at`, in milliseconds since 1970.
    fn allow(&self, present: Option<UnixMs>, at: i64) -> bool {
        let present = present.map(|present| present.as_ms() as i64);
        let refused = self.if_none && present.is_some()
            || self.if_some && present.is_none()
            || self.if_later && present.is_none_or(|present| at <= present)
            || self.if_earlier && present.is_some_and(|present| at >= present);
        !refused
    }
}

fn persist(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let changed = data.set_expiry(args.at(1), None);
    if !changed {
        data.used(args.at(1));
    }
    if changed {
        data.changed(Class::Generic, "persist", args.at(1));
    }
    reply.integer(i64::from(changed));
    Ok(Effect::changed(u64::from(changed)))
}

fn ttl(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let now = data.now();
    reply_time(data, args, |at| rounded_secs(at.ms_since(now)), reply)
}

fn pttl(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let now = data.now();
    reply_time(data, args, |at| at.ms_since(now), reply)
}

fn expiretime(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply_time(data, args, |at| rounded_secs(at.as_ms()), reply)
}

fn pexpiretime(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply_time(data, args, UnixMs::as_ms, reply)
}

fn reply_time(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    time: impl FnOnce(UnixMs) -> u64,
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    reply.integer(match data.look(args.at(1)).map(|entry| entry.expiry()) {
        None => NO_KEY,
        Some(None) => NO_EXPIRY,
        Some(Some(at)) => time(at) as i64,
    });
    Ok(Effect::None)
}

/// To the nearest second.
fn rounded_secs(ms: u64) -> u64 {
    (ms + 500) / 1000
}

#[cfg(test)]
mod tests {
    use crate::testing::TestClient;

    #[test]
    fn a_key_is_gone_once_its_time_has_passed() {
        let mut client = TestClient::new();
        client.run("SET a 1");
        assert_eq!(client.run("TTL a"), ":-1\r\n");
        assert_eq!(client.run("PEXPIRE a 1500"), ":1\r\n");
        assert_eq!(client.run("TTL a"), ":2\r\n");
        assert_eq!(client.run("PEXPIRETIME a"), ":1700000001500\r\n");
        client.node().advance_ms(1501);
        assert_eq!(client.run("PTTL a"), ":-2\r\n");
        assert_eq!(client.run("EXPIRE a 10"), ":0\r\n");
    }

    #[test]
    fn a_time_in_the_past_removes_the_key() {
        let mut client = TestClient::new();
        client.run("SET a 1");
        assert_eq!(client.run("EXPIREAT a -1"), ":1\r\n");
        assert_eq!(client.run("EXISTS a"), ":0\r\n");
    }

    #[test]
    fn a_key_without_expiry_counts_as_one_that_expires_last() {
        let mut client = TestClient::new();
        client.run("SET a 1");
        for (condition, reply) in
            [("XX", 0), ("GT", 0), ("NX", 1), ("NX", 0), ("GT", 0), ("LT", 0), ("XX", 1)]
        {
            let line = alloc::format!("EXPIRE a 100 {condition}");
            assert_eq!(client.run(&line), alloc::format!(":{reply}\r\n"), "{condition}");
        }
        assert_eq!(client.run("EXPIRE a 101 XX GT"), ":1\r\n");
        assert_eq!(client.run("EXPIRE a 99 XX LT"), ":1\r\n");
        assert_eq!(client.run("PERSIST a"), ":1\r\n");
        assert_eq!(client.run("PERSIST a"), ":0\r\n");
        assert_eq!(client.run("EXPIRE a 100 LT"), ":1\r\n");
    }

    #[test]
    fn options_are_all_read_before_they_are_compared_and_before_the_time() {
        let mut client = TestClient::new();
        assert_eq!(client.run("EXPIRE a x NX GT LT foo"), "-ERR Unsupported option foo\r\n");
        assert_eq!(
            client.run("EXPIRE a x GT LT"),
            "-ERR GT and LT options at the same time are not compatible\r\n"
        );
        assert_eq!(
            client.run("EXPIRE a 9223372036854775807"),
            "-ERR invalid expire time in 'expire' command\r\n"
        );
    }
}
