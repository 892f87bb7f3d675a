//! Hashes: fields with values.

use super::Docs;
use super::describe::*;

pub(super) const DOCS: &[Docs] = &[
    docs(
        "hdel",
        "Deletes one or more fields and their values from a hash. Deletes the hash if no fields \
         remain.",
    )
    .complexity("O(N) where N is the number of fields to be removed.")
    .history(&[("2.4.0", "Accepts multiple `field` arguments.")])
    .arguments(&[key("key", 0), string("field").multiple()]),
    docs("hexists", "Determines whether a field exists in a hash.")
        .complexity("O(1)")
        .arguments(&[key("key", 0), string("field")]),
    docs("hget", "Returns the value of a field in a hash.")
        .complexity("O(1)")
        .arguments(&[key("key", 0), string("field")]),
    docs("hgetall", "Returns all fields and values in a hash.")
        .complexity("O(N) where N is the size of the hash.")
        .arguments(&[key("key", 0)]),
    docs(
        "hincrby",
        "Increments the integer value of a field in a hash by a number. Uses 0 as initial value \
         if the field doesn't exist.",
    )
    .complexity("O(1)")
    .arguments(&[key("key", 0), string("field"), integer("increment")]),
    docs(
        "hincrbyfloat",
        "Increments the floating point value of a field by a number. Uses 0 as initial value if \
         the field doesn't exist.",
    )
    .complexity("O(1)")
    .arguments(&[key("key", 0), string("field"), double("increment")]),
    docs("hkeys", "Returns all fields in a hash.")
        .complexity("O(N) where N is the size of the hash.")
        .arguments(&[key("key", 0)]),
    docs("hlen", "Returns the number of fields in a hash.").complexity("O(1)").arguments(&[key("key", 0)]),
    docs("hmget", "Returns the values of all fields in a hash.")
        .complexity("O(N) where N is the number of fields being requested.")
        .arguments(&[key("key", 0), string("field").multiple()]),
    docs("hmset", "Sets the values of multiple fields.")
        .complexity("O(N) where N is the number of fields being set.")
        .deprecated("4.0.0", "`HSET` with multiple field-value pairs")
        .arguments(&[key("key", 0), block("data", &[string("field"), string("value")]).multiple()]),
    docs("hrandfield", "Returns one or more random fields from a hash.")
        .complexity("O(N) where N is the number of fields returned")
        .arguments(&[
            key("key", 0),
            block("options", &[integer("count"), word("withvalues", "WITHVALUES").optional()]).optional(),
        ]),
    docs("hscan", "Iterates over fields and values of a hash.")
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
    docs("hset", "Creates or modifies the value of a field in a hash.")
        .complexity(
            "O(1) for each field/value pair added, so O(N) to add N field/value pairs when the \
             command is called with multiple field/value pairs.",
        )
        .history(&[("4.0.0", "Accepts multiple `field` and `value` arguments.")])
        .arguments(&[key("key", 0), block("data", &[string("field"), string("value")]).multiple()]),
    docs("hsetnx", "Sets the value of a field in a hash only when the field doesn't exist.")
        .complexity("O(1)")
        .arguments(&[key("key", 0), string("field"), string("value")]),
    docs("hstrlen", "Returns the length of the value of a field.")
        .complexity("O(1)")
        .arguments(&[key("key", 0), string("field")]),
    docs("hvals", "Returns all values in a hash.")
        .complexity("O(N) where N is the size of the hash.")
        .arguments(&[key("key", 0)]),
];
