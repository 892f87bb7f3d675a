//! Atomic migration of slots: all data of some slots goes to another primary, and then the slots themselves, at one moment.
//!
//! ```text
//!   source                                             target
//!     connecting       ESTABLISH ---------------------->  waiting-for-ack        hides the slots; is told to replicas and to the file
//!     snapshotting     ACK, keys, then what changed --->  receiving-snapshot     executes them as a replica would
//!     replicating      SNAPSHOT-EOF ------------------->  waiting-for-paused     has all of it:
//!     waiting-to-pause <------------------ REQUEST-PAUSE
//!       the *grant* is on disk; only then the fence: requests for the slots wait in their connections
//!       the last changes ------------------------------>
//!     failover-paused  PAUSED ------------------------->  failover-requested
//!     failover-granted <--------------- REQUEST-FAILOVER
//!                      FAILOVER-GRANTED --------------->  claims: next epoch, on disk, then PONG to everybody
//!     success          <------------ the claim, by gossip
//!       publishes, then lets the requests go on: each is answered with one MOVED
//! ```
//!
//! **The target decides**, by one write of its nodes.conf: the slots under a config epoch greater than all it knows. Before that write the
//! slots are the source's, after it they are the target's. So these must hold, and do:
//!
//! 1. *Whoever has decided has everything.* The target claims only on FAILOVER-GRANTED, which follows PAUSED on one ordered connection, which
//!    follows every change made before the fence. It claims only while it is a primary and the source owns the slots, as it knows.
//! 2. *Nobody takes a write that the decision could undo.* From the fence on the source takes no request for the slots until it knows. Having
//!    granted, it never lets go by time alone. It learns: that they are another's, by gossip (of the target, or, if the target died, of
//!    whomever it told: [`Cluster::correct_who_lags`] tells who lags); or that the target has not claimed and never will, in answer to
//!    RESOLVE, by which the target ends the job on its side; or that a majority calls the target down. In that last case it takes a new
//!    epoch first: a claim that nobody has heard of by then loses against it, as that of any primary that was voted out.
//! 3. *A crash changes nothing.* The grant is on disk before the fence, so a source that starts again keeps the fence and asks. A target that
//!    starts again owns the slots by its nodes.conf, or knows nothing of the job and answers RESOLVE with that. Before the decision the source
//!    has everything and the target's half is thrown away; after it the target has, as it has the rest of its data.
//! 4. *A failover in between.* A source that is demoted, or whose slots its replica has taken, ends the job; the target sees that the source does
//!    not own the slots and does not claim. If both claim at once, the greater epoch wins, on all nodes, and both have the data. A target
//!    that is demoted ends the job; its replica knows of it (FINISH has not come) and drops the half that it has, when it becomes a primary.
//! 5. *The rest of the cluster* sees an ordinary claim with a greater config epoch, which Redis and Valkey follow.
//! 6. *Epochs that have not been heard of.* The target may claim by an epoch that is no greater than the source's last, of which it has not heard. The
//!    source, having granted, gives way to that claim all the same. And the target does not give the slots back to a claim that the source made before
//!    it knew: it takes a greater epoch instead, for one node timeout from its request on. Later than that the source may have taken the slots back,
//!    which takes two: it does so only after a majority has called the target down for as long, and grants nothing to who is down.
//!
//! This is the control side: jobs, their states, what is said. The data are moved by the driver, who is told by [`HandoffAction`] and tells by
//! [`HandoffInput`]. States, messages and refusals are those of Valkey 9 (`cluster_migrateslots.c`); RESOLVE is ours: Valkey lets the source
//! go on by time, and warns of lost writes.

mod export;
mod import;
mod record;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::Cluster;
use super::action::Action;
use super::event::Event;
use super::input::Now;
use super::nodes::{MYSELF, PeerIndex};
use crate::id::{JobId, NodeId};
use crate::slot_set::SlotSet;
use crate::time::{Instant, UnixMs};

/// How often either side says that it is there.
const ACK_MS: u64 = 1000;
/// A job whose other side has been silent for so long has failed.
const SILENCE_MAX_MS: u64 = 60_000;
/// Jobs remembered, those that are over among them.
const JOBS_MAX: usize = 1000;

/// What one side says to the other, after ESTABLISH.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Message {
    /// It is there.
    Ack,
    /// All keys have been sent.
    SnapshotEof,
    /// The target has them, and wants the rest.
    RequestPause,
    /// Nothing changes any more, and everything has been sent.
    Paused,
    /// The target has everything, and wants the slots.
    RequestFailover,
    /// It may take them.
    FailoverGranted,
}

impl Message {
    const ALL: [Message; 6] = [
        Message::Ack,
        Message::SnapshotEof,
        Message::RequestPause,
        Message::Paused,
        Message::RequestFailover,
        Message::FailoverGranted,
    ];

    /// The word behind CLUSTER SYNCSLOTS.
    pub fn name(self) -> &'static str {
        match self {
            Message::Ack => "ACK",
            Message::SnapshotEof => "SNAPSHOT-EOF",
            Message::RequestPause => "REQUEST-PAUSE",
            Message::Paused => "PAUSED",
            Message::RequestFailover => "REQUEST-FAILOVER",
            Message::FailoverGranted => "FAILOVER-GRANTED",
        }
    }

    /// From that word, in any case.
    pub fn parse(word: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|message| word.eq_ignore_ascii_case(message.name().as_bytes()))
    }
}

/// Which side of a job this node is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// It gives the slots away.
    Source,
    /// It is given them.
    Target,
}

/// How far a job is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the drawing of the module says what each is")]
pub enum JobState {
    Connecting,
    Snapshotting,
    Replicating,
    WaitingToPause { until: Instant },
    Paused { until: Instant },
    Granted { ask_at: Instant },
    WaitingForAck,
    ReceivingSnapshot,
    WaitingForPaused,
    FailoverRequested,
    Success,
    Failed,
    Cancelled,
}

impl JobState {
    /// The word in GETSLOTMIGRATIONS.
    pub fn name(self) -> &'static str {
        match self {
            JobState::Connecting => "connecting",
            JobState::Snapshotting => "snapshotting",
            JobState::Replicating => "replicating",
            JobState::WaitingToPause { .. } => "waiting-to-pause",
            JobState::Paused { .. } => "failover-paused",
            JobState::Granted { .. } => "failover-granted",
            JobState::WaitingForAck => "waiting-for-ack",
            JobState::ReceivingSnapshot => "receiving-snapshot",
            JobState::WaitingForPaused => "waiting-for-paused",
            JobState::FailoverRequested => "failover-requested",
            JobState::Success => "success",
            JobState::Failed => "failed",
            JobState::Cancelled => "cancelled",
        }
    }

    /// Nothing more comes of it.
    pub fn is_over(self) -> bool {
        matches!(self, JobState::Success | JobState::Failed | JobState::Cancelled)
    }

    /// The target may have claimed the slots already.
    fn is_granted(self) -> bool {
        matches!(self, JobState::Granted { .. })
    }

    /// Requests for the slots wait.
    fn is_fenced(self) -> bool {
        matches!(self, JobState::WaitingToPause { .. } | JobState::Paused { .. } | JobState::Granted { .. })
    }
}

/// Slots on their way to another node, or from it.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its name, the same on both sides.
    pub id: JobId,
    /// Which side this node is.
    pub side: Side,
    /// Who gives the slots away.
    pub source: NodeId,
    /// Who is given them.
    pub target: NodeId,
    /// Which.
    pub slots: SlotSet,
    /// How far it is.
    pub state: JobState,
    /// When it began here.
    pub created: UnixMs,
    /// When it came to this state.
    pub updated: UnixMs,
    /// When the other side was heard last.
    pub heard: UnixMs,
    /// Why it failed.
    pub why: String,
    heard_at: Instant,
    /// When the target asked for the slots.
    requested_at: Option<Instant>,
    /// The slots are another's, and their keys are still here: a restart must not forget to delete them.
    is_to_be_cleared: bool,
}

/// All jobs of a node, the last one first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Handoffs {
    jobs: Vec<Job>,
    next_ack: Instant,
}

/// Something for the driver to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HandoffAction {
    /// Connect to the target and establish the job there: [`HandoffInput::Established`] or [`HandoffInput::Lost`]. Then send all keys of the
    /// slots, and what changes: [`HandoffInput::Sent`].
    Export {
        /// The job.
        job: JobId,
        /// This node.
        source: NodeId,
        /// Whose keys.
        slots: Box<SlotSet>,
        /// Where the target is.
        host: String,
        /// Its port for clients.
        port: u16,
    },
    /// Say this to the other side, behind all that has been sent.
    Tell {
        /// The job.
        job: JobId,
        /// What.
        message: Message,
    },
    /// Take no request for these slots from now on; once none is under way and the last change is sent: [`HandoffInput::Fenced`].
    Fence {
        /// The job.
        job: JobId,
        /// Which.
        slots: Box<SlotSet>,
    },
    /// The requests of that fence go on.
    Release {
        /// The job.
        job: JobId,
    },
    /// Ask the target, on a new connection, what has become of the job: [`HandoffInput::Answered`].
    Ask {
        /// The job.
        job: JobId,
        /// The target.
        target: NodeId,
        /// Its slots.
        slots: Box<SlotSet>,
        /// Where the target is.
        host: String,
        /// Its port for clients.
        port: u16,
    },
    /// The job is over: close its connection. A target that is given up throws away what it has of the slots, one with success shows it.
    End {
        /// The job.
        job: JobId,
        /// Which side this node is.
        side: Side,
        /// Its slots.
        slots: Box<SlotSet>,
        /// Whether the slots are the target's now.
        success: bool,
    },
}

/// Something that happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HandoffInput {
    /// The target knows of the job.
    Established(JobId),
    /// All keys have been sent, and few changes are left.
    Sent(JobId),
    /// No request for the slots is under way, and everything has been sent.
    Fenced(JobId),
    /// The other side says this.
    Heard(JobId, Message),
    /// The connection is lost or could not be made, or the data cannot be moved.
    Lost(JobId, String),
    /// What the target answers about a job.
    Answered(JobId, Verdict),
    /// All data of this node is gone.
    Flushed,
    /// The keys of slots that are another's by now are deleted.
    Cleared(Box<SlotSet>),
}

/// What became of a job that its source has granted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The target has the slots.
    Claimed,
    /// It has not claimed them, and never will by this job.
    Never,
}

impl Cluster {
    /// Takes in what happened to the data of a job.
    pub(crate) fn on_handoff(&mut self, now: Now, input: HandoffInput) {
        match input {
            HandoffInput::Established(id) => self.on_established(now, id),
            HandoffInput::Sent(id) => self.on_sent(now, id),
            HandoffInput::Fenced(id) => self.on_fenced(now, id),
            HandoffInput::Heard(id, message) => self.on_message(now, id, message),
            HandoffInput::Lost(id, why) => self.on_job_lost(now, id, &why),
            HandoffInput::Answered(id, verdict) => self.on_verdict(now, id, verdict),
            HandoffInput::Flushed => self.on_flushed(now),
            HandoffInput::Cleared(slots) => self.on_cleared(&slots),
        }
    }

    /// All jobs, the last one first: those under way, and those that are over.
    pub fn jobs(&self) -> &[Job] {
        &self.handoffs.jobs
    }

    fn on_message(&mut self, now: Now, id: JobId, message: Message) {
        let Some(at) = self.active_job(id) else { return };
        let job = &mut self.handoffs.jobs[at];
        (job.heard, job.heard_at) = (now.unix, now.instant);
        match (message, job.side) {
            (Message::Ack, Side::Source) => {}
            (Message::Ack, Side::Target) => self.on_source_there(now, at),
            (Message::SnapshotEof, Side::Target) => self.on_snapshot_eof(now, at),
            (Message::Paused, Side::Target) => self.on_paused(now, at),
            (Message::FailoverGranted, Side::Target) => self.on_granted(now, at),
            (Message::RequestPause, Side::Source) => self.on_pause_request(now, at),
            (Message::RequestFailover, Side::Source) => self.on_failover_request(now, at),
            (Message::RequestPause | Message::RequestFailover, Side::Target)
            | (Message::SnapshotEof | Message::Paused | Message::FailoverGranted, Side::Source) => {
                self.out_of_turn(now, at);
            }
        }
    }

    /// The other side says what does not follow from what it has said before.
    fn out_of_turn(&mut self, now: Now, at: usize) {
        // A target that may have claimed is believed by its claim only.
        if !self.handoffs.jobs[at].state.is_granted() {
            self.end_job(now, at, JobState::Failed, "Unexpected state machine transition");
        }
    }

    fn on_job_lost(&mut self, now: Now, id: JobId, why: &str) {
        let Some(at) = self.active_job(id) else { return };
        match self.handoffs.jobs[at].state {
            // It may have claimed, or may still be about to: it is asked at once.
            JobState::Granted { .. } => {
                self.set_job_state(now, at, JobState::Granted { ask_at: now.instant })
            }
            _ => self.end_job(now, at, JobState::Failed, why),
        }
    }

    fn on_flushed(&mut self, now: Now) {
        for at in 0..self.handoffs.jobs.len() {
            let state = self.handoffs.jobs[at].state;
            if !state.is_over() && !state.is_granted() {
                self.end_job(now, at, JobState::Failed, "Data was flushed");
            }
        }
    }

    /// At each tick: what has taken too long, who is to be asked, who is to hear that this side is there.
    pub(crate) fn tick_handoffs(&mut self, now: Now) {
        let acks_are_due = now.instant >= self.handoffs.next_ack;
        if acks_are_due {
            self.handoffs.next_ack = now.instant.plus_ms(ACK_MS);
        }
        for at in 0..self.handoffs.jobs.len() {
            let job = &self.handoffs.jobs[at];
            if job.state.is_over() {
                continue;
            }
            let is_silent = now.instant.ms_since(job.heard_at) > SILENCE_MAX_MS;
            match job.state {
                JobState::Granted { ask_at } => self.tick_granted(now, at, ask_at),
                JobState::WaitingToPause { until } | JobState::Paused { until } if now.instant > until => {
                    self.end_job(now, at, JobState::Failed, "Timed out before streaming completed");
                }
                _ if is_silent => {
                    self.end_job(now, at, JobState::Failed, "Timed out after too long with no interaction");
                }
                JobState::Connecting | JobState::WaitingForAck => {}
                _ if acks_are_due => self.tell(at, Message::Ack),
                _ => {}
            }
        }
    }

    /// After each input: whether the slots of each job are still whose they must be.
    pub(crate) fn recheck_handoffs(&mut self, now: Now) {
        for at in 0..self.handoffs.jobs.len() {
            let job = &self.handoffs.jobs[at];
            match job.side {
                _ if job.state.is_over() => {}
                Side::Source => self.recheck_export(now, at),
                Side::Target => self.recheck_import(now, at),
            }
        }
    }

    /// Every one of `slots` belongs to `owner`.
    fn all_are_of(&self, slots: &SlotSet, owner: PeerIndex) -> bool {
        slots.difference(&self.nodes[owner].slots).is_empty()
    }

    /// The jobs under way that have one of `slots`.
    pub(crate) fn moves_any(&self, slots: &SlotSet) -> bool {
        self.handoffs.jobs.iter().any(|job| !job.state.is_over() && !job.slots.is_disjoint(slots))
    }

    fn active_job(&self, id: JobId) -> Option<usize> {
        self.handoffs.jobs.iter().position(|job| job.id == id && !job.state.is_over())
    }

    fn add_job(
        &mut self,
        now: Now,
        id: JobId,
        (source, target): (NodeId, NodeId),
        slots: SlotSet,
        state: JobState,
    ) {
        let side = if source == self.nodes[MYSELF].id { Side::Source } else { Side::Target };
        let job = Job {
            id,
            side,
            source,
            target,
            slots,
            state,
            created: now.unix,
            updated: now.unix,
            heard: now.unix,
            heard_at: now.instant,
            why: String::new(),
            requested_at: None,
            is_to_be_cleared: false,
        };
        self.note(Event::MigrationStarted { job: id, source, target, slots: job.slots.len() });
        self.handoffs.jobs.insert(0, job);
        if self.handoffs.jobs.len() > JOBS_MAX
            && let Some(oldest) = self.handoffs.jobs.iter().rposition(|job| job.state.is_over())
        {
            self.handoffs.jobs.remove(oldest);
        }
    }

    fn set_job_state(&mut self, now: Now, at: usize, state: JobState) {
        let job = &mut self.handoffs.jobs[at];
        (job.state, job.updated) = (state, now.unix);
    }

    fn tell(&mut self, at: usize, message: Message) {
        let job = self.handoffs.jobs[at].id;
        self.out.push(Action::Handoff(HandoffAction::Tell { job, message }));
    }

    /// The job is over, with this result.
    fn end_job(&mut self, now: Now, at: usize, result: JobState, why: &str) {
        let before = self.handoffs.jobs[at].state;
        self.set_job_state(now, at, result);
        let job = &mut self.handoffs.jobs[at];
        job.why = why.into();
        let (id, side, slots) = (job.id, job.side, Box::new(job.slots.clone()));
        let success = result == JobState::Success;
        self.note(Event::MigrationEnded { job: id, result: result.name(), why: why.into() });
        if before.is_fenced() {
            self.handoffs.jobs[at].is_to_be_cleared = success;
            self.out.push(Action::Handoff(HandoffAction::Release { job: id }));
            self.save_soon();
        }
        self.out.push(Action::Handoff(HandoffAction::End { job: id, side, slots, success }));
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::Source => "EXPORT",
            Side::Target => "IMPORT",
        })
    }
}
