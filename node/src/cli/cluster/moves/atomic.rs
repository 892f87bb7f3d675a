//! The atomic way of moving slots, of Slotway and Valkey 9: the source sends them all and hands over at one moment.
//!
//! ```text
//!   source: CLUSTER MIGRATESLOTS SLOTSRANGE .. NODE target     a job begins
//!   source: CLUSTER GETSLOTMIGRATIONS                          until it is over; how far it is
//!   source: CLUSTER CANCELSLOTMIGRATIONS                       when the operator wishes to stop
//! ```
//!
//! Nothing is ever half done: until its last moment the slots are the source's, whole, and then they are the target's. So what fails is
//! only explained here, and tried again where another moment may be better.

use std::thread;
use std::time::{Duration, Instant};

use slotway_core::id::NodeId;
use slotway_core::resp::value::Value;
use slotway_core::slot_set::SlotSet;

use crate::cli::cluster::client::{Access, Client};
use crate::cli::cluster::exit::Stop;
use crate::cli::cluster::interrupt;
use crate::cli::cluster::place::Place;

/// How often the source is asked how far it is.
const POLL: Duration = Duration::from_millis(50);
/// Times that a migration is begun which fails for a reason that passes.
const TRIES_MAX: usize = 3;
/// How long a target that was granted the slots may take to say so. After that the operator must look at it.
const GRANTED_MAX: Duration = Duration::from_secs(60);
/// How long a target may take to throw away what it has of slots that stay where they are.
const CLEARED_MAX: Duration = Duration::from_secs(10);

/// Who gives slots, and who takes them.
pub(super) struct Ends<'a> {
    pub(super) access: &'a Access,
    pub(super) source: (NodeId, Place),
    pub(super) target: (NodeId, Place),
}

/// How far a migration is, as far as the source tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Progress {
    pub(super) slots: usize,
    pub(super) keys: u64,
    pub(super) bytes: u64,
}

/// A migration, as GETSLOTMIGRATIONS tells it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Job {
    name: String,
    is_export: bool,
    target: String,
    state: State,
    why: String,
    progress: Progress,
}

/// How far a migration is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    UnderWay,
    /// The target decides, and nothing can be taken back.
    Granted,
    Success,
    Failed,
    Cancelled,
}

/// Whether a node knows how.
///
/// # Errors
/// The connection ends.
pub(super) fn knows(client: &mut Client) -> Result<bool, Stop> {
    let reply = client.ask(&["COMMAND", "INFO", "cluster|migrateslots"])?;
    Ok(reply.as_items().and_then(<[Value]>::first).is_some_and(|facts| facts.as_items().is_some()))
}

/// Moves these slots at one moment. `tell` is told meanwhile how far it is.
///
/// # Errors
/// The slots stay with their source, or it cannot be known whether they do: the text says which, why, and what to do.
pub(super) fn move_slots(ends: &Ends, slots: &SlotSet, tell: impl Fn(Progress)) -> Result<(), Stop> {
    let mut tries = 1;
    loop {
        let mut source = Client::connect(ends.access, &ends.source.1)?;
        let name = ends.begin(&mut source, slots)?;
        let job = ends.follow(&mut source, &name, slots, &tell)?;
        match job.state {
            State::Success => return Ok(()),
            State::Failed if job.why.starts_with("Timed out") && tries < TRIES_MAX => tries += 1,
            State::Failed => return Err(ends.failed(&job, slots)),
            State::Cancelled => return Err(ends.cancelled(&name, slots)),
            State::UnderWay | State::Granted => return Err(ends.stuck(slots)),
        }
    }
}

impl Ends<'_> {
    /// Begins the migration; its name.
    fn begin(&self, source: &mut Client, slots: &SlotSet) -> Result<String, Stop> {
        let ranges: Vec<[String; 2]> =
            slots.ranges().map(|range| [range.start().to_string(), range.end().to_string()]).collect();
        let words = ["CLUSTER", "MIGRATESLOTS", "SLOTSRANGE"].into_iter();
        let words = words.chain(ranges.iter().flatten().map(String::as_str));
        let request: Vec<&str> = words.chain(["NODE", self.target.0.as_str()]).collect();
        let before = jobs(source)?.unwrap_or_default();
        source.order(&request)?;
        let is_new = |job: &&Job| {
            job.is_export
                && job.target == self.target.0.as_str()
                && before.iter().all(|known| known.name != job.name)
        };
        let after = jobs(source).map_err(|stop| stop.midway(&self.whose_now(slots)))?.unwrap_or_default();
        let job = after.iter().find(is_new);
        job.map(|job| job.name.clone()).ok_or_else(|| self.vanished(slots))
    }

    /// Asks the source until the migration is over, or has been granted for too long.
    fn follow(
        &self,
        source: &mut Client,
        name: &str,
        slots: &SlotSet,
        tell: &impl Fn(Progress),
    ) -> Result<Job, Stop> {
        let (mut granted_at, mut is_cancelled) = (None, false);
        loop {
            let told = jobs(source).map_err(|stop| stop.midway(&self.whose_now(slots)))?;
            if let Some(told) = told {
                let job = told.into_iter().find(|job| job.name == name);
                let job = job.ok_or_else(|| self.vanished(slots))?;
                let is_stuck = granted_at.is_some_and(|since: Instant| since.elapsed() > GRANTED_MAX);
                match job.state {
                    State::Success | State::Failed | State::Cancelled => return Ok(job),
                    State::Granted if is_stuck => return Ok(job),
                    State::Granted => drop(granted_at.get_or_insert_with(Instant::now)),
                    State::UnderWay => granted_at = None,
                }
                tell(job.progress);
            }
            if !is_cancelled && interrupt::check().is_err() {
                // Refused if it is over, or beyond the moment to stop: then the job says what became of it.
                source.ask(&["CLUSTER", "CANCELSLOTMIGRATIONS"])?;
                is_cancelled = true;
            }
            thread::sleep(POLL);
        }
    }

    fn failed(&self, job: &Job, slots: &SlotSet) -> Stop {
        let (source, target) = (&self.source.1, &self.target.1);
        let told = self.target_job(&job.name);
        let why = told.map(|told| told.why).filter(|why| !why.is_empty()).unwrap_or_else(|| job.why.clone());
        let remedy = match () {
            () if why.contains("OOM") => {
                format!("Raise maxmemory of {target}, move fewer slots, or take another target.")
            }
            () if why.contains("AUTH") => format!(
                "{source} needs the password of {target}: CONFIG SET masterauth there, and CONFIG REWRITE. Or say --classic."
            ),
            () => format!("Is {target} up and well? slotway doctor {source} tells."),
        };
        Stop::interrupted(format!(
            "Slots {slots} stay with {source}, with all their keys, and none is open. They could not be moved to {target}: {why}\n{remedy}"
        ))
    }

    fn cancelled(&self, name: &str, slots: &SlotSet) -> Stop {
        let began = Instant::now();
        // A target that does not answer has nothing that it would show.
        while self.target_job(name).is_some_and(|job| !job.state.is_over()) && began.elapsed() < CLEARED_MAX {
            thread::sleep(POLL);
        }
        let whole =
            format!("Slots {slots} stay with {}, with all their keys, and none is open.", self.source.1);
        match interrupt::check() {
            Err(stop) => stop.midway(&whole),
            Ok(()) => Stop::interrupted(format!(
                "Somebody has ended the migration by CLUSTER CANCELSLOTMIGRATIONS at {}.\n{whole}",
                self.source.1
            )),
        }
    }

    fn stuck(&self, slots: &SlotSet) -> Stop {
        let (source, target) = (&self.source.1, &self.target.1);
        Stop::interrupted(format!(
            "{target} was granted the slots {slots} and does not say whether it has taken them: requests for them wait. \
             Start {target} again, or have a replica of it take over; {source} goes on by itself once it knows. Then look: slotway doctor {source}"
        ))
    }

    fn vanished(&self, slots: &SlotSet) -> Stop {
        Stop::interrupted(format!(
            "{} knows nothing of the migration any more.\n{}",
            self.source.1,
            self.whose_now(slots)
        ))
    }

    /// What is known when the source cannot be asked.
    fn whose_now(&self, slots: &SlotSet) -> String {
        let (source, target) = (&self.source.1, &self.target.1);
        format!(
            "Slots {slots} are whole, and none is open: {source} has them, unless {target} has taken them by now. \
             Start {source} again, or have a replica of it take over, and look: slotway doctor {target}"
        )
    }

    /// What the target tells of the migration, if it answers.
    fn target_job(&self, name: &str) -> Option<Job> {
        let mut target = Client::connect(self.access, &self.target.1).ok()?;
        jobs(&mut target).ok()??.into_iter().find(|job| job.name == name)
    }
}

/// All migrations that a node tells of; `None` while it cannot say.
fn jobs(client: &mut Client) -> Result<Option<Vec<Job>>, Stop> {
    let reply = client.ask(&["CLUSTER", "GETSLOTMIGRATIONS"])?;
    // A source that has given its last slot becomes a replica of the target, and may be loading its data.
    Ok(reply.as_items().map(|entries| entries.iter().filter_map(job).collect()))
}

fn job(entry: &Value) -> Option<Job> {
    let fields = entry.to_pairs()?;
    let field =
        |name: &str| fields.iter().find(|(known, _)| known.as_str() == Some(name)).map(|(_, value)| *value);
    let text = |name: &str| field(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    // Valkey does not tell these.
    let number =
        |name: &str| field(name).and_then(Value::as_integer).and_then(|number| u64::try_from(number).ok());
    let progress = Progress {
        slots: number("slots_done").unwrap_or_default() as usize,
        keys: number("keys_done").unwrap_or_default(),
        bytes: number("bytes_done").unwrap_or_default(),
    };
    Some(Job {
        name: text("name"),
        is_export: text("operation").eq_ignore_ascii_case("export"),
        target: text("target_node"),
        state: State::parse(&text("state")),
        why: text("message"),
        progress,
    })
}

impl State {
    fn parse(word: &str) -> Self {
        match word {
            "success" => State::Success,
            "failed" => State::Failed,
            "cancelled" | "canceled" => State::Cancelled,
            "failover-granted" => State::Granted,
            // Connecting, snapshotting and so on, of this version and later ones.
            _ => State::UnderWay,
        }
    }

    fn is_over(self) -> bool {
        matches!(self, State::Success | State::Failed | State::Cancelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Bulk(text.as_bytes().to_vec())
    }

    #[test]
    fn a_migration_is_read_as_slotway_and_valkey_tell_it() {
        let told =
            [("name", "n"), ("operation", "EXPORT"), ("target_node", "t"), ("state", "failover-granted")];
        let mut fields: Vec<Value> =
            told.iter().flat_map(|(name, value)| [text(name), text(value)]).collect();
        let of_valkey = job(&Value::Array(fields.clone())).unwrap();
        assert_eq!((of_valkey.state, of_valkey.progress), (State::Granted, Progress::default()));
        fields.extend([text("keys_done"), Value::Integer(7), text("slots_done"), Value::Integer(2)]);
        let of_slotway = job(&Value::Array(fields)).unwrap();
        assert_eq!(of_slotway.progress, Progress { slots: 2, keys: 7, bytes: 0 });
        assert!(of_slotway.is_export);
    }
}
