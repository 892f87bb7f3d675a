use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;

fn listpack(elements: &[&str]) -> Listpack {
    let mut listpack = Listpack::new();
    elements.iter().for_each(|element| listpack.push_back(element.as_bytes()));
    listpack
}

fn texts(listpack: &Listpack) -> Vec<String> {
    assert!(check(listpack.borrow().as_bytes()));
    listpack.borrow().iter().map(|element| String::from_utf8(element.to_vec()).expect("text")).collect()
}

/// The only entry of a listpack, with the length at its end.
fn entry_of(text: &[u8]) -> Vec<u8> {
    let mut listpack = Listpack::new();
    listpack.push_back(text);
    assert!(listpack.borrow().first().is_some_and(|first| listpack.borrow().get(first) == *text));
    let bytes = listpack.into_bytes();
    assert!(check(&bytes));
    bytes[HEADER..bytes.len() - 1].to_vec()
}

#[test]
fn an_empty_one_is_a_header_and_an_end() {
    assert_eq!(Listpack::new().into_bytes(), [7, 0, 0, 0, 0, 0, 0xFF]);
    assert!(Listpack::new().borrow().is_empty());
    assert_eq!(Listpack::new().borrow().last(), None);
}

#[test]
fn integers_take_the_smallest_encoding_that_holds_them() {
    for (text, bytes) in [
        ("0", &[0, 1][..]),
        ("127", &[127, 1]),
        ("128", &[0xC0, 128, 2]),
        ("-1", &[0xDF, 0xFF, 2]),
        ("4095", &[0xCF, 0xFF, 2]),
        ("-4096", &[0xD0, 0, 2]),
        ("4096", &[0xF1, 0, 0x10, 3]),
        ("-32768", &[0xF1, 0, 0x80, 3]),
        ("32768", &[0xF2, 0, 0x80, 0, 4]),
        ("-8388608", &[0xF2, 0, 0, 0x80, 4]),
        ("8388607", &[0xF2, 0xFF, 0xFF, 0x7F, 4]),
        ("8388608", &[0xF3, 0, 0, 0x80, 0, 5]),
        ("-2147483648", &[0xF3, 0, 0, 0, 0x80, 5]),
        ("2147483648", &[0xF4, 0, 0, 0, 0x80, 0, 0, 0, 0, 9]),
        ("-9223372036854775808", &[0xF4, 0, 0, 0, 0, 0, 0, 0, 0x80, 9]),
        ("9223372036854775807", &[0xF4, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 9]),
    ] {
        assert_eq!(entry_of(text.as_bytes()), bytes, "{text}");
    }
}

#[test]
fn what_is_no_canonical_integer_is_a_string() {
    for text in ["", "-0", "+1", "01", " 1", "1 ", "1.0", "9223372036854775808", "a"] {
        let mut expected = vec![0x80 | text.len() as u8];
        expected.extend_from_slice(text.as_bytes());
        expected.push(text.len() as u8 + 1);
        assert_eq!(entry_of(text.as_bytes()), expected, "{text:?}");
    }
}

#[test]
fn lengths_take_the_encoding_that_redis_gives_them() {
    for (len, head, back) in [
        (63, &[0xBF][..], &[64][..]),
        (64, &[0xE0, 64], &[66]),
        (125, &[0xE0, 125], &[127]),
        (126, &[0xE0, 126], &[1, 0x80]),
        (4095, &[0xEF, 0xFF], &[32, 0x81]),
        (4096, &[0xF0, 0, 0x10, 0, 0], &[32, 0x85]),
        (16377, &[0xF0, 0xF9, 0x3F, 0, 0], &[127, 0xFE]),
        (16378, &[0xF0, 0xFA, 0x3F, 0, 0], &[0, 0xFF, 0xFF]),
        (16379, &[0xF0, 0xFB, 0x3F, 0, 0], &[1, 0x80, 0x80]),
    ] {
        let entry = entry_of(&vec![b'x'; len]);
        assert!(entry.starts_with(head) && entry.ends_with(back), "{len}: {:?}", &entry[entry.len() - 4..]);
        assert_eq!(entry.len(), head.len() + len + back.len());
    }
}

#[test]
fn elements_are_inserted_replaced_and_removed_in_the_middle() {
    let mut list = listpack(&["a", "1", "c"]);
    let middle = list.borrow().seek(1).expect("three elements");
    let middle = list.insert_before(middle, b"longer than it was");
    assert_eq!(texts(&list), ["a", "longer than it was", "1", "c"]);
    let after = list.insert_after(middle, b"300");
    assert_eq!(list.replace(middle, b"b"), middle);
    assert_eq!(texts(&list), ["a", "b", "300", "1", "c"]);
    assert_eq!(list.replace_int(list.borrow().next(middle).expect("300"), -5), Position(after.0 - 17));
    list.push_front(b"front");
    assert_eq!(texts(&list), ["front", "a", "b", "-5", "1", "c"]);
    let second = list.borrow().seek(1).expect("six elements");
    assert_eq!(list.remove(second, 3), Some(second));
    assert_eq!(texts(&list), ["front", "1", "c"]);
    assert_eq!(list.remove(second, 9), None);
    assert_eq!(texts(&list), ["front"]);
}

#[test]
fn elements_are_found_by_index_from_either_end() {
    let list = listpack(&["a", "b", "c", "d"]);
    let at = |index| list.borrow().seek(index).map(|position| list.borrow().get(position).to_vec());
    for (index, text) in [(0, "a"), (1, "b"), (2, "c"), (3, "d"), (-1, "d"), (-3, "b"), (-4, "a")] {
        assert_eq!(at(index), Some(text.into()), "{index}");
    }
    assert_eq!((at(4), at(-5), at(isize::MAX), at(isize::MIN)), (None, None, None, None));
    assert_eq!(Listpack::new().borrow().seek(0), None);
}

#[test]
fn a_needle_is_looked_for_at_every_so_many_elements() {
    let list = listpack(&["1", "b", "b", "1", "x", "b"]);
    let first = list.borrow().first().expect("elements");
    assert_eq!(list.borrow().find(first, b"b", 0), list.borrow().seek(1));
    assert_eq!(list.borrow().find(first, b"b", 1), list.borrow().seek(2));
    assert_eq!(list.borrow().find(list.borrow().seek(1).expect("b"), b"1", 1), list.borrow().seek(3));
    assert_eq!(list.borrow().find(first, b"1.0", 0), None);
}

#[test]
fn the_two_ends_of_a_walk_meet() {
    let list = listpack(&["a", "2", "c"]);
    let mut walk = list.borrow().iter();
    assert_eq!(walk.next_back(), Some(Element::Bytes(b"c")));
    assert_eq!(walk.next(), Some(Element::Bytes(b"a")));
    assert_eq!(walk.next_back(), Some(Element::Int(2)));
    assert_eq!((walk.next(), walk.next_back()), (None, None));
    let pairs: Vec<_> =
        listpack(&["f", "1", "g", "2"]).borrow().pairs().map(|(field, _)| field.len()).collect();
    assert_eq!(pairs, [1, 1]);
}

#[test]
fn parts_are_split_off_cut_off_and_joined() {
    let mut list = listpack(&["a", "b", "c", "d"]);
    let mut tail = list.split_off(list.borrow().seek(1).expect("b"));
    assert_eq!(
        (texts(&list), texts(&tail)),
        (vec!["a".to_string()], vec!["b".into(), "c".into(), "d".into()])
    );
    tail.append(list.borrow());
    assert_eq!(texts(&tail), ["b", "c", "d", "a"]);
    tail.truncate(9);
    tail.truncate(3);
    tail.remove_front(1);
    assert_eq!(texts(&tail), ["c", "d"]);
    tail.remove_front(5);
    assert_eq!(tail, Listpack::new());
}

#[test]
fn past_65534_elements_they_are_counted() {
    let mut list = Listpack::new();
    (0..65_534).for_each(|_| list.push_back(b""));
    assert_eq!((list.0[4], list.0[5], list.borrow().len()), (0xFE, 0xFF, 65_534));
    list.push_back(b"last");
    assert_eq!((list.0[4], list.0[5], list.borrow().len()), (0xFF, 0xFF, 65_535));
    assert_eq!(list.borrow().seek(65_534), list.borrow().last());
    assert_eq!(list.borrow().seek(-65_536), None);
    list.remove_front(65_000);
    // The header cannot know how many are left: Redis leaves it so, too.
    assert_eq!((list.0[4], list.0[5], list.borrow().len()), (0xFF, 0xFF, 535));
}

#[test]
fn bytes_that_are_no_listpack_are_refused() {
    let good = listpack(&["a", "300", &"x".repeat(200)]).into_bytes();
    assert!(check(&good));
    (0..good.len()).for_each(|at| assert!(!check(&good[..at]), "cut at {at}"));
    // The header, the ends of the three entries, the beginning of the long one, the end of all.
    for at in (0..6).chain([8, 11, 12, 13, 214, 215, 216]) {
        for bit in 0..8 {
            let mut bad = good.clone();
            bad[at] ^= 1 << bit;
            assert!(!check(&bad), "bit {bit} of byte {at}");
        }
    }
    assert!(!check(&[8, 0, 0, 0, 1, 0, 0xF5, 0xFF]));
    assert!(!check(&[9, 0, 0, 0, 1, 0, 0x82, 0x02, 0xFF]));
}

proptest! {
    #[test]
    fn checking_any_bytes_does_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        if check(&bytes) {
            let listpack = ListpackRef::from_bytes(&bytes);
            prop_assert_eq!(listpack.iter().count(), listpack.iter().rev().count());
        }
    }

    #[test]
    fn it_does_what_a_vector_does(steps in prop::collection::vec((0..5u8, any::<prop::sample::Index>(), element()), 0..60)) {
        let (mut list, mut model) = (Listpack::new(), Vec::<Vec<u8>>::new());
        for (step, at, text) in steps {
            let at = if model.is_empty() { 0 } else { at.index(model.len()) };
            let position = list.borrow().seek(at as isize);
            match (step, position) {
                (0, Some(position)) => {
                    list.remove(position, 2);
                    model.drain(at..(at + 2).min(model.len()));
                }
                (1, Some(position)) => {
                    list.replace(position, &text);
                    model[at] = text;
                }
                (2, Some(position)) => {
                    list.insert_after(position, &text);
                    model.insert(at + 1, text);
                }
                (3, _) => {
                    list.push_front(&text);
                    model.insert(0, text);
                }
                _ => {
                    list.push_back(&text);
                    model.push(text);
                }
            }
            prop_assert!(check(list.borrow().as_bytes()));
        }
        let reversed: Vec<_> = list.borrow().iter().rev().map(Element::to_vec).collect();
        prop_assert_eq!(list.borrow().iter().map(Element::to_vec).collect::<Vec<_>>(), model.clone());
        model.reverse();
        prop_assert_eq!(reversed, model);
    }
}

/// Short texts, integers and long texts.
fn element() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[a-c]{0,3}".prop_map(String::into_bytes),
        any::<i64>().prop_map(|n| (n >> (n & 63)).to_string().into_bytes()),
        (0usize..5000).prop_map(|len| vec![b'x'; len]),
    ]
}
