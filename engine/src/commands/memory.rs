//! MEMORY: what keys take.

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use super::args::{self, Options};
use super::{Binding, Data, Whole, help};
use crate::registry::{Effect, Handler, Outcome};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("memory|doctor", Handler::Node(doctor)),
    ("memory|help", Handler::Node(help)),
    ("memory|usage", Handler::Data(usage)),
];

/// Bytes of data below which Redis' doctor finds nothing worth a look.
const TOO_LITTLE: usize = 5 << 20;

fn help(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    help::write("memory", help::MEMORY, whole.registry, reply);
    Ok(Effect::None)
}

fn doctor(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let mut used = 0;
    whole.shards.each_shard(&mut |shard| used += shard.used_memory());
    let report: &[u8] = if used < TOO_LITTLE {
        b"Hi Sam, this instance is empty or is using very little memory, my issues detector can't be used in these conditions. Please, leave for your mission on Earth and fill it with some data. The new Sam and I will be back to our programming as soon as I finished rebooting.\n"
    } else {
        b"Hi Sam, I can't find any memory issue in your instance. I can only account for what occurs on this base.\n"
    };
    reply.verbatim("txt", report);
    Ok(Effect::None)
}

/// Bytes of the key's entry and its value. SAMPLES is for collections, of which all is known here.
fn usage(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let mut words = Options::new(args, 3);
    while let Some(word) = words.word() {
        if !args::is(word, "samples") || args::integer(words.value()?)? < 0 {
            return Err(ErrorReply::Syntax);
        }
    }
    let (now, key) = (data.now(), data.key(args.at(2)));
    match data.db_of(&key).peek(now, &key) {
        Some(entry) => reply.integer(entry.footprint() as i64),
        None => reply.null(),
    }
    Ok(Effect::None)
}

#[cfg(test)]
mod tests {
    use crate::testing::TestClient;

    #[test]
    fn usage_grows_with_the_value() {
        let mut client = TestClient::new();
        assert_eq!(client.run("MEMORY USAGE a"), "$-1\r\n");
        client.run("SET a 1");
        client.run("SETRANGE b 9999 x");
        let [small, large] =
            ["a", "b"].map(|key| client.run(&alloc::format!("MEMORY USAGE {key} SAMPLES 0")));
        let bytes = |reply: &str| reply[1..].trim().parse::<u32>().unwrap();
        assert!(bytes(&small) < 100 && (10_000..30_000).contains(&bytes(&large)), "{small} {large}");
    }

    #[test]
    fn samples_must_be_a_number() {
        let mut client = TestClient::new();
        assert_eq!(
            client.run("MEMORY USAGE a SAMPLES x"),
            "-ERR value is not an integer or out of range\r\n"
        );
        for line in ["MEMORY USAGE a SAMPLES -1", "MEMORY USAGE a SAMPLES", "MEMORY USAGE a FOO 1"] {
            assert_eq!(client.run(line), "-ERR syntax error\r\n", "{line}");
        }
    }
}
