//! Sorted sets.

use super::Docs;
use super::describe::*;

pub(super) const DOCS: &[Docs] = &[
    docs(
        "bzmpop",
        "Removes and returns a member by score from one or more sorted sets. Blocks until a \
         member is available otherwise. Deletes the sorted set if the last element was popped.",
    )
    .complexity(
        "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of \
         elements in the sorted set, and M being the number of elements popped.",
    )
    .arguments(&[
        double("timeout"),
        integer("numkeys"),
        key("key", 0).multiple(),
        one_of("where", &[word("min", "MIN"), word("max", "MAX")]),
        integer("count").token("COUNT").optional(),
    ]),
    docs(
        "bzpopmax",
        "Removes and returns the member with the highest score from one or more sorted sets. \
         Blocks until a member available otherwise.  Deletes the sorted set if the last element \
         was popped.",
    )
    .complexity("O(log(N)) with N being the number of elements in the sorted set.")
    .history(&[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")])
    .arguments(&[key("key", 0).multiple(), double("timeout")]),
    docs(
        "bzpopmin",
        "Removes and returns the member with the lowest score from one or more sorted sets. \
         Blocks until a member is available otherwise. Deletes the sorted set if the last element \
         was popped.",
    )
    .complexity("O(log(N)) with N being the number of elements in the sorted set.")
    .history(&[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")])
    .arguments(&[key("key", 0).multiple(), double("timeout")]),
    docs(
        "zadd",
        "Adds one or more members to a sorted set, or updates their scores. Creates the key if it \
         doesn't exist.",
    )
    .complexity("O(log(N)) for each item added, where N is the number of elements in the sorted set.")
    .history(&[
        ("2.4.0", "Accepts multiple elements."),
        ("3.0.2", "Added the `XX`, `NX`, `CH` and `INCR` options."),
        ("6.2.0", "Added the `GT` and `LT` options."),
    ])
    .arguments(&[
        key("key", 0),
        one_of("condition", &[word("nx", "NX"), word("xx", "XX")]).since("3.0.2").optional(),
        one_of("comparison", &[word("gt", "GT"), word("lt", "LT")]).since("6.2.0").optional(),
        word("change", "CH").since("3.0.2").optional(),
        word("increment", "INCR").since("3.0.2").optional(),
        block("data", &[double("score"), string("member")]).multiple(),
    ]),
    docs("zcard", "Returns the number of members in a sorted set.")
        .complexity("O(1)")
        .arguments(&[key("key", 0)]),
    docs("zcount", "Returns the count of members in a sorted set that have scores within a range.")
        .complexity("O(log(N)) with N being the number of elements in the sorted set.")
        .arguments(&[key("key", 0), double("min"), double("max")]),
    docs("zdiff", "Returns the difference between multiple sorted sets.")
        .complexity(
            "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N \
             is the size of the first set, and K is the size of the result set.",
        )
        .arguments(&[
            integer("numkeys"),
            key("key", 0).multiple(),
            word("withscores", "WITHSCORES").optional(),
        ]),
    docs("zdiffstore", "Stores the difference of multiple sorted sets in a key.")
        .complexity(
            "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N \
             is the size of the first set, and K is the size of the result set.",
        )
        .arguments(&[key("destination", 0), integer("numkeys"), key("key", 1).multiple()]),
    docs("zincrby", "Increments the score of a member in a sorted set.")
        .complexity("O(log(N)) where N is the number of elements in the sorted set.")
        .arguments(&[key("key", 0), integer("increment"), string("member")]),
    docs("zinter", "Returns the intersect of multiple sorted sets.")
        .complexity(
            "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the \
             number of input sorted sets and M being the number of elements in the resulting sorted \
             set.",
        )
        .arguments(&[
            integer("numkeys"),
            key("key", 0).multiple(),
            integer("weight").token("WEIGHTS").optional().multiple(),
            one_of("aggregate", &[word("sum", "SUM"), word("min", "MIN"), word("max", "MAX")])
                .token("AGGREGATE")
                .optional(),
            word("withscores", "WITHSCORES").optional(),
        ]),
    docs("zintercard", "Returns the number of members of the intersect of multiple sorted sets.")
        .complexity(
            "O(N*K) worst case with N being the smallest input sorted set, K being the number of \
             input sorted sets.",
        )
        .arguments(&[
            integer("numkeys"),
            key("key", 0).multiple(),
            integer("limit").token("LIMIT").optional(),
        ]),
    docs("zinterstore", "Stores the intersect of multiple sorted sets in a key.")
        .complexity(
            "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the \
             number of input sorted sets and M being the number of elements in the resulting sorted \
             set.",
        )
        .arguments(&[
            key("destination", 0),
            integer("numkeys"),
            key("key", 1).multiple(),
            integer("weight").token("WEIGHTS").optional().multiple(),
            one_of("aggregate", &[word("sum", "SUM"), word("min", "MIN"), word("max", "MAX")])
                .token("AGGREGATE")
                .optional(),
        ]),
    docs("zlexcount", "Returns the number of members in a sorted set within a lexicographical range.")
        .complexity("O(log(N)) with N being the number of elements in the sorted set.")
        .arguments(&[key("key", 0), string("min"), string("max")]),
    docs(
        "zmpop",
        "Returns the highest- or lowest-scoring members from one or more sorted sets after \
         removing them. Deletes the sorted set if the last member was popped.",
    )
    .complexity(
        "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of \
         elements in the sorted set, and M being the number of elements popped.",
    )
    .arguments(&[
        integer("numkeys"),
        key("key", 0).multiple(),
        one_of("where", &[word("min", "MIN"), word("max", "MAX")]),
        integer("count").token("COUNT").optional(),
    ]),
    docs("zmscore", "Returns the score of one or more members in a sorted set.")
        .complexity("O(N) where N is the number of members being requested.")
        .arguments(&[key("key", 0), string("member").multiple()]),
    docs(
        "zpopmax",
        "Returns the highest-scoring members from a sorted set after removing them. Deletes the \
         sorted set if the last member was popped.",
    )
    .complexity(
        "O(log(N)*M) with N being the number of elements in the sorted set, and M being the \
         number of elements popped.",
    )
    .arguments(&[key("key", 0), integer("count").optional()]),
    docs(
        "zpopmin",
        "Returns the lowest-scoring members from a sorted set after removing them. Deletes the \
         sorted set if the last member was popped.",
    )
    .complexity(
        "O(log(N)*M) with N being the number of elements in the sorted set, and M being the \
         number of elements popped.",
    )
    .arguments(&[key("key", 0), integer("count").optional()]),
    docs("zrandmember", "Returns one or more random members from a sorted set.")
        .complexity("O(N) where N is the number of members returned")
        .arguments(&[
            key("key", 0),
            block("options", &[integer("count"), word("withscores", "WITHSCORES").optional()]).optional(),
        ]),
    docs("zrange", "Returns members in a sorted set within a range of indexes.")
        .complexity(
            "O(log(N)+M) with N being the number of elements in the sorted set and M the number of \
             elements returned.",
        )
        .history(&[("6.2.0", "Added the `REV`, `BYSCORE`, `BYLEX` and `LIMIT` options.")])
        .arguments(&[
            key("key", 0),
            string("start"),
            string("stop"),
            one_of("sortby", &[word("byscore", "BYSCORE"), word("bylex", "BYLEX")]).since("6.2.0").optional(),
            word("rev", "REV").since("6.2.0").optional(),
            block("limit", &[integer("offset"), integer("count")]).token("LIMIT").since("6.2.0").optional(),
            word("withscores", "WITHSCORES").optional(),
        ]),
    docs("zrangebylex", "Returns members in a sorted set within a lexicographical range.")
        .complexity(
            "O(log(N)+M) with N being the number of elements in the sorted set and M the number of \
             elements being returned. If M is constant (e.g. always asking for the first 10 elements \
             with LIMIT), you can consider it O(log(N)).",
        )
        .deprecated("6.2.0", "`ZRANGE` with the `BYLEX` argument")
        .arguments(&[
            key("key", 0),
            string("min"),
            string("max"),
            block("limit", &[integer("offset"), integer("count")]).token("LIMIT").optional(),
        ]),
    docs("zrangebyscore", "Returns members in a sorted set within a range of scores.")
        .complexity(
            "O(log(N)+M) with N being the number of elements in the sorted set and M the number of \
             elements being returned. If M is constant (e.g. always asking for the first 10 elements \
             with LIMIT), you can consider it O(log(N)).",
        )
        .deprecated("6.2.0", "`ZRANGE` with the `BYSCORE` argument")
        .history(&[("2.0.0", "Added the `WITHSCORES` modifier.")])
        .arguments(&[
            key("key", 0),
            double("min"),
            double("max"),
            word("withscores", "WITHSCORES").since("2.0.0").optional(),
            block("limit", &[integer("offset"), integer("count")]).token("LIMIT").optional(),
        ]),
    docs("zrangestore", "Stores a range of members from sorted set in a key.")
        .complexity(
            "O(log(N)+M) with N being the number of elements in the sorted set and M the number of \
             elements stored into the destination key.",
        )
        .arguments(&[
            key("dst", 0),
            key("src", 1),
            string("min"),
            string("max"),
            one_of("sortby", &[word("byscore", "BYSCORE"), word("bylex", "BYLEX")]).optional(),
            word("rev", "REV").optional(),
            block("limit", &[integer("offset"), integer("count")]).token("LIMIT").optional(),
        ]),
    docs("zrank", "Returns the index of a member in a sorted set ordered by ascending scores.")
        .complexity("O(log(N))")
        .history(&[("7.2.0", "Added the optional `WITHSCORE` argument.")])
        .arguments(&[key("key", 0), string("member"), word("withscore", "WITHSCORE").optional()]),
    docs(
        "zrem",
        "Removes one or more members from a sorted set. Deletes the sorted set if all members \
         were removed.",
    )
    .complexity(
        "O(M*log(N)) with N being the number of elements in the sorted set and M the number of \
         elements to be removed.",
    )
    .history(&[("2.4.0", "Accepts multiple elements.")])
    .arguments(&[key("key", 0), string("member").multiple()]),
    docs(
        "zremrangebylex",
        "Removes members in a sorted set within a lexicographical range. Deletes the sorted set \
         if all members were removed.",
    )
    .complexity(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of \
         elements removed by the operation.",
    )
    .arguments(&[key("key", 0), string("min"), string("max")]),
    docs(
        "zremrangebyrank",
        "Removes members in a sorted set within a range of indexes. Deletes the sorted set if all \
         members were removed.",
    )
    .complexity(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of \
         elements removed by the operation.",
    )
    .arguments(&[key("key", 0), integer("start"), integer("stop")]),
    docs(
        "zremrangebyscore",
        "Removes members in a sorted set within a range of scores. Deletes the sorted set if all \
         members were removed.",
    )
    .complexity(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of \
         elements removed by the operation.",
    )
    .arguments(&[key("key", 0), double("min"), double("max")]),
    docs("zrevrange", "Returns members in a sorted set within a range of indexes in reverse order.")
        .complexity(
            "O(log(N)+M) with N being the number of elements in the sorted set and M the number of \
             elements returned.",
        )
        .deprecated("6.2.0", "`ZRANGE` with the `REV` argument")
        .arguments(&[
            key("key", 0),
            integer("start"),
            integer("stop"),
            word("withscores", "WITHSCORES").optional(),
        ]),
    docs(
        "zrevrangebylex",
        "Returns members in a sorted set within a lexicographical range in reverse order.",
    )
    .complexity(
        "O(log(N)+M) with N being the number of elements in the sorted set and M the number of \
         elements being returned. If M is constant (e.g. always asking for the first 10 elements \
         with LIMIT), you can consider it O(log(N)).",
    )
    .deprecated("6.2.0", "`ZRANGE` with the `REV` and `BYLEX` arguments")
    .arguments(&[
        key("key", 0),
        string("max"),
        string("min"),
        block("limit", &[integer("offset"), integer("count")]).token("LIMIT").optional(),
    ]),
    docs("zrevrangebyscore", "Returns members in a sorted set within a range of scores in reverse order.")
        .complexity(
            "O(log(N)+M) with N being the number of elements in the sorted set and M the number of \
             elements being returned. If M is constant (e.g. always asking for the first 10 elements \
             with LIMIT), you can consider it O(log(N)).",
        )
        .deprecated("6.2.0", "`ZRANGE` with the `REV` and `BYSCORE` arguments")
        .history(&[("2.1.6", "`min` and `max` can be exclusive.")])
        .arguments(&[
            key("key", 0),
            double("max"),
            double("min"),
            word("withscores", "WITHSCORES").optional(),
            block("limit", &[integer("offset"), integer("count")]).token("LIMIT").optional(),
        ]),
    docs("zrevrank", "Returns the index of a member in a sorted set ordered by descending scores.")
        .complexity("O(log(N))")
        .history(&[("7.2.0", "Added the optional `WITHSCORE` argument.")])
        .arguments(&[key("key", 0), string("member"), word("withscore", "WITHSCORE").optional()]),
    docs("zscan", "Iterates over members and scores of a sorted set.")
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
    docs("zscore", "Returns the score of a member in a sorted set.")
        .complexity("O(1)")
        .arguments(&[key("key", 0), string("member")]),
    docs("zunion", "Returns the union of multiple sorted sets.")
        .complexity(
            "O(N)+O(M*log(M)) with N being the sum of the sizes of the input sorted sets, and M being \
             the number of elements in the resulting sorted set.",
        )
        .arguments(&[
            integer("numkeys"),
            key("key", 0).multiple(),
            integer("weight").token("WEIGHTS").optional().multiple(),
            one_of("aggregate", &[word("sum", "SUM"), word("min", "MIN"), word("max", "MAX")])
                .token("AGGREGATE")
                .optional(),
            word("withscores", "WITHSCORES").optional(),
        ]),
    docs("zunionstore", "Stores the union of multiple sorted sets in a key.")
        .complexity(
            "O(N)+O(M log(M)) with N being the sum of the sizes of the input sorted sets, and M being \
             the number of elements in the resulting sorted set.",
        )
        .arguments(&[
            key("destination", 0),
            integer("numkeys"),
            key("key", 1).multiple(),
            integer("weight").token("WEIGHTS").optional().multiple(),
            one_of("aggregate", &[word("sum", "SUM"), word("min", "MIN"), word("max", "MAX")])
                .token("AGGREGATE")
                .optional(),
        ]),
];
