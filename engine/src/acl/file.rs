//! Users as text: the lines of `aclfile`, and those of redis.conf.
//!
//! A line is `user NAME RULE...`. A file of users has no comments, since ACL SAVE would lose them, and is taken as a whole or not at all:
//! what is wrong with it is told for each of its lines.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use slotway_core::resp::error::RuleError;

use super::pattern::has_blanks;
use super::user::{Rules, merge_selectors};
use crate::config::{AclPubsubDefault, Config, Declaration, Subject};

/// Users by name.
pub(super) type Users = BTreeMap<Box<[u8]>, Rules>;

/// Reads the text of a file of users.
///
/// # Errors
/// What is wrong with its lines, in Redis' words, the file being called `name`.
pub(super) fn parse(name: &str, text: &[u8], channels: AclPubsubDefault) -> Result<Users, Vec<u8>> {
    let mut reader = Reader { name, channels, users: Users::new(), errors: Vec::new() };
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        let line = trimmed(line, b" \t\r\n");
        if !line.is_empty() {
            reader.line(index + 1, line);
        }
    }
    if reader.errors.is_empty() {
        return Ok(reader.users);
    }
    reader
        .say(&[b"WARNING: ACL errors detected, no change to the previously active ACL rules was performed"]);
    Err(reader.errors)
}

struct Reader<'a> {
    name: &'a str,
    channels: AclPubsubDefault,
    users: Users,
    errors: Vec<u8>,
}

impl Reader<'_> {
    fn line(&mut self, number: usize, line: &[u8]) {
        let place = alloc::format!("{}:{number}", self.name);
        let place = place.as_bytes();
        let words: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
        match &*words {
            [b"user", name, rules @ ..] if !has_blanks(name) => match self.users.contains_key(*name) {
                true => {
                    let number = alloc::format!("{number}");
                    self.say(&[
                        b"WARNING: Duplicate user '",
                        name,
                        b"' found on line ",
                        number.as_bytes(),
                        b". ",
                    ]);
                }
                false => self.user(place, name, rules),
            },
            [b"user", name, ..] => {
                self.say(&[b"'", place, b": username '", name, b"' contains invalid characters. "]);
            }
            _ => self.say(&[place, b" should start with user keyword followed by the username. "]),
        }
    }

    fn user(&mut self, place: &[u8], name: &[u8], words: &[&[u8]]) {
        let mut user = Rules::new(self.channels);
        let mut has_syntax_error = false;
        let Ok(rules) = merge_selectors(words) else {
            return self.say(&[place, b": Unmatched parenthesis in selector definition."]);
        };
        for rule in &rules {
            let rule = trimmed(rule, b"\t\r\n");
            match user.change(rule, self.channels) {
                Ok(()) => {}
                // What is not known is no secret; other rules might be.
                Err(why @ RuleError::Unknown) => {
                    let why = why.text().as_bytes();
                    self.say(&[place, b": Error in applying operation '", rule, b"': ", why, b". "]);
                }
                Err(why) if !has_syntax_error => {
                    has_syntax_error = true;
                    self.say(&[place, b": ", why.text().as_bytes(), b". "]);
                }
                Err(_) => {}
            }
        }
        self.users.insert(name.into(), user);
    }

    fn say(&mut self, words: &[&[u8]]) {
        words.iter().for_each(|word| self.errors.extend_from_slice(word));
    }
}

fn trimmed<'t>(text: &'t [u8], blanks: &[u8]) -> &'t [u8] {
    let is_ink = |byte: &u8| !blanks.contains(byte);
    let start = text.iter().position(is_ink).unwrap_or(text.len());
    let end = text.iter().rposition(is_ink).map_or(start, |last| last + 1);
    &text[start..end]
}

/// The users that redis.conf declares, and what is to be told of them.
pub(super) struct Declared {
    pub(super) users: Users,
    pub(super) notices: Vec<String>,
}

/// Reads the `user` lines of redis.conf.
///
/// # Errors
/// The first that is wrong; or there is a file of users besides.
pub(super) fn declared(config: &Config) -> Result<Declared, String> {
    let mut declared = Declared { users: Users::new(), notices: Vec::new() };
    for line in config.declarations(Subject::User) {
        if !config.aclfile().is_empty() {
            return Err(String::from(BOTH));
        }
        declared.add(line, config.acl_pubsub_default())?;
    }
    Ok(declared)
}

impl Declared {
    fn add(&mut self, line: &Declaration, channels: AclPubsubDefault) -> Result<(), String> {
        let Some((name, words)) = line.args.split_first() else { return Ok(()) };
        let shown = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
        let wrong = |word: &[u8], why: RuleError| {
            let reason = alloc::format!("Error in user declaration '{}': {}", shown(word), why.text());
            alloc::format!("{}", line.error(reason))
        };
        if has_blanks(name) {
            return Err(alloc::format!("{}", line.error("Spaces not allowed in ACL usernames")));
        }
        if self.users.contains_key(&**name) {
            return Err(wrong(name, RuleError::Duplicate));
        }
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        let rules = merge_selectors(&words).map_err(|at| wrong(words[at], RuleError::Unclosed))?;
        let mut user = Rules::new(channels);
        for rule in &rules {
            // Redis counts wrong here, and names another word than the one that is at fault.
            user.change(rule, channels).map_err(|why| wrong(rule, why))?;
        }
        if !user.is_enabled() {
            let name = shown(name);
            self.notices.push(alloc::format!("The user '{name}' is disabled (there is no 'on' modifier in the user description). Make sure this is not a configuration error."));
        }
        self.users.insert(name.as_slice().into(), user);
        Ok(())
    }
}

const BOTH: &str = "Configuring Slotway with users defined in redis.conf and at the same setting an ACL file path is invalid. This setup is very likely to lead to configuration errors and security holes, please define either an ACL file or declare users directly in your redis.conf, but not both.";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Users, String> {
        let users = parse("/etc/users.acl", text.as_bytes(), AclPubsubDefault::ResetChannels);
        users.map_err(|errors| String::from_utf8(errors).expect("text"))
    }

    const NO_CHANGE: &str =
        "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";

    #[test]
    fn blank_lines_and_blanks_mean_nothing() {
        let users = read("\n  user a  on   nopass \r\n\n\tuser b (+get ~x) off\n").expect("users");
        assert_eq!(users.len(), 2);
        assert!(users[&b"a"[..]].let_anyone_in());
    }

    #[test]
    fn all_lines_that_are_wrong_are_told() {
        let said = read("# a comment\nuser a +nosuch foo +x|y bar\nuser b on\nuser b off\nuser\n")
            .expect_err("wrong lines");
        let expected = [
            "/etc/users.acl:1 should start with user keyword followed by the username. ",
            "/etc/users.acl:2: Error in applying operation '+nosuch': Unknown command or category name in ACL. ",
            "/etc/users.acl:2: Syntax error. ",
            "/etc/users.acl:2: Error in applying operation '+x|y': Unknown command or category name in ACL. ",
            "WARNING: Duplicate user 'b' found on line 4. ",
            "/etc/users.acl:5 should start with user keyword followed by the username. ",
            NO_CHANGE,
        ];
        assert_eq!(said, expected.concat());
    }

    fn declared_by(text: &str) -> Result<Declared, String> {
        let mut config = Config::default();
        config.load("redis.conf", text, &mut |_| Ok(Vec::new())).expect("lines");
        declared(&config)
    }

    #[test]
    fn redis_conf_declares_users() {
        let found = declared_by("user a on nopass\nuser b +get").expect("users");
        assert_eq!(found.users.len(), 2);
        assert_eq!(found.notices.len(), 1);
    }

    #[test]
    fn what_is_wrong_with_redis_conf_is_told_with_its_line() {
        for (text, reason) in [
            (
                "port 1\nuser a foo",
                "at line 2\n>>> 'user a foo'\nError in user declaration 'foo': Syntax error",
            ),
            (
                "user a on\nuser a off",
                "at line 2\n>>> 'user a off'\nError in user declaration 'a': Duplicate user",
            ),
            ("user a +nosuch", "declaration '+nosuch': Unknown command or category name in ACL"),
            ("user a (+get", "declaration '(+get': Wrong format"),
        ] {
            let said = declared_by(text).err().expect(text);
            assert!(said.contains(reason), "{said}");
        }
        let both = declared_by("aclfile users.acl\nuser a on").err().expect("both");
        assert!(both.contains("not both"));
    }
}
