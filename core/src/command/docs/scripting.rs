//! Scripts and functions.

use super::Docs;
use super::describe::*;

pub(super) const DOCS: &[Docs] = &[
    docs("eval", "Executes a server-side Lua script.")
        .complexity("Depends on the script that is executed.")
        .arguments(&[
            string("script"),
            integer("numkeys"),
            key("key", 0).optional().multiple(),
            string("arg").optional().multiple(),
        ]),
    docs("eval_ro", "Executes a read-only server-side Lua script.")
        .complexity("Depends on the script that is executed.")
        .arguments(&[
            string("script"),
            integer("numkeys"),
            key("key", 0).optional().multiple(),
            string("arg").optional().multiple(),
        ]),
    docs("evalsha", "Executes a server-side Lua script by SHA1 digest.")
        .complexity("Depends on the script that is executed.")
        .arguments(&[
            string("sha1"),
            integer("numkeys"),
            key("key", 0).optional().multiple(),
            string("arg").optional().multiple(),
        ]),
    docs("evalsha_ro", "Executes a read-only server-side Lua script by SHA1 digest.")
        .complexity("Depends on the script that is executed.")
        .arguments(&[
            string("sha1"),
            integer("numkeys"),
            key("key", 0).optional().multiple(),
            string("arg").optional().multiple(),
        ]),
    docs("fcall", "Invokes a function.").complexity("Depends on the function that is executed.").arguments(
        &[
            string("function"),
            integer("numkeys"),
            key("key", 0).optional().multiple(),
            string("arg").optional().multiple(),
        ],
    ),
    docs("fcall_ro", "Invokes a read-only function.")
        .complexity("Depends on the function that is executed.")
        .arguments(&[
            string("function"),
            integer("numkeys"),
            key("key", 0).optional().multiple(),
            string("arg").optional().multiple(),
        ]),
    docs("function", "A container for function commands.").complexity("Depends on subcommand."),
    docs("function|delete", "Deletes a library and its functions.")
        .complexity("O(1)")
        .arguments(&[string("library-name")]),
    docs("function|dump", "Dumps all libraries into a serialized binary payload.")
        .complexity("O(N) where N is the number of functions"),
    docs("function|flush", "Deletes all libraries and functions.")
        .complexity("O(N) where N is the number of functions deleted")
        .arguments(&[one_of("flush-type", &[word("async", "ASYNC"), word("sync", "SYNC")]).optional()]),
    docs("function|help", "Returns helpful text about the different subcommands.").complexity("O(1)"),
    docs("function|kill", "Terminates a function during execution.").complexity("O(1)"),
    docs("function|list", "Returns information about all libraries.")
        .complexity("O(N) where N is the number of functions")
        .arguments(&[
            string("library-name-pattern").token("LIBRARYNAME").optional(),
            word("withcode", "WITHCODE").optional(),
        ]),
    docs("function|load", "Creates a library.")
        .complexity("O(1) (considering compilation time is redundant)")
        .arguments(&[word("replace", "REPLACE").optional(), string("function-code")]),
    docs("function|restore", "Restores all libraries from a payload.")
        .complexity("O(N) where N is the number of functions on the payload")
        .arguments(&[
            string("serialized-value"),
            one_of("policy", &[word("flush", "FLUSH"), word("append", "APPEND"), word("replace", "REPLACE")])
                .optional(),
        ]),
    docs("function|stats", "Returns information about a function during execution.").complexity("O(1)"),
    docs("script", "A container for Lua scripts management commands.").complexity("Depends on subcommand."),
    docs("script|debug", "Sets the debug mode of server-side Lua scripts.")
        .complexity("O(1)")
        .arguments(&[one_of("mode", &[word("yes", "YES"), word("sync", "SYNC"), word("no", "NO")])]),
    docs("script|exists", "Determines whether server-side Lua scripts exist in the script cache.")
        .complexity(
            "O(N) with N being the number of scripts to check (so checking a single script is an O(1) \
             operation).",
        )
        .arguments(&[string("sha1").multiple()]),
    docs("script|flush", "Removes all server-side Lua scripts from the script cache.")
        .complexity("O(N) with N being the number of scripts in cache")
        .history(&[("6.2.0", "Added the `ASYNC` and `SYNC` flushing mode modifiers.")])
        .arguments(&[one_of("flush-type", &[word("async", "ASYNC"), word("sync", "SYNC")])
            .since("6.2.0")
            .optional()]),
    docs("script|help", "Returns helpful text about the different subcommands.").complexity("O(1)"),
    docs("script|kill", "Terminates a server-side Lua script during execution.").complexity("O(1)"),
    docs("script|load", "Loads a server-side Lua script to the script cache.")
        .complexity("O(N) with N being the length in bytes of the script body.")
        .arguments(&[string("script")]),
];
