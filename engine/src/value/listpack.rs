//! Elements in one string of bytes.
