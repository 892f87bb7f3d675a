//! Users, scripts and functions in clusters: what a user may do there, and what is left of all three after a failover.

use slotway_core::resp::inline::split_args;
use slotway_core::resp::value::Value;
use slotway_tests::nodes::Kind::{Redis, Slotway};
use slotway_tests::nodes::{Kind, Nodes};
use slotway_tests::wire::Connection;

/// What is said to a node of each cluster on one connection, in this order. `app:N` is a key of the node that is asked, `app:F` one of another.
const DIALOGUE: &str = "
ACL SETUSER alice on >secret ~app:* &news.* +@all -@dangerous -@scripting +cluster|keyslot
ACL SETUSER bob on >secret %R~app:* %W~log:* resetchannels +get +set +eval +fcall +readonly +asking +multi +exec +acl|whoami
ACL SETUSER carol on nopass allchannels allkeys -@all +ssubscribe +spublish +publish
AUTH alice secret
ACL WHOAMI
SET app:{N} 1
GET app:{N}
GET app:{F}
GET other:{F}
GET other:{N}
MGET app:{N} app:{F}
MGET app:{N} other:{F}
MGET app:{N}1 other:{N}2
CLUSTER KEYSLOT x
CLUSTER FAILOVER
CLUSTER NO-SUCH
CLUSTER
READONLY
ASKING
GET app:{F}
EVAL 'return 1' 0
FCALL no 0
SPUBLISH news.{N} x
SPUBLISH news.{F} x
SPUBLISH other.{F} x
PUBLISH other x
MULTI
GET app:{N}
GET other:{N}
EXEC
MULTI
GET app:{F}
EXEC
COPY app:{N} other:{N}
SORT app:{N} BY other:*
RENAME app:{N} app:{N}2
AUTH bob secret
GET app:{N}
GET app:{N}2
SET app:{N} 2
SET log:{N} 2
GET log:{N}
EVAL \"return redis.call('get', KEYS[1])\" 1 app:{N}2
EVAL \"return redis.call('set', KEYS[1], 1)\" 1 app:{N}2
EVAL \"return redis.call('get', 'app:{F}')\" 0
EVAL \"return redis.call('get', 'other:{F}')\" 0
EVAL \"return redis.pcall('del', KEYS[1])\" 1 app:{N}2
EVAL \"return redis.call('get', KEYS[1])\" 1 app:{F}
EVAL \"return redis.call('get', KEYS[1])\" 1 other:{N}
EVAL 'return 1' 2 app:{N} app:{F}
EVAL 'return 1' 2 app:{N} other:{F}
CLUSTER KEYSLOT x
AUTH carol any
SPUBLISH {F} x
SPUBLISH {N} x
GET app:{N}
AUTH carol
AUTH nobody secret
";

/// What 7.0 says otherwise.
const WORDS: &[(&str, &str)] = &[
    (
        "this user has no permissions to access one of the keys used as arguments",
        "No permissions to access a key",
    ),
    (
        "this user has no permissions to access one of the channels used as arguments",
        "No permissions to access a channel",
    ),
    (
        "The user executing the script can't access at least one of the keys mentioned in the command arguments",
        "ACL failure in script: No permissions to access a key",
    ),
    (
        "The user executing the script can't run this command or subcommand",
        "ACL failure in script: this user has no permissions to run the 'del' command",
    ),
    ("User alice has", "this user has"),
    ("User bob has", "this user has"),
    ("User carol has", "this user has"),
];

/// Three primaries and as many replicas.
fn cluster(primary: Kind, replica: Kind) -> Nodes {
    let nodes = Nodes::start(&[primary, primary, primary, replica, replica, replica]);
    let addresses: Vec<String> = (0..6).map(|node| nodes.address(node)).collect();
    let words =
        ["create"].into_iter().chain(addresses.iter().map(String::as_str)).chain(["--cluster-replicas", "1"]);
    nodes.redis_cli(&words.collect::<Vec<_>>());
    nodes.wait_until_agreed();
    nodes
}

/// A hash tag whose slot the node of this number owns, of three that were made in order.
fn tag_of(node: u16) -> String {
    let owned = node * 5461..=node * 5461 + 5460;
    let mut tags = (0..).map(|number: u32| number.to_string());
    tags.find(|tag| owned.contains(&slotway_core::slot::key_slot(tag.as_bytes()).get()))
        .expect("some tag is its own")
}

#[test]
fn users_may_do_in_a_cluster_what_they_may_in_one_of_redis() {
    let clusters = [Slotway, Redis].map(|kind| cluster(kind, kind));
    let (near, far) = (tag_of(0), tag_of(2));
    let mut connections = clusters.each_ref().map(|nodes| Connection::open(nodes.port(0)).expect("it runs"));
    let mut different = Vec::new();
    for line in DIALOGUE.lines().filter(|line| !line.is_empty()) {
        let line = line.replace("{N}", &format!("{{{near}}}")).replace("{F}", &format!("{{{far}}}"));
        let words = split_args(line.as_bytes()).expect("quotes are balanced");
        let [ours, theirs] = [0, 1].map(|side| {
            let said = format!("{:?}", connections[side].call(&words));
            let said = WORDS.iter().fold(said, |said, (old, new)| said.replace(old, new));
            (0..6).fold(said, |said, node| {
                said.replace(&clusters[side].port(node).to_string(), &format!("port {node}"))
            })
        });
        if ours != theirs {
            different.push(format!("{line}\n  ours   {ours}\n  theirs {theirs}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    // Each node has its own users.
    for nodes in &clusters {
        let mut other = Connection::open(nodes.port(1)).expect("it runs");
        let wrong = "WRONGPASS invalid username-password pair or user is disabled.";
        assert_eq!(other.call(&["AUTH", "alice", "secret"]), Value::Error(wrong.into()));
    }
}

#[test]
fn functions_outlive_a_failover_and_scripts_are_sent_again() {
    const LIBRARY: &str = "#!lua name=counts\nredis.register_function('add', function(keys, args) return redis.call('incrby', keys[1], args[1]) end)";
    for (primary, replica) in [(Slotway, Slotway), (Slotway, Redis), (Redis, Slotway)] {
        let mut nodes = cluster(primary, replica);
        let key = format!("{{{}}}count", tag_of(0));
        let mut old = Connection::open(nodes.port(0)).expect("it runs");
        old.call(&["FUNCTION", "LOAD", LIBRARY]);
        let script = "return redis.call('incrby', KEYS[1], 10)";
        let digest = old.call(&["SCRIPT", "LOAD", script]);
        let digest = digest.as_str().expect("a digest").to_owned();
        assert_eq!(old.call(&["FCALL", "add", "1", &key, "5"]), Value::Integer(5));
        assert_eq!(old.call(&["EVALSHA", &digest, "1", &key]), Value::Integer(15));
        assert_eq!(old.call(&["WAIT", "1", "20000"]), Value::Integer(1));
        nodes.kill(0);
        let owns = |node: usize| nodes.call(node, &["INFO", "replication"]).contains("role:master");
        nodes.wait_until("a replica has taken over", |_| (3..6).any(owns));
        let new = (3..6).find(|node| owns(*node)).expect("it has just been seen");
        nodes.wait_until("the cluster is well", |nodes| {
            nodes.call(new, &["CLUSTER", "INFO"]).contains("cluster_state:ok")
        });
        let mut new = Connection::open(nodes.port(new)).expect("it runs");
        assert_eq!(
            new.call(&["FCALL", "add", "1", &key, "5"]),
            Value::Integer(20),
            "{primary:?} {replica:?}"
        );
        let gone = Value::Error("NOSCRIPT No matching script. Please use EVAL.".into());
        assert_eq!(new.call(&["EVALSHA", &digest, "1", &key]), gone);
        assert_eq!(new.call(&["EVAL", script, "1", &key]), Value::Integer(30));
        assert_eq!(new.call(&["EVALSHA", &digest, "1", &key]), Value::Integer(40));
    }
}
