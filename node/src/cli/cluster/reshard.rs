//! `slotway cluster reshard` and `rebalance`: which slots are to move, said before they do.

use std::collections::{BTreeMap, BTreeSet};

use slotway_core::cluster::Shape;
use slotway_core::id::NodeId;
use slotway_core::plan::{self, Move, Plan, Weights};
use slotway_core::slot::{SLOT_COUNT, SlotRange};
use slotway_core::slot_set::SlotSet;
use slotway_core::topology::{NodeIndex, Topology};

use super::client::Access;
use super::console::{Console, count};
use super::exit::Stop;
use super::measure::Measure;
use super::moves::{Moves, Wish, carry_out};
use super::nodes::in_the_way;
use super::place::Place;
use super::view::View;
use super::wait;

/// How to go on with what is planned anew each time.
pub(super) const SAY_AGAIN: &str = "Say the same again to go on.";

/// Move slots from primaries to one.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  slotway cluster reshard 10.0.0.5:7000 --from 10.0.0.5:7000 --to 10.0.0.7:7000 --slots 1000
  slotway cluster reshard 10.0.0.5:7000 --from all --to 4e1f --slots 4096 --dry-run
  slotway cluster reshard 10.0.0.5:7000 --to 10.0.0.7:7000 --ranges 0-99,200

Where both nodes can (Slotway, Valkey 9), up to 1024 slots at a time are handed over at one moment; elsewhere one after the other. Clients go
on meanwhile. Ctrl-C takes back what has not been handed over, or stops after the slot in hand, and says how to go on.")]
pub(super) struct Options {
    /// A node of the cluster
    #[arg(value_name = "HOST:PORT")]
    node: Place,
    /// Primaries that give, or `all`
    #[arg(long, value_name = "NODE,...", value_delimiter = ',', required_unless_present = "ranges")]
    from: Vec<String>,
    /// The primary that takes
    #[arg(long, value_name = "NODE")]
    to: String,
    /// How many slots
    #[arg(long, value_name = "NUMBER", required_unless_present = "ranges", value_parser = clap::value_parser!(u16).range(1..=i64::from(SLOT_COUNT)))]
    slots: Option<u16>,
    /// Which slots, whoever has them
    #[arg(long, value_name = "FIRST-LAST,...", value_delimiter = ',', value_parser = parse_range, conflicts_with_all = ["slots", "from"])]
    ranges: Vec<SlotRange>,
    /// Tell the plan, and move nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    wish: Wish,
}

/// Even out what primaries have.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  slotway cluster rebalance 10.0.0.5:7000 --dry-run
  slotway cluster rebalance 10.0.0.5:7000 --use-empty
  slotway cluster rebalance 10.0.0.5:7000 --by bytes --weight 10.0.0.7:7000=2
  slotway cluster rebalance 10.0.0.5:7000 --weight 10.0.0.8:7000=0        takes all its slots away")]
pub(super) struct RebalanceOptions {
    /// A node of the cluster
    #[arg(value_name = "HOST:PORT")]
    node: Place,
    /// What is to be even
    #[arg(long, value_enum, default_value_t = By::Slots)]
    by: By,
    /// The share of a primary, 1 if not given: NODE=NUMBER
    #[arg(long, value_name = "NODE=NUMBER", value_parser = parse_weight)]
    weight: Vec<(String, u32)>,
    /// Give slots to primaries that have none, too; of those with cluster-init, only to as many as leave enough to be replicas
    #[arg(long)]
    use_empty: bool,
    /// Tell the plan, and move nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    wish: Wish,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum By {
    Slots,
    Keys,
    Bytes,
    Cpu,
}

fn parse_range(text: &str) -> Result<SlotRange, String> {
    SlotRange::parse(text.as_bytes()).ok_or_else(|| {
        format!("'{text}' is no slot and no range of slots: they go from 0 to {}", SLOT_COUNT - 1)
    })
}

fn parse_weight(text: &str) -> Result<(String, u32), String> {
    let parts =
        text.rsplit_once('=').and_then(|(node, weight)| Some((node.to_owned(), weight.parse().ok()?)));
    parts.ok_or_else(|| format!("'{text}' is not NODE=NUMBER, with a whole number from 0"))
}

pub(super) fn run(options: &Options, access: &Access, console: &Console) -> Result<(), Stop> {
    let mut view = View::load(access, &options.node)?;
    must_be_whole(&view, &options.node)?;
    let to = primary(&view, &options.to)?;
    let plan = match options.slots {
        None => taken(view.topology(), &options.ranges.iter().copied().collect_slots(), to),
        Some(slots) => {
            let from = sources(&view, &options.from, to)?;
            Plan { moves: given(view.topology(), &from, to, usize::from(slots))? }
        }
    };
    let again = |left: usize| match options.slots {
        Some(_) => format!("To go on, say the same again with --slots {left}."),
        None => SAY_AGAIN.to_owned(),
    };
    Task { at: &options.node, dry_run: options.dry_run, wish: options.wish, again: &again }
        .go(&mut view, &plan, access, console)
}

pub(super) fn rebalance(options: &RebalanceOptions, access: &Access, console: &Console) -> Result<(), Stop> {
    let mut view = View::load(access, &options.node)?;
    must_be_whole(&view, &options.node)?;
    let weights = weights(&mut view, options, console)?;
    let plan = match options.by {
        By::Slots => plan::rebalance(view.topology(), &weights),
        By::Keys | By::Bytes | By::Cpu => {
            let all: Vec<NodeId> = view.primaries().map(|seen| seen.id).collect();
            let measure = measured(&mut view, all)?;
            let cost = costs(options.by, &measure)?;
            plan::rebalance_by_cost(view.topology(), &weights, |slot| {
                cost.get(&slot).copied().unwrap_or_default()
            })
        }
    };
    let plan = plan.map_err(|error| Stop::refused(format!("There is no such balance: {error}.")))?;
    let again = |_| SAY_AGAIN.to_owned();
    Task { at: &options.node, dry_run: options.dry_run, wish: options.wish, again: &again }
        .go(&mut view, &plan, access, console)
}

fn costs(by: By, measure: &Measure) -> Result<&BTreeMap<slotway_core::slot::Slot, u64>, Stop> {
    match by {
        By::Keys | By::Slots => Ok(&measure.keys),
        By::Bytes => Ok(&measure.bytes),
        By::Cpu => measure.cpu.as_ref().ok_or_else(|| {
            Stop::refused(
                "Not all nodes tell the CPU time of slots (CLUSTER SLOT-STATS): balance by keys or bytes.",
            )
        }),
    }
}

fn weights(view: &mut View, options: &RebalanceOptions, console: &Console) -> Result<Weights, Stop> {
    let mut weights = Weights::new();
    if options.use_empty {
        weights.extend(takers(view, console)?.into_iter().map(|index| (index, 1)));
    }
    for (name, weight) in &options.weight {
        weights.insert(primary(view, name)?, *weight);
    }
    Ok(weights)
}

/// The primaries without slots that are to get some. A free node with `cluster-init` becomes a replica wherever one is missing, also of a new
/// primary: so of those only as many get slots as leave enough to be replicas, and the others are left for that.
fn takers(view: &mut View, console: &Console) -> Result<Vec<NodeIndex>, Stop> {
    let empty: Vec<NodeId> =
        view.primaries().filter(|seen| seen.slots().is_empty()).map(|seen| seen.id).collect();
    let (mut takers, mut waiting, mut replicas) = (Vec::new(), Vec::new(), 0);
    for id in empty {
        match shape(view, &id)? {
            None => takers.push(id),
            Some(shape) => {
                replicas = usize::from(shape.replicas);
                waiting.push(id);
            }
        }
    }
    let left = waiting.split_off(takers_among(waiting.len(), replicas, missing(view.topology(), replicas)));
    for id in &left {
        let name = view.name(id);
        console.say(format!(
            "{name} was started with cluster-init and has no slots: it is left to be a replica where one is missing. \
             To give it slots all the same: --weight {name}=1."
        ));
    }
    Ok({ takers.iter().chain(&waiting) }.filter_map(|id| view.topology().find(id)).collect())
}

/// Of so many free nodes, how many can be primaries with `replicas` each, when `missing` are to be replicas of others.
fn takers_among(free: usize, replicas: usize, missing: usize) -> usize {
    free.saturating_sub(missing) / (1 + replicas)
}

/// How many replicas there should be more, if each primary is to have so many.
fn missing(topology: &Topology, replicas: usize) -> usize {
    let serving = topology.nodes().filter(|(index, _)| topology.has_slots(*index));
    serving.map(|(index, _)| replicas.saturating_sub(topology.replicas_of(index).len())).sum()
}

/// What a node says in `cluster-init`.
fn shape(view: &mut View, id: &NodeId) -> Result<Option<Shape>, Stop> {
    // Where CONFIG is not allowed, or knows nothing of it, nobody fills gaps by itself.
    let reply = view.client(id)?.ask(&["CONFIG", "GET", "cluster-init"])?;
    let text = reply.to_pairs().and_then(|pairs| Some(pairs.first()?.1.as_str()?.to_owned()));
    Ok(text.filter(|text| !text.is_empty()).and_then(|text| Shape::parse(&text).ok()))
}

/// How to do what a plan says.
struct Task<'a> {
    at: &'a Place,
    dry_run: bool,
    wish: Wish,
    /// How to go on when so many slots are left.
    again: &'a dyn Fn(usize) -> String,
}

impl Task<'_> {
    /// Says the plan, asks, and moves.
    fn go(&self, view: &mut View, plan: &Plan, access: &Access, console: &Console) -> Result<(), Stop> {
        let moves = moves(view, plan, self.wish)?;
        if moves.is_empty() {
            console.say("Nothing to move: it is so already.");
            console.data(
                &serde_json::json!({ "dry_run": self.dry_run, "plan": moves.to_json(view), "moved": 0 }),
            );
            return Ok(());
        }
        console.say(moves.to_table(view));
        if self.dry_run {
            console.data(&serde_json::json!({ "dry_run": true, "plan": moves.to_json(view) }));
            return Ok(());
        }
        moves.check_memory(view)?;
        console.confirm(&format!("Move {}?", count(moves.slot_count(), "slot")))?;
        let keys = carry_out(&moves, view, access, console, self.again)?;
        wait::until_ready(access, self.at, wait::PATIENCE, |_| None)
            .map_err(|stop| stop.midway("All slots were moved."))?;
        let slots = moves.slot_count();
        console.say(format!("Moved {} with {}.", count(slots, "slot"), count(keys as usize, "key")));
        console.data(&serde_json::json!({ "plan": moves.to_json(view), "moved": slots, "keys_moved": keys }));
        Ok(())
    }
}

/// What a plan moves, measured at those who give.
fn moves(view: &mut View, plan: &Plan, wish: Wish) -> Result<Moves, Stop> {
    let topology = view.topology();
    let givers: BTreeSet<NodeId> =
        plan.moves.iter().filter_map(|part| Some(topology.node(part.from?).id)).collect();
    let measure = measured(view, givers)?;
    Moves::of(plan, view, &measure, wish)
}

/// # Errors
/// The cluster has a trouble that moving slots or nodes would make worse.
pub(super) fn must_be_whole(view: &View, at: &Place) -> Result<(), Stop> {
    match in_the_way(view) {
        Some(why) => Err(Stop::refused(format!(
            "{why} Nothing was changed. Mend this first: slotway doctor {at} says how."
        ))),
        None => Ok(()),
    }
}

/// What the slots of these primaries hold.
///
/// # Errors
/// One of them does not answer.
pub(super) fn measured(view: &mut View, nodes: impl IntoIterator<Item = NodeId>) -> Result<Measure, Stop> {
    let mut all = Measure::default();
    for node in nodes {
        let slots = view.member(&node)?.slots();
        all.add(Measure::of(view.client(&node)?, &slots)?);
    }
    Ok(all)
}

fn primary(view: &View, name: &str) -> Result<NodeIndex, Stop> {
    let id = view.find(name)?;
    let unknown = || Stop::refused(format!("Node '{name}' is not known to all."));
    let index = view.topology().find(&id).ok_or_else(unknown)?;
    let node = view.topology().node(index);
    match node.primary {
        Some(primary) => Err(Stop::refused(format!(
            "{name} is a replica and can have no slots: name its primary, {}.",
            view.name(&view.topology().node(primary).id)
        ))),
        None => Ok(index),
    }
}

fn sources(view: &View, names: &[String], to: NodeIndex) -> Result<Vec<NodeIndex>, Stop> {
    let topology = view.topology();
    if names == ["all"] {
        return Ok(topology
            .nodes()
            .map(|(index, _)| index)
            .filter(|index| *index != to && topology.has_slots(*index))
            .collect());
    }
    let mut sources = Vec::new();
    for name in names {
        let source = primary(view, name)?;
        if source == to {
            return Err(Stop::refused(format!(
                "{name} is both source and target: nothing would move. Name another."
            )));
        }
        if !sources.contains(&source) {
            sources.push(source);
        }
    }
    Ok(sources)
}

/// So many slots from `from`, from each in proportion to what it has; the first ones of each.
fn given(topology: &Topology, from: &[NodeIndex], to: NodeIndex, slots: usize) -> Result<Vec<Move>, Stop> {
    let owned: Vec<(NodeIndex, SlotSet)> =
        from.iter().map(|index| (*index, topology.slots_of(*index))).collect();
    let all: usize = owned.iter().map(|(_, slots)| slots.len()).sum();
    if slots > all {
        return Err(Stop::refused(format!("The sources have {} only, not {slots}.", count(all, "slot"))));
    }
    let mut parts: Vec<usize> = owned.iter().map(|(_, own)| slots * own.len() / all).collect();
    let mut missing = slots - parts.iter().sum::<usize>();
    for (part, (_, own)) in parts.iter_mut().zip(&owned) {
        let more = missing.min(1).min(own.len() - *part);
        *part += more;
        missing -= more;
    }
    let moves = owned.iter().zip(parts).filter(|(_, part)| *part > 0);
    Ok(moves
        .map(|((from, own), part)| Move { from: Some(*from), to, slots: own.iter().take(part).collect() })
        .collect())
}

/// These slots, from whoever has them.
fn taken(topology: &Topology, slots: &SlotSet, to: NodeIndex) -> Plan {
    let mut by_owner: BTreeMap<NodeIndex, SlotSet> = BTreeMap::new();
    for (slot, owner) in
        slots.iter().filter_map(|slot| Some((slot, topology.owner(slot)?))).filter(|(_, owner)| *owner != to)
    {
        by_owner.entry(owner).or_default().insert(slot);
    }
    Plan { moves: by_owner.into_iter().map(|(from, slots)| Move { from: Some(from), to, slots }).collect() }
}

trait CollectSlots: Iterator<Item = SlotRange> + Sized {
    fn collect_slots(self) -> SlotSet {
        self.flat_map(|range| range.iter().collect::<Vec<_>>()).collect()
    }
}

impl<I: Iterator<Item = SlotRange>> CollectSlots for I {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_nodes_get_slots_only_where_enough_are_left_to_be_replicas() {
        // So many free nodes, replicas of each primary, replicas that are missing already: so many new primaries.
        for (free, replicas, missing, expected) in
            [(2, 0, 0, 2), (1, 1, 0, 0), (2, 1, 0, 1), (5, 1, 0, 2), (3, 1, 1, 1), (2, 1, 3, 0), (6, 2, 0, 2)]
        {
            assert_eq!(
                takers_among(free, replicas, missing),
                expected,
                "{free} free, {replicas} each, {missing} missing"
            );
        }
    }
}
