//! What users are refused, and what is wrong with the rules about them, in Redis' words.

use alloc::vec::Vec;

use super::{CommandName, Sent, Text};

/// What a user may not do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lack {
    /// Run this command.
    Command {
        /// The user's name.
        user: Sent,
        /// The command.
        command: CommandName,
    },
    /// Use one of the request's keys.
    Key,
    /// Use one of the request's channels.
    Channel,
}

/// Why a rule about a user is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RuleError {
    /// No such command or category.
    Unknown,
    /// It is no rule.
    Syntax,
    /// A pattern of keys after the one that stands for all of them.
    KeysAfterAll,
    /// A pattern of channels after the one that stands for all of them.
    ChannelsAfterAll,
    /// A password is taken back that the user does not have.
    NoSuchPassword,
    /// It is no digest of a password.
    PasswordHash,
    /// The first argument of a subcommand.
    ArgumentOfSubcommand,
    /// A second definition of one user.
    Duplicate,
    /// A parenthesis that is not closed.
    Unclosed,
}

impl RuleError {
    /// In Redis' words, without a code.
    pub const fn text(self) -> &'static str {
        match self {
            RuleError::Unknown => "Unknown command or category name in ACL",
            RuleError::Syntax => "Syntax error",
            RuleError::KeysAfterAll => {
                "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any effect. Try 'resetkeys' to start with an empty list of patterns"
            }
            RuleError::ChannelsAfterAll => {
                "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any effect. Try 'resetchannels' to start with an empty list of channels"
            }
            RuleError::NoSuchPassword => "The password you are trying to remove from the user does not exist",
            RuleError::PasswordHash => {
                "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
            }
            RuleError::ArgumentOfSubcommand => "Allowing first-arg of a subcommand is not supported",
            RuleError::Duplicate => "Duplicate user found. A user can only be defined once in config files",
            RuleError::Unclosed => "Wrong format",
        }
    }
}

/// Why a request is refused that has to do with users.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AclError {
    /// The user may not do that.
    Lacks(Lack),
    /// The user may not do what a script does.
    LacksInScript(Lack),
    /// The user may not do any more what was queued.
    LacksAtExec(Lack),
    /// SORT with BY, of a user who may not read all keys.
    SortBy,
    /// SORT with GET, of a user who may not read all keys.
    SortGet,
    /// ACL SETUSER with a rule that is none.
    Rule {
        /// The rule.
        rule: Sent,
        /// What is wrong with it.
        why: RuleError,
    },
    /// ACL SETUSER with a parenthesis that is not closed, from this word on.
    Unclosed(Sent),
    /// A name with blanks.
    UserName,
    /// ACL DELUSER of the default user.
    DefaultUser,
    /// ACL LOAD or SAVE without `aclfile`.
    NoFile,
    /// ACL LOAD of a file that cannot be read, or with lines that are wrong: what is.
    NotLoaded(Sent),
    /// ACL SAVE failed: the log tells why.
    NotSaved,
    /// ACL CAT of a category that is none.
    UnknownCategory(Sent),
    /// ACL GENPASS of too many or too few bits.
    PasswordBits,
    /// ACL DRYRUN of a user who does not exist.
    NoSuchUser(Sent),
    /// ACL DRYRUN of a command that does not exist.
    NoSuchCommand(Sent),
}

/// Bytes of a category that the text repeats.
const CATEGORY_SHOWN_MAX: usize = 128;

impl Lack {
    /// With the key or channel in question: what ACL DRYRUN answers.
    pub fn in_detail(&self, user: &[u8], object: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut text = Text(&mut bytes);
        match self {
            Lack::Command { .. } => self.write_text(&mut text),
            Lack::Key | Lack::Channel => {
                text.around("User ", user, " has no permissions to access the '");
                text.0.extend_from_slice(object);
                text.0.extend_from_slice(if *self == Lack::Key { b"' key" } else { b"' channel" });
            }
        }
        bytes
    }

    fn write_text(&self, text: &mut Text<'_>) {
        match self {
            Lack::Command { user, command } => {
                text.around("User ", user, " has no permissions to run the '");
                text.put(format_args!("{command}' command"));
            }
            Lack::Key => text.put(format_args!("No permissions to access a key")),
            Lack::Channel => text.put(format_args!("No permissions to access a channel")),
        }
    }

    fn at_exec(&self) -> &'static str {
        match self {
            Lack::Command { .. } => "no permission to execute the command or subcommand",
            Lack::Key => "no permission to touch the specified keys",
            Lack::Channel => "no permission to access one of the channels used as argument to the command",
        }
    }
}

impl AclError {
    pub(super) fn write_text(&self, text: &mut Text<'_>) {
        match self {
            AclError::Lacks(lack) => {
                text.put(format_args!("NOPERM "));
                lack.write_text(text);
            }
            AclError::LacksInScript(lack) => {
                text.put(format_args!("ERR ACL failure in script: "));
                lack.write_text(text);
            }
            AclError::LacksAtExec(lack) => text.put(format_args!(
                "NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: {}",
                lack.at_exec()
            )),
            AclError::SortBy => {
                text.put(format_args!("ERR BY option of SORT denied due to insufficient ACL permissions."));
            }
            AclError::SortGet => {
                text.put(format_args!("ERR GET option of SORT denied due to insufficient ACL permissions."));
            }
            AclError::Rule { rule, why } => {
                text.around("ERR Error in ACL SETUSER modifier '", rule, "': ");
                text.put(format_args!("{}", why.text()));
            }
            AclError::Unclosed(word) => {
                text.around("ERR Unmatched parenthesis in acl selector starting at '", word, "'.");
            }
            AclError::UserName => {
                text.put(format_args!("ERR Usernames can't contain spaces or null characters"));
            }
            AclError::DefaultUser => text.put(format_args!("ERR The 'default' user cannot be removed")),
            AclError::NoFile => text.put(format_args!(
                "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users in the Redis configuration."
            )),
            AclError::NotLoaded(what) => text.around("ERR ", what, ""),
            AclError::NotSaved => text.put(format_args!(
                "ERR There was an error trying to save the ACLs. Please check the server logs for more information"
            )),
            AclError::UnknownCategory(word) => {
                text.around("ERR Unknown category '", &word[..word.len().min(CATEGORY_SHOWN_MAX)], "'");
            }
            AclError::PasswordBits => text.put(format_args!(
                "ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to 4096"
            )),
            AclError::NoSuchUser(name) => text.around("ERR User '", name, "' not found"),
            AclError::NoSuchCommand(name) => text.around("ERR Command '", name, "' not found"),
        }
    }
}
