//! What the keyspace promises, against a model that is a `BTreeMap`.
