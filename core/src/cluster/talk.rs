//! What Slotway nodes say to each other besides the protocol of Redis: MODULE frames, which other servers ignore.

use super::Cluster;
use super::input::Now;
use super::nodes::PeerIndex;
use crate::bus::{Body, ModuleMessage, Payload};

/// The module that this is, to others.
pub(crate) const MODULE_ID: [u8; 8] = *b"slotway\0";

impl Cluster {
    /// A module's message came from another node: whose it is, it knows by its type.
    pub(crate) fn on_module(&mut self, now: Now, sender: PeerIndex, module: ModuleMessage<'_>) {
        if module.module_id() == MODULE_ID {
            self.on_formation_message(now, sender, module);
            self.on_copy_message(now, sender, module);
        }
    }

    /// Sends a message of that type, over the link that this node opened.
    pub(crate) fn send_module(&mut self, to: PeerIndex, kind: u8, data: &[u8]) {
        if let Some(module) = ModuleMessage::new(MODULE_ID, kind, data) {
            self.send(to, &Body::Payload(Payload::Module(module)));
        }
    }
}
