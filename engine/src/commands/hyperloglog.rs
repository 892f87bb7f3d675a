//! HyperLogLog.

use super::Binding;

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[];
