//! The connection between a client and a node.

use super::Docs;
use super::describe::*;

pub(super) const DOCS: &[Docs] = &[
    docs("auth", "Authenticates the connection.")
        .complexity("O(N) where N is the number of passwords defined for the user")
        .history(&[("6.0.0", "Added ACL style (username and password).")])
        .arguments(&[string("username").since("6.0.0").optional(), string("password")]),
    docs("client", "A container for client connection commands.").complexity("Depends on subcommand."),
    docs("client|caching", "Instructs the server whether to track the keys in the next request.")
        .complexity("O(1)")
        .arguments(&[one_of("mode", &[word("yes", "YES"), word("no", "NO")])]),
    docs("client|getname", "Returns the name of the connection.").complexity("O(1)"),
    docs(
        "client|getredir",
        "Returns the client ID to which the connection's tracking notifications are redirected.",
    )
    .complexity("O(1)"),
    docs("client|help", "Returns helpful text about the different subcommands.").complexity("O(1)"),
    docs("client|id", "Returns the unique client ID of the connection.").complexity("O(1)"),
    docs("client|info", "Returns information about the connection.").complexity("O(1)"),
    docs("client|kill", "Terminates open connections.")
        .complexity("O(N) where N is the number of client connections")
        .history(&[
            ("2.8.12", "Added new filter format."),
            ("2.8.12", "`ID` option."),
            ("3.2.0", "Added `master` type in for `TYPE` option."),
            (
                "5.0.0",
                "Replaced `slave` `TYPE` with `replica`. `slave` still supported for backward \
                 compatibility.",
            ),
            ("6.2.0", "`LADDR` option."),
        ])
        .arguments(&[one_of(
            "filter",
            &[
                string("old-format").shown_as("ip:port").deprecated_since("2.8.12"),
                one_of(
                    "new-format",
                    &[
                        integer("client-id").token("ID").since("2.8.12").optional(),
                        one_of(
                            "client-type",
                            &[
                                word("normal", "NORMAL"),
                                word("master", "MASTER").since("3.2.0"),
                                word("slave", "SLAVE"),
                                word("replica", "REPLICA").since("5.0.0"),
                                word("pubsub", "PUBSUB"),
                            ],
                        )
                        .token("TYPE")
                        .since("2.8.12")
                        .optional(),
                        string("username").token("USER").optional(),
                        string("addr").token("ADDR").shown_as("ip:port").optional(),
                        string("laddr").token("LADDR").shown_as("ip:port").since("6.2.0").optional(),
                        one_of("skipme", &[word("yes", "YES"), word("no", "NO")]).token("SKIPME").optional(),
                    ],
                )
                .multiple(),
            ],
        )]),
    docs("client|list", "Lists open connections.")
        .complexity("O(N) where N is the number of client connections")
        .history(&[
            ("2.8.12", "Added unique client `id` field."),
            ("5.0.0", "Added optional `TYPE` filter."),
            ("6.0.0", "Added `user` field."),
            (
                "6.2.0",
                "Added `argv-mem`, `tot-mem`, `laddr` and `redir` fields and the optional `ID` filter.",
            ),
            ("7.0.0", "Added `resp`, `multi-mem`, `rbs` and `rbp` fields."),
            ("7.0.3", "Added `ssub` field."),
        ])
        .arguments(&[
            one_of(
                "client-type",
                &[
                    word("normal", "NORMAL"),
                    word("master", "MASTER"),
                    word("replica", "REPLICA"),
                    word("pubsub", "PUBSUB"),
                ],
            )
            .token("TYPE")
            .since("5.0.0")
            .optional(),
            integer("client-id").token("ID").since("6.2.0").optional().multiple(),
        ]),
    docs("client|no-evict", "Sets the client eviction mode of the connection.")
        .complexity("O(1)")
        .arguments(&[one_of("enabled", &[word("on", "ON"), word("off", "OFF")])]),
    docs(
        "client|no-touch",
        "Controls whether commands sent by the client affect the LRU/LFU of accessed keys.",
    )
    .complexity("O(1)")
    .arguments(&[one_of("enabled", &[word("on", "ON"), word("off", "OFF")])]),
    docs("client|pause", "Suspends commands processing.")
        .complexity("O(1)")
        .history(&[("6.2.0", "`CLIENT PAUSE WRITE` mode added along with the `mode` option.")])
        .arguments(&[
            integer("timeout"),
            one_of("mode", &[word("write", "WRITE"), word("all", "ALL")]).since("6.2.0").optional(),
        ]),
    docs("client|reply", "Instructs the server whether to reply to commands.")
        .complexity("O(1)")
        .arguments(&[one_of("action", &[word("on", "ON"), word("off", "OFF"), word("skip", "SKIP")])]),
    docs("client|setinfo", "Sets information specific to the client or connection.")
        .complexity("O(1)")
        .arguments(&[one_of(
            "attr",
            &[string("libname").token("LIB-NAME"), string("libver").token("LIB-VER")],
        )]),
    docs("client|setname", "Sets the connection name.")
        .complexity("O(1)")
        .arguments(&[string("connection-name")]),
    docs("client|tracking", "Controls server-assisted client-side caching for the connection.")
        .complexity("O(1). Some options may introduce additional complexity.")
        .arguments(&[
            one_of("status", &[word("on", "ON"), word("off", "OFF")]),
            integer("client-id").token("REDIRECT").optional(),
            string("prefix").token("PREFIX").optional().multiple().multiple_token(),
            word("bcast", "BCAST").optional(),
            word("optin", "OPTIN").optional(),
            word("optout", "OPTOUT").optional(),
            word("noloop", "NOLOOP").optional(),
        ]),
    docs(
        "client|trackinginfo",
        "Returns information about server-assisted client-side caching for the connection.",
    )
    .complexity("O(1)"),
    docs("client|unblock", "Unblocks a client blocked by a blocking command from a different connection.")
        .complexity("O(log N) where N is the number of client connections")
        .arguments(&[
            integer("client-id"),
            one_of("unblock-type", &[word("timeout", "TIMEOUT"), word("error", "ERROR")]).optional(),
        ]),
    docs("client|unpause", "Resumes processing commands from paused clients.")
        .complexity("O(N) Where N is the number of paused clients"),
    docs("echo", "Returns the given string.").complexity("O(1)").arguments(&[string("message")]),
    docs("hello", "Handshakes with the Redis server.")
        .complexity("O(1)")
        .history(&[(
            "6.2.0",
            "`protover` made optional; when called without arguments the command reports the current \
             connection's context.",
        )])
        .arguments(&[block(
            "arguments",
            &[
                integer("protover"),
                block("auth", &[string("username"), string("password")]).token("AUTH").optional(),
                string("clientname").token("SETNAME").optional(),
            ],
        )
        .optional()]),
    docs("ping", "Returns the server's liveliness response.")
        .complexity("O(1)")
        .arguments(&[string("message").optional()]),
    docs("quit", "Closes the connection.")
        .complexity("O(1)")
        .deprecated("7.2.0", "just closing the connection"),
    docs("reset", "Resets the connection.").complexity("O(1)"),
    docs("select", "Changes the selected database.").complexity("O(1)").arguments(&[integer("index")]),
];
