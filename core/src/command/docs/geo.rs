//! Positions on earth, kept in sorted sets.

use super::Docs;
use super::describe::*;

pub(super) const DOCS: &[Docs] = &[
    docs("geoadd", "Adds one or more members to a geospatial index. The key is created if it doesn't exist.")
        .complexity("O(log(N)) for each item added, where N is the number of elements in the sorted set.")
        .history(&[("6.2.0", "Added the `CH`, `NX` and `XX` options.")])
        .arguments(&[
            key("key", 0),
            one_of("condition", &[word("nx", "NX"), word("xx", "XX")]).since("6.2.0").optional(),
            word("change", "CH").since("6.2.0").optional(),
            block("data", &[double("longitude"), double("latitude"), string("member")]).multiple(),
        ]),
    docs("geodist", "Returns the distance between two members of a geospatial index.")
        .complexity("O(1)")
        .arguments(&[
            key("key", 0),
            string("member1"),
            string("member2"),
            one_of("unit", &[word("m", "M"), word("km", "KM"), word("ft", "FT"), word("mi", "MI")])
                .optional(),
        ]),
    docs("geohash", "Returns members from a geospatial index as geohash strings.")
        .complexity("O(1) for each member requested.")
        .arguments(&[key("key", 0), string("member").optional().multiple()]),
    docs("geopos", "Returns the longitude and latitude of members from a geospatial index.")
        .complexity("O(1) for each member requested.")
        .arguments(&[key("key", 0), string("member").optional().multiple()]),
    docs(
        "georadius",
        "Queries a geospatial index for members within a distance from a coordinate, optionally \
         stores the result.",
    )
    .complexity(
        "O(N+log(M)) where N is the number of elements inside the bounding box of the circular \
         area delimited by center and radius and M is the number of items inside the index.",
    )
    .deprecated("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument")
    .history(&[
        ("6.2.0", "Added the `ANY` option for `COUNT`."),
        ("7.0.0", "Added support for uppercase unit names."),
    ])
    .arguments(&[
        key("key", 0),
        double("longitude"),
        double("latitude"),
        double("radius"),
        one_of("unit", &[word("m", "M"), word("km", "KM"), word("ft", "FT"), word("mi", "MI")]),
        word("withcoord", "WITHCOORD").optional(),
        word("withdist", "WITHDIST").optional(),
        word("withhash", "WITHHASH").optional(),
        block(
            "count-block",
            &[integer("count").token("COUNT"), word("any", "ANY").since("6.2.0").optional()],
        )
        .optional(),
        one_of("order", &[word("asc", "ASC"), word("desc", "DESC")]).optional(),
        one_of(
            "store",
            &[
                key("storekey", 1).token("STORE").shown_as("key"),
                key("storedistkey", 2).token("STOREDIST").shown_as("key"),
            ],
        )
        .optional(),
    ]),
    docs(
        "georadius_ro",
        "Returns members from a geospatial index that are within a distance from a coordinate.",
    )
    .complexity(
        "O(N+log(M)) where N is the number of elements inside the bounding box of the circular \
         area delimited by center and radius and M is the number of items inside the index.",
    )
    .deprecated("6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument")
    .history(&[("6.2.0", "Added the `ANY` option for `COUNT`.")])
    .arguments(&[
        key("key", 0),
        double("longitude"),
        double("latitude"),
        double("radius"),
        one_of("unit", &[word("m", "M"), word("km", "KM"), word("ft", "FT"), word("mi", "MI")]),
        word("withcoord", "WITHCOORD").optional(),
        word("withdist", "WITHDIST").optional(),
        word("withhash", "WITHHASH").optional(),
        block(
            "count-block",
            &[integer("count").token("COUNT"), word("any", "ANY").since("6.2.0").optional()],
        )
        .optional(),
        one_of("order", &[word("asc", "ASC"), word("desc", "DESC")]).optional(),
    ]),
    docs(
        "georadiusbymember",
        "Queries a geospatial index for members within a distance from a member, optionally \
         stores the result.",
    )
    .complexity(
        "O(N+log(M)) where N is the number of elements inside the bounding box of the circular \
         area delimited by center and radius and M is the number of items inside the index.",
    )
    .deprecated("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments")
    .history(&[("7.0.0", "Added support for uppercase unit names.")])
    .arguments(&[
        key("key", 0),
        string("member"),
        double("radius"),
        one_of("unit", &[word("m", "M"), word("km", "KM"), word("ft", "FT"), word("mi", "MI")]),
        word("withcoord", "WITHCOORD").optional(),
        word("withdist", "WITHDIST").optional(),
        word("withhash", "WITHHASH").optional(),
        block("count-block", &[integer("count").token("COUNT"), word("any", "ANY").optional()]).optional(),
        one_of("order", &[word("asc", "ASC"), word("desc", "DESC")]).optional(),
        one_of(
            "store",
            &[
                key("storekey", 1).token("STORE").shown_as("key"),
                key("storedistkey", 2).token("STOREDIST").shown_as("key"),
            ],
        )
        .optional(),
    ]),
    docs(
        "georadiusbymember_ro",
        "Returns members from a geospatial index that are within a distance from a member.",
    )
    .complexity(
        "O(N+log(M)) where N is the number of elements inside the bounding box of the circular \
         area delimited by center and radius and M is the number of items inside the index.",
    )
    .deprecated("6.2.0", "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments")
    .arguments(&[
        key("key", 0),
        string("member"),
        double("radius"),
        one_of("unit", &[word("m", "M"), word("km", "KM"), word("ft", "FT"), word("mi", "MI")]),
        word("withcoord", "WITHCOORD").optional(),
        word("withdist", "WITHDIST").optional(),
        word("withhash", "WITHHASH").optional(),
        block("count-block", &[integer("count").token("COUNT"), word("any", "ANY").optional()]).optional(),
        one_of("order", &[word("asc", "ASC"), word("desc", "DESC")]).optional(),
    ]),
    docs("geosearch", "Queries a geospatial index for members inside an area of a box or a circle.")
        .complexity(
            "O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area \
             around the shape provided as the filter and M is the number of items inside the shape",
        )
        .history(&[("7.0.0", "Added support for uppercase unit names.")])
        .arguments(&[
            key("key", 0),
            one_of(
                "from",
                &[
                    string("member").token("FROMMEMBER"),
                    block("fromlonlat", &[double("longitude"), double("latitude")]).token("FROMLONLAT"),
                ],
            ),
            one_of(
                "by",
                &[
                    block(
                        "circle",
                        &[
                            double("radius").token("BYRADIUS"),
                            one_of(
                                "unit",
                                &[word("m", "M"), word("km", "KM"), word("ft", "FT"), word("mi", "MI")],
                            ),
                        ],
                    ),
                    block(
                        "box",
                        &[
                            double("width").token("BYBOX"),
                            double("height"),
                            one_of(
                                "unit",
                                &[word("m", "M"), word("km", "KM"), word("ft", "FT"), word("mi", "MI")],
                            ),
                        ],
                    ),
                ],
            ),
            one_of("order", &[word("asc", "ASC"), word("desc", "DESC")]).optional(),
            block("count-block", &[integer("count").token("COUNT"), word("any", "ANY").optional()])
                .optional(),
            word("withcoord", "WITHCOORD").optional(),
            word("withdist", "WITHDIST").optional(),
            word("withhash", "WITHHASH").optional(),
        ]),
    docs(
        "geosearchstore",
        "Queries a geospatial index for members inside an area of a box or a circle, optionally \
         stores the result.",
    )
    .complexity(
        "O(N+log(M)) where N is the number of elements in the grid-aligned bounding box area \
         around the shape provided as the filter and M is the number of items inside the shape",
    )
    .history(&[("7.0.0", "Added support for uppercase unit names.")])
    .arguments(&[
        key("destination", 0),
        key("source", 1),
        one_of(
            "from",
            &[
                string("member").token("FROMMEMBER"),
                block("fromlonlat", &[double("longitude"), double("latitude")]).token("FROMLONLAT"),
            ],
        ),
        one_of(
            "by",
            &[
                block(
                    "circle",
                    &[
                        double("radius").token("BYRADIUS"),
                        one_of(
                            "unit",
                            &[word("m", "M"), word("km", "KM"), word("ft", "FT"), word("mi", "MI")],
                        ),
                    ],
                ),
                block(
                    "box",
                    &[
                        double("width").token("BYBOX"),
                        double("height"),
                        one_of(
                            "unit",
                            &[word("m", "M"), word("km", "KM"), word("ft", "FT"), word("mi", "MI")],
                        ),
                    ],
                ),
            ],
        ),
        one_of("order", &[word("asc", "ASC"), word("desc", "DESC")]).optional(),
        block("count-block", &[integer("count").token("COUNT"), word("any", "ANY").optional()]).optional(),
        word("storedist", "STOREDIST").optional(),
    ]),
];
