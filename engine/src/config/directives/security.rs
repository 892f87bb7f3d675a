//! Who may do what.

use crate::config::directive::{Directive, LONG_MAX, int, secret, text, word};
use crate::config::words::{AclPubsubDefault, ProtectedAction};

pub(super) const DIRECTIVES: &[Directive] = &[
    secret("requirepass"),
    text("aclfile", "").immutable(),
    int("acllog-max-len", 0, LONG_MAX, 128),
    word("acl-pubsub-default", AclPubsubDefault::WORDS, AclPubsubDefault::ResetChannels as u32),
    word("enable-debug-command", ProtectedAction::WORDS, ProtectedAction::No as u32).immutable(),
    word("enable-module-command", ProtectedAction::WORDS, ProtectedAction::No as u32).immutable(),
    word("enable-protected-configs", ProtectedAction::WORDS, ProtectedAction::No as u32).immutable(),
];
