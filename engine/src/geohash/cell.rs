//! A cell of the grid that halving the map some times makes.

use core::ops::{Range, RangeInclusive};

use super::{LATITUDES, LONGITUDES, Point, STEPS_MAX};

/// A cell: which one it is from the west and from the south, of 2^`steps` each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cell {
    column: u32,
    row: u32,
    steps: u8,
}

/// The edges of a cell, in degrees.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Area {
    pub(super) west: f64,
    pub(super) east: f64,
    pub(super) south: f64,
    pub(super) north: f64,
}

impl Cell {
    /// The cell that a place lies in.
    pub fn of(point: Point, steps: u8) -> Self {
        Self::in_latitudes(point, steps, LATITUDES)
    }

    /// The same on a map of other latitudes.
    pub(super) fn in_latitudes(point: Point, steps: u8, latitudes: RangeInclusive<f64>) -> Self {
        let index = |coordinate: f64, range: RangeInclusive<f64>| {
            let offset = (coordinate - range.start()) / (range.end() - range.start());
            (offset * (1u64 << steps) as f64) as u32
        };
        Self { column: index(point.longitude, LONGITUDES), row: index(point.latitude, latitudes), steps }
    }

    /// From the bits of row and column, by turns.
    pub(super) fn from_bits(bits: u64, steps: u8) -> Self {
        Self { column: even_bits(bits >> 1), row: even_bits(bits), steps }
    }

    /// The bits of row and column, by turns; the column's are the higher ones.
    pub fn bits(self) -> u64 {
        spread(self.row) | spread(self.column) << 1
    }

    /// The scores of the places in it.
    pub fn scores(self) -> Range<f64> {
        let shift = 2 * (STEPS_MAX - self.steps);
        let bits = self.bits();
        (bits << shift) as f64..((bits + 1) << shift) as f64
    }

    /// The cell so many columns to the east and rows to the north of it; the map has no end in either direction.
    pub(super) fn neighbour(self, east: i32, north: i32) -> Self {
        // The last row may be one too many: it is brought back only if it is left.
        let moved = |index: u32, by: i32| match by {
            0 => index,
            by => index.wrapping_add_signed(by) & ((1 << self.steps) - 1),
        };
        Self { column: moved(self.column, east), row: moved(self.row, north), steps: self.steps }
    }

    pub(super) fn area(self) -> Area {
        let edge = |index: u64, range: RangeInclusive<f64>| {
            range.start() + (index as f64 / (1u64 << self.steps) as f64) * (range.end() - range.start())
        };
        let (column, row) = (u64::from(self.column), u64::from(self.row));
        Area {
            west: edge(column, LONGITUDES),
            east: edge(column + 1, LONGITUDES),
            south: edge(row, LATITUDES),
            north: edge(row + 1, LATITUDES),
        }
    }
}

/// The steps from bits in a row to bits with gaps of one: how far each half is moved, and where it is then.
const HALVINGS: [(u32, u64); 5] = [
    (16, 0x0000_FFFF_0000_FFFF),
    (8, 0x00FF_00FF_00FF_00FF),
    (4, 0x0F0F_0F0F_0F0F_0F0F),
    (2, 0x3333_3333_3333_3333),
    (1, 0x5555_5555_5555_5555),
];

/// The bits of `n` as every other bit.
fn spread(n: u32) -> u64 {
    HALVINGS.iter().fold(n.into(), |bits, (shift, mask)| (bits | bits << shift) & mask)
}

/// Every other bit, from the lowest on.
fn even_bits(bits: u64) -> u32 {
    let bits = HALVINGS.iter().rev().fold(bits, |bits, (shift, mask)| {
        let bits = bits & mask;
        bits | bits >> shift
    });
    bits as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_of_both_coordinates_take_turns() {
        assert_eq!(spread(0b1011), 0b1000101);
        assert_eq!(Cell::from_bits(0b10_01_11, 3), Cell { column: 0b101, row: 0b011, steps: 3 });
        for bits in [0, 1, u64::MAX, 0x1234_5678_9ABC_DEF0] {
            assert_eq!(Cell::from_bits(bits, STEPS_MAX).bits(), bits);
        }
    }

    #[test]
    fn neighbours_lie_beyond_the_edge_on_the_other_side() {
        let corner = Cell { column: 7, row: 0, steps: 3 };
        assert_eq!(corner.neighbour(1, -1), Cell { column: 0, row: 7, steps: 3 });
        assert_eq!(corner.neighbour(1, -1).neighbour(-1, 1), corner);
    }

    #[test]
    fn the_scores_of_a_cell_begin_with_its_bits() {
        let cell = Cell { column: 1, row: 0, steps: 1 };
        assert_eq!(cell.scores(), (2u64 << 50) as f64..(3u64 << 50) as f64);
    }
}
