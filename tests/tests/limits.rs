//! Clients that ask for much and take little, that send much and finish nothing, and that are gone without a word: each meets its limit, at
//! its time, and nobody else notices.

use std::io::ErrorKind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use slotway_core::resp::value::Value;
use slotway_tests::patience::Patience;
use slotway_tests::server::Server;
use slotway_tests::wire::{Connection, request};

const MIB: usize = 1024 * 1024;
/// What is asked for again and again.
const LARGE: usize = 32 * MIB;
/// As often as it takes to be a gigabyte.
const TIMES: usize = 32;
/// Others are answered within this, on a machine that does much besides.
const ANSWERED: Duration = Duration::from_secs(10);
const PATIENCE: Patience = Patience { limit: Duration::from_secs(30), poll: Duration::from_millis(20) };

/// A server with the value `large` in it.
fn server(options: &[&str]) -> Server {
    let server = Server::slotway(options);
    let offset = (LARGE - 1).to_string();
    assert_eq!(
        server.connect().call(&["SETRANGE", "large", &offset, "x"]),
        Value::Integer(LARGE as i64),
        "the value is there"
    );
    server
}

/// The value `name` has in the first line of CLIENT LIST that has `marks`.
fn of_client(operator: &mut Connection, marks: &str, name: &str) -> Option<u64> {
    let list = operator.call(&["CLIENT", "LIST"]);
    let line = list.as_str()?.lines().find(|line| line.contains(marks))?.to_owned();
    line.split(' ').find_map(|field| field.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

/// Does `work` while somebody else goes on asking, who is answered soon each time.
fn nobody_else_waits<R>(server: &Server, work: impl FnOnce() -> R) -> R {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let other = scope.spawn(|| {
            let mut connection = server.connect();
            let mut longest = Duration::ZERO;
            while !is_over.load(Ordering::Relaxed) {
                let asked = Instant::now();
                assert!(connection.call(&["INCR", "others"]).as_integer().is_some());
                longest = longest.max(asked.elapsed());
                thread::sleep(Duration::from_millis(1));
            }
            longest
        });
        let end = End(&is_over);
        let result = work();
        drop(end);
        let longest = other.join().expect("the other one is served");
        assert!(longest < ANSWERED, "others wait for {longest:?}");
        result
    })
}

/// Says that it is over when it goes, be it because something has failed.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_gigabyte_that_nobody_reads_takes_no_more_than_its_limit() {
    let all_at_once = request(&[vec!["MGET"], vec!["large"; TIMES]].concat());
    let one_by_one: Vec<u8> = (0..TIMES).flat_map(|_| request(&["GET", "large"])).collect();
    let in_transaction = [request(&["MULTI"]), one_by_one.clone(), request(&["EXEC"])].concat();
    for (form, bytes, limit, closes) in [
        ("one command", &all_at_once, "64mb", true),
        ("a transaction", &in_transaction, "64mb", true),
        ("a pipeline", &one_by_one, "64mb", false),
        ("a pipeline without a limit", &one_by_one, "0", false),
    ] {
        let server = server(&["--client-output-buffer-limit", "normal", limit, "0", "0"]);
        let before = server.resident_kib();
        let mut greedy = server.connect();
        greedy.call(&["CLIENT", "SETNAME", "greedy"]);
        nobody_else_waits(&server, || {
            greedy.send(bytes).expect("it is read");
            if closes {
                let said = greedy.read_to_close().expect("it is closed");
                // +OK and +QUEUED may have gone out before.
                assert!(said.len() < MIB, "{form}: {} bytes", said.len());
                let log = || server.output();
                PATIENCE.wait_until("the log says why", || {
                    log().contains("closed for overcoming of output buffer limits")
                });
            } else {
                let mut operator = server.connect();
                PATIENCE.wait_until("the reply waits for its reader", || {
                    of_client(&mut operator, "name=greedy", "omem").is_some_and(|bytes| bytes > MIB as u64)
                });
            }
        });
        let peak = server.peak_resident_kib().saturating_sub(before) / 1024;
        println!("a gigabyte by {form}, limit {limit}: {peak} MiB at most");
        assert!(peak < 200, "{form}: {peak} MiB");
    }
}

#[test]
fn a_soft_limit_holds_for_replies_and_only_after_its_time() {
    let server = server(&["--client-output-buffer-limit", "normal", "0", "4mb", "2"]);
    let mut operator = server.connect();
    let mut slow = server.connect();
    slow.call(&["CLIENT", "SETNAME", "slow"]);
    let began = Instant::now();
    slow.send(&request(&["GET", "large"])).expect("it is read");
    PATIENCE.wait_until("what it does not take is seen", || {
        of_client(&mut operator, "name=slow", "omem").is_some_and(|bytes| bytes > 4 * MIB as u64)
    });
    assert!(of_client(&mut operator, "name=slow", "tot-mem").is_some_and(|bytes| bytes > 4 * MIB as u64));
    // One who takes all of it within the time stays.
    let mut quick = server.connect();
    assert_eq!(quick.call(&["GET", "large"]).as_bytes().map(<[u8]>::len), Some(LARGE));
    PATIENCE.wait_until("it is closed", || of_client(&mut operator, "name=slow", "omem").is_none());
    let took = began.elapsed();
    assert!(took > Duration::from_millis(1900), "closed after {took:?}");
    assert!(server.output().contains("closed for overcoming of output buffer limits"));
    assert_eq!(quick.call(&["PING"]), Value::Simple("PONG".into()));
    drop(slow);
}

#[test]
fn what_clients_do_not_take_counts_for_maxmemory_clients() {
    let server = server(&["--maxmemory-clients", "80mb"]);
    let mut small = server.connect();
    let mut deaf: Vec<Connection> = (0..4).map(|_| server.connect()).collect();
    for connection in &mut deaf {
        connection.send(&request(&["GET", "large"])).expect("it is read");
    }
    PATIENCE.wait_until("some are closed", || small.info("evicted_clients").parse().unwrap_or(0) >= 2);
    assert_eq!(small.call(&["PING"]), Value::Simple("PONG".into()));
    let left = small.info("connected_clients").parse::<usize>().expect("a number");
    assert!((2..=3).contains(&left), "those that fit stay: {left}");
}

#[test]
fn one_who_does_not_listen_is_closed_and_the_others_hear_everything() {
    const MESSAGES: usize = 2000;
    let server = Server::slotway(&["--client-output-buffer-limit", "pubsub", "8mb", "0", "0"]);
    let subscriber = || {
        let mut connection = server.connect();
        connection.call(&["SUBSCRIBE", "news"]);
        connection
    };
    let (deaf, mut good) = (subscriber(), subscriber());
    let before = server.resident_kib();
    let mut speaker = server.connect();
    let message = "x".repeat(32 * 1024);
    for _ in 0..MESSAGES {
        let heard = speaker.call(&["PUBLISH", "news", &message]).as_integer();
        assert!(heard.is_some_and(|count| (1..=2).contains(&count)), "{heard:?}");
        let message = good.read().expect("a message").bytes;
        assert!(message.len() > 32 * 1024, "{} bytes", message.len());
    }
    let mut operator = server.connect();
    PATIENCE.wait_until("the deaf one is closed", || {
        operator.info("connected_clients") == "2" || {
            // The speaker may not be gone yet.
            operator.call(&["PUBSUB", "NUMSUB", "news"]).as_items().and_then(|items| items[1].as_integer())
                == Some(1)
        }
    });
    let peak = server.peak_resident_kib().saturating_sub(before) / 1024;
    assert!(peak < 100, "64 MB of messages take {peak} MiB");
    drop(deaf);
}

#[test]
fn slow_readers_get_everything_and_hold_up_nobody() {
    const READERS: usize = 50;
    let server = server(&[]);
    let mut slow: Vec<Connection> = (0..READERS).map(|_| server.connect()).collect();
    nobody_else_waits(&server, || {
        for (number, connection) in slow.iter_mut().enumerate() {
            let (first, last) = ((number * 1000).to_string(), (number * 1000 + 4 * MIB).to_string());
            connection.send(&request(&["GETRANGE", "large", &first, &last])).expect("it is read");
        }
        thread::sleep(Duration::from_millis(500));
        for connection in &mut slow {
            let reply = connection.read().expect("it was not closed").value;
            assert_eq!(reply.as_bytes().map(<[u8]>::len), Some(4 * MIB + 1));
        }
    });
}

#[test]
fn requests_without_an_end_are_closed_at_client_query_buffer_limit() {
    let server = Server::slotway(&["--client-query-buffer-limit", "1mb"]);
    let before = server.resident_kib();
    let chunk = vec![b'x'; 64 * 1024];
    let set = request(&[&b"SET"[..], b"k", &chunk]);
    let announced = b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$33554432\r\n";
    let forms: [(&str, Vec<u8>, &[u8]); 3] = [
        ("a value that does not end", announced.to_vec(), &chunk),
        ("what is queued by MULTI", request(&["MULTI"]), &set),
        ("what waits behind BLPOP", request(&["BLPOP", "nothing", "0"]), &set),
    ];
    for (what, beginning, more) in forms {
        let mut greedy = server.connect();
        greedy.send(&beginning).expect("it is read");
        nobody_else_waits(&server, || {
            let sent = (0..1024).find_map(|_| greedy.send(more).err());
            let error = sent.unwrap_or_else(|| panic!("64 MiB of {what} are taken"));
            let is_closed = matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset);
            assert!(is_closed, "{what}: {error}");
        });
        // Within the limit the same is taken.
        let mut modest = server.connect();
        modest.send(&request(&["MULTI"])).and_then(|()| modest.send(&set)).expect("it is read");
        assert_eq!(modest.read().expect("a reply").bytes, b"+OK\r\n");
        assert_eq!(modest.call(&["DISCARD"]), Value::Simple("QUEUED".into()));
    }
    assert!(server.output().contains("Closing client that reached max query buffer length"));
    let peak = server.peak_resident_kib().saturating_sub(before) / 1024;
    assert!(peak < 32, "requests without an end take {peak} MiB");
}

/// No FIN ever comes from a host that has lost its power; here these are clients that say nothing more.
#[test]
fn those_that_are_gone_without_a_word_leave_their_places_after_timeout() {
    let server = server(&["--timeout", "2"]);
    let silent: Vec<Connection> = [
        &b""[..],
        b"*2\r\n$3\r\nGET\r\n$5\r\nla",
        b"PIN",
        b"*2\r\n$3\r\nGET\r\n$5\r\nlarge\r\n",
        b"*1\r\n$5\r\nMULTI\r\n",
    ]
    .into_iter()
    .flat_map(|bytes| [bytes; 20])
    .map(|bytes| {
        let mut connection = server.connect();
        connection.send(bytes).expect("it is read");
        connection
    })
    .collect();
    let mut listener = server.connect();
    listener.call(&["SUBSCRIBE", "news"]);
    let mut waiter = server.connect();
    waiter.send(&request(&["BLPOP", "list", "0"])).expect("it is read");
    let mut operator = server.connect();
    PATIENCE.wait_until("they are closed", || operator.info("connected_clients") == "3");
    // Those that wait for something are not silent.
    assert_eq!(operator.call(&["RPUSH", "list", "a"]), Value::Integer(1));
    assert!(matches!(waiter.read().expect("it waits").value, Value::Array(_)));
    assert_eq!(operator.call(&["PUBLISH", "news", "b"]), Value::Integer(1));
    assert!(matches!(listener.read().expect("it listens").value, Value::Array(_)));
    // What the server counts: the allocator keeps the pages of 640 MiB of replies for whoever asks next.
    PATIENCE.wait_until("their memory is free", || {
        operator.info("used_memory").parse::<usize>().is_ok_and(|bytes| bytes < 2 * LARGE)
    });
    drop(silent);
}

#[test]
fn one_who_has_ended_its_side_is_still_answered() {
    let server = server(&[]);
    let mut connection = server.connect();
    connection.send(&request(&["ECHO", "hello"])).expect("it is read");
    connection.finish_sending().expect("it ends");
    assert_eq!(connection.read_to_close().expect("a close"), b"$5\r\nhello\r\n");
}
