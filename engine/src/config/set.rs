//! CONFIG SET.

use alloc::string::String;
use alloc::vec::Vec;

use super::directives::{self, Found, Id};
use super::error::SetError;
use super::value::Value;
use super::{Config, ProtectedAction};

/// On whose behalf, and when, CONFIG SET is executed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Asker {
    /// The connection comes from this machine.
    pub is_local: bool,
    /// The node is loading its data.
    pub loading: bool,
}

/// What a CONFIG SET changed. If an effect fails, give it to [`Config::undo`].
#[derive(Clone, Debug, Default)]
#[must_use = "the effects of what changed are the node's to apply"]
pub struct Changes {
    changed: Vec<(Id, &'static str)>,
    before: Vec<(Id, Value)>,
}

impl Changes {
    /// The names of the directives with another value than before, or with the name of a file that may have changed, aliases resolved, in the order in which they were set.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.changed.iter().map(|(_, name)| *name)
    }

    /// Whether the directive called `name` (not by its alias) has another value than before.
    pub fn contains(&self, name: &str) -> bool {
        self.names().any(|changed| changed == name)
    }

    /// Whether every value is the one it was.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }
}

impl Config {
    /// Sets directives to values, all or none. A list is one value with single blanks in it.
    ///
    /// # Errors
    /// The first directive that does not exist, is named twice, may not be set, or not to that value.
    pub fn set(&mut self, pairs: &[(&[u8], &[u8])], asker: Asker) -> Result<Changes, SetError> {
        let found = self.admissible(pairs, asker)?;
        let mut changes = Changes::default();
        for (found, (_, value)) in found.into_iter().zip(pairs) {
            if let Err(error) = self.set_one(found, value, &mut changes) {
                self.undo(changes);
                return Err(error);
            }
        }
        Ok(changes)
    }

    /// Takes a CONFIG SET back.
    pub fn undo(&mut self, changes: Changes) {
        for (id, value) in changes.before.into_iter().rev() {
            self.put(id, value);
        }
    }

    /// The directives named, if all of them may be set.
    fn admissible(&self, pairs: &[(&[u8], &[u8])], asker: Asker) -> Result<Vec<Found>, SetError> {
        let mut admitted: Vec<Found> = Vec::new();
        for (name, _) in pairs {
            let written = || String::from_utf8_lossy(name).into_owned();
            let found = directives::find(name).ok_or_else(|| SetError::Unknown(written()))?;
            // Redis takes an alias and its directive for two, and the later one wins.
            let is_duplicate = admitted.iter().any(|other| other.name == found.name);
            if let Some(reason) = self.obstacle(found, is_duplicate, asker)? {
                return Err(SetError::Refused { argument: written(), reason: reason.into() });
            }
            admitted.push(found);
        }
        Ok(admitted)
    }

    fn obstacle(
        &self,
        found: Found,
        is_duplicate: bool,
        asker: Asker,
    ) -> Result<Option<&'static str>, SetError> {
        let directive = found.directive;
        if asker.loading && directive.deny_loading {
            return Err(SetError::Loading);
        }
        Ok(match directive {
            _ if is_duplicate => Some("duplicate parameter"),
            _ if directive.immutable => Some("can't set immutable config"),
            _ if directive.protected && !self.may_set_protected(asker) => Some("can't set protected config"),
            _ => None,
        })
    }

    fn may_set_protected(&self, asker: Asker) -> bool {
        match self.enable_protected_configs() {
            ProtectedAction::Yes => true,
            ProtectedAction::Local => asker.is_local,
            ProtectedAction::No => false,
        }
    }

    fn set_one(&mut self, found: Found, value: &[u8], changes: &mut Changes) -> Result<(), SetError> {
        let args: Vec<&[u8]> = match found.directive.is_list() {
            true if value.is_empty() => Vec::new(),
            true => value.split(|byte| *byte == b' ').collect(),
            false => alloc::vec![value],
        };
        let old = &mut self.values[found.id.index()];
        let new =
            old.changed(found.directive, &args).map_err(|reason| SetError::refused(found.name, reason))?;
        if new != *old || found.directive.names_file {
            changes.changed.push((found.id, found.directive.name));
            changes.before.push((found.id, core::mem::replace(old, new)));
        }
        Ok(())
    }
}
