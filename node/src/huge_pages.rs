//! Huge pages of memory: not while the process is small, which a few of them make five times as large; wanted once it
//! has data, since every command then looks at random places.
//!
//! ```text
//!   start --hold_back()--> small pages --follow(much)--> huge pages, for good
//! ```

use std::sync::atomic::{AtomicBool, Ordering};

/// From so many bytes of data on.
const DATA_MIN: u64 = 4 << 20;

/// Whether it is we who hold them back: what started the process may have its own reasons to.
static HELD: AtomicBool = AtomicBool::new(false);

/// Asks the kernel for small pages from now on.
pub(crate) fn hold_back() {
    if kernel::allows() && kernel::allow(false) {
        HELD.store(true, Ordering::Relaxed);
    }
}

/// Whether [`follow`] is worth a call.
pub(crate) fn are_held_back() -> bool {
    HELD.load(Ordering::Relaxed)
}

/// Tells how many bytes of data there are, or will be in a moment.
pub(crate) fn follow(data: u64) {
    if data >= DATA_MIN && HELD.swap(false, Ordering::Relaxed) {
        kernel::allow(true);
    }
}

#[cfg(target_os = "linux")]
mod kernel {
    use nix::sys::prctl;

    pub(super) fn allows() -> bool {
        prctl::get_thp_disable() == Ok(false)
    }

    /// True if that is so now.
    pub(super) fn allow(allowed: bool) -> bool {
        prctl::set_thp_disable(!allowed).is_ok()
    }
}

#[cfg(not(target_os = "linux"))]
mod kernel {
    pub(super) fn allows() -> bool {
        false
    }

    pub(super) fn allow(_: bool) -> bool {
        false
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn huge_pages_come_with_data_and_only_where_they_were_allowed() {
        let at_start = kernel::allows();
        hold_back();
        assert!(!kernel::allows());
        assert_eq!(are_held_back(), at_start);
        follow(DATA_MIN - 1);
        assert!(!kernel::allows());
        follow(DATA_MIN);
        assert_eq!(kernel::allows(), at_start);
        assert!(!are_held_back());
    }
}
