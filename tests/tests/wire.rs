//! Whatever bytes a client port receives, Slotway answers with Redis' error or closes, as Redis does.
//!
//! Each input goes to both servers on a connection of its own; then our side of the stream ends, and everything up to
//! the server's close is compared. So an input after which a server waits for more has an answer too: nothing.

use std::io::ErrorKind;

use slotway_tests::differences::Differences;
use slotway_tests::random::Random;
use slotway_tests::server::Server;
use slotway_tests::wire::{Connection, request};

/// Random inputs compared.
const FUZZED: u64 = 20_000;
/// Longest fuzzed input: both servers take it with one read, so that nothing is left unread at a close.
const FUZZED_LEN_MAX: usize = 8 * 1024;
/// A line longer than this without its end is refused: `PROTO_INLINE_MAX_SIZE` of Redis.
const INLINE_MAX: usize = 64 * 1024;

/// Disagreements shown.
const SHOWN_MAX: usize = 20;
/// Growth of resident memory that a whole suite of bad input may cause.
const GROWTH_MAX_KIB: u64 = 64 * 1024;

/// Inputs that each show one rule of the protocol.
#[rustfmt::skip]
const MALFORMED: &[&str] = &[
    // Lengths of requests.
    "*abc\r\n", "*-1\r\n", "*0\r\nPING\r\n", "*-2147483649\r\n", "*2147483647\r\n", "*2147483648\r\n", "*\r\n",
    "*99999999999999999999\r\n", "* 1\r\n$4\r\nPING\r\n", "*+1\r\n$4\r\nPING\r\n", "*01\r\n$4\r\nPING\r\n", "*1.0\r\n",
    // Lengths of arguments.
    "*1\r\nx\r\n", "*1\r\nPING\r\n", "*1\r\n\r\n", "*1\r\n:4\r\nPING\r\n", "*1\r\n$-1\r\n", "*1\r\n$abc\r\n",
    "*1\r\n$\r\n", "*1\r\n$ 4\r\nPING\r\n", "*1\r\n$+4\r\nPING\r\n", "*1\r\n$04\r\nPING\r\n", "*1\r\n$536870913\r\n",
    "*1\r\n$536870912\r\n", "*1\r\n$99999999999999999999\r\n", "*2\r\n$4\r\nECHO\r\n$-2\r\n", "*1\r\n$0\r\n\r\n",
    // Ends of lines and of arguments.
    "*1\n$4\nPING\n", "*1\r\n$4\r\nPINGxx", "*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n", "*1\r$4\r\nPING\r\n",
    "*1\r\n$4\r\nPIN\r\n\r\n", "*1x\n$4\r\nPING\r\n", "\r\n\r\nPING\r\n", "\n\n\nPING\n",
    // Inline commands.
    "PING\n", "PING\r\n", "  PING  \r\n", "PING hello\r\n", "ECHO \"a b\"\r\n", "ECHO 'a\\'b'\r\n", "ECHO \"a\r\n",
    "ECHO 'a\r\n", "ECHO \"a\"b\r\n", "ECHO \"\\x41\\n\\q\"\r\n", "ECHO a\"b\"\r\n", "ECHO \"\"\r\n", "\"\"\r\n",
    "\t\r\n", "PING\r\n\r\nPING\r\n", "ECHO a\\ b\r\n", "$4\r\nPING\r\n", "+PING\r\n", "PING\r\r\n", "nosuch a b\r\n",
    // Another protocol.
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST / HTTP/1.1\r\nHost: a\r\n\r\n", "Host: a\r\nPING\r\n", "\x16\x03\x01\r\n",
    // Names and arities.
    "*1\r\n$6\r\nnosuch\r\n", "*3\r\n$6\r\nnosuch\r\n$1\r\na\r\n$3\r\nb\r\n\r\n", "*1\r\n$3\r\nGET\r\n",
    "*2\r\n$6\r\nCONFIG\r\n$6\r\nnosuch\r\n", "*1\r\n$6\r\nCONFIG\r\n", "*1\r\n$4\r\na\r\nb\r\n", "*1\r\n$5\r\na\0b'c\r\n",
    "*4\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n$1\r\nX\r\n", "*5\r\n$5\r\nHELLO\r\n$1\r\n9\r\n$0\r\n\r\n$0\r\n\r\n$0\r\n\r\n",
    "*2\r\n$4\r\nQUIT\r\n$1\r\nx\r\n*1\r\n$4\r\nPING\r\n", "QUIT\r\nPING\r\n", "RESET\r\nPING\r\n",
    // Replies wanted and not.
    "CLIENT REPLY SKIP\r\nPING\r\nPING a\r\n", "CLIENT REPLY OFF\r\nPING\r\nCLIENT REPLY ON\r\nPING a\r\n",
    "CLIENT REPLY OFF\r\nnosuch\r\n*1\r\nx", "HELLO 4\r\nPING\r\n",
];

/// Inputs for a client that has not given its password.
#[rustfmt::skip]
const UNAUTHENTICATED: &[&str] = &[
    "PING\r\n", "nosuch\r\n", "GET\r\n", "*10\r\n", "*11\r\n", "*1048577\r\n", "*2\r\n$4\r\nAUTH\r\n$16384\r\n",
    "*2\r\n$4\r\nAUTH\r\n$16385\r\n", "AUTH wrong\r\nPING\r\n", "AUTH secret\r\nPING\r\n", "AUTH default secret\r\nPING\r\n",
    "AUTH nobody secret\r\n", "AUTH\r\n", "AUTH a b c\r\n", "AUTH secret\r\n*11\r\n", "HELLO 3\r\n", "QUIT\r\n", "RESET\r\n",
    "HELLO 2 AUTH default wrong\r\n", "AUTH secret\r\nRESET\r\nPING\r\n", "COMMAND\r\n", "CLIENT REPLY OFF\r\nPING\r\n",
];

#[test]
fn malformed_input_gets_the_answer_of_redis() {
    let mut pair = Pair::start(&[]);
    for input in MALFORMED {
        pair.compare(&[input.as_bytes()]);
    }
    pair.finish();
}

#[test]
fn lines_without_end_are_refused_as_redis_refuses_them() {
    let mut pair = Pair::start(&[]);
    for start in ["", "*", "*1\r\n$", "*2\r\n$4\r\nECHO\r\n$"] {
        for len in [INLINE_MAX - 1, INLINE_MAX, INLINE_MAX + 1] {
            let mut input = start.as_bytes().to_vec();
            // What counts is the line, which begins after the last line break.
            let line_start = start.rfind('\n').map_or(0, |at| at + 1);
            input.resize(line_start + len, b'1');
            pair.compare(&[&input]);
        }
    }
    pair.finish();
}

#[test]
fn a_client_without_password_is_held_to_small_requests() {
    let mut pair = Pair::start(&["--requirepass", "secret"]);
    for input in UNAUTHENTICATED {
        pair.compare(&[input.as_bytes()]);
    }
    pair.finish();
}

#[test]
fn a_pipeline_cut_anywhere_gets_the_same_replies() {
    let mut pair = Pair::start(&[]);
    let whole = pipeline();
    for cut in 0..=whole.len() {
        let (head, tail) = whole.split_at(cut);
        pair.compare(&[head]);
        pair.compare(&[head, tail]);
    }
    let bytes: Vec<&[u8]> = whole.chunks(1).collect();
    pair.compare(&bytes);
    pair.finish();
}

#[test]
fn fuzzed_input_gets_the_answer_of_redis() {
    let mut pair = Pair::start(&[]);
    for seed in 0..FUZZED {
        let mut random = Random::new(seed);
        let input = fuzzed(&mut random);
        let cut = random.below(input.len() + 1);
        pair.compare(&[&input[..cut], &input[cut..]]);
    }
    pair.finish();
}

/// Text and binary, both forms of requests, an error and an empty argument, a bulk that needs several reads.
fn pipeline() -> Vec<u8> {
    let mut bytes = request(&["SET", "k", "a\r\nb"]);
    bytes.extend_from_slice(b"PING\r\nECHO \"in line\"\r\n");
    bytes.extend(request(&["GET", "k"]));
    bytes.extend(request(&["nosuch", ""]));
    bytes.extend_from_slice(b"*0\r\n\r\n");
    bytes.extend(request(&[&b"ECHO"[..], b"\x00\xff$1\r\n"]));
    bytes.extend(request(&["DEL", "k"]));
    bytes
}

/// A few requests with some bytes of them changed.
fn fuzzed(random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..1 + random.below(4) {
        bytes.extend(some_request(random));
    }
    for _ in 0..random.below(6) {
        spoil(random, &mut bytes);
    }
    bytes.truncate(FUZZED_LEN_MAX);
    bytes
}

fn some_request(random: &mut Random) -> Vec<u8> {
    let value = String::from_utf8_lossy(&vec![b'v'; random.below(60)]).into_owned();
    match random.below(8) {
        0 => b"PING\r\n".to_vec(),
        1 => b"SET k \"a b\"\r\nGET k\r\n".to_vec(),
        2 => request(&["SET", "k", &value]),
        3 => request(&["GET", "k"]),
        4 => request(&["MGET", "k", "l", ""]),
        5 => request(&["ECHO", &value]),
        6 => {
            let len = random.below(30);
            random.bytes(len)
        }
        _ => request(&["INCR", "n"]),
    }
}

fn spoil(random: &mut Random, bytes: &mut Vec<u8>) {
    #[rustfmt::skip]
    const PIECES: &[&str] = &[
        "*", "$", "\r\n", "\n", "\r", "-1", "0", "\"", "'", " ", "\0", "4294967296", "536870913", "*1\r\n", "$3\r\n", "\\x4",
    ];
    let at = random.below(bytes.len() + 1);
    match random.below(4) {
        0 if at < bytes.len() => bytes[at] = (random.next() >> 40) as u8,
        1 if at < bytes.len() => drop(bytes.remove(at)),
        2 => bytes.truncate(at),
        _ => drop(bytes.splice(at..at, random.pick(PIECES).bytes())),
    }
}

/// Both servers, and what they did not agree on.
struct Pair {
    ours: Peer,
    theirs: Peer,
    differences: Differences,
    disagreements: Vec<String>,
    /// Resident memory of our server at the beginning, in KiB.
    resident_kib: u64,
}

impl Pair {
    fn start(options: &[&str]) -> Pair {
        let ours = Peer::new(Server::slotway(options));
        let resident_kib = ours.server.resident_kib();
        let theirs = Peer::new(Server::redis(options));
        Pair {
            ours,
            theirs,
            differences: Differences::of_suite("wire"),
            disagreements: Vec::new(),
            resident_kib,
        }
    }

    fn compare(&mut self, pieces: &[&[u8]]) {
        let theirs = self.theirs.answer(pieces);
        let refused = theirs.windows(14).any(|text| text == b"Protocol error");
        let ours = if refused { self.ours.answer_and_close(pieces) } else { self.ours.answer(pieces) };
        if ours == theirs {
            return;
        }
        // What they now have different must not make the next inputs differ.
        self.ours.barrier.call(&["FLUSHALL"]);
        self.theirs.barrier.call(&["FLUSHALL"]);
        let input = pieces.concat();
        if !self.differences.allow(&[input], &ours, &theirs) {
            let input: Vec<String> = pieces.iter().map(|piece| piece.escape_ascii().to_string()).collect();
            let (ours, theirs) = (ours.escape_ascii(), theirs.escape_ascii());
            let input = input.join(" | ");
            let report = format!("{input}\n  ours:   {ours}\n  theirs: {theirs}");
            self.disagreements.push(report);
        }
    }

    /// Panics when they disagreed, or when our server does not feel well after all that.
    fn finish(mut self) {
        // The shortest say most.
        self.disagreements.sort_by_key(String::len);
        let (count, shortest) = (self.disagreements.len(), self.disagreements.iter().take(SHOWN_MAX));
        let shortest: Vec<&str> = shortest.map(String::as_str).collect();
        assert_eq!(count, 0, "disagreements; the shortest:\n{}", shortest.join("\n"));
        assert!(self.ours.server.is_running());
        let growth = self.ours.server.resident_kib().saturating_sub(self.resident_kib);
        assert!(growth < GROWTH_MAX_KIB, "memory grew by {growth} KiB");
    }
}

struct Peer {
    server: Server,
    /// Served in between, so that a piece is likely read before the next is sent.
    barrier: Connection,
}

impl Peer {
    fn new(server: Server) -> Peer {
        let barrier = server.connect();
        Peer { server, barrier }
    }

    /// What comes back until the close that follows the end of our side.
    fn answer(&mut self, pieces: &[&[u8]]) -> Vec<u8> {
        let mut connection = self.send(pieces);
        // The server may have closed first.
        let _ = connection.finish_sending();
        received(connection, pieces)
    }

    /// What comes back until the server closes by itself.
    fn answer_and_close(&mut self, pieces: &[&[u8]]) -> Vec<u8> {
        let connection = self.send(pieces);
        received(connection, pieces)
    }

    fn send(&mut self, pieces: &[&[u8]]) -> Connection {
        let mut connection = self.server.connect();
        for piece in pieces {
            if let Err(error) = connection.send(piece) {
                let closed = matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset);
                assert!(closed, "a server does not read: {error}");
            }
            self.barrier.call(&["PING"]);
        }
        connection
    }
}

fn received(mut connection: Connection, pieces: &[&[u8]]) -> Vec<u8> {
    connection.read_to_close().unwrap_or_else(|error| {
        let input = pieces.concat();
        panic!("the connection hangs after {:.300}: {error}", input.escape_ascii().to_string())
    })
}
