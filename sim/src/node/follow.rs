//! The side of a replica: its link to its primary, and its data when that comes.
//!
//! ```text
//!   dial --> PSYNC --+--> +CONTINUE ----------------------------+--> Applier, until the link is lost
//!      ^             `--> +FULLRESYNC --> the snapshot --> load -+        |
//!      `-------------------- after a while ------------------------------'
//! ```

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use slotway_core::cluster::Beginning;
use slotway_core::epoch::{ConfigEpoch, ReplOffset};
use slotway_core::replication::quorum::{Label, Tenure};
use slotway_core::replication::{History, Resume};
use slotway_core::time::Instant;
use slotway_engine::handoff::words::FACT;
use slotway_engine::keyspace::{DbIndex, ExpiryPolicy};
use slotway_engine::node::LinkPhase;
use slotway_engine::propagation::write_command;
use slotway_engine::rdb::{ReadOptions, Reader, Step};
use slotway_engine::replication::{Answer, Applier, Link};
use slotway_engine::session::{ReplyMode, Session};
use slotway_engine::shards::WholeKeyspace as _;
use slotway_engine::snapshot::{Loader, Noted, Stale};
use slotway_engine::value::Limits;

use super::{DB, Out, SimNode, TICKS_PER_SECOND};
use crate::chance::Permille;
use crate::network::LinkId;
use crate::sabotage::Sabotage;

/// Pause after a link is lost or could not be made, in milliseconds.
const RETRY_MS: u64 = 1000;
/// The longest line that a primary answers.
const LINE_MAX: usize = 1024;

/// The link to the primary, as it is.
#[derive(Default)]
pub(super) struct Following {
    link: Option<LinkId>,
    input: Vec<u8>,
    stage: Stage,
    /// When to dial, if there is no link.
    dial_at: Option<Instant>,
    /// The term of the primary, if it counts writes by quorum.
    tenure: Option<Tenure>,
    /// How far this node was when it last told.
    acknowledged: u64,
}

#[derive(Default)]
enum Stage {
    #[default]
    Idle,
    /// PSYNC has been sent; so many +OK come before its answer.
    Asked { oks: usize, resume: Option<Resume> },
    /// The snapshot comes.
    Receiving(History),
    /// The stream comes.
    Streaming(Box<Applier>),
}

impl SimNode {
    /// Follows another primary, or none.
    pub(super) fn follow(&mut self, primary: Option<(String, u16)>, beginning: Beginning) {
        if *self.host.primary.borrow() == primary {
            return;
        }
        let (followed, now) = (self.host.follows(), self.host.moment.get().instant);
        self.host.primary.replace(primary.clone());
        if primary.is_some() {
            let mut link = self.host.link.borrow_mut();
            match followed {
                true => link.turn(now),
                false => link.be_replica(now, &self.host.log.borrow(), self.host.quorum.last_tenure()),
            }
            match beginning {
                Beginning::GoesOn => {}
                Beginning::Anew => link.begin_anew(),
            }
        } else {
            let mut log = self.host.log.borrow_mut();
            log.lead(self.host.new_id());
            self.host.records.set(log.backlog().is_some());
            self.host.link.replace(Link::default());
            drop(log);
            if self.host.counts_by_quorum() {
                // What they acknowledge from now on is for a term that they have to be told of.
                self.host.killed.borrow_mut().extend(self.host.replicas.borrow().keys());
            }
        }
        self.hang_up();
        self.following.dial_at = primary.is_some().then_some(now);
        self.take_role(primary.is_some());
        self.step_link();
    }

    /// Lets keys expire by themselves, or leaves that to the primary.
    fn take_role(&mut self, follows: bool) {
        let policy = if follows { ExpiryPolicy::Keep } else { ExpiryPolicy::Delete };
        self.engine.shards().all_shards(&mut |held| held.each(|shard| shard.set_expiry_policy(policy)));
        if follows {
            self.host.records.set(false);
        }
    }

    /// Dials, acknowledges, gives up what is silent: ten times a second.
    pub(super) fn step_link(&mut self) {
        let now = self.host.moment.get().instant;
        if self.following.dial_at.is_some_and(|at| at <= now) {
            self.following.dial_at = None;
            return self.dial();
        }
        if !self.ticks.is_multiple_of(TICKS_PER_SECOND) || self.following.link.is_none() {
            return;
        }
        let patience_ms = u64::from(self.host.config.borrow().repl_timeout_secs()) * 1000;
        let heard_at = self.host.link.borrow().heard_at;
        if heard_at.is_some_and(|at| now.ms_since(at) > patience_ms) {
            return self.lose_link("it is silent");
        }
        if let Stage::Streaming(_) = self.following.stage {
            self.acknowledge();
        }
    }

    fn dial(&mut self) {
        let Some((host, port)) = self.host.primary.borrow().clone() else { return };
        let link = self.next_link();
        let now = self.host.moment.get().instant;
        self.host.link.borrow_mut().set_phase(now, LinkPhase::Handshake);
        let resume = {
            let has_data = self.host.link.borrow().has_data;
            has_data.then(|| self.host.log.borrow().history().resume())
        };
        let (id, next) = Answer::asked_by(resume);
        let mut bytes = Vec::new();
        let port_text = super::super::control::member::PORT.to_string();
        let (counts, name) = (self.host.counts_by_quorum(), self.host.name().to_string());
        let be_copy: &[&str] = &["REPLCONF", "slotway-copy", &name];
        let commands = [
            Some(&["REPLCONF", "listening-port", &port_text][..]),
            Some(&["REPLCONF", "capa", "psync2"]),
            Some(be_copy).filter(|_| counts),
            Some(&["PSYNC", &id, &next]),
        ];
        for words in commands.iter().flatten() {
            write_command(&mut bytes, words.iter().map(|word| word.as_bytes()));
        }
        let stage = Stage::Asked { oks: if counts { 3 } else { 2 }, resume };
        self.following = Following { link: Some(link), stage, ..Following::default() };
        self.out.push(Out::Dial(link, format!("{host}:{port}")));
        self.out.push(Out::Ask(link, bytes));
    }

    /// A name for the next connection that this node opens.
    pub(super) fn next_link(&mut self) -> LinkId {
        self.dials_as.serial += 1;
        self.dials_as
    }

    /// Bytes have come over a connection that this node has opened.
    pub fn answered(&mut self, link: LinkId, bytes: &[u8]) {
        if self.following.link == Some(link) {
            self.host.link.borrow_mut().heard_at = Some(self.host.moment.get().instant);
            self.following.input.extend_from_slice(bytes);
            if let Err(why) = self.read_link() {
                self.lose_link(&why);
            }
        } else {
            self.handoff_answered(link, Some(bytes));
            self.carried(link, Some(bytes));
        }
        self.settle();
    }

    /// A connection that this node has opened has ended.
    pub fn hung_up(&mut self, link: LinkId) {
        if self.following.link == Some(link) {
            self.following.link = None;
            self.lose_link("its end");
        } else {
            self.handoff_answered(link, None);
            self.carried(link, None);
        }
        self.settle();
    }

    fn lose_link(&mut self, why: &str) {
        self.out.push(Out::Note(format!("n{} loses its link to its primary: {why}", self.number)));
        self.hang_up();
        let now = self.host.moment.get().instant;
        self.host.link.borrow_mut().set_phase(now, LinkPhase::Down);
        self.following.dial_at = Some(now.plus_ms(RETRY_MS));
    }

    fn hang_up(&mut self) {
        let following = core::mem::take(&mut self.following);
        if let Stage::Streaming(mut applier) = following.stage {
            self.host.link.borrow_mut().session = Some(applier.end());
        }
        if let Some(link) = following.link {
            self.out.push(Out::Hang(link));
        }
    }

    /// Takes in what the primary has sent, as far as it is whole.
    fn read_link(&mut self) -> Result<(), String> {
        loop {
            match core::mem::take(&mut self.following.stage) {
                Stage::Idle => return Ok(()),
                Stage::Asked { oks, resume } => {
                    let Some(line) = self.line()? else {
                        self.following.stage = Stage::Asked { oks, resume };
                        return Ok(());
                    };
                    self.following.stage = self.answer_to_psync(&line, oks, resume)?;
                }
                Stage::Receiving(history) => match self.snapshot()? {
                    Some(bytes) => {
                        self.replace_data(&bytes, history);
                        self.following.stage = self.begin_stream(None);
                    }
                    None => {
                        self.following.stage = Stage::Receiving(history);
                        return Ok(());
                    }
                },
                Stage::Streaming(mut applier) => {
                    let read = self.apply(&mut applier);
                    self.following.stage = Stage::Streaming(applier);
                    return read;
                }
            }
        }
    }

    fn line(&mut self) -> Result<Option<String>, String> {
        let input = &mut self.following.input;
        match input.iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                let line: Vec<u8> = input.drain(..=end).collect();
                Ok(Some(String::from_utf8_lossy(&line).trim_end().into()))
            }
            None if input.len() > LINE_MAX => Err("a line that does not end".into()),
            None => Ok(None),
        }
    }

    fn answer_to_psync(&mut self, line: &str, oks: usize, resume: Option<Resume>) -> Result<Stage, String> {
        if oks > 0 {
            if line != "+OK" {
                self.following.tenure = Some(tenure_of(line).ok_or(line)?);
            }
            return Ok(Stage::Asked { oks: oks - 1, resume });
        }
        match Answer::parse(line, resume).ok_or(line)? {
            Answer::Continue(id) => {
                self.host.log.borrow_mut().go_on(id);
                let session = {
                    let mut link = self.host.link.borrow_mut();
                    self.following.tenure.into_iter().for_each(|tenure| link.label.follow(tenure));
                    link.session.take()
                };
                Ok(self.begin_stream(session))
            }
            Answer::Full(history) => {
                let now = self.host.moment.get().instant;
                self.host.link.borrow_mut().set_phase(now, LinkPhase::Sync);
                Ok(Stage::Receiving(history))
            }
        }
    }

    /// The snapshot, once it is whole, without its length in front.
    fn snapshot(&mut self) -> Result<Option<Vec<u8>>, String> {
        let input = &mut self.following.input;
        let Some(end) = input.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
        let head = String::from_utf8_lossy(&input[..end]).trim_end().to_string();
        let len = head.strip_prefix('$').and_then(|len| len.parse::<usize>().ok()).ok_or(head)?;
        if input.len() < end + 1 + len {
            return Ok(None);
        }
        input.drain(..=end);
        Ok(Some(input.drain(..len).collect()))
    }

    fn replace_data(&mut self, bytes: &[u8], history: History) {
        self.host.link.borrow_mut().drop_data();
        self.host.log.borrow_mut().part();
        let shards = self.engine.shards();
        shards.all_shards(&mut |held| held.each(|shard| drop(shard.flush_db(DB))));
        self.forget_tracked();
        self.load(bytes, &[]);
        self.hide_tracked();
        self.host.file.borrow_mut().restart(bytes);
        self.host.log.borrow_mut().adopt(history);
        let label = self.following.tenure.map(Label::of_snapshot).unwrap_or_default();
        let mut link = self.host.link.borrow_mut();
        (link.has_data, link.label) = (true, label);
    }

    /// Puts a snapshot and the commands behind it into the keyspace; of the last command, or transaction, there may be only a part. Returns how
    /// much of them was whole.
    pub(super) fn load(&mut self, snapshot: &[u8], commands: &[u8]) -> usize {
        let (now, config) = (self.host.now.get().wall(), self.host.config.borrow().clone());
        let mut reader = Reader::new(ReadOptions { verifies_checksum: true });
        let limits = Limits { config: &config, hasher: self.engine.hasher() };
        let mut loader = Loader::new(self.engine.shards(), self.engine.hasher(), now, Stale::Keep);
        let mut at = 0;
        while !snapshot.is_empty() {
            match reader.next(&snapshot[at..], &limits).expect("it was written by this engine") {
                Step::Item { item, consumed } => {
                    let noted = loader.take(item).expect("it was written by this engine");
                    if let Noted::Aux(name, value) = noted
                        && name == FACT.as_bytes()
                    {
                        self.host.handoff.track_text(&String::from_utf8_lossy(&value));
                    }
                    at += consumed;
                }
                Step::Incomplete => unreachable!("it is whole"),
                Step::End { .. } => break,
            }
        }
        let mut applier = Applier::new(self.primary_session());
        let (mut at, mut whole) = (0, 0);
        loop {
            let count = |bytes: &[u8]| whole += bytes.len();
            let applied = applier.batch(&self.engine, &self.host, &commands[at..], count);
            let applied = applied.expect("it was written by this engine");
            at += applied.used;
            if !applied.goes_on {
                return whole;
            }
        }
    }

    fn primary_session(&mut self) -> Box<Session> {
        let mut session = self.session(String::new());
        (session.is_primary_link, session.reply_mode) = (true, ReplyMode::Off);
        session.db = DbIndex::default();
        Box::new(session)
    }

    fn begin_stream(&mut self, session: Option<Box<Session>>) -> Stage {
        let session = session.unwrap_or_else(|| self.primary_session());
        let now = self.host.moment.get().instant;
        self.host.link.borrow_mut().set_phase(now, LinkPhase::Connected);
        if self.following.tenure.is_some() {
            self.host.follow_anew();
        }
        self.acknowledge();
        self.out.extend(self.followed().map(Out::Synced));
        Stage::Streaming(Box::new(Applier::new(session)))
    }

    /// Executes all whole commands that have come.
    fn apply(&mut self, applier: &mut Applier) -> Result<(), String> {
        let kept = self.host.config.borrow().repl_backlog_size();
        loop {
            let input = &mut self.following.input;
            let count = |bytes: &[u8]| {
                self.host.log.borrow_mut().append(bytes, kept);
            };
            let applied = applier.batch(&self.engine, &self.host, input, count);
            let applied = applied.map_err(|error| error.to_string())?;
            input.drain(..applied.used);
            if !applied.goes_on {
                break;
            }
        }
        self.host.file.borrow_mut().before_replies();
        self.host.note_synced();
        self.lose_a_key();
        // With a quorum, clients of the primary wait for this node.
        let owes_ack =
            self.following.tenure.is_some() && self.host.log.borrow().offset() > self.following.acknowledged;
        if core::mem::take(&mut applier.session.ack_is_wanted) || owes_ack {
            self.acknowledge();
        }
        Ok(())
    }

    fn acknowledge(&mut self) {
        let Some(link) = self.following.link else { return };
        let mut offset = self.host.log.borrow().offset();
        if let Some(tenure) = self.following.tenure {
            (self.following.acknowledged, offset) = (offset, self.host.may_acknowledge(tenure));
        }
        let (mut bytes, offset, fsynced) =
            (Vec::new(), offset.to_string(), self.host.synced.get().to_string());
        let is_on = self.host.file.borrow().is_on();
        let words = ["REPLCONF", "ACK", &offset, "FACK", &fsynced];
        let words = if is_on { &words[..] } else { &words[..3] };
        write_command(&mut bytes, words.iter().map(|word| word.as_bytes()));
        self.out.push(Out::Ask(link, bytes));
    }

    /// Where it is the plot.
    fn lose_a_key(&mut self) {
        if self.host.plot.breaks(Sabotage::LoseOnReplica)
            && self.host.chance.borrow_mut().happens(Permille(50))
        {
            let key = self.contents().into_keys().next();
            let hasher = *self.engine.hasher();
            self.engine.shards().all_shards(&mut |held| {
                held.each(|shard| {
                    if let Some(key) = &key {
                        shard.db(DB).remove_unseen(&hasher.key(key));
                    }
                });
            });
        }
    }
}

/// What a primary whose writes count by quorum answers to who is a copy.
fn tenure_of(line: &str) -> Option<Tenure> {
    let mut numbers = line.strip_prefix("+TERM ")?.split(' ').map(str::parse);
    let (Ok(term), Ok(start)) = (numbers.next()?, numbers.next()?) else { return None };
    Some(Tenure { term: ConfigEpoch::new(term), start: ReplOffset::new(start) })
}
