//! A user: who may authenticate as it, and what it may do then.
//!
//! Connections hold a [`User`], so that a change of its [`Rules`] reaches them at once, on whatever thread they are served. Who may do
//! everything is told by one flag, which is all that a request of such a user costs.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

use slotway_core::command::Command;
use slotway_core::resp::args::Args;
use slotway_core::resp::error::{AclError, RuleError};
use spin::RwLock;

use super::Denial;
use super::Denied;
use super::password::PasswordHash;
use super::pattern::Channels;
use super::selector::Selector;
use crate::config::AclPubsubDefault;
use crate::pubsub::Space;

/// A user as connections have it.
#[derive(Debug)]
pub struct User {
    name: Box<[u8]>,
    may_do_everything: AtomicBool,
    // Held only to take or to swap the pointer.
    rules: RwLock<Arc<Rules>>,
}

impl User {
    pub(super) fn new(name: &[u8], rules: Rules) -> Self {
        let may_do_everything = AtomicBool::new(rules.allow_everything());
        Self { name: name.into(), may_do_everything, rules: RwLock::new(Arc::new(rules)) }
    }

    /// What it is called.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    /// Whether no request of it is ever refused.
    pub fn may_do_everything(&self) -> bool {
        self.may_do_everything.load(Ordering::Acquire)
    }

    /// What it may do at present.
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.read())
    }

    /// Gives it other rules. Returns those that it had.
    pub(super) fn replace(&self, rules: Rules) -> Arc<Rules> {
        let everything = rules.allow_everything();
        let mut present = self.rules.write();
        // Whoever finds it set while the rules change was asked before.
        self.may_do_everything.store(false, Ordering::Release);
        let before = core::mem::replace(&mut *present, Arc::new(rules));
        self.may_do_everything.store(everything, Ordering::Release);
        before
    }
}

/// What a user is, but for its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rules {
    is_enabled: bool,
    needs_no_password: bool,
    /// RESTORE looks closely at what it is given. Slotway always does.
    sanitizes: bool,
    passwords: Vec<PasswordHash>,
    root: Selector,
    selectors: Vec<Selector>,
}

impl Rules {
    /// Of a user that has just been made: nobody can be it, and it may do nothing.
    pub(super) fn new(channels: AclPubsubDefault) -> Self {
        Self {
            is_enabled: false,
            needs_no_password: false,
            sanitizes: true,
            passwords: Vec::new(),
            root: Selector::new(channels),
            selectors: Vec::new(),
        }
    }

    /// Of the user that connections begin with, unless it is configured: everybody is it, and it may do everything.
    pub(super) fn of_default_user() -> Self {
        let mut rules = Rules::new(AclPubsubDefault::AllChannels);
        (rules.is_enabled, rules.needs_no_password) = (true, true);
        rules.root.commands = super::commands::Commands::ALL;
        rules.root.keys = super::pattern::Keys::All;
        rules
    }

    /// Obeys the rules of ACL SETUSER, all or none.
    pub(super) fn change_all(&mut self, words: &[&[u8]], channels: AclPubsubDefault) -> Result<(), AclError> {
        let rules = merge_selectors(words).map_err(|at| AclError::Unclosed(words[at].to_vec()))?;
        let mut changed = self.clone();
        for rule in rules {
            changed.change(&rule, channels).map_err(|why| AclError::Rule { rule, why })?;
        }
        *self = changed;
        Ok(())
    }

    /// Obeys one rule, a selector in parentheses being one.
    pub(super) fn change(&mut self, rule: &[u8], channels: AclPubsubDefault) -> Result<(), RuleError> {
        let is = |word: &str| rule.eq_ignore_ascii_case(word.as_bytes());
        match rule {
            [] => {}
            _ if is("on") => self.is_enabled = true,
            _ if is("off") => self.is_enabled = false,
            _ if is("sanitize-payload") => self.sanitizes = true,
            _ if is("skip-sanitize-payload") => self.sanitizes = false,
            _ if is("nopass") => self.forget_passwords(true),
            _ if is("resetpass") => self.forget_passwords(false),
            _ if is("clearselectors") => self.selectors.clear(),
            _ if is("reset") => *self = Rules::new(channels),
            [b'>', password @ ..] => self.add_password(PasswordHash::of(password)),
            [b'#', hash @ ..] => self.add_password(PasswordHash::parse(hash)?),
            [b'<', password @ ..] => self.take_password(&PasswordHash::of(password))?,
            [b'!', hash @ ..] => self.take_password(&PasswordHash::parse(hash)?)?,
            [b'(', rules @ .., b')'] => self.selectors.push(Selector::parse(rules, channels)?),
            rule => self.root.change(rule)?,
        }
        Ok(())
    }

    fn forget_passwords(&mut self, needs_none: bool) {
        self.passwords.clear();
        self.needs_no_password = needs_none;
    }

    fn add_password(&mut self, hash: PasswordHash) {
        if !self.passwords.contains(&hash) {
            self.passwords.push(hash);
        }
        self.needs_no_password = false;
    }

    fn take_password(&mut self, hash: &PasswordHash) -> Result<(), RuleError> {
        let at = self.passwords.iter().position(|known| known == hash).ok_or(RuleError::NoSuchPassword)?;
        self.passwords.remove(at);
        Ok(())
    }

    /// `requirepass`: that is the password from now on, or none is needed.
    pub(super) fn set_password(&mut self, password: &[u8]) {
        self.forget_passwords(password.is_empty());
        if !password.is_empty() {
            self.add_password(PasswordHash::of(password));
        }
    }

    /// Whether one may be it at all.
    pub fn is_enabled(&self) -> bool {
        self.is_enabled
    }

    /// Whether any password will do.
    pub fn needs_no_password(&self) -> bool {
        self.needs_no_password
    }

    /// Whether one is it without having said so, if it is the default user.
    pub fn let_anyone_in(&self) -> bool {
        self.is_enabled && self.needs_no_password
    }

    /// Whether who knows this password may be it.
    pub(super) fn let_in(&self, password: &[u8]) -> bool {
        let given = PasswordHash::of(password);
        // All of them are compared, whichever it is.
        let known = self.passwords.iter().fold(false, |known, hash| known | hash.matches(&given));
        self.is_enabled && (self.needs_no_password || known)
    }

    fn all_selectors(&self) -> impl Iterator<Item = &Selector> {
        core::iter::once(&self.root).chain(&self.selectors)
    }

    fn allow_everything(&self) -> bool {
        self.all_selectors().any(Selector::allows_everything)
    }

    /// Whether one of the selectors allows a request. If none does, what was missing in the one that came closest: keys and channels are
    /// named rather than the command, and the last of them.
    ///
    /// # Errors
    /// None does.
    pub fn check(&self, command: &Command, args: Args<'_>) -> Result<(), Denial> {
        let mut closest = Denial { what: Denied::Command, at: 0 };
        for selector in self.all_selectors() {
            match selector.check(command, args) {
                Ok(()) => return Ok(()),
                Err(denial) => closest = closest.max(denial),
            }
        }
        Err(closest)
    }

    /// Whether a selector that allows a request allows all keys to be read besides: SORT finds keys by patterns.
    pub fn read_all_keys(&self, command: &Command, args: Args<'_>) -> bool {
        self.all_selectors()
            .any(|selector| selector.keys.all_readable() && selector.check(command, args).is_ok())
    }

    /// Whether every channel that `before` allowed is still allowed, by the same rule or by one for all.
    pub(crate) fn keep_channels_of(&self, before: &Rules) -> bool {
        let kept = |channels: &Channels| match channels {
            Channels::All => false,
            Channels::Matching(patterns) => {
                patterns.iter().all(|pattern| self.hear(Space::Patterns, pattern))
            }
        };
        let all = self.all_selectors().any(|selector| selector.channels == Channels::All);
        all || before.all_selectors().all(|selector| kept(&selector.channels))
    }

    /// Whether one may listen to `name`.
    pub(crate) fn hear(&self, space: Space, name: &[u8]) -> bool {
        self.all_selectors().any(|selector| match space {
            Space::Patterns => selector.channels.allow_pattern(name),
            Space::Channels | Space::ShardChannels => selector.channels.allow(name),
        })
    }

    /// The flags, in the order in which they are shown.
    pub fn flags(&self) -> Vec<&'static str> {
        let mut flags = alloc::vec![if self.is_enabled { "on" } else { "off" }];
        flags.extend(self.needs_no_password.then_some("nopass"));
        flags.push(if self.sanitizes { "sanitize-payload" } else { "skip-sanitize-payload" });
        flags
    }

    /// The digests of the passwords.
    pub fn passwords(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.passwords.iter().map(PasswordHash::as_bytes)
    }

    /// The permissions in the parts of ACL GETUSER: those of the user itself first, then each selector in parentheses.
    pub fn permissions(&self) -> impl Iterator<Item = Permissions> {
        self.all_selectors().map(|selector| Permissions {
            commands: selector.commands.describe(),
            keys: selector.keys.describe(),
            channels: selector.channels.describe(),
        })
    }

    /// The rules that make a new user like this one.
    pub fn describe(&self) -> Vec<u8> {
        let mut words: Vec<Vec<u8>> = self.flags().into_iter().map(|flag| flag.as_bytes().to_vec()).collect();
        words.extend(self.passwords().map(|hash| [b"#", hash].concat()));
        words.push(self.root.describe());
        words.extend(self.selectors.iter().map(|selector| [b"(", &*selector.describe(), b")"].concat()));
        words.join(&b' ')
    }
}

/// What a selector allows, each as rules with blanks in between.
pub struct Permissions {
    /// Commands.
    pub commands: Vec<u8>,
    /// Keys.
    pub keys: Vec<u8>,
    /// Channels.
    pub channels: Vec<u8>,
}

/// Joins the words of each selector in parentheses to one rule.
///
/// # Errors
/// A parenthesis is not closed: the place of the word that opens it.
pub(super) fn merge_selectors(words: &[&[u8]]) -> Result<Vec<Vec<u8>>, usize> {
    let (mut rules, mut open): (Vec<Vec<u8>>, Option<usize>) = (Vec::new(), None);
    for (at, word) in words.iter().enumerate() {
        match (open, rules.last_mut()) {
            (Some(_), Some(selector)) => {
                selector.push(b' ');
                selector.extend_from_slice(word);
            }
            _ => {
                rules.push(word.to_vec());
                open = word.starts_with(b"(").then_some(at);
            }
        }
        if word.ends_with(b")") {
            open = None;
        }
    }
    open.map_or(Ok(rules), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use slotway_core::command;
    use slotway_core::resp::args::ArgsBuf;

    const DEFAULT: AclPubsubDefault = AclPubsubDefault::ResetChannels;

    fn rules(words: &str) -> Rules {
        let mut rules = Rules::new(DEFAULT);
        change(&mut rules, words).expect("rules");
        rules
    }

    fn change(rules: &mut Rules, words: &str) -> Result<(), AclError> {
        rules.change_all(&words.split(' ').map(str::as_bytes).collect::<Vec<_>>(), DEFAULT)
    }

    fn described(words: &str) -> String {
        String::from_utf8(rules(words).describe()).expect("text")
    }

    fn check(words: &str, request: &str) -> Result<(), Denial> {
        let args: ArgsBuf = request.split(' ').collect();
        rules(words).check(command::resolve(args.as_args()).expect("a command"), args.as_args())
    }

    #[test]
    fn a_new_user_can_do_nothing() {
        assert_eq!(described("reset"), "off sanitize-payload resetchannels -@all");
        assert!(!rules("reset").let_in(b"") && !rules("nopass").let_in(b""));
    }

    #[test]
    fn a_description_makes_the_same_user() {
        for words in [
            "on nopass ~* &* +@all",
            "on >secret >other %R~a &b +@read -get",
            "skip-sanitize-payload allkeys +get (%W~x +set) (allchannels -@all +publish)",
        ] {
            assert_eq!(rules(&described(words)), rules(words));
        }
    }

    #[test]
    fn passwords_come_and_go() {
        let mut user = rules("on >a >b >a");
        assert_eq!(user.passwords().len(), 2);
        assert!(user.let_in(b"a") && user.let_in(b"b") && !user.let_in(b"c"));
        change(&mut user, "<a").expect("a password that is there");
        assert!(!user.let_in(b"a") && user.let_in(b"b"));
        let why = RuleError::NoSuchPassword;
        assert_eq!(change(&mut user, "<a"), Err(AclError::Rule { rule: b"<a".to_vec(), why }));
        change(&mut user, "nopass").expect("a flag");
        assert!(user.let_in(b"anything") && user.let_anyone_in());
        change(&mut user, "resetpass").expect("a flag");
        assert!(!user.let_in(b"anything"));
    }

    #[test]
    fn a_wrong_rule_changes_nothing() {
        let mut user = rules("on +get");
        let before = user.clone();
        assert!(change(&mut user, "off +set +nosuch").is_err());
        assert_eq!(user, before);
    }

    #[test]
    fn selectors_may_be_spread_over_words() {
        let one = "off sanitize-payload resetchannels -@all (~a %R~b resetchannels -@all +get)";
        assert_eq!(described("( ~x ) clearselectors (~a %R~b +get )"), one);
    }

    #[test]
    fn a_parenthesis_must_be_closed() {
        let mut user = rules("on");
        assert_eq!(change(&mut user, "+get (~a +set"), Err(AclError::Unclosed(b"(~a".to_vec())));
    }

    #[test]
    fn one_selector_must_allow_all_of_a_request() {
        let words = "~a +get (~b +set)";
        assert_eq!(check(words, "GET a"), Ok(()));
        assert_eq!(check(words, "SET b v"), Ok(()));
        assert_eq!(check(words, "SET a v"), Err(Denial { what: Denied::Key, at: 1 }));
        assert_eq!(check(words, "DEL a"), Err(Denial { what: Denied::Command, at: 0 }));
        assert_eq!(
            check("+mset ~a (+mset ~a ~b)", "MSET a 1 b 2 c 3"),
            Err(Denial { what: Denied::Key, at: 5 })
        );
    }

    #[test]
    fn channels_are_kept_by_the_same_rules_or_by_all() {
        let before = rules("&a &b");
        assert!(rules("&a &b &c").keep_channels_of(&before) && rules("(&* )").keep_channels_of(&before));
        assert!(!rules("&a").keep_channels_of(&before) && !rules("&?").keep_channels_of(&before));
        assert!(!before.keep_channels_of(&rules("allchannels")));
    }
}
