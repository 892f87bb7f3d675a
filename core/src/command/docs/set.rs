//! Sets.

use super::Docs;
use super::describe::*;

pub(super) const DOCS: &[Docs] = &[
    docs("sadd", "Adds one or more members to a set. Creates the key if it doesn't exist.")
        .complexity(
            "O(1) for each element added, so O(N) to add N elements when the command is called with \
             multiple arguments.",
        )
        .history(&[("2.4.0", "Accepts multiple `member` arguments.")])
        .arguments(&[key("key", 0), string("member").multiple()]),
    docs("scard", "Returns the number of members in a set.").complexity("O(1)").arguments(&[key("key", 0)]),
    docs("sdiff", "Returns the difference of multiple sets.")
        .complexity("O(N) where N is the total number of elements in all given sets.")
        .arguments(&[key("key", 0).multiple()]),
    docs("sdiffstore", "Stores the difference of multiple sets in a key.")
        .complexity("O(N) where N is the total number of elements in all given sets.")
        .arguments(&[key("destination", 0), key("key", 1).multiple()]),
    docs("sinter", "Returns the intersect of multiple sets.")
        .complexity(
            "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of \
             sets.",
        )
        .arguments(&[key("key", 0).multiple()]),
    docs("sintercard", "Returns the number of members of the intersect of multiple sets.")
        .complexity(
            "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of \
             sets.",
        )
        .arguments(&[
            integer("numkeys"),
            key("key", 0).multiple(),
            integer("limit").token("LIMIT").optional(),
        ]),
    docs("sinterstore", "Stores the intersect of multiple sets in a key.")
        .complexity(
            "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of \
             sets.",
        )
        .arguments(&[key("destination", 0), key("key", 1).multiple()]),
    docs("sismember", "Determines whether a member belongs to a set.")
        .complexity("O(1)")
        .arguments(&[key("key", 0), string("member")]),
    docs("smembers", "Returns all members of a set.")
        .complexity("O(N) where N is the set cardinality.")
        .arguments(&[key("key", 0)]),
    docs("smismember", "Determines whether multiple members belong to a set.")
        .complexity("O(N) where N is the number of elements being checked for membership")
        .arguments(&[key("key", 0), string("member").multiple()]),
    docs("smove", "Moves a member from one set to another.").complexity("O(1)").arguments(&[
        key("source", 0),
        key("destination", 1),
        string("member"),
    ]),
    docs(
        "spop",
        "Returns one or more random members from a set after removing them. Deletes the set if \
         the last member was popped.",
    )
    .complexity(
        "Without the count argument O(1), otherwise O(N) where N is the value of the passed \
         count.",
    )
    .history(&[("3.2.0", "Added the `count` argument.")])
    .arguments(&[key("key", 0), integer("count").since("3.2.0").optional()]),
    docs("srandmember", "Get one or multiple random members from a set")
        .complexity(
            "Without the count argument O(1), otherwise O(N) where N is the absolute value of the \
             passed count.",
        )
        .history(&[("2.6.0", "Added the optional `count` argument.")])
        .arguments(&[key("key", 0), integer("count").since("2.6.0").optional()]),
    docs("srem", "Removes one or more members from a set. Deletes the set if the last member was removed.")
        .complexity("O(N) where N is the number of members to be removed.")
        .history(&[("2.4.0", "Accepts multiple `member` arguments.")])
        .arguments(&[key("key", 0), string("member").multiple()]),
    docs("sscan", "Iterates over members of a set.")
        .complexity(
            "O(1) for every call. O(N) for a complete iteration, including enough command calls for \
             the cursor to return back to 0. N is the number of elements inside the collection.",
        )
        .arguments(&[
            key("key", 0),
            integer("cursor"),
            pattern("pattern").token("MATCH").optional(),
            integer("count").token("COUNT").optional(),
        ]),
    docs("sunion", "Returns the union of multiple sets.")
        .complexity("O(N) where N is the total number of elements in all given sets.")
        .arguments(&[key("key", 0).multiple()]),
    docs("sunionstore", "Stores the union of multiple sets in a key.")
        .complexity("O(N) where N is the total number of elements in all given sets.")
        .arguments(&[key("destination", 0), key("key", 1).multiple()]),
];
