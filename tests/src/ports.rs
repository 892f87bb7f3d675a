//! Ports that nobody listens on.
//!
//! A cluster node also takes its port plus 10,000 for the bus, and the kernel hands out 32768 and up to whoever
//! connects. So the range ends low enough that both of a node's ports stay below that.

use std::env;
use std::net::TcpListener;
use std::process;
use std::sync::atomic::{AtomicU16, Ordering};

/// Distance from a node's port to its bus port.
const BUS_OFFSET: u16 = 10_000;
/// First and last port used when `SLOTWAY_TEST_PORTS` (`first-last`) does not say.
const DEFAULT_RANGE: (u16, u16) = (12_000, 21_999);

static NEXT: AtomicU16 = AtomicU16::new(0);

/// A port free now, with its bus port. Never the same twice in one process.
pub fn free_port() -> u16 {
    free_ports(1)
}

/// The first of `count` free ports in a row.
pub fn free_ports(count: u16) -> u16 {
    let (first, last) = range();
    let span = last - first + 1;
    // Processes that run side by side begin at different places.
    let origin = (process::id() as u16).wrapping_mul(97) % span;
    for _ in 0..span {
        let offset = NEXT.fetch_add(count, Ordering::Relaxed).wrapping_add(origin) % span;
        let port = first + offset;
        if port + count - 1 <= last && (port..port + count).all(is_free) {
            return port;
        }
    }
    panic!("no free port between {first} and {last}: set SLOTWAY_TEST_PORTS=first-last");
}

fn is_free(port: u16) -> bool {
    let bind = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
    bind(port) && bind(port + BUS_OFFSET)
}

fn range() -> (u16, u16) {
    let Ok(text) = env::var("SLOTWAY_TEST_PORTS") else { return DEFAULT_RANGE };
    let parsed = text.split_once('-').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    match parsed {
        Some((first, last)) if first <= last && last <= u16::MAX - BUS_OFFSET => (first, last),
        _ => panic!("SLOTWAY_TEST_PORTS must be first-last, and not {text}"),
    }
}
