//! Every directive, by theme. To add one, add a line to the table of its theme; to have code read it, add a line to
//! [`accessors`](super::accessors).
//!
//! Names, kinds, ranges, defaults and flags are those of Redis 7.2; what only Slotway knows stands in [`slotway`].

mod cluster;
mod encoding;
mod general;
mod memory;
mod network;
mod persistence;
mod replication;
mod security;
mod slotway;
mod system;
mod tls;
mod without_effect;

use super::directive::Directive;

pub(super) use without_effect::WITHOUT_EFFECT;

/// All tables; a directive's number is its place in them.
const THEMES: [&[Directive]; 11] = [
    network::DIRECTIVES,
    tls::DIRECTIVES,
    general::DIRECTIVES,
    security::DIRECTIVES,
    memory::DIRECTIVES,
    persistence::DIRECTIVES,
    replication::DIRECTIVES,
    cluster::DIRECTIVES,
    encoding::DIRECTIVES,
    system::DIRECTIVES,
    slotway::DIRECTIVES,
];

/// The number of a directive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Id(usize);

impl Id {
    /// The number of the directive called `name`. Evaluated at compile time: a wrong name does not build.
    pub(super) const fn of(name: &str) -> Id {
        let (mut theme, mut before) = (0, 0);
        while theme < THEMES.len() {
            let mut place = 0;
            while place < THEMES[theme].len() {
                if same(THEMES[theme][place].name, name) {
                    return Id(before + place);
                }
                place += 1;
            }
            before += place;
            theme += 1;
        }
        panic!("no such directive")
    }

    pub(super) fn index(self) -> usize {
        self.0
    }
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}

/// All directives with their numbers.
pub(super) fn all() -> impl Iterator<Item = (Id, &'static Directive)> {
    THEMES.iter().flat_map(|theme| theme.iter()).enumerate().map(|(index, directive)| (Id(index), directive))
}

/// The directive called `name`, or with that alias, in any case; and which of the two names that was.
pub(super) fn find(name: &[u8]) -> Option<Found> {
    all().find_map(|(id, directive)| {
        let mut names = [Some(directive.name), directive.alias].into_iter().flatten();
        let name = names.find(|known| known.as_bytes().eq_ignore_ascii_case(name))?;
        Some(Found { id, directive, name })
    })
}

/// A directive that was asked for by one of its names.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) id: Id,
    pub(super) directive: &'static Directive,
    /// The name or the alias, in lower case.
    pub(super) name: &'static str,
}
