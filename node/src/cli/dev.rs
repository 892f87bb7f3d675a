//! `slotway dev`: its options, and what it tells the developer.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;

use crate::dev::{self, Plan, Transport};

const EXAMPLES: &str = "\
Examples:
  slotway dev                                  3 primaries, 3 replicas, ports 7000 to 7005
  slotway dev --primaries 5 --replicas 0       5 primaries alone
  slotway dev --nodes 1 --port 6379            one node that owns all slots
  slotway dev --bind 0.0.0.0 --announce 10.0.0.5   reachable from other machines
  slotway dev --tls --dir certificates         with TLS; who trusts certificates/ca.crt gets in
  slotway dev -- --requirepass secret          any directive of redis.conf, for every node

The cluster lives in memory, in this process, until Ctrl-C.";

/// Most nodes: their ports must fit, and each takes some file descriptors.
const NODES_MAX: u16 = 1000;

/// Run a whole cluster in this process, for development.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Primaries, which share the slots
    #[arg(long, default_value_t = 3, value_name = "N", conflicts_with = "nodes")]
    primaries: u16,
    /// Replicas of each primary
    #[arg(long, default_value_t = 1, value_name = "N", conflicts_with = "nodes")]
    replicas: u16,
    /// Nodes in all: half of them replicas if there are 6 or more, an even number; otherwise primaries alone
    #[arg(long, value_name = "N")]
    nodes: Option<u16>,
    /// Port of the first node; the others follow
    #[arg(long, default_value_t = 7000)]
    port: u16,
    /// Port of the playground; 0 for none
    #[arg(long, default_value_t = 7080, value_name = "PORT")]
    http: u16,
    /// Address to listen on
    #[arg(long, default_value = "127.0.0.1", value_name = "ADDRESS")]
    bind: String,
    /// Address that clients are told; by default the one listened on, or 127.0.0.1 if that is all addresses
    #[arg(long, value_name = "ADDRESS")]
    announce: Option<String>,
    /// Have clients and nodes use TLS, with certificates of an authority that is made for it
    #[arg(long)]
    tls: bool,
    /// Folder for files, made if it is missing: the authority and certificates of --tls, and snapshots that clients ask for. By default the
    /// current folder, and for certificates a temporary one
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Print nothing but errors
    #[arg(long, short)]
    quiet: bool,
    /// Directives for every node, as on the server's command line
    #[arg(last = true, value_name = "DIRECTIVES", allow_hyphen_values = true)]
    directives: Vec<String>,
}

/// Runs the cluster until Ctrl-C.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let (primaries, replicas) = shape(options)?;
    let plan = Plan {
        primaries,
        replicas,
        first_port: options.port,
        http_port: options.http,
        bind: options.bind.clone(),
        announce: options.announce.clone().unwrap_or_else(|| announced(&options.bind)),
        folder: options.dir.clone(),
        transport: if options.tls { Transport::Tls } else { Transport::Plain },
        directives: options.directives.clone(),
        quiet: options.quiet,
    };
    dev::run(&plan)?;
    Ok(ExitCode::SUCCESS)
}

/// How many primaries, and how many replicas of each.
fn shape(options: &Options) -> anyhow::Result<(u16, u16)> {
    let (primaries, replicas) = match options.nodes {
        Some(nodes) if nodes >= 6 && nodes.is_multiple_of(2) => (nodes / 2, 1),
        Some(nodes) => (nodes, 0),
        None => (options.primaries, options.replicas),
    };
    let nodes = u32::from(primaries) * (u32::from(replicas) + 1);
    if primaries == 0 {
        bail!("a cluster needs at least one primary");
    }
    if nodes > u32::from(NODES_MAX) {
        bail!("{nodes} nodes are too many for one process: at most {NODES_MAX}");
    }
    if u32::from(options.port) + nodes > u32::from(u16::MAX) + 1 || options.port == 0 {
        bail!("{nodes} nodes from port {} on do not fit: choose another --port", options.port);
    }
    Ok((primaries, replicas))
}

fn announced(bind: &str) -> String {
    match bind {
        "0.0.0.0" | "*" | "::" | "localhost" => "127.0.0.1".into(),
        address => address.into(),
    }
}
