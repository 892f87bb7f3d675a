//! `slotway cluster create`: nodes that run and are empty become one cluster.

use std::collections::BTreeMap;
use std::time::Instant;

use slotway_core::plan::spread;
use slotway_core::slot::SlotRange;

use super::client::Access;
use super::console::{Console, table};
use super::doctor::cannot_join;
use super::exit::Stop;
use super::place::Place;
use super::placement::{Placement, place};
use super::view::Seen;
use super::wait;

/// Primaries without which nobody can be voted in.
const PRIMARIES_MIN: usize = 3;

/// Make a cluster of nodes that are empty.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  slotway cluster create redis-1:7000 redis-2:7000 redis-3:7000
  slotway cluster create a:7000 a:7001 b:7000 b:7001 c:7000 c:7001 --replicas 1 --yes
  slotway cluster create a:7000 b:7000 c:7000 d:7000 e:7000 f:7000 --replicas 1 --zone a=east --zone b=east --dry-run

The nodes must run with cluster-enabled yes, be empty and know no others. Names are resolved here.
Replicas are kept apart from their primaries by zone: --zone, what a node announces, or its host.")]
pub(super) struct Options {
    /// The nodes, by name or address
    #[arg(required = true, value_name = "HOST:PORT")]
    nodes: Vec<Place>,
    /// Replicas of each primary
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    replicas: usize,
    /// The zone of a host, as it is named here: HOST=ZONE
    #[arg(long, value_name = "HOST=ZONE", value_parser = parse_zone)]
    zone: Vec<(String, String)>,
    /// Allow less than three primaries, which cannot vote when one of them fails
    #[arg(long)]
    small: bool,
    /// Tell the plan, and do nothing
    #[arg(long)]
    dry_run: bool,
}

fn parse_zone(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(host, zone)| !host.is_empty() && !zone.is_empty());
    parts
        .map(|(host, zone)| (host.to_owned(), zone.to_owned()))
        .ok_or_else(|| format!("'{text}' is not HOST=ZONE"))
}

pub(super) fn run(options: &Options, access: &Access, console: &Console) -> Result<(), Stop> {
    let primaries = primaries(options)?;
    let mut nodes = fit_nodes(options, access)?;
    let zones: Vec<String> =
        options.nodes.iter().zip(&nodes).map(|(place, seen)| zone(options, place, seen)).collect();
    let placement = place(&zones, primaries);
    let ranges = spread(primaries);
    tell_plan(options, &placement, &ranges, &zones, console);
    if options.dry_run {
        return Ok(());
    }
    console.confirm("Make this cluster?")?;
    let again = "The cluster is not finished. To begin again, send CLUSTER RESET to all of its nodes, then create it anew.";
    make(options, access, &mut nodes, &placement, &ranges).map_err(|stop| stop.midway(again))?;
    console.say(format!(
        "The cluster is ready: {} primaries, {} replicas.",
        primaries,
        placement.replicas.len()
    ));
    console.data(
        &serde_json::json!({ "created": true, "primaries": primaries, "replicas": placement.replicas.len() }),
    );
    Ok(())
}

fn primaries(options: &Options) -> Result<usize, Stop> {
    let (nodes, of_each) = (options.nodes.len(), options.replicas.saturating_add(1));
    let primaries = nodes / of_each;
    let least = if options.small { 1 } else { PRIMARIES_MIN };
    if primaries >= least {
        return Ok(primaries);
    }
    let needed = least * of_each;
    Err(Stop::refused(format!(
        "{nodes} nodes are too few for {least} primaries with {} replicas each: give {needed} or more, or fewer --replicas.{}",
        options.replicas,
        if options.small { "" } else { " A cluster that need not survive a failure may have less: --small." }
    )))
}

/// Asks all nodes, and refuses with all reasons at once.
fn fit_nodes(options: &Options, access: &Access) -> Result<Vec<Seen>, Stop> {
    let (mut fit, mut reasons) = (Vec::new(), Vec::new());
    let mut places = BTreeMap::new();
    for place in &options.nodes {
        match Seen::ask(access, place) {
            Err(stop) => reasons.push(stop),
            Ok(seen) => {
                let troubles = cannot_join(place, &seen);
                reasons.extend(troubles.iter().map(|trouble| {
                    Stop::refused(format!(
                        "{}\n  mend: {}",
                        trouble.sentence(),
                        trouble.remedy(&place.to_string())
                    ))
                }));
                if let Some(first) = places.insert(seen.id, place) {
                    reasons
                        .push(Stop::refused(format!("{first} and {place} are the same node: name it once.")));
                }
                fit.push(seen);
            }
        }
    }
    match reasons.as_slice() {
        [] => Ok(fit),
        [only] => Err(only.clone()),
        several => Err(Stop::refused(several.iter().map(Stop::text).collect::<Vec<_>>().join("\n"))),
    }
}

fn zone(options: &Options, place: &Place, seen: &Seen) -> String {
    let given = options.zone.iter().find(|(host, _)| *host == place.host || *host == place.to_string());
    given.map_or_else(|| seen.zone(), |(_, zone)| zone.clone())
}

fn tell_plan(
    options: &Options,
    placement: &Placement,
    ranges: &[Vec<SlotRange>],
    zones: &[String],
    console: &Console,
) {
    let name = |node: usize| options.nodes[node].to_string();
    let slots = |shard: usize| ranges[shard].iter().map(SlotRange::to_string).collect::<Vec<_>>().join(" ");
    let shards = placement.primaries.iter().enumerate();
    let rows = shards.clone().map(|(shard, primary)| {
        let replicas = placement.replicas.iter().filter(|(_, of)| of == primary);
        let replicas: Vec<_> =
            replicas.map(|(replica, _)| format!("{} ({})", name(*replica), zones[*replica])).collect();
        vec![format!("{} ({})", name(*primary), zones[*primary]), slots(shard), replicas.join(", ")]
    });
    console.say(table(&["PRIMARY (ZONE)", "SLOTS", "REPLICAS"], &rows.collect::<Vec<_>>()));
    if options.dry_run {
        let shards = shards.map(|(shard, primary)| {
            let replicas = placement.replicas.iter().filter(|(_, of)| of == primary).map(|(replica, _)| name(*replica));
            serde_json::json!({ "primary": name(*primary), "slots": slots(shard), "replicas": replicas.collect::<Vec<_>>() })
        });
        console.data(&serde_json::json!({ "dry_run": true, "shards": shards.collect::<Vec<_>>() }));
    }
}

fn make(
    options: &Options,
    access: &Access,
    nodes: &mut [Seen],
    placement: &Placement,
    ranges: &[Vec<SlotRange>],
) -> Result<(), Stop> {
    for (shard, primary) in placement.primaries.iter().enumerate() {
        let slots = ranges[shard].iter().flat_map(|range| range.iter()).map(|slot| slot.get().to_string());
        let words: Vec<String> = ["CLUSTER".into(), "ADDSLOTS".into()].into_iter().chain(slots).collect();
        nodes[*primary].client.order(&words)?;
    }
    for (number, seen) in nodes.iter_mut().enumerate() {
        // Different from the start, so that no two have to settle a collision first. Nodes that have one already keep it.
        let _ = seen.client.ask(&["CLUSTER", "SET-CONFIG-EPOCH", &(number + 1).to_string()])?;
    }
    meet(options, nodes)?;
    let all = options.nodes.len();
    wait_until_met(nodes, all)?;
    for (replica, primary) in &placement.replicas {
        let id = nodes[*primary].id;
        nodes[*replica].client.order(&["CLUSTER", "REPLICATE", id.as_str()])?;
    }
    let replicas = placement.replicas.len();
    wait::until_ready(access, &options.nodes[0], wait::PATIENCE, |view| {
        let known = view.seen().filter(|seen| seen.is_in_step()).count();
        (known < replicas)
            .then(|| format!("{known} of {replicas} replicas have the data of their primaries."))
            .or_else(|| wait::unconnected(view))
    })?;
    Ok(())
}

fn meet(options: &Options, nodes: &mut [Seen]) -> Result<(), Stop> {
    for (place, bus_port) in
        options.nodes.iter().zip(nodes.iter().map(|seen| seen.node().bus_port).collect::<Vec<_>>()).skip(1)
    {
        let (ip, port) = (place.resolve()?.to_string(), place.port.to_string());
        let is_usual = bus_port == 0 || place.port.checked_add(10_000) == Some(bus_port);
        let bus_port = bus_port.to_string();
        let mut words = vec!["CLUSTER", "MEET", &ip, &port];
        if !is_usual {
            words.push(&bus_port);
        }
        nodes[0].client.order(&words)?;
    }
    Ok(())
}

/// Waits until each node knows all others.
fn wait_until_met(nodes: &mut [Seen], all: usize) -> Result<(), Stop> {
    let started = Instant::now();
    for seen in nodes {
        loop {
            let text = seen.client.text(&["CLUSTER", "NODES"])?;
            let known = text.lines().filter(|line| !line.contains("handshake")).count();
            if known == all {
                break;
            }
            if started.elapsed() > wait::PATIENCE {
                return Err(Stop::trouble(format!(
                    "{} knows {known} of {all} nodes after {} s. Are the bus ports (client port + 10000) open between the nodes?",
                    seen.client.place(),
                    wait::PATIENCE.as_secs()
                )));
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }
    Ok(())
}
