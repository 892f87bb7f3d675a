//! Who listens to which channel.
//!
//! Three spaces of names that know nothing of each other: channels, patterns over channels, and shard channels, which belong
//! to a slot of the cluster. A name is kept as long as somebody listens to it. Everything is found from both sides: the
//! listeners of a name, to publish, and the names of a listener, in the order of its subscriptions, to end them.
//!
//! Nothing is sent here. Who publishes hands over where bytes go; they are encoded once for each dialect in use.

mod message;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use slotway_core::resp::encode::Protocol;
use slotway_core::slot::{Slot, key_slot};

use crate::glob::{Case, glob_match};
use crate::node::Node;
use crate::session::ClientId;
use crate::slot_stats::SlotCost;
use message::Encoded;
pub use message::{write_subscribed, write_unsubscribed};

/// What kind of name is listened to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Space {
    /// SUBSCRIBE: a channel.
    Channels,
    /// PSUBSCRIBE: every channel that matches a pattern.
    Patterns,
    /// SSUBSCRIBE: a channel that lives where its slot does.
    ShardChannels,
}

impl Space {
    /// All of them.
    pub const ALL: [Space; 3] = [Space::Channels, Space::Patterns, Space::ShardChannels];
}

/// How much a connection listens to, and in which dialect: what others look at who have something for it. The registry writes the counts, the
/// connection the dialect.
#[derive(Default, Debug)]
pub struct Subscriptions {
    counts: [AtomicUsize; Space::ALL.len()],
    speaks_resp3: AtomicBool,
}

impl Subscriptions {
    /// Number of names in a space.
    pub fn count(&self, space: Space) -> usize {
        self.counts[space as usize].load(Ordering::Relaxed)
    }

    /// The number that replies to subscriptions in `space` tell: channels and patterns are counted together, shard channels apart.
    pub fn told(&self, space: Space) -> usize {
        match space {
            Space::Channels | Space::Patterns => self.count(Space::Channels) + self.count(Space::Patterns),
            Space::ShardChannels => self.count(Space::ShardChannels),
        }
    }

    /// The dialect of the connection.
    pub fn protocol(&self) -> Protocol {
        if self.speaks_resp3.load(Ordering::Relaxed) { Protocol::Resp3 } else { Protocol::Resp2 }
    }

    /// The connection speaks another dialect from now on.
    pub fn set_protocol(&self, protocol: Protocol) {
        self.speaks_resp3.store(protocol == Protocol::Resp3, Ordering::Relaxed);
    }

    /// True if it listens to nothing.
    pub fn is_empty(&self) -> bool {
        Space::ALL.into_iter().all(|space| self.count(space) == 0)
    }

    fn set(&self, space: Space, count: usize) {
        self.counts[space as usize].store(count, Ordering::Relaxed);
    }
}

/// Where messages go: a connection, and bytes in its dialect.
pub type Deliver<'a> = dyn FnMut(ClientId, &[u8]) + 'a;

/// Who listens, as a connection presents itself.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The connection.
    pub client: ClientId,
    /// Its dialect.
    pub protocol: Protocol,
    /// Where it reads how much it listens to.
    pub subscriptions: Arc<Subscriptions>,
}

/// The listeners of a node.
#[derive(Default)]
pub struct PubSub {
    channels: Names,
    patterns: Names,
    shard_channels: BTreeMap<Slot, Names>,
    listeners: BTreeMap<ClientId, Held>,
    /// Numbers the subscriptions, in their order.
    next_order: u64,
}

/// The names of a space that somebody listens to.
type Names = BTreeMap<Arc<[u8]>, BTreeMap<ClientId, Subscription>>;

/// One listener of one name.
#[derive(Clone, Copy)]
struct Subscription {
    protocol: Protocol,
    order: u64,
}

/// What one connection listens to.
struct Held {
    subscriptions: Arc<Subscriptions>,
    names: [BTreeMap<u64, Arc<[u8]>>; Space::ALL.len()],
}

impl PubSub {
    /// `listener` listens to `name` from now on. Nothing changes if it does already.
    pub fn subscribe(&mut self, listener: &Listener, space: Space, name: &[u8]) {
        let order = self.next_order;
        let names = self.names_of(space, name);
        let shared =
            names.get_key_value(name).map_or_else(|| Arc::from(name), |(known, _)| Arc::clone(known));
        let listeners = names.entry(Arc::clone(&shared)).or_default();
        if listeners.contains_key(&listener.client) {
            return;
        }
        listeners.insert(listener.client, Subscription { protocol: listener.protocol, order });
        self.next_order += 1;
        let held = self.listeners.entry(listener.client).or_insert_with(|| Held::new(listener));
        held.names[space as usize].insert(order, shared);
        held.publish_count(space);
    }

    /// `client` listens to `name` no more. True if it did.
    pub fn unsubscribe(&mut self, client: ClientId, space: Space, name: &[u8]) -> bool {
        let Some(order) = self.leave(client, space, name) else { return false };
        if let Some(held) = self.listeners.get_mut(&client) {
            held.names[space as usize].remove(&order);
            held.publish_count(space);
            self.drop_if_idle(client);
        }
        true
    }

    /// What `client` listens to in a space, in the order in which it began to.
    pub fn names_heard_by(&self, client: ClientId, space: Space) -> Vec<Arc<[u8]>> {
        let held = self.listeners.get(&client);
        held.map_or_else(Vec::new, |held| held.names[space as usize].values().cloned().collect())
    }

    /// The connection has ended, or is reset: it listens to nothing any more.
    pub fn forget(&mut self, client: ClientId) {
        let Some(held) = self.listeners.remove(&client) else { return };
        for space in Space::ALL {
            for name in held.names[space as usize].values() {
                self.leave(client, space, name);
            }
            held.subscriptions.set(space, 0);
        }
    }

    /// The connection speaks another dialect from now on (HELLO).
    pub fn set_protocol(&mut self, client: ClientId, protocol: Protocol) {
        for space in Space::ALL {
            for name in self.names_heard_by(client, space) {
                let listeners = self.names_of(space, &name).get_mut(&name);
                if let Some(subscription) = listeners.and_then(|listeners| listeners.get_mut(&client)) {
                    subscription.protocol = protocol;
                }
            }
        }
    }

    /// Sends `message` to those who listen to `channel`, then to those who listen to a pattern that it matches. Returns how
    /// many times it was sent.
    pub fn publish(&self, channel: &[u8], message: &[u8], deliver: &mut Deliver<'_>) -> usize {
        let mut sent = send(self.channels.get(channel), Encoded::message(channel, message), deliver);
        for (pattern, listeners) in &self.patterns {
            if glob_match(pattern, channel, Case::Sensitive) {
                let message = Encoded::pattern_message(pattern, channel, message);
                sent += send(Some(listeners), message, deliver);
            }
        }
        sent
    }

    /// Sends `message` to those who listen to a shard channel. Returns how many there are.
    pub fn publish_in_shard(&self, channel: &[u8], message: &[u8], deliver: &mut Deliver<'_>) -> usize {
        let names = self.shard_channels.get(&key_slot(channel));
        let listeners = names.and_then(|names| names.get(channel));
        send(listeners, Encoded::shard_message(channel, message), deliver)
    }

    /// The slots that have shard channels with listeners.
    pub fn shard_slots(&self) -> Vec<Slot> {
        self.shard_channels.keys().copied().collect()
    }

    /// The slot has left this node: ends all subscriptions to its shard channels and tells the listeners so.
    pub fn take_slot(&mut self, slot: Slot, deliver: &mut Deliver<'_>) {
        for (name, listeners) in self.shard_channels.remove(&slot).unwrap_or_default() {
            for (client, subscription) in listeners {
                let Some(held) = self.listeners.get_mut(&client) else { continue };
                held.names[Space::ShardChannels as usize].remove(&subscription.order);
                held.publish_count(Space::ShardChannels);
                let left = held.subscriptions.told(Space::ShardChannels);
                let mut told = Encoded::unsubscribed(Space::ShardChannels, &name, left);
                deliver(client, told.bytes(subscription.protocol));
                self.drop_if_idle(client);
            }
        }
    }

    /// The names of a space that somebody listens to and that match `pattern`, if one is given.
    pub fn active(&self, space: Space, pattern: Option<&[u8]>) -> impl Iterator<Item = &[u8]> {
        let matches = move |name: &&[u8]| pattern.is_none_or(|glob| glob_match(glob, name, Case::Sensitive));
        self.tables(space).flat_map(BTreeMap::keys).map(|name| &**name).filter(matches)
    }

    /// How many names of a space are listened to.
    pub fn active_len(&self, space: Space) -> usize {
        self.tables(space).map(BTreeMap::len).sum()
    }

    /// How many connections listen to `name`; in a space of channels those that match it by a pattern are not among them.
    pub fn listeners_of(&self, space: Space, name: &[u8]) -> usize {
        self.tables(space).find_map(|names| names.get(name)).map_or(0, BTreeMap::len)
    }

    fn tables(&self, space: Space) -> Box<dyn Iterator<Item = &Names> + '_> {
        match space {
            Space::Channels => Box::new(core::iter::once(&self.channels)),
            Space::Patterns => Box::new(core::iter::once(&self.patterns)),
            Space::ShardChannels => Box::new(self.shard_channels.values()),
        }
    }

    fn names_of(&mut self, space: Space, name: &[u8]) -> &mut Names {
        match space {
            Space::Channels => &mut self.channels,
            Space::Patterns => &mut self.patterns,
            Space::ShardChannels => self.shard_channels.entry(key_slot(name)).or_default(),
        }
    }

    /// Takes `client` from the listeners of `name`; gives the number of its subscription if it was among them.
    fn leave(&mut self, client: ClientId, space: Space, name: &[u8]) -> Option<u64> {
        let names = self.names_of(space, name);
        let left = names.get_mut(name).and_then(|listeners| listeners.remove(&client));
        if names.get(name).is_some_and(BTreeMap::is_empty) {
            names.remove(name);
        }
        if space == Space::ShardChannels && names.is_empty() {
            self.shard_channels.remove(&key_slot(name));
        }
        left.map(|subscription| subscription.order)
    }

    fn drop_if_idle(&mut self, client: ClientId) {
        if self.listeners.get(&client).is_some_and(|held| held.subscriptions.is_empty()) {
            self.listeners.remove(&client);
        }
    }
}

/// Sends a message to those who listen to a shard channel, as a cost of its slot. Returns how many there are.
pub fn send_in_shard(
    node: &dyn Node,
    pubsub: &PubSub,
    channel: &[u8],
    message: &[u8],
    deliver: &mut Deliver<'_>,
) -> usize {
    let mut bytes_out = 0;
    let sent = pubsub.publish_in_shard(channel, message, &mut |client, bytes| {
        bytes_out += bytes.len() as u64;
        deliver(client, bytes);
    });
    if let Some(stats) = node.slot_stats().filter(|_| node.config().cluster_slot_stats_enabled()) {
        stats.add(key_slot(channel), SlotCost { bytes_out, ..SlotCost::default() });
    }
    sent
}

impl Held {
    fn new(listener: &Listener) -> Self {
        Self { subscriptions: Arc::clone(&listener.subscriptions), names: Default::default() }
    }

    fn publish_count(&self, space: Space) {
        self.subscriptions.set(space, self.names[space as usize].len());
    }
}

/// Sends a message to all of `listeners`. Returns how many there are.
fn send(
    listeners: Option<&BTreeMap<ClientId, Subscription>>,
    mut message: Encoded<impl Fn(&mut slotway_core::resp::encode::ReplyWriter<'_>)>,
    deliver: &mut Deliver<'_>,
) -> usize {
    let listeners = listeners.into_iter().flatten();
    listeners.map(|(client, subscription)| deliver(*client, message.bytes(subscription.protocol))).count()
}
