//! Ctrl-C: a wish to stop at the next good moment. A second one ends the process at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::exit::Stop;
use crate::signals::asked_to_end;

static WANTED: AtomicBool = AtomicBool::new(false);

/// From now on a signal to end is a wish.
pub(super) fn watch() {
    thread::spawn(|| {
        // Without a runtime there is no watching, and a signal ends the process as it always does.
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            asked_to_end().await;
            WANTED.store(true, Ordering::Relaxed);
            eprintln!("Stopping at the next good moment, with no slot left open. Again: stop at once, whatever is under way.");
            asked_to_end().await;
            std::process::exit(130);
        });
    });
}

/// # Errors
/// There is a wish to stop.
pub(super) fn check() -> Result<(), Stop> {
    match WANTED.load(Ordering::Relaxed) {
        true => Err(Stop::interrupted("Stopped, as you wished.")),
        false => Ok(()),
    }
}
