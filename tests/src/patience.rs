//! How long a test waits for what must come about.

use std::thread;
use std::time::{Duration, Instant};

/// What has not come about after `limit` never will; it is looked for every `poll`.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// When to give up.
    pub limit: Duration,
    /// How long to wait before looking again.
    pub poll: Duration,
}

impl Patience {
    /// Waits until it is so; panics with `what` when that takes too long.
    #[track_caller]
    pub fn wait_until(self, what: &str, mut is_so: impl FnMut() -> bool) {
        let Self { limit, poll } = self;
        let give_up = Instant::now() + limit;
        while !is_so() {
            assert!(Instant::now() < give_up, "{what}: not within {limit:?}");
            thread::sleep(poll);
        }
    }
}
