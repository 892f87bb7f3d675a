//! `cluster-write-quorum`: when a write is safe, and whose data is enough to be elected.
//!
//! A shard has N copies: its nodes, dead or alive, until they are forgotten. A write is acknowledged once a majority of them, M, has it. So
//! whoever knows that its data is the greatest of N - M + 1 copies, which all acknowledge nothing to earlier primaries any more, has every
//! write that was acknowledged: any such set meets any majority.
//!
//! ```text
//!   primary:   offsets of the copies --committed()--> replies up to there may go
//!   copy:      Tenure of the primary, own offset --Label--> Standing, which elections compare; Fence: what it acknowledges
//! ```
//!
//! Offsets alone do not compare: a primary that was cut off may have written more than its successor. So data stands first for the term of the
//! primary that it belongs to, as in Raft (Ongaro and Ousterhout 2014, section 5.4.1); the term of a primary is the config epoch that it began with.

use crate::epoch::{ConfigEpoch, Epoch, ReplOffset};

/// How many of `copies` must have a write before it is acknowledged.
pub const fn write_majority(copies: usize) -> usize {
    copies / 2 + 1
}

/// How many of `copies` a candidate must be the greatest of, itself among them: the least number that meets every majority.
pub const fn election_quorum(copies: usize) -> usize {
    copies + 1 - write_majority(copies)
}

/// The offset that a majority of `copies` has reached, of which `acknowledged` tells one each. `None` while fewer than a majority tell any.
pub fn committed(copies: usize, acknowledged: &mut [ReplOffset]) -> Option<ReplOffset> {
    acknowledged.sort_unstable_by(|one, other| other.cmp(one));
    acknowledged.get(write_majority(copies) - 1).copied()
}

/// How far a copy's data is. The greater one has every acknowledged write that the lesser one has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Standing {
    /// The term of the primary whose data it is.
    pub term: ConfigEpoch,
    /// How much of it.
    pub offset: ReplOffset,
}

/// The time in which one node is the primary of a shard.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tenure {
    /// Its config epoch when it began.
    pub term: ConfigEpoch,
    /// How far its data was then: a copy that has less may still lack what its predecessor has acknowledged.
    pub start: ReplOffset,
}

/// What a replica knows of its data: under which primary it is complete.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Label {
    term: ConfigEpoch,
    /// The primary that is followed, while its beginning has not been reached.
    ahead: Option<Tenure>,
}

impl Label {
    /// The data of a snapshot that was made in `tenure`.
    pub fn of_snapshot(tenure: Tenure) -> Self {
        Self { term: tenure.term, ahead: None }
    }

    /// The present data goes on with the stream of `tenure`.
    pub fn follow(&mut self, tenure: Tenure) {
        self.ahead = Some(tenure);
    }

    /// Where data stands that has come to `offset`.
    pub fn standing(&mut self, offset: ReplOffset) -> Standing {
        if let Some(tenure) = self.ahead.take_if(|tenure| offset >= tenure.start) {
            self.term = tenure.term;
        }
        Standing { term: self.term, offset }
    }
}

/// What a copy has promised: not to acknowledge to primaries of terms before `epoch` what lies behind `offset`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Fence {
    /// The epoch of the candidate that was promised so; 0 for none.
    pub epoch: Epoch,
    /// How far the copy was when it promised: the candidate has that much.
    pub offset: ReplOffset,
}

impl Fence {
    /// How much of `offset` may be acknowledged to a primary of that term.
    pub fn cap(self, term: ConfigEpoch, offset: ReplOffset) -> ReplOffset {
        if Epoch::from(term) < self.epoch { offset.min(self.offset) } else { offset }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn standing(term: u64, offset: u64) -> Standing {
        Standing { term: ConfigEpoch::new(term), offset: ReplOffset::new(offset) }
    }

    #[test]
    fn every_majority_of_writers_meets_every_quorum_of_electors() {
        for copies in 1..=9_usize {
            let subsets =
                |len: usize| (0_u32..1 << copies).filter(move |set| set.count_ones() as usize == len);
            for electors in subsets(election_quorum(copies)) {
                assert!(
                    subsets(write_majority(copies)).all(|writers| writers & electors != 0),
                    "{copies} copies"
                );
            }
            let fewer = election_quorum(copies) - 1;
            let missed =
                subsets(fewer).any(|few| subsets(write_majority(copies)).any(|writers| writers & few == 0));
            assert!(missed, "{copies} copies: {fewer} would do");
        }
    }

    #[test]
    fn committed_is_what_a_majority_of_all_copies_has() {
        for (copies, acknowledged, offset) in [
            (1, [7].as_slice(), Some(7)),
            (2, &[7, 5], Some(5)),
            (3, &[7, 0, 6], Some(6)),
            (3, &[7], None),
            (4, &[7, 6, 5, 4], Some(5)),
            (5, &[7, 3, 6], Some(3)),
        ] {
            let mut offsets: Vec<_> = acknowledged.iter().copied().map(ReplOffset::new).collect();
            assert_eq!(
                committed(copies, &mut offsets),
                offset.map(ReplOffset::new),
                "{acknowledged:?} of {copies}"
            );
        }
    }

    #[test]
    fn data_counts_for_a_primary_from_where_that_one_began() {
        let mut label = Label::of_snapshot(Tenure { term: ConfigEpoch::new(1), start: ReplOffset::new(0) });
        assert_eq!(label.standing(ReplOffset::new(100)), standing(1, 100));
        label.follow(Tenure { term: ConfigEpoch::new(2), start: ReplOffset::new(120) });
        let lagging = label.standing(ReplOffset::new(119));
        assert_eq!(lagging, standing(1, 119), "what the last primary acknowledged may be at 120");
        assert!(lagging < standing(1, 120));
        assert_eq!(label.standing(ReplOffset::new(120)), standing(2, 120));
        assert!(
            standing(2, 120) > standing(1, 500),
            "a primary that was cut off has written more, and nothing that counts"
        );
    }

    #[test]
    fn a_fence_holds_against_earlier_terms_only() {
        let fence = Fence { epoch: Epoch::new(5), offset: ReplOffset::new(100) };
        assert_eq!(fence.cap(ConfigEpoch::new(4), ReplOffset::new(90)), ReplOffset::new(90));
        assert_eq!(fence.cap(ConfigEpoch::new(4), ReplOffset::new(110)), ReplOffset::new(100));
        assert_eq!(fence.cap(ConfigEpoch::new(5), ReplOffset::new(110)), ReplOffset::new(110));
    }
}
