//! A connection that has become a replica's: a snapshot if it needs one, then the stream, for as long as it listens.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use slotway_core::resp::decode::{Decoder, Limits};
use slotway_engine::node::Node as _;
use slotway_engine::replication::Answer;
use slotway_engine::session::{ClientId, Peer};
use tokio::io::{AsyncReadExt as _, ReadHalf, WriteHalf};

use super::sync::{Begun, Piece, want};
use super::{Registration, begin};
use crate::process;
use crate::shared::Shared;
use crate::stream::{Stream, send};

/// Bytes of the stream sent at once.
const CHUNK_LEN: usize = 64 * 1024;
/// How often a replica that waits for its snapshot is told that there still is somebody.
const KEEPALIVE: Duration = Duration::from_secs(1);

/// Serves the replica `peer` on the connection that it has asked on, until either side ends it.
///
/// # Errors
/// The socket fails, or the replica lies too far behind.
pub(crate) async fn feed(
    shared: Arc<Shared>,
    stream: &mut Stream,
    id: ClientId,
    peer: Peer,
) -> io::Result<()> {
    stream.set_nodelay(!shared.config().repl_disable_tcp_nodelay())?;
    let from = stream.peer_ip()?.to_string();
    let host = if peer.host.is_empty() { from } else { peer.host.clone() };
    let address = format!("{host}:{}", peer.port);
    let registration = Registration::new(&shared, id, host, &peer);
    let (input, output) = tokio::io::split(stream);
    let mut feed = Feed { registration, output };
    tokio::select! {
        result = feed.send(&peer, &address) => result,
        result = feed_back(&shared, id, input) => result,
    }
    .inspect_err(|error| {
        shared.log.warning(&format!("Connection with replica {address} lost: {error}"));
    })
}

struct Feed<'a> {
    registration: Registration,
    output: WriteHalf<&'a mut Stream>,
}

impl Feed<'_> {
    /// Sends.
    async fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        send(&mut self.output, bytes).await
    }

    async fn send(&mut self, peer: &Peer, address: &str) -> io::Result<()> {
        let shared = Arc::clone(&self.registration.shared);
        match begin(&shared, self.registration.id, address, peer.resume) {
            Ok(history) => {
                let answer = Answer::Continue(Some(history).filter(|_| peer.takes_psync2));
                self.put(answer.format().as_bytes()).await?;
            }
            Err(_) => self.snapshot(peer).await?,
        }
        if peer.wants_only_snapshot {
            // It closes the connection once it has everything.
            std::future::pending::<()>().await;
        }
        self.registration.change(|replica| replica.is_online = true);
        shared.log.notice(&format!("Synchronization with replica {address} succeeded"));
        self.stream(&shared).await
    }

    /// Sends a snapshot, and waits until it can be followed by the stream.
    async fn snapshot(&mut self, peer: &Peer) -> io::Result<()> {
        let shared = Arc::clone(&self.registration.shared);
        let mut begun = want(&shared, self.registration.id, peer.parts);
        let Begun { history, mut pieces } = loop {
            tokio::select! {
                begun = &mut begun => break begun.map_err(io::Error::other)?,
                () = tokio::time::sleep(KEEPALIVE) => self.put(b"\n").await?,
            }
        };
        self.registration.change(|replica| replica.offset = history.offset);
        if peer.knows_psync {
            self.put(Answer::Full(history).format().as_bytes()).await?;
        }
        if !peer.takes_eof {
            return self.counted_snapshot(&mut pieces).await;
        }
        let mark: String = process::random_bytes::<20>().iter().map(|byte| format!("{byte:02x}")).collect();
        self.put(format!("$EOF:{mark}\r\n").as_bytes()).await?;
        while let Some(bytes) = next(&mut pieces).await? {
            self.put(&bytes).await?;
        }
        self.put(mark.as_bytes()).await?;
        if peer.wants_only_snapshot {
            return Ok(());
        }
        // The mark must be the last thing that it has read: what follows waits for its word.
        let was_there =
            |shared: &Shared, id| shared.replication.replicas.lock().get(&id).map(|it| it.acknowledged_at);
        let before = was_there(&shared, self.registration.id);
        loop {
            let acknowledged = shared.replication.acknowledged.notified();
            if was_there(&shared, self.registration.id) != before {
                return Ok(());
            }
            acknowledged.await;
        }
    }

    /// For a replica that wants to know the length in front: the snapshot is put aside first.
    async fn counted_snapshot(&mut self, pieces: &mut tokio::sync::mpsc::Receiver<Piece>) -> io::Result<()> {
        let mut file = aside(self.registration.id)?;
        let mut len = 0;
        while let Some(bytes) = next(pieces).await? {
            file.write_all(&bytes)?;
            len += bytes.len();
        }
        file.rewind()?;
        self.put(format!("${len}\r\n").as_bytes()).await?;
        let mut chunk = vec![0; CHUNK_LEN];
        loop {
            match file.read(&mut chunk)? {
                0 => return Ok(()),
                len => self.put(&chunk[..len]).await?,
            }
        }
    }

    /// Sends the stream from the position on.
    async fn stream(&mut self, shared: &Shared) -> io::Result<()> {
        let mut written = shared.replication.written.subscribe();
        let mut chunk = Vec::with_capacity(CHUNK_LEN);
        loop {
            written.borrow_and_update();
            while self.take(shared, &mut chunk)? {
                self.put(&chunk).await?;
            }
            if written.changed().await.is_err() {
                return Ok(());
            }
        }
    }

    /// Takes the next bytes. False if there are none.
    fn take(&mut self, shared: &Shared, chunk: &mut Vec<u8>) -> io::Result<bool> {
        let limit = shared.config().client_output_buffer_limit().replica;
        let mut log = shared.replication.log.lock();
        log.read(self.registration.id, limit, CHUNK_LEN, chunk).map_err(io::Error::other)
    }
}

/// The next bytes of a snapshot; `None` at its end.
async fn next(pieces: &mut tokio::sync::mpsc::Receiver<Piece>) -> io::Result<Option<bytes::Bytes>> {
    match pieces.recv().await {
        Some(Piece::Bytes(bytes)) => Ok(Some(bytes)),
        Some(Piece::End) => Ok(None),
        None => Err(io::Error::other("the snapshot was given up")),
    }
}

/// A file without a name, which goes with its last use.
fn aside(id: ClientId) -> io::Result<File> {
    let name = format!("temp-sync-{}-{}.rdb", std::process::id(), id.0);
    let file = File::options().read(true).write(true).create(true).truncate(true).open(&name)?;
    std::fs::remove_file(&name)?;
    Ok(file)
}

/// Reads how far the replica is.
async fn feed_back(shared: &Shared, id: ClientId, mut input: ReadHalf<&mut Stream>) -> io::Result<()> {
    let limits = Limits { bulk_len_max: 1 << 20, authenticated: true };
    let (mut decoder, mut pending) = (Decoder::default(), BytesMut::new());
    loop {
        if input.read_buf(&mut pending).await? == 0 {
            return Ok(());
        }
        decoder.decode(&pending, limits);
        for index in 0..decoder.len() {
            let words = decoder.request(&pending, index);
            let is_ack = words.is(0, "replconf") && words.is(1, "ack");
            let number = |at| words.get(at).and_then(|text| str::from_utf8(text).ok()?.parse().ok());
            if let (true, Some(offset)) = (is_ack, number(2)) {
                let fsynced = number(4).filter(|_| words.is(3, "fack"));
                acknowledge(shared, id, offset, fsynced);
            }
        }
        let used = decoder.consume_first(decoder.len());
        pending.advance(used);
    }
}

fn acknowledge(shared: &Shared, id: ClientId, offset: u64, fsynced: Option<u64>) {
    let written = shared.replication.log.lock().offset();
    if let Some(replica) = shared.replication.replicas.lock().get_mut(&id) {
        // One that claims to have what was never written is not believed.
        replica.offset = replica.offset.max(offset.min(written));
        replica.fsynced = fsynced.map_or(replica.fsynced, |fsynced| fsynced.min(written));
        replica.acknowledged_at = std::time::Instant::now();
    }
    shared.replication.acknowledged.notify_waiters();
    super::quorum::recount(shared);
}
