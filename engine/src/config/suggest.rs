//! The directive that was probably meant.

use alloc::vec::Vec;

use super::{directives, load};

/// The known name closest to `name`, if it is close enough to be a slip of the fingers.
pub(super) fn suggest(name: &str) -> Option<&'static str> {
    const LEN_MAX: usize = 64;
    if name.len() > LEN_MAX {
        return None;
    }
    let name = name.to_ascii_lowercase();
    let allowed = 1 + name.len() / 5;
    let directives = directives::all().flat_map(|(_, directive)| [Some(directive.name), directive.alias]);
    let known = directives.flatten().chain(load::STATEMENTS);
    let distances = known.map(|known| (distance(name.as_bytes(), known.as_bytes()), known));
    distances
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

/// Insertions, deletions, replacements and swaps of neighbours that make `b` of `a`: the optimal string alignment
/// distance. One row per byte of `a`, three
/// of them kept.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, letter) in a.iter().enumerate() {
        let mut next = alloc::vec![i + 1];
        for (j, other) in b.iter().enumerate() {
            let replaced = row[j] + usize::from(letter != other);
            let mut best = replaced.min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *letter == b[j - 1] && a[i - 1] == *other {
                best = best.min(before[j - 1] + 1);
            }
            next.push(best);
        }
        before = core::mem::replace(&mut row, next);
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_lead_to_the_directive_that_was_meant() {
        for (slip, meant) in [
            ("maxmemory-polcy", "maxmemory-policy"),
            ("MaxMemory-Polciy", "maxmemory-policy"),
            ("prot", "port"),
            ("slave-priorty", "slave-priority"),
            ("incldue", "include"),
            ("cluster_enabled", "cluster-enabled"),
        ] {
            assert_eq!(suggest(slip), Some(meant), "{slip}");
        }
    }

    #[test]
    fn a_word_like_no_directive_leads_nowhere() {
        assert_eq!(suggest("frobnicate"), None);
        assert_eq!(suggest(""), None);
    }

    #[test]
    fn distance_counts_edits() {
        for (a, b, edits) in [("", "abc", 3), ("abc", "abc", 0), ("abc", "acb", 1), ("kitten", "sitting", 3)]
        {
            assert_eq!(distance(a.as_bytes(), b.as_bytes()), edits, "{a} {b}");
        }
    }
}
