//! Encrypted connections.

use crate::config::directive::{Directive, INT_MAX, int, port, unset, word, yes_no};
use crate::config::words::TlsAuthClients;

pub(super) const DIRECTIVES: &[Directive] = &[
    port("tls-port", 0),
    yes_no("tls-cluster", false),
    yes_no("tls-replication", false),
    word("tls-auth-clients", TlsAuthClients::WORDS, TlsAuthClients::Yes as u32),
    unset("tls-cert-file").names_file(),
    unset("tls-key-file").names_file(),
    unset("tls-key-file-pass").sensitive(),
    unset("tls-client-cert-file").names_file(),
    unset("tls-client-key-file").names_file(),
    unset("tls-client-key-file-pass").sensitive(),
    unset("tls-dh-params-file").names_file(),
    unset("tls-ca-cert-file").names_file(),
    unset("tls-ca-cert-dir").names_file(),
    unset("tls-protocols"),
    unset("tls-ciphers"),
    unset("tls-ciphersuites"),
    yes_no("tls-prefer-server-ciphers", false),
    yes_no("tls-session-caching", true),
    int("tls-session-cache-size", 0, INT_MAX, 20 * 1024),
    int("tls-session-cache-timeout", 0, INT_MAX, 300),
];
