//! Commands that need the node to do something first, and keys that are held meanwhile.
//!
//! ```text
//!   MIGRATE   Effect::Migrate --> session.migration     the node takes the keys elsewhere, and runs the request again: see crate::migration
//!   RESTORE   Effect::Decode ---> session.payload       the node decodes it, the connection goes on with the same request
//!   others    a key of theirs is held --> session.held_by    the connection goes on with the same request once it is not
//! ```

use alloc::vec::Vec;

use slotway_core::command::{Command, Flag, keys};
use slotway_core::resp::args::Args;
use slotway_core::resp::decode::{Decoder, Limits};
use slotway_core::resp::encode::Decimal;
use slotway_core::time::UnixMs;

use super::run::{Run, is_propagated};
use super::{Engine, Prepared, Request, Requests};
use crate::keyspace::Entry;
use crate::migration::{Large, Migration, Packed, Packing};
use crate::node::Node;
use crate::propagation::{write_command, write_len};
use crate::rdb::dump::{self, Pieces};
use crate::rdb::{Compression, Version};
use crate::registry::{Effect, Handler};
use crate::session::{After, ClientId, Session};
use crate::shards::{Held, ShardAccess, ShardSet, WholeKeyspace as _};
use crate::transaction::Transaction;

/// Of what Redis 7.0 reads, too.
const VERSION: Version = Version::V10;
/// Bytes of a value from which on it is packed in pieces.
const LARGE_LEN: usize = 64 * 1024;

impl<A: ShardAccess, N: Node> Run<'_, '_, A, N> {
    /// True if the request has to wait until keys of its are held no longer: the connection then waits.
    pub(super) fn is_held_back(&mut self, held: &mut Held<'_>, request: &Request<'_>) -> bool {
        let mut any = false;
        held.each(|shard| any |= !shard.interest.holds.is_empty());
        any && !self.session.is_primary_link && {
            let by = self.holder(held, request.command, request.args);
            self.wait_for(by)
        }
    }

    /// The same for a transaction.
    pub(super) fn is_transaction_held_back(
        &mut self,
        held: &mut Held<'_>,
        transaction: &Transaction,
    ) -> bool {
        let mut any = None;
        held.each(|shard| any = any.or(shard.interest.holds.any_holder()));
        if any.is_none() || self.session.is_primary_link {
            return false;
        }
        let by = transaction.queued.iter().find_map(|queued| match queued.handler {
            Handler::Node(_) if queued.command.flags.contains(Flag::Write) => any,
            _ => self.holder(held, queued.command, queued.args.as_args()),
        });
        self.wait_for(by)
    }

    /// The same for a command on the whole node: FLUSHALL.
    pub(super) fn is_node_held_back(&mut self, prepared: &Prepared<'_>) -> bool {
        let Prepared::Alone { request, .. } = prepared else { return false };
        if !request.command.flags.contains(Flag::Write) || self.session.is_primary_link {
            return false;
        }
        let mut by = None;
        self.engine.shards.each_shard(&mut |shard| by = by.or(shard.interest.holds.any_holder()));
        self.wait_for(by)
    }

    fn wait_for(&mut self, by: Option<ClientId>) -> bool {
        if by.is_some() {
            (self.session.after, self.session.held_by) = (After::Hold, by);
        }
        by.is_some()
    }

    /// Who else holds a key that the command may change.
    pub(super) fn holder(
        &self,
        held: &mut Held<'_>,
        command: &'static Command,
        args: Args<'_>,
    ) -> Option<ClientId> {
        if !is_propagated(command) {
            return None;
        }
        let (layout, db) = (self.engine.shards.layout(), self.session.db);
        keys::routed(command, args).find_map(|key| {
            let key = args.at(key.index);
            let shard = held.shard(layout, slotway_core::slot::key_slot(key));
            shard.interest.holds.holder(db, key).filter(|by| *by != self.session.id)
        })
    }

    /// A command that the node does something for. The index of the request to go on with.
    pub(super) fn send_out(&mut self, request: &Request<'_>, index: usize, effect: Effect) -> usize {
        match effect {
            Effect::Migrate(migration) => {
                self.node.holds_keys(self.session.id);
                (self.session.after, self.session.migration) = (After::Migrate, Some(migration));
                self.session.asking = false;
                self.session.last_command = request.command.name;
                index + 1
            }
            Effect::Decode(payload) => {
                (self.session.after, self.session.payload) = (After::Decode, Some(payload));
                index
            }
            Effect::None
            | Effect::Changed(_)
            | Effect::Watch
            | Effect::Exec
            | Effect::Script(_)
            | Effect::Block(_) => {
                unreachable!("asked for errands only")
            }
        }
    }
}

impl<A: ShardAccess> Engine<A> {
    /// Appends the next commands of a migration to `out`, some `budget` bytes. Shards are in hand for a value, or for a slice of a large one.
    pub fn pack<N: Node>(
        &self,
        node: &N,
        migration: &Migration,
        client: ClientId,
        packing: &mut Packing,
        budget: usize,
        out: &mut Vec<u8>,
    ) -> Packed {
        let is_cluster = node.config().cluster_enabled();
        let until = out.len() + budget;
        while let Some(name) = migration.keys.get(packing.next) {
            let key = self.hasher.key(name);
            let shard = ShardSet::One(self.shards.layout().shard_of(key.slot()));
            let went = self.shards.with(shard, |held| {
                let shard = held.shard(self.shards.layout(), key.slot());
                let is_intact = shard.interest.holds.is_intact(migration.from, name, client);
                let entry = shard.db(migration.from).peek(node.now(), &key).filter(|_| is_intact);
                Pack { migration, is_cluster, now: node.now(), packing, out }.key(entry, budget)
            });
            match went {
                Packed::More if out.len() < until && packing.large.is_none() => {}
                went @ (Packed::More | Packed::All | Packed::Lost) => return went,
            }
        }
        Packed::All
    }

    /// Runs the request of a migration again, which `session` is that of: see [`Arrived`](crate::migration::Arrived). Appends the reply to `out`.
    pub fn come_back<N: Node>(
        &self,
        node: &N,
        session: &mut Session,
        request: Args<'_>,
        out: &mut Vec<u8>,
    ) -> super::Tally {
        let mut bytes = Vec::new();
        write_command(&mut bytes, request.iter());
        let mut decoder = Decoder::default();
        let limits = Limits { bulk_len_max: u64::MAX >> 1, authenticated: true };
        // It has been decoded before.
        let _ = decoder.decode(&bytes, limits);
        self.execute(node, session, Requests { decoder: &decoder, buffer: &bytes }, out)
    }

    /// `client` holds no key any longer.
    pub fn release_keys(&self, client: ClientId) {
        self.shards.each_shard(&mut |shard| shard.interest.holds.release_all(client));
    }
}

/// Packs one key.
struct Pack<'p> {
    migration: &'p Migration,
    is_cluster: bool,
    now: UnixMs,
    packing: &'p mut Packing,
    out: &'p mut Vec<u8>,
}

impl Pack<'_> {
    fn key(mut self, entry: Option<Entry<'_>>, budget: usize) -> Packed {
        match (entry, self.packing.large.take()) {
            (None, Some(_)) => Packed::Lost,
            // It has expired, or was evicted: there is nothing to move.
            (None, None) => {
                self.packing.next += 1;
                Packed::More
            }
            (Some(entry), Some(large)) => self.large(entry, large, budget),
            (Some(entry), None) if entry.footprint() > LARGE_LEN => {
                self.large(entry, Large::Measuring(Pieces::new(VERSION)), budget)
            }
            (Some(entry), None) => {
                let payload = dump::encode(entry.value(), VERSION, Compression::Off);
                self.head(entry, payload.len());
                self.out.extend_from_slice(&payload);
                self.tail()
            }
        }
    }

    fn large(&mut self, entry: Entry<'_>, large: Large, budget: usize) -> Packed {
        self.packing.large = Some(match large {
            Large::Measuring(mut pieces) => {
                let mut measured = Vec::new();
                match pieces.next(entry.value(), budget, &mut measured) {
                    true => Large::Measuring(pieces),
                    false => {
                        self.head(entry, pieces.len());
                        Large::Writing { pieces: Pieces::new(VERSION), len: pieces.len() }
                    }
                }
            }
            Large::Writing { mut pieces, len } => {
                if !pieces.next(entry.value(), budget, self.out) {
                    assert_eq!(pieces.len(), len, "a value that is held does not change");
                    return self.tail();
                }
                Large::Writing { pieces, len }
            }
        });
        Packed::More
    }

    /// `RESTORE key ttl`, and the length of the payload.
    fn head(&mut self, entry: Entry<'_>, payload_len: usize) {
        let name: &[u8] = if self.is_cluster { b"RESTORE-ASKING" } else { b"RESTORE" };
        // Whoever expires in this millisecond has one left, as in Redis: 0 would be for ever.
        let ttl = entry.expiry().map_or(0, |at| at.ms_since(self.now).max(1));
        write_len(self.out, b'*', 4 + usize::from(self.migration.replace));
        for word in [name, entry.key(), Decimal::new().format_unsigned(ttl)] {
            write_len(self.out, b'$', word.len());
            self.out.extend_from_slice(word);
            self.out.extend_from_slice(b"\r\n");
        }
        write_len(self.out, b'$', payload_len);
    }

    fn tail(&mut self) -> Packed {
        self.out.extend_from_slice(b"\r\n");
        if self.migration.replace {
            self.out.extend_from_slice(b"$7\r\nREPLACE\r\n");
        }
        self.packing.packed.push(self.packing.next);
        self.packing.next += 1;
        Packed::More
    }
}
