//! Where a request is served: [`core::route`](slotway_core::route) asked with what the shards in hand know.

use alloc::string::String;

use slotway_core::command::{Command, Flag, keys};
use slotway_core::resp::args::Args;
use slotway_core::resp::error::ErrorReply;
use slotway_core::route::{self, Access, Decision, Intent, KeySlots, Presence};
use slotway_core::slot::key_slot;
use slotway_core::topology::{NodeIndex, Topology, View};

use super::Request;
use crate::commands::Data;
use crate::config::Config;
use crate::session::{Origin, Session};

/// Lets a request pass that is served here; of an open slot, `presence` tells how many of its keys are there.
///
/// # Errors
/// The redirection, or why nobody can serve it.
#[inline]
pub(super) fn route_here(
    topology: &Topology,
    session: &Session,
    config: &Config,
    request: &Request<'_>,
    access: Access,
    presence: impl FnOnce() -> Presence,
) -> Result<(), ErrorReply> {
    let intent = Intent { access, ..intent_of(request.command, session) };
    let mut decision = route::route(topology, slots_of(request), intent, config.down_policy());
    if let Decision::DependsOnPresence(open) = decision {
        decision = open.resolve(presence());
    }
    match decision {
        Decision::Serve => Ok(()),
        decision => refuse(decision, topology, session, config),
    }
}

#[cold]
fn refuse(
    decision: Decision,
    topology: &Topology,
    session: &Session,
    config: &Config,
) -> Result<(), ErrorReply> {
    decision.refusal(|node| endpoint(topology, node, config.view(session.origin()))).map_or(Ok(()), Err)
}

/// The slots of all keys of a request.
pub(super) fn slots_of(request: &Request<'_>) -> KeySlots {
    match request.key {
        None => KeySlots::None,
        Some(first) if request.command.has_first_key_only() => KeySlots::One(first.slot()),
        Some(first) => keys::routed(request.command, request.args)
            .skip(1)
            .fold(KeySlots::One(first.slot()), |slots, key| slots.and(key_slot(request.args.at(key.index)))),
    }
}

/// The same for a command whose channels have a slot and whose data, if there is any, is in no shard.
///
/// # Errors
/// The redirection, or why nobody can serve it.
pub(super) fn route_channel(
    topology: &Topology,
    session: &Session,
    command: &'static Command,
    args: Args<'_>,
    config: &Config,
) -> Result<(), ErrorReply> {
    let slots = keys::routed(command, args)
        .fold(KeySlots::None, |slots, key| slots.and(key_slot(args.at(key.index))));
    if slots == KeySlots::None {
        return Ok(());
    }
    let mut decision = route::route(topology, slots, intent_of(command, session), config.down_policy());
    if let Decision::DependsOnPresence(open) = decision {
        decision = open.resolve(Presence::default());
    }
    decision.refusal(|node| endpoint(topology, node, config.view(session.origin()))).map_or(Ok(()), Err)
}

/// Who asks where keys are served.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seeker {
    /// The client has sent READONLY.
    pub(super) readonly: bool,
    /// Where it comes from.
    pub(super) origin: Origin,
}

/// Whether keys in `slots` are served here, for a client that has not sent ASKING.
///
/// # Errors
/// The redirection, or why nobody can serve them.
pub(super) fn route_slots(
    topology: &Topology,
    slots: KeySlots,
    access: Access,
    seeker: Seeker,
    config: &Config,
) -> Result<(), ErrorReply> {
    let intent = Intent { access, asking: false, readonly: seeker.readonly };
    let decision = match route::route(topology, slots, intent, config.down_policy()) {
        // Whoever asks has found the keys here before.
        Decision::DependsOnPresence(open) => open.resolve(Presence { present: 1, missing: 0 }),
        decision => decision,
    };
    decision.refusal(|node| endpoint(topology, node, config.view(seeker.origin))).map_or(Ok(()), Err)
}

fn intent_of(command: &Command, session: &Session) -> Intent {
    let asking = session.asking || command.flags.contains(Flag::Asking);
    Intent { access: Access::of(command), asking, readonly: session.readonly }
}

/// How many of the keys of a request are there.
pub(super) fn presence(request: &Request<'_>, data: &mut Data<'_, '_>) -> Presence {
    let mut presence = Presence::default();
    for key in keys::routed(request.command, request.args) {
        match data.exists(request.args.at(key.index)) {
            true => presence.present += 1,
            false => presence.missing += 1,
        }
    }
    presence
}

/// `host:port` as `cluster-preferred-endpoint-type` wants it, for a client of that kind.
fn endpoint(topology: &Topology, node: NodeIndex, view: View) -> String {
    let place = topology.node(node).place(view);
    alloc::format!("{}:{}", place.host(), place.port)
}
