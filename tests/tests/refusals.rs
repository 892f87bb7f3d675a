//! What a node refuses while it is a replica, has lost its primary, has too few replicas, or cannot write to its disk: the same commands as
//! redis-server, in the same words.

use std::fs;
use std::time::Duration;

use slotway_core::resp::value::Value;
use slotway_tests::patience::Patience;
use slotway_tests::server::Server;

const PATIENCE: Patience = Patience { limit: Duration::from_secs(60), poll: Duration::from_millis(20) };

/// Requests, each line on a connection of its own: of all kinds that a guard may tell apart.
const REQUESTS: &str = "
    PING | ECHO a | SELECT 1 | HELLO 3 | AUTH default x | RESET | CLIENT ID | CLIENT GETNAME | COMMAND COUNT
    CONFIG GET maxmemory | INFO server | LASTSAVE | TIME | ROLE | DBSIZE | LOLWUT | SLOWLOG LEN | LATENCY HISTORY a
    ACL WHOAMI | MEMORY USAGE string | OBJECT ENCODING string | DEBUG SLEEP 0 | READONLY | ASKING
    GET string | GET none | MGET string none | STRLEN string | GETRANGE string 0 1 | EXISTS string | TYPE string | TTL string
    KEYS * | SCAN 0 | RANDOMKEY | DUMP none | TOUCH string | SORT list | SORT_RO list | LCS string none
    LRANGE list 0 -1 | LPOS list a | SMEMBERS set | SISMEMBER set a | SRANDMEMBER set | HGET hash f | HSCAN hash 0 | ZRANGE zset 0 -1
    GEOPOS zset a | XLEN stream | XRANGE stream - + | XREAD STREAMS stream 9-9 | XINFO STREAM none | PFCOUNT none | BITCOUNT string
    SET string v | SET string v GET | SETNX string v | GETSET string v | GETDEL none | GETEX none PERSIST | APPEND string v
    INCR none | MSET a 1 b 2 | DEL none | UNLINK none | EXPIRE none 1 | PERSIST none | RENAME string other | COPY string other
    MOVE string 1 | RESTORE none 0 x | SWAPDB 0 1 | FLUSHDB | FLUSHALL | SETRANGE none 0 a | SETBIT none 0 1 | BITOP NOT none none
    BITFIELD none GET u8 0 | BITFIELD_RO none GET u8 0 | BITFIELD none SET u8 0 1
    RPUSH list a | LPOP none | RPOPLPUSH none other | BLPOP none 0.01 | BLMOVE none other LEFT LEFT 0.01 | LMPOP 1 none LEFT
    SADD set a | SPOP none | SMOVE none other a | SINTERSTORE none other | HSET hash f v | HINCRBY none f 1
    ZADD zset 1 a | ZPOPMIN none | BZPOPMIN none 0.01 | ZRANGESTORE none other 0 -1 | GEOADD none 1 1 a | GEORADIUS none 1 1 1 m
    GEORADIUS none 1 1 1 m STORE other | GEOSEARCHSTORE none other FROMLONLAT 1 1 BYRADIUS 1 m
    XADD stream * f v | XDEL none 1-1 | XTRIM none MAXLEN 0 | XGROUP CREATE stream g $ | XACK none g 1-1 | XSETID none 1-1
    PFADD none a | PFMERGE none other | SORT list STORE other | MIGRATE 127.0.0.1 1 none 0 10
    SUBSCRIBE c | PSUBSCRIBE c | SSUBSCRIBE c | UNSUBSCRIBE c | PUBLISH c m | SPUBLISH c m | PUBSUB CHANNELS
    WATCH string | UNWATCH | MULTI | EXEC | DISCARD | MULTI ; GET string ; EXEC | MULTI ; SET string v ; EXEC
    MULTI ; SET string v ; GET string ; EXEC | MULTI ; PING ; EXEC | MULTI ; PUBLISH c m ; EXEC | WATCH string ; MULTI ; SET string v ; EXEC
    REPLCONF capa eof | NOSUCH | GET | SET string
";

/// Scripts. Without its primary the 7.0 of the reference runs none of them; 7.2 runs those that touch no data.
const SCRIPTS: &str = "
    EVAL 'return 1' 0 | EVAL_RO 'return 1' 0 | SCRIPT EXISTS a | SCRIPT FLUSH | EVALSHA 0000000000000000000000000000000000000000 0
    EVAL 'return redis.call(\"GET\",KEYS[1])' 1 string | EVAL_RO 'return redis.call(\"GET\",KEYS[1])' 1 string
    EVAL 'return redis.call(\"SET\",KEYS[1],1)' 1 string | EVAL 'return redis.pcall(\"SET\",KEYS[1],1)' 1 string
    EVAL 'return redis.call(\"PING\")' 0 | EVAL \"#!lua flags=no-writes\\nreturn 1\" 0
    EVAL \"#!lua flags=no-writes,allow-stale\\nreturn redis.call('PING')\" 0
";

/// What a server says to each of them: errors in its words, of all else only that it is none.
fn answers(server: &Server, requests: &str) -> Vec<(String, String)> {
    let requests = requests.split(['|', '\n']).map(str::trim).filter(|request| !request.is_empty());
    requests.map(|request| (request.to_owned(), answer(server, request))).collect()
}

fn answer(server: &Server, request: &str) -> String {
    let mut connection = server.connect();
    let replies = request.split(" ; ").map(|line| {
        let words = slotway_core::resp::inline::split_args(line.as_bytes()).expect("quotes are balanced");
        verdict(&connection.call(&words))
    });
    replies.collect::<Vec<_>>().join(" ; ")
}

fn verdict(reply: &Value) -> String {
    match reply {
        Value::Error(text) => text.clone(),
        Value::Array(replies) => {
            let errors = replies.iter().filter(|reply| matches!(reply, Value::Error(_)));
            errors.map(verdict).collect::<Vec<_>>().join(", ")
        }
        _ => String::new(),
    }
}

/// Both servers in the same state, and some keys before that.
fn compare(what: &str, requests: &str, pair: [(Server, Option<Server>); 2]) {
    let [slotway, redis] = pair.each_ref().map(|(server, _)| answers(server, requests));
    let differing: Vec<_> = slotway.iter().zip(&redis).filter(|(ours, theirs)| ours != theirs).collect();
    assert!(differing.is_empty(), "{what}: Slotway, then Redis: {differing:#?}");
    let refused = |code: &str| redis.iter().filter(|(_, said)| said.contains(code)).count();
    assert!(refused(what) > 20, "{what}: few are refused: {redis:#?}");
}

fn both(start: impl Fn(fn(&[&str]) -> Server) -> (Server, Option<Server>)) -> [(Server, Option<Server>); 2] {
    [start(|options| Server::slotway(options)), start(|options| Server::redis(options))]
}

fn fill(server: &Server) {
    let mut connection = server.connect();
    for line in [
        "SET string v",
        "RPUSH list a",
        "SADD set a",
        "HSET hash f v",
        "ZADD zset 1 a",
        "XADD stream 1-1 f v",
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        assert!(!matches!(connection.call(&words), Value::Error(_)), "{line}");
    }
}

/// A replica with some keys whose link is up, and its primary.
fn replica(start: fn(&[&str]) -> Server, more: &[&str]) -> (Server, Server) {
    let primary = Server::redis(&["--repl-diskless-sync-delay", "0"]);
    fill(&primary);
    let options = [&["--enable-debug-command", "yes", "--repl-timeout", "3"][..], more].concat();
    let replica = start(&options);
    let mut connection = replica.connect();
    connection.call(&["REPLICAOF", "127.0.0.1", &primary.port().to_string()]);
    PATIENCE.wait_until("the link is up", || connection.info("master_link_status") == "up");
    (replica, primary)
}

#[test]
fn a_replica_refuses_what_redis_refuses() {
    compare(
        "READONLY",
        &[REQUESTS, SCRIPTS].concat(),
        both(|start| {
            let (replica, primary) = replica(start, &[]);
            (replica, Some(primary))
        }),
    );
}

#[test]
fn a_replica_that_serves_no_old_data_refuses_what_redis_refuses_without_its_primary() {
    compare(
        "MASTERDOWN",
        REQUESTS,
        both(|start| {
            let (replica, primary) = replica(start, &["--replica-serve-stale-data", "no"]);
            drop(primary);
            let mut connection = replica.connect();
            PATIENCE.wait_until("the link is down", || {
            matches!(connection.call(&["GET", "string"]), Value::Error(text) if text.starts_with("MASTERDOWN"))
        });
            (replica, None)
        }),
    );
}

#[test]
fn a_primary_with_too_few_replicas_refuses_what_redis_refuses() {
    compare(
        "NOREPLICAS",
        &[REQUESTS, SCRIPTS].concat(),
        both(|start| {
            let server = start(&["--enable-debug-command", "yes"]);
            fill(&server);
            let mut connection = server.connect();
            connection.call(&["CONFIG", "SET", "min-replicas-to-write", "1"]);
            let at_once = connection.call(&["SET", "string", "v"]);
            assert!(matches!(&at_once, Value::Error(text) if text.starts_with("NOREPLICAS")), "{at_once:?}");
            (server, None)
        }),
    );
}

#[test]
fn a_node_that_cannot_save_refuses_what_redis_refuses() {
    compare(
        "MISCONF",
        &[REQUESTS, SCRIPTS].concat(),
        both(|start| {
            let server = start(&["--enable-debug-command", "yes", "--save", "3600 1"]);
            fill(&server);
            // What is in the way is a folder that is not empty.
            fs::create_dir_all(server.dir().join("dump.rdb/x")).expect("the folder is ours");
            let mut connection = server.connect();
            connection.call(&["BGSAVE"]);
            PATIENCE.wait_until("the save fails", || connection.info("rdb_last_bgsave_status") == "err");
            (server, None)
        }),
    );
}
