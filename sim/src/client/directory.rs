//! What a client knows of where slots are.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use slotway_core::resp::value::Value;
use slotway_core::slot::Slot;
use slotway_core::topology::Topology;
use slotway_core::topology::parse::{self, ParseOptions};

use crate::chance::Chance;

/// A map of slots, right or wrong.
pub(super) struct Directory {
    /// Addresses known from the start.
    seeds: Vec<String>,
    /// The last map that a node gave.
    map: Option<Topology>,
    /// What MOVED has told since.
    moved: BTreeMap<Slot, String>,
}

impl Directory {
    pub(super) fn new(seeds: Vec<String>) -> Self {
        Self { seeds, map: None, moved: BTreeMap::new() }
    }

    /// The address to try for `slot`: the one known, or any.
    pub(super) fn find(&self, slot: Slot, chance: &mut Chance) -> String {
        let mapped = || {
            let map = self.map.as_ref()?;
            let node = map.node(map.owner(slot)?);
            Some(format!("{}:{}", node.host(), node.port))
        };
        self.moved.get(&slot).cloned().or_else(mapped).unwrap_or_else(|| chance.pick(&self.seeds).clone())
    }

    /// Remembers a MOVED.
    pub(super) fn moved(&mut self, slot: Slot, address: &str) {
        self.moved.insert(slot, address.into());
    }

    /// Takes over the map that the node at `address` gave.
    ///
    /// # Errors
    /// It is no map, and why.
    pub(super) fn learn(&mut self, reply: &Value, address: &str) -> Result<(), String> {
        let queried_host = address.rsplit_once(':').map(|(host, _)| host.into());
        let map = parse::any(reply, &ParseOptions { queried_host, version: 1 });
        self.map = Some(map.map_err(|error| error.to_string())?);
        self.moved.clear();
        Ok(())
    }

    /// Goes back to knowing nothing but the addresses of the start.
    pub(super) fn forget(&mut self) {
        self.map = None;
        self.moved.clear();
    }
}
