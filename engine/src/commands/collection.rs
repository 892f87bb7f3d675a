//! What families of collections share.
