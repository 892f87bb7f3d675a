//! The chapters of the command reference.

/// The chapter of the command reference that a command belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Group {
    /// Strings as arrays of bits.
    Bitmap,
    /// The cluster as its nodes see it.
    Cluster,
    /// The connection between a client and a node.
    Connection,
    /// Keys, whatever they hold.
    Generic,
    /// Positions on earth.
    Geo,
    /// Hashes.
    Hash,
    /// HyperLogLogs.
    HyperLogLog,
    /// Lists.
    List,
    /// Channels, patterns and shard channels.
    PubSub,
    /// Scripts and functions.
    Scripting,
    /// A node itself.
    Server,
    /// Sets.
    Set,
    /// Sorted sets.
    SortedSet,
    /// Streams and their consumer groups.
    Stream,
    /// Strings and counters.
    String,
    /// Transactions.
    Transactions,
}

impl Group {
    /// The word in COMMAND DOCS.
    pub const fn as_str(self) -> &'static str {
        match self {
            Group::Bitmap => "bitmap",
            Group::Cluster => "cluster",
            Group::Connection => "connection",
            Group::Generic => "generic",
            Group::Geo => "geo",
            Group::Hash => "hash",
            Group::HyperLogLog => "hyperloglog",
            Group::List => "list",
            Group::PubSub => "pubsub",
            Group::Scripting => "scripting",
            Group::Server => "server",
            Group::Set => "set",
            Group::SortedSet => "sorted-set",
            Group::Stream => "stream",
            Group::String => "string",
            Group::Transactions => "transactions",
        }
    }
}
