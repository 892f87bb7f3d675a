//! Places on the globe as scores: a geohash of 52 bits, and what lies near a place.
//!
//! ```text
//!   longitude  -180 ... 180    in 2^26 steps  o   o   o         score: o a o a o a ... , an integer that a double holds
//!   latitude    -85 ...  85    in 2^26 steps    a   a   a
//! ```
//!
//! Places that begin with the same bits lie in one cell, and cells of any size are ranges of scores. A search looks into the cell of
//! its center and the eight around it, each cell as large as half of what is searched at least ([`cover()`]).
//!
//! Source of the rules: `geohash.c` and `geohash_helper.c` of Redis 7.2. Results are printed, so the order of operations on doubles is
//! theirs too.

mod cell;
mod cover;
mod trigonometry;

pub use cell::Cell;
pub use cover::{Shape, cover};

use core::ops::RangeInclusive;

use trigonometry::{asin, cos, sin};

/// Longitudes on the map, in degrees.
pub const LONGITUDES: RangeInclusive<f64> = -180.0..=180.0;
/// Latitudes on the map, in degrees: those of a Mercator projection that is a square (EPSG:3857).
pub const LATITUDES: RangeInclusive<f64> = -85.05112878..=85.05112878;
/// Halvings of each coordinate in a score.
pub const STEPS_MAX: u8 = 26;

/// Above all scores that have 64 bits.
const SCORES_END: f64 = (1u128 << 64) as f64;
/// The quadratic mean radius of the Earth in WGS 84, in meters.
const EARTH_RADIUS: f64 = 6_372_797.560856;
const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";

/// A place, in degrees.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Point {
    /// East is above zero.
    pub longitude: f64,
    /// North is above zero.
    pub latitude: f64,
}

impl Point {
    /// The place, if it is on the map.
    pub fn new(longitude: f64, latitude: f64) -> Option<Self> {
        let is_on_map = LONGITUDES.contains(&longitude) && LATITUDES.contains(&latitude);
        is_on_map.then_some(Self { longitude, latitude })
    }

    /// The score that stands for it.
    pub fn score(self) -> f64 {
        Cell::of(self, STEPS_MAX).bits() as f64
    }

    /// The middle of the smallest cell that a score stands for. A score that no place has gives some place on the edge of the map.
    pub fn of_score(score: f64) -> Self {
        // Doubles out of range become what C compilers make of them on x86-64.
        let bits = match score {
            ..0.0 => score as i64 as u64,
            0.0..SCORES_END => score as u64,
            _ => 0,
        };
        let area = Cell::from_bits(bits, STEPS_MAX).area();
        Self {
            longitude: middle(area.west, area.east).clamp(*LONGITUDES.start(), *LONGITUDES.end()),
            latitude: middle(area.south, area.north).clamp(*LATITUDES.start(), *LATITUDES.end()),
        }
    }

    /// The distance along a great circle, in meters (haversine formula).
    pub fn distance(self, other: Self) -> f64 {
        let half = sin((radians(other.longitude) - radians(self.longitude)) / 2.0);
        if half == 0.0 {
            return self.latitude_distance(other);
        }
        let (from, to) = (radians(self.latitude), radians(other.latitude));
        let up = sin((to - from) / 2.0);
        let a = up * up + cos(from) * cos(to) * half * half;
        2.0 * EARTH_RADIUS * asin(libm::sqrt(a))
    }

    /// The distance along a meridian, in meters.
    fn latitude_distance(self, other: Self) -> f64 {
        EARTH_RADIUS * (radians(other.latitude) - radians(self.latitude)).abs()
    }

    /// The standard geohash of eleven characters, which knows latitudes up to the poles. The last one is always `0`: there are bits for ten.
    pub fn text(self) -> [u8; 11] {
        let bits = Cell::in_latitudes(self, STEPS_MAX, -90.0..=90.0).bits();
        let mut text = [ALPHABET[0]; 11];
        for (index, character) in text[..10].iter_mut().enumerate() {
            *character = ALPHABET[(bits >> (47 - 5 * index)) as usize & 0x1F];
        }
        text
    }
}

fn middle(a: f64, b: f64) -> f64 {
    (a + b) / 2.0
}

fn radians(degrees: f64) -> f64 {
    degrees * (core::f64::consts::PI / 180.0)
}

fn degrees(radians: f64) -> f64 {
    radians / (core::f64::consts::PI / 180.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PALERMO: Point = Point { longitude: 13.361389, latitude: 38.115556 };
    const CATANIA: Point = Point { longitude: 15.087269, latitude: 37.502669 };

    #[test]
    fn scores_and_texts_are_those_of_redis() {
        assert_eq!(PALERMO.score(), 3479099956230698.0);
        assert_eq!(CATANIA.score(), 3479447370796909.0);
        assert_eq!(&Point::of_score(PALERMO.score()).text(), b"sqc8b49rny0");
        assert_eq!(
            Point::of_score(PALERMO.score()),
            Point { longitude: 13.361_389_338_970_184, latitude: 38.115_556_395_496_3 }
        );
    }

    #[test]
    fn distances_are_those_of_redis() {
        let (palermo, catania) = (Point::of_score(PALERMO.score()), Point::of_score(CATANIA.score()));
        assert_eq!(alloc::format!("{:.4}", palermo.distance(catania)), "166274.1516");
        assert_eq!(palermo.distance(palermo), 0.0);
    }

    #[test]
    fn places_off_the_map_are_none() {
        assert_eq!(Point::new(180.1, 0.0), None);
        assert_eq!(Point::new(0.0, -85.06), None);
        assert_eq!(Point::new(f64::NAN, 0.0), None);
        assert!(Point::new(-180.0, 85.05112878).is_some());
    }

    #[test]
    fn any_score_gives_a_place_on_the_map() {
        for score in [-5.0, 0.5, 9e18, 1e300, f64::INFINITY, f64::NEG_INFINITY] {
            let Point { longitude, latitude } = Point::of_score(score);
            assert!(Point::new(longitude, latitude).is_some(), "{score}");
        }
        assert_eq!(Point::of_score(1e20), Point::of_score(0.0));
        assert_eq!(Point::of_score(9.3e18), Point { longitude: 180.0, latitude: 85.05112878 });
    }

    #[test]
    fn distances_have_the_last_digit_of_redis() {
        let stored = |longitude, latitude| {
            Point::of_score(Point::new(longitude, latitude).expect("it is on the map").score())
        };
        let center = Point { longitude: 13.4, latitude: 48.8566 };
        assert_eq!(center.distance(stored(-180.0, 0.0)) / 1609.34, 8970.475246010548);
        let center = Point { longitude: -73.9857, latitude: 48.8566 };
        assert_eq!(center.distance(stored(13.4, 37.502669)) / 1000.0, 6803.272998191273);
        assert_eq!(center.distance(stored(0.0, 38.2)) / 1000.0, 5842.728853885299);
    }
}
