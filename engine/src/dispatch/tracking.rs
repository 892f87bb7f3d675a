//! Tells those who track keys of changes: after each command, before anybody else gets its keys; by prefix, after each batch.
//!
//! What a connection is told itself follows the reply to its own command.

use alloc::vec::Vec;

use slotway_core::command::{Command, Flag, keys};
use slotway_core::resp::encode::Protocol;

use super::run::Run;
use super::script::runs_a_script;
use super::{Engine, Request};
use crate::events::{Effects, Invalidated};
use crate::node::Node;
use crate::pubsub::Space;
use crate::session::ClientId;
use crate::shards::ShardAccess;
use crate::tracking::message::{invalidated, redirect_broken};
use crate::tracking::{Mode, Notice};

impl<A: ShardAccess, N: Node> Run<'_, '_, A, N> {
    /// After a command on keys, their shards being held: a client that tracks may keep what it has read.
    #[inline]
    pub(super) fn remember(&mut self, request: &Request<'_>) {
        if self.session.tracking.is_some() && request.command.flags.contains(Flag::ReadOnly) {
            self.remember_keys(request);
        }
    }

    #[cold]
    fn remember_keys(&mut self, request: &Request<'_>) {
        let Some(wish) = self.session.tracking else { return };
        let is_meant = match wish.mode {
            Mode::Default => true,
            Mode::OptIn => self.session.caching == Some(true),
            Mode::OptOut => self.session.caching != Some(false),
            Mode::Broadcast => false,
        };
        // What a script reads, its commands tell.
        if !is_meant || runs_a_script(request.command) {
            return;
        }
        let client = self.session.id;
        self.node.with_tracking(&mut |tracking| {
            for key in keys::routed(request.command, request.args) {
                tracking.remember(client, request.args.at(key.index));
            }
        });
    }

    /// After a command, the shards of what it has changed being held.
    #[inline]
    pub(super) fn invalidate(&mut self) {
        if self.effects.has_invalidated() {
            let client = self.session.id;
            let mut own = core::mem::take(&mut self.own_notices);
            tell_of_changes(self.node, &mut self.effects, Some(client), &mut own);
            self.own_notices = own;
        }
    }

    /// Sends this connection itself what it is to be told, once its reply is complete.
    #[inline]
    pub(super) fn push_notices(&mut self) {
        if !self.own_notices.is_empty() {
            self.reply.raw(&core::mem::take(&mut self.own_notices));
        }
    }

    /// Before a batch: no more keys are remembered than may be.
    pub(super) fn limit_tracking(&mut self) {
        let mut own = Vec::new();
        limit(self.node, Some(self.session.id), &mut own);
        self.reply.raw(&own);
    }

    /// After a batch: tells of the keys that have changed below prefixes.
    pub(super) fn broadcast(&mut self) {
        let mut own = Vec::new();
        broadcast(self.node, Some(self.session.id), &mut own);
        self.reply.raw(&own);
    }

    /// CLIENT CACHING holds for the next command, or transaction, which `command` is unless it is one of CLIENT.
    #[inline]
    pub(super) fn end_caching(&mut self, command: &Command) {
        if self.session.caching.is_some()
            && self.session.transaction.is_none()
            && !command.name.starts_with("client")
        {
            self.session.caching = None;
        }
    }
}

impl<A: ShardAccess> Engine<A> {
    /// All data of this node has given way to other data: those who track keys are told.
    pub fn data_replaced<N: Node>(&self, node: &N) {
        if node.is_tracking() {
            let mut effects = Effects::default();
            effects.invalidated(Invalidated::All);
            tell_of_changes(node, &mut effects, None, &mut Vec::new());
        }
    }
}

/// Tells of what commands have invalidated. What `current` is told goes into `own`.
pub(super) fn tell_of_changes(
    node: &dyn Node,
    effects: &mut Effects,
    current: Option<ClientId>,
    own: &mut Vec<u8>,
) {
    if !effects.has_invalidated() {
        return;
    }
    let mut notices = Vec::new();
    let changes = effects.take_invalidated();
    node.with_tracking(&mut |tracking| {
        for change in &changes {
            match change {
                Invalidated::Changed(key) => tracking.invalidate(key, current, current, &mut notices),
                Invalidated::Gone(key) => tracking.invalidate(key, None, current, &mut notices),
                Invalidated::All => tracking.invalidate_all(&mut notices),
            }
        }
    });
    send(node, &notices, current, own);
}

/// Forgets keys past `tracking-table-max-keys`.
pub(super) fn limit(node: &dyn Node, current: Option<ClientId>, own: &mut Vec<u8>) {
    let (mut notices, keys_max) = (Vec::new(), node.config().tracking_table_max_keys());
    node.with_tracking(&mut |tracking| tracking.limit(keys_max, &mut notices));
    send(node, &notices, current, own);
}

/// Tells of the keys that have changed below prefixes.
pub(super) fn broadcast(node: &dyn Node, current: Option<ClientId>, own: &mut Vec<u8>) {
    let mut notices = Vec::new();
    node.with_tracking(&mut |tracking| {
        if tracking.has_broadcasts() {
            tracking.broadcast(&mut notices);
        }
    });
    send(node, &notices, current, own);
}

fn send(node: &dyn Node, notices: &[Notice], current: Option<ClientId>, own: &mut Vec<u8>) {
    for notice in notices {
        let mut deliver = |to: ClientId, bytes: &[u8]| match Some(to) == current {
            true => own.extend_from_slice(bytes),
            false => node.deliver(to, bytes),
        };
        send_one(node, notice, &mut deliver);
    }
}

fn send_one(node: &dyn Node, notice: &Notice, deliver: &mut dyn FnMut(ClientId, &[u8])) {
    let Some(tracker) = node.listener(notice.tracker) else { return };
    let tracks = tracker.protocol();
    let target = notice.redirect.unwrap_or(notice.tracker);
    let Some(told) = node.listener(target) else {
        node.with_tracking(&mut |tracking| tracking.set_broken(notice.tracker));
        if tracks == Protocol::Resp3 {
            deliver(notice.tracker, &redirect_broken(target));
        }
        return;
    };
    // In RESP2 only a connection that listens to channels expects messages, and it can be no other's but its own reader.
    let is_listener = notice.redirect.is_some() && Space::ALL.iter().any(|space| told.count(*space) > 0);
    if told.protocol() == Protocol::Resp3 || is_listener {
        deliver(target, &invalidated(notice.keys.as_deref(), told.protocol(), tracks));
    }
}
