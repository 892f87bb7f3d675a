//! The cluster as its nodes see it.

use super::Docs;
use super::describe::*;

pub(super) const DOCS: &[Docs] = &[
    docs("asking", "Signals that a cluster client is following an -ASK redirect.").complexity("O(1)"),
    docs("cluster", "A container for Redis Cluster commands.").complexity("Depends on subcommand."),
    docs("cluster|addslots", "Assigns new hash slots to a node.")
        .complexity("O(N) where N is the total number of hash slot arguments")
        .arguments(&[integer("slot").multiple()]),
    docs("cluster|addslotsrange", "Assigns new hash slot ranges to a node.")
        .complexity(
            "O(N) where N is the total number of the slots between the start slot and end slot \
             arguments.",
        )
        .arguments(&[block("range", &[integer("start-slot"), integer("end-slot")]).multiple()]),
    docs("cluster|bumpepoch", "Advances the cluster config epoch.").complexity("O(1)"),
    docs(
        "cluster|cancelslotmigrations",
        "Ends all migrations of slots from this node that can still be ended.",
    )
    .complexity("O(N) where N is the number of migrations"),
    docs("cluster|count-failure-reports", "Returns the number of active failure reports active for a node.")
        .complexity("O(N) where N is the number of failure reports")
        .arguments(&[string("node-id")]),
    docs("cluster|countkeysinslot", "Returns the number of keys in a hash slot.")
        .complexity("O(1)")
        .arguments(&[integer("slot")]),
    docs("cluster|delslots", "Sets hash slots as unbound for a node.")
        .complexity("O(N) where N is the total number of hash slot arguments")
        .arguments(&[integer("slot").multiple()]),
    docs("cluster|delslotsrange", "Sets hash slot ranges as unbound for a node.")
        .complexity(
            "O(N) where N is the total number of the slots between the start slot and end slot \
             arguments.",
        )
        .arguments(&[block("range", &[integer("start-slot"), integer("end-slot")]).multiple()]),
    docs("cluster|failover", "Forces a replica to perform a manual failover of its master.")
        .complexity("O(1)")
        .arguments(&[one_of("options", &[word("force", "FORCE"), word("takeover", "TAKEOVER")]).optional()]),
    docs("cluster|flushslots", "Deletes all slots information from a node.").complexity("O(1)"),
    docs("cluster|forget", "Removes a node from the nodes table.")
        .complexity("O(1)")
        .arguments(&[string("node-id")]),
    docs("cluster|getkeysinslot", "Returns the key names in a hash slot.")
        .complexity("O(N) where N is the number of requested keys")
        .arguments(&[integer("slot"), integer("count")]),
    docs("cluster|getslotmigrations", "Returns the migrations of slots from and to this node.")
        .complexity("O(N) where N is the number of migrations"),
    docs("cluster|help", "Returns helpful text about the different subcommands.").complexity("O(1)"),
    docs("cluster|info", "Returns information about the state of a node.").complexity("O(1)"),
    docs("cluster|keyslot", "Returns the hash slot for a key.")
        .complexity("O(N) where N is the number of bytes in the key")
        .arguments(&[string("key")]),
    docs("cluster|links", "Returns a list of all TCP links to and from peer nodes.")
        .complexity("O(N) where N is the total number of Cluster nodes"),
    docs("cluster|meet", "Forces a node to handshake with another node.")
        .complexity("O(1)")
        .history(&[("4.0.0", "Added the optional `cluster_bus_port` argument.")])
        .arguments(&[string("ip"), integer("port"), integer("cluster-bus-port").since("4.0.0").optional()]),
    docs("cluster|migrateslots", "Migrates slots from this node to others, data and all, at one moment.")
        .complexity("O(N) where N is the number of slots")
        .arguments(&[block(
            "migration",
            &[
                block("range", &[integer("start-slot"), integer("end-slot")]).token("SLOTSRANGE").multiple(),
                string("node-id").token("NODE"),
            ],
        )
        .multiple()]),
    docs("cluster|myid", "Returns the ID of a node.").complexity("O(1)"),
    docs("cluster|myshardid", "Returns the shard ID of a node.").complexity("O(1)"),
    docs("cluster|nodes", "Returns the cluster configuration for a node.")
        .complexity("O(N) where N is the total number of Cluster nodes"),
    docs("cluster|replicas", "Lists the replica nodes of a master node.")
        .complexity("O(N) where N is the number of replicas.")
        .arguments(&[string("node-id")]),
    docs("cluster|replicate", "Configure a node as replica of a master node.")
        .complexity("O(1)")
        .arguments(&[string("node-id")]),
    docs("cluster|reset", "Resets a node.")
        .complexity(
            "O(N) where N is the number of known nodes. The command may execute a FLUSHALL as a side \
             effect.",
        )
        .arguments(&[one_of("reset-type", &[word("hard", "HARD"), word("soft", "SOFT")]).optional()]),
    docs("cluster|saveconfig", "Forces a node to save the cluster configuration to disk.").complexity("O(1)"),
    docs("cluster|set-config-epoch", "Sets the configuration epoch for a new node.")
        .complexity("O(1)")
        .arguments(&[integer("config-epoch")]),
    docs("cluster|setslot", "Binds a hash slot to a node.").complexity("O(1)").arguments(&[
        integer("slot"),
        one_of(
            "subcommand",
            &[
                string("importing").token("IMPORTING").shown_as("node-id"),
                string("migrating").token("MIGRATING").shown_as("node-id"),
                string("node").token("NODE").shown_as("node-id"),
                word("stable", "STABLE"),
            ],
        ),
    ]),
    docs("cluster|shards", "Returns the mapping of cluster slots to shards.")
        .complexity("O(N) where N is the total number of cluster nodes"),
    docs("cluster|slaves", "Lists the replica nodes of a master node.")
        .complexity("O(N) where N is the number of replicas.")
        .deprecated("5.0.0", "`CLUSTER REPLICAS`")
        .arguments(&[string("node-id")]),
    docs("cluster|slot-stats", "Returns what slots of this shard hold and what they cost.")
        .complexity("O(N) where N is the number of slots, O(N*log(N)) with ORDERBY")
        .arguments(&[one_of(
            "filter",
            &[
                block("slotsrange", &[integer("start-slot"), integer("end-slot")]).token("SLOTSRANGE"),
                block(
                    "orderby",
                    &[
                        string("metric"),
                        integer("limit").token("LIMIT").optional(),
                        one_of("order", &[word("asc", "ASC"), word("desc", "DESC")]).optional(),
                    ],
                )
                .token("ORDERBY"),
            ],
        )]),
    docs("cluster|slots", "Returns the mapping of cluster slots to nodes.")
        .complexity("O(N) where N is the total number of Cluster nodes")
        .deprecated("7.0.0", "`CLUSTER SHARDS`")
        .history(&[("4.0.0", "Added node IDs."), ("7.0.0", "Added additional networking metadata field.")]),
    docs("cluster|syncslots", "What both ends of a migration of slots say to each other.")
        .complexity("Depends on subcommand."),
    docs("readonly", "Enables read-only queries for a connection to a Redis Cluster replica node.")
        .complexity("O(1)"),
    docs("readwrite", "Enables read-write queries for a connection to a Reids Cluster replica node.")
        .complexity("O(1)"),
];
