//! Sets of named members in one integer, printable in the order that COMMAND prints them.

/// Declares an enum of members with their words on the wire, and the set of them.
macro_rules! bit_set {
    (
        $(#[$member_doc:meta])* enum $Member:ident;
        $(#[$set_doc:meta])* struct $Set:ident($bits:ty);
        $($(#[$doc:meta])* $Name:ident = $word:literal,)+
    ) => {
        $(#[$member_doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $Member {
            $($(#[$doc])* $Name,)+
        }

        impl $Member {
            /// All members, in the order in which replies list them.
            pub const ALL: &'static [$Member] = &[$($Member::$Name),+];

            /// The word in replies.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($Member::$Name => $word,)+
                }
            }

            /// The member with this word, whatever its case.
            pub fn parse(word: &[u8]) -> Option<$Member> {
                Self::ALL.iter().copied().find(|member| member.as_str().as_bytes().eq_ignore_ascii_case(word))
            }

            const fn bit(self) -> $bits {
                1 << self as u32
            }
        }

        $(#[$set_doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub struct $Set($bits);

        impl $Set {
            /// The set without members.
            pub const EMPTY: $Set = $Set(0);

            /// The set of these members.
            pub const fn of(members: &[$Member]) -> $Set {
                let mut set = $Set::EMPTY;
                let mut i = 0;
                while i < members.len() {
                    set = set.with(members[i]);
                    i += 1;
                }
                set
            }

            /// This set and one member more.
            pub const fn with(self, member: $Member) -> $Set {
                $Set(self.0 | member.bit())
            }

            /// This set without a member.
            pub const fn without(self, member: $Member) -> $Set {
                $Set(self.0 & !member.bit())
            }

            /// True when `member` is in the set.
            pub const fn contains(self, member: $Member) -> bool {
                self.0 & member.bit() != 0
            }

            /// True when the sets share a member.
            pub const fn intersects(self, other: $Set) -> bool {
                self.0 & other.0 != 0
            }

            /// The members as bits, the first of them lowest.
            pub const fn bits(self) -> $bits {
                self.0
            }

            /// True without members.
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// Number of members.
            pub const fn len(self) -> usize {
                self.0.count_ones() as usize
            }

            /// The members, in the order in which replies list them.
            pub fn iter(self) -> impl Iterator<Item = $Member> {
                $Member::ALL.iter().copied().filter(move |member| self.contains(*member))
            }
        }

        impl core::fmt::Debug for $Set {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_set().entries(self.iter()).finish()
            }
        }
    };
}

pub(crate) use bit_set;

#[cfg(test)]
mod tests {
    use crate::command::{Flag, Flags};
    use alloc::vec::Vec;

    #[test]
    fn a_set_lists_its_members_in_the_order_of_replies() {
        let set = Flags::of(&[Flag::Fast, Flag::Write]);
        assert_eq!(set.iter().map(Flag::as_str).collect::<Vec<_>>(), ["write", "fast"]);
        assert_eq!(set.len(), 2);
        assert!(set.contains(Flag::Fast) && !set.contains(Flag::Admin));
        assert_eq!(set.without(Flag::Fast), Flags::of(&[Flag::Write]));
        assert_eq!(set.without(Flag::Admin), set);
        assert!(set.intersects(Flags::of(&[Flag::Write])) && !set.intersects(Flags::EMPTY));
        assert!(Flags::EMPTY.is_empty() && !set.is_empty());
    }

    #[test]
    fn a_member_is_parsed_from_its_word() {
        assert_eq!(Flag::parse(b"NO_AUTH"), Some(Flag::NoAuth));
        assert_eq!(Flag::parse(b"no auth"), None);
    }
}
