//! The side of a primary: snapshots for replicas, the stream behind them, and what they acknowledge.

use alloc::format;
use alloc::string::ToString as _;
use alloc::vec::Vec;

use slotway_core::resp::decode::Limits;
use slotway_core::resp::encode::ReplyWriter;
use slotway_engine::handoff::words::FACT;
use slotway_engine::propagation::write_command;
use slotway_engine::rdb::{Footer, Seal};
use slotway_engine::replication::{Answer, may_write_to_replicas};
use slotway_engine::session::{AckWait, Reached};
use slotway_engine::snapshot::Snapshot;

use super::host::Replica;
use super::{Connection, Out, SimNode, TICKS_PER_SECOND};
use crate::network::LinkId;
use crate::sabotage::Sabotage;

/// Bytes of the stream sent at once.
const CHUNK_LEN: usize = 4096;
/// Bytes of a snapshot written before clients have their turn: few, so that snapshots of little data take a while.
const SLICE_LEN: usize = 64;

/// Snapshots for replicas: one walk for all who wait.
#[derive(Default)]
pub(super) struct Snapshots {
    waiting: Vec<LinkId>,
    walk: Option<Walk>,
}

struct Walk {
    snapshot: Snapshot,
    bytes: Vec<u8>,
    answer: Answer,
    readers: Vec<LinkId>,
}

impl SimNode {
    /// A connection has asked by PSYNC for this node's data.
    pub(super) fn begin_replica(&mut self, link: LinkId, connection: &mut Connection) {
        let peer = connection.session.peer.take().unwrap_or_default();
        let id = connection.session.id;
        let (offset, fsynced, copy) = (0, 0, peer.copy);
        let replica = Replica { host: peer.host, port: peer.port, is_online: false, offset, fsynced, copy };
        self.host.replicas.borrow_mut().insert(id, replica);
        let mut begun = self.host.log.borrow_mut().begin(id, peer.resume);
        if let (Err(_), Some(resume)) = (&begun, peer.resume)
            && self.host.plot.breaks(Sabotage::AnyHistory)
        {
            let mut log = self.host.log.borrow_mut();
            let history = log.begin_snapshot(|| resume.id);
            log.read_from(id, history.offset);
            begun = Ok(history.id);
        }
        match begun {
            Ok(history) => {
                let answer = Answer::Continue(Some(history).filter(|_| peer.takes_psync2));
                self.out.push(Out::Reply(link, answer.format().into_bytes()));
                self.set_online(connection);
            }
            Err(why) => {
                self.out.push(Out::Note(format!("n{} gives {link} a snapshot: {why}", self.number)));
                self.snapshots.waiting.push(link);
            }
        }
    }

    fn set_online(&self, connection: &Connection) {
        if let Some(replica) = self.host.replicas.borrow_mut().get_mut(&connection.session.id) {
            replica.is_online = true;
        }
    }

    /// Whether a snapshot is under way, or wanted, or slots are.
    pub fn wants_slice(&self) -> bool {
        self.snapshots.walk.is_some() || !self.snapshots.waiting.is_empty() || self.wants_to_export()
    }

    /// A slice of all that is done in slices.
    pub fn step_slice(&mut self) {
        self.step_exports();
        self.step_snapshot();
        self.settle();
    }

    /// Begins a snapshot, or goes on with one.
    fn step_snapshot(&mut self) {
        if self.snapshots.walk.is_none() && !self.snapshots.waiting.is_empty() {
            self.begin_snapshot();
        }
        let Some(mut walk) = self.snapshots.walk.take() else { return };
        match walk.snapshot.slice(self.engine.shards(), SLICE_LEN, &mut walk.bytes) {
            true => self.snapshots.walk = Some(walk),
            false => self.send_snapshot(walk),
        }
    }

    /// With all shards in hand: from here on every write is in the log, and what those who wait need of it is kept.
    fn begin_snapshot(&mut self) {
        let readers = core::mem::take(&mut self.snapshots.waiting);
        let ids: Vec<_> =
            readers.iter().filter_map(|link| Some(self.connections.get(link)?.session.id)).collect();
        let (mut bytes, mut history) = (Vec::new(), None);
        let facts = &mut || {
            let mut log = self.host.log.borrow_mut();
            let begun = log.begin_snapshot(|| self.host.new_id());
            ids.iter().for_each(|id| log.read_from(*id, begun.offset));
            self.host.records.set(!self.host.follows());
            history = Some(begun);
            // What the machine below would have its say in: a seed makes the same bytes wherever it runs.
            let of_the_machine =
                [("redis-bits", "64"), ("used-mem", "1000000")].map(|(name, value)| (name, value.into()));
            let own = [("repl-id", begun.id.to_string()), (FACT, self.host.handoff.tracked_text())];
            own.into_iter().chain(of_the_machine).collect::<Vec<_>>().into()
        };
        let (now, config) = (self.host.now.get().wall(), self.host.config.borrow().clone());
        let snapshot = Snapshot::begin(self.engine.shards(), now, &config, &mut bytes, facts);
        let answer = history.map(Answer::Full);
        if let Some((snapshot, answer)) = snapshot.zip(answer) {
            self.snapshots.walk = Some(Walk { snapshot, bytes, answer, readers });
        }
    }

    fn send_snapshot(&mut self, walk: Walk) {
        let Walk { mut bytes, answer, readers, .. } = walk;
        let mut seal = Seal::new(Footer::Checksum);
        seal.update(&bytes);
        bytes.extend_from_slice(&seal.end());
        let head = format!("{}${}\r\n", answer.format(), bytes.len());
        for link in readers {
            let Some(connection) = self.connections.get(&link) else { continue };
            self.set_online(connection);
            self.out.push(Out::Reply(link, [head.as_bytes(), &bytes].concat()));
        }
    }

    /// Sends replicas what has been written.
    pub(super) fn pump(&mut self) {
        if self.host.replicas.borrow().is_empty() {
            return;
        }
        let limit = self.host.config.borrow().client_output_buffer_limit().replica;
        let (mut chunk, mut ended) = (Vec::new(), Vec::new());
        for (link, connection) in &self.connections {
            let id = connection.session.id;
            if !self.host.replicas.borrow().get(&id).is_some_and(|replica| replica.is_online) {
                continue;
            }
            loop {
                match self.host.log.borrow_mut().read(id, limit, CHUNK_LEN, &mut chunk) {
                    Ok(true) => self.out.push(Out::Reply(*link, chunk.clone())),
                    Ok(false) => break,
                    Err(_) => break ended.push(*link),
                }
            }
        }
        for link in ended {
            self.disconnect(link);
            self.out.push(Out::Close(link));
        }
    }

    /// What a replica says: how far it is.
    pub(super) fn hear_replica(&mut self, link: LinkId, mut connection: Connection) {
        let limits = Limits { bulk_len_max: 1 << 20, authenticated: true };
        let Connection { decoder, pending, session, .. } = &mut connection;
        decoder.decode(pending, limits);
        for index in 0..decoder.len() {
            let words = decoder.request(pending, index);
            let number = |at| words.get(at).and_then(|text| core::str::from_utf8(text).ok()?.parse().ok());
            if let (true, Some(offset)) = (words.is(0, "replconf") && words.is(1, "ack"), number(2)) {
                let written: u64 = self.host.log.borrow().offset();
                if let Some(replica) = self.host.replicas.borrow_mut().get_mut(&session.id) {
                    replica.offset = replica.offset.max(written.min(offset));
                    let fsynced = number(4).filter(|_| words.is(3, "fack"));
                    replica.fsynced = fsynced.map_or(replica.fsynced, |fsynced: u64| fsynced.min(written));
                }
            }
        }
        let used = decoder.consume_first(decoder.len());
        pending.drain(..used);
        self.connections.insert(link, connection);
        self.end_waits();
    }

    /// Answers WAIT and WAITAOF where enough replicas are far enough, or the time is over.
    pub(super) fn end_waits(&mut self) {
        let now = self.host.now.get().wall();
        let over = |(link, connection): (&LinkId, &Connection)| {
            let wait = connection.wait?;
            let (here, there) = self.reached(wait);
            let is_late = wait.deadline.is_some_and(|deadline| deadline <= now);
            ((here && there >= wait.replicas) || is_late).then_some((*link, wait, here, there))
        };
        for (link, wait, here, there) in self.connections.iter().filter_map(over).collect::<Vec<_>>() {
            let mut reply = Vec::new();
            if let Some(connection) = self.connections.get(&link) {
                let mut writer = ReplyWriter::new(&mut reply, connection.session.protocol);
                if let Reached::Disk { .. } = wait.reached {
                    writer.array(2);
                    writer.integer((self.host.synced.get() >= wait.offset && here).into());
                }
                writer.integer(there as i64);
            }
            self.answer(link, reply);
            self.resume(link, |connection| connection.wait = None);
        }
    }

    /// Whether what is waited for is here as it must be, and how many replicas have it so.
    fn reached(&self, wait: AckWait) -> (bool, usize) {
        let replicas = self.host.replicas.borrow();
        let online = replicas.values().filter(|replica| replica.is_online);
        match wait.reached {
            Reached::Memory => (true, online.filter(|replica| replica.offset >= wait.offset).count()),
            Reached::Disk { local } => {
                let is_here = !local || self.host.synced.get() >= wait.offset;
                (is_here, online.filter(|replica| replica.fsynced >= wait.offset).count())
            }
        }
    }

    pub(super) fn ask_for_acks(&mut self) {
        if may_write_to_replicas(self.host.follows(), self.pauses()) {
            self.append(&["REPLCONF", "GETACK", "*"]);
        }
    }

    /// Appends what is no write to the stream: PING, GETACK.
    fn append(&mut self, words: &[&str]) {
        let mut bytes = Vec::new();
        write_command(&mut bytes, words.iter().map(|word| word.as_bytes()));
        let kept = self.host.config.borrow().repl_backlog_size();
        self.host.log.borrow_mut().append(&bytes, kept);
    }

    pub(super) fn ping_replicas(&mut self) {
        let period = u64::from(self.host.config.borrow().repl_ping_replica_period_secs()).max(1);
        let is_due = (self.ticks / TICKS_PER_SECOND).is_multiple_of(period);
        let has_replicas = !self.host.replicas.borrow().is_empty();
        if is_due && has_replicas && may_write_to_replicas(self.host.follows(), self.pauses()) {
            self.append(&["PING"]);
        }
    }
}
