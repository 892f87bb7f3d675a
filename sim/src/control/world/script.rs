//! A world that somebody directs, a line of text at a time: what happens, and what nodes note of it.
//!
//! ```text
//!   cluster primaries=3 replicas=1 timeout=1000     also foreigners=1, names, n1=redis-7.0 for how a node behaves
//!   lie n2 fresh-pongs         in every heartbeat
//!   run 5s | wait 5s           with, or without, the notes of the nodes
//!   stop n0 | vanish n0        the process ends; the whole host does
//!   start n0 [at n6]           from its file, at its address or at another's
//!   tear n0 60 | mislabel n3   what is down has only so much of its file, in percent; its file has another shard for it
//!   cut n0 n1 10s              nothing passes on connections that n0 opened to n1
//!   forget n0 n5 | failover n3 force     what operators say
//!   views                      who thinks what: one line per different view
//!   links n0 | extensions n0 n1          connections opened so far; how many extensions n0 last told n1
//! ```
//!
//! Nothing else goes wrong, and the invariants are checked as in every world.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use slotway_core::cluster::{Admin, FailoverMode, Profile};
use slotway_core::topology::{ClusterState, Node, NodeFlags, Topology};

use super::{Plot, World};
use crate::chance::{Chance, Permille};
use crate::check::Violation;
use crate::control::disk::Found;
use crate::control::lie::{Liar, Lie};
use crate::control::member::Health;
use crate::control::swarm::Swarm;
use crate::network::Side;
use crate::trace::Trace;

/// What happens too often to be told.
const UNTOLD: [&str; 3] = [" hears ", " lies: ", " reports that node "];

/// A world, and what its director has in hand.
pub struct Script {
    world: World,
    /// Files of what is down.
    files: BTreeMap<usize, Found>,
    /// How much of the trace has been told.
    told: usize,
}

/// A command that makes no sense, or a world that broke its promise: in words.
pub type Refused = String;

impl Script {
    /// The world of a first line, `cluster ...`.
    ///
    /// # Errors
    /// It is none.
    pub fn new(line: &str) -> Result<Self, Refused> {
        let Some(options) = line.strip_prefix("cluster ") else {
            return Err(format!("expected `cluster ...`, found `{line}`"));
        };
        let mut swarm = Swarm { storm_s: u64::MAX / 2_000_000, ..Swarm::calm() };
        let mut profiles = Vec::new();
        for option in options.split(' ') {
            match option.split_once('=') {
                Some(("primaries", count)) => swarm.primaries = number(count)?,
                Some(("replicas", count)) => swarm.replicas = number(count)?,
                Some(("foreigners", count)) => swarm.foreigners = number(count)?,
                Some(("timeout", ms)) => swarm.node_timeout_ms = number(ms)? as u64,
                Some((node, profile)) if node.starts_with('n') => profiles.push((node, profile_of(profile)?)),
                None if option == "names" => swarm.has_names = true,
                _ => return Err(format!("`{option}` is no option of a cluster")),
            }
        }
        let mut world = World::with(swarm, 1, Trace::kept(), Plot::None);
        world.witness.extensions = Some(BTreeMap::new());
        let mut script = Self { world, files: BTreeMap::new(), told: 0 };
        for (node, profile) in profiles {
            let node = script.member(node)?;
            script.world.members[node].play(profile);
        }
        script.world.begin().map_err(said)?;
        Ok(script)
    }

    /// Does what a line says, and tells what came of it.
    ///
    /// # Errors
    /// The line makes no sense, or an invariant does not hold.
    pub fn command(&mut self, line: &str) -> Result<String, Refused> {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["run", time] => {
                self.run(time)?;
                return Ok(self.notes());
            }
            ["wait", time] => self.run(time)?,
            ["stop", node] => self.stop(node, Health::Stopped)?,
            ["vanish", node] => self.stop(node, Health::Vanished)?,
            ["start", node] => self.start(node, None)?,
            ["start", node, "at", other] => self.start(node, Some(other))?,
            ["tear", node, percent] => self.tear(node, number(percent)?)?,
            ["mislabel", node] => self.mislabel(node)?,
            ["lie", node, lie] => self.lie(node, lie)?,
            ["cut", from, to, time] => self.cut(from, to, time)?,
            ["forget", node, other] => {
                let id = self.world.members[self.member(other)?].id;
                return self.order(node, Admin::Forget(id));
            }
            ["failover", node, mode] => return self.order(node, Admin::Failover(mode_of(mode)?)),
            ["views"] => return Ok(self.views()),
            ["links", node] => {
                let opened = self.world.members[self.member(node)?].opened();
                return Ok(format!("{opened} connections opened\n"));
            }
            ["extensions", node, other] => return self.extensions(node, other),
            _ => return Err(format!("`{line}` is no command")),
        }
        self.skip_notes();
        Ok(String::from("ok\n"))
    }

    fn member(&self, name: &str) -> Result<usize, Refused> {
        let number = name.strip_prefix('n').and_then(|number| number.parse().ok());
        let known = number.filter(|number| *number < self.world.members.len());
        known.ok_or_else(|| format!("`{name}` is no node"))
    }

    fn run(&mut self, time: &str) -> Result<(), Refused> {
        let end = self.world.timeline.now().plus_ms(milliseconds(time)?);
        self.world.play_until(end).map_err(said)
    }

    fn stop(&mut self, node: &str, health: Health) -> Result<(), Refused> {
        let node = self.member(node)?;
        if self.world.members[node].health != Health::Up {
            return Err(format!("n{node} is down"));
        }
        let found = self.world.end(node, health);
        self.files.insert(node, found);
        Ok(())
    }

    fn start(&mut self, node: &str, at: Option<&str>) -> Result<(), Refused> {
        let node = self.member(node)?;
        let Some(found) = self.files.remove(&node) else { return Err(format!("n{node} is up")) };
        if let Some(other) = at {
            let ip = self.world.members[self.member(other)?].ip().to_owned();
            self.world.members[node].move_to(ip);
        }
        self.world.restart(node, found).map_err(said)
    }

    fn file_of(&mut self, node: &str) -> Result<&mut Found, Refused> {
        let number = self.member(node)?;
        self.files.get_mut(&number).ok_or_else(|| format!("{node} is up"))
    }

    fn tear(&mut self, node: &str, percent: usize) -> Result<(), Refused> {
        let text = &mut self.file_of(node)?.text;
        text.truncate(text.len() * percent / 100);
        Ok(())
    }

    /// Another shard than its primary's, as servers are known to write; without a checksum, as they write it.
    fn mislabel(&mut self, node: &str) -> Result<(), Refused> {
        const SHARD: &str = "shard-id=";
        let file = self.file_of(node)?;
        let line = file.text.lines().find(|line| line.contains("myself")).unwrap_or_default();
        let Some((_, shard)) = line.split_once(SHARD) else { return Err(format!("{node} has no shard")) };
        let shard = &shard[..shard.find([' ', ',']).unwrap_or(shard.len())];
        let wrong = format!("{SHARD}{}", "0123456789".repeat(4));
        let edited = file.text.replacen(line, &line.replace(&format!("{SHARD}{shard}"), &wrong), 1);
        file.text = edited.split_once(" checksum").map_or(edited.clone(), |(text, _)| format!("{text}\n"));
        Ok(())
    }

    fn lie(&mut self, node: &str, lie: &str) -> Result<(), Refused> {
        let (node, lie) = (self.member(node)?, lie_of(lie)?);
        self.world.swarm.lie = Permille(1000);
        self.world.members[node].liar = Some(Liar::new(Chance::stream(1, "script"), vec![lie]));
        Ok(())
    }

    fn cut(&mut self, from: &str, to: &str, time: &str) -> Result<(), Refused> {
        let until = self.world.timeline.now().plus_ms(milliseconds(time)?);
        let (from, to) = (self.member(from)?, self.member(to)?);
        self.world.network.cut_off(from, to, Side::Node, until);
        Ok(())
    }

    fn order(&mut self, node: &str, order: Admin) -> Result<String, Refused> {
        let number = self.member(node)?;
        let own = self.world.members[number].now(self.world.timeline.now());
        let done = self.world.members[number].machine().admin(own, order);
        self.world.carry_out(number).map_err(said)?;
        self.skip_notes();
        Ok(match done {
            Ok(_) => String::from("ok\n"),
            Err(refusal) => format!("refused: {refusal:?}\n"),
        })
    }

    fn extensions(&self, node: &str, other: &str) -> Result<String, Refused> {
        let from = self.world.members[self.member(node)?].id;
        let told = self.world.witness.extensions.as_ref().and_then(|told| told.get(&(from, other.into())));
        Ok(format!("{} extensions\n", told.copied().unwrap_or_default()))
    }

    /// What nodes noted since the last time, names of nodes by their numbers.
    fn notes(&mut self) -> String {
        let lines = self.world.trace.text()[self.told..].lines();
        let is_of_note = |line: &&str| !UNTOLD.iter().any(|words| line.contains(words));
        let noted: String = lines.filter(is_of_note).map(|line| format!("{line}\n")).collect();
        self.skip_notes();
        if noted.is_empty() { String::from("nothing happens\n") } else { self.named(noted) }
    }

    fn skip_notes(&mut self) {
        self.told = self.world.trace.text().len();
    }

    fn named(&self, mut text: String) -> String {
        for (number, member) in self.world.members.iter().enumerate() {
            text = text.replace(&member.id.to_string(), &format!("n{number}"));
        }
        text
    }

    /// Who thinks what; those who think the same in one line.
    fn views(&self) -> String {
        let mut by_view: Vec<(String, Vec<String>)> = Vec::new();
        for (number, member) in self.world.members.iter().enumerate() {
            let view = member.view.as_ref().map_or_else(|| String::from("down"), |view| self.summary(view));
            match by_view.iter_mut().find(|(known, _)| *known == view) {
                Some((_, who)) => who.push(format!("n{number}")),
                None => by_view.push((view, vec![format!("n{number}")])),
            }
        }
        by_view.iter().map(|(view, who)| format!("{}: {view}\n", who.join(" "))).collect()
    }

    fn summary(&self, view: &Topology) -> String {
        let (state, lines) = summary(view);
        let mut lines: Vec<String> = lines.into_iter().map(|line| self.named(line)).collect();
        lines.sort();
        format!("{state}{}", lines.concat())
    }
}

/// All nodes of a view, each with its role, its slots and its flags.
fn summary(view: &Topology) -> (&'static str, Vec<String>) {
    let state = match view.state() {
        ClusterState::Ok => "ok",
        ClusterState::Fail => "fail",
    };
    let shown = |node: &Node| {
        let index = view.find(&node.id).expect("it is one of its own nodes");
        let role = node.primary.map(|primary| format!(" copies {}", view.node(primary).id));
        let slots: String = view.slots_of(index).ranges().map(|range| format!(" {range}")).collect();
        let marks =
            [(NodeFlags::PFAIL, " fail?"), (NodeFlags::FAIL, " fail"), (NodeFlags::NOADDR, " noaddr")];
        let flags: String =
            marks.into_iter().filter(|(flag, _)| node.flags.contains(*flag)).map(|(_, mark)| mark).collect();
        format!("\n  {}{}{slots}{flags}", node.id, role.unwrap_or_default())
    };
    (state, view.nodes().map(|(_, node)| shown(node)).collect())
}

fn said(violation: Violation) -> Refused {
    format!("VIOLATION {violation}")
}

fn number(text: &str) -> Result<usize, Refused> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}

/// `5s` or `300ms`.
fn milliseconds(text: &str) -> Result<u64, Refused> {
    let (digits, factor) = match text.strip_suffix("ms") {
        Some(digits) => (digits, 1),
        None => (text.strip_suffix('s').unwrap_or_default(), 1000),
    };
    digits.parse::<u64>().map(|time| time * factor).map_err(|_| format!("`{text}` is no time"))
}

fn profile_of(name: &str) -> Result<Profile, Refused> {
    match name {
        "slotway" => Ok(Profile::Slotway),
        "redis-7.0" => Ok(Profile::Redis70),
        "redis-7.2" => Ok(Profile::Redis72),
        "valkey-8" => Ok(Profile::Valkey8),
        _ => Err(format!("`{name}` is no server")),
    }
}

fn lie_of(name: &str) -> Result<Lie, Refused> {
    match name {
        "fresh-pongs" => Ok(Lie::FreshPongs),
        "huge-epoch" => Ok(Lie::HugeEpoch),
        "wrong-name" => Ok(Lie::WrongName),
        "strangers" => Ok(Lie::Strangers),
        "wrong-addresses" => Ok(Lie::WrongAddresses),
        _ => Err(format!("`{name}` is no lie")),
    }
}

fn mode_of(name: &str) -> Result<FailoverMode, Refused> {
    match name {
        "agreed" => Ok(FailoverMode::Agreed),
        "force" => Ok(FailoverMode::Force),
        "takeover" => Ok(FailoverMode::Takeover),
        _ => Err(format!("`{name}` is no way to fail over")),
    }
}
