//! Keyspace events on their way to those who listen: `__keyspace@<db>__:<key>` and `__keyevent@<db>__:<event>`.

use alloc::format;

use super::run::Run;
use crate::node::Node;
use crate::shards::ShardAccess;

impl<A: ShardAccess, N: Node> Run<'_, '_, A, N> {
    /// Publishes what the command has reported, in order.
    pub(super) fn publish_events(&mut self) {
        let kinds = self.config.notify_keyspace_events();
        for event in self.effects.take_events() {
            let db = event.db.0;
            if kinds.contains("K") {
                let channel = [format!("__keyspace@{db}__:").as_bytes(), &*event.key].concat();
                self.publish(&channel, event.name.as_bytes());
            }
            if kinds.contains("E") {
                let channel = format!("__keyevent@{db}__:{}", event.name);
                self.publish(channel.as_bytes(), &event.key);
            }
        }
    }

    /// Sends a message to all who listen to the channel. What this connection gets itself follows the reply.
    fn publish(&mut self, channel: &[u8], message: &[u8]) {
        let Self { node, session, .. } = self;
        node.with_pubsub(&mut |pubsub| {
            pubsub.publish(channel, message, &mut |id, bytes| match id == session.id {
                true => session.pushed.extend_from_slice(bytes),
                false => node.deliver(id, bytes),
            });
        });
    }
}
