//! Strings and counters.

use super::Docs;
use super::describe::*;

pub(super) const DOCS: &[Docs] = &[
    docs("append", "Appends a string to the value of a key. Creates the key if it doesn't exist.")
        .complexity(
            "O(1). The amortized time complexity is O(1) assuming the appended value is small and the \
             already present value is of any size, since the dynamic string library used by Redis \
             will double the free space available on every reallocation.",
        )
        .arguments(&[key("key", 0), string("value")]),
    docs(
        "decr",
        "Decrements the integer value of a key by one. Uses 0 as initial value if the key doesn't \
         exist.",
    )
    .complexity("O(1)")
    .arguments(&[key("key", 0)]),
    docs(
        "decrby",
        "Decrements a number from the integer value of a key. Uses 0 as initial value if the key \
         doesn't exist.",
    )
    .complexity("O(1)")
    .arguments(&[key("key", 0), integer("decrement")]),
    docs("get", "Returns the string value of a key.").complexity("O(1)").arguments(&[key("key", 0)]),
    docs("getdel", "Returns the string value of a key after deleting the key.")
        .complexity("O(1)")
        .arguments(&[key("key", 0)]),
    docs("getex", "Returns the string value of a key after setting its expiration time.")
        .complexity("O(1)")
        .arguments(&[
            key("key", 0),
            one_of(
                "expiration",
                &[
                    integer("seconds").token("EX"),
                    integer("milliseconds").token("PX"),
                    unix_time("unix-time-seconds").token("EXAT"),
                    unix_time("unix-time-milliseconds").token("PXAT"),
                    word("persist", "PERSIST"),
                ],
            )
            .optional(),
        ]),
    docs("getrange", "Returns a substring of the string stored at a key.")
        .complexity(
            "O(N) where N is the length of the returned string. The complexity is ultimately \
             determined by the returned length, but because creating a substring from an existing \
             string is very cheap, it can be considered O(1) for small strings.",
        )
        .arguments(&[key("key", 0), integer("start"), integer("end")]),
    docs("getset", "Returns the previous string value of a key after setting it to a new value.")
        .complexity("O(1)")
        .deprecated("6.2.0", "`SET` with the `!GET` argument")
        .arguments(&[key("key", 0), string("value")]),
    docs(
        "incr",
        "Increments the integer value of a key by one. Uses 0 as initial value if the key doesn't \
         exist.",
    )
    .complexity("O(1)")
    .arguments(&[key("key", 0)]),
    docs(
        "incrby",
        "Increments the integer value of a key by a number. Uses 0 as initial value if the key \
         doesn't exist.",
    )
    .complexity("O(1)")
    .arguments(&[key("key", 0), integer("increment")]),
    docs(
        "incrbyfloat",
        "Increment the floating point value of a key by a number. Uses 0 as initial value if the \
         key doesn't exist.",
    )
    .complexity("O(1)")
    .arguments(&[key("key", 0), double("increment")]),
    docs("lcs", "Finds the longest common substring.")
        .complexity("O(N*M) where N and M are the lengths of s1 and s2, respectively")
        .arguments(&[
            key("key1", 0),
            key("key2", 0),
            word("len", "LEN").optional(),
            word("idx", "IDX").optional(),
            integer("min-match-len").token("MINMATCHLEN").optional(),
            word("withmatchlen", "WITHMATCHLEN").optional(),
        ]),
    docs("mget", "Atomically returns the string values of one or more keys.")
        .complexity("O(N) where N is the number of keys to retrieve.")
        .arguments(&[key("key", 0).multiple()]),
    docs("mset", "Atomically creates or modifies the string values of one or more keys.")
        .complexity("O(N) where N is the number of keys to set.")
        .arguments(&[block("data", &[key("key", 0), string("value")]).multiple()]),
    docs(
        "msetnx",
        "Atomically modifies the string values of one or more keys only when all keys don't \
         exist.",
    )
    .complexity("O(N) where N is the number of keys to set.")
    .arguments(&[block("data", &[key("key", 0), string("value")]).multiple()]),
    docs(
        "psetex",
        "Sets both string value and expiration time in milliseconds of a key. The key is created \
         if it doesn't exist.",
    )
    .complexity("O(1)")
    .deprecated("2.6.12", "`SET` with the `PX` argument")
    .arguments(&[key("key", 0), integer("milliseconds"), string("value")]),
    docs(
        "set",
        "Sets the string value of a key, ignoring its type. The key is created if it doesn't \
         exist.",
    )
    .complexity("O(1)")
    .history(&[
        ("2.6.12", "Added the `EX`, `PX`, `NX` and `XX` options."),
        ("6.0.0", "Added the `KEEPTTL` option."),
        ("6.2.0", "Added the `GET`, `EXAT` and `PXAT` option."),
        ("7.0.0", "Allowed the `NX` and `GET` options to be used together."),
    ])
    .arguments(&[
        key("key", 0),
        string("value"),
        one_of("condition", &[word("nx", "NX"), word("xx", "XX")]).since("2.6.12").optional(),
        word("get", "GET").since("6.2.0").optional(),
        one_of(
            "expiration",
            &[
                integer("seconds").token("EX").since("2.6.12"),
                integer("milliseconds").token("PX").since("2.6.12"),
                unix_time("unix-time-seconds").token("EXAT").since("6.2.0"),
                unix_time("unix-time-milliseconds").token("PXAT").since("6.2.0"),
                word("keepttl", "KEEPTTL").since("6.0.0"),
            ],
        )
        .optional(),
    ]),
    docs("setex", "Sets the string value and expiration time of a key. Creates the key if it doesn't exist.")
        .complexity("O(1)")
        .deprecated("2.6.12", "`SET` with the `EX` argument")
        .arguments(&[key("key", 0), integer("seconds"), string("value")]),
    docs("setnx", "Set the string value of a key only when the key doesn't exist.")
        .complexity("O(1)")
        .deprecated("2.6.12", "`SET` with the `NX` argument")
        .arguments(&[key("key", 0), string("value")]),
    docs(
        "setrange",
        "Overwrites a part of a string value with another by an offset. Creates the key if it \
         doesn't exist.",
    )
    .complexity(
        "O(1), not counting the time taken to copy the new string in place. Usually, this string \
         is very small so the amortized complexity is O(1). Otherwise, complexity is O(M) with M \
         being the length of the value argument.",
    )
    .arguments(&[key("key", 0), integer("offset"), string("value")]),
    docs("strlen", "Returns the length of a string value.").complexity("O(1)").arguments(&[key("key", 0)]),
    docs("substr", "Returns a substring from a string value.")
        .complexity(
            "O(N) where N is the length of the returned string. The complexity is ultimately \
             determined by the returned length, but because creating a substring from an existing \
             string is very cheap, it can be considered O(1) for small strings.",
        )
        .deprecated("2.0.0", "`GETRANGE`")
        .arguments(&[key("key", 0), integer("start"), integer("end")]),
];
