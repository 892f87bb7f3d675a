//! Keys, whatever they hold.

use super::Docs;
use super::describe::*;

pub(super) const DOCS: &[Docs] = &[
    docs("copy", "Copies the value of a key to a new key.")
        .complexity(
            "O(N) worst case for collections, where N is the number of nested items. O(1) for string \
             values.",
        )
        .arguments(&[
            key("source", 0),
            key("destination", 1),
            integer("destination-db").token("DB").optional(),
            word("replace", "REPLACE").optional(),
        ]),
    docs("del", "Deletes one or more keys.")
        .complexity(
            "O(N) where N is the number of keys that will be removed. When a key to remove holds a \
             value other than a string, the individual complexity for this key is O(M) where M is the \
             number of elements in the list, set, sorted set or hash. Removing a single key that \
             holds a string value is O(1).",
        )
        .arguments(&[key("key", 0).multiple()]),
    docs("dump", "Returns a serialized representation of the value stored at a key.")
        .complexity(
            "O(1) to access the key and additional O(N*M) to serialize it, where N is the number of \
             Redis objects composing the value and M their average size. For small string values the \
             time complexity is thus O(1)+O(1*M) where M is small, so simply O(1).",
        )
        .arguments(&[key("key", 0)]),
    docs("exists", "Determines whether one or more keys exist.")
        .complexity("O(N) where N is the number of keys to check.")
        .history(&[("3.0.3", "Accepts multiple `key` arguments.")])
        .arguments(&[key("key", 0).multiple()]),
    docs("expire", "Sets the expiration time of a key in seconds.")
        .complexity("O(1)")
        .history(&[("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")])
        .arguments(&[
            key("key", 0),
            integer("seconds"),
            one_of("condition", &[word("nx", "NX"), word("xx", "XX"), word("gt", "GT"), word("lt", "LT")])
                .since("7.0.0")
                .optional(),
        ]),
    docs("expireat", "Sets the expiration time of a key to a Unix timestamp.")
        .complexity("O(1)")
        .history(&[("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")])
        .arguments(&[
            key("key", 0),
            unix_time("unix-time-seconds"),
            one_of("condition", &[word("nx", "NX"), word("xx", "XX"), word("gt", "GT"), word("lt", "LT")])
                .since("7.0.0")
                .optional(),
        ]),
    docs("expiretime", "Returns the expiration time of a key as a Unix timestamp.")
        .complexity("O(1)")
        .arguments(&[key("key", 0)]),
    docs("keys", "Returns all key names that match a pattern.")
        .complexity(
            "O(N) with N being the number of keys in the database, under the assumption that the key \
             names in the database and the given pattern have limited length.",
        )
        .arguments(&[pattern("pattern")]),
    docs("migrate", "Atomically transfers a key from one Redis instance to another.")
        .complexity(
            "This command actually executes a DUMP+DEL in the source instance, and a RESTORE in the \
             target instance. See the pages of these commands for time complexity. Also an O(N) data \
             transfer between the two instances is performed.",
        )
        .history(&[
            ("3.0.0", "Added the `COPY` and `REPLACE` options."),
            ("3.0.6", "Added the `KEYS` option."),
            ("4.0.7", "Added the `AUTH` option."),
            ("6.0.0", "Added the `AUTH2` option."),
        ])
        .arguments(&[
            string("host"),
            integer("port"),
            one_of("key-selector", &[key("key", 0), word("empty-string", "")]),
            integer("destination-db"),
            integer("timeout"),
            word("copy", "COPY").since("3.0.0").optional(),
            word("replace", "REPLACE").since("3.0.0").optional(),
            one_of(
                "authentication",
                &[
                    string("auth").token("AUTH").shown_as("password").since("4.0.7"),
                    block("auth2", &[string("username"), string("password")]).token("AUTH2").since("6.0.0"),
                ],
            )
            .optional(),
            key("keys", 1).token("KEYS").shown_as("key").since("3.0.6").optional().multiple(),
        ]),
    docs("move", "Moves a key to another database.")
        .complexity("O(1)")
        .arguments(&[key("key", 0), integer("db")]),
    docs("object", "A container for object introspection commands.").complexity("Depends on subcommand."),
    docs("object|encoding", "Returns the internal encoding of a Redis object.")
        .complexity("O(1)")
        .arguments(&[key("key", 0)]),
    docs("object|freq", "Returns the logarithmic access frequency counter of a Redis object.")
        .complexity("O(1)")
        .arguments(&[key("key", 0)]),
    docs("object|help", "Returns helpful text about the different subcommands.").complexity("O(1)"),
    docs("object|idletime", "Returns the time since the last access to a Redis object.")
        .complexity("O(1)")
        .arguments(&[key("key", 0)]),
    docs("object|refcount", "Returns the reference count of a value of a key.")
        .complexity("O(1)")
        .arguments(&[key("key", 0)]),
    docs("persist", "Removes the expiration time of a key.").complexity("O(1)").arguments(&[key("key", 0)]),
    docs("pexpire", "Sets the expiration time of a key in milliseconds.")
        .complexity("O(1)")
        .history(&[("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")])
        .arguments(&[
            key("key", 0),
            integer("milliseconds"),
            one_of("condition", &[word("nx", "NX"), word("xx", "XX"), word("gt", "GT"), word("lt", "LT")])
                .since("7.0.0")
                .optional(),
        ]),
    docs("pexpireat", "Sets the expiration time of a key to a Unix milliseconds timestamp.")
        .complexity("O(1)")
        .history(&[("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")])
        .arguments(&[
            key("key", 0),
            unix_time("unix-time-milliseconds"),
            one_of("condition", &[word("nx", "NX"), word("xx", "XX"), word("gt", "GT"), word("lt", "LT")])
                .since("7.0.0")
                .optional(),
        ]),
    docs("pexpiretime", "Returns the expiration time of a key as a Unix milliseconds timestamp.")
        .complexity("O(1)")
        .arguments(&[key("key", 0)]),
    docs("pttl", "Returns the expiration time in milliseconds of a key.")
        .complexity("O(1)")
        .history(&[("2.8.0", "Added the -2 reply.")])
        .arguments(&[key("key", 0)]),
    docs("randomkey", "Returns a random key name from the database.").complexity("O(1)"),
    docs("rename", "Renames a key and overwrites the destination.")
        .complexity("O(1)")
        .arguments(&[key("key", 0), key("newkey", 1)]),
    docs("renamenx", "Renames a key only when the target key name doesn't exist.")
        .complexity("O(1)")
        .history(&[(
            "3.2.0",
            "The command no longer returns an error when source and destination names are the same.",
        )])
        .arguments(&[key("key", 0), key("newkey", 1)]),
    docs("restore", "Creates a key from the serialized representation of a value.")
        .complexity(
            "O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, \
             where N is the number of Redis objects composing the value and M their average size. For \
             small string values the time complexity is thus O(1)+O(1*M) where M is small, so simply \
             O(1). However for sorted set values the complexity is O(N*M*log(N)) because inserting \
             values into sorted sets is O(log(N)).",
        )
        .history(&[
            ("3.0.0", "Added the `REPLACE` modifier."),
            ("5.0.0", "Added the `ABSTTL` modifier."),
            ("5.0.0", "Added the `IDLETIME` and `FREQ` options."),
        ])
        .arguments(&[
            key("key", 0),
            integer("ttl"),
            string("serialized-value"),
            word("replace", "REPLACE").since("3.0.0").optional(),
            word("absttl", "ABSTTL").since("5.0.0").optional(),
            integer("seconds").token("IDLETIME").since("5.0.0").optional(),
            integer("frequency").token("FREQ").since("5.0.0").optional(),
        ]),
    docs("scan", "Iterates over the key names in the database.")
        .complexity(
            "O(1) for every call. O(N) for a complete iteration, including enough command calls for \
             the cursor to return back to 0. N is the number of elements inside the collection.",
        )
        .history(&[("6.0.0", "Added the `TYPE` subcommand.")])
        .arguments(&[
            integer("cursor"),
            pattern("pattern").token("MATCH").optional(),
            integer("count").token("COUNT").optional(),
            string("type").token("TYPE").since("6.0.0").optional(),
        ]),
    docs("sort", "Sorts the elements in a list, a set, or a sorted set, optionally storing the result.")
        .complexity(
            "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the \
             number of returned elements. When the elements are not sorted, complexity is O(N).",
        )
        .arguments(&[
            key("key", 0),
            pattern("by-pattern").token("BY").key_spec(1).shown_as("pattern").optional(),
            block("limit", &[integer("offset"), integer("count")]).token("LIMIT").optional(),
            pattern("get-pattern")
                .token("GET")
                .key_spec(1)
                .shown_as("pattern")
                .optional()
                .multiple()
                .multiple_token(),
            one_of("order", &[word("asc", "ASC"), word("desc", "DESC")]).optional(),
            word("sorting", "ALPHA").optional(),
            key("destination", 2).token("STORE").optional(),
        ]),
    docs("sort_ro", "Returns the sorted elements of a list, a set, or a sorted set.")
        .complexity(
            "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the \
             number of returned elements. When the elements are not sorted, complexity is O(N).",
        )
        .arguments(&[
            key("key", 0),
            pattern("by-pattern").token("BY").key_spec(1).shown_as("pattern").optional(),
            block("limit", &[integer("offset"), integer("count")]).token("LIMIT").optional(),
            pattern("get-pattern")
                .token("GET")
                .key_spec(1)
                .shown_as("pattern")
                .optional()
                .multiple()
                .multiple_token(),
            one_of("order", &[word("asc", "ASC"), word("desc", "DESC")]).optional(),
            word("sorting", "ALPHA").optional(),
        ]),
    docs(
        "touch",
        "Returns the number of existing keys out of those specified after updating the time they \
         were last accessed.",
    )
    .complexity("O(N) where N is the number of keys that will be touched.")
    .arguments(&[key("key", 0).multiple()]),
    docs("ttl", "Returns the expiration time in seconds of a key.")
        .complexity("O(1)")
        .history(&[("2.8.0", "Added the -2 reply.")])
        .arguments(&[key("key", 0)]),
    docs("type", "Determines the type of value stored at a key.")
        .complexity("O(1)")
        .arguments(&[key("key", 0)]),
    docs("unlink", "Asynchronously deletes one or more keys.")
        .complexity(
            "O(1) for each key removed regardless of its size. Then the command does O(N) work in a \
             different thread in order to reclaim memory, where N is the number of allocations the \
             deleted objects where composed of.",
        )
        .arguments(&[key("key", 0).multiple()]),
    docs(
        "wait",
        "Blocks until the asynchronous replication of all preceding write commands sent by the \
         connection is completed.",
    )
    .complexity("O(1)")
    .arguments(&[integer("numreplicas"), integer("timeout")]),
    docs(
        "waitaof",
        "Blocks until all of the preceding write commands sent by the connection are written to \
         the append-only file of the master and/or replicas.",
    )
    .complexity("O(1)")
    .arguments(&[integer("numlocal"), integer("numreplicas"), integer("timeout")]),
];
