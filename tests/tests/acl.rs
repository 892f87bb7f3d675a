//! Users may do on Slotway what they may do on Redis, and no more.
//!
//! Users with rules drawn at random; each command of the table in every shape is tried by them, by ACL DRYRUN and, where that refuses it,
//! for real. Then files of users, redis.conf, connections that lose their rights, scripts and replicas.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::Duration;

use slotway_core::resp::value::Value;
use slotway_tests::acl::rules;
use slotway_tests::binaries;
use slotway_tests::docs::{Grammar, of_server};
use slotway_tests::patience::Patience;
use slotway_tests::ports::free_port;
use slotway_tests::random::Random;
use slotway_tests::script::format_args;
use slotway_tests::server::{Server, file_of};
use slotway_tests::wire::{Connection, Reply, pipeline, request};

/// Sets of rules tried.
const ROUNDS: u64 = 120;
/// Requests tried by a user with one set of rules.
const REQUESTS: usize = 200;
const NONE: [&str; 0] = [];
/// So that users alone are asked who may use what is protected.
const EVERYTHING: [&str; 4] = ["--enable-debug-command", "yes", "--enable-module-command", "yes"];
const SOON: Patience = Patience { limit: Duration::from_secs(30), poll: Duration::from_millis(5) };

type Words = Vec<Vec<u8>>;

/// A server, as its administrator and its user have it.
struct Side {
    server: Server,
    admin: Connection,
    alice: Connection,
}

impl Side {
    fn new(server: Server) -> Side {
        let (admin, alice) = (server.connect(), server.connect());
        let mut side = Side { server, admin, alice };
        for command in ["CONFIG SET acllog-max-len 1000", "ACL SETUSER alice reset on nopass"] {
            assert_eq!(side.admin(command), ok(), "{command}");
        }
        side
    }

    fn admin(&mut self, line: &str) -> Value {
        self.admin.call(&line.split(' ').collect::<Vec<_>>())
    }

    /// A new connection of alice.
    fn become_alice(&mut self) {
        self.alice = self.server.connect();
        assert_eq!(self.alice.call(&["AUTH", "alice", "secret"]), ok());
    }
}

fn ok() -> Value {
    Value::Simple("OK".into())
}

fn text(value: &Value) -> String {
    String::from_utf8_lossy(value.as_bytes().unwrap_or_default()).into_owned()
}

#[test]
fn generated_users_may_do_what_they_may_on_redis() {
    let mut ours = Side::new(Server::slotway(&EVERYTHING));
    let mut theirs = Side::new(Server::redis(&EVERYTHING));
    let served: Vec<String> =
        ours.admin("COMMAND LIST").as_items().unwrap_or_default().iter().map(text).collect();
    let mut grammars = of_server(&mut theirs.admin);
    grammars.retain(|grammar| served.contains(&grammar.name));
    for seed in 0..ROUNDS {
        let mut random = Random::new(seed);
        round(&mut random, &mut ours, &mut theirs, &grammars)
            .unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        if seed == ROUNDS / 2 {
            for side in [&mut ours, &mut theirs] {
                side.admin.call(&["HELLO", "3"]);
            }
        }
    }
}

fn round(
    random: &mut Random,
    ours: &mut Side,
    theirs: &mut Side,
    grammars: &[Grammar],
) -> Result<(), String> {
    // Without it 7.0 shows neither of the two flags of sanitizing.
    let mut set: Vec<String> = ["ACL", "SETUSER", "alice", "reset"].map(String::from).to_vec();
    set.extend(rules(random));
    let (our_reply, their_reply) = (ours.admin.call(&set), theirs.admin.call(&set));
    let set = format_args(&set);
    same(&set, &our_reply, &their_reply)?;
    same_user(ours, theirs).map_err(|why| format!("after {set}: {why}"))?;
    for side in [&mut *ours, &mut *theirs] {
        side.admin("ACL SETUSER alice on >secret");
        side.admin("ACL LOG RESET");
        side.become_alice();
    }
    let mut requests: Vec<Words> = (0..REQUESTS).map(|_| random.pick(grammars).request(random)).collect();
    // 7.0 ends a key at its first NUL when it tells that it may not be used.
    requests.retain(|words| !words.concat().contains(&0));
    tried(&requests, ours, theirs).map_err(|why| format!("after {set}: {why}"))
}

fn same(what: &str, ours: &Value, theirs: &Value) -> Result<(), String> {
    match ours == theirs {
        true => Ok(()),
        false => Err(format!("{what}\n  ours:   {ours:?}\n  theirs: {theirs:?}")),
    }
}

/// Compares what ACL GETUSER tells. Redis 7.0 sums up the rules about commands in its own way, and in any order: both sides' rules must come to
/// the same when it is told them.
fn same_user(ours: &mut Side, theirs: &mut Side) -> Result<(), String> {
    let (our_user, their_user) = (ours.admin("ACL GETUSER alice"), theirs.admin("ACL GETUSER alice"));
    let (our_parts, their_parts) = (parts(&our_user), parts(&their_user));
    let mut reference = |commands: &str| -> BTreeSet<String> {
        let rules: Vec<&str> = commands.split(' ').collect();
        let reply = theirs.admin.call(&[&["ACL", "SETUSER", "norm", "reset"], &rules[..]].concat());
        assert_eq!(reply, ok(), "{commands}");
        let told = parts(&theirs.admin("ACL GETUSER norm"));
        let told = told.iter().find(|(name, _)| name == "commands").expect("every user has commands");
        told.1.split(' ').map(String::from).collect()
    };
    for ((name, ours), (_, theirs)) in our_parts.iter().zip(&their_parts) {
        let is_same = match name.as_str() {
            "commands" => reference(ours) == reference(theirs),
            _ => ours == theirs,
        };
        if !is_same {
            return Err(format!("{name}\n  ours:   {ours}\n  theirs: {theirs}"));
        }
    }
    same(
        "number of fields",
        &Value::Integer(our_parts.len() as i64),
        &Value::Integer(their_parts.len() as i64),
    )
}

/// The fields of ACL GETUSER, those of selectors too.
fn parts(user: &Value) -> Vec<(String, String)> {
    let mut parts = Vec::new();
    for (name, value) in user.to_pairs().unwrap_or_default() {
        match (text(name).as_str(), value.as_items()) {
            ("selectors", Some(selectors)) => selectors.iter().for_each(|one| parts.extend(self::parts(one))),
            (name, Some(_)) => parts.push((name.into(), format!("{value:?}"))),
            (name, None) => parts.push((name.into(), text(value))),
        }
    }
    parts
}

/// Has alice try requests, without consequences: those that would be executed are not sent.
fn tried(requests: &[Words], ours: &mut Side, theirs: &mut Side) -> Result<(), String> {
    let dryrun = |words: &Words| -> Words {
        let head = ["ACL", "DRYRUN", "alice"].map(|word| word.as_bytes().to_vec());
        head.into_iter().chain(words.iter().cloned()).collect()
    };
    let asked: Vec<Words> = requests.iter().map(dryrun).collect();
    let verdicts = pipeline(&mut ours.admin, &asked).into_iter().zip(pipeline(&mut theirs.admin, &asked));
    for (words, (ours_says, theirs_says)) in requests.iter().zip(verdicts) {
        let told = |reply: &Reply| text(&reply.value).replace("This user has no", "User alice has no");
        if told(&ours_says) != told(&theirs_says) {
            let (ours, theirs) = (ours_says.bytes.escape_ascii(), theirs_says.bytes.escape_ascii());
            return Err(format!("{}\n  ours:   {ours}\n  theirs: {theirs}", format_args(words)));
        }
        if told(&ours_says).starts_with("User alice has no") {
            refused(words, &told(&ours_says), ours, theirs)?;
        }
    }
    same("ACL LOG", &Value::Array(log(ours)), &Value::Array(log(theirs)))
}

/// Has alice send a request that she may not.
fn refused(words: &Words, why: &str, ours: &mut Side, theirs: &mut Side) -> Result<(), String> {
    let (our_reply, their_reply) = (ours.alice.call(words), theirs.alice.call(words));
    let expected = match why.rsplit(' ').next() {
        Some("key") => "NOPERM No permissions to access a key".into(),
        Some("channel") => "NOPERM No permissions to access a channel".into(),
        _ => format!("NOPERM {why}"),
    };
    let expected = match words[0].eq_ignore_ascii_case(b"exec") {
        true => format!("EXECABORT Transaction discarded because of: {expected}"),
        false => expected,
    };
    let is_noperm = matches!(&their_reply, Value::Error(text) if text.contains("NOPERM "));
    match our_reply == Value::Error(expected.clone()) && is_noperm {
        true => Ok(()),
        false => Err(format!(
            "{}: expected {expected}\n  ours:   {our_reply:?}\n  theirs: {their_reply:?}",
            format_args(words)
        )),
    }
}

/// The entries of ACL LOG, but for what depends on the time and on connections.
fn log(side: &mut Side) -> Vec<Value> {
    let Value::Array(entries) = side.admin("ACL LOG 1000") else { panic!("ACL LOG is an array") };
    let told = |entry: &Value| {
        let fields = entry.to_pairs().unwrap_or_default();
        let client =
            fields.iter().find(|(name, _)| text(name) == "client-info").map(|(_, value)| text(value));
        assert!(client.is_some_and(|client| client.contains(" user=alice ")), "{entry:?}");
        let kept = ["count", "reason", "context", "object", "username"];
        let kept = fields.into_iter().filter(|(name, _)| kept.contains(&&*text(name)));
        Value::Array(kept.map(|(_, value)| value.clone()).collect())
    };
    entries.iter().map(told).collect()
}

const GOOD_FILE: &str =
    "user alice on >secret ~a* %R~b* &c +@read (+set ~x)\n\nuser default on nopass ~* &* +@all\n";
const BAD_FILES: [&str; 6] = [
    "# a comment\n",
    "user alice on\nuser alice off\n",
    "user alice +nosuch foo bar\nuser bob #abc\n",
    "user\n",
    "user alice ~* ~x\nuser bob allchannels &x\n",
    "user alice <nopassword\nuser carol +config|get|x",
];

#[test]
fn a_wrong_file_of_users_stops_the_start_in_the_words_of_redis() {
    for text in BAD_FILES {
        let (_folder, file) = file_of("users.acl", text);
        let said = |mut command: Command| {
            let port = free_port().to_string();
            command.args(["--port", &port, "--bind", "127.0.0.1", "--save", "", "--aclfile"]).arg(&file);
            let output = command.output().expect("the server starts");
            assert!(!output.status.success(), "{text}");
            let printed = [output.stdout, output.stderr].concat();
            let printed = String::from_utf8_lossy(&printed).into_owned();
            let errors = printed.lines().find_map(|line| line.split_once("because of ACL errors: "));
            errors.unwrap_or_else(|| panic!("{text}: {printed}")).1.to_owned()
        };
        let mut slotway = Command::new(binaries::slotway());
        slotway.arg("server");
        assert_eq!(said(slotway), said(Command::new(binaries::redis_server())), "{text}");
    }
}

#[test]
fn files_of_users_go_to_redis_and_back() {
    let (folder, file) = file_of("users.acl", GOOD_FILE);
    let options = ["--aclfile", file.to_str().expect("a path of text")];
    let shown = |server: &Server| server.connect().call(&["ACL", "GETUSER", "alice"]);
    let ours = Server::slotway(&options);
    let before = shown(&ours);
    let mut admin = ours.connect();
    assert_eq!(admin.call(&["ACL", "SAVE"]), ok());
    assert_eq!(admin.call(&["ACL", "LOAD"]), ok());
    let theirs = Server::redis(&options);
    assert_eq!(theirs.connect().call(&["ACL", "SAVE"]), ok());
    let again = Server::slotway(&options);
    let (before, after) = (parts(&before), parts(&shown(&again)));
    assert_eq!(before, after, "{}", fs::read_to_string(&file).unwrap_or_default());
    fs::remove_file(&file).expect("it is ours");
    let gone = admin.call(&["ACL", "LOAD"]);
    let expected =
        format!("ERR Error loading ACLs, opening file '{}': No such file or directory", file.display());
    assert_eq!(gone, Value::Error(expected));
    drop(folder);
}

#[test]
fn users_of_redis_conf_are_rewritten_and_come_back() {
    let (folder, conf) = file_of("redis.conf", "");
    let (port, dir) = (free_port(), folder.path().display());
    let text = format!("port {port}\nbind 127.0.0.1\nsave \"\"\ndir {dir}\nuser alice on >secret +get ~a*\n");
    fs::write(&conf, text).expect("the folder is ours");
    let start = || {
        let mut command = Command::new(binaries::slotway());
        command.arg("server").arg(&conf);
        Server::start(command, port)
    };
    let server = start();
    let mut admin = server.connect();
    assert_eq!(admin.call(&["ACL", "SETUSER", "alice", "+set"]), ok());
    assert_eq!(admin.call(&["ACL", "SETUSER", "bob", "on", "nopass", "(~x +get)"]), ok());
    assert_eq!(admin.call(&["CONFIG", "REWRITE"]), ok());
    let before = admin.call(&["ACL", "LIST"]);
    assert!(server.terminate().success());
    assert_eq!(start().connect().call(&["ACL", "LIST"]), before);
    let both = format!("{}aclfile users.acl\n", fs::read_to_string(&conf).expect("it is there"));
    assert!(refused_start(&both).contains("please define either an ACL file or declare users directly"));
}

#[test]
fn a_wrong_user_line_stops_the_start_with_its_place() {
    let said = refused_start("port 1\nuser alice on nosuch\n");
    for part in ["at line 2", "user alice on nosuch", "Error in user declaration 'nosuch': Syntax error"] {
        assert!(said.contains(part), "{part:?} in {said}");
    }
}

fn refused_start(text: &str) -> String {
    let (_folder, conf) = file_of("redis.conf", text);
    let output = Command::new(binaries::slotway()).arg("server").arg(&conf).output().expect("it starts");
    assert!(!output.status.success());
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[test]
fn who_loses_everything_or_a_channel_is_disconnected() {
    for server in [Server::slotway(&NONE), Server::slotway(&["--data-threads", "3"]), Server::redis(&NONE)] {
        let mut admin = server.connect();
        let alice = |admin: &mut Connection, channel: &str| {
            admin.call(&["ACL", "SETUSER", "alice", "reset", "on", "nopass", "+@all", "&a*", "&b*"]);
            let mut connection = server.connect();
            assert_eq!(connection.call(&["AUTH", "alice", "x"]), ok());
            connection.call(&["SUBSCRIBE", channel]);
            connection
        };
        let (mut on_a, mut on_b) = (alice(&mut admin, "a1"), alice(&mut admin, "b1"));
        assert_eq!(admin.call(&["ACL", "SETUSER", "alice", "resetchannels", "&a*"]), ok());
        assert_eq!(on_b.read_to_close().expect("it is closed"), b"");
        assert_eq!(on_a.call(&["PING", "x"]).as_items().map(<[Value]>::len), Some(2));
        assert_eq!(admin.call(&["ACL", "DELUSER", "alice"]), Value::Integer(1));
        assert_eq!(on_a.read_to_close().expect("it is closed"), b"");
        // Who removes itself gets its answer first.
        admin.call(&["ACL", "SETUSER", "bob", "on", "nopass", "+@all"]);
        let mut bob = server.connect();
        bob.call(&["AUTH", "bob", "x"]);
        bob.send(&[request(&["ACL", "DELUSER", "bob"]), request(&["PING"])].concat()).expect("it is read");
        assert_eq!(bob.read_to_close().expect("it is closed"), b":1\r\n");
    }
}

#[test]
fn a_script_may_do_what_its_caller_may() {
    let server = Server::slotway(&NONE);
    let mut admin = server.connect();
    admin.call(&["ACL", "SETUSER", "alice", "on", "nopass", "~a*", "+eval", "+get", "+multi", "+exec"]);
    let mut alice = server.connect();
    alice.call(&["AUTH", "alice", "x"]);
    let mut eval = |script: &str| alice.call(&["EVAL", script, "0"]);
    let Value::Error(said) = eval("return redis.call('set', 'a', 1)") else { panic!("it may not") };
    assert!(
        said.starts_with("ERR ACL failure in script: User alice has no permissions to run the 'set' command"),
        "{said}"
    );
    let Value::Error(said) = eval("return redis.call('get', 'b')") else { panic!("it may not") };
    assert!(said.starts_with("ERR ACL failure in script: No permissions to access a key"), "{said}");
    assert_eq!(eval("return redis.call('get', 'a')"), Value::Null);
    let asks = "return {redis.acl_check_cmd('get', 'a'), redis.acl_check_cmd('get', 'b'), redis.acl_check_cmd('set', 'a', 1)}";
    assert_eq!(eval(asks), Value::Array(vec![Value::Integer(1), Value::Null, Value::Null]));
    let Value::Array(entries) = admin.call(&["ACL", "LOG"]) else { panic!("ACL LOG is an array") };
    let contexts = entries.iter().flat_map(|entry| entry.to_pairs().unwrap_or_default());
    let contexts: Vec<String> =
        contexts.filter(|(name, _)| text(name) == "context").map(|(_, value)| text(value)).collect();
    assert_eq!(contexts, ["lua", "lua"]);
}

#[test]
fn a_replica_follows_as_a_user_of_its_primary() {
    for primary in [Server::slotway(&NONE), Server::redis(&NONE)] {
        let mut admin = primary.connect();
        let rules = ["on", ">copies", "+psync", "+replconf", "+ping"];
        assert_eq!(admin.call(&[&["ACL", "SETUSER", "replica"], &rules[..]].concat()), ok());
        assert_eq!(admin.call(&["ACL", "SETUSER", "default", "resetpass", ">secret"]), ok());
        let port = primary.port().to_string();
        let options =
            ["--masteruser", "replica", "--masterauth", "copies", "--replicaof", "127.0.0.1", &port];
        let replica = Server::slotway(&options);
        let mut copy = replica.connect();
        SOON.wait_until("the replica follows", || copy.info("master_link_status") == "up");
        // What the primary sends is not asked about, whoever the default user is here.
        let mut reader = replica.connect();
        assert_eq!(copy.call(&["ACL", "SETUSER", "default", "-set"]), ok());
        assert_eq!(admin.call(&["SET", "k", "v"]), ok());
        SOON.wait_until("the key comes", || reader.call(&["GET", "k"]).as_str() == Some("v"));
    }
}
