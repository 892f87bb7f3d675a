//! Transactions.

use super::Docs;
use super::describe::*;

pub(super) const DOCS: &[Docs] = &[
    docs("discard", "Discards a transaction.").complexity("O(N), when N is the number of queued commands"),
    docs("exec", "Executes all commands in a transaction.")
        .complexity("Depends on commands in the transaction"),
    docs("multi", "Starts a transaction.").complexity("O(1)"),
    docs("unwatch", "Forgets about watched keys of a transaction.").complexity("O(1)"),
    docs("watch", "Monitors changes to keys to determine the execution of a transaction.")
        .complexity("O(1) for every key.")
        .arguments(&[key("key", 0).multiple()]),
];
