//! `slotway ping`: is a server well? For health checks.

use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use slotway_core::resp::value::{Value, ValueError};

const EXAMPLES: &str = "\
Examples:
  slotway ping
  slotway ping -h 10.0.0.5 -p 7000
  SLOTWAY_PASSWORD=secret slotway ping -p 7000

Ends with exit code 0 if the server answers, 1 if not.";

/// Most bytes of an answer to PING.
const REPLY_LEN_MAX: usize = 4096;

/// Ask a server whether it is well, for health checks.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES, disable_help_flag = true)]
pub(crate) struct Options {
    /// Host of the server
    #[arg(short = 'h', long, default_value = "127.0.0.1", env = "SLOTWAY_HOST")]
    host: String,
    /// Port of the server
    #[arg(short, long, default_value_t = 6379, env = "SLOTWAY_PORT")]
    port: u16,
    /// Password; better given by the environment, where other users do not see it
    #[arg(short = 'a', long = "pass", env = "SLOTWAY_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// Milliseconds to wait for the connection, and for each answer
    #[arg(short, long, default_value_t = 2000, value_name = "MS")]
    timeout: u64,
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
}

/// Prints the server's answer.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let place = format!("{}:{}", options.host, options.port);
    let mut stream = connect(options).with_context(|| format!("Could not connect to {place}"))?;
    if let Some(password) = options.password.as_deref().filter(|password| !password.is_empty()) {
        ask(&mut stream, &["AUTH", password])?;
    }
    match ask(&mut stream, &["PING"])? {
        Value::Simple(text) => println!("{text}"),
        other => bail!("{place} answers PING with {other:?}"),
    }
    Ok(ExitCode::SUCCESS)
}

fn connect(options: &Options) -> anyhow::Result<TcpStream> {
    let timeout = Duration::from_millis(options.timeout.max(1));
    let mut last = anyhow!("the name has no address");
    for address in (options.host.as_str(), options.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(stream) => {
                stream.set_read_timeout(Some(timeout))?;
                stream.set_write_timeout(Some(timeout))?;
                return Ok(stream);
            }
            Err(error) => last = error.into(),
        }
    }
    Err(last)
}

fn ask(stream: &mut TcpStream, request: &[&str]) -> anyhow::Result<Value> {
    let mut bytes = format!("*{}\r\n", request.len());
    for word in request {
        bytes.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    stream.write_all(bytes.as_bytes()).context("the server does not take the request")?;
    let mut reply = Vec::new();
    loop {
        let mut piece = [0; 512];
        let len = stream.read(&mut piece).context("the server does not answer")?;
        reply.extend_from_slice(&piece[..len]);
        match Value::decode(&reply) {
            Ok((Value::Error(text), _)) => bail!("{text}"),
            Ok((value, _)) => return Ok(value),
            Err(ValueError::Incomplete) if len > 0 && reply.len() < REPLY_LEN_MAX => {}
            Err(ValueError::Incomplete) => bail!("the server closed the connection"),
            Err(error) => bail!("this is no Redis server: {error}"),
        }
    }
}
