//! Forms of sets, and what is in them.

use std::collections::BTreeSet;
use std::format;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

use proptest::prelude::*;

use super::super::Limits;
use super::*;
use crate::config::Config;
use crate::keyspace::KeyHasher;

const HASHER: KeyHasher = KeyHasher::new(7);

fn config(text: &str) -> Config {
    let mut config = Config::default();
    config.load("test", text, &mut |_| Ok(Vec::new())).expect("directives");
    config
}

fn set_of(members: impl IntoIterator<Item = impl ToString>, limits: &Limits<'_>) -> Set {
    members.into_iter().fold(Set::new(), |mut set, member| {
        set.insert(Element::of(member.to_string().as_bytes()), limits);
        set
    })
}

fn members(set: SetRef<'_>) -> BTreeSet<String> {
    set.iter().map(|member| String::from_utf8(member.to_vec()).unwrap()).collect()
}

#[test]
fn integers_stay_together_until_they_are_too_many() {
    let config = config("");
    let limits = Limits { config: &config, hasher: &HASHER };
    assert_eq!(set_of(0..512, &limits).borrow().encoding(), Encoding::Intset);
    assert_eq!(set_of(0..513, &limits).borrow().encoding(), Encoding::Hashtable);
}

#[test]
fn few_and_short_members_are_packed() {
    let config = config("");
    let limits = Limits { config: &config, hasher: &HASHER };
    let with = |count: i32, last: &str| {
        let members = (1..count).map(|n| n.to_string()).chain([last.to_string()]);
        set_of(members, &limits).borrow().encoding()
    };
    assert_eq!(with(128, "a"), Encoding::Listpack);
    assert_eq!(with(129, "a"), Encoding::Hashtable);
    assert_eq!(with(1, &"a".repeat(64)), Encoding::Listpack);
    assert_eq!(with(1, &"a".repeat(65)), Encoding::Hashtable);
}

#[test]
fn integers_that_are_too_long_as_text_do_not_become_packed() {
    let config = config("set-max-listpack-value 3");
    let limits = Limits { config: &config, hasher: &HASHER };
    assert_eq!(set_of(["100", "a"], &limits).borrow().encoding(), Encoding::Listpack);
    assert_eq!(set_of(["-100", "a"], &limits).borrow().encoding(), Encoding::Hashtable);
}

#[test]
fn expected_members_choose_the_form_at_once() {
    let config = config("");
    let limits = Limits { config: &config, hasher: &HASHER };
    let encoding = |first: &[u8], expected| Set::sized_for(first, expected, &limits).borrow().encoding();
    assert_eq!(encoding(b"1", 512), Encoding::Intset);
    assert_eq!(encoding(b"1", 513), Encoding::Hashtable);
    assert_eq!(encoding(b"a", 128), Encoding::Listpack);
    assert_eq!(encoding(b"a", 129), Encoding::Hashtable);
}

#[test]
fn scan_comes_by_every_member() {
    let config = config("");
    let limits = Limits { config: &config, hasher: &HASHER };
    for count in [3, 1000] {
        let set = set_of((0..count).map(|n| format!("m{n}")), &limits);
        let (mut seen, mut position) = (BTreeSet::new(), Some(0));
        while let Some(at) = position {
            position = set.borrow().scan(at, |member| seen.extend([member.to_vec()]));
        }
        assert_eq!(seen.len(), count);
    }
}

#[test]
fn small_forms_survive_the_way_through_bytes() {
    let config = config("");
    let limits = Limits { config: &config, hasher: &HASHER };
    for words in [vec!["1", "2"], vec!["1", "b"]] {
        let set = set_of(&words, &limits);
        let (encoding, bytes) = set.into_packed().ok().expect("small");
        assert_eq!(
            members(SetRef::from_packed(encoding, &bytes)),
            words.iter().map(|w| w.to_string()).collect()
        );
        assert_eq!(Set::from_packed(encoding, bytes).borrow().encoding(), encoding);
    }
}

fn member() -> impl Strategy<Value = String> {
    prop_oneof![
        (-9i64..9).prop_map(|n| n.to_string()),
        any::<i64>().prop_map(|n| n.to_string()),
        "[a-c]{0,2}",
        "[x]{8,12}",
    ]
}

proptest! {
    #[test]
    fn it_is_a_set(
        steps in prop::collection::vec((member(), any::<bool>()), 0..60),
        intset in 0u32..20,
        entries in 0u32..20,
    ) {
        let config = config(&format!(
            "set-max-intset-entries {intset}\nset-max-listpack-entries {entries}\nset-max-listpack-value 10"
        ));
        let limits = Limits { config: &config, hasher: &HASHER };
        let (mut set, mut model) = (Set::new(), BTreeSet::new());
        for (member, adds) in steps {
            if adds {
                let element = Element::Bytes(member.as_bytes());
                prop_assert_eq!(set.insert(element, &limits), model.insert(member.clone()));
            } else {
                prop_assert_eq!(set.remove(member.as_bytes()), model.remove(&member));
            }
            prop_assert_eq!(set.borrow().contains(member.as_bytes()), adds);
            prop_assert_eq!(set.borrow().len(), model.len());
        }
        prop_assert_eq!(members(set.borrow()), model.clone());
        set.compact(&limits);
        prop_assert_eq!(members(set.borrow()), model.clone());
        let mut state = 1u64;
        let mut rng = || { state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1); state };
        while let Some(popped) = set.pop(&mut rng) {
            prop_assert!(model.remove(&String::from_utf8(popped).unwrap()));
        }
        prop_assert!(model.is_empty());
    }
}
