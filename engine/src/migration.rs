//! Keys on their way to another server: what MIGRATE asks of the node, and what the node tells when it is back.
//!
//! ```text
//!   MIGRATE --> commands/migrate   holds its keys, Effect::Migrate     session.after = Migrate: the node is asked
//!   node        Engine::pack       RESTORE commands, piece by piece, each with the shard of its key in hand; sends them, reads replies
//!   node        runs the same request again, with Arrived in the session: what has arrived is removed here, and held no longer
//! ```
//!
//! So no shard, and no thread, waits for the network, and a value of any size is packed in slices; the keys cannot change meanwhile
//! ([`Holds`](crate::interest::Holds)). Their readers go on until they are gone, and are then sent after them.

use alloc::boxed::Box;
use alloc::vec::Vec;

use slotway_core::resp::args::ArgsBuf;
use slotway_core::resp::error::ErrorReply;

use crate::keyspace::DbIndex;
use crate::rdb::RdbValue;
use crate::rdb::dump::Pieces;

/// How long a target may take if MIGRATE does not say.
pub const DEFAULT_TIMEOUT_MS: u64 = 1000;

/// A MIGRATE whose keys are here.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Migration {
    /// The request, to be run again.
    pub request: ArgsBuf,
    /// The target's address.
    pub host: Box<[u8]>,
    /// Its port, as it was given.
    pub port: Box<[u8]>,
    /// The target's database.
    pub to: i64,
    /// How long the target may take, each time that something is sent to it or expected of it.
    pub timeout_ms: u64,
    /// The key stays here, too.
    pub copy: bool,
    /// What the target has under the key goes.
    pub replace: bool,
    /// What to say to be let in.
    pub auth: Option<Credentials>,
    /// The database of the keys.
    pub from: DbIndex,
    /// The keys, all of which are there.
    pub keys: Vec<Box<[u8]>>,
}

/// A password, and the user if it is not the default one.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// AUTH2.
    pub user: Option<Box<[u8]>>,
    /// AUTH and AUTH2.
    pub password: Box<[u8]>,
}

impl core::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Credentials")
    }
}

/// What has become of a migration, or of some of its keys.
#[derive(Debug)]
pub struct Arrived {
    /// Keys that the target has confirmed.
    pub keys: Vec<Box<[u8]>>,
    /// What is answered, once all that arrived has been told.
    pub end: Option<Result<(), ErrorReply>>,
}

/// How far the keys of a migration have been packed.
#[derive(Default)]
pub struct Packing {
    /// The next key.
    pub(crate) next: usize,
    /// The large value under way.
    pub(crate) large: Option<Large>,
    /// The keys whose commands have been written, in order.
    pub packed: Vec<usize>,
}

/// A large value: packed twice, first to find out the length that is told in front.
pub(crate) enum Large {
    Measuring(Pieces),
    Writing { pieces: Pieces, len: usize },
}

/// What a slice of packing has come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Packed {
    /// There is more.
    More,
    /// All keys have been packed.
    All,
    /// A large value went while it was under way: what has been written of it is worth nothing.
    Lost,
}

/// A value that was decoded while nobody waited for it, or why the payload is none. A copy of the session has none.
#[derive(Default)]
pub struct Decoded(pub Option<Result<RdbValue, ErrorReply>>);

impl Clone for Decoded {
    fn clone(&self) -> Self {
        Self(None)
    }
}

impl core::fmt::Debug for Decoded {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Decoded")
    }
}
