//! Sorting as far as places are asked for: the quicksort of Redis' `pqsort`, step by step.
//!
//! Any sort would find the elements asked for, but where some are equal, it depends on each step which of them are found, and in which
//! order.
//! Source of the rules: J. L. Bentley, M. D. McIlroy, "Engineering a Sort Function" (1993), and the names of its variables.

use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;

/// Fewer elements than this are sorted by insertion.
const FEW: usize = 7;
/// From more elements than this, nine are drawn to choose a pivot.
const MANY: usize = 40;

/// Orders `items` so far that the places `wanted` hold what they would if all was sorted.
pub(super) fn partial_sort<T>(items: &mut [T], wanted: &Range<usize>, compare: &impl Fn(&T, &T) -> Ordering) {
    let whole = 0..items.len();
    let mut parts = Vec::from([whole]);
    while let Some(part) = parts.pop() {
        if part.len() < FEW {
            insertion_sort(&mut items[part], compare);
            continue;
        }
        let (less, greater) = partition(&mut items[part.clone()], compare);
        let sides = [part.start..part.start + less, part.end - greater..part.end];
        let matters =
            |side: &Range<usize>| side.len() > 1 && side.start < wanted.end && wanted.start < side.end;
        parts.extend(sides.into_iter().filter(matters));
    }
}

fn insertion_sort<T>(items: &mut [T], compare: &impl Fn(&T, &T) -> Ordering) {
    for end in 1..items.len() {
        let mut at = end;
        while at > 0 && compare(&items[at - 1], &items[at]).is_gt() {
            items.swap(at - 1, at);
            at -= 1;
        }
    }
}

/// Puts what is less than the pivot in front of it, and what is greater behind. Returns the numbers of either.
fn partition<T>(items: &mut [T], compare: &impl Fn(&T, &T) -> Ordering) -> (usize, usize) {
    items.swap(0, pivot(items, compare));
    let len = items.len();
    // Equal ones gather at both ends: in front of `a` and behind `d`.
    let (mut a, mut b, mut c, mut d) = (1, 1, len - 1, len - 1);
    loop {
        while b <= c {
            match compare(&items[b], &items[0]) {
                Ordering::Less => {}
                Ordering::Equal => {
                    items.swap(a, b);
                    a += 1;
                }
                Ordering::Greater => break,
            }
            b += 1;
        }
        while b <= c {
            match compare(&items[c], &items[0]) {
                Ordering::Greater => {}
                Ordering::Equal => {
                    items.swap(c, d);
                    d -= 1;
                }
                Ordering::Less => break,
            }
            c -= 1;
        }
        if b > c {
            break;
        }
        items.swap(b, c);
        b += 1;
        c -= 1;
    }
    let (less, greater) = (b - a, d - c);
    swap_ranges(items, 0, b, a.min(less));
    swap_ranges(items, b, len, greater.min(len - 1 - d));
    (less, greater)
}

/// Swaps `count` items from `start` on with those that end at `end`.
fn swap_ranges<T>(items: &mut [T], start: usize, end: usize, count: usize) {
    (0..count).for_each(|at| items.swap(start + at, end - count + at));
}

fn pivot<T>(items: &[T], compare: &impl Fn(&T, &T) -> Ordering) -> usize {
    let (first, middle, last) = (0, items.len() / 2, items.len() - 1);
    let median = |a: usize, b: usize, c: usize| {
        let compare = |a: usize, b: usize| compare(&items[a], &items[b]);
        match (compare(a, b).is_lt(), compare(b, c)) {
            (true, Ordering::Less) => b,
            (true, _) => {
                if compare(a, c).is_lt() {
                    c
                } else {
                    a
                }
            }
            (false, Ordering::Greater) => b,
            (false, _) => {
                if compare(a, c).is_lt() {
                    a
                } else {
                    c
                }
            }
        }
    };
    match items.len() {
        FEW => middle,
        len if len > MANY => {
            let eighth = len / 8;
            let first = median(first, first + eighth, first + 2 * eighth);
            let middle = median(middle - eighth, middle, middle + eighth);
            median(first, middle, median(last - 2 * eighth, last - eighth, last))
        }
        _ => median(first, middle, last),
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    /// Numbers without order, a few of them equal.
    fn numbers(len: usize) -> Vec<usize> {
        (0..len).map(|n| n * 7919 % 1009 % (len / 2 + 1)).collect()
    }

    #[test]
    fn places_asked_for_hold_what_belongs_there() {
        for len in 0..150 {
            let mut sorted = numbers(len);
            sorted.sort_unstable();
            for wanted in [0..len, 0..len.min(3), len / 2..len, len / 3..len / 2] {
                let mut items = numbers(len);
                partial_sort(&mut items, &wanted, &usize::cmp);
                assert_eq!(items[wanted.clone()], sorted[wanted], "{len}");
                items.sort_unstable();
                assert_eq!(items, sorted);
            }
        }
    }

    #[test]
    fn few_equal_ones_keep_their_order_and_many_are_mixed_as_redis_does() {
        let order = |len: usize| {
            let mut items: Vec<usize> = (0..len).collect();
            partial_sort(&mut items, &(0..1), &|_, _| Ordering::Equal);
            items
        };
        assert_eq!(order(6), [0, 1, 2, 3, 4, 5]);
        assert_eq!(order(8), [7, 1, 2, 3, 4, 5, 6, 0]);
    }
}
