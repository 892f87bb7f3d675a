//! slot_set.
