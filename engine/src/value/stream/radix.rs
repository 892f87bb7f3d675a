//! How many nodes Redis' radix tree would have for the keys that ours keeps in another tree: XINFO STREAM tells it.
//!
//! The tree is the same whatever the order of insertions: a node for each run of bytes that all keys below share, a node for each place where
//! keys part, and a node at the end of each key. The byte by which a node is reached belongs to the node above it.

/// The number of nodes of the tree of `keys`, which are sorted, without repetition, and of one length. Without keys there is a root.
pub(super) fn node_count<const LEN: usize>(keys: &[[u8; LEN]]) -> usize {
    if keys.is_empty() { 1 } else { below(keys, 0) }
}

/// The nodes below the place where these keys have shared `depth` bytes.
fn below<const LEN: usize>(keys: &[[u8; LEN]], depth: usize) -> usize {
    let shared = shared_len(&keys[0], &keys[keys.len() - 1]);
    let run = usize::from(shared > depth);
    if shared == LEN {
        return run + 1;
    }
    let children = keys.chunk_by(|a, b| a[shared] == b[shared]);
    run + 1 + children.map(|child| below(child, shared + 1)).sum::<usize>()
}

fn shared_len(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_branches_and_ends_are_counted() {
        assert_eq!(node_count::<4>(&[]), 1);
        assert_eq!(node_count(&[*b"abcd"]), 2);
        // "abc", the parting, two ends.
        assert_eq!(node_count(&[*b"abcd", *b"abce"]), 4);
        // "a", a parting into b and c, "cd" and its end, "cd" and its end.
        assert_eq!(node_count(&[*b"abcd", *b"accd"]), 6);
        // The root parts; "b", then a parting at the last byte but one: "1" and "1".
        assert_eq!(node_count(&[*b"ab11", *b"ab21", *b"xyzw"]), 1 + 1 + (1 + 4) + 2);
    }
}
