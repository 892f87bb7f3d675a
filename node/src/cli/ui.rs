//! `slotway ui`: the playground over a cluster that runs somewhere, of Slotway, Redis or Valkey. It looks as a client and changes nothing.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};

use super::cluster::place::Place;
use crate::health::Health;
use crate::log::{Level, Log};
use crate::observe::Observer;
use crate::observe::access::{Access, Door, Given};
use crate::tls::Outgoing;
use crate::{http, runtime, signals};

const EXAMPLES: &str = "\
Examples:
  slotway ui --cluster 10.0.0.5:7000
  REDISCLI_AUTH=secret slotway ui --cluster a:7000,b:7000 --user viewer
  slotway ui --cluster cache.example.com:6379 --tls --askpass

The user needs no more than this, on every node:
  ACL SETUSER viewer on >secret +info +cluster|nodes +cluster|info +cluster|shards +cluster|slots +cluster|myid
    +cluster|countkeysinslot +cluster|slot-stats +cluster|getslotmigrations

What is read goes to the page alone; no key and no value is. Other nodes than those named are found by what they announce.";

/// Serve the playground over a running cluster.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// A node of the cluster, or several in case one is down
    #[arg(long, required = true, value_delimiter = ',', value_name = "HOST:PORT")]
    cluster: Vec<Place>,
    /// Port of the page
    #[arg(long, default_value_t = 7080, value_name = "PORT")]
    http: u16,
    /// Address that the page is served on
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    bind: String,
    /// Token that readers of the page must show
    #[arg(
        long,
        env = "SLOTWAY_HTTP_TOKEN",
        hide_env_values = true,
        default_value = "",
        hide_default_value = true
    )]
    http_token: String,
    /// Milliseconds between two looks at the cluster
    #[arg(long, default_value_t = 1000, value_name = "MS", value_parser = clap::value_parser!(u64).range(100..=60_000))]
    interval: u64,
    /// User to log in as
    #[arg(long)]
    user: Option<String>,
    /// Password; REDISCLI_AUTH gives it where other users do not see it
    #[arg(
        short = 'a',
        long = "pass",
        env = "REDISCLI_AUTH",
        hide_env_values = true,
        value_name = "PASSWORD"
    )]
    password: Option<String>,
    /// Ask for the password on the terminal
    #[arg(long)]
    askpass: bool,
    /// Connect with TLS
    #[arg(long)]
    tls: bool,
    /// Authorities whose certificates are trusted, under whatever name; by default those that this system trusts, for their names
    #[arg(long, requires = "tls", value_name = "FILE")]
    cacert: Option<PathBuf>,
    /// Certificate to show
    #[arg(long, requires = "tls", requires = "key", value_name = "FILE")]
    cert: Option<PathBuf>,
    /// Key of that certificate
    #[arg(long, requires = "cert", value_name = "FILE")]
    key: Option<PathBuf>,
    /// Trust whatever certificate is shown
    #[arg(long, requires = "tls", conflicts_with = "cacert")]
    insecure: bool,
}

/// Serves the page until Ctrl-C.
///
/// # Errors
/// No node can be asked, or the port is taken.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let access = Access::Given(Given {
        user: options.user.clone(),
        password: password(options)?,
        tls: if options.tls { Some(outgoing(options).connector()?) } else { None },
    });
    let door = |place: &Place| Door { host: place.host.clone(), port: place.port, name: None };
    let doors: Vec<Door> = options.cluster.iter().map(door).collect();
    let interval = Duration::from_millis(options.interval);
    runtime::current_thread()?.block_on(async {
        let (sight, topologies) =
            Observer::from_outside(access, doors, interval).await.map_err(|why| anyhow!("{why}"))?;
        let nodes = topologies.borrow().as_ref().map_or(0, |topology| topology.node_count());
        let quiet = Log::open("", Level::Nothing)?;
        let address = format!("{}:{}", options.bind, options.http);
        let health = Health::of(Vec::new());
        let page = http::start(&address, topologies, sight, health, &options.http_token, &quiet)
            .await
            .context("Choose another port with --http")?;
        println!(
            "  Cluster     {nodes} nodes, looked at every {} ms, as a client that changes nothing",
            options.interval
        );
        println!("  Playground  http://{page}/");
        println!("  Stop        Ctrl-C");
        signals::asked_to_end().await;
        Ok(ExitCode::SUCCESS)
    })
}

fn password(options: &Options) -> anyhow::Result<Option<String>> {
    if options.askpass {
        let asked = rpassword::prompt_password("Password: ");
        return Ok(Some(
            asked.context("There is no terminal to ask for the password on: set REDISCLI_AUTH")?,
        ));
    }
    let password = options.password.clone().filter(|password| !password.is_empty());
    if options.user.is_some() && password.is_none() {
        bail!("--user needs a password: set REDISCLI_AUTH, or use --askpass");
    }
    Ok(password)
}

fn outgoing(options: &Options) -> Outgoing {
    Outgoing {
        authorities: options.cacert.clone(),
        identity: options.cert.clone().zip(options.key.clone()),
        insecure: options.insecure,
        ..Outgoing::default()
    }
}
