//! What must always hold among control planes, whatever fails; and what must come true when nothing does.
//!
//! Numbers (S1, L2) are those of the reliability goals. The checker hears what leaves a node, what reaches it and what it
//! shows; of faults and of how they came about it knows nothing.

pub mod shown;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use slotway_core::bus::{Body, Frame, Header};
use slotway_core::cluster::{Event, JobState, Profile};
use slotway_core::epoch::{ConfigEpoch, Epoch};
use slotway_core::id::{JobId, NodeId};
use slotway_core::slot::Slot;
use slotway_core::slot_set::SlotSet;
use slotway_core::topology::{ClusterState, Node, NodeFlags, Topology};

use super::member::{Health, Member, Membership};
use super::swarm::Swarm;
use crate::check::Violation;
use crate::timeline::Time;

/// Ticks of 100 ms that a node may take to notice, and what rounding and drift of clocks add.
const SLACK_MS: u64 = 400;
/// No cluster gets this far: who has such an epoch was lied to.
const EPOCH_MAX: u64 = 1 << 32;

/// Why an invariant does not hold: its name, and a sentence.
type Finding = Result<(), (&'static str, String)>;

/// How often what happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[expect(missing_docs, reason = "each is what its name says, counted")]
pub struct Tally {
    pub frames: u64,
    pub bytes: u64,
    pub elections: u64,
    pub votes: u64,
    pub refusals: u64,
    pub failures: u64,
    pub collisions: u64,
    pub crashes: u64,
    pub moves: u64,
    pub partitions: u64,
    pub refused_files: u64,
    pub lies: u64,
    pub old_files: u64,
    pub wiped: u64,
    pub forgotten: u64,
}

/// What has been seen so far.
pub struct Witness {
    node_timeout_ms: u64,
    /// How often what happened.
    pub tally: Tally,
    winners: BTreeMap<Epoch, NodeId>,
    votes: BTreeMap<(NodeId, Epoch), String>,
    /// By who hears it, whom it is about, who says it: that somebody fails.
    reports: BTreeMap<(NodeId, NodeId, NodeId), Time>,
    /// How many extensions each node told each other last, if anybody wants to know.
    pub extensions: Option<BTreeMap<(NodeId, String), u16>>,
    /// What each node's disk holds for certain.
    saved: BTreeMap<NodeId, Saved>,
    /// By who hears it and who says it: the slots that a primary claims, and the version of the hearer's picture when that was heard.
    claims: BTreeMap<(NodeId, NodeId), Vec<(u64, SlotSet)>>,
    /// Atomic migrations: who gives, and to whom.
    jobs: BTreeMap<JobId, (NodeId, NodeId)>,
    /// Who has given slots away for good, and to whom.
    handed: BTreeSet<(NodeId, NodeId)>,
}

/// The numbers in a nodes.conf that must not get lost.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Saved {
    current_epoch: u64,
    last_vote_epoch: u64,
    /// Of the node itself.
    config_epoch: u64,
}

impl Witness {
    /// Nothing seen yet.
    pub fn new(node_timeout_ms: u64) -> Self {
        Self {
            node_timeout_ms,
            tally: Tally::default(),
            winners: BTreeMap::new(),
            votes: BTreeMap::new(),
            reports: BTreeMap::new(),
            extensions: None,
            saved: BTreeMap::new(),
            claims: BTreeMap::new(),
            jobs: BTreeMap::new(),
            handed: BTreeSet::new(),
        }
    }

    /// The disk of `node` has this for certain.
    ///
    /// # Errors
    /// S3: epochs go up. And none comes from nowhere.
    pub fn saved(&mut self, node: NodeId, text: &str, now: Time) -> Result<(), Violation> {
        let (mut is, was) = (Saved::of(text), self.saved.get(&node).copied().unwrap_or_default());
        // A replica's file has no claim of its own; what it claimed before it became one may still be on its way out.
        is.config_epoch = is.config_epoch.max(was.config_epoch);
        self.saved.insert(node, is);
        judge(
            now,
            ensure(is.current_epoch < EPOCH_MAX, "- no epoch from nowhere", || format!("{node} has {is:?}")),
        )?;
        let goes_up = is.current_epoch >= was.current_epoch && is.last_vote_epoch >= was.last_vote_epoch;
        judge(
            now,
            ensure(goes_up, "S3 epochs on disk never go down", || format!("{node} had {was:?}, has {is:?}")),
        )
    }

    /// The disk of `node` is that of another time: what it has promised since, nobody can hold it to.
    pub fn went_back(&mut self, node: NodeId, text: &str) {
        self.tally.old_files += 1;
        let saved = Saved::of(text);
        self.saved.insert(node, saved);
        self.votes.retain(|(voter, epoch), _| *voter != node || epoch.get() <= saved.last_vote_epoch);
    }

    /// A frame leaves `node` towards `to`.
    ///
    /// # Errors
    /// S3: one vote per epoch. S4: on disk before it is said.
    pub fn sent(&mut self, node: NodeId, to: &str, bytes: &[u8], now: Time) -> Result<(), Violation> {
        self.tally.frames += 1;
        self.tally.bytes += bytes.len() as u64;
        let Ok(Frame::Full { header, body }) = Frame::parse(bytes) else { return Ok(()) };
        if let (Some(told), Body::Heartbeat(heartbeat)) = (&mut self.extensions, &body) {
            told.insert((node, to.into()), heartbeat.extensions.len());
        }
        let saved = self.saved.get(&node).copied().unwrap_or_default();
        judge(now, is_on_disk(node, saved, &header, &body))?;
        if matches!(body, Body::AuthAck) {
            self.tally.votes += 1;
            let before = self.votes.insert((node, header.current_epoch), to.into());
            let finding = ensure(before.is_none(), "S3 a voter gives one vote per epoch", || {
                let before = before.unwrap_or_default();
                format!("{node} voted for {before} and for {to} in epoch {}", header.current_epoch)
            });
            return judge(now, finding);
        }
        Ok(())
    }

    /// A frame reaches `node`, whose last picture has that version.
    pub fn received(&mut self, node: NodeId, version: u64, frame: &Frame<'_>, now: Time) {
        let Frame::Full { header, body: Body::Heartbeat(heartbeat) } = frame else { return };
        if header.primary.is_none() {
            let heard = self.claims.entry((node, header.sender)).or_default();
            if heard.last().is_none_or(|(_, last)| *last != header.slots) {
                heard.push((version, header.slots.clone()));
            }
        }
        for entry in heartbeat.gossip.iter() {
            if entry.flags.intersects(NodeFlags::PFAIL | NodeFlags::FAIL) {
                self.reports.insert((node, entry.node, header.sender), now);
            }
        }
    }

    /// A node notes something in its log.
    ///
    /// # Errors
    /// S1: one winner per epoch. And a failure needs fresh reports of a majority.
    pub fn noted(&mut self, node: NodeId, event: &Event, now: Time) -> Result<(), Violation> {
        match event {
            Event::ElectionWon { epoch } => {
                self.tally.elections += 1;
                let before = *self.winners.entry(*epoch).or_insert(node);
                let finding = ensure(before == node, "S1 one winner per epoch", || {
                    format!("{before} and {node} have won in epoch {epoch}")
                });
                return judge(now, finding);
            }
            Event::Failed { node: failed, quorum } => {
                self.tally.failures += 1;
                return judge(now, self.is_agreed(node, *failed, *quorum, now));
            }
            Event::VoteRefused { .. } => self.tally.refusals += 1,
            Event::EpochCollision { .. } => self.tally.collisions += 1,
            Event::MigrationStarted { job, source, target, .. } => {
                self.jobs.insert(*job, (*source, *target));
            }
            Event::MigrationEnded { job, result, .. } if *result == JobState::Success.name() => {
                self.handed.extend(self.jobs.get(job).filter(|(source, _)| *source == node));
            }
            _ => {}
        }
        Ok(())
    }

    /// S5: in a view, a slot goes from one owner to another only by a greater config epoch, or while the first was heard not to claim it. (That may
    /// be a frame from before it had the slot, which another one has overtaken: seed 142 of the world with clients. And it may have been heard
    /// to claim it again before the disk let the picture out: seed 1026.)
    ///
    /// That a slot which its owner does not claim goes to whoever does, by any epoch, cannot be otherwise: a primary tells the others of a slot that
    /// it has given away by SETSLOT only in that it claims it no longer, and its own epoch, which may be greater than the taker's, stays.
    ///
    /// A node that has granted slots to another by an atomic migration gives way to that one's claim by any epoch: see `core::cluster::handoff`.
    ///
    /// One exception is the protocol's own, and seed 2012 met it: a primary may settle a collision by taking, without a vote, the very
    /// epoch in which its replica is being elected. The replica then takes the slots by an equal epoch in its own view; the
    /// next collision between the two settles it, and S2 sees that it does.
    ///
    /// # Errors
    /// It went by a smaller one, or by the same in the view of somebody else.
    pub fn view_changed(
        &self,
        node: NodeId,
        before: &Topology,
        after: &Topology,
        now: Time,
    ) -> Result<(), Violation> {
        if after.has_owners_of(before) {
            return Ok(());
        }
        judge(now, Slot::all().try_for_each(|slot| self.owner_changed(node, before, after, slot)))
    }

    fn owner_changed(&self, node: NodeId, before: &Topology, after: &Topology, slot: Slot) -> Finding {
        let owner = |view: &Topology| view.owner(slot).map(|owner| view.node(owner).id);
        let (Some(was), Some(is)) = (owner(before), owner(after)) else { return Ok(()) };
        if was == is {
            return Ok(());
        }
        let epoch = |view: &Topology, id: &NodeId| {
            view.find(id).map_or(ConfigEpoch::default(), |index| view.node(index).config_epoch)
        };
        let (lost, won) = (epoch(before, &was), epoch(after, &is));
        let is_better = won > lost || (won == lost && is == node);
        // What shows in the earlier picture was heard before that had its version; so this is what counted as claimed, then and until the later one.
        let heard = self.claims.get(&(node, was)).map_or(&[][..], Vec::as_slice);
        let first = heard.partition_point(|(version, _)| *version < before.version()).saturating_sub(1);
        let until = heard.partition_point(|(version, _)| *version < after.version());
        let is_unclaimed =
            || heard[first.min(until)..until].iter().any(|(_, claimed)| !claimed.contains(slot));
        let is_handed = was == node && self.handed.contains(&(was, is));
        ensure(is_better || is_handed || is_unclaimed(), "S5 the greater epoch takes a slot", || {
            format!("for {node}, slot {slot} went from {was} (epoch {lost}) to {is} (epoch {won})")
        })
    }

    /// The picture of that version was shown: older claims than those that it was made of are of no interest any more.
    pub fn pictured(&mut self, node: NodeId, version: u64) {
        let of = |bytes| (node, NodeId::from_random(bytes));
        for (_, heard) in self.claims.range_mut(of([0; 20])..=of([255; 20])) {
            let known = heard.partition_point(|(at, _)| *at < version);
            heard.drain(..known.saturating_sub(1));
        }
    }

    /// A node starts: it has heard nothing yet.
    pub fn started(&mut self, node: NodeId) {
        self.claims.retain(|(hearer, _), _| *hearer != node);
    }

    /// Those who reported within two node timeouts, and the node itself, are a majority.
    fn is_agreed(&self, node: NodeId, failed: NodeId, quorum: usize, now: Time) -> Finding {
        // The slowest clock that a swarm draws makes two timeouts a twentieth longer.
        let age_max_us = (self.node_timeout_ms * 2 * 21 / 20 + SLACK_MS) * 1000;
        let about =
            (node, failed, NodeId::from_random([0; 20]))..=(node, failed, NodeId::from_random([255; 20]));
        let fresh =
            self.reports.range(about).filter(|(_, at)| now.as_us() - at.as_us() <= age_max_us).count();
        ensure(fresh + 1 >= quorum, "- a failure is what a majority reports", || {
            format!("{node} takes {failed} for failed by {fresh} fresh reports, of {quorum} that it needs")
        })
    }
}

impl Tally {
    /// Counts what another run counted, too.
    pub fn add(&mut self, other: &Tally) {
        let pairs = [
            (&mut self.frames, other.frames),
            (&mut self.bytes, other.bytes),
            (&mut self.elections, other.elections),
            (&mut self.votes, other.votes),
            (&mut self.refusals, other.refusals),
            (&mut self.failures, other.failures),
            (&mut self.collisions, other.collisions),
            (&mut self.crashes, other.crashes),
            (&mut self.moves, other.moves),
            (&mut self.partitions, other.partitions),
            (&mut self.refused_files, other.refused_files),
            (&mut self.lies, other.lies),
            (&mut self.old_files, other.old_files),
            (&mut self.wiped, other.wiped),
            (&mut self.forgotten, other.forgotten),
        ];
        pairs.into_iter().for_each(|(sum, count)| *sum += count);
    }
}

impl Saved {
    fn of(text: &str) -> Self {
        let after = |word: &str| {
            let rest = text.rsplit_once(word).map_or("", |(_, rest)| rest);
            rest.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or_default()
        };
        let myself = text
            .lines()
            .find(|line| line.split(' ').nth(2).is_some_and(|flags| flags.contains("myself,master")));
        let config_epoch =
            myself.and_then(|line| line.split(' ').nth(6)).and_then(|number| number.parse().ok());
        Self {
            current_epoch: after("currentEpoch "),
            last_vote_epoch: after("lastVoteEpoch "),
            config_epoch: config_epoch.unwrap_or_default(),
        }
    }
}

/// S4: what a frame says that must never be taken back is on the disk of who says it.
fn is_on_disk(node: NodeId, saved: Saved, header: &Header, body: &Body<'_>) -> Finding {
    const NAME: &str = "S4 on disk before it is said";
    let epoch = header.current_epoch.get();
    match body {
        Body::AuthAck => ensure(saved.last_vote_epoch >= epoch, NAME, || {
            format!("{node} votes in epoch {epoch}; its disk has {saved:?}")
        }),
        Body::AuthRequest => ensure(saved.current_epoch >= epoch, NAME, || {
            format!("{node} stands in epoch {epoch}; its disk has {saved:?}")
        }),
        _ if header.primary.is_none() => {
            let claimed = header.config_epoch.get();
            ensure(saved.config_epoch >= claimed, NAME, || {
                format!("{node} claims its slots since epoch {claimed}; its disk has {saved:?}")
            })
        }
        _ => Ok(()),
    }
}

/// S6: a primary that has not heard from a majority for so long takes no writes.
///
/// So long is one and a half node timeouts: a ping is due half a node timeout after the last pong, and is missed a whole one after it was sent.
/// One node timeout cannot be had: whoever was heard just before must be asked first, and has that time to answer.
///
/// Where pongs that others tell of may look fresher than they are, it is two: gossip puts a ping off, but no longer than until one node timeout after
/// the last pong that the node saw itself. Clocks that differ do so without anybody lying, since what is told is a time of the teller's clock:
/// it arrives with as much too much as that clock is ahead.
///
/// # Errors
/// It still would.
pub fn minority_is_silent(member: &Member, swarm: &Swarm, now: Time) -> Result<(), Violation> {
    // Others go on trusting gossip, and nodes without an address: that we do not is our promise, not the protocol's.
    let is_judged = member.profile == Profile::Slotway && member.cluster != Membership::Gone;
    let Some(view) = member.view.as_ref().filter(|_| is_judged) else { return Ok(()) };
    let Some(myself) = view.myself().filter(|&myself| view.node(myself).primary.is_none()) else {
        return Ok(());
    };
    if view.state() != ClusterState::Ok || !view.has_slots(myself) {
        return Ok(());
    }
    let node_timeout_ms = swarm.node_timeout_ms;
    let patience_ms =
        if swarm.has_true_pongs() { node_timeout_ms * 3 / 2 } else { node_timeout_ms * 2 * 21 / 20 };
    let patience_us = (patience_ms + SLACK_MS) * 1000;
    let awake_since = member.paused.max(member.started).as_us();
    let is_near = |id: &NodeId| {
        let heard = member.heard.get(id).map_or(0, |at| at.as_us()).max(awake_since);
        *id == member.id || now.as_us().saturating_sub(heard) <= patience_us
    };
    let voters = || view.nodes().filter(|(index, node)| node.primary.is_none() && view.has_slots(*index));
    let (all, near) = (voters().count(), voters().filter(|(_, node)| is_near(&node.id)).count());
    judge(
        now,
        ensure(near > all / 2, "S6 a primary in a minority takes no writes", || {
            format!("{} hears {near} of {all} primaries, and its cluster is ok", member.id)
        }),
    )
}

/// L1: when all is well, every node takes the cluster to be up, and every slot is served.
///
/// # Errors
/// Some node does not.
pub fn is_up(members: &[Member], cluster: Membership, now: Time) -> Result<(), Violation> {
    const NAME: &str = "L1 state ok on all nodes, all slots covered";
    judge(
        now,
        members.iter().filter(|member| member.cluster == cluster).try_for_each(|member| {
            let Some(view) = member.view.as_ref().filter(|_| member.health == Health::Up) else {
                return Err((NAME, format!("{} does not run", member.id)));
            };
            ensure(view.state() == ClusterState::Ok && view.uncovered().is_empty(), NAME, || {
                format!("{} takes the cluster to be down:\n{view:?}", member.id)
            })
        }),
    )
}

/// L2: all views are equal, and no two primaries have one config epoch (S2).
///
/// # Errors
/// Two views differ, or two epochs do not.
pub fn all_agree(members: &[Member], cluster: Membership, now: Time) -> Result<(), Violation> {
    let fellows = members.iter().filter(|member| member.cluster == cluster);
    let views = fellows.filter_map(|member| Some((member.id, member.view.as_ref()?)));
    let mut first: Option<(NodeId, String)> = None;
    for (id, view) in views {
        let picture = common(view);
        let (of, expected) = first.get_or_insert_with(|| (id, picture.clone()));
        let finding = ensure(*expected == picture, "L2 all views are equal", || {
            format!("that of {of} and that of {id} differ:\n{expected}\n{picture}")
        });
        judge(now, finding)?;
        let epochs: Vec<ConfigEpoch> = view
            .nodes()
            .filter(|(index, _)| view.has_slots(*index))
            .map(|(_, node)| node.config_epoch)
            .collect();
        let (count, distinct) = (epochs.len(), epochs.into_iter().collect::<BTreeSet<_>>().len());
        judge(
            now,
            ensure(count == distinct, "S2 every primary has an epoch of its own", || {
                format!("for {id}, {count} primaries have {distinct} config epochs")
            }),
        )?;
    }
    Ok(())
}

/// What all nodes must agree on: who there is, where, in which role, with which slots since when, and who is down.
fn common(view: &Topology) -> String {
    let line = |node: &Node| {
        let index = view.find(&node.id).expect("it is one of its own nodes");
        let primary = node.primary.map(|primary| view.node(primary).id.to_string()).unwrap_or_default();
        let slots = view.slots_of(index);
        let fails = node.flags.intersects(NodeFlags::PFAIL | NodeFlags::FAIL | NodeFlags::NOADDR);
        let epoch = if node.primary.is_none() { node.config_epoch } else { ConfigEpoch::default() };
        let ranges: String = slots.ranges().map(|range| format!(" {range}")).collect();
        format!("{} at {} of [{primary}] since {epoch} fails: {fails}{ranges}\n", node.id, node.ip)
    };
    let lines: BTreeSet<String> = view.nodes().map(|(_, node)| line(node)).collect();
    lines.into_iter().collect()
}

fn ensure(holds: bool, name: &'static str, finding: impl FnOnce() -> String) -> Finding {
    if holds { Ok(()) } else { Err((name, finding())) }
}

fn judge(at: Time, finding: Finding) -> Result<(), Violation> {
    finding.map_err(|(invariant, finding)| Violation { invariant, finding, at })
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { elections, failures, crashes, moves, partitions, collisions, votes, refusals, .. } = self;
        let Self { lies, old_files, wiped, forgotten, .. } = self;
        write!(
            f,
            "{elections} elections ({votes} votes, {refusals} refused), {failures} failures seen, {crashes} crashes, \
             {moves} moves, {partitions} partitions, {collisions} collisions, {lies} lies, {old_files} old files, {wiped} wiped disks, \
             {forgotten} told to forget"
        )
    }
}
