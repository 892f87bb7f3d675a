//! All connections of one node: who they are, and how to end them from outside.
//!
//! A connection publishes its card after each batch; CLIENT LIST reads the cards, CLIENT KILL and the idle timeout abort
//! the task. An aborted task stops where it waits, for input or for a slow reader, never within a command.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use slotway_core::time::UnixMs;
use slotway_engine::config::{OutputLimit, OutputLimits};
use slotway_engine::node::ClientCard;
use slotway_engine::pubsub::Subscriptions;
use slotway_engine::session::{ClientId, Session};
use tokio::task::AbortHandle;

use crate::outbox::{Outbox, Outboxes};

/// The connections of one node.
#[derive(Default)]
pub(crate) struct Clients {
    outboxes: Outboxes,
    open: Mutex<BTreeMap<ClientId, Arc<Client>>>,
    /// How many wait for anything but keys.
    waiting: AtomicUsize,
    /// Bytes that all take as of the last look, and when to look again, in ms.
    memory: AtomicU64,
    look_at_ms: AtomicU64,
}

/// How long what all connections take is taken to hold, in ms, and so much longer for each of them: to look is work for each.
const LOOK_EVERY_MS: u64 = 10;
const CONNECTIONS_PER_MS: u64 = 100;

/// One who waits, counted for as long as that lasts.
pub(crate) struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One connection, seen from outside its task.
pub(crate) struct Client {
    card: Mutex<ClientCard>,
    task: Mutex<Option<AbortHandle>>,
    pub(crate) outbox: Arc<Outbox>,
}

impl Clients {
    /// A number that no connection has had.
    pub(crate) fn next_id(&self) -> ClientId {
        self.outboxes.next_id()
    }

    /// Sends `bytes` to a connection, or ends it if it has been sent more than `limits` allow and does not read: then its address is returned.
    pub(crate) fn deliver(
        &self,
        to: ClientId,
        bytes: &[u8],
        limits: OutputLimits,
        now: UnixMs,
    ) -> Option<String> {
        let outbox = self.outboxes.get(to)?;
        let client = self.open.lock().get(&to).map(Arc::clone);
        let limit = client.as_ref().map_or(limits.normal, |client| client.limit(limits));
        if outbox.push(bytes, limit, now) {
            return None;
        }
        let client = client?;
        client.abort();
        let address = client.card.lock().session.address.clone();
        Some(address)
    }

    /// What a connection listens to, if there is one of that number.
    pub(crate) fn listener(&self, id: ClientId) -> Option<Arc<Subscriptions>> {
        let client = self.open.lock().get(&id).map(Arc::clone)?;
        let card = client.card.lock();
        Some(Arc::clone(&card.session.subscriptions))
    }

    /// Counts one who waits for anything but keys, until the result is dropped.
    pub(crate) fn note_waiting(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(&self.waiting)
    }

    /// How many wait for anything but keys.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Bytes that they take, replicas aside, as of now or a moment ago.
    pub(crate) fn recent_memory(&self, now: UnixMs) -> u64 {
        if now.as_ms() < self.look_at_ms.load(Ordering::Relaxed) {
            return self.memory.load(Ordering::Relaxed);
        }
        let open = self.open.lock();
        let memory = open.values().map(|client| client.memory()).sum::<usize>() as u64;
        let holds_ms = LOOK_EVERY_MS.max(open.len() as u64 / CONNECTIONS_PER_MS);
        self.memory.store(memory, Ordering::Relaxed);
        self.look_at_ms.store(now.as_ms() + holds_ms, Ordering::Relaxed);
        memory
    }

    /// Ends those that have been past a soft limit for too long, though nothing is sent to them now. Returns their addresses.
    pub(crate) fn close_slow(&self, limits: OutputLimits, now: UnixMs) -> Vec<String> {
        let open = self.open.lock();
        let slow = open.values().filter(|client| !client.outbox.is_within(client.limit(limits), now));
        slow.map(|client| {
            client.abort();
            client.card.lock().session.address.clone()
        })
        .collect()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.open.lock().len()
    }

    /// Enters a connection. It leaves when the registration is dropped.
    pub(crate) fn enter(self: &Arc<Self>, session: &Session, fd: i64, now: UnixMs) -> Registration {
        let card = ClientCard::new(session.clone(), now, fd);
        let outbox = self.outboxes.open(session.id);
        let client = Arc::new(Client { card: Mutex::new(card), task: Mutex::new(None), outbox });
        self.open.lock().insert(session.id, Arc::clone(&client));
        Registration { id: session.id, clients: Arc::clone(self), client }
    }

    /// All cards, in order of their numbers.
    pub(crate) fn cards(&self) -> Vec<ClientCard> {
        self.open.lock().values().map(|client| client.card()).collect()
    }

    /// The card of one of them.
    pub(crate) fn card(&self, id: ClientId) -> Option<ClientCard> {
        self.open.lock().get(&id).map(|client| client.card())
    }

    /// Ends the connections given. Returns how many there were.
    pub(crate) fn kill(&self, ids: &[ClientId]) -> usize {
        let open = self.open.lock();
        ids.iter().filter_map(|id| open.get(id)).map(|client| client.abort()).count()
    }

    /// Ends all connections.
    pub(crate) fn kill_all(&self) {
        self.open.lock().values().for_each(|client| client.abort());
    }

    /// Ends those that have sent nothing since `since`, but for those that wait or listen.
    pub(crate) fn kill_idle(&self, since: UnixMs) {
        self.open
            .lock()
            .values()
            .filter(|client| is_idle(&client.card.lock(), since))
            .for_each(|client| client.abort());
    }

    /// Ends those that take most memory, until all together take no more than so many bytes. Returns how many.
    pub(crate) fn evict(&self, bytes_max: u64) -> usize {
        let cards: Vec<_> = self.cards().into_iter().filter(ClientCard::is_ordinary).collect();
        let mut bytes = cards.iter().map(|card| card.memory() as u64).sum::<u64>();
        let mut candidates: Vec<_> = cards
            .iter()
            .filter(|card| !card.session.no_evict)
            .map(|card| (card.memory(), card.session.id))
            .collect();
        candidates.sort_unstable();
        let mut evicted = Vec::new();
        while let Some((memory, id)) = candidates.pop().filter(|_| bytes > bytes_max) {
            bytes -= memory as u64;
            evicted.push(id);
        }
        self.kill(&evicted)
    }
}

/// Whether a connection has had nothing to say since then: `timeout`.
fn is_idle(card: &ClientCard, since: UnixMs) -> bool {
    let listens = !card.session.subscriptions.is_empty();
    card.active_at < since && card.is_ordinary() && !card.modes.is_blocked && !listens
}

impl Client {
    /// What may wait to be sent to it.
    fn limit(&self, limits: OutputLimits) -> OutputLimit {
        let listens = !self.card.lock().session.subscriptions.is_empty();
        if listens { limits.pubsub } else { limits.normal }
    }

    /// Bytes that it takes; none of a replica's.
    fn memory(&self) -> usize {
        let card = self.card.lock();
        if card.is_ordinary() { card.memory() + self.outbox.len() } else { 0 }
    }

    /// As it is now, with what waits to be sent to it.
    fn card(&self) -> ClientCard {
        let mut card = self.card.lock().clone();
        card.output_len = self.outbox.len();
        card
    }

    fn abort(&self) {
        if let Some(task) = &*self.task.lock() {
            task.abort();
        }
    }
}

/// A connection's place among the node's connections.
pub(crate) struct Registration {
    id: ClientId,
    clients: Arc<Clients>,
    client: Arc<Client>,
}

impl Registration {
    /// The connection as others see it, to be told which task serves it.
    pub(crate) fn client(&self) -> Arc<Client> {
        Arc::clone(&self.client)
    }

    /// What others have for the connection.
    pub(crate) fn outbox(&self) -> &Outbox {
        &self.client.outbox
    }

    /// Publishes what the connection has become after a batch. `query` is the length and the room of its read buffer,
    /// `memory` the bytes it takes.
    pub(crate) fn publish(&self, session: &mut Session, now: UnixMs, query: (usize, usize), memory: usize) {
        let mut card = self.client.card.lock();
        if std::mem::take(&mut session.card_changed) {
            card.session.clone_from(session);
        }
        card.modes = session.modes();
        card.session.last_command = session.last_command;
        card.active_at = now;
        (card.query_len, card.query_free) = query;
        card.memory = memory;
    }
}

impl Client {
    /// Tells which task serves the connection.
    pub(crate) fn served_by(&self, task: AbortHandle) {
        *self.task.lock() = Some(task);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.clients.open.lock().remove(&self.id);
        self.clients.outboxes.close(self.id);
    }
}
