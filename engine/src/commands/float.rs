//! INCRBYFLOAT: fractions kept as strings.

use alloc::string::ToString;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use super::string::string_of;
use super::{Binding, Data};
use crate::events::Class;
use crate::keyspace::{Expiry, NewValue, ValueRef};
use crate::number::LongDouble;
use crate::registry::{Effect, Handler, Outcome};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[("incrbyfloat", Handler::Data(incrbyfloat))];

fn incrbyfloat(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let key = args.at(1);
    let before = match data.find(key) {
        Some(entry) => number_of(string_of(entry)?)?,
        None => LongDouble::from(0),
    };
    let by = LongDouble::parse(args.at(2)).ok_or(ErrorReply::NotAFloat)?;
    let after = before.plus(by).ok_or(ErrorReply::NotFinite)?.to_string();
    data.put(key, NewValue::Text(after.as_bytes()), Expiry::Keep);
    data.changed(Class::String, "incrbyfloat", key);
    data.propagate(&[b"SET", key, after.as_bytes(), b"KEEPTTL"]);
    reply.bulk(after.as_bytes());
    Ok(Effect::Changed(1))
}

fn number_of(value: ValueRef<'_>) -> Result<LongDouble, ErrorReply> {
    match value {
        ValueRef::Int(n) => Ok(LongDouble::from(n)),
        ValueRef::Bytes(text) => LongDouble::parse(text).ok_or(ErrorReply::NotAFloat),
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestClient;

    #[test]
    fn the_sum_is_a_string_and_keeps_its_expiry() {
        let mut client = TestClient::new();
        client.run("SET a 3 EX 10");
        assert_eq!(client.run("INCRBYFLOAT a 1"), "$1\r\n4\r\n");
        assert_eq!(client.run("OBJECT ENCODING a"), "$6\r\nembstr\r\n");
        assert_eq!(client.run("TTL a"), ":10\r\n");
        assert_eq!(client.run("INCR a"), ":5\r\n");
        assert_eq!(client.run("INCRBYFLOAT b -.1e0"), "$4\r\n-0.1\r\n");
    }

    #[test]
    fn what_is_no_number_or_gives_none_changes_nothing() {
        let mut client = TestClient::new();
        client.run("MSET a abc b 1 c inf");
        for (line, error) in [
            ("INCRBYFLOAT a 1", "ERR value is not a valid float"),
            ("INCRBYFLOAT b x", "ERR value is not a valid float"),
            ("INCRBYFLOAT b inf", "ERR increment would produce NaN or Infinity"),
            ("INCRBYFLOAT c -inf", "ERR increment would produce NaN or Infinity"),
        ] {
            assert_eq!(client.run(line), alloc::format!("-{error}\r\n"), "{line}");
        }
        assert_eq!(client.run("MGET a b c"), "*3\r\n$3\r\nabc\r\n$1\r\n1\r\n$3\r\ninf\r\n");
    }
}
