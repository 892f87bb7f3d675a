//! What a node shows must never contain: strangers, and addresses at which nobody is known to be; and whom it must show as failing.

use alloc::format;

use slotway_core::cluster::Profile;
use slotway_core::topology::{NodeFlags, Topology};

use super::{Finding, SLACK_MS, ensure, judge};
use crate::check::Violation;
use crate::control::member::{Health, Member, Membership};
use crate::timeline::Time;

/// A node's view is another now.
///
/// # Errors
/// S9: it has an address that must not be shown. S10: it has a node of another cluster, or one that it was told to forget.
pub fn view_is_clean(
    member: &Member,
    members: &[Member],
    view: &Topology,
    now: Time,
) -> Result<(), Violation> {
    judge(now, shows_no_lost_address(member, view))?;
    judge(now, keeps_apart(member, members, view))?;
    judge(now, keeps_bans(member, view, now))
}

/// S9: clients are sent to whoever owns a slot, or copies it, at the address that is shown for it.
fn shows_no_lost_address(member: &Member, view: &Topology) -> Finding {
    const NAME: &str = "S9 no address of a node in handshake, or without one";
    view.nodes().try_for_each(|(index, node)| {
        let in_handshake = node.flags.contains(NodeFlags::HANDSHAKE);
        let serves = view.has_slots(index) || node.primary.is_some();
        ensure(!(in_handshake && serves), NAME, || {
            format!("{} shows {} for slots, which is in handshake", member.id, node.id)
        })?;
        let is_lost = node.flags.contains(NodeFlags::NOADDR);
        ensure(!is_lost || node.ip.is_empty(), NAME, || {
            format!("{} shows {} at {}, where it is not", member.id, node.id, node.ip)
        })
    })
}

/// S10: two clusters never merge, whichever addresses their hosts get.
fn keeps_apart(member: &Member, members: &[Member], view: &Topology) -> Finding {
    let other = match member.cluster {
        Membership::Ours => Membership::Foreign,
        Membership::Foreign => Membership::Ours,
        Membership::Gone => return Ok(()),
    };
    let mut others = members.iter().filter(|stranger| stranger.cluster == other).map(|stranger| stranger.id);
    others.find(|id| view.find(id).is_some()).map_or(Ok(()), |stranger| {
        Err(("S10 two clusters never merge", format!("{} knows {stranger}", member.id)))
    })
}

/// S10: who is forgotten stays away.
fn keeps_bans(member: &Member, view: &Topology, now: Time) -> Finding {
    let mut banned = member.banned.iter().filter(|(_, time)| time.contains(&now)).map(|(id, _)| id);
    banned.find(|id| view.find(id).is_some()).map_or(Ok(()), |back| {
        let name = "S10 a forgotten node does not return within its ban";
        Err((name, format!("{} knows {back} again", member.id)))
    })
}

/// A node that is gone is suspected, whatever others say of it: a ping is due one node timeout after its last answer, and is
/// overdue after another.
///
/// # Errors
/// It has been gone for longer, and this node takes it to be there.
pub fn the_dead_are_suspected(
    member: &Member,
    members: &[Member],
    node_timeout_ms: u64,
    now: Time,
) -> Result<(), Violation> {
    let Some(view) = member.view.as_ref().filter(|_| member.profile == Profile::Slotway) else {
        return Ok(());
    };
    let patience_us = (node_timeout_ms * 2 * 21 / 20 + 2 * SLACK_MS) * 1000;
    let awake_since = member.paused.max(member.started);
    for dead in members.iter().filter(|other| other.health != Health::Up) {
        let Some(known) = member.known.get(&dead.id) else { continue };
        let heard = member.heard.get(&dead.id).copied().unwrap_or_default();
        let since = dead.ended.max(awake_since).max(heard).max(*known);
        let is_suspected = view
            .find(&dead.id)
            .is_none_or(|index| view.node(index).flags.intersects(NodeFlags::PFAIL | NodeFlags::FAIL));
        let is_late = now.as_us() - since.as_us() > patience_us;
        judge(
            now,
            ensure(is_suspected || !is_late, "- a dead node is suspected, whatever is said of it", || {
                format!("{} takes {} to be there, which is gone since {since}", member.id, dead.id)
            }),
        )?;
    }
    Ok(())
}
