//! What the keyspace promises, against a model that is a `BTreeMap`.

use super::*;
use proptest::prelude::*;
use slotway_core::time::UnixMs;
use std::borrow::ToOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

const HASHER: KeyHasher = KeyHasher::new(7);
const NOW: UnixMs = UnixMs::from_ms(1_700_000_000_000);
const DB: DbIndex = DbIndex(0);
/// Under Miri everything takes a thousand times as long.
const SCALE: usize = if cfg!(miri) { 1 } else { 50 };

fn shard() -> Shard {
    Shard::new(Layout::new(1, 16).expect("a power of two"), 0, HASHER)
}

/// Hash tags whose slots lie in one shard of [`shard_of_few_slots`].
const TAGS: [&str; 3] = ["t", "72", "2388"];
/// The shard of [`TAGS`], with only 16 slots to walk over.
fn shard_of_few_slots() -> Shard {
    let layout = Layout::new(1024, 2).expect("a power of two");
    Shard::new(layout, layout.shard_of(key(TAGS[0].as_bytes()).slot()), HASHER)
}

fn key(bytes: &[u8]) -> Key<'_> {
    HASHER.key(bytes)
}

fn after(ms: u64) -> UnixMs {
    NOW.plus_ms(ms)
}

fn text(entry: Entry<'_>) -> Vec<u8> {
    match entry.string().expect("a string") {
        ValueRef::Int(number) => number.to_string().into_bytes(),
        ValueRef::Bytes(bytes) => bytes.to_vec(),
    }
}

fn read(db: &Db, now: UnixMs, name: &[u8]) -> Option<Vec<u8>> {
    db.peek(now, &key(name)).map(text)
}

fn put(db: &mut Db, name: &[u8], value: &[u8], expiry: Expiry) {
    db.set(NOW, &key(name), NewValue::Bytes(value), expiry);
}

fn names(db: &Db, now: UnixMs) -> BTreeSet<Vec<u8>> {
    let mut names = BTreeSet::new();
    db.for_each_key(now, |entry| assert!(names.insert(entry.key().to_owned())));
    names
}

/// A scan of one shard from its start, `count` keys at a time.
fn scan_all(db: &mut Db, count: usize) -> BTreeSet<Vec<u8>> {
    let mut names = BTreeSet::new();
    let mut cursor = db.settings.layout.scan_start(db.settings.shard);
    while let Some(at) = cursor {
        cursor = db.scan(NOW, ScanCursor::from_u64(at.to_u64()), count, |entry| {
            names.insert(entry.key().to_owned());
        });
    }
    names
}

#[test]
fn value_is_read_back_whatever_its_length() {
    let mut shard = shard();
    let db = shard.db(DB);
    for len in [0, 1, 15, 16, 44, 45, 100, 1023, 1024, 1025, 5000] {
        for name in [&b"k"[..], b"", &[b'n'; 300]] {
            let value = vec![b'v'; len];
            put(db, name, &value, Expiry::Keep);
            assert_eq!(read(db, NOW, name), Some(value));
        }
    }
    assert_eq!(db.len(), 3);
}

#[test]
fn key_longer_than_its_short_length_field_is_kept() {
    let mut shard = shard();
    let db = shard.db(DB);
    let name = vec![b'n'; 70_000];
    let key = key(&name);
    db.set(NOW, &key, NewValue::Bytes(b"value"), Expiry::At(after(10)));
    assert_eq!(db.peek(NOW, &key).map(text).as_deref(), Some(&b"value"[..]));
    assert!(db.set_expiry(NOW, &key, None));
    assert_eq!(names(db, after(20)), BTreeSet::from([name]));
}

#[test]
fn encoding_is_the_one_redis_would_tell() {
    let mut shard = shard();
    let db = shard.db(DB);
    let encoding = |db: &mut Db, value: NewValue<'_>| {
        db.set(NOW, &key(b"k"), value, Expiry::Clear);
        db.peek(NOW, &key(b"k")).map(|entry| entry.encoding().name())
    };
    assert_eq!(encoding(db, NewValue::Bytes(b"12")), Some("int"));
    assert_eq!(encoding(db, NewValue::Int(-1)), Some("int"));
    assert_eq!(encoding(db, NewValue::Text(b"12")), Some("embstr"));
    assert_eq!(encoding(db, NewValue::Bytes(b"012")), Some("embstr"));
    assert_eq!(encoding(db, NewValue::Bytes(&[b'x'; 44])), Some("embstr"));
    assert_eq!(encoding(db, NewValue::Bytes(&[b'x'; 45])), Some("raw"));
    assert_eq!(encoding(db, NewValue::Bytes(&[b'x'; 4500])), Some("raw"));
    assert_eq!(encoding(db, NewValue::Bytes(b"short again")), Some("embstr"));
    db.modify_bytes(NOW, &key(b"k"), |bytes| bytes.push(b'!'));
    assert_eq!(db.peek(NOW, &key(b"k")).map(Entry::encoding), Some(crate::value::Encoding::Raw));
    assert_eq!(encoding(db, NewValue::Bytes(b"short again!")), Some("embstr"));
}

#[test]
fn modified_string_is_kept_with_its_expiry() {
    let mut shard = shard();
    let db = shard.db(DB);
    db.set(NOW, &key(b"k"), NewValue::Int(42), Expiry::At(after(5)));
    for _ in 0..300 {
        db.modify_bytes(NOW, &key(b"k"), |bytes| bytes.extend_from_slice(b"12345678"));
    }
    let expected = "42".to_owned() + &"12345678".repeat(300);
    assert_eq!(read(db, NOW, b"k"), Some(expected.into_bytes()));
    assert_eq!(db.peek(NOW, &key(b"k")).and_then(Entry::expiry), Some(after(5)));
    assert_eq!(
        db.modify_bytes(NOW, &key(b"k"), |bytes| {
            bytes.truncate(3);
            bytes.len()
        }),
        3
    );
    assert_eq!(read(db, NOW, b"k").as_deref(), Some(&b"421"[..]));
    assert_eq!(db.modify_bytes(NOW, &key(b"new"), |bytes| bytes.len()), 0);
    assert_eq!(db.len(), 2);
}

#[test]
fn entry_survives_a_panic_while_it_is_modified() {
    let mut shard = shard();
    let db = shard.db(DB);
    put(db, b"k", b"value", Expiry::Keep);
    let caught = std::panic::catch_unwind(core::panic::AssertUnwindSafe(|| {
        db.modify_bytes(NOW, &key(b"k"), |_| panic!("a handler's mistake"));
    }));
    assert!(caught.is_err());
    assert_eq!(read(db, NOW, b"k").as_deref(), Some(&b"value"[..]));
}

#[test]
fn expired_key_is_absent_and_removed_when_it_is_met() {
    let mut shard = shard();
    let db = shard.db(DB);
    put(db, b"k", b"v", Expiry::At(after(10)));
    assert!(db.exists(after(10), &key(b"k")));
    assert!(!db.exists(after(11), &key(b"k")));
    assert_eq!((db.len(), db.volatile_len()), (1, 1));
    assert!(db.find(after(11), &key(b"k"), Touch::Yes, Purpose::Read).is_none());
    assert_eq!((db.len(), db.volatile_len()), (0, 0));
    assert_eq!(shard.counters(), Counters { hits: 0, misses: 1, expired: 1, evicted: 0 });
}

#[test]
fn replica_keeps_an_expired_key_but_shows_it_to_nobody() {
    let mut shard = shard();
    shard.set_expiry_policy(ExpiryPolicy::Keep);
    put(shard.db(DB), b"k", b"v", Expiry::At(after(10)));
    let db = shard.db(DB);
    assert!(db.find(after(11), &key(b"k"), Touch::Yes, Purpose::Read).is_none());
    assert_eq!(db.len(), 1);
    assert_eq!(shard.expire_cycle(after(11), 100, |_, _| unreachable!()).count, 0);
    let db = shard.db(DB);
    db.set(after(11), &key(b"k"), NewValue::Bytes(b"new"), Expiry::Keep);
    assert_eq!(db.peek(after(11), &key(b"k")).map(Entry::expiry), Some(None));
    assert_eq!(db.len(), 1);
}

#[test]
fn set_keeps_clears_or_replaces_the_expiry() {
    let mut shard = shard();
    let db = shard.db(DB);
    let expiry = |db: &Db| db.peek(NOW, &key(b"k")).and_then(Entry::expiry);
    put(db, b"k", b"v", Expiry::At(after(5)));
    put(db, b"k", b"other", Expiry::Keep);
    assert_eq!((expiry(db), db.volatile_len()), (Some(after(5)), 1));
    put(db, b"k", b"v", Expiry::Clear);
    assert_eq!((expiry(db), db.volatile_len()), (None, 0));
    assert!(db.set_expiry(NOW, &key(b"k"), Some(after(7))));
    assert_eq!((expiry(db), db.volatile_len()), (Some(after(7)), 1));
    assert!(db.set_expiry(NOW, &key(b"k"), None));
    assert!(!db.set_expiry(NOW, &key(b"k"), None));
    assert!(!db.set_expiry(NOW, &key(b"absent"), Some(after(7))));
    assert_eq!(read(db, NOW, b"k").as_deref(), Some(&b"v"[..]));
}

#[test]
fn rename_moves_value_and_expiry_over_what_was_there() {
    let mut shard = shard();
    let db = shard.db(DB);
    let long = [b'l'; 3000];
    put(db, b"from", &long, Expiry::At(after(5)));
    put(db, b"to", b"old", Expiry::Keep);
    let address = |db: &Db, name: &[u8]| match db.peek(NOW, &key(name)).and_then(Entry::string) {
        Some(ValueRef::Bytes(bytes)) => bytes.as_ptr(),
        other => panic!("{other:?}"),
    };
    let before = address(db, b"from");
    assert!(db.rename(NOW, &key(b"from"), &key(b"to")));
    assert_eq!(address(db, b"to"), before, "a long value is not copied");
    assert_eq!(read(db, NOW, b"to").as_deref(), Some(&long[..]));
    assert_eq!(db.peek(NOW, &key(b"to")).and_then(Entry::expiry), Some(after(5)));
    assert!(!db.rename(NOW, &key(b"from"), &key(b"to")));
    assert!(db.rename(NOW, &key(b"to"), &key(b"to")));
    assert_eq!(db.len(), 1);
}

#[test]
fn copy_leaves_the_original() {
    let mut shard = shard();
    let db = shard.db(DB);
    put(db, b"from", b"7", Expiry::At(after(5)));
    assert!(db.copy(NOW, &key(b"from"), &key(b"to")));
    assert!(db.copy(NOW, &key(b"from"), &key(b"from")));
    assert_eq!(
        db.peek(NOW, &key(b"to")).map(|entry| (entry.string(), entry.expiry())),
        Some((Some(ValueRef::Int(7)), Some(after(5))))
    );
    assert_eq!(read(db, NOW, b"from").as_deref(), Some(&b"7"[..]));
    assert!(!db.copy(NOW, &key(b"absent"), &key(b"to")));
}

#[test]
fn value_moves_between_databases() {
    let mut shard = shard();
    put(shard.db(DB), b"k", b"v", Expiry::At(after(5)));
    let taken = shard.db(DB).take(NOW, &key(b"k")).expect("it is there");
    shard.db(DbIndex(3)).put(NOW, &key(b"k"), taken);
    assert_eq!(shard.dbs().map(|(index, db)| (index.0, db.len())).collect::<Vec<_>>(), [(0, 0), (3, 1)]);
    shard.swap_dbs(DB, DbIndex(3));
    assert_eq!(read(shard.db(DB), NOW, b"k").as_deref(), Some(&b"v"[..]));
    assert_eq!(shard.flush_db(DbIndex(3)).map_or(0, |flushed| flushed.keys), 0);
    assert_eq!(shard.flush_all(), 1);
}

#[test]
fn memory_is_given_back_with_the_keys() {
    let mut shard = shard();
    let empty = shard.used_memory();
    assert!(empty < 1024, "{empty} bytes without any key");
    put(shard.db(DB), b"first", b"v", Expiry::Keep);
    assert!(shard.db(DB).remove(NOW, &key(b"first")));
    let idle = shard.used_memory();
    for number in 0..100 * SCALE {
        let name = number.to_string();
        put(shard.db(DB), name.as_bytes(), &vec![b'v'; number % 3000], Expiry::At(after(1)));
    }
    assert!(shard.used_memory() > idle + 100 * SCALE * 50);
    for number in 0..100 * SCALE {
        assert!(shard.db(DB).remove(NOW, &key(number.to_string().as_bytes())));
    }
    assert_eq!(shard.used_memory(), idle);
    shard.flush_all();
    assert!(shard.used_memory() <= idle, "places for slots stay, and nothing else");
}

#[test]
fn slot_with_very_many_keys_grows_and_shrinks() {
    let mut shard = shard_of_few_slots();
    let db = shard.db(DB);
    let count = if cfg!(miri) { 1800 } else { 20_000 };
    let name = |number: usize| std::format!("{{t}}{number}");
    for number in 0..count {
        put(db, name(number).as_bytes(), b"v", Expiry::Keep);
    }
    let slot = key(b"t").slot();
    assert_eq!((db.len_in_slot(slot), db.len()), (count, count));
    assert_eq!(scan_all(db, 10).len(), count);
    for number in (0..count).filter(|number| number % 50 != 0) {
        assert!(db.remove(NOW, &key(name(number).as_bytes())));
    }
    let rest: BTreeSet<_> = (0..count).step_by(50).map(|number| name(number).into_bytes()).collect();
    assert_eq!(names(db, NOW), rest);
    assert_eq!(scan_all(db, 10), rest);
}

#[test]
fn keys_of_a_slot_are_counted_and_listed() {
    let mut shard = shard();
    let db = shard.db(DB);
    for number in 0..20 {
        put(db, std::format!("{{a}}{number}").as_bytes(), b"v", Expiry::Keep);
        put(db, std::format!("{{b}}{number}").as_bytes(), b"v", Expiry::Keep);
    }
    let slot = key(b"a").slot();
    assert_eq!(db.len_in_slot(slot), 20);
    for (max, expected) in [(0, 0), (7, 7), (20, 20), (100, 20)] {
        let mut listed = BTreeSet::new();
        db.keys_in_slot(slot, max, |name| {
            assert!(name.starts_with(b"{a}") && listed.insert(name.to_owned()))
        });
        assert_eq!(listed.len(), expected);
    }
}

#[test]
fn scan_goes_through_all_shards_by_its_cursor_alone() {
    let layout = Layout::new(8, 1).expect("a power of two");
    let mut shards: Vec<Shard> = (0..8).map(|index| Shard::new(layout, index, HASHER)).collect();
    let expected: BTreeSet<String> = (0..500).map(|number| number.to_string()).collect();
    for name in &expected {
        let key = key(name.as_bytes());
        let db = shards[usize::from(layout.shard_of(key.slot()))].db(DB);
        db.set(NOW, &key, NewValue::Int(1), Expiry::Keep);
    }
    let (mut seen, mut number) = (BTreeSet::new(), 0);
    loop {
        let cursor = ScanCursor::from_u64(number);
        let shard = layout.shard_of(cursor.slot());
        let next = shards[usize::from(shard)].db(DB).scan(NOW, cursor, 10, |entry| {
            seen.insert(String::from_utf8(entry.key().to_owned()).expect("digits"));
        });
        let Some(next) = next.or_else(|| layout.scan_start(shard + 1)) else { break };
        assert!(next.to_u64() != 0 && next.to_u64() >> 62 == 0);
        number = next.to_u64();
    }
    assert_eq!(seen, expected);
}

#[test]
fn any_cursor_a_client_makes_up_is_harmless() {
    let mut shard = shard();
    let db = shard.db(DB);
    (0..200).for_each(|number: u32| put(db, number.to_string().as_bytes(), b"v", Expiry::Keep));
    for number in [1, u64::MAX, 1 << 63, 16383, 1 << 14, (1 << 62) - 1, 0xdead_beef_dead_beef] {
        let next = db.scan(NOW, ScanCursor::from_u64(number), usize::MAX, |_| {});
        assert_eq!(next, None);
    }
}

#[test]
fn random_key_may_be_any_and_is_never_an_expired_one() {
    let mut shard = shard_of_few_slots();
    let db = shard.db(DB);
    let mut state = 1;
    let mut rng = || db::next_random(&mut state);
    assert!(db.random_key(NOW, &mut rng).is_none());
    for number in 0..20 {
        put(db, std::format!("{{t}}{number}").as_bytes(), b"v", Expiry::Keep);
        put(db, std::format!("{{72}}{number}").as_bytes(), b"v", Expiry::At(NOW));
    }
    let drawn: BTreeSet<_> = (0..300).filter_map(|_| db.random_key(after(1), &mut rng)).collect();
    assert_eq!(drawn, names(db, after(1)));
    assert_eq!(drawn.len(), 20);
    assert_eq!(db.len(), 20, "those that had expired went as they were drawn");
    for number in 0..20 {
        assert!(db.remove(NOW, &key(std::format!("{{t}}{number}").as_bytes())));
    }
    assert!(db.random_key(after(1), &mut rng).is_none());
}

#[test]
fn expiry_cycle_removes_all_that_has_expired_in_bounded_steps() {
    let mut shard = shard();
    let count = 40 * SCALE;
    for number in 0..count {
        put(shard.db(DB), std::format!("gone{number}").as_bytes(), b"v", Expiry::At(after(1)));
        put(shard.db(DbIndex(2)), std::format!("{{t}}{number}").as_bytes(), b"v", Expiry::At(after(1000)));
        put(shard.db(DbIndex(2)), std::format!("{{t}}stays{number}").as_bytes(), b"v", Expiry::Keep);
    }
    let mut told = BTreeSet::new();
    loop {
        let report = shard.expire_cycle(after(2), 20, |db, name| assert!(told.insert((db, name.to_owned()))));
        assert!(report.examined < 20 + 50, "{report:?}");
        if report.done {
            break;
        }
    }
    assert_eq!(told.len(), count);
    assert_eq!(shard.db(DB).len(), 0);
    assert_eq!(shard.db(DbIndex(2)).len(), 2 * count);
    assert_eq!(shard.db(DbIndex(2)).volatile_len(), count);
    assert!(
        (900..=998).contains(&shard.db(DbIndex(2)).average_ttl_ms()),
        "{}",
        shard.db(DbIndex(2)).average_ttl_ms()
    );
    assert_eq!(shard.counters().expired, count as u64);
    while !shard.expire_cycle(after(2000), 1000, |_, _| {}).done {}
    assert_eq!(shard.db(DbIndex(2)).len(), count);
}

#[test]
fn find_counts_as_a_use_unless_told_not_to() {
    let mut shard = shard();
    put(shard.db(DB), b"k", b"v", Expiry::Keep);
    let db = shard.db(DB);
    let later = after(9000);
    assert_eq!(
        db.find(later, &key(b"k"), Touch::No, Purpose::Read).map(|entry| entry.idle_ms(later)),
        Some(9000)
    );
    assert_eq!(
        db.find(later, &key(b"k"), Touch::Yes, Purpose::Read).map(|entry| entry.idle_ms(later)),
        Some(0)
    );
    let lfu = ClockPolicy::Lfu { log_factor: 0, decay_minutes: 1 };
    shard.set_clock_policy(lfu);
    let db = shard.db(DB);
    db.remove(NOW, &key(b"k"));
    put(db, b"k", b"v", Expiry::Keep);
    assert_eq!(
        db.find(NOW, &key(b"k"), Touch::Yes, Purpose::Read).and_then(|entry| entry.freq(NOW, lfu)),
        Some(6)
    );
    put(db, b"k", b"v", Expiry::Keep);
    assert_eq!(db.peek(NOW, &key(b"k")).and_then(|entry| entry.freq(NOW, lfu)), Some(7));
    assert_eq!(db.peek(NOW, &key(b"k")).and_then(|entry| entry.freq(NOW, ClockPolicy::Lru)), None);
}

#[test]
fn layout_spreads_slots_over_shards() {
    assert_eq!(Layout::new(3, 1), None);
    assert_eq!(Layout::new(0, 1), None);
    assert_eq!(Layout::new(1, 0), None);
    assert_eq!(Layout::new(32768, 1), None);
    let layout = Layout::new(16, 1).expect("a power of two");
    for slot in Slot::all() {
        assert_eq!(layout.slot_at(layout.shard_of(slot), layout.index_in_shard(slot)), Some(slot));
    }
    assert_eq!(layout.slot_at(15, 1024), None);
}

#[test]
fn shard_may_move_to_another_thread() {
    fn is_send<T: Send>() {}
    is_send::<Shard>();
}

/// One step of the model test. Names are few, so that steps meet the same keys.
#[derive(Clone, Debug)]
enum Step {
    Set { name: u16, len: usize, expiry: Option<u64> },
    SetInt { name: u16, number: i64 },
    Append { name: u16, len: usize },
    Expire { name: u16, at: Option<u64> },
    Remove { name: u16 },
    RemoveMany { from: u16, count: u16 },
    Rename { from: u16, to: u16 },
    Copy { from: u16, to: u16 },
    Wait { ms: u64 },
    Cycle { budget: u32 },
    Scan { count: usize },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let name = || 0u16..if cfg!(miri) { 60 } else { 2000 };
    let len = || prop_oneof![0usize..100, 1000usize..1100];
    let step = prop_oneof![
        12 => (name(), len(), proptest::option::of(0u64..200))
            .prop_map(|(name, len, expiry)| Step::Set { name, len, expiry }),
        2 => (name(), any::<i64>()).prop_map(|(name, number)| Step::SetInt { name, number }),
        3 => (name(), len()).prop_map(|(name, len)| Step::Append { name, len }),
        3 => (name(), proptest::option::of(0u64..200)).prop_map(|(name, at)| Step::Expire { name, at }),
        4 => name().prop_map(|name| Step::Remove { name }),
        1 => (name(), 0u16..500).prop_map(|(from, count)| Step::RemoveMany { from, count }),
        2 => (name(), name()).prop_map(|(from, to)| Step::Rename { from, to }),
        2 => (name(), name()).prop_map(|(from, to)| Step::Copy { from, to }),
        1 => (0u64..50).prop_map(|ms| Step::Wait { ms }),
        1 => (0u32..100).prop_map(|budget| Step::Cycle { budget }),
        2 => (1usize..30).prop_map(|count| Step::Scan { count }),
    ];
    proptest::collection::vec(step, if cfg!(miri) { 0..150 } else { 0..1500 })
}

/// Keys of three slots of one shard, most of them in the first.
fn name_of(number: u16) -> Vec<u8> {
    let tag = TAGS[if number.is_multiple_of(4) { usize::from(number % 3) } else { 0 }];
    std::format!("{{{tag}}}:{number}").into_bytes()
}

/// What a keyspace is, told in the simplest way.
#[derive(Default)]
struct Model {
    keys: BTreeMap<Vec<u8>, (Vec<u8>, Option<UnixMs>)>,
}

impl Model {
    fn forget_expired(&mut self, now: UnixMs) {
        self.keys.retain(|_, (_, expiry)| expiry.is_none_or(|at| now <= at));
    }
}

/// The keyspace and its model, with a scan under way over the keys that were there when it began and have not
/// been removed.
struct Pair {
    shard: Shard,
    model: Model,
    now: UnixMs,
    start: ScanCursor,
    cursor: ScanCursor,
    owed: BTreeSet<Vec<u8>>,
}

impl Pair {
    fn new() -> Self {
        let shard = shard_of_few_slots();
        let cursor = shard.settings.layout.scan_start(shard.index()).expect("a shard of the layout");
        Self { shard, model: Model::default(), now: NOW, start: cursor, cursor, owed: BTreeSet::new() }
    }

    fn run(&mut self, step: Step) {
        let (now, db, keys) = (self.now, self.shard.db(DB), &mut self.model.keys);
        match step {
            Step::Set { name, len, expiry } => {
                let (name, value) = (name_of(name), vec![b'v'; len]);
                let at = expiry.map(|ms| now.plus_ms(ms));
                db.set(now, &key(&name), NewValue::Bytes(&value), at.map_or(Expiry::Clear, Expiry::At));
                keys.insert(name, (value, at));
            }
            Step::SetInt { name, number } => {
                let name = name_of(name);
                db.set(now, &key(&name), NewValue::Int(number), Expiry::Keep);
                keys.entry(name).or_default().0 = number.to_string().into_bytes();
            }
            Step::Append { name, len } => {
                let name = name_of(name);
                db.modify_bytes(now, &key(&name), |bytes| bytes.resize(bytes.len() + len, b'a'));
                let value = &mut keys.entry(name).or_default().0;
                value.resize(value.len() + len, b'a');
            }
            Step::Expire { name, at } => {
                let (name, at) = (name_of(name), at.map(|ms| now.plus_ms(ms)));
                let had = keys.get(&name).map(|(_, expiry)| expiry.is_some());
                assert_eq!(db.set_expiry(now, &key(&name), at), had.is_some_and(|had| had || at.is_some()));
                if let Some((_, expiry)) = keys.get_mut(&name) {
                    *expiry = at;
                }
            }
            Step::Remove { name } => {
                let name = name_of(name);
                assert_eq!(db.remove(now, &key(&name)), keys.remove(&name).is_some());
            }
            Step::RemoveMany { from, count } => {
                for name in (from..from.saturating_add(count)).map(name_of) {
                    assert_eq!(db.remove(now, &key(&name)), keys.remove(&name).is_some());
                }
            }
            Step::Rename { from, to } => {
                let (from, to) = (name_of(from), name_of(to));
                let moved = keys.remove(&from);
                assert_eq!(db.rename(now, &key(&from), &key(&to)), moved.is_some());
                keys.extend(moved.map(|value| (to, value)));
            }
            Step::Copy { from, to } => {
                let (from, to) = (name_of(from), name_of(to));
                let copied = keys.get(&from).cloned();
                assert_eq!(db.copy(now, &key(&from), &key(&to)), copied.is_some());
                keys.extend(copied.map(|value| (to, value)));
            }
            Step::Wait { ms } => self.now = now.plus_ms(ms),
            Step::Cycle { budget } => {
                self.shard.expire_cycle(now, budget, |_, name| assert!(!keys.contains_key(name)));
            }
            Step::Scan { count } => self.scan(count),
        }
        self.model.forget_expired(self.now);
        self.owed.retain(|name| self.model.keys.contains_key(name));
    }

    /// Goes on with the scan. When it ends, nothing may be owed any more; then another begins.
    fn scan(&mut self, count: usize) {
        if self.cursor == self.start {
            self.owed = self.model.keys.keys().cloned().collect();
        }
        let (keys, owed) = (&self.model.keys, &mut self.owed);
        let next = self.shard.db(DB).scan(self.now, self.cursor, count, |entry| {
            assert!(keys.contains_key(entry.key()));
            owed.remove(entry.key());
        });
        self.cursor = next.unwrap_or(self.start);
        assert!(next.is_some() || self.owed.is_empty(), "never visited: {:?}", self.owed);
    }

    fn compare(&mut self) {
        let now = self.now;
        // The rest of the round that is under way, then a whole one.
        for _ in 0..2 {
            while !self.shard.expire_cycle(now, 1000, |_, _| {}).done {}
        }
        let db = self.shard.db(DB);
        let mut found = BTreeMap::new();
        db.for_each_key(now, |entry| {
            assert!(found.insert(entry.key().to_owned(), (text(entry), entry.expiry())).is_none())
        });
        assert_eq!(found, self.model.keys);
        assert_eq!(db.len(), found.len());
        assert_eq!(db.volatile_len(), found.values().filter(|(_, expiry)| expiry.is_some()).count());
        assert_eq!(
            TAGS.map(|tag| db.len_in_slot(key(tag.as_bytes()).slot())).iter().sum::<usize>(),
            found.len()
        );
        for (name, (value, _)) in &found {
            assert_eq!(read(db, now, name).as_ref(), Some(value));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 2 } else { 24 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn keyspace_behaves_as_an_ordered_map_with_expiry(steps in steps()) {
        let mut pair = Pair::new();
        for step in steps {
            pair.run(step);
        }
        pair.compare();
    }
}

#[test]
fn what_clients_write_to_a_replica_expires_by_itself_and_nothing_else_does() {
    let mut shard = shard();
    shard.set_expiry_policy(ExpiryPolicy::Keep);
    for name in ["primary's", "own", "kept", "gone"] {
        put(shard.db(DB), name.as_bytes(), b"v", Expiry::At(after(10)));
    }
    for name in ["own", "kept", "gone"] {
        shard.note_own(DB, name.as_bytes());
    }
    assert!(shard.db(DB).set_expiry(NOW, &key(b"kept"), None));
    assert!(shard.db(DB).remove(NOW, &key(b"gone")));
    let mut expired = Vec::new();
    let mut cycle = |shard: &mut Shard, now| {
        while !shard.expire_cycle(now, 2, |_, name| expired.push(name.to_vec())).done {}
    };
    cycle(&mut shard, after(9));
    cycle(&mut shard, after(11));
    cycle(&mut shard, after(12));
    assert_eq!(expired, [b"own".to_vec()]);
    assert_eq!((shard.db(DB).len(), shard.counters().expired), (2, 1));
}
