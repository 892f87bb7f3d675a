//! Which memory is whose, by three numbers.
//!
//! A question is answered by some thousand allocations, of which nobody needs one when the next question comes: then memory begins anew. In between
//! memory is taken from the end, the last piece can grow and shrink, and nothing is given back. So the compiler leaves out all that finds out what to
//! give back, which was a twentieth of the module; an allocator that finds memory again would be 6 KB more.

/// Addresses from `base` on; those from `next` on are free.
pub(crate) struct Arena {
    base: usize,
    next: usize,
}

impl Arena {
    pub(crate) const fn new() -> Self {
        Self { base: 0, next: 0 }
    }

    /// Makes memory begin at `base`, if it has not begun anywhere.
    pub(crate) fn begin_at(&mut self, base: usize) {
        if self.base == 0 {
            (self.base, self.next) = (base, base);
        }
    }

    /// Makes all memory free.
    pub(crate) fn begin_anew(&mut self) {
        self.next = self.base;
    }

    /// Takes `size` bytes, at least one, at a multiple of `align`, a power of two. `None` past the last address.
    pub(crate) fn take(&mut self, size: usize, align: usize) -> Option<usize> {
        let at = self.next.checked_next_multiple_of(align)?;
        self.next = at.checked_add(size)?;
        Some(at)
    }

    /// Makes the `size` bytes at `at` into `wanted` bytes without moving them; false if others lie behind.
    pub(crate) fn resize(&mut self, at: usize, size: usize, wanted: usize) -> bool {
        let end = at.checked_add(wanted).filter(|_| self.is_last(at, size));
        self.next = end.unwrap_or(self.next);
        end.is_some()
    }

    /// The first address that nobody has.
    pub(crate) fn end(&self) -> usize {
        self.next
    }

    fn is_last(&self, at: usize, size: usize) -> bool {
        at + size == self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn memory_begins_anew_where_it_began() {
        let mut arena = Arena::new();
        arena.begin_anew();
        arena.begin_at(64);
        arena.begin_at(9999);
        assert_eq!(arena.take(3, 1), Some(64));
        assert_eq!(arena.take(8, 8), Some(72));
        arena.begin_anew();
        assert_eq!((arena.take(1, 1), arena.end()), (Some(64), 65));
    }

    #[test]
    fn there_is_no_memory_past_the_last_address() {
        let mut arena = Arena::new();
        arena.begin_at(64);
        assert_eq!(arena.take(usize::MAX - 10, 1), None);
        let at = arena.take(8, 8).unwrap();
        assert!(!arena.resize(at, 8, usize::MAX - 8));
    }

    proptest! {
        #[test]
        fn pieces_are_aligned_and_never_overlap(steps in proptest::collection::vec((any::<bool>(), 1..40usize, 0..4u32), 1..60)) {
            let mut arena = Arena::new();
            arena.begin_at(1024);
            let mut pieces: Vec<(usize, usize)> = Vec::new();
            for (step, number, power) in steps {
                let chosen = number.checked_rem(pieces.len());
                match (step, chosen) {
                    (true, Some(chosen)) => {
                        let (at, size) = pieces[chosen];
                        if arena.resize(at, size, number) {
                            pieces[chosen] = (at, number);
                        }
                    }
                    _ => {
                        let at = arena.take(number, 1 << power).unwrap();
                        prop_assert_eq!(at % (1 << power), 0);
                        pieces.push((at, number));
                    }
                }
                let mut sorted = pieces.clone();
                sorted.sort_unstable();
                prop_assert!(sorted.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0));
                prop_assert!(pieces.iter().all(|(at, size)| (1024..=arena.end()).contains(&(at + size))));
            }
        }
    }
}
