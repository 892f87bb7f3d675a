//! Geohash arithmetic.
