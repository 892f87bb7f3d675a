use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::config::Config;
use crate::keyspace::KeyHasher;

fn with_limits<R>(test: impl FnOnce(&Limits<'_>) -> R) -> R {
    let (config, hasher) = (Config::default(), KeyHasher::new(1));
    test(&Limits { config: &config, hasher: &hasher })
}

fn texts(hash: &Hash) -> Vec<(String, String)> {
    let text = |element: Element<'_>| String::from_utf8(element.to_vec()).expect("text");
    hash.borrow().iter().map(|(field, value)| (text(field), text(value))).collect()
}

#[test]
fn a_small_hash_keeps_the_order_of_coming() {
    with_limits(|limits| {
        let mut hash = Hash::new();
        assert!(
            hash.set(b"b", b"1", limits) && hash.set(b"a", b"b", limits) && !hash.set(b"b", b"x", limits)
        );
        assert_eq!(texts(&hash), [("b".into(), "x".into()), ("a".into(), "b".into())]);
        // A value is not taken for a field.
        assert_eq!((hash.borrow().get(b"x"), hash.borrow().get(b"a")), (None, Some(Element::Bytes(b"b"))));
        assert!(hash.remove(b"b") && !hash.remove(b"b"));
        assert_eq!(texts(&hash), [("a".into(), "b".into())]);
    });
}

#[test]
fn it_grows_past_the_number_of_fields_and_the_length_of_words_configured() {
    with_limits(|limits| {
        let mut hash = Hash::new();
        for n in 0..512 {
            hash.set(n.to_string().as_bytes(), b"v", limits);
        }
        assert_eq!(hash.borrow().encoding(), Encoding::Listpack);
        hash.set(b"one more", b"v", limits);
        assert_eq!((hash.borrow().encoding(), hash.borrow().len()), (Encoding::Hashtable, 513));
        assert_eq!(hash.borrow().get(b"511"), Some(Element::Bytes(b"v")));
        for (field, value, encoding) in
            [(64, 64, Encoding::Listpack), (65, 1, Encoding::Hashtable), (1, 65, Encoding::Hashtable)]
        {
            let mut hash = Hash::new();
            hash.set(&vec![b'f'; field], &vec![b'v'; value], limits);
            assert_eq!(hash.borrow().encoding(), encoding);
        }
    });
}

proptest! {
    #[test]
    fn it_does_what_a_map_does(steps in prop::collection::vec(("[a-e]{1,2}|[0-9]{1,3}", 0..70usize, any::<bool>()), 0..60)) {
        with_limits(|limits| {
            let (mut hash, mut model) = (Hash::new(), BTreeMap::new());
            for (field, len, set) in steps {
                let value = "v".repeat(len);
                if set {
                    let is_new = hash.set(field.as_bytes(), value.as_bytes(), limits);
                    assert_eq!(is_new, model.insert(field, value).is_none());
                } else {
                    assert_eq!(hash.remove(field.as_bytes()), model.remove(&field).is_some());
                }
                assert_eq!(hash.borrow().len(), model.len());
            }
            assert_eq!(texts(&hash).into_iter().collect::<BTreeMap<_, _>>(), model);
        });
    }
}
