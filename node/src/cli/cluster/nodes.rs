//! Nodes that come and go, and change places: `add-node`, `del-node`, `failover`, `forget`.

use std::thread;
use std::time::{Duration, Instant};

use slotway_core::id::NodeId;
use slotway_core::plan;
use slotway_core::resp::value::Value;
use slotway_core::topology::Topology;

use super::check::{Trouble, troubles};
use super::client::Access;
use super::console::{Console, count};
use super::doctor::cannot_join;
use super::exit::Stop;
use super::measure::Measure;
use super::moves::{Moves, Wish, carry_out};
use super::place::Place;
use super::reshard::{SAY_AGAIN, measured, must_be_whole};
use super::view::{Seen, View};
use super::wait;

/// Let a node join.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  slotway cluster add-node 10.0.0.5:7000 redis-7:7000
  slotway cluster add-node 10.0.0.5:7000 redis-8:7000 --replica-of redis-7:7000

A new primary has no slots yet: slotway cluster rebalance HOST:PORT --use-empty gives it some.")]
pub(super) struct AddOptions {
    /// A node of the cluster
    #[arg(value_name = "HOST:PORT")]
    node: Place,
    /// The node to add: empty, with cluster-enabled yes
    #[arg(value_name = "NEW")]
    new: Place,
    /// Let it follow this primary
    #[arg(long, value_name = "PRIMARY")]
    replica_of: Option<String>,
}

/// Let a node leave.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  slotway cluster del-node 10.0.0.5:7000 --node 10.0.0.8:7000
  slotway cluster del-node 10.0.0.5:7000 --node 10.0.0.8:7000 --move-slots --dry-run

A primary with slots is refused, unless they are to be moved first. For a node that is gone: slotway cluster forget.")]
pub(super) struct DelOptions {
    /// A node of the cluster
    #[arg(value_name = "HOST:PORT")]
    node: Place,
    /// Which node: host:port, its id, or how that begins
    #[arg(long = "node", value_name = "NODE")]
    leaver: String,
    /// Move its slots to the other primaries first
    #[arg(long)]
    move_slots: bool,
    /// End its process, where it would run on as an empty cluster of its own: clients that still know it look elsewhere at once
    #[arg(long)]
    shutdown: bool,
    /// Tell what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    wish: Wish,
}

/// Let a replica take the place of its primary.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  slotway cluster failover 10.0.0.8:7000                  nothing is lost; the primary must be up
  slotway cluster failover 10.0.0.8:7000 --force          the primary is down
  slotway cluster failover 10.0.0.8:7000 --takeover       so is the majority: without a vote")]
pub(super) struct FailoverOptions {
    /// The replica
    #[arg(value_name = "HOST:PORT")]
    replica: Place,
    /// Do not wait for the primary, which may be down: what it did not send is lost
    #[arg(long, conflicts_with = "takeover")]
    force: bool,
    /// Do not ask for votes either
    #[arg(long)]
    takeover: bool,
    /// Seconds to wait until it is done
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    timeout: u64,
}

/// Let nodes forget a node that is gone for good.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  slotway cluster forget 10.0.0.5:7000 --node 10.0.0.8:7000 --everywhere

All nodes must forget it within a minute, or those that did learn of it again: hence --everywhere.")]
pub(super) struct ForgetOptions {
    /// A node of the cluster
    #[arg(value_name = "HOST:PORT")]
    node: Place,
    /// Which node: host:port, its id, or how that begins
    #[arg(long = "node", value_name = "NODE")]
    gone: String,
    /// Let all nodes forget it, not only the one named
    #[arg(long)]
    everywhere: bool,
    /// Forget it even though it has slots, which nobody serves then
    #[arg(long)]
    with_slots: bool,
}

pub(super) fn add(options: &AddOptions, access: &Access, console: &Console) -> Result<(), Stop> {
    let mut view = View::load(access, &options.node)?;
    must_be_whole(&view, &options.node)?;
    let mut new = Seen::ask(access, &options.new)?;
    if view.topology().find(&new.id).is_some() {
        return Err(Stop::refused(format!("{} is in this cluster already.", options.new)));
    }
    if let Some(trouble) = cannot_join(&options.new, &new).first() {
        return Err(Stop::refused(format!(
            "{}\n  mend: {}",
            trouble.sentence(),
            trouble.remedy(&options.node.to_string())
        )));
    }
    let primary = options.replica_of.as_ref().map(|name| view.find(name)).transpose()?;
    if let Some(primary) = primary.filter(|primary| is_replica(view.topology(), primary)) {
        return Err(Stop::refused(format!("{} is a replica itself: name its primary.", view.name(&primary))));
    }
    console.confirm(&format!("Add {} to the cluster of {}?", options.new, options.node))?;
    let (ip, port) = (options.new.resolve()?.to_string(), options.new.port.to_string());
    let bus_port = new.node().bus_port.to_string();
    let first = view.first().id;
    let client = view.client(&first)?;
    if options.new.port.checked_add(10_000).is_some_and(|usual| usual == new.node().bus_port)
        || bus_port == "0"
    {
        client.order(&["CLUSTER", "MEET", &ip, &port])?;
    } else {
        client.order(&["CLUSTER", "MEET", &ip, &port, &bus_port])?;
    }
    let all = view.topology().node_count() + 1;
    let met = |view: &View| {
        let ignorant = view.seen().find(|seen| seen.topology.node_count() < all);
        ignorant
            .map(|seen| format!("{} does not know all nodes.", view.name(&seen.id)))
            .or_else(|| wait::unconnected(view))
    };
    wait::until_ready(access, &options.new, wait::PATIENCE, met)
        .map_err(|stop| stop.midway("It was told to join. Is its bus port open?"))?;
    if let Some(primary) = primary {
        new.client.order(&["CLUSTER", "REPLICATE", primary.as_str()])?;
        wait::until_ready(access, &options.node, wait::PATIENCE, |view| {
            let is_known = view.seen().all(|seen| is_replica(&seen.topology, &new.id));
            let has_data = view.member(&new.id).is_ok_and(Seen::is_in_step);
            (!is_known || !has_data)
                .then(|| format!("{} does not have the data of its primary yet.", options.new))
        })?;
    }
    console.say(format!("{} is in the cluster.", options.new));
    console.data(&serde_json::json!({ "added": new.id.as_str() }));
    Ok(())
}

pub(super) fn delete(options: &DelOptions, access: &Access, console: &Console) -> Result<(), Stop> {
    let mut view = View::load(access, &options.node)?;
    must_be_whole(&view, &options.node)?;
    let leaver = view.find(&options.leaver)?;
    let name = view.name(&leaver);
    if view.topology().node_count() == 1 {
        return Err(Stop::refused(format!("{name} is the only node of its cluster.")));
    }
    let slots = view.member(&leaver)?.slots();
    if !slots.is_empty() && !options.move_slots {
        return Err(Stop::refused(format!(
            "{name} serves {}. Say --move-slots to move them to the other primaries first.",
            count(slots.len(), "slot")
        )));
    }
    let moves = if slots.is_empty() { None } else { Some(moves_away(&mut view, &leaver, options.wish)?) };
    if let Some(moves) = &moves {
        console.say(moves.to_table(&view));
        moves.check_memory(&view)?;
    }
    if options.dry_run {
        console
            .data(&serde_json::json!({ "dry_run": true, "plan": moves.map(|moves| moves.to_json(&view)) }));
        return Ok(());
    }
    console.confirm(&format!("Remove {name} from the cluster?"))?;
    if let Some(moves) = &moves {
        carry_out(moves, &view, access, console, |_| SAY_AGAIN.to_owned())?;
        view = agreed(access, &options.node)?;
    }
    give_replicas_away(&mut view, &leaver)?;
    forget_everywhere(&mut view, &leaver)?;
    let left = part(&mut view, &leaver, options.shutdown)?;
    console.say(format!("{name} has left the cluster. {left}"));
    console.data(&serde_json::json!({ "removed": leaver.as_str() }));
    Ok(())
}

/// Lets a node that all others have forgotten go its way; which.
fn part(view: &mut View, leaver: &NodeId, shutdown: bool) -> Result<&'static str, Stop> {
    let client = view.client(leaver)?;
    if !shutdown {
        client.order(&["CLUSTER", "RESET", "SOFT"])?;
        return Ok("It runs on, alone, and can be ended.");
    }
    match client.ask(&["SHUTDOWN", "NOSAVE"]) {
        Ok(Value::Error(text)) => Err(Stop::interrupted(format!("It has left, and does not end: {text}"))),
        // It answers by closing the connection.
        Ok(_) | Err(_) => Ok("Its process has ended."),
    }
}

fn moves_away(view: &mut View, leaver: &NodeId, wish: Wish) -> Result<Moves, Stop> {
    let index =
        view.topology().find(leaver).ok_or_else(|| Stop::refused("The node is not in this cluster."))?;
    let plan = plan::remove(view.topology(), &[index])
        .map_err(|error| Stop::refused(format!("Its slots cannot go: {error}.")))?;
    let measure: Measure = measured(view, [*leaver])?;
    Moves::of(&plan, view, &measure, wish)
}

/// The cluster, once all agree about what was done.
fn agreed(access: &Access, place: &Place) -> Result<View, Stop> {
    wait::until_ready(access, place, wait::PATIENCE, |_| None)?;
    View::load_whole(access, place)
}

/// Lets the replicas of a primary that leaves follow the primary with the fewest.
fn give_replicas_away(view: &mut View, leaver: &NodeId) -> Result<(), Stop> {
    let topology = view.topology();
    let Some(index) = topology.find(leaver) else { return Ok(()) };
    let replicas: Vec<NodeId> =
        topology.replicas_of(index).iter().map(|replica| topology.node(*replica).id).collect();
    let mut homes: Vec<(usize, NodeId)> = topology
        .nodes()
        .filter(|(other, _)| *other != index && topology.has_slots(*other))
        .map(|(other, node)| (topology.replicas_of(other).len(), node.id))
        .collect();
    for replica in replicas {
        let home = homes
            .iter_mut()
            .min()
            .ok_or_else(|| Stop::refused("There is no primary left for its replicas."))?;
        view.client(&replica)?.order(&["CLUSTER", "REPLICATE", home.1.as_str()])?;
        home.0 += 1;
    }
    Ok(())
}

/// Lets all but the node itself forget it. Whoever forgets refuses to learn of it again for a minute.
fn forget_everywhere(view: &mut View, gone: &NodeId) -> Result<usize, Stop> {
    let mut forgot = 0;
    for seen in view.seen_mut().filter(|seen| seen.id != *gone) {
        match seen.client.order(&["CLUSTER", "FORGET", gone.as_str()]) {
            // One of Slotway has told others already.
            Err(stop) if stop.text().contains("Unknown node") => {}
            other => drop(other?),
        }
        forgot += 1;
    }
    Ok(forgot)
}

pub(super) fn failover(options: &FailoverOptions, access: &Access, console: &Console) -> Result<(), Stop> {
    let view = View::load(access, &options.replica)?;
    let seen = view.first();
    if !seen.node().is_replica() {
        let replicas = seen
            .topology
            .replicas_of(seen.index())
            .iter()
            .map(|replica| view.name(&seen.topology.node(*replica).id));
        let replicas: Vec<_> = replicas.collect();
        let hint = if replicas.is_empty() {
            "It has no replica.".into()
        } else {
            format!("Its replicas: {}.", replicas.join(", "))
        };
        return Err(Stop::refused(format!(
            "{} is a primary; name the replica that is to take over. {hint}",
            options.replica
        )));
    }
    let question = match (options.force, options.takeover) {
        (_, true) => "Let it take over without a vote? What its primary did not send is lost.",
        (true, _) => "Let it take over without its primary? What that did not send is lost.",
        _ => "Let it take over?",
    };
    console.confirm(question)?;
    let mut words = vec!["CLUSTER", "FAILOVER"];
    words.extend(options.takeover.then_some("TAKEOVER").or(options.force.then_some("FORCE")));
    let mut client = super::client::Client::connect(access, &options.replica)?;
    client.order(&words)?;
    let started = Instant::now();
    while Seen::ask(access, &options.replica)?.node().is_replica() {
        if started.elapsed() > Duration::from_secs(options.timeout) {
            return Err(Stop::trouble(format!(
                "{} is still a replica after {} s. Its log says why; if its primary is down: --force.",
                options.replica, options.timeout
            )));
        }
        thread::sleep(Duration::from_millis(50));
    }
    console.say(format!("{} is a primary now, after {} ms.", options.replica, started.elapsed().as_millis()));
    console.data(
        &serde_json::json!({ "primary": seen.id.as_str(), "after_ms": started.elapsed().as_millis() as u64 }),
    );
    Ok(())
}

pub(super) fn forget(options: &ForgetOptions, access: &Access, console: &Console) -> Result<(), Stop> {
    let mut view = View::load(access, &options.node)?;
    let gone = view.find(&options.gone)?;
    let name = view.name(&gone);
    if gone == view.first().id {
        return Err(Stop::refused(format!("{name} cannot forget itself: ask another node of the cluster.")));
    }
    let slots = view.topology().find(&gone).map(|index| view.topology().slots_of(index)).unwrap_or_default();
    if !slots.is_empty() && !options.with_slots {
        return Err(Stop::refused(format!(
            "{name} serves {}. If it is up, use del-node --move-slots; if it and its data are lost for good, say --with-slots.",
            count(slots.len(), "slot")
        )));
    }
    let follower = view.seen().find(|seen| {
        seen.id != gone && seen.node().primary.is_some_and(|primary| seen.topology.node(primary).id == gone)
    });
    if let Some(follower) = follower {
        return Err(Stop::refused(format!(
            "{} is its replica, and cannot forget it: let it take over first, slotway cluster failover {} --takeover.",
            view.name(&follower.id),
            follower.client.place()
        )));
    }
    console.confirm(&format!("Forget {name}?"))?;
    let forgot = match options.everywhere {
        true => forget_everywhere(&mut view, &gone)?,
        false => {
            let first = view.first().id;
            view.client(&first)?.order(&["CLUSTER", "FORGET", gone.as_str()])?;
            1
        }
    };
    console.say(format!("{} forgot {name}.", count(forgot, "node")));
    console.data(&serde_json::json!({ "forgotten": gone.as_str(), "by": forgot }));
    let silent = view.members.iter().filter(|member| member.seen.is_err() && member.id != gone).count();
    match options.everywhere && silent > 0 {
        true => Err(Stop::trouble(format!(
            "{} did not answer, and will tell of it again: repeat this when they do.",
            count(silent, "node")
        ))),
        false => Ok(()),
    }
}

fn is_replica(topology: &Topology, id: &NodeId) -> bool {
    topology.find(id).is_some_and(|index| topology.node(index).is_replica())
}

/// A trouble that a change would make worse. A replica that is not in step is none: it gets what is moved as it gets all else.
pub(super) fn in_the_way(view: &View) -> Option<String> {
    let counts =
        |trouble: &&Trouble| trouble.is_serious() && !matches!(trouble, Trouble::ReplicaCutOff { .. });
    troubles(view).iter().find(counts).map(Trouble::sentence)
}
