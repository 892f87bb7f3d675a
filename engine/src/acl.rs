//! Who may do what: users, their rules, and what they were refused.
//!
//! ```text
//!   redis.conf, aclfile --file--> Rules --+--> User <---- Session     dispatch/permission asks: User::may_do_everything, Rules::check
//!   ACL SETUSER --------user::change------+      |
//!                                                +-- root selector, selectors in parentheses
//!                                                      commands   a bit for each, and the rules that say so
//!                                                      keys       patterns, for reading or writing
//!                                                      channels   patterns
//! ```
//!
//! A node has one [`Acl`], behind [`Node::with_acl`]. Connections are given their [`User`] when they begin or authenticate, and need the
//! rest no more. Categories are those of the command table.
//!
//! Source of the rules: `acl.c` of Redis 7.2, its redis.conf and the chapter on ACL of its documentation.

mod commands;
mod file;
mod log;
mod password;
mod pattern;
mod selector;
mod user;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use slotway_core::command::Command;
use slotway_core::resp::error::{AclError, Lack};

pub use log::{Context, Entry, Event, Log, Reason};
pub use user::{Permissions, Rules, User};

use crate::config::{AclPubsubDefault, Config};
use crate::node::Node;

/// The user that connections begin with.
pub const DEFAULT_USER: &[u8] = b"default";

/// What a request lacks permission for. The greater one came closer to being allowed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Denied {
    /// Its command.
    Command,
    /// One of its keys.
    Key,
    /// One of its channels.
    Channel,
}

/// Why a request is not allowed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Denial {
    /// What it lacks permission for.
    pub what: Denied,
    /// Which argument that is.
    pub at: usize,
}

impl Denial {
    /// To be put into words.
    pub fn lack(self, user: &User, command: &Command) -> Lack {
        match self.what {
            Denied::Command => Lack::Command { user: user.name().to_vec(), command: command.name },
            Denied::Key => Lack::Key,
            Denied::Channel => Lack::Channel,
        }
    }
}

/// The users of a node.
#[derive(Debug)]
pub struct Acl {
    users: BTreeMap<Box<[u8]>, Arc<User>>,
    default: Arc<User>,
    /// What they were refused.
    pub log: Log,
}

/// Users who are no more; their connections are to be closed.
#[must_use = "their connections are to be closed"]
pub struct Gone(pub Vec<Arc<User>>);

/// A user whose rules have changed.
pub struct Change {
    /// Who.
    pub user: Arc<User>,
    /// What they were, unless the user is new.
    pub before: Option<Arc<Rules>>,
}

impl Acl {
    /// The default user alone, with the password that is configured.
    pub fn new(config: &Config) -> Self {
        let mut rules = Rules::of_default_user();
        rules.set_password(config.requirepass());
        let default = Arc::new(User::new(DEFAULT_USER, rules));
        let users = BTreeMap::from([(DEFAULT_USER.into(), Arc::clone(&default))]);
        Self { users, default, log: Log::default() }
    }

    /// Adds the users that redis.conf declares. Returns what is to be logged of them.
    ///
    /// # Errors
    /// One is declared wrongly, or a file of users is configured besides.
    pub fn declare(&mut self, config: &Config) -> Result<Vec<String>, String> {
        let declared = file::declared(config)?;
        for (name, rules) in declared.users {
            self.put(&name, rules);
        }
        Ok(declared.notices)
    }

    /// `requirepass` is set anew.
    pub fn set_default_password(&mut self, password: &[u8]) {
        let mut rules = Rules::clone(&self.default.rules());
        rules.set_password(password);
        self.default.replace(rules);
    }

    /// The user that connections begin with.
    pub fn default_user(&self) -> Arc<User> {
        Arc::clone(&self.default)
    }

    /// The user of this name.
    pub fn user(&self, name: &[u8]) -> Option<&Arc<User>> {
        self.users.get(name)
    }

    /// All users, in the order of their names.
    pub fn users(&self) -> impl ExactSizeIterator<Item = &Arc<User>> {
        self.users.values()
    }

    /// The user, if it is enabled and that is its password.
    pub fn authenticate(&self, name: &[u8], password: &[u8]) -> Option<Arc<User>> {
        self.users.get(name).filter(|user| user.rules().let_in(password)).cloned()
    }

    /// ACL SETUSER: changes a user, or makes it.
    ///
    /// # Errors
    /// A rule is wrong. Nothing has changed then.
    pub fn set_user(
        &mut self,
        name: &[u8],
        words: &[&[u8]],
        channels: AclPubsubDefault,
    ) -> Result<Change, AclError> {
        if pattern::has_blanks(name) {
            return Err(AclError::UserName);
        }
        let known = self.users.get(name).map(|user| Rules::clone(&user.rules()));
        let mut rules = known.unwrap_or_else(|| Rules::new(channels));
        rules.change_all(words, channels)?;
        Ok(self.put(name, rules))
    }

    fn put(&mut self, name: &[u8], rules: Rules) -> Change {
        if let Some(user) = self.users.get(name) {
            return Change { user: Arc::clone(user), before: Some(user.replace(rules)) };
        }
        let user = Arc::new(User::new(name, rules));
        self.users.insert(name.into(), Arc::clone(&user));
        Change { user, before: None }
    }

    /// ACL DELUSER: removes those of these users that there are.
    ///
    /// # Errors
    /// The default user is among them. Nothing has changed then.
    pub fn remove<'n>(&mut self, names: impl Iterator<Item = &'n [u8]> + Clone) -> Result<Gone, AclError> {
        if names.clone().any(|name| name == DEFAULT_USER) {
            return Err(AclError::DefaultUser);
        }
        let removed: Vec<_> = names.filter_map(|name| self.users.remove(name)).collect();
        Ok(Gone::of(removed))
    }

    /// ACL LOAD: puts the users of a file, called `name`, in the place of all that there are.
    ///
    /// # Errors
    /// What is wrong with its lines. Nothing has changed then.
    pub fn load(&mut self, name: &str, text: &[u8], channels: AclPubsubDefault) -> Result<Gone, Vec<u8>> {
        let mut users = file::parse(name, text, channels)?;
        let default = users.remove(DEFAULT_USER).unwrap_or_else(Rules::of_default_user);
        self.default.replace(default);
        let mut before = core::mem::take(&mut self.users);
        before.remove(DEFAULT_USER);
        self.users.insert(DEFAULT_USER.into(), Arc::clone(&self.default));
        for (name, rules) in users {
            self.put(&name, rules);
        }
        Ok(Gone::of(before.into_values().collect()))
    }

    /// Each user as ACL LIST shows it, but for the word `user` in front, in the order of their names.
    pub fn lines(&self) -> impl ExactSizeIterator<Item = Vec<u8>> {
        self.users.values().map(|user| [user.name(), b" ", &*user.rules().describe()].concat())
    }

    /// ACL SAVE: the text of a file of users.
    pub fn text(&self) -> Vec<u8> {
        self.lines().flat_map(|line| [b"user ", &*line, b"\n"].concat()).collect()
    }
}

impl Gone {
    /// Whoever still has one of them may do nothing any more, until the connection is closed.
    fn of(users: Vec<Arc<User>>) -> Self {
        for user in &users {
            user.replace(Rules::new(AclPubsubDefault::ResetChannels));
        }
        Self(users)
    }
}

/// What `question` makes of the users of `node`.
pub fn ask<R>(node: &dyn Node, question: impl FnOnce(&mut Acl) -> R) -> R {
    let (mut question, mut answer) = (Some(question), None);
    node.with_acl(&mut |acl| answer = question.take().map(|question| question(acl)));
    answer.expect("a node lets its users be visited, once")
}
