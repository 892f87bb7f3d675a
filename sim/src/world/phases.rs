//! From the storm to the calm, from the calm to the audit, and the end.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::{Event, Phase, SUPERVISE_MS, World};
use crate::check::Violation;
use crate::client::Client;
use crate::history::Call;
use crate::network::Side;
use crate::node::SimNode;
use crate::timeline::Time;
use crate::workload;

/// From how many nodes each key is looked for in the audit.
const AUDIT_STARTS: usize = 2;
/// The audit takes no longer, in milliseconds.
const AUDIT_MS_MAX: u64 = 20_000;

impl World {
    /// Goes on to the next phase when this one is over. False when the last one is.
    pub(super) fn supervise(&mut self) -> Result<bool, Violation> {
        let now = self.now();
        self.timeline.plan(now.plus_ms(SUPERVISE_MS), Event::Supervise);
        match self.phase {
            Phase::Storm if now >= Time::from_us(self.swarm.cluster.storm_s * 1_000_000) => self.calm(),
            Phase::Storm => {}
            Phase::CalmSince(then) => match self.is_settled() {
                Ok(()) => self.audit(),
                // What the protocol has time for: views agree within 20 node timeouts; then replicas follow, and keys move.
                Err(violation) if now >= then.plus_ms(self.calm_ms_max()) => return Err(violation),
                Err(_) => {}
            },
            Phase::Audit(_) if self.clients.iter().all(Client::is_idle) => return Ok(false),
            // What has not ended by now shows in the checks.
            Phase::Audit(then) if now >= then.plus_ms(AUDIT_MS_MAX) => return Ok(false),
            Phase::Audit(_) => {}
        }
        Ok(true)
    }

    fn calm_ms_max(&self) -> u64 {
        20 * self.swarm.cluster.node_timeout_ms + 15_000
    }

    fn calm(&mut self) {
        self.bus.end_storm();
        self.network.calm();
        self.operator.stop();
        self.clients.iter_mut().for_each(Client::stop);
        self.phase = Phase::CalmSince(self.now());
    }

    /// Nothing is left to happen but what clients ask for.
    fn is_settled(&self) -> Result<(), Violation> {
        self.bus.is_well()?;
        self.replicas_are_in_sync()?;
        let now = self.now();
        let stands_still =
            (0..self.nodes.len()).find(|node| self.bus.members()[*node].paused.max(self.asleep[*node]) > now);
        let busy = self.clients.iter().position(|client| !client.is_idle());
        let finding = match busy {
            _ if !self.operator.is_idle() => format!("{} does not end", self.operator.doing()),
            Some(client) => format!("client {client} is not done"),
            None if self.job_under_way().is_some() => {
                format!("migration {} does not end", self.job_under_way().unwrap_or_default())
            }
            None if stands_still.is_some() => format!("n{} stands still", stands_still.unwrap_or_default()),
            None => return Ok(()),
        };
        Err(Violation { invariant: "L4 everything ends", finding, at: now })
    }

    /// An atomic migration that is not over, on either side.
    fn job_under_way(&self) -> Option<String> {
        self.bus.members().iter().find_map(|member| {
            let machine = member.machine();
            let job = machine.jobs().iter().find(|job| !job.state.is_over())?;
            Some(format!("{} ({} of {}: {})", job.id, job.side, member.id, job.state.name()))
        })
    }

    /// L3: every replica has all that its primary has.
    fn replicas_are_in_sync(&self) -> Result<(), Violation> {
        let node = |address: &str| self.nodes.iter().flatten().find(|node| node.address == address);
        for replica in self.nodes.iter().flatten() {
            let Some(primary) = replica.followed() else { continue };
            let Some(primary) = node(&primary) else {
                return Err(self.out_of_sync(replica, "follows nobody"));
            };
            let ((own, is_whole), (theirs, _)) = (replica.history(), primary.history());
            if !is_whole || own.id != theirs.id || own.offset != theirs.offset {
                let state = format!("has {own:?} (whole: {is_whole}), its primary {theirs:?}");
                return Err(self.out_of_sync(replica, &state));
            }
        }
        Ok(())
    }

    fn out_of_sync(&self, replica: &SimNode, how: &str) -> Violation {
        let finding = format!("n{} {how}", replica.number);
        Violation { invariant: "L3 replicas are in sync", finding, at: self.now() }
    }

    /// Has every key read again, from several nodes each.
    fn audit(&mut self) {
        let now = self.now();
        self.bus.trace().line(now, format_args!("audit"));
        self.phase = Phase::Audit(now);
        self.history.at_rest = true;
        for link in self.clients.iter_mut().flat_map(Client::hang_up).collect::<Vec<_>>() {
            let arrivals = self.network.close(now, link, Side::Client);
            self.plan(arrivals);
        }
        let addresses: Vec<String> =
            self.nodes.iter().flatten().map(|node| node.address.to_string()).collect();
        for (number, key) in workload::keys(self.seed, self.swarm.tags).concat().iter().enumerate() {
            let starts = (0..AUDIT_STARTS).map(|start| &addresses[(number + start) % addresses.len()]);
            let calls = starts.map(|address| (Call::Get(key.clone()), address.clone()));
            let client = number % self.clients.len();
            self.clients[client].assign(calls);
        }
        self.wake_clients();
    }
}
