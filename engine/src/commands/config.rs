//! CONFIG. The directives themselves are in [`config`](crate::config); what follows from setting one is the node's to do.

use alloc::vec::Vec;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use super::{Binding, Connection, Whole, help};
use crate::config::Asker;
use crate::registry::{Effect, Handler, Outcome};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("config|get", Handler::Session(get)),
    ("config|help", Handler::Node(help)),
    ("config|resetstat", Handler::Node(resetstat)),
    ("config|rewrite", Handler::Session(rewrite)),
    ("config|set", Handler::Session(set)),
];

fn help(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    help::write("config", help::CONFIG, whole.registry, reply);
    Ok(Effect::None)
}

fn get(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let patterns: Vec<&[u8]> = args.skip(2).iter().collect();
    let found = connection.config.get(&patterns);
    reply.map(found.len());
    for (name, value) in found {
        reply.bulk(name.as_bytes());
        reply.bulk(&value);
    }
    Ok(Effect::None)
}

fn set(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let words: Vec<&[u8]> = args.skip(2).iter().collect();
    let (pairs, rest) = words.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(ErrorReply::Syntax);
    }
    let pairs: Vec<_> = pairs.iter().map(|[name, value]| (*name, *value)).collect();
    // What a node answers while it loads is decided before a command comes here.
    let asker = Asker { is_local: connection.session.is_local, loading: false };
    connection.node.set_config(&pairs, asker)?;
    reply.ok();
    Ok(Effect::None)
}

fn rewrite(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    connection.node.rewrite_config()?;
    reply.ok();
    Ok(Effect::None)
}

fn resetstat(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    whole.connection.node.reset_stats();
    whole.shards.each_shard(&mut |shard| shard.reset_counters());
    reply.ok();
    Ok(Effect::None)
}

#[cfg(test)]
mod tests {
    use crate::testing::TestClient;

    #[test]
    fn get_answers_with_a_map() {
        let mut client = TestClient::new();
        assert_eq!(
            client.run("CONFIG GET maxmem* nosuch MAXMEMORY").matches("$9\r\nmaxmemory\r\n").count(),
            1
        );
        assert_eq!(client.run("CONFIG GET nosuch"), "*0\r\n");
        assert_eq!(client.resp3().run("CONFIG GET hz"), "%1\r\n$2\r\nhz\r\n$2\r\n10\r\n");
    }

    #[test]
    fn set_is_all_or_none() {
        let mut client = TestClient::new();
        assert_eq!(client.run("CONFIG SET maxmemory 1mb timeout 7"), "+OK\r\n");
        assert_eq!(
            client.run("CONFIG SET timeout 8 maxmemory x"),
            "-ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory value\r\n"
        );
        assert_eq!(client.run("CONFIG GET timeout"), "*2\r\n$7\r\ntimeout\r\n$1\r\n7\r\n");
        assert_eq!(client.run("CONFIG SET timeout 8 hz"), "-ERR syntax error\r\n");
        assert_eq!(
            client.run("CONFIG SET nosuch 1"),
            "-ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'\r\n"
        );
    }

    #[test]
    fn resetstat_counts_from_zero_again() {
        let mut client = TestClient::new();
        client.run("SET a 1");
        client.run("GET a");
        assert!(client.run("INFO stats").contains("keyspace_hits:1\r\n"));
        assert_eq!(client.run("CONFIG RESETSTAT"), "+OK\r\n");
        assert!(client.run("INFO stats").contains("keyspace_hits:0\r\n"));
    }
}
