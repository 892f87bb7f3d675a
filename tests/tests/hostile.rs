//! Strangers at both ports who send anything: bytes that mean nothing, requests and frames of real servers with bytes changed, cut off,
//! doubled and put together, floods, and what is begun and never ended.
//!
//! Nothing is let in, nothing is lost, memory and time are bounded, and others are served meanwhile. Each attack goes on for
//! `SLOTWAY_HOSTILE_SECONDS`.

use std::env;
use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use slotway_core::command;
use slotway_core::resp::value::Value;
use slotway_tests::binaries;
use slotway_tests::grammar::{Deck, FAMILIES};
use slotway_tests::nodes::{Kind, Nodes};
use slotway_tests::operator;
use slotway_tests::patience::Patience;
use slotway_tests::random::Random;
use slotway_tests::script;
use slotway_tests::server::Server;
use slotway_tests::spoil::spoil;
use slotway_tests::wire::{Connection, request};

/// How long an attack goes on, in seconds, unless `SLOTWAY_HOSTILE_SECONDS` says.
const SECONDS: u64 = 6;
/// Who attack at a time.
const ATTACKERS: u64 = 3;
const KEYS: usize = 500;
/// Others are answered within this, on a machine that does much besides.
const ANSWERED: Duration = Duration::from_secs(5);
/// Memory may grow by this while strangers do what they can.
const GROWTH_MAX_MIB: u64 = 256;
/// The same where they send long messages, of which some are taken: what is allowed of them, and once more for what an allocator gives back late.
const LONG_MAX_MIB: u64 = 400;
const PATIENCE: Patience = Patience { limit: Duration::from_secs(30), poll: Duration::from_millis(100) };

fn attack_len() -> Duration {
    let seconds = env::var("SLOTWAY_HOSTILE_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(SECONDS))
}

/// Has `attackers` at work for as long as attacks go on, each with a generator of its own, while `other` is asked again and again: how often
/// they came, and how long the longest answer took.
fn attacked(attack: impl Fn(&mut Random) -> u64 + Sync, mut other: impl FnMut()) -> (u64, Duration) {
    let (is_over, times) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut longest = Duration::ZERO;
    thread::scope(|scope| {
        for attacker in 0..ATTACKERS {
            let (is_over, times, attack) = (&is_over, &times, &attack);
            scope.spawn(move || {
                let mut random = Random::new(attacker);
                while !is_over.load(Ordering::Relaxed) {
                    times.fetch_add(attack(&mut random), Ordering::Relaxed);
                }
            });
        }
        let (began, end) = (Instant::now(), End(&is_over));
        while began.elapsed() < attack_len() {
            let asked = Instant::now();
            other();
            longest = longest.max(asked.elapsed());
            thread::sleep(Duration::from_millis(20));
        }
        drop(end);
    });
    (times.into_inner(), longest)
}

/// Says that it is over when it goes, be it because something has failed.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Once strangers are gone a server has nothing to do.
fn comes_to_rest(server: &Server) {
    PATIENCE.wait_until("it rests", || {
        let (before, began) = (server.cpu_time(), Instant::now());
        thread::sleep(Duration::from_millis(500));
        (server.cpu_time() - before).as_secs_f64() < 0.25 * began.elapsed().as_secs_f64()
    });
}

/// A connection to be misused. Whoever cannot have one tries again later.
fn stranger(port: u16) -> Option<TcpStream> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let stream = TcpStream::connect_timeout(&address, ANSWERED).ok()?;
    stream.set_read_timeout(Some(Duration::from_millis(2))).ok()?;
    stream.set_write_timeout(Some(Duration::from_millis(200))).ok()?;
    Some(stream)
}

/// Sends it, and takes what comes: all that came, and whether the other side still listens.
fn say(stream: &mut TcpStream, bytes: &[u8], heard: &mut Vec<u8>) -> bool {
    let mut chunk = [0; 64 * 1024];
    if stream.write_all(bytes).is_err() {
        return false;
    }
    match stream.read(&mut chunk) {
        Ok(0) => false,
        Ok(len) => {
            heard.extend_from_slice(&chunk[..len]);
            true
        }
        Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    }
}

/// Bytes changed, cut, doubled, put in.
fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..random.below(4) {
        let at = random.below(bytes.len());
        match random.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 if at < bytes.len() => bytes[at] = random.bytes(1)[0],
            2 => bytes.truncate(at),
            3 => {
                let len = random.below(64);
                let more = random.bytes(len);
                bytes.splice(at..at, more);
            }
            4 => {
                let end = at + random.below(bytes.len() - at + 1);
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            // A number that is far from what it was.
            _ => {
                let number = *random.pick(&["-1", "0", "4294967296", "9223372036854775807", "65536"]);
                if let Some(digit) = bytes[at..].iter().position(u8::is_ascii_digit) {
                    bytes.splice(at + digit..=at + digit, number.bytes());
                }
            }
        }
    }
}

/// Requests to begin with: those of the differential suite, those that once were answered wrongly, every command with any words.
struct Requests {
    deck: Deck,
    kept: Vec<Vec<u8>>,
}

impl Requests {
    fn new() -> Self {
        let names: Vec<(usize, &str)> = FAMILIES.iter().map(|family| (1, family.name)).collect();
        let folder = binaries::workspace().join("tests/regressions");
        let files = fs::read_dir(folder).expect("the regressions are there").flatten();
        let texts = files.map(|file| fs::read_to_string(file.path()).expect("it is text"));
        let kept = texts.flat_map(|text| script::parse(&text)).map(|step| request(&step.args)).collect();
        Self { deck: Deck::of(&names), kept }
    }

    fn draw(&self, random: &mut Random) -> Vec<u8> {
        let mut bytes = match random.below(6) {
            0 => random.pick(&self.kept).clone(),
            1 => {
                let command = random.pick(command::all());
                let mut words = vec![command.name.as_bytes().to_vec()];
                for _ in 0..random.below(6) {
                    let len = random.below(12);
                    words.push(random.bytes(len));
                }
                request(&words)
            }
            2 => {
                let len = random.below(300);
                random.bytes(len)
            }
            3 => {
                let mut step = self.deck.draw(random);
                spoil(random, &mut step.args);
                request(&step.args)
            }
            _ => request(&self.deck.draw(random).args),
        };
        mutate(random, &mut bytes);
        bytes
    }

    /// A conversation until either has enough. How many requests it was.
    fn attack(&self, port: u16, random: &mut Random, greeting: &[u8]) -> u64 {
        let Some(mut stream) = stranger(port) else { return 0 };
        let mut heard = Vec::new();
        if !say(&mut stream, greeting, &mut heard) {
            return 0;
        }
        let count = 1 + random.below(200);
        let mut sent = 0;
        for _ in 0..count {
            let requests: Vec<Vec<u8>> = (0..1 + random.below(20)).map(|_| self.draw(random)).collect();
            sent += requests.len() as u64;
            heard.clear();
            if !say(&mut stream, &requests.concat(), &mut heard) {
                break;
            }
        }
        sent
    }
}

fn filled(server: &Server, password: &str) -> Connection {
    let mut owner = server.connect();
    assert_eq!(owner.call(&["AUTH", password]), Value::Simple("OK".into()));
    for number in 0..KEYS {
        owner.call(&["SET", &format!("key:{number}"), &number.to_string()]);
    }
    owner
}

fn assert_nothing_is_lost(owner: &mut Connection) {
    for number in 0..KEYS {
        let value = owner.call(&["GET", &format!("key:{number}")]);
        assert_eq!(value.as_str(), Some(&*number.to_string()), "key:{number}");
    }
}

#[test]
fn who_has_no_password_gets_nothing_whatever_it_sends() {
    let mut server = Server::slotway(&["--requirepass", "sesame-9c1f", "--appendonly", "yes"]);
    let (mut owner, before) = (filled(&server, "sesame-9c1f"), server.resident_kib());
    let requests = Requests::new();
    let port = server.port();
    let (times, longest) = attacked(
        |random| requests.attack(port, random, b"PING\r\n"),
        || assert_eq!(owner.call(&["GET", "key:7"]).as_str(), Some("7")),
    );
    println!("{times} requests of strangers; others waited for {longest:?} at most");
    assert!(times > 100 && longest < ANSWERED, "{times} requests, {longest:?}");
    assert!(server.is_running());
    assert_nothing_is_lost(&mut owner);
    assert_eq!(owner.call(&["DBSIZE"]), Value::Integer(KEYS as i64));
    assert_eq!(
        owner.info("rdb_changes_since_last_save"),
        KEYS.to_string(),
        "nothing was written but by the owner"
    );
    let growth = server.peak_resident_kib().saturating_sub(before) / 1024;
    assert!(growth < GROWTH_MAX_MIB, "{growth} MiB");
    comes_to_rest(&server);
}

/// A user with keys of its own, and every command that is not dangerous.
#[test]
fn who_may_do_little_does_no_harm_to_the_rest() {
    let memory = ["--maxmemory", "64mb", "--proto-max-bulk-len", "1mb", "--client-output-buffer-limit"];
    let limits = ["normal", "64mb", "0", "0", "--requirepass", "sesame-9c1f", "--maxmemory-clients", "100mb"];
    let mut server = Server::slotway(&[&memory[..], &limits].concat());
    let (mut owner, before) = (filled(&server, "sesame-9c1f"), server.resident_kib());
    let rules =
        ["on", ">guest", "resetkeys", "~guest:*", "~l*", "~s*", "~z*", "~h*", "resetchannels", "&guest:*"];
    let rights = ["+@all", "-@dangerous", "-@admin", "-@scripting"];
    let user = [&["ACL", "SETUSER", "guest"][..], &rules, &rights].concat();
    assert_eq!(owner.call(&user), Value::Simple("OK".into()));
    let requests = Requests::new();
    let port = server.port();
    let (times, longest) = attacked(
        |random| requests.attack(port, random, b"AUTH guest guest\r\n"),
        || assert_eq!(owner.call(&["GET", "key:7"]).as_str(), Some("7")),
    );
    println!("{times} requests of a guest; others waited for {longest:?} at most");
    assert!(times > 100 && longest < ANSWERED, "{times} requests, {longest:?}");
    assert!(server.is_running());
    assert_nothing_is_lost(&mut owner);
    assert_eq!(owner.call(&["ACL", "WHOAMI"]).as_str(), Some("default"));
    let growth = server.peak_resident_kib().saturating_sub(before) / 1024;
    assert!(growth < GROWTH_MAX_MIB, "{growth} MiB");
    comes_to_rest(&server);
}

/// Frames of real servers.
struct Frames(Vec<Vec<u8>>);

impl Frames {
    fn new() -> Self {
        let folder = binaries::workspace().join("core/vectors/bus");
        let files = fs::read_dir(folder).expect("the frames are there").flatten();
        let texts = files.filter(|file| file.path().extension().is_some_and(|end| end == "hex"));
        let frames: Vec<_> =
            texts.map(|file| from_hex(&fs::read_to_string(file.path()).expect("it is text"))).collect();
        assert!(frames.len() > 20, "{} frames", frames.len());
        Self(frames)
    }

    fn draw(&self, random: &mut Random) -> Vec<u8> {
        let mut bytes = random.pick(&self.0).clone();
        match random.below(8) {
            // As it was.
            0..=2 => {}
            // Its length is right again.
            3..=4 => {
                mutate(random, &mut bytes);
                if let Some(length) = (bytes.len() >= 8).then_some(bytes.len() as u32) {
                    bytes[4..8].copy_from_slice(&length.to_be_bytes());
                }
            }
            5 => mutate(random, &mut bytes),
            // Counts and lengths of what follows the header, and of the header's end.
            6 if bytes.len() > 16 => {
                let at = 8 + random.below(bytes.len() - 10);
                let number = *random.pick(&[0xffff_u16, 0x7fff, 0x8000, 1, 0]);
                bytes[at..at + 2].copy_from_slice(&number.to_be_bytes());
            }
            _ => {
                let len = random.below(5000);
                bytes = random.bytes(len);
            }
        }
        bytes
    }

    fn attack(&self, port: u16, random: &mut Random) -> u64 {
        let Some(mut stream) = stranger(port) else { return 0 };
        let mut heard = Vec::new();
        let count = 1 + random.below(100);
        let mut sent = 0;
        for _ in 0..count {
            heard.clear();
            let frames: Vec<Vec<u8>> = (0..1 + random.below(20)).map(|_| self.draw(random)).collect();
            sent += frames.len() as u64;
            if !say(&mut stream, &frames.concat(), &mut heard) {
                break;
            }
        }
        sent
    }

    /// One frame of this kind.
    fn of_kind(&self, kind: u16) -> &[u8] {
        let is_so = |frame: &&Vec<u8>| frame.len() > 2000 && frame[12..14] == kind.to_be_bytes();
        self.0.iter().find(is_so).expect("there are frames of all kinds")
    }
}

const PING: u16 = 0;
const PUBLISH: u16 = 4;

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.trim().chars().collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).expect("hex");
    digits.chunks(2).map(byte).collect()
}

/// Three nodes with keys, one of which is attacked.
struct Attacked {
    nodes: Nodes,
    /// What all of them say of each other.
    facts: Vec<String>,
    before_kib: u64,
}

impl Attacked {
    fn start() -> Self {
        let nodes = operator::created(Kind::Slotway, 0);
        operator::fill(&nodes, KEYS);
        let ids: Vec<String> = (0..3).map(|node| nodes.id(node)).collect();
        for node in 0..3 {
            nodes.call(node, &["CONFIG", "SET", "cluster-allow-ids", &ids.join(" ")]);
        }
        nodes.wait_until_agreed();
        let (facts, before_kib) = (facts(&nodes), nodes.server(0).resident_kib());
        Self { nodes, facts, before_kib }
    }

    fn bus_port(&self) -> u16 {
        self.nodes.port(0) + 10_000
    }

    /// Somebody asks who all belong to the cluster, and for a key. Nobody has come in.
    fn assert_goes_on(&self) {
        assert_eq!(facts(&self.nodes), self.facts);
        let mut client = self.nodes.server(0).connect();
        let slot = client.call(&["CLUSTER", "KEYSLOT", "{06S}"]);
        assert_eq!(slot, Value::Integer(0));
        assert_eq!(client.call(&["SET", "{06S}", "there"]), Value::Simple("OK".into()));
    }

    fn assert_is_unharmed(&self, growth_max_mib: u64) {
        self.nodes.wait_until_agreed();
        self.assert_goes_on();
        let keys = operator::keys(&self.nodes);
        assert!((0..KEYS).all(|number| keys.contains(&format!("key:{number}"))), "{} keys", keys.len());
        assert_eq!(keys.len(), KEYS + 1);
        let growth = self.nodes.server(0).peak_resident_kib().saturating_sub(self.before_kib) / 1024;
        println!("memory has grown by {growth} MiB at most");
        assert!(growth < growth_max_mib, "{growth} MiB");
        comes_to_rest(self.nodes.server(0));
    }
}

/// Names, addresses, roles, epochs and slots, as each node tells of each; and whether it calls the cluster well, at which epoch.
fn facts(nodes: &Nodes) -> Vec<String> {
    let mut facts = Vec::new();
    for node in 0..3 {
        for line in nodes.call(node, &["CLUSTER", "NODES"]).lines() {
            let words: Vec<&str> = line.split(' ').collect();
            // Neither when it was pinged nor whether the link stands: that changes by itself. So do suspicions, where much else is done.
            let of_node = [&words[..4], &words[6..7], &words[8..]].concat();
            facts.push(of_node.join(" ").replace(",fail?", ""));
        }
        let info = nodes.call(node, &["CLUSTER", "INFO"]);
        let told = |line: &&str| {
            ["cluster_state", "cluster_known_nodes", "cluster_current_epoch"]
                .iter()
                .any(|name| line.starts_with(name))
        };
        facts.extend(info.lines().filter(told).map(str::to_owned));
    }
    facts.sort();
    facts
}

#[test]
fn strangers_on_the_bus_change_nothing() {
    let attacked_one = Attacked::start();
    let frames = Frames::new();
    let port = attacked_one.bus_port();
    let (times, longest) = attacked(|random| frames.attack(port, random), || attacked_one.assert_goes_on());
    println!("{times} frames of strangers; others waited for {longest:?} at most");
    assert!(times > 100 && longest < ANSWERED, "{times} frames, {longest:?}");
    attacked_one.assert_is_unharmed(GROWTH_MAX_MIB);
}

/// Who asks a million times and reads no answer, who sends long messages without their ends, and who does nothing but come.
#[test]
fn floods_on_the_bus_are_held_within_bounds() {
    rlimit::increase_nofile_limit(8_000).expect("the limit of open files can be asked for");
    let attacked_one = Attacked::start();
    let frames = Frames::new();
    let port = attacked_one.bus_port();
    let pings: Vec<u8> = std::iter::repeat_n(frames.of_kind(PING), 100).flatten().copied().collect();
    let mut long = frames.of_kind(PUBLISH).to_vec();
    long[4..8].copy_from_slice(&(60_u32 << 20).to_be_bytes());
    let filler = vec![b'x'; 1 << 20];
    let (times, longest) = attacked(
        |random| match random.below(3) {
            0 => {
                let Some(mut stream) = stranger(port) else { return 0 };
                (0..1000).take_while(|_| stream.write_all(&pings).is_ok()).count() as u64 * 100
            }
            1 => {
                let streams: Vec<TcpStream> = (0..10).filter_map(|_| stranger(port)).collect();
                for mut stream in &streams {
                    let _ = stream.write_all(&long);
                    let _ = (0..55).take_while(|_| stream.write_all(&filler).is_ok()).count();
                }
                streams.len() as u64
            }
            _ => (0..800).map_while(|_| stranger(port)).collect::<Vec<_>>().len() as u64,
        },
        || attacked_one.assert_goes_on(),
    );
    println!("{times} pings, long frames and connections; others waited for {longest:?} at most");
    assert!(times > 100 && longest < ANSWERED, "{times} times, {longest:?}");
    attacked_one.assert_is_unharmed(LONG_MAX_MIB);
}

/// More connections to the bus than there are places: clients still come in, and so do the other nodes once strangers have said nothing for
/// too long.
#[test]
fn strangers_who_fill_the_bus_take_no_place_of_others_for_long() {
    rlimit::increase_nofile_limit(8_000).expect("the limit of open files can be asked for");
    let attacked_one = Attacked::start();
    let port = attacked_one.bus_port();
    let strangers: Vec<TcpStream> = (0..3_000).filter_map(|_| stranger(port)).collect();
    assert!(strangers.len() > 2_000, "{} have come", strangers.len());
    attacked_one.assert_goes_on();
    // The others give up their links, and get new ones.
    attacked_one.nodes.signal(0, "STOP");
    attacked_one
        .nodes
        .wait_until("it is missed", |nodes| nodes.call(1, &["CLUSTER", "NODES"]).contains(",fail "));
    attacked_one.nodes.signal(0, "CONT");
    attacked_one.nodes.wait_until_agreed();
    attacked_one.nodes.wait_until("all links stand again", |nodes| {
        (0..3).all(|node| nodes.call(node, &["CLUSTER", "NODES"]).matches(" connected").count() == 3)
    });
    attacked_one.assert_is_unharmed(GROWTH_MAX_MIB);
    drop(strangers);
}
