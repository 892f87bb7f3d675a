//! Command tips: what a client or proxy of a cluster does with a command that concerns several nodes.
//!
//! The rule's source is the chapter on command tips of the Redis documentation.

/// One tip.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Tip {
    /// Equal requests on equal data can have different replies.
    NondeterministicOutput,
    /// As above, in their order only.
    NondeterministicOutputOrder,
    /// Where to send it.
    Request(RequestPolicy),
    /// How to make one reply of several.
    Response(ResponsePolicy),
}

/// Which nodes a request without keys, or with keys of several slots, is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum RequestPolicy {
    /// All nodes.
    AllNodes,
    /// One node (a primary) of each shard.
    AllShards,
    /// The shards of its keys, each with its own keys.
    MultiShard,
    /// A rule of the command's own.
    Special,
}

/// How replies of several nodes become one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ResponsePolicy {
    /// The first that is no error.
    OneSucceeded,
    /// Any, if none is an error.
    AllSucceeded,
    /// Logical AND.
    AggLogicalAnd,
    /// The least.
    AggMin,
    /// The sum.
    AggSum,
    /// A rule of the command's own.
    Special,
}

impl Tip {
    /// The text in COMMAND.
    pub const fn as_str(self) -> &'static str {
        match self {
            Tip::NondeterministicOutput => "nondeterministic_output",
            Tip::NondeterministicOutputOrder => "nondeterministic_output_order",
            Tip::Request(RequestPolicy::AllNodes) => "request_policy:all_nodes",
            Tip::Request(RequestPolicy::AllShards) => "request_policy:all_shards",
            Tip::Request(RequestPolicy::MultiShard) => "request_policy:multi_shard",
            Tip::Request(RequestPolicy::Special) => "request_policy:special",
            Tip::Response(ResponsePolicy::OneSucceeded) => "response_policy:one_succeeded",
            Tip::Response(ResponsePolicy::AllSucceeded) => "response_policy:all_succeeded",
            Tip::Response(ResponsePolicy::AggLogicalAnd) => "response_policy:agg_logical_and",
            Tip::Response(ResponsePolicy::AggMin) => "response_policy:agg_min",
            Tip::Response(ResponsePolicy::AggSum) => "response_policy:agg_sum",
            Tip::Response(ResponsePolicy::Special) => "response_policy:special",
        }
    }
}
