//! A set of integers in one string of bytes.
