//! Snapshots for replicas: one walk over the keys for all who wait, sent as it is made, without a file.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use slotway_core::replication::History;
use slotway_engine::node::Node as _;
use slotway_engine::rdb::{Footer, Seal};
use slotway_engine::session::{ClientId, Parts};
use slotway_engine::shards::ShardAccess;
use slotway_engine::snapshot::{Aux, SLICE_LEN, Snapshot};
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;

use super::new_id;
use crate::persist;
use crate::server::Server;
use crate::shared::Shared;

/// Bytes sent on at once.
const PIECE_LEN: usize = 64 * 1024;
/// Pieces that may wait for the slowest replica.
const PIECES_MAX: usize = 16;
/// How often to look whether a snapshot of another kind has ended.
const RETRY: Duration = Duration::from_millis(50);

/// A replica that waits for a snapshot.
pub(super) struct Wanted {
    id: ClientId,
    parts: Parts,
    begun: oneshot::Sender<Begun>,
}

/// A snapshot for a replica has begun.
pub(super) struct Begun {
    /// The history that it belongs to, with the offset behind which the stream goes on.
    pub(super) history: History,
    /// The snapshot, piece by piece. It is whole if the last one says so.
    pub(super) pieces: mpsc::Receiver<Piece>,
}

/// What a replica is sent of a snapshot.
#[derive(Clone)]
pub(super) enum Piece {
    Bytes(Bytes),
    End,
}

/// Asks for a snapshot with these parts for the replica of connection `id`.
pub(super) fn want(shared: &Shared, id: ClientId, parts: Parts) -> oneshot::Receiver<Begun> {
    let (begun, waits) = oneshot::channel();
    shared.replication.waiting.lock().push(Wanted { id, parts, begun });
    shared.replication.waits.notify_one();
    waits
}

/// Makes snapshots for those who wait, one after the other.
pub(crate) async fn serve<A: ShardAccess>(server: Arc<Server<A>>) {
    let shared = &server.shared;
    let mut stop = shared.watch_stop();
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = shared.replication.waits.notified() => {}
        }
        while !shared.replication.waiting.lock().is_empty() {
            let Some(walk) = begin(&server) else {
                tokio::time::sleep(RETRY).await;
                continue;
            };
            walk.finish(&server).await;
        }
    }
}

/// A snapshot that is sent.
struct Walk {
    snapshot: Snapshot,
    piece: Vec<u8>,
    seal: Seal,
    readers: Vec<mpsc::Sender<Piece>>,
}

/// Begins a snapshot for all who wait for the same as the first. `None` while one of another kind is under way.
fn begin<A: ShardAccess>(server: &Server<A>) -> Option<Walk> {
    let Server { shared, engine } = server;
    let config = shared.config();
    let mut piece = Vec::with_capacity(PIECE_LEN + SLICE_LEN);
    let mut readers = Vec::new();
    let parts = shared.replication.waiting.lock().first()?.parts;
    let front = &mut || {
        let (facts, begun) = take_offset(shared, parts);
        readers = begun;
        match parts {
            Parts::All | Parts::Functions => persist::front(shared, facts),
            Parts::Facts => facts.into(),
        }
    };
    let _whole = shared.replication.between_batches();
    let (shards, now) = (engine.shards(), shared.now());
    let snapshot = match parts {
        Parts::All => Snapshot::begin(shards, now, &config, &mut piece, front)?,
        Parts::Functions | Parts::Facts => {
            Snapshot::begin_without_keys(shards, now, &config, &mut piece, front)
        }
    };
    shared.log.notice(&format!("Starting the snapshot for {} replicas", readers.len()));
    let footer = if config.rdbchecksum() { Footer::Checksum } else { Footer::Zero };
    Some(Walk { snapshot, piece, seal: Seal::new(footer), readers })
}

/// While all shards are in hand: from here on every write is in the log, and what those who wait need of it is kept.
fn take_offset(shared: &Shared, parts: Parts) -> (Vec<Aux>, Vec<mpsc::Sender<Piece>>) {
    let replication = &shared.replication;
    let waiting: Vec<Wanted> =
        replication.waiting.lock().extract_if(.., |wanted| wanted.parts == parts).collect();
    let mut log = replication.log.lock();
    let history = log.begin_snapshot(new_id);
    let mut readers = Vec::new();
    for wanted in waiting {
        let (sender, pieces) = mpsc::channel(PIECES_MAX);
        if wanted.begun.send(Begun { history, pieces }).is_ok() {
            log.read_from(wanted.id, history.offset);
            readers.push(sender);
        }
    }
    replication.records.store(!replication.follows(), Ordering::Release);
    drop(log);
    let aux = [super::facts(shared), vec![("aof-base", "0".into())], crate::handoff::facts(shared)].concat();
    (aux, readers)
}

impl Walk {
    /// Walks to the end. A replica that goes away meanwhile is left out.
    async fn finish<A: ShardAccess>(mut self, server: &Server<A>) {
        let shards = server.engine.shards();
        let mut goes_on = true;
        while goes_on {
            goes_on = self.snapshot.slice(shards, SLICE_LEN, &mut self.piece);
            if self.piece.len() >= PIECE_LEN || !goes_on {
                self.send().await;
                if self.readers.is_empty() && goes_on {
                    Snapshot::end_any(shards);
                    return;
                }
            }
            yield_now().await;
        }
        let end = std::mem::replace(&mut self.seal, Seal::new(Footer::Zero)).end();
        self.send_piece(Piece::Bytes(Bytes::copy_from_slice(&end))).await;
        self.send_piece(Piece::End).await;
        server.shared.log.notice("Snapshot for replicas sent");
    }

    async fn send(&mut self) {
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE_LEN + SLICE_LEN));
        self.seal.update(&piece);
        self.send_piece(Piece::Bytes(piece.into())).await;
    }

    async fn send_piece(&mut self, piece: Piece) {
        let mut gone = Vec::new();
        for (index, reader) in self.readers.iter().enumerate() {
            if reader.send(piece.clone()).await.is_err() {
                gone.push(index);
            }
        }
        gone.into_iter().rev().for_each(|index| drop(self.readers.remove(index)));
    }
}
