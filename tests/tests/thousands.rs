//! Ten thousand clients at work at once: pipelines, transactions, messages, blocking commands, and those that only stay.
//!
//! Each client knows what the right answer is, and takes no other: counters that only it counts, lists that only it fills, messages and
//! elements with numbers in a row. Meanwhile an operator looks, and the server's memory is measured. Bounded by `SLOTWAY_LOAD_SECONDS`.

use std::collections::VecDeque;
use std::env;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use slotway_core::resp::value::{Value, ValueError};
use slotway_tests::random::Random;
use slotway_tests::server::Server;
use slotway_tests::wire::request;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// How long they work, in seconds, unless `SLOTWAY_LOAD_SECONDS` says.
const SECONDS: u64 = 10;
/// Clients that do what they are answered for, one thing at a time or in pipelines.
const WORKERS: usize = 4_000;
/// Pairs of one that waits for elements of a list and one that brings them.
const PAIRS: usize = 1_000;
/// Those that listen to a channel, half of them to one of a shard.
const LISTENERS: usize = 2_000;
const CHANNELS: usize = 100;
/// Those that say nothing but a word from time to time.
const IDLE: usize = 10_000 - WORKERS - 2 * PAIRS - LISTENERS - CHANNELS;
/// A client that waits for longer has been forgotten.
const HANG: Duration = Duration::from_secs(60);
/// Resident memory for a client, at most: none of them has much to be kept for it.
const IDLE_MAX_KIB: u64 = 16;
const WORKING_MAX_KIB: u64 = 32;
/// Once all are at work memory grows no further but by this, which is what an allocator may need for itself.
const GROWTH_MAX_PERCENT: u64 = 15;

#[test]
fn ten_thousand_clients_of_every_kind_get_every_answer() {
    let limit = rlimit::increase_nofile_limit(2 * 10_000).unwrap_or(0);
    assert!(limit > 10_100, "this test needs a limit of open files above 10100, and it is {limit}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(work());
}

async fn work() {
    let seconds = env::var("SLOTWAY_LOAD_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SECONDS);
    let server = Server::slotway(&["--maxclients", "10100", "--cluster-enabled", "yes"]);
    server.connect().call(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]);
    let mut operator = Client::open(server.port()).await.expect("the server takes a connection");
    while !operator.text(&["CLUSTER", "INFO"]).await.contains("cluster_state:ok") {
        sleep(Duration::from_millis(50)).await;
    }
    let before = server.resident_kib();
    let mut clients = all_connected(server.port()).await.expect("all are served").into_iter();
    let idle_kib = server.resident_kib() - before;
    println!("10,000 idle clients: {} bytes each", idle_kib * 1024 / 10_000);
    assert!(idle_kib < 10_000 * IDLE_MAX_KIB, "10,000 idle clients take {idle_kib} KiB");

    let is_over = Arc::new(AtomicBool::new(false));
    let mut tasks = JoinSet::new();
    let mut start = |task: Task| drop(tasks.spawn(task));
    let mut next = || clients.next().expect("as many as there are roles");
    for number in 0..LISTENERS {
        let mut client = next();
        let channel = Channel::of(number);
        client.call(&[channel.subscribe(), &channel.name()]).await.expect("it is subscribed");
        start(Box::pin(listen(client)));
    }
    for number in 0..WORKERS {
        start(Box::pin(be_answered(next(), number, Arc::clone(&is_over))));
    }
    for number in 0..PAIRS {
        start(Box::pin(wait_for_elements(next(), number)));
        start(Box::pin(bring_elements(next(), number, Arc::clone(&is_over))));
    }
    for number in 0..CHANNELS {
        start(Box::pin(speak(next(), number, Arc::clone(&is_over))));
    }
    for number in 0..IDLE {
        start(Box::pin(stay(next(), number, Arc::clone(&is_over))));
    }

    let (began, mut memory) = (Instant::now(), Vec::new());
    while began.elapsed() < Duration::from_secs(seconds) {
        sleep(Duration::from_millis(500)).await;
        memory.push(server.resident_kib());
        let looked = operator.text(&["INFO", "everything"]).await;
        assert!(looked.contains("connected_clients:10001\r\n"), "{looked}");
        if let Some(ended) = tasks.try_join_next() {
            panic!("a client ended before its time: {:?}", ended.expect("no panic").err());
        }
    }
    is_over.store(true, Ordering::Relaxed);
    let mut all = Done::default();
    while let Some(ended) = tasks.join_next().await {
        match ended.expect("no panic") {
            Ok(done) => all.add(done),
            Err(error) => panic!("{error}\n{}", operator.text(&["INFO", "everything"]).await),
        }
    }
    let commands = operator.info("total_commands_processed").await;
    report(&memory, before, &mut all, commands, began.elapsed());
    for (name, wanted) in [("total_error_replies", 0), ("rejected_connections", 0), ("evicted_clients", 0)] {
        assert_eq!(operator.info(name).await, wanted, "{name}");
    }
    assert_eq!(operator.call(&["DBSIZE"]).await, Ok(Value::Integer(all.keys)));

    let (half, end) = memory.split_at(memory.len() / 2);
    let highest = |samples: &[u64]| samples.iter().copied().max().unwrap_or(0);
    assert!(highest(&memory) - before < 10_000 * WORKING_MAX_KIB, "10,000 clients at work: {memory:?} KiB");
    let growth = highest(end).saturating_sub(highest(half)) * 100 / highest(half);
    assert!(growth < GROWTH_MAX_PERCENT, "memory goes on growing: {memory:?} KiB");
}

fn report(memory: &[u64], before: u64, all: &mut Done, commands: u64, took: Duration) {
    let highest = memory.iter().max().copied().unwrap_or(0) - before;
    all.took.sort_unstable();
    let part = |part: usize| all.took.get(all.took.len() * part / 1000).copied().unwrap_or_default();
    println!(
        "10,000 clients at work for {took:.0?}: {} bytes each at most, {commands} commands, {} messages heard, {} elements \
         waited for; a pipeline of 1 to 32 takes {:.1?} (median), {:.1?} (99 %), {:.1?} (at most)",
        highest * 1024 / 10_000,
        all.messages,
        all.elements,
        part(500),
        part(990),
        all.took.last().copied().unwrap_or_default(),
    );
}

/// What a client has to say at its end, or what went wrong.
type Outcome = Result<Done, String>;
type Task = std::pin::Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// What clients have done.
#[derive(Default)]
struct Done {
    /// Keys that are left of it.
    keys: i64,
    messages: u64,
    elements: u64,
    /// How long each pipeline took.
    took: Vec<Duration>,
}

impl Done {
    fn add(&mut self, other: Done) {
        let Done { keys, messages, elements, took } = other;
        self.keys += keys;
        self.messages += messages;
        self.elements += elements;
        self.took.extend(took);
    }
}

/// Pipelines of commands on keys that nobody else touches.
async fn be_answered(mut client: Client, number: usize, is_over: Arc<AtomicBool>) -> Outcome {
    let mut random = Random::new(number as u64);
    let mut keys = Keys::new(number);
    let mut done = Done::default();
    pause(&mut random, 2000).await;
    while !is_over.load(Ordering::Relaxed) {
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        for _ in 0..1 + random.below(32) {
            keys.command(&mut random, &mut bytes, &mut expected);
        }
        let began = Instant::now();
        client.send(&bytes).await?;
        for wanted in expected {
            let got = client.read().await?;
            if got != wanted {
                return Err(format!("worker {number}: {got:?} instead of {wanted:?}"));
            }
        }
        done.took.push(began.elapsed());
        pause(&mut random, 4000).await;
    }
    done.keys = keys.count();
    Ok(done)
}

/// What a worker's keys hold.
struct Keys {
    name: String,
    counter: i64,
    text: Option<Vec<u8>>,
    field: i64,
    list: VecDeque<i64>,
}

impl Keys {
    fn new(number: usize) -> Self {
        let name = format!("{{worker:{number}}}");
        Self { name, counter: 0, text: None, field: 0, list: VecDeque::new() }
    }

    fn count(&self) -> i64 {
        let is_there =
            [self.counter > 0, self.text.is_some(), self.field > 0, !self.list.is_empty()].map(i64::from);
        is_there.iter().sum()
    }

    /// Adds a command, or a transaction, and what it is to be answered.
    fn command(&mut self, random: &mut Random, bytes: &mut Vec<u8>, expected: &mut Vec<Value>) {
        let name = self.name.clone();
        let key = |kind: &str| format!("{name}:{kind}");
        let ok = || Value::Simple("OK".into());
        let mut add = |words: &[&[u8]], reply: Value| {
            bytes.extend(request(words));
            expected.push(reply);
        };
        match random.below(8) {
            0 => {
                self.counter += 1;
                add(&[b"INCR", key("counter").as_bytes()], Value::Integer(self.counter));
            }
            1 => {
                let len = random.below(200);
                let text = random.bytes(len);
                add(&[b"SET", key("text").as_bytes(), &text], ok());
                self.text = Some(text);
            }
            2 => {
                let reply = self.text.clone().map_or(Value::Null, Value::Bulk);
                add(&[b"GET", key("text").as_bytes()], reply);
            }
            3 => {
                self.field += 3;
                add(&[b"HINCRBY", key("hash").as_bytes(), b"field", b"3"], Value::Integer(self.field));
            }
            4 if self.list.len() < 100 => {
                self.counter += 1;
                self.list.push_back(self.counter);
                let text = self.counter.to_string();
                add(&[b"INCR", key("counter").as_bytes()], Value::Integer(self.counter));
                let len = Value::Integer(self.list.len() as i64);
                add(&[b"RPUSH", key("list").as_bytes(), text.as_bytes()], len);
            }
            5 => {
                let first = self.list.pop_front().map(|n| Value::Bulk(n.to_string().into_bytes()));
                add(&[b"LPOP", key("list").as_bytes()], first.unwrap_or(Value::Null));
            }
            6 => {
                let gone = i64::from(self.text.take().is_some());
                add(&[b"UNLINK", key("text").as_bytes()], Value::Integer(gone));
            }
            _ => {
                self.counter += 2;
                let (counter, queued) = (key("counter"), || Value::Simple("QUEUED".into()));
                add(&[b"MULTI"], ok());
                add(&[b"INCR", counter.as_bytes()], queued());
                add(&[b"INCR", counter.as_bytes()], queued());
                let results = [self.counter - 1, self.counter].map(Value::Integer);
                add(&[b"EXEC"], Value::Array(results.into()));
            }
        }
    }
}

/// BLPOP again and again, sometimes in vain: elements come in the order in which they were brought, and none is left out.
async fn wait_for_elements(mut client: Client, number: usize) -> Outcome {
    let list = format!("list:{number}");
    let mut done = Done::default();
    loop {
        match client.call(&["BLPOP", &list, "1"]).await? {
            Value::Null => {}
            Value::Array(parts) => {
                let element = parts.get(1).and_then(Value::as_str).unwrap_or_default();
                if element == "end" {
                    return Ok(done);
                }
                if element != done.elements.to_string() {
                    return Err(format!("{list}: {element} instead of {}", done.elements));
                }
                done.elements += 1;
            }
            other => return Err(format!("BLPOP {list}: {other:?}")),
        }
    }
}

async fn bring_elements(mut client: Client, number: usize, is_over: Arc<AtomicBool>) -> Outcome {
    let (list, mut random, mut next) = (format!("list:{number}"), Random::new(number as u64), 0);
    while !is_over.load(Ordering::Relaxed) {
        pause(&mut random, 3000).await;
        let elements: Vec<String> =
            (next..).take(1 + random.below(3)).map(|n: usize| n.to_string()).collect();
        next += elements.len();
        let words: Vec<&str> =
            ["RPUSH", &list].into_iter().chain(elements.iter().map(String::as_str)).collect();
        client.call(&words).await?.as_integer().ok_or("RPUSH counts")?;
    }
    client.call(&["RPUSH", &list, "end"]).await?;
    Ok(Done::default())
}

/// A channel, of the cluster or of a shard.
struct Channel(usize);

impl Channel {
    /// The one that this listener, or speaker, has to do with.
    fn of(number: usize) -> Self {
        Self(number % CHANNELS)
    }

    fn is_of_shard(&self) -> bool {
        self.0.is_multiple_of(2)
    }

    fn name(&self) -> String {
        format!("channel:{}", self.0)
    }

    fn subscribe(&self) -> &'static str {
        if self.is_of_shard() { "SSUBSCRIBE" } else { "SUBSCRIBE" }
    }

    fn publish(&self) -> &'static str {
        if self.is_of_shard() { "SPUBLISH" } else { "PUBLISH" }
    }
}

/// Hears every message of its channel once, in order.
async fn listen(mut client: Client) -> Outcome {
    let mut done = Done::default();
    loop {
        let Value::Array(parts) = client.read().await? else { return Err("a message is an array".into()) };
        let said = parts.get(2).and_then(Value::as_str).unwrap_or_default();
        if said == "end" {
            return Ok(done);
        }
        if said != done.messages.to_string() {
            return Err(format!("a listener hears {said} instead of {}", done.messages));
        }
        done.messages += 1;
    }
}

async fn speak(mut client: Client, number: usize, is_over: Arc<AtomicBool>) -> Outcome {
    let (channel, mut random) = (Channel::of(number), Random::new(number as u64));
    let mut next = 0;
    loop {
        let is_last = is_over.load(Ordering::Relaxed);
        let message = if is_last { "end".to_owned() } else { next.to_string() };
        let heard = client.call(&[channel.publish(), &channel.name(), &message]).await?;
        if heard != Value::Integer((LISTENERS / CHANNELS) as i64) {
            return Err(format!("{}: heard by {heard:?}", channel.name()));
        }
        if is_last {
            return Ok(Done::default());
        }
        next += 1;
        pause(&mut random, 1000).await;
    }
}

/// Asks from time to time whether anybody is there.
async fn stay(mut client: Client, number: usize, is_over: Arc<AtomicBool>) -> Outcome {
    let mut random = Random::new(number as u64);
    while !is_over.load(Ordering::Relaxed) {
        pause(&mut random, 8000).await;
        let reply = client.call(&["PING"]).await?;
        if reply != Value::Simple("PONG".into()) {
            return Err(format!("PING: {reply:?}"));
        }
    }
    Ok(Done::default())
}

/// Up to so long: clients of a crowd do not go in step.
async fn pause(random: &mut Random, ms_max: usize) {
    sleep(Duration::from_millis(random.below(ms_max) as u64)).await;
}

async fn all_connected(port: u16) -> Result<Vec<Client>, String> {
    let mut clients = Vec::new();
    for _ in 0..10_000 {
        let mut client = Client::open(port).await?;
        client.call(&["PING"]).await?;
        clients.push(client);
    }
    Ok(clients)
}

/// A connection that is one task among many.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    async fn open(port: u16) -> Result<Self, String> {
        let stream = within(TcpStream::connect(("127.0.0.1", port))).await?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        within(self.stream.write_all(bytes)).await
    }

    async fn read(&mut self) -> Result<Value, String> {
        loop {
            match Value::decode(&self.buffer) {
                Ok((value, used)) => {
                    self.buffer.drain(..used);
                    return Ok(value);
                }
                Err(ValueError::Incomplete) => {
                    if within(self.stream.read_buf(&mut self.buffer)).await? == 0 {
                        return Err("the server has closed the connection".into());
                    }
                }
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    async fn call(&mut self, words: &[&str]) -> Result<Value, String> {
        self.send(&request(words)).await?;
        self.read().await
    }

    async fn text(&mut self, words: &[&str]) -> String {
        let reply = self.call(words).await.unwrap_or_else(|error| panic!("{words:?}: {error}"));
        reply.as_str().unwrap_or_default().to_owned()
    }

    /// A figure of INFO; 0 if it does not tell it.
    async fn info(&mut self, name: &str) -> u64 {
        let text = self.text(&["INFO", "everything"]).await;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("INFO tells {name}"))
    }
}

async fn within<T>(waited: impl Future<Output = std::io::Result<T>>) -> Result<T, String> {
    match timeout(HANG, waited).await {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err(format!("nothing comes for {HANG:?}")),
    }
}
