//! Slots on their way between nodes, atomically: the driver of `core::cluster::handoff`, as thin as `node/handoff` is in a real node.
//!
//! ```text
//!   obey(HandoffAction) --> fences; exports: a connection of this node's, keys slice by slice, what the machine says in between
//!   ESTABLISH on a connection --> begin_import: what comes over it is executed, as a replica would
//!   host.propagate --> note: what writes become, to every export
//! ```
//!
//! What the real driver does in tasks, this one does in events: a slice of each export at a time, clients being served in between.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;
use core::cell::RefCell;

use slotway_core::cluster::{HandoffAction, HandoffInput, Input, Message, Side};
use slotway_core::id::JobId;
use slotway_core::resp::decode::{Decoder, Limits};
use slotway_core::slot::Slot;
use slotway_core::slot_set::SlotSet;
use slotway_core::time::Instant;
use slotway_engine::handoff::{Export, words};
use slotway_engine::node::{Node as _, Pause};
use slotway_engine::propagation::{Record, write_command};
use slotway_engine::session::{After, ReplyMode};
use slotway_engine::shards::WholeKeyspace as _;

use super::{Connection, DB, Out, SimNode};
use crate::network::LinkId;
use crate::sabotage::Sabotage;

/// Bytes made before clients have their turn: few, so that slots with little data take a while.
const SLICE_LEN: usize = 64;
/// With so many keys to be sent again, or fewer, the target is told that it has nearly everything.
const NEARLY: usize = 1;
/// How long the target may take to answer while the migration is established, in milliseconds.
const PATIENCE_MS: u64 = 1000;
/// How long a target waits for its replicas, requests at the source waiting meanwhile, in milliseconds.
const COPIES_MS: u64 = 300;
/// Keys that go at a time.
const DROPPED_AT_ONCE: usize = 100;
/// The source is gone.
const LOST: &str = "Connection lost";

/// The slots of one node that are on their way.
#[derive(Default)]
pub(super) struct Handoff {
    fences: RefCell<BTreeMap<JobId, SlotSet>>,
    exports: RefCell<BTreeMap<JobId, Outgoing>>,
    imports: RefCell<BTreeMap<JobId, Incoming>>,
    /// Imports of this node's primary, or of this node in its last life.
    tracked: RefCell<BTreeMap<JobId, SlotSet>>,
    /// What targets are asked about, each on a connection of its own, and what has come there.
    asked: RefCell<BTreeMap<LinkId, (JobId, Vec<u8>)>>,
}

/// A migration from here.
struct Outgoing {
    link: LinkId,
    since: Instant,
    export: Export,
    phase: Phase,
    input: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// The target has not answered yet.
    Establishing,
    /// Keys are being sent.
    Sending,
    /// The target has been told that it has nearly everything; what changes follows.
    Following,
    /// Requests wait, and everything is sent.
    Fenced,
    /// The connection is no more.
    Lost,
}

/// A migration to here.
struct Incoming {
    link: LinkId,
    slots: SlotSet,
    /// How it ended: whether the slots are this node's.
    outcome: Option<bool>,
    /// REQUEST-FAILOVER waits until the copies have this, or, without a quorum, until then.
    waits: Option<(u64, Instant)>,
}

impl Handoff {
    /// Whether requests for any slot wait.
    pub(super) fn has_fence(&self) -> bool {
        !self.fences.borrow().is_empty()
    }

    /// Whether requests for this one do.
    pub(super) fn is_fenced(&self, slot: Slot) -> bool {
        self.fences.borrow().values().any(|slots| slots.contains(slot))
    }

    /// Whether writes are to be told.
    pub(super) fn records(&self) -> bool {
        self.exports.borrow().values().any(|outgoing| outgoing.phase != Phase::Establishing)
    }

    /// What a unit has become.
    pub(super) fn note(&self, record: &Record) {
        for outgoing in self.exports.borrow_mut().values_mut() {
            if outgoing.phase != Phase::Establishing {
                outgoing.export.note(record);
            }
        }
    }

    /// The primary, or the file, tells of an import, or of its end.
    pub(super) fn track(&self, job: JobId, slots: Option<&SlotSet>) -> Option<SlotSet> {
        match slots {
            Some(slots) => self.tracked.borrow_mut().insert(job, slots.clone()),
            None => self.tracked.borrow_mut().remove(&job),
        }
    }

    /// Imports under way, as snapshots tell of them.
    pub(super) fn tracked_text(&self) -> String {
        let mut all = self.tracked.borrow().clone();
        all.extend(self.imports.borrow().iter().map(|(job, incoming)| (*job, incoming.slots.clone())));
        words::format_imports(&all)
    }

    /// Reads what a snapshot tells.
    pub(super) fn track_text(&self, text: &str) {
        self.tracked.borrow_mut().extend(words::parse_imports(text));
    }

    fn imports(&self, slot: Slot) -> bool {
        self.imports.borrow().values().any(|incoming| incoming.slots.contains(slot))
    }

    fn export_on(&self, link: LinkId) -> Option<JobId> {
        let exports = self.exports.borrow();
        exports.iter().find(|(_, outgoing)| outgoing.link == link).map(|(job, _)| *job)
    }
}

impl SimNode {
    /// Carries out what the machine wants.
    pub(super) fn hand_off(&mut self, action: HandoffAction) {
        match action {
            HandoffAction::Export { job, source, slots, host, port } => {
                let link = self.dial_for(&format!("{host}:{port}"), &words::establish(job, source, &slots));
                let export = Export::new(*slots, false);
                let (since, phase, input) = (self.host.moment.get().instant, Phase::Establishing, Vec::new());
                let outgoing = Outgoing { link, since, export, phase, input };
                self.host.handoff.exports.borrow_mut().insert(job, outgoing);
            }
            HandoffAction::Tell { job, message } => self.tell_other_side(job, message),
            HandoffAction::Fence { job, slots } => {
                if !self.host.plot.breaks(Sabotage::NoFence) {
                    self.host.handoff.fences.borrow_mut().insert(job, *slots);
                }
                self.send_the_rest(job);
            }
            HandoffAction::Release { job } => {
                self.host.handoff.fences.borrow_mut().remove(&job);
                self.release();
            }
            HandoffAction::Ask { job, target, slots, host, port } => {
                let link = self.dial_for(&format!("{host}:{port}"), &words::resolve(job, target, &slots));
                self.host.handoff.asked.borrow_mut().insert(link, (job, Vec::new()));
            }
            HandoffAction::End { job, side: Side::Source, .. } => {
                let ended = self.host.handoff.exports.borrow_mut().remove(&job);
                self.out.extend(ended.map(|outgoing| Out::Hang(outgoing.link)));
            }
            HandoffAction::End { job, side: Side::Target, success, .. } => {
                let link = self.host.handoff.imports.borrow_mut().get_mut(&job).map(|incoming| {
                    incoming.outcome = Some(success);
                    incoming.link
                });
                if let Some(link) = link {
                    self.disconnect(link);
                    self.out.push(Out::Close(link));
                }
            }
        }
    }

    /// Opens a connection of this node's, and says something there.
    fn dial_for(&mut self, address: &str, words: &words::Words) -> LinkId {
        let (link, mut bytes) = (self.next_link(), Vec::new());
        write_command(&mut bytes, words.iter().map(Vec::as_slice));
        self.out.push(Out::Dial(link, address.into()));
        self.out.push(Out::Ask(link, bytes));
        link
    }

    fn tell_machine(&mut self, input: &HandoffInput) {
        self.host.with_cluster(&mut |now, cluster| cluster.handle(now, Input::Handoff(input.clone())));
    }

    fn tell_other_side(&mut self, job: JobId, message: Message) {
        if let Some(outgoing) = self.host.handoff.exports.borrow_mut().get_mut(&job) {
            let mut bytes = outgoing.export.take();
            write_command(&mut bytes, words::message(message).iter().map(Vec::as_slice));
            return self.out.push(Out::Ask(outgoing.link, bytes));
        }
        if message == Message::RequestFailover {
            let (offset, now) = (self.host.log.borrow().offset(), self.host.moment.get().instant);
            if let Some(incoming) = self.host.handoff.imports.borrow_mut().get_mut(&job) {
                incoming.waits = Some((offset, now.plus_ms(COPIES_MS)));
            }
            return self.step_imports();
        }
        let link = self.host.handoff.imports.borrow().get(&job).map(|incoming| incoming.link);
        self.out.extend(link.map(|link| say(link, message)));
    }

    /// The slots are wanted only once this node's copies have what came with them.
    pub(super) fn step_imports(&mut self) {
        let now = self.host.moment.get().instant;
        let mut ready = Vec::new();
        for incoming in self.host.handoff.imports.borrow_mut().values_mut() {
            let reached = |(offset, deadline): &mut (u64, Instant)| match self.host.counts_by_quorum() {
                true => self.host.quorum.has_reached(*offset),
                false => self.host.all_have(*offset) || now >= *deadline,
            };
            if incoming.waits.take_if(reached).is_some() {
                ready.push(incoming.link);
            }
        }
        self.out.extend(ready.into_iter().map(|link| say(link, Message::RequestFailover)));
    }

    /// Whether an export has something to send.
    pub(super) fn wants_to_export(&self) -> bool {
        self.host.handoff.exports.borrow().values().any(Outgoing::goes_on)
    }

    /// A slice of each export.
    pub(super) fn step_exports(&mut self) {
        let jobs: Vec<JobId> = self.host.handoff.exports.borrow().keys().copied().collect();
        for job in jobs {
            self.send_some(job);
            let mut news = None;
            if let Some(outgoing) = self.host.handoff.exports.borrow_mut().get_mut(&job) {
                if outgoing.export.is_flushed() {
                    news = Some(HandoffInput::Flushed);
                } else if outgoing.phase == Phase::Sending && outgoing.export.is_nearly_done(NEARLY) {
                    outgoing.phase = Phase::Following;
                    news = Some(HandoffInput::Sent(job));
                }
            }
            news.iter().for_each(|news| self.tell_machine(news));
        }
    }

    fn send_some(&mut self, job: JobId) {
        let now = self.host.now.get().wall();
        let mut exports = self.host.handoff.exports.borrow_mut();
        let Some(outgoing) = exports.get_mut(&job).filter(|outgoing| outgoing.goes_on()) else { return };
        let hasher = self.engine.hasher();
        self.engine.shards().all_shards(&mut |held| {
            held.each(|shard| outgoing.export.go_on(now, shard, hasher, SLICE_LEN));
        });
        let mut bytes = outgoing.export.take();
        if self.host.plot.breaks(Sabotage::LoseExport) && self.host.chance.borrow_mut().happens(LOSES) {
            bytes.clear();
        }
        if !bytes.is_empty() {
            self.out.push(Out::Ask(outgoing.link, bytes));
        }
    }

    /// A fence is up: nothing changes any more, and what is left is sent.
    fn send_the_rest(&mut self, job: JobId) {
        while self.host.handoff.exports.borrow().get(&job).is_some_and(Outgoing::goes_on) {
            self.send_some(job);
        }
        let is_there = self.host.handoff.exports.borrow_mut().get_mut(&job).is_some_and(|outgoing| {
            let is_sent = outgoing.phase != Phase::Lost;
            if is_sent {
                outgoing.phase = Phase::Fenced;
            }
            is_sent
        });
        if is_there {
            self.tell_machine(&HandoffInput::Fenced(job));
        }
    }

    /// Gives up targets that do not answer.
    pub(super) fn tick_exports(&mut self) {
        let now = self.host.moment.get().instant;
        let is_silent = |outgoing: &Outgoing| {
            outgoing.phase == Phase::Establishing && now.ms_since(outgoing.since) > PATIENCE_MS
        };
        let exports = self.host.handoff.exports.borrow();
        let silent: Vec<LinkId> =
            exports.values().filter(|outgoing| is_silent(outgoing)).map(|outgoing| outgoing.link).collect();
        drop(exports);
        silent.into_iter().for_each(|link| self.handoff_answered(link, None));
    }

    /// Bytes have come over a connection of an export, or of a question; `None` for its end. False if it is neither's.
    pub(super) fn handoff_answered(&mut self, link: LinkId, bytes: Option<&[u8]>) {
        if let Some(job) = self.host.handoff.export_on(link) {
            return match bytes {
                Some(bytes) => self.hear_target(job, bytes),
                None => self.lose_target(job, LOST),
            };
        }
        let Some((job, mut input)) = self.host.handoff.asked.borrow_mut().remove(&link) else { return };
        input.extend_from_slice(bytes.unwrap_or_default());
        match (take_line(&mut input), bytes) {
            (Some(line), _) => {
                self.out.push(Out::Hang(link));
                if let Some(verdict) = words::parse_verdict(&line) {
                    self.tell_machine(&HandoffInput::Answered(job, verdict));
                }
            }
            (None, Some(_)) => _ = self.host.handoff.asked.borrow_mut().insert(link, (job, input)),
            (None, None) => {}
        }
    }

    fn lose_target(&mut self, job: JobId, why: &str) {
        if let Some(outgoing) = self.host.handoff.exports.borrow_mut().get_mut(&job) {
            outgoing.phase = Phase::Lost;
        }
        self.tell_machine(&HandoffInput::Lost(job, why.into()));
    }

    fn hear_target(&mut self, job: JobId, bytes: &[u8]) {
        let (mut line, mut said) = (None, Vec::new());
        if let Some(outgoing) = self.host.handoff.exports.borrow_mut().get_mut(&job) {
            outgoing.input.extend_from_slice(bytes);
            if outgoing.phase == Phase::Establishing {
                let Some(answer) = take_line(&mut outgoing.input) else { return };
                if answer.starts_with('+') {
                    outgoing.phase = Phase::Sending;
                }
                line = Some(answer);
            }
            said = take_messages(&mut outgoing.input);
        }
        match line {
            Some(line) if line.starts_with('+') => self.tell_machine(&HandoffInput::Established(job)),
            Some(line) => return self.lose_target(job, &line),
            None => {}
        }
        said.into_iter().for_each(|message| self.tell_machine(&HandoffInput::Heard(job, message)));
    }

    /// A connection has sent ESTABLISH: it brings slots from now on.
    pub(super) fn begin_import(&mut self, link: LinkId, mut connection: Connection) {
        let Some(import) = connection.session.import.clone() else { return };
        let (slots, outcome, waits) = (import.slots.clone(), None, None);
        let incoming = Incoming { link, slots, outcome, waits };
        self.host.handoff.imports.borrow_mut().insert(import.job, incoming);
        (connection.session.reply_mode, connection.session.after) = (ReplyMode::Off, After::Continue);
        // What is left of an earlier life of these slots here.
        self.drop_slots(&import.slots, Some(import.job));
        self.hide(&import.slots, true);
        self.tell_copies(&words::establish(import.job, import.source, &import.slots));
        self.take_in(link, connection);
    }

    /// Executes what the source has sent.
    pub(super) fn take_in(&mut self, link: LinkId, mut connection: Connection) {
        if self.pauses() != Pause::Nothing {
            // A primary that has stopped writes must not go on in its history.
            connection.is_held = true;
            self.connections.insert(link, connection);
            return;
        }
        let before = self.host.errors();
        drop(self.execute(&mut connection));
        self.host.file.borrow_mut().before_replies();
        let session = &connection.session;
        let is_wrong =
            self.host.errors() > before || session.after != After::Continue || session.blocked.is_some();
        self.connections.insert(link, connection);
        if is_wrong {
            self.out.push(Out::Note(format!("n{} cannot execute what comes over {link}", self.number)));
            self.disconnect(link);
            self.out.push(Out::Close(link));
        }
    }

    /// The connection of an import is no more: its keys are shown, or go.
    pub(super) fn end_import(&mut self, job: JobId) {
        self.tell_machine(&HandoffInput::Lost(job, LOST.into()));
        let Some(incoming) = self.host.handoff.imports.borrow_mut().remove(&job) else { return };
        let (success, follows) = (incoming.outcome.unwrap_or(false), self.host.follows());
        if !success && !follows {
            self.drop_slots(&incoming.slots, Some(job));
        }
        self.hide(&incoming.slots, false);
        // A node that follows another one by now leaves it to that.
        match follows {
            true => drop(self.host.handoff.track(job, Some(&incoming.slots))),
            false => self.tell_copies(&words::finish(job, success)),
        }
    }

    /// Imports that this node, now a primary, has heard of as a replica, or has begun in its last life: nobody goes on with them.
    pub(super) fn settle_tracked(&mut self) {
        let leads = self
            .topology()
            .is_some_and(|view| view.myself().is_some_and(|myself| !view.node(myself).is_replica()));
        if !leads || self.host.follows() {
            return;
        }
        let tracked = self.host.handoff.tracked.take();
        for (job, slots) in tracked {
            self.drop_slots(&slots, None);
            self.hide(&slots, false);
            self.tell_copies(&words::finish(job, false));
        }
    }

    /// The data is another's from now on, who tells of its own imports: what was hidden for others is shown.
    pub(super) fn forget_tracked(&mut self) {
        let tracked = self.host.handoff.tracked.take();
        tracked.values().for_each(|slots| self.hide(slots, false));
    }

    /// Every slot of imports that a snapshot or a file has told of: hidden until it is known what becomes of them.
    pub(super) fn hide_tracked(&mut self) {
        let tracked = self.host.handoff.tracked.borrow().clone();
        tracked.values().for_each(|slots| self.hide(slots, true));
    }

    /// The keys of slots that have become another's go.
    pub(super) fn clear(&mut self, slots: SlotSet) {
        self.drop_slots(&slots, None);
        self.tell_machine(&HandoffInput::Cleared(slots.into()));
    }

    /// Deletes the keys of slots that are another's. Slots that have become this node's meanwhile stay, and so do those that are on their way here,
    /// but by the migration `ended`.
    fn drop_slots(&mut self, slots: &SlotSet, ended: Option<JobId>) {
        let view = self.topology();
        for slot in slots.iter() {
            let is_mine = view
                .as_ref()
                .is_some_and(|view| view.myself().is_some_and(|myself| view.owner(slot) == Some(myself)));
            if is_mine || (ended.is_none() && self.host.handoff.imports(slot)) {
                continue;
            }
            let drop_some = || self.engine.drop_some_keys(&self.host, slot, DROPPED_AT_ONCE, &mut || true);
            while drop_some() == DROPPED_AT_ONCE {}
        }
        self.host.file.borrow_mut().before_replies();
    }

    fn hide(&mut self, slots: &SlotSet, hidden: bool) {
        self.engine.shards().all_shards(&mut |held| {
            held.each(|shard| slots.iter().for_each(|slot| shard.db(DB).hide(slot, hidden)));
        });
    }

    /// Tells replicas and the file.
    fn tell_copies(&mut self, words: &words::Words) {
        if self.host.records() {
            let mut record = Record::default();
            record.push(DB, words.iter().map(Vec::as_slice));
            self.host.propagate(&record);
            self.host.file.borrow_mut().before_replies();
        }
    }
}

impl Outgoing {
    /// Has something to send, to somebody who takes it.
    fn goes_on(&self) -> bool {
        match self.phase {
            Phase::Sending | Phase::Following => self.export.next().is_some(),
            Phase::Establishing | Phase::Fenced | Phase::Lost => false,
        }
    }
}

fn say(link: LinkId, message: Message) -> Out {
    let mut bytes = Vec::new();
    write_command(&mut bytes, words::message(message).iter().map(Vec::as_slice));
    Out::Reply(link, bytes)
}

fn take_line(input: &mut Vec<u8>) -> Option<String> {
    let end = input.iter().position(|byte| *byte == b'\n')?;
    let line: Vec<u8> = input.drain(..=end).collect();
    Some(String::from_utf8_lossy(&line).trim_end().to_string())
}

/// What the other side has said, as far as it is whole.
fn take_messages(input: &mut Vec<u8>) -> Vec<Message> {
    let mut decoder = Decoder::default();
    decoder.decode(input, Limits { bulk_len_max: 1 << 16, authenticated: true });
    let of = |index| {
        let words = decoder.request(input, index);
        words.get(2).filter(|_| words.is(1, "syncslots")).and_then(Message::parse)
    };
    let messages = (0..decoder.len()).filter_map(of).collect();
    let used = decoder.consume_first(decoder.len());
    input.drain(..used);
    messages
}

/// How often [`Sabotage::LoseExport`] loses a slice.
const LOSES: crate::chance::Permille = crate::chance::Permille(200);
