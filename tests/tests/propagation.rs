//! What commands become for replicas: the stream of Slotway is compared with that of Redis, word for word.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use slotway_core::resp::decode::{Decoder, Limits};
use slotway_core::resp::inline::split_args;
use slotway_tests::server::Server;
use slotway_tests::wire::{Connection, request};

/// A line for each case: commands with ` ; ` between them, whose effect on the stream is looked at together. A number of milliseconds waits.
const CASES: &str = include_str!("../data/propagation.txt");

#[test]
fn commands_are_propagated_as_by_redis() {
    let options = ["--enable-debug-command", "yes", "--repl-diskless-sync", "no"];
    let (redis, slotway) = (Server::redis(&options), Server::slotway(&options));
    let (mut theirs, mut ours) = (Observed::of(&redis), Observed::of(&slotway));
    let mut different = Vec::new();
    for case in CASES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (expected, found) = (theirs.run(case), ours.run(case));
        if expected != found {
            different.push(format!("{case}\n  theirs {expected:?}\n  ours   {found:?}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// A server, and a connection that it takes for a replica.
struct Observed {
    client: Connection,
    stream: TcpStream,
    decoder: Decoder,
    pending: Vec<u8>,
    cases: usize,
}

impl Observed {
    fn of(server: &Server) -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port())).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket takes a timeout");
        stream.write_all(&request(&["PSYNC", "?", "-1"])).expect("it reads");
        let mut observed = Self {
            client: server.connect(),
            stream,
            decoder: Decoder::default(),
            pending: Vec::new(),
            cases: 0,
        };
        observed.skip_snapshot();
        observed.stream.write_all(&request(&["REPLCONF", "ACK", "0"])).expect("it reads");
        observed
    }

    fn skip_snapshot(&mut self) {
        let len = loop {
            let line = self.line();
            if let Some(len) = line.strip_prefix('$') {
                break len.parse::<usize>().expect("a length");
            }
        };
        while self.pending.len() < len {
            self.fill();
        }
        self.pending.drain(..len);
    }

    fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                return String::from_utf8_lossy(&line).trim_end().to_owned();
            }
            self.fill();
        }
    }

    fn fill(&mut self) {
        let mut chunk = [0; 65536];
        let len = self.stream.read(&mut chunk).expect("the stream goes on");
        assert!(len > 0, "the stream goes on");
        self.pending.extend_from_slice(&chunk[..len]);
    }

    /// What the commands of a case become.
    fn run(&mut self, case: &str) -> Vec<String> {
        for command in case.split(" ; ") {
            if let Ok(ms) = command.parse() {
                thread::sleep(Duration::from_millis(ms));
                continue;
            }
            self.client.call(&split_args(command.as_bytes()).expect("quotes are balanced"));
        }
        self.cases += 1;
        let marker = format!("case {}", self.cases);
        self.client.call(&["PUBLISH", "marker", &marker]);
        let mut lines = Vec::new();
        loop {
            for words in self.commands() {
                match words.first().map(String::as_str) {
                    Some("PUBLISH") if words[2] == marker => return lines,
                    Some("SELECT" | "PING") => {}
                    _ => lines.push(normal(&words)),
                }
            }
            self.fill();
        }
    }

    /// The whole commands that have come.
    fn commands(&mut self) -> Vec<Vec<String>> {
        let mut commands = Vec::new();
        loop {
            self.decoder.decode(&self.pending, Limits { bulk_len_max: 1 << 29, authenticated: true });
            if self.decoder.is_empty() {
                return commands;
            }
            for index in 0..self.decoder.len() {
                let words = self.decoder.request(&self.pending, index);
                commands.push(words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect());
            }
            let used = self.decoder.consume_first(self.decoder.len());
            self.pending.drain(..used);
        }
    }
}

/// A command with `T` in the place of times of today: they are never the same.
fn normal(words: &[String]) -> String {
    let is_today = |text: &str| text.len() == 13 && text.starts_with("17") | text.starts_with("18");
    let word = |word: &String| match word.split_once('-') {
        Some((ms, _)) if is_today(ms) => "T-n".to_owned(),
        None if is_today(word) => "T".to_owned(),
        _ => word.clone(),
    };
    let mut words: Vec<String> = words.iter().map(word).collect();
    words[0] = words[0].to_uppercase();
    words.join(" ")
}
