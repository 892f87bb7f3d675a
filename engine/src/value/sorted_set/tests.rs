//! A sorted set against a vector of pairs that is sorted after each step.

use std::collections::BTreeSet;
use std::format;
use std::string::String;
use std::vec::Vec;

use proptest::prelude::*;
use slotway_core::resp::encode::Decimal;

use super::*;
use crate::config::Config;
use crate::keyspace::KeyHasher;

const HASHER: KeyHasher = KeyHasher::new(7);

fn with_limits<R>(entries: u64, test: impl FnOnce(&Limits<'_>) -> R) -> R {
    let mut config = Config::default();
    let text = format!("zset-max-listpack-entries {entries}");
    config.load("test", &text, &mut |_| Ok(Vec::new())).expect("a known directive");
    test(&Limits { config: &config, hasher: &HASHER })
}

fn contents(set: SortedSetRef<'_>) -> Vec<(Vec<u8>, f64)> {
    set.iter().map(|(member, score)| (member.to_vec(), score)).collect()
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u16, f64),
    Remove(u16),
    RemoveRange(usize, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let score = prop_oneof![(-3i8..3).prop_map(f64::from), -1.0..1.0, Just(f64::INFINITY)];
    let step = prop_oneof![
        12 => (0u16..700, score).prop_map(|(member, score)| Step::Insert(member, score)),
        4 => (0u16..700).prop_map(Step::Remove),
        1 => (0usize..300, 0usize..40).prop_map(|(start, count)| Step::RemoveRange(start, count)),
    ];
    prop::collection::vec(step, 0..1500)
}

/// Members that are integers, and one that is as long as none in a listpack.
fn member(n: u16) -> Vec<u8> {
    if n == 699 { [b'm'; 100].to_vec() } else { format!("{n}").into_bytes() }
}

fn take(model: &mut Vec<(Vec<u8>, f64)>, member: &[u8]) -> Option<f64> {
    let at = model.iter().position(|(other, _)| other == member)?;
    Some(model.remove(at).1)
}

/// Everything that a view tells, against the model.
fn check(set: SortedSetRef<'_>, model: &[(Vec<u8>, f64)]) {
    assert_eq!(contents(set), model);
    assert_eq!(set.len(), model.len());
    let mut backwards: Vec<_> = set.iter_rev().map(|(member, _)| member.to_vec()).collect();
    backwards.reverse();
    assert!(backwards.iter().eq(model.iter().map(|(member, _)| member)));
    for (rank, (member, score)) in model.iter().enumerate() {
        assert_eq!(set.rank(member), Some((rank, *score)));
    }
    let below_zero = model.iter().filter(|(_, score)| *score < 0.0).count();
    assert_eq!(set.partition(|_, score| score < 0.0), below_zero);
    let (third, mut both) = (model.len() / 3, set.range(model.len() / 3..model.len() - model.len() / 3));
    assert_eq!(both.len(), model.len() - 2 * third);
    let mut ends = Vec::new();
    while let Some(front) = both.next() {
        ends.extend([Some(front), both.next_back()].into_iter().flatten());
    }
    let seen: BTreeSet<_> = ends.iter().map(|(member, _)| member.to_vec()).collect();
    assert_eq!(seen, model[third..model.len() - third].iter().map(|(member, _)| member.clone()).collect());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn it_is_a_sorted_sequence_in_either_form(steps in steps(), entries in prop_oneof![Just(0u64), Just(128), Just(2000)]) {
        with_limits(entries, |limits| {
            let (mut set, mut model) = (SortedSet::new(), Vec::new());
            for step in steps {
                match step {
                    Step::Insert(n, score) => {
                        let member = member(n);
                        let before = take(&mut model, &member);
                        assert_eq!(set.insert(&member, score, limits), before);
                        model.push((member, score));
                        model.sort_by(|(a, x), (b, y)| (x, a).partial_cmp(&(y, b)).unwrap());
                    }
                    Step::Remove(n) => assert_eq!(set.remove(&member(n)), take(&mut model, &member(n))),
                    Step::RemoveRange(start, count) => {
                        let start = start.min(model.len());
                        let end = (start + count).min(model.len());
                        set.remove_range(start..end);
                        model.drain(start..end);
                    }
                }
            }
            check(set.borrow(), &model);
            check(set.clone().borrow(), &model);
            let rebuilt = SortedSet::from_scores(model.iter().rev().cloned().collect(), limits);
            check(rebuilt.borrow(), &model);
        });
    }
}

#[test]
fn a_set_grows_at_either_end_and_shrinks_to_nothing() {
    with_limits(128, |limits| {
        let mut set = SortedSet::new();
        for n in 0..20_000i32 {
            set.insert(format!("{n}").as_bytes(), f64::from(if n % 2 == 0 { n } else { -n }), limits);
        }
        let full = set.memory();
        assert!(full < 20_000 * 70, "{full} bytes");
        assert_eq!(set.borrow().rank(b"19999"), Some((0, -19_999.0)));
        assert_eq!(set.borrow().rank(b"0"), Some((10_000, 0.0)));
        for n in 0..20_000 {
            assert!(set.remove(format!("{}", n * 7 % 20_000).as_bytes()).is_some(), "{n}");
        }
        assert!(set.borrow().is_empty());
        assert_eq!(set.memory(), SortedSet::Big(Box::new(Big::new(&HASHER))).memory());
    });
}

#[test]
fn scores_that_only_grow_fill_their_leaves() {
    with_limits(0, |limits| {
        let mut set = SortedSet::new();
        for n in 0..10_000u32 {
            set.insert(&n.to_be_bytes(), n.into(), limits);
        }
        let SortedSet::Big(big) = &set else { panic!("10,000 members are many") };
        assert!(big.memory() < 10_000 * (16 + 24 + 16), "{}", big.memory());
    });
}

#[test]
fn scan_comes_by_every_member_that_stays() {
    with_limits(128, |limits| {
        let mut set = SortedSet::new();
        for n in 0..1000 {
            set.insert(format!("m{n}").as_bytes(), 1.0, limits);
        }
        let (mut seen, mut position) = (BTreeSet::new(), 0);
        for removed in 500.. {
            let next = set.borrow().scan(position, |member, _| {
                seen.insert(member.to_vec());
            });
            let Some(next) = next else { break };
            position = next;
            set.remove(format!("m{removed}").as_bytes());
        }
        assert!((0..500).all(|n| seen.contains(format!("m{n}").as_bytes())));
    });
}

#[test]
fn it_becomes_big_as_in_redis_and_stays_so() {
    with_limits(128, |limits| {
        let mut set = SortedSet::new();
        for n in 0..128 {
            set.insert(format!("{n}").as_bytes(), 0.5, limits);
        }
        set.insert(b"0", 1.0, limits);
        assert_eq!(set.borrow().encoding(), Encoding::Listpack);
        set.insert(b"128", 1.0, limits);
        assert_eq!(set.borrow().encoding(), Encoding::Skiplist);
        set.remove_range(1..129);
        assert_eq!(set.borrow().encoding(), Encoding::Skiplist);
        let mut long = SortedSet::new();
        long.insert(&[b'x'; 64], 1.0, limits);
        assert_eq!(long.borrow().encoding(), Encoding::Listpack);
        long.insert(&[b'x'; 65], 1.0, limits);
        assert_eq!(long.borrow().encoding(), Encoding::Skiplist);
    });
}

#[test]
fn a_small_one_has_the_bytes_that_redis_gives_it() {
    with_limits(128, |limits| {
        let mut set = SortedSet::new();
        set.insert(b"b", -0.0, limits);
        set.insert(b"7", 0.1, limits);
        set.insert(b"a", 1e20, limits);
        let (_, bytes) = set.packed().expect("it is small");
        let elements: Vec<_> = ListpackRef::from_bytes(bytes).iter().collect();
        let expected = [
            Element::of(b"b"),
            Element::Int(0),
            Element::Int(7),
            Element::of(b"0.1"),
            Element::of(b"a"),
            Element::of(b"1e+20"),
        ];
        assert_eq!(elements, expected);
    });
}

#[test]
fn members_are_ordered_by_their_text_in_either_form() {
    for entries in [0, 128] {
        with_limits(entries, |limits| {
            let mut set = SortedSet::new();
            for member in ["b", "10", "9", "-1", "a", "", "ab"] {
                set.insert(member.as_bytes(), 0.0, limits);
            }
            let texts: Vec<String> = set
                .borrow()
                .iter()
                .map(|(member, _)| String::from_utf8_lossy(member.text(&mut Decimal::new())).into_owned())
                .collect();
            assert_eq!(texts, ["", "-1", "10", "9", "a", "ab", "b"]);
        });
    }
}

#[test]
fn what_lies_between_two_bounds_is_a_range_of_ranks_in_either_form() {
    for entries in [0, 128] {
        with_limits(entries, |limits| {
            let members = ["a", "b", "c", "d"].into_iter().zip([1.0, 2.0, 2.0, 4.0]).collect();
            let set = SortedSet::from_scores(members, limits);
            let scores =
                |min: f64, max: f64| set.borrow().between(|_, score| score >= min, |_, score| score > max);
            assert_eq!(scores(2.0, 2.0), 1..3);
            assert_eq!(scores(f64::NEG_INFINITY, f64::INFINITY), 0..4);
            assert_eq!(scores(0.0, 1.0), 0..1);
            assert!(scores(3.0, 3.0).is_empty());
            assert!(scores(5.0, 9.0).is_empty());
            assert!(scores(4.0, 1.0).is_empty());
            assert!(SortedSet::new().borrow().between(|_, _| true, |_, _| false).is_empty());
        });
    }
}

#[test]
fn a_small_set_is_read_up_to_the_first_member_that_passes_a_bound_its_order_does_not_follow() {
    with_limits(128, |limits| {
        let members = ["b", "z", "a", "c"].into_iter().zip([1.0, 2.0, 3.0, 4.0]).collect();
        let set = SortedSet::from_scores(members, limits);
        let names = |min: &'static [u8], max: &'static [u8]| {
            set.borrow().between(move |member, _| member >= min, move |member, _| member > max)
        };
        assert_eq!(names(b"b", b"c"), 0..1);
        assert!(names(b"d", b"z").is_empty(), "the last member does not reach the bound");
        assert!(names(b"a", b"a").is_empty(), "the first member passes the bound");
    });
}
