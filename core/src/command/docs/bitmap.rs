//! Strings as arrays of bits.

use super::Docs;
use super::describe::*;

pub(super) const DOCS: &[Docs] = &[
    docs("bitcount", "Counts the number of set bits (population counting) in a string.")
        .complexity("O(N)")
        .history(&[("7.0.0", "Added the `BYTE|BIT` option.")])
        .arguments(&[
            key("key", 0),
            block(
                "range",
                &[
                    integer("start"),
                    integer("end"),
                    one_of("unit", &[word("byte", "BYTE"), word("bit", "BIT")]).since("7.0.0").optional(),
                ],
            )
            .optional(),
        ]),
    docs("bitfield", "Performs arbitrary bitfield integer operations on strings.")
        .complexity("O(1) for each subcommand specified")
        .arguments(&[
            key("key", 0),
            one_of(
                "operation",
                &[
                    block("get-block", &[string("encoding"), integer("offset")]).token("GET"),
                    block(
                        "write",
                        &[
                            one_of(
                                "overflow-block",
                                &[word("wrap", "WRAP"), word("sat", "SAT"), word("fail", "FAIL")],
                            )
                            .token("OVERFLOW")
                            .optional(),
                            one_of(
                                "write-operation",
                                &[
                                    block(
                                        "set-block",
                                        &[string("encoding"), integer("offset"), integer("value")],
                                    )
                                    .token("SET"),
                                    block(
                                        "incrby-block",
                                        &[string("encoding"), integer("offset"), integer("increment")],
                                    )
                                    .token("INCRBY"),
                                ],
                            ),
                        ],
                    ),
                ],
            )
            .optional()
            .multiple(),
        ]),
    docs("bitfield_ro", "Performs arbitrary read-only bitfield integer operations on strings.")
        .complexity("O(1) for each subcommand specified")
        .arguments(&[
            key("key", 0),
            block("get-block", &[string("encoding"), integer("offset")])
                .token("GET")
                .optional()
                .multiple()
                .multiple_token(),
        ]),
    docs("bitop", "Performs bitwise operations on multiple strings, and stores the result.")
        .complexity("O(N)")
        .arguments(&[
            one_of(
                "operation",
                &[word("and", "AND"), word("or", "OR"), word("xor", "XOR"), word("not", "NOT")],
            ),
            key("destkey", 0),
            key("key", 1).multiple(),
        ]),
    docs("bitpos", "Finds the first set (1) or clear (0) bit in a string.")
        .complexity("O(N)")
        .history(&[("7.0.0", "Added the `BYTE|BIT` option.")])
        .arguments(&[
            key("key", 0),
            integer("bit"),
            block(
                "range",
                &[
                    integer("start"),
                    block(
                        "end-unit-block",
                        &[
                            integer("end"),
                            one_of("unit", &[word("byte", "BYTE"), word("bit", "BIT")])
                                .since("7.0.0")
                                .optional(),
                        ],
                    )
                    .optional(),
                ],
            )
            .optional(),
        ]),
    docs("getbit", "Returns a bit value by offset.")
        .complexity("O(1)")
        .arguments(&[key("key", 0), integer("offset")]),
    docs(
        "setbit",
        "Sets or clears the bit at offset of the string value. Creates the key if it doesn't \
         exist.",
    )
    .complexity("O(1)")
    .arguments(&[key("key", 0), integer("offset"), integer("value")]),
];
