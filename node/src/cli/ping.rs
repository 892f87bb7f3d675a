//! `slotway ping`: is a server well? For health checks.
//!
//! Without a host and a port it asks the health socket of its container, if there is one: that knows the server whatever its port and
//! password are.

use std::env;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, bail};
use slotway_core::resp::value::Value;

use super::secure;
use super::talk::Conversation;
use crate::health;

const EXAMPLES: &str = "\
Examples:
  slotway ping
  slotway ping -h 10.0.0.5 -p 7000
  slotway ping --ready                            ends with 0 only once clients can be sent there
  SLOTWAY_PASSWORD=secret slotway ping -p 7000

Ends with exit code 0 if the server answers, 1 if not.";

/// Ask a server whether it is well, for health checks.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES, disable_help_flag = true)]
pub(crate) struct Options {
    /// Host of the server [default: $SLOTWAY_HOST, or 127.0.0.1]
    #[arg(short = 'h', long)]
    host: Option<String>,
    /// Port of the server [default: $SLOTWAY_PORT, or 6379]
    #[arg(short, long)]
    port: Option<u16>,
    /// Socket of health checks, asked when neither host nor port is given: a path or `@name`
    #[arg(long, env = "SLOTWAY_HEALTH_SOCKET", value_name = "SOCKET")]
    socket: Option<String>,
    /// Ask not only whether it answers, but whether clients can be sent there: data loaded, cluster up
    #[arg(long)]
    ready: bool,
    /// Password; better given by the environment, where other users do not see it
    #[arg(short = 'a', long = "pass", env = "SLOTWAY_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// Milliseconds to wait for the connection, and for each answer
    #[arg(short, long, default_value_t = 2000, value_name = "MS")]
    timeout: u64,
    #[command(flatten)]
    secure: secure::TlsOptions,
    /// Print help
    #[arg(long, action = clap::ArgAction::Help)]
    help: Option<bool>,
}

/// Prints the server's answer.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let timeout = Duration::from_millis(options.timeout.max(1));
    let socket = options.socket.as_deref().filter(|name| !name.is_empty());
    let is_told_where = options.host.is_some() || options.port.is_some();
    let answer = socket.filter(|_| !is_told_where).and_then(|name| health::ask(name, timeout).ok());
    match answer {
        Some(answer) => tell(answer.not_ready.filter(|_| options.ready)),
        None => ask(options, timeout),
    }
}

fn tell(not_ready: Option<String>) -> anyhow::Result<ExitCode> {
    if let Some(why) = not_ready {
        bail!("not ready: {why}");
    }
    println!("PONG");
    Ok(ExitCode::SUCCESS)
}

fn ask(options: &Options, timeout: Duration) -> anyhow::Result<ExitCode> {
    let from_environment = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let host = options.host.clone().or_else(|| from_environment("SLOTWAY_HOST"));
    let host = host.as_deref().unwrap_or("127.0.0.1");
    let port = match (options.port, from_environment("SLOTWAY_PORT")) {
        (Some(port), _) => port,
        (None, Some(text)) => text.parse().with_context(|| format!("SLOTWAY_PORT: '{text}' is no port"))?,
        (None, None) => 6379,
    };
    let place = format!("{host}:{port}");
    let mut server = Conversation::open(host, port, Some(timeout), options.secure.secure()?.as_ref())
        .with_context(|| format!("Could not connect to {place}"))?;
    if let Some(password) = options.password.as_deref().filter(|password| !password.is_empty()) {
        server.order(&["AUTH", password])?;
    }
    match server.order(&["PING"])? {
        Value::Simple(text) if text == "PONG" => {}
        other => bail!("{place} answers PING with {other:?}"),
    }
    tell(if options.ready { not_ready(&mut server)? } else { None })
}

/// Why clients cannot be sent there, as far as commands tell.
fn not_ready(server: &mut Conversation) -> anyhow::Result<Option<String>> {
    let Value::Bulk(text) = server.order(&["INFO"])? else { bail!("INFO is answered with something else") };
    let text = String::from_utf8_lossy(&text);
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    if field("loading") == Some("1") {
        return Ok(Some("loading the data".into()));
    }
    if field("master_link_status") == Some("down") {
        return Ok(Some("the link to the primary is down".into()));
    }
    if field("cluster_enabled") != Some("1") {
        return Ok(None);
    }
    let Value::Bulk(info) = server.order(&["CLUSTER", "INFO"])? else {
        bail!("CLUSTER INFO is answered with something else")
    };
    let is_up = String::from_utf8_lossy(&info).lines().any(|line| line == "cluster_state:ok");
    Ok((!is_up).then(|| "the cluster is down".into()))
}
