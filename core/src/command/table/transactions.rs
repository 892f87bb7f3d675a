//! Transactions.

use super::declare::*;

pub(super) const COMMANDS: &[Declaration] = &[
    command("discard", 1, "2.0.0")
        .flags(&[NoScript, Loading, Stale, Fast, AllowBusy])
        .categories(&[Transaction]),
    command("exec", 1, "1.2.0").flags(&[NoScript, Loading, Stale, SkipSlowlog]).categories(&[Transaction]),
    command("multi", 1, "1.2.0")
        .flags(&[NoScript, Loading, Stale, Fast, AllowBusy])
        .categories(&[Transaction]),
    command("unwatch", 1, "2.2.0")
        .flags(&[NoScript, Loading, Stale, Fast, AllowBusy])
        .categories(&[Transaction]),
    command("watch", -2, "2.2.0")
        .flags(&[NoScript, Loading, Stale, Fast, AllowBusy])
        .categories(&[Transaction])
        .keys(&[keys(1, -1, 1, &[RO])]),
];
