//! MEMORY: what keys take, and the node as a whole.

mod doctor;
mod figures;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::{Deferred, ReplyWriter};
use slotway_core::resp::error::ErrorReply;
use slotway_core::time::UnixMs;

use super::args::{self, Options};
use super::{Binding, Data, Whole, help};
use crate::keyspace::DbIndex;
use crate::registry::{Effect, Handler, Outcome};
pub(super) use figures::Memory;

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("memory|doctor", Handler::Node(doctor)),
    ("memory|help", Handler::Node(help)),
    ("memory|malloc-stats", Handler::Node(malloc_stats)),
    ("memory|purge", Handler::Node(purge)),
    ("memory|stats", Handler::Node(stats)),
    ("memory|usage", Handler::Data(usage)),
];

/// Nothing of what the allocator knows is known here: Redis' words where it runs on an allocator without statistics.
const NO_STATS: &[u8] = b"Stats not supported for the current allocator";

fn help(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    help::write("memory", help::MEMORY, whole.registry, reply);
    Ok(Effect::None)
}

fn doctor(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let report = doctor::report(&Memory::of(whole), whole.connection.node.facts().allocator);
    reply.verbatim("txt", report.as_bytes());
    Ok(Effect::None)
}

fn malloc_stats(_: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply.bulk(NO_STATS);
    Ok(Effect::None)
}

/// The allocator gives back what it can by itself: as in Redis on an allocator that cannot be told to.
fn purge(_: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply.ok();
    Ok(Effect::None)
}

/// The fields of Redis 7.2. What clients take is part of no sum: all sums are of data.
fn stats(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let memory = Memory::of(whole);
    let mut fields = Fields::begin(reply);
    fields.bytes("peak.allocated", memory.rss_peak);
    fields.bytes("total.allocated", memory.used);
    fields.zeros(&["startup.allocated", "replication.backlog", "clients.slaves"]);
    fields.bytes("clients.normal", memory.clients);
    fields.bytes("cluster.links", memory.cluster_links);
    fields.zeros(&["aof.buffer", "lua.caches", "functions.caches"]);
    for (index, tables) in &memory.tables {
        fields.database(*index, *tables);
    }
    fields.bytes("overhead.total", memory.overhead);
    fields.bytes("keys.count", memory.keys);
    fields.bytes("keys.bytes-per-key", memory.used.checked_div(memory.keys).unwrap_or(0));
    fields.bytes("dataset.bytes", memory.dataset());
    fields.number("dataset.percentage", memory.dataset_percent());
    fields.number("peak.percentage", memory.peak_percent());
    allocator_stats(&memory, &mut fields);
    fields.end();
    Ok(Effect::None)
}

/// As INFO tells them: what is lost between data and process is the allocator's.
fn allocator_stats(memory: &Memory, fields: &mut Fields<'_, '_>) {
    let (factor, lost) = memory.fragmentation();
    fields.bytes("allocator.allocated", memory.used);
    fields.bytes("allocator.active", memory.rss);
    fields.bytes("allocator.resident", memory.rss);
    for (ratio, bytes, (factor, lost)) in [
        ("allocator-fragmentation.ratio", "allocator-fragmentation.bytes", (factor, lost)),
        ("allocator-rss.ratio", "allocator-rss.bytes", (1.0, 0)),
        ("rss-overhead.ratio", "rss-overhead.bytes", (1.0, 0)),
        ("fragmentation", "fragmentation.bytes", (factor, lost)),
    ] {
        fields.number(ratio, factor);
        fields.bytes(bytes, lost);
    }
}

/// A map whose length is known at its end.
struct Fields<'a, 'o> {
    reply: &'a mut ReplyWriter<'o>,
    header: Deferred,
    count: usize,
}

impl<'a, 'o> Fields<'a, 'o> {
    fn begin(reply: &'a mut ReplyWriter<'o>) -> Self {
        let header = reply.deferred_map();
        Self { reply, header, count: 0 }
    }

    fn name(&mut self, name: &str) {
        self.reply.bulk(name.as_bytes());
        self.count += 1;
    }

    fn bytes(&mut self, name: &str, value: u64) {
        self.name(name);
        self.reply.integer(value as i64);
    }

    fn zeros(&mut self, names: &[&str]) {
        names.iter().for_each(|name| self.bytes(name, 0));
    }

    /// In single precision, as Redis keeps these.
    fn number(&mut self, name: &str, value: f64) {
        self.name(name);
        self.reply.double(f64::from(value as f32));
    }

    /// Keys with an expiry have no table of their own, nor have slots one besides the keys.
    fn database(&mut self, index: DbIndex, tables: u64) {
        self.name(&alloc::format!("db.{}", index.0));
        self.reply.map(3);
        for (name, value) in [("main", tables), ("expires", 0), ("slot-to-keys", 0)] {
            self.reply.bulk(alloc::format!("overhead.hashtable.{name}").as_bytes());
            self.reply.integer(value as i64);
        }
    }

    fn end(self) {
        self.reply.close(self.header, self.count);
    }
}

/// Bytes of the key's entry and its value. SAMPLES is for collections, of which all is known here.
fn usage(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let mut words = Options::new(args, 3);
    while let Some(word) = words.word() {
        if !args::is(word, "samples") || args::integer(words.value()?)? < 0 {
            return Err(ErrorReply::Syntax);
        }
    }
    let key = data.key(args.at(2));
    // What has expired takes memory until it is removed: at the beginning of time nothing has.
    match data.db_of(&key).peek(UnixMs::from_ms(0), &key) {
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
    fn stats_are_a_map_of_redis_fields() {
        let mut client = TestClient::new().resp3();
        let empty = client.run("MEMORY STATS");
        assert!(empty.starts_with("%27\r\n$14\r\npeak.allocated\r\n:"), "{empty}");
        assert!(empty.contains("$18\r\nkeys.bytes-per-key\r\n:0\r\n"));
        client.run("MSET a 1 b 2");
        let stats = client.run("MEMORY STATS");
        assert!(stats.starts_with("%28\r\n") && stats.contains("$4\r\ndb.0\r\n%3\r\n"), "{stats}");
        assert!(stats.contains("$10\r\nkeys.count\r\n:2\r\n"));
    }

    #[test]
    fn info_and_stats_tell_the_same() {
        let mut client = TestClient::new();
        client.run("SET a 1");
        let (info, stats) = (client.run("INFO memory"), client.run("MEMORY STATS"));
        for (field, name) in [
            ("used_memory", "total.allocated"),
            ("used_memory_overhead", "overhead.total"),
            ("used_memory_dataset", "dataset.bytes"),
        ] {
            let line =
                info.split("\r\n").find_map(|line| line.strip_prefix(field)?.strip_prefix(':')).unwrap();
            assert!(line != "0" && stats.contains(&alloc::format!("\r\n{name}\r\n:{line}\r\n")), "{field}");
        }
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
