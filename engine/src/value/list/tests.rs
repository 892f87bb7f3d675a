use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::config::Config;
use crate::keyspace::KeyHasher;

/// Limits with this `list-max-listpack-size`.
fn with_limits<R>(size: i64, test: impl FnOnce(&Limits<'_>) -> R) -> R {
    let mut config = Config::default();
    let text = alloc::format!("list-max-listpack-size {size}");
    config.load("test", &text, &mut |_| Ok(Vec::new())).expect("a directive");
    test(&Limits { config: &config, hasher: &KeyHasher::new(1) })
}

fn push(list: &mut List, side: Side, texts: &[&str], limits: &Limits<'_>) {
    list.push(side, texts.iter().map(|text| text.as_bytes()), limits);
}

fn texts(list: &List) -> Vec<String> {
    list.borrow().iter().map(|element| String::from_utf8(element.to_vec()).expect("text")).collect()
}

fn quicklist(large: usize, size: i64, texts: &[&str]) -> Quicklist {
    let mut list = Quicklist::new(Fill::new(size, large));
    texts.iter().for_each(|text| list.push(Side::Right, text.as_bytes()));
    list
}

fn elements(list: &Quicklist) -> Vec<String> {
    list.iter_from(0).map(|element| String::from_utf8(element.to_vec()).expect("text")).collect()
}

#[test]
fn it_grows_when_a_listpack_is_full_and_shrinks_when_half_is_enough() {
    with_limits(4, |limits| {
        let mut list = List::new();
        push(&mut list, Side::Right, &["a", "b", "c", "d"], limits);
        assert_eq!(list.borrow().encoding(), Encoding::Listpack);
        push(&mut list, Side::Left, &["e"], limits);
        assert_eq!((list.borrow().encoding(), texts(&list).concat()), (Encoding::Quicklist, "eabcd".into()));
        // Two nodes: `e` is alone in its own.
        list.pop(Side::Right, 2, limits);
        assert_eq!((list.borrow().encoding(), list.borrow().len()), (Encoding::Quicklist, 3));
        list.pop(Side::Left, 1, limits);
        assert_eq!((list.borrow().encoding(), texts(&list).concat()), (Encoding::Listpack, "ab".into()));
    });
}

#[test]
fn bytes_are_what_counts_below_zero() {
    for (size, max) in [(-1, 4096), (-2, 8192), (-5, 65536)] {
        with_limits(size, |limits| {
            let mut list = List::new();
            // An empty listpack has 7 bytes, and the text's own are all that is estimated.
            push(&mut list, Side::Right, &[&"x".repeat(max - 7)], limits);
            assert_eq!(list.borrow().encoding(), Encoding::Listpack, "{size}");
            let mut list = List::new();
            push(&mut list, Side::Right, &[&"x".repeat(max - 6)], limits);
            assert_eq!(list.borrow().encoding(), Encoding::Quicklist, "{size}");
        });
    }
}

#[test]
fn bytes_are_limited_too_where_elements_are_counted() {
    with_limits(100, |limits| {
        let mut list = List::new();
        push(&mut list, Side::Right, &[&"x".repeat(8186)], limits);
        assert_eq!(list.borrow().encoding(), Encoding::Quicklist);
        // On the way back, they are not.
        push(&mut list, Side::Right, &["a"], limits);
        list.pop(Side::Right, 1, limits);
        assert_eq!((list.borrow().encoding(), list.borrow().len()), (Encoding::Listpack, 1));
    });
}

#[test]
fn a_whole_list_is_packed_if_it_fits() {
    with_limits(4, |limits| {
        let collect = |len: i64| List::collect((0..len).map(Element::Int), limits);
        assert_eq!(collect(4).borrow().encoding(), Encoding::Listpack);
        assert_eq!(collect(5).borrow().encoding(), Encoding::Quicklist);
        assert_eq!(texts(&collect(5)).concat(), "01234");
    });
}

#[test]
fn an_element_set_may_change_the_form() {
    with_limits(-1, |limits| {
        let mut list = List::new();
        push(&mut list, Side::Right, &["a", "b"], limits);
        assert!(list.set(1, "x".repeat(5000).as_bytes(), limits));
        assert_eq!(list.borrow().encoding(), Encoding::Quicklist);
        assert!(list.set(1, b"c", limits) && !list.set(2, b"c", limits));
        assert_eq!((list.borrow().encoding(), texts(&list).concat()), (Encoding::Listpack, "ac".into()));
    });
}

#[test]
fn a_full_node_gives_to_its_neighbour_or_is_split() {
    let mut list = quicklist(usize::MAX, 3, &["a", "b", "c", "d"]);
    assert_eq!(list.check(), [3, 1]);
    list.insert(2, Place::After, b"x");
    assert_eq!((list.check(), elements(&list).concat()), (vec![3, 2], "abcxd".into()));
    list.insert(0, Place::Before, b"y");
    assert_eq!((list.check(), elements(&list).concat()), (vec![1, 3, 2], "yabcxd".into()));
    list.insert(2, Place::After, b"z");
    assert_eq!((list.check(), elements(&list).concat()), (vec![3, 2, 2], "yabzcxd".into()));
}

#[test]
fn a_large_element_is_a_node_of_its_own() {
    let mut list = quicklist(5, -1, &["a", "large", "b", "c"]);
    assert_eq!(list.check(), [1, 1, 2]);
    list.insert(2, Place::After, b"LARGE");
    assert_eq!((list.check(), elements(&list).concat()), (vec![1, 1, 1, 1, 1], "alargebLARGEc".into()));
    list.set(1, b"small");
    list.set(1, b"s");
    assert_eq!(elements(&list), ["a", "s", "b", "LARGE", "c"]);
    list.set(0, b"larger");
    assert_eq!(elements(&list), ["larger", "s", "b", "LARGE", "c"]);
    assert_eq!(list.remove_equal(Side::Right, 9, b"LARGE"), 1);
    list.remove(0, 2);
    assert_eq!((elements(&list).concat(), list.check().iter().sum()), ("bc".into(), 2));
}

/// What can be done to a list, at a place that is taken modulo its length.
#[derive(Clone, Debug)]
enum Step {
    Push(Side, String),
    Pop(Side, usize),
    Remove(usize, usize),
    RemoveEqual(Side, usize, String),
    Set(usize, String),
    Insert(String, Place, String),
}

fn step() -> impl Strategy<Value = Step> {
    let text = || prop_oneof!["[ab]", (0..30u8).prop_map(|n| n.to_string()), "x{0,40}"];
    let side = || prop_oneof![Just(Side::Left), Just(Side::Right)];
    let place = prop_oneof![Just(Place::Before), Just(Place::After)];
    prop_oneof![
        4 => (side(), text()).prop_map(|(side, text)| Step::Push(side, text)),
        1 => (side(), 0..4usize).prop_map(|(side, count)| Step::Pop(side, count)),
        1 => (any::<usize>(), 0..8usize).prop_map(|(start, count)| Step::Remove(start, count)),
        1 => (side(), 0..3usize, text()).prop_map(|(side, count, text)| Step::RemoveEqual(side, count, text)),
        2 => (any::<usize>(), text()).prop_map(|(index, text)| Step::Set(index, text)),
        4 => (text(), place, text()).prop_map(|(pivot, place, text)| Step::Insert(pivot, place, text)),
    ]
}

/// The same step done to a vector.
fn do_to_model(model: &mut Vec<String>, step: &Step) {
    let len = model.len();
    match step {
        Step::Push(Side::Left, text) => model.insert(0, text.clone()),
        Step::Push(Side::Right, text) => model.push(text.clone()),
        Step::Pop(Side::Left, count) => drop(model.drain(..*count.min(&len))),
        Step::Pop(Side::Right, count) => model.truncate(len.saturating_sub(*count)),
        Step::Remove(start, count) => {
            let start = start % (len + 1);
            model.drain(start..(start + count).min(len));
        }
        Step::RemoveEqual(side, count, text) => {
            for _ in 0..*count {
                let found = match side {
                    Side::Left => model.iter().position(|other| other == text),
                    Side::Right => model.iter().rposition(|other| other == text),
                };
                found.map(|at| model.remove(at));
            }
        }
        Step::Set(index, text) if len > 0 => model[index % len] = text.clone(),
        Step::Set(..) => {}
        Step::Insert(pivot, place, text) => {
            if let Some(at) = model.iter().position(|other| other == pivot) {
                model.insert(at + usize::from(*place == Place::After), text.clone());
            }
        }
    }
}

fn do_to_list(list: &mut List, step: &Step, limits: &Limits<'_>) {
    let len = list.borrow().len();
    match step {
        Step::Push(side, text) => push(list, *side, &[text], limits),
        Step::Pop(side, count) => list.pop(*side, *count, limits),
        Step::Remove(start, count) => list.remove(start % (len + 1), *count, limits),
        Step::RemoveEqual(side, count, text) => {
            list.remove_equal(*side, *count, text.as_bytes(), limits);
        }
        Step::Set(index, text) => {
            list.set(index % len.max(1), text.as_bytes(), limits);
        }
        Step::Insert(pivot, place, text) => {
            list.insert(pivot.as_bytes(), *place, text.as_bytes(), limits);
        }
    }
}

proptest! {
    #[test]
    fn it_does_what_a_vector_does(size in 1..5i64, steps in prop::collection::vec(step(), 0..80)) {
        with_limits(size, |limits| {
            let (mut list, mut model) = (List::new(), Vec::new());
            for step in &steps {
                do_to_model(&mut model, step);
                do_to_list(&mut list, step, limits);
                assert_eq!(texts(&list), model, "after {step:?}");
                let reversed: Vec<_> = list.borrow().iter().rev().map(Element::to_vec).collect();
                assert!(reversed.iter().rev().zip(&model).all(|(own, other)| *own == other.as_bytes()));
                assert_eq!(list.borrow().len(), model.len());
                for (index, text) in model.iter().enumerate() {
                    assert!(list.borrow().get(index).is_some_and(|element| element == *text.as_bytes()));
                }
                if let List::Quick(elements) = &list {
                    elements.check();
                }
            }
        });
    }
}
