//! What leaves the machine, and in which order.
//!
//! Whatever one input brings about is collected, and let go when the input has been dealt with: first nodes.conf, if it
//! changed, then the new picture of the cluster, then frames. If the change must be on disk before others hear of it (a vote,
//! an epoch), nothing leaves after the [`Action::Persist`] until the driver says that it is there. So no rule has to think of
//! the order of its own lines, and none can send a vote too early.
//!
//! One thing does not wait: a picture in which this node serves less than before. Writes that it would still take meanwhile
//! would be lost.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;

use super::action::{Action, Durability};
use super::event::Event;
use crate::topology::Topology;

/// Actions on their way out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox {
    /// Of the input that is being dealt with.
    collected: VecDeque<Action>,
    /// To be polled.
    ready: VecDeque<Action>,
    /// Pictures and notes that do not wait for the disk.
    urgent: VecDeque<Action>,
    awaits_disk: bool,
    save: Option<Durability>,
    /// Nobody waits for the disk, but the end of this process is to lose nothing.
    is_to_be_written: bool,
    /// The picture that readers have is out of date.
    pub(crate) is_stale: bool,
    /// The state of the cluster may have changed.
    pub(crate) recheck_state: bool,
}

impl Outbox {
    /// Collects an action of the input that is being dealt with.
    pub(crate) fn push(&mut self, action: Action) {
        self.collected.push_back(action);
    }

    /// A line for the log, which waits for nothing.
    pub(crate) fn note(&mut self, event: Event) {
        self.urgent.push_back(Action::Note(event));
    }

    /// nodes.conf has to be written.
    pub(crate) fn save(&mut self, durability: Durability) {
        self.save = self.save.max(Some(durability));
        self.is_stale = true;
    }

    /// nodes.conf has to be written at once, and saved like what may wait.
    pub(crate) fn write(&mut self) {
        self.save(Durability::Eventually);
        self.is_to_be_written = true;
    }

    /// What has to be saved for what has been collected, if anything. What may wait does, until it is `due`: many small changes
    /// come together when a cluster forms.
    pub(crate) fn take_save(&mut self, due: bool) -> Option<Durability> {
        let written = core::mem::take(&mut self.is_to_be_written).then_some(Durability::Written);
        self.save.take_if(|save| due || *save == Durability::BeforeTheNextAction).or(written)
    }

    /// Lets go what has been collected, behind what must be saved and shown first.
    pub(crate) fn release(
        &mut self,
        conf: Option<(String, Durability)>,
        picture: Option<Arc<Topology>>,
        serves_less: bool,
    ) {
        if let Some((conf, durability)) = conf {
            self.ready.push_back(Action::Persist { conf, durability });
        }
        match picture.map(Action::Publish) {
            Some(publish) if serves_less => {
                // Older pictures that still wait for the disk must not follow it: in them this node serves more.
                self.ready.retain(|action| !matches!(action, Action::Publish(_)));
                self.urgent.push_back(publish);
            }
            publish => self.ready.extend(publish),
        }
        self.ready.append(&mut self.collected);
    }

    /// The next thing for the driver to do; `None` if there is none, or if it must wait for the disk.
    pub(crate) fn poll(&mut self) -> Option<Action> {
        if let Some(urgent) = self.urgent.pop_front() {
            return Some(urgent);
        }
        if self.awaits_disk {
            return None;
        }
        let action = self.ready.pop_front()?;
        self.awaits_disk =
            matches!(action, Action::Persist { durability: Durability::BeforeTheNextAction, .. });
        Some(action)
    }

    /// The disk has what was waited for.
    pub(crate) fn on_persisted(&mut self) {
        self.awaits_disk = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::TopologyBuilder;

    fn picture(version: u64) -> Option<Arc<Topology>> {
        Some(Arc::new(TopologyBuilder::new(version).build().unwrap()))
    }

    #[test]
    fn a_picture_that_does_not_wait_is_not_followed_by_an_older_one_that_did() {
        let mut outbox = Outbox::default();
        outbox.release(Some((String::new(), Durability::BeforeTheNextAction)), picture(1), false);
        assert!(matches!(outbox.poll(), Some(Action::Persist { .. })));
        outbox.release(None, picture(2), true);
        assert_eq!(outbox.poll(), picture(2).map(Action::Publish));
        outbox.on_persisted();
        assert_eq!(outbox.poll(), None);
    }
}
