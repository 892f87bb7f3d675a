//! `slotway cluster import`: the keys of a standalone server, into the cluster.
//!
//! ```text
//!   source: SCAN, then per batch  [WATCH keys]  DUMP, PTTL
//!   cluster: RESTORE, each key at its owner
//!   source: [MULTI, DEL keys, EXEC]           only with --move; what a client has changed meanwhile is copied again
//! ```
//!
//! The data goes through this process, so neither side needs to reach the other, or to know its password.

use std::collections::{BTreeMap, BTreeSet};

use slotway_core::id::NodeId;
use slotway_core::resp::value::Value;
use slotway_core::slot::key_slot;

use super::client::{Access, Client};
use super::console::{Console, count};
use super::exit::Stop;
use super::interrupt;
use super::place::Place;
use super::reshard::must_be_whole;
use super::view::View;

/// Keys asked for by one SCAN, and so about as many are copied together.
const BATCH: &str = "200";
/// Times that a batch is copied again that clients keep changing.
const TRIES_MAX: usize = 20;

/// Copy the keys of a standalone server into the cluster.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  slotway cluster import 10.0.0.5:7000 --from old-redis:6379
  slotway cluster import 10.0.0.5:7000 --from old-redis:6379 --replace
  SLOTWAY_FROM_PASSWORD=old slotway cluster import 10.0.0.5:7000 --from old-redis:6379 --move

Without --move the source stays as it is. A key that the cluster has already ends the import, unless --replace.")]
pub(super) struct Options {
    /// A node of the cluster
    #[arg(value_name = "HOST:PORT")]
    node: Place,
    /// The standalone server
    #[arg(long, value_name = "HOST:PORT")]
    from: Place,
    /// Password of that server
    #[arg(long, env = "SLOTWAY_FROM_PASSWORD", hide_env_values = true, value_name = "PASSWORD")]
    from_password: Option<String>,
    /// User of that password
    #[arg(long, value_name = "USER")]
    from_user: Option<String>,
    /// That server has no TLS, though the cluster has
    #[arg(long)]
    from_plain: bool,
    /// Database of that server
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    from_database: u32,
    /// Replace keys that the cluster has
    #[arg(long)]
    replace: bool,
    /// Delete from the source what was copied
    #[arg(long = "move", conflicts_with = "copy")]
    moves: bool,
    /// Leave the source as it is: the default
    #[arg(long)]
    copy: bool,
    /// Tell how many keys there are, and copy nothing
    #[arg(long)]
    dry_run: bool,
}

/// A key as it travels.
struct Entry {
    key: Vec<u8>,
    /// Milliseconds to live; 0: no end.
    ttl: String,
    dump: Vec<u8>,
}

/// Both sides.
struct Import<'a> {
    view: View,
    source: Client,
    options: &'a Options,
}

pub(super) fn run(options: &Options, access: &Access, console: &Console) -> Result<(), Stop> {
    let view = View::load_whole(access, &options.node)?;
    must_be_whole(&view, &options.node)?;
    let their_access = Access {
        user: options.from_user.clone(),
        password: options.from_password.clone().filter(|password| !password.is_empty()),
        timeout: access.timeout,
        secure: access.secure.clone().filter(|_| !options.from_plain),
    };
    let mut source = Client::connect(&their_access, &options.from)?;
    if source.text(&["INFO", "cluster"])?.contains("cluster_enabled:1") {
        return Err(Stop::refused(format!(
            "{} is a node of a cluster: import is for standalone servers.",
            options.from
        )));
    }
    source.order(&["SELECT", &options.from_database.to_string()])?;
    let keys = source.number(&["DBSIZE"])?;
    console.say(format!("{} has {}.", options.from, count(keys as usize, "key")));
    if options.dry_run {
        console.data(&serde_json::json!({ "dry_run": true, "keys": keys }));
        return Ok(());
    }
    let what = if options.moves { "Move" } else { "Copy" };
    console.confirm(&format!("{what} them into the cluster?"))?;
    let copied = copy_all(Import { view, source, options }, keys, console)?;
    console.say(format!("Imported {}.", count(copied as usize, "key")));
    console.data(&serde_json::json!({ "imported": copied }));
    Ok(())
}

fn copy_all(mut import: Import, keys: u64, console: &Console) -> Result<u64, Stop> {
    interrupt::watch();
    let bar = console.bar(keys, "keys");
    let (mut cursor, mut copied) = ("0".to_owned(), 0);
    // SCAN may name a key twice. Only what was copied here may be replaced without being asked for.
    let mut ours = BTreeSet::new();
    loop {
        let batch = import.source.order(&["SCAN", &cursor, "COUNT", BATCH])?;
        let Some([next, keys]) = batch.as_items() else {
            return Err(Stop::refused("The source answers SCAN with something unexpected."));
        };
        let keys =
            keys.as_items().unwrap_or_default().iter().filter_map(|key| key.as_bytes().map(<[u8]>::to_vec));
        let keys: Vec<Vec<u8>> = keys.filter(|key| !ours.contains(key)).collect();
        let done = interrupt::check().and_then(|()| import.copy(&keys));
        let number = done.map_err(|stop| {
            bar.abandon();
            stop.midway(&format!(
                "{} of {keys_all} were imported. Say the same with --replace to go on.",
                copied,
                keys_all = bar.length().unwrap_or(copied)
            ))
        })?;
        copied += number;
        ours.extend(keys);
        bar.inc(number);
        cursor = next.as_str().unwrap_or("0").to_owned();
        if cursor == "0" {
            bar.finish_and_clear();
            return Ok(copied);
        }
    }
}

impl Import<'_> {
    /// Copies keys; how many there still were.
    fn copy(&mut self, keys: &[Vec<u8>]) -> Result<u64, Stop> {
        if keys.is_empty() {
            return Ok(0);
        }
        let mut replaces = self.options.replace;
        for _ in 0..TRIES_MAX {
            if self.options.moves {
                self.source.order(&words("WATCH", keys))?;
            }
            let values = self.values(keys)?;
            self.restore(&values, replaces)?;
            if !self.options.moves || self.delete(keys)? {
                return Ok(values.len() as u64);
            }
            // A client changed one of them: what the cluster has now is old, and ours to replace.
            replaces = true;
        }
        Err(Stop::interrupted(
            "Clients of the source keep changing the same keys: stop them, or import without --move.",
        ))
    }

    /// The keys that exist.
    fn values(&mut self, keys: &[Vec<u8>]) -> Result<Vec<Entry>, Stop> {
        let requests: Vec<Vec<Vec<u8>>> = keys
            .iter()
            .flat_map(|key| {
                [words("PTTL", std::slice::from_ref(key)), words("DUMP", std::slice::from_ref(key))]
            })
            .collect();
        let replies = self.source.ask_all(&requests)?;
        let value = |(key, replies): (&Vec<u8>, &[Value])| {
            let [ttl, dump] = replies else { return None };
            let ttl = ttl.as_integer().filter(|ttl| *ttl > 0).unwrap_or(0);
            Some(Entry { key: key.clone(), ttl: ttl.to_string(), dump: dump.as_bytes()?.to_vec() })
        };
        if let Some(Value::Error(text)) = replies.iter().find(|reply| matches!(reply, Value::Error(_))) {
            return Err(Stop::interrupted(format!("The source does not give its keys: {text}")));
        }
        Ok(keys.iter().zip(replies.chunks(2)).filter_map(value).collect())
    }

    fn restore(&mut self, values: &[Entry], replaces: bool) -> Result<(), Stop> {
        let mut by_owner: BTreeMap<NodeId, Vec<Vec<&[u8]>>> = BTreeMap::new();
        for Entry { key, ttl, dump } in values {
            let owner = self.view.topology().owner(key_slot(key));
            let owner =
                owner.ok_or_else(|| Stop::interrupted(format!("Nobody serves slot {}.", key_slot(key))))?;
            let mut request: Vec<&[u8]> = vec![b"RESTORE", key, ttl.as_bytes(), dump];
            request.extend(replaces.then_some(b"REPLACE".as_slice()));
            by_owner.entry(self.view.topology().node(owner).id).or_default().push(request);
        }
        for (owner, requests) in by_owner {
            let replies = self.view.client(&owner)?.ask_all(&requests)?;
            for (request, reply) in requests.iter().zip(replies) {
                if let Value::Error(text) = reply {
                    return Err(not_taken(&String::from_utf8_lossy(request[1]), &text));
                }
            }
        }
        Ok(())
    }

    /// Deletes what was copied, unless a client has changed it since; then false.
    fn delete(&mut self, keys: &[Vec<u8>]) -> Result<bool, Stop> {
        self.source.order(&["MULTI"])?;
        self.source.order(&words("DEL", keys))?;
        Ok(self.source.order(&["EXEC"])? != Value::Null)
    }
}

fn words(command: &str, keys: &[Vec<u8>]) -> Vec<Vec<u8>> {
    std::iter::once(command.as_bytes().to_vec()).chain(keys.iter().cloned()).collect()
}

fn not_taken(key: &str, text: &str) -> Stop {
    match () {
        () if text.starts_with("BUSYKEY") => Stop::interrupted(format!(
            "The cluster has the key '{key}' already. Say --replace to overwrite such keys."
        )),
        () if text.starts_with("MOVED") || text.starts_with("ASK") => {
            Stop::interrupted("Slots moved during the import: repeat it with --replace when they are done.")
        }
        () if text.starts_with("OOM") => {
            Stop::interrupted("A node of the cluster is out of memory: raise its maxmemory, or rebalance.")
        }
        () => Stop::interrupted(format!("The cluster does not take the key '{key}': {text}")),
    }
}
