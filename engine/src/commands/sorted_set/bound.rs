//! What a range of members is told by: ranks, scores, or the members themselves.
//!
//! | range   | bounds                                                                  |
//! |---------|-------------------------------------------------------------------------|
//! | ranks   | integers, both included, counted from the end if negative               |
//! | scores  | doubles, `(` in front of one that is not included                       |
//! | members | `[` or `(` in front of one that is, or is not, included; `-`, `+`: none |
//!
//! Ranges of members only make sense where all scores are the same. In a small sorted set where they are not, they are found as
//! Redis finds them there: from the first member that reaches the lower bound to the first one after it that passes the upper one.

use core::ops::Range;

use slotway_core::resp::error::ErrorReply;

use super::super::args;
use super::super::collection::index_range;
use super::Direction;
use crate::number::parse_double_bound;
use crate::value::SortedSetRef;

/// Which members are meant.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Selection<'a> {
    /// Those between two ranks in the direction of the command.
    Ranks(i64, i64),
    /// Those between two scores, the lower one first.
    Scores(Score, Score),
    /// Those between two members, the lower one first.
    Members(Lex<'a>, Lex<'a>),
}

/// The bound of a range of scores.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Score {
    /// Where it lies.
    pub(super) at: f64,
    /// Whether that itself is in the range.
    pub(super) includes: bool,
}

/// The bound of a range of members.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Lex<'a> {
    /// `-`: below all members.
    Lowest,
    /// `[`
    Including(&'a [u8]),
    /// `(`
    Excluding(&'a [u8]),
    /// `+`: above all members.
    Highest,
}

impl<'a> Selection<'a> {
    /// Reads two ranks.
    pub(super) fn ranks(start: &[u8], end: &[u8]) -> Result<Self, ErrorReply> {
        Ok(Selection::Ranks(args::integer(start)?, args::integer(end)?))
    }

    /// Reads two scores.
    pub(super) fn scores(min: &[u8], max: &[u8]) -> Result<Self, ErrorReply> {
        Ok(Selection::Scores(Score::parse(min)?, Score::parse(max)?))
    }

    /// Reads two members.
    pub(super) fn members(min: &'a [u8], max: &'a [u8]) -> Result<Self, ErrorReply> {
        Ok(Selection::Members(Lex::parse(min)?, Lex::parse(max)?))
    }

    /// The ranks, in ascending order, that this selects.
    pub(super) fn find(self, set: SortedSetRef<'_>, direction: Direction) -> Range<usize> {
        match self {
            Selection::Ranks(start, end) => {
                let Range { start, end } = index_range(start, end, set.len());
                direction.of(start..end, set.len() - end..set.len() - start)
            }
            Selection::Scores(min, max) => {
                set.between(|_, score| min.is_reached_by(score), |_, score| max.is_passed_by(score))
            }
            Selection::Members(min, max) => {
                set.between(|member, _| min.is_reached_by(member), |member, _| max.is_passed_by(member))
            }
        }
    }
}

impl Score {
    fn parse(text: &[u8]) -> Result<Self, ErrorReply> {
        let (number, includes) = match text {
            [b'(', number @ ..] => (number, false),
            number => (number, true),
        };
        let at = parse_double_bound(number).ok_or(ErrorReply::ScoreBound)?;
        Ok(Self { at, includes })
    }

    /// As a lower bound.
    fn is_reached_by(self, score: f64) -> bool {
        score > self.at || self.includes && score == self.at
    }

    /// As an upper bound.
    fn is_passed_by(self, score: f64) -> bool {
        score > self.at || !self.includes && score == self.at
    }
}

impl<'a> Lex<'a> {
    fn parse(text: &'a [u8]) -> Result<Self, ErrorReply> {
        match text {
            [b'[', member @ ..] => Ok(Lex::Including(member)),
            [b'(', member @ ..] => Ok(Lex::Excluding(member)),
            // Redis sees the end of a text at a NUL here.
            [b'-'] | [b'-', 0, ..] => Ok(Lex::Lowest),
            [b'+'] | [b'+', 0, ..] => Ok(Lex::Highest),
            _ => Err(ErrorReply::LexBound),
        }
    }

    /// As a lower bound.
    fn is_reached_by(self, member: &[u8]) -> bool {
        match self {
            Lex::Lowest => true,
            Lex::Including(bound) => member >= bound,
            Lex::Excluding(bound) => member > bound,
            Lex::Highest => false,
        }
    }

    /// As an upper bound.
    fn is_passed_by(self, member: &[u8]) -> bool {
        match self {
            Lex::Lowest => true,
            Lex::Including(bound) => member > bound,
            Lex::Excluding(bound) => member >= bound,
            Lex::Highest => false,
        }
    }
}
