//! `notify-keyspace-events`: which changes of keys are published.

use alloc::string::String;

use super::Reason;
use crate::events::Class;

/// A set of event classes, by the letters of redis.conf.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct KeyspaceEvents(u16);

/// Each class that `A` stands for, in the order in which they are shown.
const IN_ALL: [(u8, u16); 10] = [
    (b'g', 1 << 2),
    (b'$', 1 << 3),
    (b'l', 1 << 4),
    (b's', 1 << 5),
    (b'h', 1 << 6),
    (b'z', 1 << 7),
    (b'x', 1 << 8),
    (b'e', 1 << 9),
    (b't', 1 << 10),
    (b'd', 1 << 13),
];
const NEW_KEY: (u8, u16) = (b'n', 1 << 14);
/// What `A` does not stand for, in the order in which they are shown.
const APART: [(u8, u16); 3] = [(b'K', 1 << 0), (b'E', 1 << 1), (b'm', 1 << 11)];

impl KeyspaceEvents {
    /// Reads a word of class letters.
    ///
    /// # Errors
    /// A letter that is no class.
    pub(super) fn parse(letters: &[u8]) -> Result<Self, Reason> {
        let bits = letters.iter().try_fold(0, |bits, letter| Some(bits | bits_of(*letter)?));
        bits.map(KeyspaceEvents).ok_or("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".into())
    }

    /// The letters, as Redis shows them: `A` hides `n`.
    pub(super) fn format(self) -> String {
        let mut letters = String::new();
        if self.has_bits(all()) {
            letters.push('A');
        } else {
            self.push_letters(&IN_ALL, &mut letters);
            self.push_letters(&[NEW_KEY], &mut letters);
        }
        self.push_letters(&APART, &mut letters);
        letters
    }

    fn push_letters(self, classes: &[(u8, u16)], out: &mut String) {
        out.extend(
            classes.iter().filter(|(_, bit)| self.has_bits(*bit)).map(|(letter, _)| char::from(*letter)),
        );
    }

    fn has_bits(self, bits: u16) -> bool {
        self.0 & bits == bits
    }

    /// Whether nothing is published.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether changes of this class are published: the class is in the set, and so is a kind of channel.
    pub fn has(self, class: Class) -> bool {
        (self.has_bits(1 << 0) || self.has_bits(1 << 1))
            && bits_of(class.letter()).is_some_and(|bits| self.has_bits(bits))
    }

    /// Whether all classes that `letters` names are in the set. A letter that is no class is in no set.
    pub fn contains(self, letters: &str) -> bool {
        letters.bytes().all(|letter| bits_of(letter).is_some_and(|bits| self.has_bits(bits)))
    }
}

fn all() -> u16 {
    IN_ALL.iter().fold(0, |bits, (_, bit)| bits | bit)
}

fn bits_of(letter: u8) -> Option<u16> {
    if letter == b'A' {
        return Some(all());
    }
    let classes = IN_ALL.iter().chain(&APART).chain([&NEW_KEY]);
    classes.into_iter().find(|(name, _)| *name == letter).map(|(_, bit)| *bit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_shown_in_their_own_order() {
        for (letters, shown) in [
            ("E$", "$E"),
            ("KEA", "AKE"),
            ("g$lshzxetd", "A"),
            ("AKEmn", "AKEm"),
            ("ng", "gn"),
            ("dn", "dn"),
            ("", ""),
        ] {
            assert_eq!(KeyspaceEvents::parse(letters.as_bytes()).unwrap().format(), shown, "{letters}");
        }
    }

    #[test]
    fn an_unknown_letter_is_refused() {
        let reason = "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
        assert_eq!(KeyspaceEvents::parse(b"KEy"), Err(reason.into()));
    }

    #[test]
    fn a_class_is_contained_when_its_letter_was_given() {
        let events = KeyspaceEvents::parse(b"Kg").unwrap();
        assert!(
            events.contains("K") && events.contains("Kg") && !events.contains("E") && !events.contains("?")
        );
    }
}
