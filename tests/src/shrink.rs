//! Delta debugging: the shortest part of a failing sequence that still fails.
//!
//! Source: Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input" (ddmin).

/// Removes from `items` whatever `fails` does not need. `fails(items)` must be true at the beginning.
///
/// The result is minimal in that no single item can be left out; the order stays.
pub fn shrink<T: Clone>(items: &[T], mut fails: impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut kept = items.to_vec();
    let mut size = kept.len().div_ceil(2);
    while size > 0 {
        let before = kept.len();
        kept = without_chunks(kept, size, &mut fails);
        if kept.len() == before || size > 1 {
            size /= 2;
        }
    }
    kept
}

/// Leaves out each run of `size` items that the failure does not need, from the end on: later steps rarely matter.
fn without_chunks<T: Clone>(mut kept: Vec<T>, size: usize, fails: &mut impl FnMut(&[T]) -> bool) -> Vec<T> {
    let mut end = kept.len();
    while end > 0 {
        let start = end.saturating_sub(size);
        let mut shorter = kept.clone();
        shorter.drain(start..end);
        if fails(&shorter) {
            kept = shorter;
        }
        end = start;
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_failure_needs_remains() {
        let items: Vec<u32> = (0..100).collect();
        let kept = shrink(&items, |part| part.contains(&17) && part.contains(&18) && part.contains(&93));
        assert_eq!(kept, [17, 18, 93]);
    }

    #[test]
    fn a_failure_without_cause_shrinks_to_nothing() {
        assert_eq!(shrink(&[1, 2, 3], |_| true), Vec::<i32>::new());
    }
}
