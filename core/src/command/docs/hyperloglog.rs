//! HyperLogLogs: how many distinct elements, about.

use super::Docs;
use super::describe::*;

pub(super) const DOCS: &[Docs] = &[
    docs("pfadd", "Adds elements to a HyperLogLog key. Creates the key if it doesn't exist.")
        .complexity("O(1) to add every element.")
        .arguments(&[key("key", 0), string("element").optional().multiple()]),
    docs("pfcount", "Returns the approximated cardinality of the set(s) observed by the HyperLogLog key(s).")
        .complexity(
            "O(1) with a very small average constant time when called with a single key. O(N) with N \
             being the number of keys, and much bigger constant times, when called with multiple \
             keys.",
        )
        .arguments(&[key("key", 0).multiple()]),
    docs("pfdebug", "Internal commands for debugging HyperLogLog values.")
        .complexity("N/A")
        .system()
        .arguments(&[string("subcommand"), key("key", 0)]),
    docs("pfmerge", "Merges one or more HyperLogLog values into a single key.")
        .complexity("O(N) to merge N HyperLogLogs, but with high constant times.")
        .arguments(&[key("destkey", 0), key("sourcekey", 1).optional().multiple()]),
    docs("pfselftest", "An internal command for testing HyperLogLog values.").complexity("N/A").system(),
];
