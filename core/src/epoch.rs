//! epoch.
