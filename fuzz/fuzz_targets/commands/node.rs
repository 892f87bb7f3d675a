//! The node around the fuzzed engine: time that passes, numbers that look random, and nothing outside.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use slotway_core::resp::error::ErrorReply;
use slotway_core::time::UnixMs;
use slotway_core::topology::Topology;
use slotway_engine::acl::{Acl, User};
use slotway_engine::config::{Asker, Config};
use slotway_engine::keyspace::Garbage;
use slotway_engine::node::{ClientCard, Facts, Node, Shutdown};
use slotway_engine::pubsub::PubSub;
use slotway_engine::session::ClientId;
use slotway_engine::shards::WholeKeyspace;
use slotway_engine::switches::Switches;

/// When it begins.
const START_MS: u64 = 1_700_000_000_000;

pub struct FuzzNode {
    passed_ms: Cell<u64>,
    random: Cell<u64>,
    config: Arc<Config>,
    pubsub: RefCell<PubSub>,
    acl: RefCell<Acl>,
    switches: Switches,
}

impl Default for FuzzNode {
    fn default() -> Self {
        let config = Arc::<Config>::default();
        let acl = RefCell::new(Acl::new(&config));
        Self {
            passed_ms: Cell::default(),
            random: Cell::default(),
            config,
            pubsub: RefCell::default(),
            acl,
            switches: Switches::default(),
        }
    }
}

#[allow(dead_code, reason = "each fuzz target that takes this file in uses some of it")]
impl FuzzNode {
    /// Whom a connection belongs to as it begins.
    pub fn default_user(&self) -> Arc<User> {
        self.acl.borrow().default_user()
    }

    /// Lets short times to live end now and then.
    pub fn pass_time(&self) {
        self.passed_ms.set(self.passed_ms.get() + 3);
    }
}

impl Node for FuzzNode {
    fn now(&self) -> UnixMs {
        UnixMs::from_ms(START_MS + self.passed_ms.get())
    }

    fn now_us(&self) -> u64 {
        self.now().as_ms() * 1000
    }

    fn random(&self) -> u64 {
        self.random.set(self.random.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        self.random.get() ^ (self.random.get() >> 33)
    }

    fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config)
    }

    fn set_config(&self, pairs: &[(&[u8], &[u8])], asker: Asker) -> Result<(), ErrorReply> {
        // Checked, and forgotten: a limit of memory that was set would end the fuzzing.
        let _effects = Config::clone(&self.config).set(pairs, asker)?;
        Ok(())
    }

    fn rewrite_config(&self) -> Result<(), ErrorReply> {
        Err(ErrorReply::other("ERR The server is running without a config file"))
    }

    fn topology(&self) -> Option<Arc<Topology>> {
        None
    }

    fn facts(&self) -> Facts {
        Facts::default()
    }

    fn reset_stats(&self) {}

    fn clients(&self) -> Vec<ClientCard> {
        Vec::new()
    }

    fn kill_clients(&self, ids: &[ClientId]) -> usize {
        ids.len()
    }

    fn deliver(&self, _to: ClientId, _bytes: &[u8]) {}

    fn with_pubsub(&self, visit: &mut dyn FnMut(&mut PubSub)) {
        visit(&mut self.pubsub.borrow_mut());
    }

    fn with_acl(&self, visit: &mut dyn FnMut(&mut Acl)) {
        visit(&mut self.acl.borrow_mut());
    }

    fn shutdown(&self, _how: Shutdown, _: &dyn WholeKeyspace) -> Result<(), ErrorReply> {
        Err(ErrorReply::NoShutdown)
    }

    fn switches(&self) -> &Switches {
        &self.switches
    }

    fn discard(&self, garbage: Garbage) {
        drop(garbage);
    }

    fn sleep(&self, _us: u64) {}

    fn log(&self, _line: &str) {}
}
