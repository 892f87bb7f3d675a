//! The form of a small sorted set: a listpack of members, each followed by its score, in order.
//!
//! A score is kept as an integer if it is one of at most 62 bits, else as the text that Redis prints of it. Zero loses its sign.

use core::ops::Range;

use slotway_core::resp::double::DoubleText;
use slotway_core::resp::encode::Decimal;

use super::super::listpack::{self, Element, Listpack, ListpackRef, Position};

/// Elements per member.
const WIDTH: usize = 2;

/// Number of members.
pub(super) fn len(members: ListpackRef<'_>) -> usize {
    members.len() / WIDTH
}

/// The score of `member`.
pub(super) fn score(members: ListpackRef<'_>, member: &[u8]) -> Option<f64> {
    find(members, member).map(|at| score_at(members, at))
}

/// How many members lie before `member`, and its score.
pub(super) fn rank(members: ListpackRef<'_>, member: &[u8]) -> Option<(usize, f64)> {
    let is_it = listpack::Needle::new(member);
    let mut scores = range(members, 0, len(members)).enumerate();
    scores.find_map(|(rank, (other, score))| is_it.is(other).then_some((rank, score)))
}

/// How many members `is_before` holds for, if it holds for none that follows one that it does not hold for.
pub(super) fn partition(members: ListpackRef<'_>, is_before: impl Fn(&[u8], f64) -> bool) -> usize {
    count_while(members, 0, is_before)
}

/// The ranks from the first member that reaches a lower bound to the last one in a row that does not pass an upper one; none at all if
/// the last member of all does not reach the one, or the first passes the other.
pub(super) fn between(
    members: ListpackRef<'_>,
    reaches: impl Fn(&[u8], f64) -> bool,
    passes: impl Fn(&[u8], f64) -> bool,
) -> Range<usize> {
    let is = |test: &dyn Fn(&[u8], f64) -> bool, (member, score): (Element<'_>, f64)| {
        test(member.text(&mut Decimal::new()), score)
    };
    let mut ends = range(members, 0, len(members));
    let is_possible = ends.clone().next_back().is_some_and(|last| is(&reaches, last))
        && ends.next().is_some_and(|first| !is(&passes, first));
    if !is_possible {
        return 0..0;
    }
    let start = count_while(members, 0, |member, score| !reaches(member, score));
    start..start + count_while(members, start, |member, score| !passes(member, score))
}

/// How many members in a row `holds` holds for, from the one on that `start` others lie before.
fn count_while(members: ListpackRef<'_>, start: usize, holds: impl Fn(&[u8], f64) -> bool) -> usize {
    let holds = |(member, score): &(Element<'_>, f64)| holds(member.text(&mut Decimal::new()), *score);
    range(members, start, len(members) - start).take_while(holds).count()
}

/// `count` members from the one on that `start` others lie before.
pub(super) fn range(members: ListpackRef<'_>, start: usize, count: usize) -> Iter<'_> {
    let behind = (len(members) - start - count) * WIDTH;
    Iter { elements: members.iter(), ahead: start * WIDTH, behind, left: count }
}

/// Gives `member` a score. Returns the one it had.
pub(super) fn insert(members: &mut Listpack, member: &[u8], score: f64) -> Option<f64> {
    let known = find(members.borrow(), member);
    let before = known.map(|at| score_at(members.borrow(), at));
    if before != Some(score) {
        if let Some(at) = known {
            members.remove(at, WIDTH);
        }
        place(members, member, score);
    }
    before
}

/// Removes `member`. Returns the score it had.
pub(super) fn remove(members: &mut Listpack, member: &[u8]) -> Option<f64> {
    let at = find(members.borrow(), member)?;
    let score = score_at(members.borrow(), at);
    members.remove(at, WIDTH);
    Some(score)
}

/// Removes `count` members from the one on that `start` others lie before.
pub(super) fn remove_range(members: &mut Listpack, start: usize, count: usize) {
    if let Some(at) = members.borrow().seek((start * WIDTH) as isize) {
        members.remove(at, count * WIDTH);
    }
}

/// Adds a member that belongs behind all others.
pub(super) fn push_back(members: &mut Listpack, member: &[u8], score: f64) {
    members.push_back(member);
    members.push_back(score_text(score).as_bytes());
}

/// Adds a member that is not there.
fn place(members: &mut Listpack, member: &[u8], score: f64) {
    let rank = partition(members.borrow(), |other, other_score| (other_score, other) < (score, member));
    match members.borrow().seek((rank * WIDTH) as isize) {
        Some(at) => {
            let at = members.insert_before(at, member);
            members.insert_after(at, score_text(score).as_bytes());
        }
        None => push_back(members, member, score),
    }
}

fn find(members: ListpackRef<'_>, member: &[u8]) -> Option<Position> {
    members.find(members.first()?, member, WIDTH - 1)
}

fn score_at(members: ListpackRef<'_>, member: Position) -> f64 {
    members.next(member).map_or(0.0, |at| score_of(members.get(at)))
}

fn score_of(element: Element<'_>) -> f64 {
    match element {
        Element::Int(score) => score as f64,
        Element::Bytes(text) => {
            let score = core::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
            score.expect("a score was printed from a double")
        }
    }
}

fn score_text(score: f64) -> DoubleText {
    // The sum of zeros of both signs has none.
    DoubleText::new(score + 0.0)
}

/// Members with their scores, from either end.
#[derive(Clone)]
pub(super) struct Iter<'a> {
    elements: listpack::Iter<'a>,
    /// Elements in front of the first member that are still to be skipped, and behind the last: only if there is need to.
    ahead: usize,
    behind: usize,
    /// Members left.
    left: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (Element<'a>, f64);

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let member = self.elements.nth(core::mem::take(&mut self.ahead))?;
        Some((member, score_of(self.elements.next()?)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let score = self.elements.nth_back(core::mem::take(&mut self.behind))?;
        Some((self.elements.next_back()?, score_of(score)))
    }
}

impl ExactSizeIterator for Iter<'_> {}
