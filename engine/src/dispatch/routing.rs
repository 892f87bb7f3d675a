//! Where a request is served: [`core::route`](slotway_core::route) asked with what the shards in hand know.

use alloc::string::String;

use slotway_core::command::{Command, Flag, keys};
use slotway_core::resp::args::Args;
use slotway_core::resp::error::ErrorReply;
use slotway_core::route::{self, Access, Decision, Intent, KeySlots, Presence};
use slotway_core::slot::key_slot;
use slotway_core::topology::{NodeIndex, Topology, View};

use crate::commands::Data;
use crate::config::Config;
use crate::session::{Origin, Session};

/// Lets a command pass that is served here.
///
/// # Errors
/// The redirection, or why nobody can serve it.
pub(super) fn route_here(
    topology: &Topology,
    session: &Session,
    command: &'static Command,
    access: Access,
    args: Args<'_>,
    data: &mut Data<'_, '_>,
) -> Result<(), ErrorReply> {
    let slots = keys::routed(command, args)
        .fold(KeySlots::None, |slots, key| slots.and(data.key(args.at(key.index)).slot()));
    let config = data.config();
    let intent = Intent { access, ..intent_of(command, session) };
    let mut decision = route::route(topology, slots, intent, config.down_policy());
    if let Decision::DependsOnPresence(open) = decision {
        decision = open.resolve(presence(command, args, data));
    }
    decision.refusal(|node| endpoint(topology, node, config.view(session.origin()))).map_or(Ok(()), Err)
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

fn presence(command: &Command, args: Args<'_>, data: &mut Data<'_, '_>) -> Presence {
    let mut presence = Presence::default();
    for key in keys::routed(command, args) {
        match data.exists(args.at(key.index)) {
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
