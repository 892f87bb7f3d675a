//! A node: configuration, access, memory, persistence, replication.

use super::Docs;
use super::describe::*;

pub(super) const DOCS: &[Docs] = &[
    docs("acl", "A container for Access List Control commands.").complexity("Depends on subcommand."),
    docs("acl|cat", "Lists the ACL categories, or the commands inside a category.")
        .complexity("O(1) since the categories and commands are a fixed set.")
        .arguments(&[string("category").optional()]),
    docs("acl|deluser", "Deletes ACL users, and terminates their connections.")
        .complexity("O(1) amortized time considering the typical user.")
        .arguments(&[string("username").multiple()]),
    docs("acl|dryrun", "Simulates the execution of a command by a user, without executing the command.")
        .complexity("O(1).")
        .arguments(&[string("username"), string("command"), string("arg").optional().multiple()]),
    docs("acl|genpass", "Generates a pseudorandom, secure password that can be used to identify ACL users.")
        .complexity("O(1)")
        .arguments(&[integer("bits").optional()]),
    docs("acl|getuser", "Lists the ACL rules of a user.")
        .complexity("O(N). Where N is the number of password, command and pattern rules that the user has.")
        .history(&[
            ("6.2.0", "Added Pub/Sub channel patterns."),
            (
                "7.0.0",
                "Added selectors and changed the format of key and channel patterns from a list to their \
                 rule representation.",
            ),
        ])
        .arguments(&[string("username")]),
    docs("acl|help", "Returns helpful text about the different subcommands.").complexity("O(1)"),
    docs("acl|list", "Dumps the effective rules in ACL file format.")
        .complexity("O(N). Where N is the number of configured users."),
    docs("acl|load", "Reloads the rules from the configured ACL file.")
        .complexity("O(N). Where N is the number of configured users."),
    docs("acl|log", "Lists recent security events generated due to ACL rules.")
        .complexity("O(N) with N being the number of entries shown.")
        .history(&[("7.2.0", "Added entry ID, timestamp created, and timestamp last updated.")])
        .arguments(&[one_of("operation", &[integer("count"), word("reset", "RESET")]).optional()]),
    docs("acl|save", "Saves the effective ACL rules in the configured ACL file.")
        .complexity("O(N). Where N is the number of configured users."),
    docs("acl|setuser", "Creates and modifies an ACL user and its rules.")
        .complexity("O(N). Where N is the number of rules provided.")
        .history(&[
            ("6.2.0", "Added Pub/Sub channel patterns."),
            ("7.0.0", "Added selectors and key based permissions."),
        ])
        .arguments(&[string("username"), string("rule").optional().multiple()]),
    docs("acl|users", "Lists all ACL users.").complexity("O(N). Where N is the number of configured users."),
    docs("acl|whoami", "Returns the authenticated username of the current connection.").complexity("O(1)"),
    docs("bgrewriteaof", "Asynchronously rewrites the append-only file to disk.").complexity("O(1)"),
    docs("bgsave", "Asynchronously saves the database(s) to disk.")
        .complexity("O(1)")
        .history(&[("3.2.2", "Added the `SCHEDULE` option.")])
        .arguments(&[word("schedule", "SCHEDULE").since("3.2.2").optional()]),
    docs("command", "Returns detailed information about all commands.")
        .complexity("O(N) where N is the total number of Redis commands"),
    docs("command|count", "Returns a count of commands.").complexity("O(1)"),
    docs("command|docs", "Returns documentary information about one, multiple or all commands.")
        .complexity("O(N) where N is the number of commands to look up")
        .arguments(&[string("command-name").optional().multiple()]),
    docs("command|getkeys", "Extracts the key names from an arbitrary command.")
        .complexity("O(N) where N is the number of arguments to the command")
        .arguments(&[string("command"), string("arg").optional().multiple()]),
    docs("command|getkeysandflags", "Extracts the key names and access flags for an arbitrary command.")
        .complexity("O(N) where N is the number of arguments to the command")
        .arguments(&[string("command"), string("arg").optional().multiple()]),
    docs("command|help", "Returns helpful text about the different subcommands.").complexity("O(1)"),
    docs("command|info", "Returns information about one, multiple or all commands.")
        .complexity("O(N) where N is the number of commands to look up")
        .history(&[("7.0.0", "Allowed to be called with no argument to get info on all commands.")])
        .arguments(&[string("command-name").optional().multiple()]),
    docs("command|list", "Returns a list of command names.")
        .complexity("O(N) where N is the total number of Redis commands")
        .arguments(&[one_of(
            "filterby",
            &[
                string("module-name").token("MODULE"),
                string("category").token("ACLCAT"),
                pattern("pattern").token("PATTERN"),
            ],
        )
        .token("FILTERBY")
        .optional()]),
    docs("config", "A container for server configuration commands.").complexity("Depends on subcommand."),
    docs("config|get", "Returns the effective values of configuration parameters.")
        .complexity("O(N) when N is the number of configuration parameters provided")
        .history(&[("7.0.0", "Added the ability to pass multiple pattern parameters in one call")])
        .arguments(&[string("parameter").multiple()]),
    docs("config|help", "Returns helpful text about the different subcommands.").complexity("O(1)"),
    docs("config|resetstat", "Resets the server's statistics.").complexity("O(1)"),
    docs("config|rewrite", "Persists the effective configuration to file.").complexity("O(1)"),
    docs("config|set", "Sets configuration parameters in-flight.")
        .complexity("O(N) when N is the number of configuration parameters provided")
        .history(&[("7.0.0", "Added the ability to set multiple parameters in one call.")])
        .arguments(&[block("data", &[string("parameter"), string("value")]).multiple()]),
    docs("dbsize", "Returns the number of keys in the database.").complexity("O(1)"),
    docs("debug", "A container for debugging commands.").complexity("Depends on subcommand.").system(),
    docs("failover", "Starts a coordinated failover from a server to one of its replicas.")
        .complexity("O(1)")
        .arguments(&[
            block("target", &[string("host"), integer("port"), word("force", "FORCE").optional()])
                .token("TO")
                .optional(),
            word("abort", "ABORT").optional(),
            integer("milliseconds").token("TIMEOUT").optional(),
        ]),
    docs("flushall", "Removes all keys from all databases.")
        .complexity("O(N) where N is the total number of keys in all databases")
        .history(&[
            ("4.0.0", "Added the `ASYNC` flushing mode modifier."),
            ("6.2.0", "Added the `SYNC` flushing mode modifier."),
        ])
        .arguments(&[one_of(
            "flush-type",
            &[word("async", "ASYNC").since("4.0.0"), word("sync", "SYNC").since("6.2.0")],
        )
        .optional()]),
    docs("flushdb", "Remove all keys from the current database.")
        .complexity("O(N) where N is the number of keys in the selected database")
        .history(&[
            ("4.0.0", "Added the `ASYNC` flushing mode modifier."),
            ("6.2.0", "Added the `SYNC` flushing mode modifier."),
        ])
        .arguments(&[one_of(
            "flush-type",
            &[word("async", "ASYNC").since("4.0.0"), word("sync", "SYNC").since("6.2.0")],
        )
        .optional()]),
    docs("info", "Returns information and statistics about the server.")
        .complexity("O(1)")
        .history(&[("7.0.0", "Added support for taking multiple section arguments.")])
        .arguments(&[string("section").optional().multiple()]),
    docs("lastsave", "Returns the Unix timestamp of the last successful save to disk.").complexity("O(1)"),
    docs("latency", "A container for latency diagnostics commands.").complexity("Depends on subcommand."),
    docs("latency|doctor", "Returns a human-readable latency analysis report.").complexity("O(1)"),
    docs("latency|graph", "Returns a latency graph for an event.")
        .complexity("O(1)")
        .arguments(&[string("event")]),
    docs("latency|help", "Returns helpful text about the different subcommands.").complexity("O(1)"),
    docs(
        "latency|histogram",
        "Returns the cumulative distribution of latencies of a subset or all commands.",
    )
    .complexity("O(N) where N is the number of commands with latency information being retrieved.")
    .arguments(&[string("command").optional().multiple()]),
    docs("latency|history", "Returns timestamp-latency samples for an event.")
        .complexity("O(1)")
        .arguments(&[string("event")]),
    docs("latency|latest", "Returns the latest latency samples for all events.").complexity("O(1)"),
    docs("latency|reset", "Resets the latency data for one or more events.")
        .complexity("O(1)")
        .arguments(&[string("event").optional().multiple()]),
    docs("lolwut", "Displays computer art and the Redis version")
        .arguments(&[integer("version").token("VERSION").optional()]),
    docs("memory", "A container for memory diagnostics commands.").complexity("Depends on subcommand."),
    docs("memory|doctor", "Outputs a memory problems report.").complexity("O(1)"),
    docs("memory|help", "Returns helpful text about the different subcommands.").complexity("O(1)"),
    docs("memory|malloc-stats", "Returns the allocator statistics.")
        .complexity("Depends on how much memory is allocated, could be slow"),
    docs("memory|purge", "Asks the allocator to release memory.")
        .complexity("Depends on how much memory is allocated, could be slow"),
    docs("memory|stats", "Returns details about memory usage.").complexity("O(1)"),
    docs("memory|usage", "Estimates the memory usage of a key.")
        .complexity("O(N) where N is the number of samples.")
        .arguments(&[key("key", 0), integer("count").token("SAMPLES").optional()]),
    docs("module", "A container for module commands.").complexity("Depends on subcommand."),
    docs("module|help", "Returns helpful text about the different subcommands.").complexity("O(1)"),
    docs("module|list", "Returns all loaded modules.")
        .complexity("O(N) where N is the number of loaded modules."),
    docs("module|load", "Loads a module.")
        .complexity("O(1)")
        .arguments(&[string("path"), string("arg").optional().multiple()]),
    docs("module|loadex", "Loads a module using extended parameters.").complexity("O(1)").arguments(&[
        string("path"),
        block("configs", &[string("name"), string("value")])
            .token("CONFIG")
            .optional()
            .multiple()
            .multiple_token(),
        string("args").token("ARGS").optional().multiple(),
    ]),
    docs("module|unload", "Unloads a module.").complexity("O(1)").arguments(&[string("name")]),
    docs("monitor", "Listens for all requests received by the server in real-time."),
    docs("psync", "An internal command used in replication.")
        .arguments(&[string("replicationid"), integer("offset")]),
    docs("replconf", "An internal command for configuring the replication stream.")
        .complexity("O(1)")
        .system(),
    docs("replicaof", "Configures a server as replica of another, or promotes it to a master.")
        .complexity("O(1)")
        .arguments(&[one_of(
            "args",
            &[
                block("host-port", &[string("host"), integer("port")]),
                block("no-one", &[word("no", "NO"), word("one", "ONE")]),
            ],
        )]),
    docs("restore-asking", "An internal command for migrating keys in a cluster.")
        .complexity(
            "O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, \
             where N is the number of Redis objects composing the value and M their average size. For \
             small string values the time complexity is thus O(1)+O(1*M) where M is small, so simply \
             O(1). However for sorted set values the complexity is O(N*M*log(N)) because inserting \
             values into sorted sets is O(log(N)).",
        )
        .system()
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
    docs("role", "Returns the replication role.").complexity("O(1)"),
    docs("save", "Synchronously saves the database(s) to disk.")
        .complexity("O(N) where N is the total number of keys in all databases"),
    docs("shutdown", "Synchronously saves the database(s) to disk and shuts down the Redis server.")
        .complexity(
            "O(N) when saving, where N is the total number of keys in all databases when saving data, \
             otherwise O(1)",
        )
        .history(&[("7.0.0", "Added the `NOW`, `FORCE` and `ABORT` modifiers.")])
        .arguments(&[
            one_of("save-selector", &[word("nosave", "NOSAVE"), word("save", "SAVE")]).optional(),
            word("now", "NOW").since("7.0.0").optional(),
            word("force", "FORCE").since("7.0.0").optional(),
            word("abort", "ABORT").since("7.0.0").optional(),
        ]),
    docs("slaveof", "Sets a Redis server as a replica of another, or promotes it to being a master.")
        .complexity("O(1)")
        .deprecated("5.0.0", "`REPLICAOF`")
        .arguments(&[one_of(
            "args",
            &[
                block("host-port", &[string("host"), integer("port")]),
                block("no-one", &[word("no", "NO"), word("one", "ONE")]),
            ],
        )]),
    docs("slowlog", "A container for slow log commands.").complexity("Depends on subcommand."),
    docs("slowlog|get", "Returns the slow log's entries.")
        .complexity("O(N) where N is the number of entries returned")
        .history(&[("4.0.0", "Added client IP address, port and name to the reply.")])
        .arguments(&[integer("count").optional()]),
    docs("slowlog|help", "Show helpful text about the different subcommands").complexity("O(1)"),
    docs("slowlog|len", "Returns the number of entries in the slow log.").complexity("O(1)"),
    docs("slowlog|reset", "Clears all entries from the slow log.")
        .complexity("O(N) where N is the number of entries in the slowlog"),
    docs("swapdb", "Swaps two Redis databases.")
        .complexity("O(N) where N is the count of clients watching or blocking on keys from both databases.")
        .arguments(&[integer("index1"), integer("index2")]),
    docs("sync", "An internal command used in replication."),
    docs("time", "Returns the server time.").complexity("O(1)"),
];
