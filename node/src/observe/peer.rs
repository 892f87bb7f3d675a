//! One node that is looked at, and what it said last.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use slotway_core::id::NodeId;
use slotway_core::resp::value::Value;
use slotway_core::slot::Slot;
use slotway_core::slot_set::SlotSet;
use slotway_core::topology::parse::{ParseOptions, any};
use slotway_core::topology::{ClusterState, Topology};

use super::access::{Access, Door};
use super::link::{Link, lost};
use super::report::Job;
use super::slots::{Counts, Reading};
use crate::shared::Shared;

/// A node that has not answered by then is told as one that does not.
const PATIENCE: Duration = Duration::from_secs(2);
/// Slots of a node that are counted in one look: about a millisecond of its time.
const SLICE_LEN: usize = 2048;

/// A node, and what it said last.
pub(super) struct Peer {
    way: Way,
    /// Its name, as it is expected there, then as it says.
    id: Option<NodeId>,
    heard: Result<Heard, String>,
    /// The slot at which the next slice begins.
    next: u16,
    /// Has CLUSTER SLOT-STATS; not known before it was asked.
    tells_stats: Option<bool>,
    counted: Option<Reading>,
}

/// How it is asked.
enum Way {
    /// It is in this process.
    Inside(Arc<Shared>),
    Outside {
        door: Door,
        link: Option<Box<Link>>,
    },
}

/// What a node says.
pub(super) struct Heard {
    pub(super) id: Option<NodeId>,
    pub(super) topology: Topology,
    pub(super) state: Option<ClusterState>,
    pub(super) epoch: u64,
    /// The fields of INFO.
    pub(super) info: BTreeMap<String, String>,
    pub(super) jobs: Vec<Job>,
}

type Request = Vec<String>;

impl Peer {
    pub(super) fn inside(shared: Arc<Shared>, id: Option<NodeId>) -> Self {
        Self::by(Way::Inside(shared), id)
    }

    pub(super) fn outside(door: Door, id: Option<NodeId>) -> Self {
        Self::by(Way::Outside { door, link: None }, id)
    }

    fn by(way: Way, id: Option<NodeId>) -> Self {
        let heard = Err("has not been asked yet".to_owned());
        Self { way, id, heard, next: 0, tells_stats: None, counted: None }
    }

    /// What it says; nothing while it does not answer.
    pub(super) fn heard(&self) -> Option<&Heard> {
        self.heard.as_ref().ok()
    }

    /// Its name, if that is known.
    pub(super) fn id(&self) -> Option<NodeId> {
        self.id
    }

    /// Why it says nothing, to go on behind its name.
    pub(super) fn complaint(&self) -> &str {
        self.heard.as_ref().err().map_or("", String::as_str)
    }

    /// What was counted in the last look.
    pub(super) fn counted(&self) -> Option<&Reading> {
        self.counted.as_ref()
    }

    /// Asks it what it knows, and what some of `slots`, which it serves, hold.
    pub(super) async fn look(&mut self, access: &Access, slots: SlotSet) {
        self.counted = None;
        let slice = self.slice(&slots);
        let outcome = tokio::time::timeout(PATIENCE, async {
            let heard = self.hear(access).await?;
            let counted = if slice.is_empty() { None } else { Some(self.count(access, &slice).await?) };
            Ok((heard, counted))
        });
        let outcome = outcome
            .await
            .unwrap_or_else(|_| Err(format!("does not answer within {} seconds", PATIENCE.as_secs())));
        match outcome {
            Ok((heard, counted)) => {
                self.id = heard.id.or(self.id);
                self.heard = Ok(heard);
                self.counted = counted;
            }
            Err(why) => {
                // What was asked may be answered late: a new connection knows what belongs to what.
                if let Way::Outside { link, .. } = &mut self.way {
                    *link = None;
                }
                self.heard = Err(why);
            }
        }
    }

    /// The next slots to count, from where the last slice ended.
    fn slice(&mut self, slots: &SlotSet) -> Vec<Slot> {
        let from = |first: u16| slots.iter().filter(move |slot| slot.get() >= first).take(SLICE_LEN);
        let mut slice: Vec<Slot> = from(self.next).collect();
        if slice.is_empty() {
            slice = from(0).collect();
        }
        self.next = slice.last().map_or(0, |last| last.get() + 1);
        slice
    }

    async fn hear(&mut self, access: &Access) -> Result<Heard, String> {
        let requests =
            [&["INFO"][..], &["CLUSTER", "NODES"], &["CLUSTER", "INFO"], &["CLUSTER", "GETSLOTMIGRATIONS"]];
        let replies = self.ask(access, &requests.map(words)).await?;
        let [info, nodes, state, jobs] = replies.as_slice() else { return Err("answers too little".into()) };
        let options = ParseOptions { queried_host: self.host(), version: 0 };
        let (topology, id) = match nodes {
            Value::Error(text) if text.contains("cluster support disabled") => {
                return Err("is a server without cluster mode".into());
            }
            Value::Error(text) if text.starts_with("NOAUTH") => {
                return Err("asks for a password".into());
            }
            // Some services keep CLUSTER NODES to themselves.
            Value::Error(text) => self.hear_otherwise(access, &options, text).await?,
            text => {
                let topology = any(text, &options).map_err(|error| format!("tells no cluster: {error}"))?;
                let id = topology.myself().map(|index| topology.node(index).id);
                (topology, id)
            }
        };
        let state = fields(state);
        Ok(Heard {
            id,
            topology,
            state: state.get("cluster_state").map(|state| match state.as_str() {
                "ok" => ClusterState::Ok,
                _ => ClusterState::Fail,
            }),
            epoch: state
                .get("cluster_current_epoch")
                .and_then(|epoch| epoch.parse().ok())
                .unwrap_or_default(),
            info: fields(info),
            jobs: jobs.as_items().unwrap_or_default().iter().filter_map(Job::read).collect(),
        })
    }

    /// By CLUSTER SHARDS, else CLUSTER SLOTS.
    async fn hear_otherwise(
        &mut self,
        access: &Access,
        options: &ParseOptions,
        refusal: &str,
    ) -> Result<(Topology, Option<NodeId>), String> {
        let requests = [&["CLUSTER", "SHARDS"][..], &["CLUSTER", "SLOTS"], &["CLUSTER", "MYID"]];
        let replies = self.ask(access, &requests.map(words)).await?;
        let [shards, slots, id] = replies.as_slice() else { return Err("answers too little".into()) };
        let topology = any(shards, options).or_else(|_| any(slots, options));
        let id = id.as_bytes().and_then(NodeId::parse);
        Ok((topology.map_err(|_| format!("does not tell its cluster: {refusal}"))?, id))
    }

    /// By CLUSTER SLOT-STATS where there is that, else slot by slot.
    async fn count(&mut self, access: &Access, slice: &[Slot]) -> Result<Reading, String> {
        if self.tells_stats != Some(false) {
            let [first, last] = [slice.first(), slice.last()]
                .map(|slot| slot.map_or(String::new(), |slot| slot.get().to_string()));
            let request = [&["CLUSTER", "SLOT-STATS", "SLOTSRANGE"][..], &[&first, &last]].concat();
            let replies = self.ask(access, &[words(&request)]).await?;
            let counts = replies.first().and_then(Counts::of_stats);
            self.tells_stats = Some(counts.is_some());
            if let Some(counts) = counts {
                return Ok(Reading { at: Instant::now(), counts });
            }
        }
        let request = |slot: &Slot| words(&["CLUSTER", "COUNTKEYSINSLOT", &slot.get().to_string()]);
        let replies = self.ask(access, &slice.iter().map(request).collect::<Vec<_>>()).await?;
        let counts = slice.iter().zip(&replies).filter_map(|(slot, reply)| {
            let keys = u64::try_from(reply.as_integer()?).ok()?;
            Some((*slot, Counts::of_keys(keys)))
        });
        Ok(Reading { at: Instant::now(), counts: counts.collect() })
    }

    async fn ask(&mut self, access: &Access, requests: &[Request]) -> Result<Vec<Value>, String> {
        match &mut self.way {
            Way::Inside(shared) => {
                let mut replies = Vec::with_capacity(requests.len());
                for request in requests {
                    let words: Vec<&str> = request.iter().map(String::as_str).collect();
                    replies.push(shared.ask(&words).await.ok_or("has ended")?);
                }
                Ok(replies)
            }
            Way::Outside { door, link } => {
                let link = match link {
                    Some(link) => link,
                    None => link.insert(Box::new(Link::open(access, door).await?)),
                };
                link.ask_all(requests).await.map_err(|error| lost(&error))
            }
        }
    }

    fn host(&self) -> Option<String> {
        match &self.way {
            Way::Inside(_) => None,
            Way::Outside { door, .. } => Some(door.host.clone()),
        }
    }
}

fn words(words: &[&str]) -> Request {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The fields of INFO and CLUSTER INFO.
fn fields(reply: &Value) -> BTreeMap<String, String> {
    let field = |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let text = reply.as_bytes().map(String::from_utf8_lossy).unwrap_or_default();
    text.lines().filter_map(|line| field(line.trim_end())).collect()
}
