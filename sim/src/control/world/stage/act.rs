//! What somebody does to a world, as words: they fit into a link.
//!
//! ```text
//!   stop 0 | vanish 0 | start 0      a process, a whole host
//!   pause 0 5000                     it stands still, milliseconds
//!   cut 0 1 | split 0 3              from one to another; between these and all others, both ways
//!   slow 0 1 300 | heal              milliseconds more, both ways; no cut and no slow link is left
//!   jump 0 60000                     a wall clock
//!   failover 3 agreed                also force, takeover
//!   move 0 1 50                      so many slots, one after the other
//! ```

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use slotway_core::cluster::{Admin, FailoverMode, SetSlot};
use slotway_core::slot::Slot;

use super::Stage;
use crate::check::Violation;
use crate::control::member::Health;
use crate::network::Side;
use crate::timeline::Time;

/// Later than any run.
const FOREVER: Time = Time::from_us(u64::MAX / 4);
/// An act lasts or delays no longer than this, in milliseconds: a day.
const MS_MAX: u64 = 86_400_000;

/// Something done to a world.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// A process ends; its host says so.
    Stop(usize),
    /// A host is gone.
    Vanish(usize),
    /// What is down starts from its disk.
    Start(usize),
    /// A process stands still for so many milliseconds.
    Pause(usize, u64),
    /// Nothing passes from one to the other.
    Cut(usize, usize),
    /// Nothing passes between these and the others.
    Split(Vec<usize>),
    /// Everything between two takes so many milliseconds longer.
    Slow(usize, usize, u64),
    /// The network is whole.
    Heal,
    /// A wall clock is off by so many milliseconds.
    Jump(usize, i64),
    /// CLUSTER FAILOVER.
    Failover(usize, FailoverMode),
    /// So many slots go from one to another.
    Move(usize, usize, usize),
}

impl Act {
    /// The act that `words` say; `None` if they say none.
    pub fn parse(words: &str) -> Option<Self> {
        let words: Vec<&str> = words.split(' ').collect();
        let number = |word: &str| word.parse::<usize>().ok();
        let ms = |word: &str| word.parse::<u64>().ok().filter(|ms| *ms <= MS_MAX);
        Some(match words[..] {
            ["stop", node] => Act::Stop(number(node)?),
            ["vanish", node] => Act::Vanish(number(node)?),
            ["start", node] => Act::Start(number(node)?),
            ["pause", node, time] => Act::Pause(number(node)?, ms(time)?),
            ["cut", from, to] => Act::Cut(number(from)?, number(to)?),
            ["split", ref side @ ..] => {
                Act::Split(side.iter().map(|node| number(node)).collect::<Option<_>>()?)
            }
            ["slow", one, other, time] => Act::Slow(number(one)?, number(other)?, ms(time)?),
            ["heal"] => Act::Heal,
            ["jump", node, time] => {
                let off = time.parse::<i64>().ok().filter(|off| off.unsigned_abs() <= MS_MAX)?;
                Act::Jump(number(node)?, off)
            }
            ["failover", node, "agreed"] => Act::Failover(number(node)?, FailoverMode::Agreed),
            ["failover", node, "force"] => Act::Failover(number(node)?, FailoverMode::Force),
            ["failover", node, "takeover"] => Act::Failover(number(node)?, FailoverMode::Takeover),
            ["move", from, to, slots] => Act::Move(number(from)?, number(to)?, number(slots)?),
            _ => return None,
        })
    }

    /// The nodes that it names.
    fn nodes(&self) -> Vec<usize> {
        match self {
            Act::Stop(node) | Act::Vanish(node) | Act::Start(node) => [*node].into(),
            Act::Pause(node, _) | Act::Jump(node, _) | Act::Failover(node, _) => [*node].into(),
            Act::Cut(one, other) | Act::Slow(one, other, _) | Act::Move(one, other, _) => {
                [*one, *other].into()
            }
            Act::Split(nodes) => nodes.clone(),
            Act::Heal => Vec::new(),
        }
    }
}

impl Stage {
    /// Does it, now. False if it makes no sense: there is no such node, it is down already, or the node says no.
    pub fn act(&mut self, act: &Act) -> bool {
        let count = self.world.members.len();
        if self.clients.is_none() || self.violation.is_some() || act.nodes().iter().any(|node| *node >= count)
        {
            return false;
        }
        let done = self.carry_out_act(act);
        let seen = self.see_to_effects();
        self.judge(seen);
        match done {
            Ok(done) => done,
            Err(violation) => {
                self.judge(Err(violation));
                true
            }
        }
    }

    fn carry_out_act(&mut self, act: &Act) -> Result<bool, Violation> {
        match *act {
            Act::Stop(node) => Ok(self.stop(node, Health::Stopped)),
            Act::Vanish(node) => Ok(self.stop(node, Health::Vanished)),
            Act::Start(node) => match self.files.remove(&node) {
                Some(found) => self.world.restart(node, found).map(|()| true),
                None => Ok(false),
            },
            Act::Pause(node, ms) => {
                let until = self.now().plus_ms(ms);
                self.world.members[node].paused = until;
                self.told(format!("n{node} stands still until {until}"));
                Ok(true)
            }
            Act::Cut(from, to) => {
                self.told(format!("nothing passes from n{from} to n{to}"));
                Ok(self.cut(from, to))
            }
            Act::Split(ref side) => Ok(self.split(side)),
            Act::Slow(one, other, ms) => Ok(self.slow_down(one, other, ms)),
            Act::Heal => Ok(self.heal()),
            Act::Jump(node, ms) => {
                self.world.members[node].jump(ms);
                self.told(format!("the wall clock of n{node} is off by {ms} ms"));
                Ok(true)
            }
            Act::Failover(node, mode) => self.order(node, Admin::Failover(mode)),
            Act::Move(from, to, slots) => Ok(self.plan_moves(from, to, slots)),
        }
    }

    fn told(&mut self, words: String) {
        let now = self.now();
        self.world.trace.line(now, format_args!("{words}"));
    }

    fn stop(&mut self, node: usize, health: Health) -> bool {
        if self.world.members[node].health != Health::Up {
            return false;
        }
        let found = self.world.end(node, health);
        self.files.insert(node, found);
        true
    }

    fn cut(&mut self, from: usize, to: usize) -> bool {
        if from == to {
            return false;
        }
        self.cuts.insert((from, to), ());
        self.pass_again(from, to, FOREVER);
        true
    }

    /// Connections that either of two has opened: what goes from the first to the second waits until then.
    fn pass_again(&mut self, from: usize, to: usize, at: Time) {
        self.world.network.cut_off(from, to, Side::Node, at);
        self.world.network.cut_off(to, from, Side::Client, at);
    }

    fn split(&mut self, side: &[usize]) -> bool {
        let names: Vec<String> = side.iter().map(|node| format!("n{node}")).collect();
        self.told(format!("nothing passes between {} and the others", names.join(", ")));
        for other in (0..self.world.members.len()).filter(|node| !side.contains(node)) {
            for &node in side {
                self.cut(node, other);
                self.cut(other, node);
            }
        }
        true
    }

    fn slow_down(&mut self, one: usize, other: usize, ms: u64) -> bool {
        if one == other {
            return false;
        }
        self.told(format!("everything between n{one} and n{other} takes {ms} ms longer"));
        for (from, to) in [(one, other), (other, one)] {
            self.slow.insert((from, to), ms * 1000);
            self.world.network.slow_down(from, to, ms * 1000);
        }
        true
    }

    fn heal(&mut self) -> bool {
        self.told("everything passes again".to_owned());
        let now = self.now();
        for (from, to) in core::mem::take(&mut self.cuts).into_keys() {
            self.pass_again(from, to, now);
        }
        for (from, to) in core::mem::take(&mut self.slow).into_keys() {
            self.world.network.slow_down(from, to, 0);
        }
        true
    }

    /// True if the node does what it is told; otherwise its refusal is a line.
    pub(super) fn order(&mut self, node: usize, order: Admin) -> Result<bool, Violation> {
        if self.world.members[node].health != Health::Up {
            return Ok(false);
        }
        let words = format!("{order:?}");
        let own = self.world.members[node].now(self.now());
        let done = self.world.members[node].machine().admin(own, order);
        match &done {
            Ok(_) if words.starts_with("Failover") => self.told(format!("n{node} is told to take over")),
            Ok(_) => {}
            Err(refusal) => self.told(format!("n{node} refuses: {refusal:?}")),
        }
        self.world.is_commanded = true;
        let carried = self.world.carry_out(node);
        self.world.is_commanded = false;
        carried.map(|()| done.is_ok())
    }

    fn plan_moves(&mut self, from: usize, to: usize, slots: usize) -> bool {
        let member = &self.world.members[from];
        let Some(view) = member.view.clone() else { return false };
        let Some(owner) = view.find(&member.id).filter(|_| from != to) else { return false };
        let moved: Vec<Slot> = view.slots_of(owner).iter().take(slots).collect();
        self.told(format!("{} slots are to go from n{from} to n{to}", moved.len()));
        self.moves.extend(moved.into_iter().map(|slot| (slot, from, to)));
        true
    }

    /// The steps of `redis-cli --cluster reshard` for one slot. A refusal ends the moving.
    pub(super) fn move_slot(&mut self, slot: Slot, from: usize, to: usize) -> Result<(), Violation> {
        let [giver, taker] = [from, to].map(|node| self.world.members[node].id);
        let steps = [
            (to, SetSlot::Importing(giver)),
            (from, SetSlot::Migrating(taker)),
            (to, SetSlot::Node(taker)),
            (from, SetSlot::Node(taker)),
        ];
        for (step, (node, what)) in steps.into_iter().enumerate() {
            let is_done = self.order(node, Admin::SetSlot { slot, to: what, has_keys: false })?;
            if !is_done {
                self.told(format!("moving slots ends at slot {slot}"));
                self.moves.clear();
                return Ok(());
            }
            if let (1, Some(clients)) = (step, &mut self.clients) {
                clients.carry(slot, from, to);
            }
        }
        Ok(())
    }
}
