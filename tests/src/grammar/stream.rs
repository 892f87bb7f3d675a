//! Streams and their groups of consumers.

#[rustfmt::skip]
pub(super) const FORMS: &[(usize, &[&str])] = &[
    (6, &[
        "XADD stream id (field value)+", "XADD stream id f1 element f2 element", "XADD stream (5-*|6-*|7-*) field element",
        "XREADGROUP GROUP group consumer [COUNT few] STREAMS stream >",
        "XGROUP CREATE stream group (0|$|1-2) [MKSTREAM]",
        "XACK stream group id+",
    ]),
    (3, &[
        "XADD stream [NOMKSTREAM] [(MAXLEN|MINID) [=|~] integer [LIMIT count]] id (field value)+",
        "XADD stream MAXLEN [=|~] count (8-*|9-*) field element",
        "XDEL stream id+", "XLEN stream", "XRANGE stream - +", "XRANGE stream range_id range_id [COUNT count]",
        "XREVRANGE stream + -", "XREVRANGE stream range_id range_id [COUNT count]",
        "XREAD [COUNT count] STREAMS stream seen_id", "XREAD [COUNT count] STREAMS stream stream seen_id seen_id",
        "XREADGROUP GROUP group consumer [COUNT count] [NOACK] STREAMS stream (>|0|range_id)",
        "XREADGROUP GROUP group consumer [COUNT count] [NOACK] STREAMS stream stream (>|0) (>|range_id)",
        "XTRIM stream (MAXLEN|MINID) [=|~] count [LIMIT count]", "XTRIM stream MINID [=] range_id",
        "XPENDING stream group", "XPENDING stream group [IDLE idle] range_id range_id integer [consumer]",
        "XPENDING stream group - + 10 [consumer]",
        "XCLAIM stream group consumer idle id+ [IDLE idle|TIME unix_ms] [RETRYCOUNT count] [FORCE] [JUSTID] [LASTID range_id]",
        "XAUTOCLAIM stream group consumer idle range_id [COUNT count] [JUSTID]",
        "XINFO STREAM stream", "XINFO STREAM stream FULL [COUNT count]", "XINFO GROUPS stream", "XINFO CONSUMERS stream group",
    ]),
    (1, &[
        "XADD stream * field element", "XADD stream id field", "XADD stream MAXLEN 3 MINID 1 id field value",
        "XGROUP CREATE stream group range_id [MKSTREAM] [ENTRIESREAD count]", "XGROUP CREATECONSUMER stream group consumer",
        "XGROUP DELCONSUMER stream group consumer", "XGROUP DESTROY stream group", "XGROUP SETID stream group (range_id|$) [ENTRIESREAD count]",
        "XGROUP HELP", "XINFO HELP", "XSETID stream (100|100-5)", "XSETID stream (100|100-5) ENTRIESADDED count MAXDELETEDID range_id",
        "XREAD COUNT count STREAMS stream stream seen_id", "XREADGROUP STREAMS stream >", "XREADGROUP GROUP group consumer STREAMS stream $",
        "XREAD STREAMS stream >", "XTRIM stream MAXLEN ~ count LIMIT integer", "XTRIM stream MAXLEN count MAXLEN count",
        "XACK stream group id id id", "XINFO STREAM stream value", "XREAD STREAMS stream +",
    ]),
];
