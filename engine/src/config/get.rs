//! CONFIG GET.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::directives::{self, Id};
use super::{Config, Directive};
use crate::glob::{Case, glob_match};

impl Config {
    /// The directives whose name or alias matches one of `patterns`, each once, and their values. A pattern without `*`,
    /// `?` and `[` is a name: it also finds hidden directives, and names the result as it is written. The order means
    /// nothing.
    pub fn get(&self, patterns: &[&[u8]]) -> Vec<(String, Vec<u8>)> {
        let mut found: Vec<(String, Vec<u8>)> = Vec::new();
        for pattern in patterns {
            for (name, id, directive) in matching(pattern) {
                if !found.iter().any(|(seen, _)| seen.eq_ignore_ascii_case(&name)) {
                    found.push((name, self.value(id).format(directive)));
                }
            }
        }
        found
    }

    /// The value of the directive called `name`, as CONFIG GET shows it.
    pub fn get_one(&self, name: &str) -> Option<Vec<u8>> {
        directives::find(name.as_bytes()).map(|found| self.value(found.id).format(found.directive))
    }
}

fn matching(pattern: &[u8]) -> Vec<(String, Id, &'static Directive)> {
    if !pattern.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[')) {
        // A name that was found is ASCII, so nothing is lost.
        let name = String::from_utf8_lossy(pattern).into_owned();
        return directives::find(pattern)
            .map(|found| (name, found.id, found.directive))
            .into_iter()
            .collect();
    }
    let shown = directives::all().filter(|(_, directive)| !directive.hidden);
    let names = shown.flat_map(|(id, directive)| {
        let names = [Some(directive.name), directive.alias];
        names.into_iter().flatten().map(move |name| (name, id, directive))
    });
    names
        .filter(|(name, _, _)| glob_match(pattern, name.as_bytes(), Case::Ignored))
        .map(|(name, id, directive)| (name.to_string(), id, directive))
        .collect()
}
