//! To come with the next change.
