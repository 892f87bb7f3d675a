//! The image's `redis-cli`: the part of it that scripts in containers use, by its old name.
//!
//! `docker exec c redis-cli -a secret cluster nodes` works, and so do commands on standard input. It is no terminal: for an interactive
//! session, `--scan` or `--cluster` there is the real one, and `slotway cluster` for operators.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Parser;
use slotway_core::resp::inline::split_args;
use slotway_core::resp::value::Value;

use super::secure::{self, Secure};
use super::talk::Conversation;

/// Redirections that are followed for one command, as in redis-cli a loop of two nodes that send a client to each other must end.
const REDIRECTIONS_MAX: usize = 16;

/// Send commands to a server: those given, or those on standard input, one a line.
#[derive(Parser, Debug)]
#[command(name = "redis-cli", disable_help_flag = true, disable_version_flag = true)]
struct Options {
    /// Host of the server
    #[arg(short = 'h', default_value = "127.0.0.1")]
    host: String,
    /// Port of the server
    #[arg(short, default_value_t = 6379)]
    port: u16,
    /// Password; REDISCLI_AUTH gives it where other users do not see it
    #[arg(short = 'a', long = "pass", env = "REDISCLI_AUTH", hide_env_values = true)]
    password: Option<String>,
    /// User of that password
    #[arg(long)]
    user: Option<String>,
    /// Say nothing about passwords on the command line
    #[arg(long)]
    no_auth_warning: bool,
    /// Number of the database
    #[arg(short = 'n', default_value_t = 0)]
    database: u32,
    /// Follow redirections, as a client of the cluster
    #[arg(short = 'c')]
    cluster: bool,
    /// Speak RESP3
    #[arg(short = '3')]
    resp3: bool,
    /// End with 1 when a command is answered with an error
    #[arg(short = 'e')]
    exit_code: bool,
    /// Read the last argument from standard input
    #[arg(short = 'x')]
    last_from_input: bool,
    /// Print replies bare: the default when the output is no terminal
    #[arg(long, conflicts_with = "no_raw")]
    raw: bool,
    /// Print replies with their types
    #[arg(long)]
    no_raw: bool,
    #[command(flatten)]
    secure: secure::TlsOptions,
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
    /// A command and its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Runs with the words that follow the program's name.
///
/// # Errors
/// The server cannot be reached, or the connection ends.
pub(crate) fn run(words: &[String]) -> anyhow::Result<ExitCode> {
    let options = Options::parse_from(std::iter::once("redis-cli".to_owned()).chain(words.iter().cloned()));
    let mut session = Session::begin(options)?;
    let command: Vec<Vec<u8>> =
        session.options.command.iter().map(|word| word.clone().into_bytes()).collect();
    if command.is_empty() {
        return session.answer_input();
    }
    let command = if session.options.last_from_input { with_input(command)? } else { command };
    let is_error = session.answer(&command)?;
    Ok(if is_error && session.options.exit_code { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn with_input(mut command: Vec<Vec<u8>>) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut input = Vec::new();
    io::Read::read_to_end(&mut io::stdin(), &mut input).context("cannot read standard input")?;
    command.push(input);
    Ok(command)
}

struct Session {
    options: Options,
    secure: Option<Secure>,
    server: Conversation,
}

impl Session {
    fn begin(options: Options) -> anyhow::Result<Self> {
        let secure = options.secure.secure()?;
        let server = connect(&options, secure.as_ref(), &options.host, options.port)?;
        Ok(Self { options, secure, server })
    }

    /// Answers each line of standard input. Ends with 1 if the last command that counts was answered with an error and `-e` is given.
    fn answer_input(&mut self) -> anyhow::Result<ExitCode> {
        if io::stdin().is_terminal() {
            bail!(
                "This redis-cli is no terminal. Give it a command (redis-cli get key), or commands on standard input; \
                 use the redis-cli of Redis for a session."
            );
        }
        for line in io::stdin().lock().split(b'\n') {
            let line = line.context("cannot read standard input")?;
            match split_args(&line) {
                Ok(words) if words.is_empty() => {}
                Ok(words) => {
                    let is_error = self.answer(&words)?;
                    if is_error && self.options.exit_code {
                        return Ok(ExitCode::FAILURE);
                    }
                }
                Err(_) => println!("Invalid argument(s)"),
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Sends a command and prints the reply. True for an error reply.
    fn answer(&mut self, words: &[Vec<u8>]) -> anyhow::Result<bool> {
        let reply = self.ask(words)?;
        let is_bare = !self.options.no_raw && (self.options.raw || !io::stdout().is_terminal());
        let mut text = Vec::new();
        if is_bare {
            bare(&reply, &mut text)
        } else {
            typed(&reply, "", &mut text)
        }
        text.push(b'\n');
        // A closed pipe is no news to who closed it.
        let _ = io::stdout().write_all(&text);
        Ok(matches!(reply, Value::Error(_)))
    }

    fn ask(&mut self, words: &[Vec<u8>]) -> anyhow::Result<Value> {
        let mut reply = self.server.ask(words)?;
        for _ in 0..REDIRECTIONS_MAX {
            let Some(redirection) = Redirection::of(&reply).filter(|_| self.options.cluster) else { break };
            let host = if redirection.host.is_empty() { &self.options.host } else { &redirection.host };
            self.server = connect(&self.options, self.secure.as_ref(), host, redirection.port)?;
            if redirection.asks {
                self.server.order(&["ASKING"])?;
            }
            reply = self.server.ask(words)?;
        }
        Ok(reply)
    }
}

fn connect(
    options: &Options,
    secure: Option<&Secure>,
    host: &str,
    port: u16,
) -> anyhow::Result<Conversation> {
    let mut server = Conversation::open(host, port, None, secure)
        .with_context(|| format!("Could not connect to Redis at {host}:{port}"))?;
    let password = options.password.as_deref().filter(|password| !password.is_empty());
    let auth = password.map(|password| match &options.user {
        Some(user) => server.order(&["AUTH", user, password]),
        None => server.order(&["AUTH", password]),
    });
    auth.transpose().context("AUTH failed")?;
    if options.resp3 {
        server.order(&["HELLO", "3"])?;
    }
    if options.database != 0 {
        server.order(&["SELECT", &options.database.to_string()])?;
    }
    Ok(server)
}

/// Where a reply sends its reader.
#[derive(PartialEq, Eq, Debug)]
struct Redirection {
    host: String,
    port: u16,
    asks: bool,
}

impl Redirection {
    /// `MOVED 866 127.0.0.1:7001`, or `ASK` and the same. The host may be empty: it stays the same.
    fn of(reply: &Value) -> Option<Self> {
        let Value::Error(text) = reply else { return None };
        let mut words = text.split(' ');
        let asks = match words.next()? {
            "MOVED" => false,
            "ASK" => true,
            _ => return None,
        };
        let (host, port) = words.nth(1)?.rsplit_once(':')?;
        Some(Self { host: host.into(), port: port.parse().ok()?, asks })
    }
}

/// A reply as redis-cli prints it to what is no terminal.
pub(crate) fn bare_text(reply: &Value) -> Vec<u8> {
    let mut text = Vec::new();
    bare(reply, &mut text);
    text
}

fn bare(reply: &Value, out: &mut Vec<u8>) {
    match reply {
        Value::Error(text) => {
            out.extend_from_slice(text.as_bytes());
            out.push(b'\n');
        }
        Value::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::Null => {}
        Value::Boolean(yes) => out.extend_from_slice(if *yes { b"(true)" } else { b"(false)" }),
        Value::Array(items) | Value::Set(items) | Value::Push(items) => lines(items.iter(), out),
        Value::Map(pairs) => {
            for (number, (key, value)) in pairs.iter().enumerate() {
                if number > 0 {
                    out.push(b'\n');
                }
                bare(key, out);
                out.push(b' ');
                bare(value, out);
            }
        }
        text => out.extend_from_slice(text.as_bytes().unwrap_or_default()),
    }
}

fn lines<'a>(items: impl Iterator<Item = &'a Value>, out: &mut Vec<u8>) {
    for (number, item) in items.enumerate() {
        if number > 0 {
            out.push(b'\n');
        }
        bare(item, out);
    }
}

/// A reply as redis-cli prints it to a terminal: with types, quotes and numbers, `indent` before each line but the first.
fn typed(reply: &Value, indent: &str, out: &mut Vec<u8>) {
    match reply {
        Value::Simple(text) => out.extend_from_slice(text.as_bytes()),
        Value::Error(text) => out.extend_from_slice(format!("(error) {text}").as_bytes()),
        Value::Integer(number) => out.extend_from_slice(format!("(integer) {number}").as_bytes()),
        Value::Bulk(bytes) => out.extend_from_slice(quoted(bytes).as_bytes()),
        Value::Null => out.extend_from_slice(b"(nil)"),
        Value::Boolean(yes) => out.extend_from_slice(if *yes { b"(true)" } else { b"(false)" }),
        Value::Double(text) => out.extend_from_slice(format!("(double) {text}").as_bytes()),
        Value::BigNumber(text) => out.extend_from_slice(text.as_bytes()),
        Value::Verbatim(_, bytes) => out.extend_from_slice(bytes),
        Value::Array(items) | Value::Push(items) => numbered(items, ')', "(empty array)", indent, out),
        Value::Set(items) => numbered(items, '~', "(empty set)", indent, out),
        Value::Map(pairs) => {
            if pairs.is_empty() {
                out.extend_from_slice(b"(empty hash)");
            }
            let width = pairs.len().to_string().len();
            for (number, (key, value)) in pairs.iter().enumerate() {
                begin_item(number, '#', width, indent, out);
                typed(key, "", out);
                out.extend_from_slice(b" => ");
                typed(value, &format!("{indent}{:width$}", "", width = width + 2), out);
            }
        }
    }
}

fn numbered(items: &[Value], mark: char, empty: &str, indent: &str, out: &mut Vec<u8>) {
    if items.is_empty() {
        out.extend_from_slice(empty.as_bytes());
    }
    let width = items.len().to_string().len();
    for (number, item) in items.iter().enumerate() {
        begin_item(number, mark, width, indent, out);
        typed(item, &format!("{indent}{:width$}", "", width = width + 2), out);
    }
}

fn begin_item(number: usize, mark: char, width: usize, indent: &str, out: &mut Vec<u8>) {
    if number > 0 {
        out.push(b'\n');
        out.extend_from_slice(indent.as_bytes());
    }
    out.extend_from_slice(format!("{:>width$}{mark} ", number + 1).as_bytes());
}

fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            0x07 => text.push_str("\\a"),
            0x08 => text.push_str("\\b"),
            b' '..=b'~' => text.push(char::from(byte)),
            // Writing into a String cannot fail.
            _ => drop(write!(text, "\\x{byte:02x}")),
        }
    }
    text + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(reply: &str) -> [String; 2] {
        let (value, _) = Value::decode(reply.replace('|', "\r\n").as_bytes()).unwrap();
        let (mut plain, mut with_types) = (Vec::new(), Vec::new());
        bare(&value, &mut plain);
        typed(&value, "", &mut with_types);
        [plain, with_types].map(|text| String::from_utf8(text).unwrap())
    }

    /// The words are those of redis-cli 7.0 for the same replies.
    #[test]
    fn replies_look_as_redis_cli_shows_them() {
        assert_eq!(shown("+PONG|"), ["PONG", "PONG"]);
        assert_eq!(shown(":3|"), ["3", "(integer) 3"]);
        assert_eq!(shown("$-1|"), ["", "(nil)"]);
        assert_eq!(shown("$3|a\"b|"), ["a\"b", "\"a\\\"b\""]);
        assert_eq!(shown("-ERR no|"), ["ERR no\n", "(error) ERR no"]);
        assert_eq!(shown("*0|"), ["", "(empty array)"]);
        let nested = shown("*2|$1|a|*2|:1|$-1|");
        assert_eq!(nested, ["a\n1\n", "1) \"a\"\n2) 1) (integer) 1\n   2) (nil)"]);
        assert_eq!(shown("%1|$1|k|$1|v|"), ["k v", "1# \"k\" => \"v\""]);
    }

    #[test]
    fn redirections_are_understood() {
        let of = |text: &str| Redirection::of(&Value::Error(text.into()));
        let there = |host: &str, asks| Some(Redirection { host: host.into(), port: 7001, asks });
        assert_eq!(of("MOVED 866 10.0.0.1:7001"), there("10.0.0.1", false));
        assert_eq!(of("ASK 866 ::1:7001"), there("::1", true));
        assert_eq!(of("MOVED 866 :7001"), there("", false));
        assert_eq!(of("ERR no"), None);
    }

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory as _;
        Options::command().debug_assert();
        let options = Options::parse_from(["redis-cli", "-p", "7000", "-a", "x", "set", "-key", "--value"]);
        assert_eq!(
            (options.port, &options.command[..]),
            (7000, &["set", "-key", "--value"].map(String::from)[..])
        );
    }
}
