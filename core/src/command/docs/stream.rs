//! Streams and their consumer groups.

use super::Docs;
use super::describe::*;

pub(super) const DOCS: &[Docs] = &[
    docs(
        "xack",
        "Returns the number of messages that were successfully acknowledged by the consumer group \
         member of a stream.",
    )
    .complexity("O(1) for each message ID processed.")
    .arguments(&[key("key", 0), string("group"), string("id").multiple()]),
    docs("xadd", "Appends a new message to a stream. Creates the key if it doesn't exist.")
        .complexity(
            "O(1) when adding a new entry, O(N) when trimming where N being the number of entries \
             evicted.",
        )
        .history(&[
            ("6.2.0", "Added the `NOMKSTREAM` option, `MINID` trimming strategy and the `LIMIT` option."),
            ("7.0.0", "Added support for the `<ms>-*` explicit ID form."),
        ])
        .arguments(&[
            key("key", 0),
            word("nomkstream", "NOMKSTREAM").since("6.2.0").optional(),
            block(
                "trim",
                &[
                    one_of("strategy", &[word("maxlen", "MAXLEN"), word("minid", "MINID").since("6.2.0")]),
                    one_of("operator", &[word("equal", "="), word("approximately", "~")]).optional(),
                    string("threshold"),
                    integer("count").token("LIMIT").since("6.2.0").optional(),
                ],
            )
            .optional(),
            one_of("id-selector", &[word("auto-id", "*"), string("id")]),
            block("data", &[string("field"), string("value")]).multiple(),
        ]),
    docs(
        "xautoclaim",
        "Changes, or acquires, ownership of messages in a consumer group, as if the messages were \
         delivered to as consumer group member.",
    )
    .complexity("O(1) if COUNT is small.")
    .history(&[(
        "7.0.0",
        "Added an element to the reply array, containing deleted entries the command cleared from \
         the PEL",
    )])
    .arguments(&[
        key("key", 0),
        string("group"),
        string("consumer"),
        string("min-idle-time"),
        string("start"),
        integer("count").token("COUNT").optional(),
        word("justid", "JUSTID").optional(),
    ]),
    docs(
        "xclaim",
        "Changes, or acquires, ownership of a message in a consumer group, as if the message was \
         delivered a consumer group member.",
    )
    .complexity("O(log N) with N being the number of messages in the PEL of the consumer group.")
    .arguments(&[
        key("key", 0),
        string("group"),
        string("consumer"),
        string("min-idle-time"),
        string("id").multiple(),
        integer("ms").token("IDLE").optional(),
        unix_time("unix-time-milliseconds").token("TIME").optional(),
        integer("count").token("RETRYCOUNT").optional(),
        word("force", "FORCE").optional(),
        word("justid", "JUSTID").optional(),
        string("lastid").token("LASTID").optional(),
    ]),
    docs("xdel", "Returns the number of messages after removing them from a stream.")
        .complexity("O(1) for each single item to delete in the stream, regardless of the stream size.")
        .arguments(&[key("key", 0), string("id").multiple()]),
    docs("xgroup", "A container for consumer groups commands.").complexity("Depends on subcommand."),
    docs("xgroup|create", "Creates a consumer group.")
        .complexity("O(1)")
        .history(&[("7.0.0", "Added the `entries_read` named argument.")])
        .arguments(&[
            key("key", 0),
            string("group"),
            one_of("id-selector", &[string("id"), word("new-id", "$")]),
            word("mkstream", "MKSTREAM").optional(),
            integer("entries-read").token("ENTRIESREAD").optional(),
        ]),
    docs("xgroup|createconsumer", "Creates a consumer in a consumer group.").complexity("O(1)").arguments(&[
        key("key", 0),
        string("group"),
        string("consumer"),
    ]),
    docs("xgroup|delconsumer", "Deletes a consumer from a consumer group.").complexity("O(1)").arguments(&[
        key("key", 0),
        string("group"),
        string("consumer"),
    ]),
    docs("xgroup|destroy", "Destroys a consumer group.")
        .complexity("O(N) where N is the number of entries in the group's pending entries list (PEL).")
        .arguments(&[key("key", 0), string("group")]),
    docs("xgroup|help", "Returns helpful text about the different subcommands.").complexity("O(1)"),
    docs("xgroup|setid", "Sets the last-delivered ID of a consumer group.")
        .complexity("O(1)")
        .history(&[("7.0.0", "Added the optional `entries_read` argument.")])
        .arguments(&[
            key("key", 0),
            string("group"),
            one_of("id-selector", &[string("id"), word("new-id", "$")]),
            integer("entriesread").token("ENTRIESREAD").shown_as("entries-read").optional(),
        ]),
    docs("xinfo", "A container for stream introspection commands.").complexity("Depends on subcommand."),
    docs("xinfo|consumers", "Returns a list of the consumers in a consumer group.")
        .complexity("O(1)")
        .history(&[("7.2.0", "Added the `inactive` field.")])
        .arguments(&[key("key", 0), string("group")]),
    docs("xinfo|groups", "Returns a list of the consumer groups of a stream.")
        .complexity("O(1)")
        .history(&[("7.0.0", "Added the `entries-read` and `lag` fields")])
        .arguments(&[key("key", 0)]),
    docs("xinfo|help", "Returns helpful text about the different subcommands.").complexity("O(1)"),
    docs("xinfo|stream", "Returns information about a stream.")
        .complexity("O(1)")
        .history(&[
            ("6.0.0", "Added the `FULL` modifier."),
            (
                "7.0.0",
                "Added the `max-deleted-entry-id`, `entries-added`, `recorded-first-entry-id`, \
                 `entries-read` and `lag` fields",
            ),
            ("7.2.0", "Added the `active-time` field, and changed the meaning of `seen-time`."),
        ])
        .arguments(&[
            key("key", 0),
            block("full-block", &[word("full", "FULL"), integer("count").token("COUNT").optional()])
                .optional(),
        ]),
    docs("xlen", "Return the number of messages in a stream.").complexity("O(1)").arguments(&[key("key", 0)]),
    docs(
        "xpending",
        "Returns the information and entries from a stream consumer group's pending entries list.",
    )
    .complexity(
        "O(N) with N being the number of elements returned, so asking for a small fixed number of \
         entries per call is O(1). O(M), where M is the total number of entries scanned when used \
         with the IDLE filter. When the command returns just the summary and the list of \
         consumers is small, it runs in O(1) time; otherwise, an additional O(N) time for \
         iterating every consumer.",
    )
    .history(&[("6.2.0", "Added the `IDLE` option and exclusive range intervals.")])
    .arguments(&[
        key("key", 0),
        string("group"),
        block(
            "filters",
            &[
                integer("min-idle-time").token("IDLE").since("6.2.0").optional(),
                string("start"),
                string("end"),
                integer("count"),
                string("consumer").optional(),
            ],
        )
        .optional(),
    ]),
    docs("xrange", "Returns the messages from a stream within a range of IDs.")
        .complexity(
            "O(N) with N being the number of elements being returned. If N is constant (e.g. always \
             asking for the first 10 elements with COUNT), you can consider it O(1).",
        )
        .history(&[("6.2.0", "Added exclusive ranges.")])
        .arguments(&[
            key("key", 0),
            string("start"),
            string("end"),
            integer("count").token("COUNT").optional(),
        ]),
    docs(
        "xread",
        "Returns messages from multiple streams with IDs greater than the ones requested. Blocks \
         until a message is available otherwise.",
    )
    .arguments(&[
        integer("count").token("COUNT").optional(),
        integer("milliseconds").token("BLOCK").optional(),
        block("streams", &[key("key", 0).multiple(), string("id").multiple()]).token("STREAMS"),
    ]),
    docs(
        "xreadgroup",
        "Returns new or historical messages from a stream for a consumer in a group. Blocks until \
         a message is available otherwise.",
    )
    .complexity(
        "For each stream mentioned: O(M) with M being the number of elements returned. If M is \
         constant (e.g. always asking for the first 10 elements with COUNT), you can consider it \
         O(1). On the other side when XREADGROUP blocks, XADD will pay the O(N) time in order to \
         serve the N clients blocked on the stream getting new data.",
    )
    .arguments(&[
        block("group-block", &[string("group"), string("consumer")]).token("GROUP"),
        integer("count").token("COUNT").optional(),
        integer("milliseconds").token("BLOCK").optional(),
        word("noack", "NOACK").optional(),
        block("streams", &[key("key", 0).multiple(), string("id").multiple()]).token("STREAMS"),
    ]),
    docs("xrevrange", "Returns the messages from a stream within a range of IDs in reverse order.")
        .complexity(
            "O(N) with N being the number of elements returned. If N is constant (e.g. always asking \
             for the first 10 elements with COUNT), you can consider it O(1).",
        )
        .history(&[("6.2.0", "Added exclusive ranges.")])
        .arguments(&[
            key("key", 0),
            string("end"),
            string("start"),
            integer("count").token("COUNT").optional(),
        ]),
    docs("xsetid", "An internal command for replicating stream values.")
        .complexity("O(1)")
        .history(&[("7.0.0", "Added the `entries_added` and `max_deleted_entry_id` arguments.")])
        .arguments(&[
            key("key", 0),
            string("last-id"),
            integer("entries-added").token("ENTRIESADDED").since("7.0.0").optional(),
            string("max-deleted-id").token("MAXDELETEDID").since("7.0.0").optional(),
        ]),
    docs("xtrim", "Deletes messages from the beginning of a stream.")
        .complexity(
            "O(N), with N being the number of evicted entries. Constant times are very small however, \
             since entries are organized in macro nodes containing multiple entries that can be \
             released with a single deallocation.",
        )
        .history(&[("6.2.0", "Added the `MINID` trimming strategy and the `LIMIT` option.")])
        .arguments(&[
            key("key", 0),
            block(
                "trim",
                &[
                    one_of("strategy", &[word("maxlen", "MAXLEN"), word("minid", "MINID").since("6.2.0")]),
                    one_of("operator", &[word("equal", "="), word("approximately", "~")]).optional(),
                    string("threshold"),
                    integer("count").token("LIMIT").since("6.2.0").optional(),
                ],
            ),
        ]),
];
