//! What somebody types at a node.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use slotway_core::topology::{View as Endpoints, text};

use super::Stage;
use crate::control::member::Health;

impl Stage {
    /// The reply of a node to a command that changes nothing, as `redis-cli` shows it; why there is none, if there is none.
    pub fn ask(&self, node: usize, command: &str) -> String {
        let Some(member) = self.world.members.get(node) else { return format!("there is no n{node}") };
        if member.health != Health::Up {
            return format!("Could not connect to Redis at {}: Connection refused", member.address());
        }
        if member.paused > self.now() {
            return String::from("no answer: the process stands still");
        }
        let topology = member.machine().topology(member.now(self.now()));
        let words: Vec<String> = command.split_whitespace().map(str::to_ascii_uppercase).collect();
        match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["CLUSTER", "NODES"] => text::nodes(&topology, Endpoints::default()),
            ["CLUSTER", "INFO"] => text::info(&topology).replace('\r', ""),
            ["CLUSTER", "MYID"] => member.id.to_string(),
            ["PING"] => String::from("PONG"),
            ["ROLE"] => String::from(if member.machine().is_replica() { "slave" } else { "master" }),
            _ => format!(
                "({command}) here are CLUSTER NODES, CLUSTER INFO, CLUSTER MYID, CLUSTER FAILOVER [FORCE|TAKEOVER], ROLE and PING"
            ),
        }
    }
}
