//! CLUSTER MIGRATESLOTS between processes, under clients that write, and whatever dies meanwhile.
//!
//! One at a time: where all processors are busy, nodes that are well look dead.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use slotway_core::resp::value::Value;
use slotway_core::slot::{Slot, key_slot};
use slotway_tests::nodes::Kind::{Redis, Slotway};
use slotway_tests::nodes::{Kind, Nodes};
use slotway_tests::patience::Patience;
use slotway_tests::random::Random;
use slotway_tests::wire::Connection;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
/// The slots that move: the first so many.
const MOVED: u16 = 1000;
/// What has not come about by then never will.
const PATIENCE: Patience = Patience { limit: Duration::from_secs(60), poll: POLL };
const POLL: Duration = Duration::from_millis(10);

fn turn() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Primaries that share all slots, and replicas for each.
fn cluster(kinds: &[Kind], replicas: &str, options: &[&str]) -> Nodes {
    let nodes = Nodes::start_with(kinds, options);
    let addresses: Vec<String> = (0..kinds.len()).map(|node| nodes.address(node)).collect();
    let mut words = vec!["create"];
    words.extend(addresses.iter().map(String::as_str));
    words.extend(["--cluster-replicas", replicas]);
    nodes.redis_cli(&words);
    nodes.wait_until_agreed();
    nodes
}

/// So many keys in the slots that move.
fn keys(count: usize) -> Vec<String> {
    (0..).map(|number| format!("key:{number}")).filter(|key| is_moved(key)).take(count).collect()
}

fn is_moved(key: &str) -> bool {
    key_slot(key.as_bytes()).get() < MOVED
}

fn connect(nodes: &Nodes, node: usize) -> Connection {
    Connection::open(nodes.port(node)).expect("the node runs")
}

fn migrate(nodes: &Nodes, from: usize, to: usize) -> Value {
    let (last, id) = ((MOVED - 1).to_string(), nodes.id(to));
    connect(nodes, from).call(&["CLUSTER", "MIGRATESLOTS", "SLOTSRANGE", "0", &last, "NODE", &id])
}

/// What a node tells of its last migration.
fn last_job(nodes: &Nodes, node: usize) -> BTreeMap<String, String> {
    let jobs = connect(nodes, node).call(&["CLUSTER", "GETSLOTMIGRATIONS"]);
    let Some(Value::Array(fields)) = jobs.as_items().and_then(|jobs| jobs.first().cloned()) else {
        return BTreeMap::new();
    };
    let text = |value: &Value| match value {
        Value::Integer(number) => number.to_string(),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    fields.chunks(2).map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
}

#[track_caller]
fn wait_for_success(nodes: &Nodes, source: usize) {
    let state = || last_job(nodes, source).remove("state").unwrap_or_default();
    PATIENCE.wait_until("the migration is over", || {
        ["success", "failed", "cancelled"].contains(&state().as_str())
    });
    assert_eq!(state(), "success", "{:?}", last_job(nodes, source));
}

fn owner(nodes: &Nodes, seen_by: usize) -> String {
    let view = nodes.view(seen_by);
    view.owner(Slot::MIN).map(|owner| view.node(owner).id.to_string()).unwrap_or_default()
}

fn dbsize(nodes: &Nodes, node: usize) -> i64 {
    connect(nodes, node).call(&["DBSIZE"]).as_integer().expect("a number")
}

/// Clients that count up, each its own keys, and follow what they are told.
struct Writers {
    stop: Arc<AtomicBool>,
    /// The ports of the nodes, which change when these are started again.
    ports: Arc<Vec<AtomicU16>>,
    moved: Arc<AtomicUsize>,
    threads: Vec<thread::JoinHandle<BTreeMap<String, i64>>>,
}

impl Writers {
    fn start(nodes: &Nodes, keys: &[String], count: usize) -> Self {
        let ports: Vec<AtomicU16> = nodes.running().map(|node| AtomicU16::new(nodes.port(node))).collect();
        let (stop, ports) = (Arc::new(AtomicBool::new(false)), Arc::new(ports));
        let moved = Arc::new(AtomicUsize::new(0));
        let start = |number: usize| {
            let own: Vec<String> = keys.iter().skip(number).step_by(count).cloned().collect();
            let (stop, ports, moved) = (Arc::clone(&stop), Arc::clone(&ports), Arc::clone(&moved));
            thread::spawn(move || write(&own, number as u64, &stop, &ports, &moved))
        };
        let threads = (0..count).map(start).collect();
        Self { stop, ports, moved, threads }
    }

    /// What has been acknowledged, and how often a client was sent elsewhere.
    fn end(self) -> (BTreeMap<String, i64>, usize) {
        self.stop.store(true, Ordering::Relaxed);
        let all =
            self.threads.into_iter().flat_map(|thread| thread.join().expect("no writer failed")).collect();
        (all, self.moved.load(Ordering::Relaxed))
    }
}

/// Sets each key to how often it has been set. Only MOVED, and what a node says that has just been started, is no failure.
fn write(
    keys: &[String],
    seed: u64,
    stop: &AtomicBool,
    ports: &[AtomicU16],
    moved: &AtomicUsize,
) -> BTreeMap<String, i64> {
    let (mut random, mut acknowledged) = (Random::new(seed), BTreeMap::new());
    let mut connection: Option<Connection> = None;
    while !stop.load(Ordering::Relaxed) {
        let key = random.pick(keys);
        let number = acknowledged.get(key).copied().unwrap_or(0) + 1;
        loop {
            if stop.load(Ordering::Relaxed) {
                return acknowledged;
            }
            let Some(open) = &mut connection else {
                let port = random.pick(ports).load(Ordering::Relaxed);
                connection = Connection::open(port).ok();
                thread::sleep(POLL);
                continue;
            };
            let request = slotway_tests::wire::request(&["SET", key, &number.to_string()]);
            let reply = open.send(&request).and_then(|()| open.read()).map(|reply| reply.value);
            match reply {
                Err(_) => connection = None,
                Ok(Value::Simple(_)) => break,
                Ok(Value::Error(error)) if error.starts_with("MOVED ") => {
                    moved.fetch_add(1, Ordering::Relaxed);
                    let port = error.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
                    connection = Connection::open(port).ok();
                }
                Ok(Value::Error(error))
                    if error.starts_with("CLUSTERDOWN") || error.starts_with("LOADING") =>
                {
                    thread::sleep(POLL);
                }
                Ok(other) => panic!("{other:?}"),
            }
        }
        acknowledged.insert(key.clone(), number);
    }
    acknowledged
}

/// The keys whose value is less than what was acknowledged.
fn lost(connection: &mut Connection, acknowledged: &BTreeMap<String, i64>) -> Vec<String> {
    let is_lost = |(key, number): &(&String, &i64)| {
        connection.call(&["GET", key]).as_integer().is_none_or(|value| value < **number)
    };
    acknowledged.iter().filter(is_lost).map(|(key, _)| key.clone()).collect()
}

#[test]
fn writers_see_one_redirect_and_redis_follows() {
    let _turn = turn();
    let nodes = cluster(&[Slotway, Slotway, Redis], "0", &[]);
    let keys = keys(20_000);
    let mut source = connect(&nodes, 0);
    keys.iter().for_each(|key| drop(source.call(&["SET", key, "0"])));
    let writers = Writers::start(&nodes, &keys, 2);
    PATIENCE.wait_until("the writers write", || source.call(&["GET", &keys[0]]).as_integer() > Some(0));
    let before = writers.moved.load(Ordering::Relaxed);
    assert_eq!(migrate(&nodes, 0, 1), Value::Simple("OK".into()));
    wait_for_success(&nodes, 0);
    thread::sleep(Duration::from_millis(300));
    let (acknowledged, moved) = writers.end();
    assert!(moved - before <= 2, "each of two writers is sent elsewhere once, at most: {}", moved - before);
    assert_eq!(lost(&mut connect(&nodes, 1), &acknowledged), Vec::<String>::new());
    nodes.wait_until_agreed();
    assert_eq!(owner(&nodes, 2), nodes.id(1), "redis-server follows");
    PATIENCE.wait_until("the source has deleted what is not its own", || dbsize(&nodes, 0) == 0);
    assert_eq!(dbsize(&nodes, 1), keys.len() as i64);
    let job = last_job(&nodes, 1);
    assert_eq!((job["operation"].as_str(), job["state"].as_str()), ("IMPORT", "success"));
    assert_eq!(last_job(&nodes, 0)["slots_done"], MOVED.to_string());
}

#[test]
fn what_is_on_its_way_is_not_shown_and_goes_when_it_is_cancelled() {
    let _turn = turn();
    let nodes = cluster(&[Slotway, Slotway, Slotway], "0", &[]);
    let (keys, value) = (keys(5_000), "x".repeat(100));
    let mut source = connect(&nodes, 0);
    keys.iter().for_each(|key| drop(source.call(&["SET", key, &value, "EX", "1000"])));
    nodes.call(0, &["CONFIG", "SET", "slot-migration-max-rate", "100kb"]);
    let began = Instant::now();
    migrate(&nodes, 0, 1);
    let mut target = connect(&nodes, 1);
    let mut slots_with_keys = || {
        let mut in_slot =
            |slot: u16| target.call(&["CLUSTER", "COUNTKEYSINSLOT", &slot.to_string()]).as_integer();
        (0..MOVED).filter(|slot| in_slot(*slot) > Some(0)).count()
    };
    PATIENCE.wait_until("some keys have come", || slots_with_keys() > 0);
    let mut client = connect(&nodes, 1);
    assert_eq!(client.call(&["DBSIZE"]), Value::Integer(0));
    assert_eq!(client.call(&["KEYS", "*"]), Value::Array(Vec::new()));
    assert_eq!(client.call(&["RANDOMKEY"]), Value::Null);
    assert_eq!(
        client.call(&["SCAN", "0", "COUNT", "100000"]),
        Value::Array(vec![Value::Bulk(b"0".to_vec()), Value::Array(Vec::new())])
    );
    let sent: f64 = last_job(&nodes, 0)["bytes_done"].parse().expect("a number");
    let allowed = 100.0 * 1024.0 * began.elapsed().as_secs_f64() + 300_000.0;
    assert!(sent < allowed, "{sent} bytes, of {allowed} that the rate allows");
    for (node, operation, other) in [(0, "EXPORT", 1), (1, "IMPORT", 0)] {
        let told = nodes.call(node, &["INFO", "cluster"]);
        let job = told.split("cluster_slot_migration0:").nth(1).expect("it is under way");
        assert!(told.contains("cluster_slot_migration_active_tasks:1\r\n"), "{told}");
        assert!(job.contains(&format!(",operation={operation},node={},state=", nodes.id(other))), "{told}");
        assert!(job.contains(&format!(",slots_total={MOVED},slots_done=")), "{told}");
        let done = |name: &str| {
            let rest = job.split(&format!("{name}=")).nth(1).expect("it is told");
            rest.split([',', '\r']).next().and_then(|number| number.parse::<u64>().ok())
        };
        assert!(done("keys_done") > Some(0) && done("bytes_done") > Some(100), "{told}");
    }
    assert_eq!(source.call(&["CLUSTER", "CANCELSLOTMIGRATIONS"]), Value::Simple("OK".into()));
    assert_eq!(last_job(&nodes, 0)["state"], "cancelled");
    assert!(!nodes.call(0, &["INFO", "cluster"]).contains("cluster_slot_migration"));
    PATIENCE.wait_until("what had come is gone", || slots_with_keys() == 0);
    assert_eq!(dbsize(&nodes, 0), keys.len() as i64);
    nodes.call(0, &["CONFIG", "SET", "slot-migration-max-rate", "0"]);
    PATIENCE.wait_until("the target has let go", || last_job(&nodes, 1)["state"] == "failed");
    assert_eq!(migrate(&nodes, 0, 1), Value::Simple("OK".into()));
    wait_for_success(&nodes, 0);
    assert_eq!(dbsize(&nodes, 1), keys.len() as i64);
}

#[test]
fn values_of_all_kinds_arrive_at_the_target_and_its_replica() {
    let _turn = turn();
    let options = ["--enable-debug-command", "yes", "--hash-max-listpack-entries", "16"];
    let nodes = cluster(&[Slotway; 6], "1", &options);
    let tag = (0..).map(|number| number.to_string()).find(|tag| is_moved(tag)).expect("some tag is in there");
    let mut source = connect(&nodes, 0);
    let names = write_all_kinds(&mut source, &tag);
    let digest = |connection: &mut Connection| {
        let words: Vec<&str> =
            ["DEBUG", "DIGEST-VALUE"].into_iter().chain(names.iter().map(String::as_str)).collect();
        connection.call(&words)
    };
    let (before, ttl) = (digest(&mut source), source.call(&["PEXPIRETIME", &names[1]]));
    migrate(&nodes, 0, 1);
    wait_for_success(&nodes, 0);
    let mut target = connect(&nodes, 1);
    assert_eq!(digest(&mut target), before);
    assert_eq!(target.call(&["PEXPIRETIME", &names[1]]), ttl);
    let target_id = nodes.id(1);
    let is_its_replica = |node: &usize| {
        nodes
            .call(*node, &["CLUSTER", "NODES"])
            .lines()
            .any(|line| line.contains("myself,slave") && line.contains(&target_id))
    };
    let replica = (0..6).find(is_its_replica).expect("each primary has a replica");
    let mut replica = connect(&nodes, replica);
    replica.call(&["READONLY"]);
    PATIENCE.wait_until("the replica has all of it", || digest(&mut replica) == before);
    PATIENCE.wait_until("and shows it", || replica.call(&["DBSIZE"]) == Value::Integer(names.len() as i64));
}

/// A key of each kind and form, large ones among them, all in the slot of `tag`.
fn write_all_kinds(connection: &mut Connection, tag: &str) -> Vec<String> {
    let key = |name: &str| format!("{{{tag}}}{name}");
    let names: Vec<String> = [
        "text",
        "expiring",
        "number",
        "list",
        "long-list",
        "set",
        "integers",
        "large-set",
        "hash",
        "large-hash",
        "sorted",
        "large-sorted",
        "stream",
    ]
    .iter()
    .map(|name| key(name))
    .collect();
    let mut call = |words: &[&str]| {
        let reply = connection.call(words);
        assert!(!matches!(reply, Value::Error(_)), "{words:?}: {reply:?}");
    };
    call(&["SET", &names[0], "some text"]);
    call(&["SET", &names[1], "some text", "EX", "1000"]);
    call(&["SET", &names[2], "12345"]);
    call(&["RPUSH", &names[3], "a", "b", "1"]);
    call(&["SADD", &names[5], "a", "b"]);
    call(&["SADD", &names[6], "1", "2", "70000"]);
    call(&["HSET", &names[8], "f", "v"]);
    call(&["ZADD", &names[10], "1.5", "a", "-inf", "b"]);
    for number in 0..3000 {
        let (word, score) = (format!("element:{number}"), format!("{}", f64::from(number) / 7.0));
        call(&["RPUSH", &names[4], &word]);
        call(&["SADD", &names[7], &word]);
        call(&["HSET", &names[9], &word, &score]);
        call(&["ZADD", &names[11], &score, &word]);
        call(&["XADD", &names[12], "*", "field", &word]);
    }
    call(&["XGROUP", "CREATE", &names[12], "group", "0"]);
    call(&["XREADGROUP", "GROUP", "group", "alice", "COUNT", "10", "STREAMS", &names[12], ">"]);
    names
}

#[test]
fn whoever_is_killed_the_old_owner_or_the_new_one_has_everything() {
    const ROUNDS: usize = 8;
    let _turn = turn();
    let mut nodes = cluster(&[Slotway, Slotway, Slotway], "0", &["--appendonly", "yes"]);
    let keys = keys(3000);
    let mut source = connect(&nodes, 0);
    let filler: Vec<String> =
        (0..).map(|n| format!("filler:{n}")).filter(|key| is_moved(key)).take(10_000).collect();
    for key in keys.iter().chain(&filler) {
        source.call(&["SET", key, "0"]);
    }
    let writers = Writers::start(&nodes, &keys, 2);
    let (mut random, mut owned_by) = (Random::new(7), 0);
    for round in 0..ROUNDS {
        let target = (owned_by + 1 + random.below(2)) % 3;
        assert_eq!(migrate(&nodes, owned_by, target), Value::Simple("OK".into()), "round {round}");
        thread::sleep(Duration::from_millis(random.below(250) as u64));
        let victims: &[usize] = match random.below(3) {
            0 => &[owned_by],
            1 => &[target],
            _ => &[owned_by, target],
        };
        victims.iter().for_each(|victim| nodes.kill(*victim));
        for victim in victims {
            nodes.restart(*victim);
            writers.ports[*victim].store(nodes.port(*victim), Ordering::Relaxed);
        }
        nodes.wait_until_agreed();
        PATIENCE.wait_until("nothing is under way", || {
            let is_over = |node| {
                let state = last_job(&nodes, node).remove("state");
                state.is_none_or(|state| ["success", "failed", "cancelled"].contains(&state.as_str()))
            };
            (0..3).all(is_over)
        });
        let now = owner(&nodes, 0);
        owned_by = (0..3).find(|node| nodes.id(*node) == now).expect("one of the three");
        let mut owner = connect(&nodes, owned_by);
        let there = filler.iter().filter(|key| owner.call(&["EXISTS", key]) == Value::Integer(1)).count();
        assert_eq!(there, filler.len(), "round {round}: killed {victims:?}, {owned_by} owns the slots");
    }
    let (acknowledged, _) = writers.end();
    assert!(!acknowledged.is_empty());
    assert_eq!(lost(&mut connect(&nodes, owned_by), &acknowledged), Vec::<String>::new());
    let all = (keys.len() + filler.len()) as i64;
    PATIENCE.wait_until("nobody else has any of it", || {
        (0..3).map(|node| dbsize(&nodes, node)).sum::<i64>() == all
    });
}

#[test]
fn a_hash_of_a_million_fields_moves_while_it_is_written() {
    const FIELDS: usize = 1_000_000;
    let _turn = turn();
    let nodes = cluster(&[Slotway, Slotway, Slotway], "0", &[]);
    let tag = (0..).map(|number| number.to_string()).find(|tag| is_moved(tag)).expect("some tag is in there");
    let key = format!("{{{tag}}}hash");
    let mut source = connect(&nodes, 0);
    for first in (0..FIELDS).step_by(1000) {
        let pairs = (first..first + 1000).flat_map(|n| [format!("field:{n}"), format!("value:{n}")]);
        let words: Vec<String> = ["HSET".to_owned(), key.clone()].into_iter().chain(pairs).collect();
        source.call(&words);
    }
    migrate(&nodes, 0, 1);
    let (mut at, mut written, mut times) = (connect(&nodes, 0), 0_usize, Vec::new());
    while last_job(&nodes, 0)["state"] != "success" || written < 500 {
        let (field, value) = (format!("field:{}", written * 997 % FIELDS), format!("new:{written}"));
        let began = Instant::now();
        if let Value::Error(error) = at.call(&["HSET", &key, &field, &value]) {
            assert!(error.starts_with("MOVED"), "{error}");
            at = connect(&nodes, 1);
            at.call(&["HSET", &key, &field, &value]);
        }
        times.push(began.elapsed());
        written += 1;
        assert!(times.iter().sum::<Duration>() < PATIENCE.limit, "{:?}", last_job(&nodes, 0));
    }
    times.sort();
    let longest = times[times.len() - 1];
    // Tens of milliseconds on an idle machine; a machine that runs other tests is not idle.
    assert!(longest < Duration::from_secs(1), "a write took {longest:?}");
    let mut target = connect(&nodes, 1);
    assert_eq!(target.call(&["HLEN", &key]), Value::Integer(FIELDS as i64));
    for number in written.saturating_sub(500)..written {
        let field = format!("field:{}", number * 997 % FIELDS);
        assert_eq!(target.call(&["HGET", &key, &field]).as_str(), Some(format!("new:{number}").as_str()));
    }
}

#[test]
fn what_cannot_be_moved_is_refused_in_words() {
    let _turn = turn();
    let nodes = cluster(&[Slotway, Slotway, Redis], "0", &[]);
    let mut source = connect(&nodes, 0);
    let mut refused = |words: &[&str]| match source.call(&[&["CLUSTER", "MIGRATESLOTS"], words].concat()) {
        Value::Error(error) => error,
        other => panic!("{other:?}"),
    };
    let (own, other) = (nodes.id(0), nodes.id(1));
    let stranger = "0".repeat(40);
    for (words, error) in [
        (["SLOTSRANGE", "0", "1", "NODE", &own], "ERR Target node can not be this node."),
        (["SLOTSRANGE", "16383", "16383", "NODE", &other], "ERR Slots are not served by this node."),
        (["SLOTSRANGE", "0", "16383", "NODE", &other], "ERR Requested slots span multiple shards"),
        (
            ["SLOTSRANGE", "5", "1", "NODE", &other],
            "ERR Start slot number 5 is greater than end slot number 1.",
        ),
        (["SLOTSRANGE", "0", "16384", "NODE", &other], "ERR Invalid or out of range slot"),
        (["SLOTSRANGE", "0", "1", "NODE", "x"], "ERR Invalid node name: x"),
        (["SLOTSRANGE", "0", "1", "NODE", &stranger], &format!("ERR Unknown node name: {stranger}")),
        (["SLOTS", "0", "1", "NODE", &other], "ERR syntax error"),
    ] {
        assert_eq!(refused(&words), error, "{words:?}");
    }
    // redis-server does not know how; nothing is lost, and nothing stays open.
    source.call(&["SET", &keys(1)[0], "1"]);
    migrate(&nodes, 0, 2);
    PATIENCE.wait_until("it has failed", || last_job(&nodes, 0)["state"] == "failed");
    assert!(
        last_job(&nodes, 0)["message"].contains("neither Slotway nor Valkey 9"),
        "{:?}",
        last_job(&nodes, 0)
    );
    assert_eq!(dbsize(&nodes, 0), 1);
    // No memory is left at the target.
    nodes.call(1, &["CONFIG", "SET", "maxmemory", "1"]);
    migrate(&nodes, 0, 1);
    PATIENCE.wait_until("it has failed", || last_job(&nodes, 0)["state"] == "failed");
    PATIENCE.wait_until("the target says why", || last_job(&nodes, 1)["message"].contains("OOM"));
    assert_eq!(dbsize(&nodes, 0), 1);
    nodes.call(1, &["CONFIG", "SET", "maxmemory", "0"]);
    migrate(&nodes, 0, 1);
    wait_for_success(&nodes, 0);
}
