//! What an HTTP port says.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// Status and body. `headers` are lines that end with CRLF.
pub fn get(port: u16, path: &str, headers: &str) -> (u16, String) {
    let mut text = String::new();
    ask(port, path, headers).read_to_string(&mut text).expect("it answers");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status");
    (status, body.to_owned())
}

/// The data of server-sent events, as they come.
pub fn events(port: u16, path: &str) -> Receiver<String> {
    let (sender, receiver) = channel();
    let stream = BufReader::new(ask(port, path, ""));
    thread::spawn(move || {
        let data = stream.lines().map_while(Result::ok);
        let mut data = data.filter_map(|line| Some(line.strip_prefix("data:")?.trim().to_owned()));
        while data.next().is_some_and(|data| sender.send(data).is_ok()) {}
    });
    receiver
}

fn ask(port: u16, path: &str, headers: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the HTTP port answers");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n{headers}\r\n")
        .expect("it reads");
    stream
}
