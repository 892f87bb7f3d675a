//! A run of a script as the functions within it find it.

use slotway_core::resp::args::ArgsBuf;
use slotway_engine::script::Caller;

/// On whose behalf Lua runs.
pub(crate) struct Call<'a> {
    /// The node, as far as the script may reach it.
    pub(crate) caller: &'a mut dyn Caller,
    /// The words of the command being sent: kept for the next one.
    pub(crate) words: ArgsBuf,
    /// It has been told to end.
    pub(crate) is_killed: bool,
}

impl<'a> Call<'a> {
    pub(crate) fn new(caller: &'a mut dyn Caller) -> Self {
        Self { caller, words: ArgsBuf::default(), is_killed: false }
    }
}
