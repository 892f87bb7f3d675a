//! The same steps to two servers, their replies compared one by one, and their keyspaces at the end.
//!
//! Steps of a single client go out in batches, so that pipelining is under test too. With several clients each step
//! waits for its reply, or until it blocks on both sides; then whoever it woke and whoever it told something is heard:
//!
//! ```text
//!   step --> its client --> reply, or blocked?
//!                             |--> clients that wait: all those that the reference answered must be answered
//!                             '--> clients that subscribed: everything that came, up to the reply to a PING
//! ```

use std::fmt;
use std::thread;
use std::time::{Duration, Instant};

use crate::comparison::{self, Comparison};
use crate::differences::Differences;
use crate::keyspace;
use crate::line::{End, Line, Sides};
use crate::random::Random;
use crate::script::{Step, parse};
use crate::server::POLL;

/// What one side does within this time, the other should have done too; also active expiry.
const SETTLE_MAX: Duration = Duration::from_secs(3);
/// Sets back what themes set.
pub(crate) const DEFAULTS: &str = "
CONFIG SET notify-keyspace-events '' list-max-listpack-size -2 list-compress-depth 0 hash-max-listpack-entries 512 hash-max-listpack-value 64
CONFIG SET set-max-intset-entries 512 zset-max-listpack-entries 128 zset-max-listpack-value 64 hll-sparse-max-bytes 3000
CONFIG SET stream-node-max-entries 100 stream-node-max-bytes 4096
";
/// With [`DEFAULTS`], what every sequence begins from.
const RESET: &str = "
DEBUG SET-ACTIVE-EXPIRE 1
FLUSHALL
FUNCTION FLUSH
";

/// Two servers that should be one.
#[derive(Debug)]
pub struct Pair<'a> {
    /// Port of the server under test.
    pub ours: u16,
    /// Port of the reference.
    pub theirs: u16,
    /// What may differ.
    pub differences: &'a Differences,
    /// Whether the reference is older than 7.2.
    pub reference_is_old: bool,
}

/// The first request that they answered differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The request as a line of a script.
    pub request: String,
    /// What the server under test sent; `None` when it closed, or said nothing.
    pub ours: Option<Vec<u8>>,
    /// What the reference sent; `None` when it closed, or said nothing.
    pub theirs: Option<Vec<u8>>,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |reply: &Option<Vec<u8>>| {
            reply.as_ref().map_or("(nothing)".to_string(), |bytes| bytes.escape_ascii().to_string())
        };
        let (ours, theirs) = (show(&self.ours), show(&self.theirs));
        write!(f, "{}\n  ours:   {ours}\n  theirs: {theirs}", self.request)
    }
}

impl Pair<'_> {
    /// Resets both servers, runs `steps` on both in batches of up to `batch_max`, and compares everything.
    pub fn run(&self, steps: &[Step], batch_max: usize) -> Result<(), Mismatch> {
        self.conversation().lines[0]
            .as_mut()
            .expect("just made")
            .ask(&[parse(DEFAULTS), parse(RESET)].concat());
        let mut conversation = self.conversation();
        let steps = without_stale_errors(steps);
        let steps = if self.reference_is_old { for_old_reference(&steps) } else { steps };
        let mut rest = &steps[..];
        let mut sizes = Random::new(batch_max as u64);
        while !rest.is_empty() {
            let size = 1 + sizes.below(batch_max);
            let size = rest.iter().take(size).position(ends_batch).map_or(size, |at| at + 1).min(rest.len());
            let (batch, after) = rest.split_at(size);
            conversation.run(batch)?;
            thread::sleep(Duration::from_millis(batch.last().map_or(0, |step| step.pause_ms)));
            rest = after;
        }
        drop(conversation);
        keyspace::compare(&mut self.session())
    }

    fn conversation(&self) -> Conversation<'_> {
        let first = Line::open(self.ours, self.theirs);
        let control = Line::open(self.ours, self.theirs);
        Conversation { pair: self, lines: vec![Some(first)], control }
    }

    fn session(&self) -> Session<'_> {
        Session { line: Line::open(self.ours, self.theirs), differences: self.differences }
    }
}

/// The steps with something in front of each SORT that reads a number. Redis, 7.2 too, takes a number that was out of range in an
/// earlier command for one of SORT's, since it does not clear `errno`; whether that is still set depends on what else went on.
fn without_stale_errors(steps: &[Step]) -> Vec<Step> {
    let sorts = |step: &Step| step.name().starts_with("sort");
    let clear = |step: &Step| Step {
        client: step.client,
        ..Step::new(["GEORADIUS_RO", "no-such-place", "0", "0", "1", "m"])
    };
    steps.iter().flat_map(|step| sorts(step).then(|| clear(step)).into_iter().chain([step.clone()])).collect()
}

/// The steps as a reference older than 7.2 can take them: without ranks WITHSCORE; without waiting for several keys, since
/// only 7.2 looks at all of them again when one has data; and with consumers made before they first read or claim, since
/// only 7.2 makes one that finds nothing.
fn for_old_reference(steps: &[Step]) -> Vec<Step> {
    let waits_for_several = |step: &Step| match step.name().as_str() {
        "blpop" | "brpop" | "bzpopmin" | "bzpopmax" => step.args.len() > 3,
        "blmpop" | "bzmpop" => step.word(2) != "1",
        "xread" | "xreadgroup" => {
            let streams = (1..step.args.len()).find(|at| step.word(*at) == "streams");
            streams.is_some_and(|at| step.args.len() > at + 3)
        }
        _ => false,
    };
    let is_new = |step: &&Step| {
        step.name().ends_with("rank") && step.args.len() > 3 || step.waits && waits_for_several(step)
    };
    let prepared = |step: &Step| consumers(step).into_iter().chain([step.clone()]).collect::<Vec<Step>>();
    steps.iter().filter(|step| !is_new(step)).flat_map(prepared).collect()
}

/// What makes the consumers that a step is about to use.
fn consumers(step: &Step) -> Vec<Step> {
    let (keys, group) = match step.name().as_str() {
        "xreadgroup" => {
            let streams =
                (4..step.args.len()).find(|at| step.word(*at) == "streams").unwrap_or(step.args.len());
            (streams + 1..streams + 1 + step.args.len().saturating_sub(streams + 1) / 2, 2)
        }
        "xclaim" | "xautoclaim" if step.args.len() > 3 => (1..2, 2),
        _ => return Vec::new(),
    };
    let create = |at: usize| {
        let words: [&[u8]; 5] =
            [b"XGROUP", b"CREATECONSUMER", &step.args[at], &step.args[group], &step.args[group + 1]];
        Step { client: step.client, ..Step::new(words) }
    };
    keys.filter(|at| *at < step.args.len()).map(create).collect()
}

/// True for what must be answered before more is sent.
fn ends_batch(step: &Step) -> bool {
    let last = matches!(step.name().as_str(), "quit" | "dbsize" | "exec");
    last || step.pause_ms > 0 || step.client > 0 || comparison::of(step) == Comparison::Random
}

/// One client of both servers.
pub(crate) struct Session<'a> {
    line: Line,
    differences: &'a Differences,
}

impl Session<'_> {
    /// The connection to the server under test.
    pub(crate) fn ours(&mut self) -> &mut crate::wire::Connection {
        &mut self.line.ours.connection
    }

    /// The connection to the reference.
    pub(crate) fn theirs(&mut self) -> &mut crate::wire::Connection {
        &mut self.line.theirs.connection
    }

    /// Runs steps and compares their replies.
    pub(crate) fn run(&mut self, batch: &[Step]) -> Result<(), Mismatch> {
        self.line.run(batch, self.differences).map(drop)
    }
}

/// All clients of a sequence.
struct Conversation<'a> {
    pair: &'a Pair<'a>,
    lines: Vec<Option<Line>>,
    /// Asks about blocked clients; sends nothing else.
    control: Line,
}

impl Conversation<'_> {
    /// Runs a batch of one client's steps, then hears the others.
    fn run(&mut self, batch: &[Step]) -> Result<(), Mismatch> {
        let Some(client) = batch.first().map(|step| step.client) else { return Ok(()) };
        if self.lines.len() <= client {
            self.lines.resize_with(client + 1, || None);
        }
        let mut line =
            self.lines[client].take().unwrap_or_else(|| Line::open(self.pair.ours, self.pair.theirs));
        if line.waits_for.is_some() {
            // It cannot say anything now. That it waits on both sides was compared.
            self.lines[client] = Some(line);
            return Ok(());
        }
        let end = if batch[0].waits {
            self.run_waiting(&mut line, &batch[0])
        } else {
            line.run(batch, self.pair.differences)
        };
        if end? == End::Open {
            self.lines[client] = Some(line);
        }
        self.hear_woken(batch)?;
        self.hear_told(batch)
    }

    /// Sends a step that may block, and returns when both answered it or both wait.
    fn run_waiting(&mut self, line: &mut Line, step: &Step) -> Result<End, Mismatch> {
        line.send(std::slice::from_ref(step));
        let waiting = 1 + self.lines.iter().flatten().filter(|line| line.waits_for.is_some()).count();
        let give_up = Instant::now() + SETTLE_MAX;
        let mut answered = Sides { ours: None, theirs: None };
        while (answered.ours.is_none() || answered.theirs.is_none()) && Instant::now() < give_up {
            let blocked = self.control.blocked_clients();
            for (state, arrived, count) in [
                (&mut answered.ours, line.ours.has_reply(), blocked.ours),
                (&mut answered.theirs, line.theirs.has_reply(), blocked.theirs),
            ] {
                if arrived || count >= waiting {
                    *state = Some(arrived);
                }
            }
        }
        match (answered.ours, answered.theirs) {
            (Some(true), Some(true)) => line.hear(step, self.pair.differences),
            (Some(false), Some(false)) => {
                line.waits_for = Some(step.clone());
                Ok(End::Open)
            }
            _ => line.one_sided(step, self.pair.differences),
        }
    }

    /// Compares the replies to clients that a batch woke.
    fn hear_woken(&mut self, batch: &[Step]) -> Result<(), Mismatch> {
        if self.lines.iter().flatten().all(|line| line.waits_for.is_none()) {
            return Ok(());
        }
        // Once this is answered, so are those who were woken.
        self.control.blocked_clients();
        for line in self.lines.iter_mut().flatten() {
            let Some(step) = line.waits_for.clone() else { continue };
            if !line.theirs.has_reply() && !line.ours.has_reply() {
                continue;
            }
            let give_up = Instant::now() + SETTLE_MAX;
            while !(line.theirs.has_reply() && line.ours.has_reply()) && Instant::now() < give_up {
                thread::sleep(POLL);
            }
            let after =
                |mismatch: Mismatch| Mismatch { request: woken_by(&mismatch.request, batch), ..mismatch };
            line.waits_for = None;
            if line.theirs.has_reply() && line.ours.has_reply() {
                line.hear(&step, self.pair.differences).map_err(after)?;
            } else {
                line.one_sided(&step, self.pair.differences).map_err(after)?;
                line.is_lost = true;
            }
        }
        self.lines.iter_mut().for_each(|line| drop(line.take_if(|line| line.is_lost)));
        Ok(())
    }

    /// Compares what clients that subscribed were told meanwhile.
    fn hear_told(&mut self, batch: &[Step]) -> Result<(), Mismatch> {
        for line in self.lines.iter_mut().flatten() {
            line.hear_messages().map_err(|(ours, theirs)| Mismatch {
                request: format!(
                    "{} -> what subscribers hear",
                    batch.last().map(Step::format).unwrap_or_default()
                ),
                ours: Some(ours),
                theirs: Some(theirs),
            })?;
        }
        Ok(())
    }
}

fn woken_by(request: &str, batch: &[Step]) -> String {
    format!("{request} -> after {}", batch.last().map(Step::format).unwrap_or_default())
}
