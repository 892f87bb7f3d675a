//! The thread that writes a snapshot, some slices behind the walk; and the brake, for when it does not keep pace.
//!
//! ```text
//!   walk --pieces, up to IN_FLIGHT_MAX bytes--> thread --> file
//!     ^
//!     `-- what writes add meanwhile: up to PENDING_MAX bytes, then they wait
//! ```

use std::cell::Cell;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use slotway_engine::shards::ShardAccess;
use slotway_engine::snapshot::Snapshot;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use super::file::{Leave, SnapshotFile};
use crate::shared::Shared;

/// Bytes that may wait for the thread.
const IN_FLIGHT_MAX: usize = 4 * 1024 * 1024;
/// While it takes no more, writes may add so many bytes to the snapshot.
const PENDING_MAX: usize = 8 * 1024 * 1024;
/// How often is looked at how many these are.
const LOOK: Duration = Duration::from_millis(1);

/// The thread.
pub(super) struct Disk {
    pieces: mpsc::UnboundedSender<Piece>,
    in_flight: Arc<Semaphore>,
    writing: JoinHandle<io::Result<()>>,
}

/// What the thread is sent.
enum Piece {
    /// With the room that they take as long as they wait.
    Bytes(Vec<u8>, OwnedSemaphorePermit),
    /// The snapshot is whole.
    End,
}

impl Disk {
    /// Starts a thread that writes what it is given to the end, and then puts the file in its place. Without an end it leaves nothing behind.
    pub(super) fn start(mut file: SnapshotFile, leave: Arc<Leave>) -> Self {
        let (pieces, mut waiting) = mpsc::unbounded_channel();
        let writing = tokio::task::spawn_blocking(move || {
            while let Some(piece) = waiting.blocking_recv() {
                match piece {
                    Piece::Bytes(bytes, _room) => file.write(&bytes)?,
                    Piece::End => return file.finish(&leave),
                }
            }
            Err(io::Error::other("it was not brought to its end"))
        });
        Self { pieces, in_flight: Arc::new(Semaphore::new(IN_FLIGHT_MAX)), writing }
    }

    /// Hands bytes over, once there is room for them. False if nobody writes any more.
    pub(super) async fn write(&self, bytes: Vec<u8>) -> bool {
        let len = bytes.len().min(IN_FLIGHT_MAX) as u32;
        let room = Arc::clone(&self.in_flight).acquire_many_owned(len).await;
        let room = room.expect("it is never closed");
        self.pieces.send(Piece::Bytes(bytes, room)).is_ok()
    }

    /// Has the file take its place.
    ///
    /// # Errors
    /// It could not be written.
    pub(super) async fn end(self) -> io::Result<()> {
        // Where the thread has ended already, it tells why.
        let _ = self.pieces.send(Piece::End);
        self.writing.await.map_err(io::Error::other)?
    }
}

/// Bounds what writes add to a snapshot while its walk waits. Gone, it holds nobody.
pub(super) struct Brake<'a, A> {
    shared: &'a Shared,
    shards: &'a A,
    is_on: Cell<bool>,
}

impl<'a, A: ShardAccess> Brake<'a, A> {
    /// Which holds nobody yet.
    pub(super) fn new(shared: &'a Shared, shards: &'a A) -> Self {
        Self { shared, shards, is_on: Cell::new(false) }
    }

    /// Waits for `event`. Writes wait, too, as soon as they have added too much.
    pub(super) async fn while_waiting<T>(&self, event: impl Future<Output = T>) -> T {
        let mut event = std::pin::pin!(event);
        loop {
            if let Ok(done) = timeout(LOOK, &mut event).await {
                self.set(false);
                return done;
            }
            self.set(self.is_on.get() || self.is_full());
        }
    }

    /// Waits for so long, or until writes have added too much.
    pub(super) async fn sleep(&self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end && !self.is_full() {
            sleep_until(end.min(Instant::now() + LOOK)).await;
        }
    }

    fn is_full(&self) -> bool {
        Snapshot::pending(self.shards) >= PENDING_MAX
    }

    fn set(&self, on: bool) {
        if self.is_on.replace(on) != on {
            self.shared.pauses.by_snapshot(on);
        }
    }
}

impl<A> Drop for Brake<'_, A> {
    fn drop(&mut self) {
        if self.is_on.get() {
            self.shared.pauses.by_snapshot(false);
        }
    }
}
