//! `slotway cluster wait-ready`, and the waiting of other tasks: until state is ok, all slots are served, and all nodes agree.

use std::thread;
use std::time::{Duration, Instant};

use super::check::{Trouble, troubles};
use super::client::Access;
use super::console::Console;
use super::exit::Stop;
use super::place::Place;
use super::view::View;

/// How long to wait before looking again.
const POLL: Duration = Duration::from_millis(200);
/// How long other tasks wait for the cluster to agree about what they did.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// Wait until the cluster is ready for clients.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  slotway cluster wait-ready redis-1:7000 --timeout 60
  slotway cluster wait-ready redis-1:7000 --nodes 6 && start-the-application

Ends with 0 once the cluster's state is ok, all slots are served, none is open and all nodes agree; with 1 if that is not
so within the time.")]
pub(super) struct Options {
    /// A node of the cluster; it need not run yet
    #[arg(value_name = "HOST:PORT")]
    node: Place,
    /// Seconds to wait at most
    #[arg(long, default_value_t = 60, value_name = "SECONDS")]
    timeout: u64,
    /// Wait for so many nodes, too
    #[arg(long, value_name = "NUMBER")]
    nodes: Option<usize>,
}

pub(super) fn run(options: &Options, access: &Access, console: &Console) -> Result<(), Stop> {
    let nodes = options.nodes.unwrap_or_default();
    let limit = Duration::from_secs(options.timeout);
    let waited = until_ready(access, &options.node, limit, |view| match view.topology().node_count() {
        known if known < nodes => Some(format!("{} knows {known} of {nodes} nodes.", options.node)),
        _ => None,
    })?;
    console.say("ready");
    console.data(&serde_json::json!({ "ready": true, "waited_ms": waited.as_millis() as u64 }));
    Ok(())
}

/// Waits until there is no serious trouble, and nothing that `lacks` names. How long it took.
///
/// # Errors
/// It is not so within `limit`; what was in the way is said. Or a password is refused, which no waiting mends.
pub(super) fn until_ready(
    access: &Access,
    place: &Place,
    limit: Duration,
    lacks: impl Fn(&View) -> Option<String>,
) -> Result<Duration, Stop> {
    let started = Instant::now();
    loop {
        let why = match View::load(access, place) {
            Ok(view) => in_the_way(&view).or_else(|| lacks(&view)),
            Err(stop) if stop.exit() == super::exit::Exit::Locked => return Err(stop),
            Err(stop) => Some(stop.text().to_owned()),
        };
        let Some(why) = why else { return Ok(started.elapsed()) };
        if started.elapsed() >= limit {
            return Err(Stop::trouble(format!("Not ready within {} s: {why}", limit.as_secs())));
        }
        thread::sleep(POLL);
    }
}

/// Nodes that others have no bus connection to: who has just come needs a moment, in which the next task would be refused.
pub(super) fn unconnected(view: &View) -> Option<String> {
    let found = troubles(view);
    found.iter().find(|trouble| matches!(trouble, Trouble::NoLink { .. })).map(Trouble::sentence)
}

fn in_the_way(view: &View) -> Option<String> {
    let found = troubles(view);
    // Nodes that are down and serve nothing keep no client waiting.
    let counts = |trouble: &&Trouble| match trouble {
        Trouble::Failed { slots, .. } => !slots.is_empty(),
        Trouble::Unreachable { .. } | Trouble::NoLink { .. } | Trouble::ReplicaCutOff { .. } => false,
        other => other.is_serious(),
    };
    found.iter().find(counts).map(Trouble::sentence)
}
