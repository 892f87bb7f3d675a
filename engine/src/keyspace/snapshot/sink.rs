//! Where the keys of a snapshot are written, in its form.

use alloc::vec::Vec;

use super::Form;
use crate::keyspace::DbIndex;
use crate::propagation::rebuild;
use crate::rdb::{KeyRecord, Writer};

/// What has been written and not been fetched.
pub(super) enum Sink {
    Rdb(Writer),
    Commands(Vec<u8>),
}

impl Sink {
    /// Nothing yet.
    pub(super) fn new(form: Form) -> Self {
        match form {
            Form::Rdb(options) => Sink::Rdb(Writer::new(options)),
            Form::Commands => Sink::Commands(Vec::new()),
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Sink::Rdb(writer) => writer.as_bytes(),
            Sink::Commands(bytes) => bytes,
        }
    }

    /// Forgets what has been written and keeps the memory.
    pub(super) fn clear(&mut self) {
        match self {
            Sink::Rdb(writer) => writer.clear(),
            Sink::Commands(bytes) => bytes.clear(),
        }
    }

    /// The keys that follow belong to this database.
    pub(super) fn select_db(&mut self, db: DbIndex) {
        match self {
            Sink::Rdb(writer) => writer.select_db(db.0.into()),
            Sink::Commands(bytes) => rebuild::write_select(bytes, db),
        }
    }

    /// A key with its value.
    pub(super) fn key(&mut self, record: &KeyRecord<'_>) {
        match self {
            Sink::Rdb(writer) => writer.key(record),
            Sink::Commands(bytes) => rebuild::write_key(bytes, record),
        }
    }
}
