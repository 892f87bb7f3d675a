//! What a connection says about itself.

#[rustfmt::skip]
pub(super) const FORMS: &[(usize, &[&str])] = &[
    (6, &[
        "CLIENT GETNAME", "CLIENT SETNAME name", "CONFIG GET setting+", "ECHO value",
        "HELLO", "HELLO (2|3)", "HELLO integer", "HELLO 3 SETNAME name",
        "PING", "PING value", "SELECT database",
    ]),
    (1, &[
        "ASKING", "CLIENT GETREDIR", "CLIENT ID", "CLIENT INFO", "CLIENT LIST",
        "CLIENT NO-EVICT (ON|OFF|value)", "COMMAND COUNT", "QUIT", "READONLY", "READWRITE", "RESET", "TIME",
        "CLUSTER INFO", "CLUSTER KEYSLOT key", "PUBSUB HELP",
    ]),
];
