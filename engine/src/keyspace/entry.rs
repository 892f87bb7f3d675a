//! One key with its value, in one allocation.
//!
//! ```text
//!  0       4        6          8
//!  | meta  | key len| value len| expiry? | key len? | number, Vec or Box | key ... | value ... |
//!  meta: access clock in the high 24 bits, flags in the low 8
//! ```
//!
//! What is absent takes no room: a key of 16 bytes with a value of 64 and no expiry takes 88 bytes. A short
//! value lies behind its key (one cache miss reads both); a long one in a `Vec` of its own, so that APPEND
//! and SETRANGE grow it in place and RENAME moves it without a copy. Only the rare key of 64 KiB and more
//! needs the second length.
//!
//! [`EntryBox`] owns the allocation, [`Entry`] reads it. All offsets follow from the header, which is written
//! once per allocation; only the access clock, the number, the expiry time and same-shaped values change in
//! place.
//!
//! A small collection is bytes too, and lies where a short string would; three flags say which type the bytes are of.
//! A big one is behind a pointer. [`EntryBox::edit`] moves it from one form to the other.

use super::clock::{AccessClock, ClockPolicy};
use super::value::{EMBSTR_LEN_MAX, Value, ValueRef};
use crate::table::Thin;
use crate::value::{Encoding, Kind, Object, ObjectRef, Packed};
use alloc::alloc::{alloc, dealloc, handle_alloc_error};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::alloc::Layout;
use core::marker::PhantomData;
use core::ptr::NonNull;
use slotway_core::time::UnixMs;

/// Longest value that lies in the entry itself, in bytes.
pub(super) const INLINE_LEN_MAX: usize = 1024;

/// Every field of an entry begins at a multiple of this, and so does the entry.
const ALIGN: usize = 8;
/// Bytes in front of the optional fields.
const HEADER_LEN: usize = 8;
/// Room for the `Vec` of a long value.
const HEAP_LEN: usize = size_of::<Vec<u8>>().next_multiple_of(ALIGN);
/// Room for the pointer to a big collection.
const OBJECT_LEN: usize = size_of::<Option<Box<Object>>>().next_multiple_of(ALIGN);
/// Longest key whose length fits the header.
const SHORT_KEY_LEN_MAX: usize = u16::MAX as usize;

const TAG_MASK: u32 = 0b11;
const HAS_EXPIRY: u32 = 1 << 2;
const LONG_KEY: u32 = 1 << 3;
/// Of two marks, the one that a snapshot tells entries by that it has taken: see `snapshot`.
const MARK: u32 = 1 << 4;
/// The type of a small collection; 0 for a string, or [`MODIFIED`].
const PACKED_MASK: u32 = 0b111 << PACKED_SHIFT;
const PACKED_SHIFT: u32 = 5;
/// A string that has been modified in place; no small collection has this number.
const MODIFIED: u32 = PACKED_MASK;
const FLAGS_MASK: u32 = 0xff;
const CLOCK_SHIFT: u32 = 8;

/// Where the value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    Int = 0,
    Inline = 1,
    Heap = 2,
    Object = 3,
}

/// The first eight bytes of an entry: everything that offsets follow from.
#[derive(Clone, Copy)]
#[repr(C)]
struct Header {
    meta: u32,
    key_len: u16,
    value_len: u16,
}

const _: () = assert!(size_of::<Header>() == HEADER_LEN && align_of::<Vec<u8>>() <= ALIGN);

impl Header {
    fn tag(self) -> Tag {
        match self.meta & TAG_MASK {
            0 => Tag::Int,
            1 => Tag::Inline,
            2 => Tag::Heap,
            _ => Tag::Object,
        }
    }

    /// The type of the small collection that the inline bytes are; `None` for a string.
    fn packed(self) -> Option<Packed> {
        Packed::from_number(((self.meta & PACKED_MASK) >> PACKED_SHIFT) as u8)
    }

    fn has(self, flag: u32) -> bool {
        self.meta & flag != 0
    }

    fn origin(self) -> Origin {
        if self.meta & PACKED_MASK == MODIFIED { Origin::Modified } else { Origin::Stored }
    }

    fn long_key_offset(self) -> usize {
        HEADER_LEN + if self.has(HAS_EXPIRY) { size_of::<u64>() } else { 0 }
    }

    fn payload_offset(self) -> usize {
        self.long_key_offset() + if self.has(LONG_KEY) { size_of::<u64>() } else { 0 }
    }

    fn key_offset(self) -> usize {
        self.payload_offset()
            + match self.tag() {
                Tag::Int => size_of::<i64>(),
                Tag::Inline => 0,
                Tag::Heap => HEAP_LEN,
                Tag::Object => OBJECT_LEN,
            }
    }

    /// Bytes asked of the allocator.
    fn size(self, key_len: usize) -> usize {
        size_class(self.key_offset() + key_len + usize::from(self.value_len))
    }
}

/// Rounds up to the steps of common allocators (an eighth of the power of two below, at least 8): values of
/// about the same length then overwrite each other in place, and `dealloc` needs no stored capacity.
fn size_class(len: usize) -> usize {
    let power = 1 << (len.max(2) - 1).ilog2();
    let step = (power / 8).max(ALIGN);
    // A power of two: no need for the division of `next_multiple_of`, which showed in profiles.
    (len + step - 1) & !(step - 1)
}

/// A value on its way into an entry.
enum Payload<'a> {
    Int(i64),
    Inline(&'a [u8]),
    Packed(Packed, &'a [u8]),
    Heap(Vec<u8>),
    Object(Box<Object>),
}

impl<'a> Payload<'a> {
    fn of(value: ValueRef<'a>) -> Self {
        match value {
            ValueRef::Int(number) => Payload::Int(number),
            ValueRef::Bytes(bytes) if bytes.len() <= INLINE_LEN_MAX => Payload::Inline(bytes),
            ValueRef::Bytes(bytes) => Payload::Heap(bytes.to_vec()),
        }
    }

    fn of_object(object: Object) -> Self {
        Payload::Object(Box::new(object))
    }

    fn tag(&self) -> Tag {
        match self {
            Payload::Int(_) => Tag::Int,
            Payload::Inline(_) | Payload::Packed(..) => Tag::Inline,
            Payload::Heap(_) => Tag::Heap,
            Payload::Object(_) => Tag::Object,
        }
    }

    fn inline_len(&self) -> usize {
        match self {
            Payload::Inline(bytes) | Payload::Packed(_, bytes) => bytes.len(),
            Payload::Int(_) | Payload::Heap(_) | Payload::Object(_) => 0,
        }
    }

    fn packed_bits(&self) -> u32 {
        match self {
            Payload::Packed(packed, _) => (*packed as u32) << PACKED_SHIFT,
            Payload::Int(_) | Payload::Inline(_) | Payload::Heap(_) | Payload::Object(_) => 0,
        }
    }
}

/// What of a value lies outside the entry, taken out of it.
enum Outside {
    Nothing,
    Heap(Vec<u8>),
    Object(Box<Object>),
}

/// Whether the value has been modified in place, which Redis' encoding `raw` shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Stored,
    Modified,
}

/// An entry that owns its memory.
pub(super) struct EntryBox {
    raw: NonNull<u8>,
}

// SAFETY: an EntryBox is the only owner of its allocation, which holds plain bytes, a Vec<u8> or a Box<Object>; both are Send.
unsafe impl Send for EntryBox {}

impl EntryBox {
    /// A new entry.
    pub(super) fn new(key: &[u8], value: ValueRef<'_>, expiry: Option<UnixMs>, clock: AccessClock) -> Self {
        Self::build(key, Payload::of(value), Origin::Stored, expiry, clock)
    }

    /// A new entry that holds a collection.
    pub(super) fn of_object(key: &[u8], object: Object, expiry: Option<UnixMs>, clock: AccessClock) -> Self {
        match object.into_packed() {
            Ok((packed, bytes)) if bytes.len() <= INLINE_LEN_MAX => {
                Self::build(key, Payload::Packed(packed, &bytes), Origin::Stored, expiry, clock)
            }
            Ok((packed, bytes)) => {
                let payload = Payload::of_object(Object::from_packed(packed, bytes));
                Self::build(key, payload, Origin::Stored, expiry, clock)
            }
            Err(object) => Self::build(key, Payload::of_object(object), Origin::Stored, expiry, clock),
        }
    }

    /// Reads it.
    pub(super) fn as_entry(&self) -> Entry<'_> {
        Entry { raw: self.raw, _borrow: PhantomData }
    }

    /// Replaces value, expiry and clock; in place where the new value has room.
    pub(super) fn overwrite(&mut self, value: ValueRef<'_>, expiry: Option<UnixMs>, clock: AccessClock) {
        let payload = match value {
            ValueRef::Bytes(bytes) if bytes.len() > INLINE_LEN_MAX => Payload::Heap(self.refill(bytes)),
            ValueRef::Int(_) | ValueRef::Bytes(_) => Payload::of(value),
        };
        self.place(payload, Origin::Stored, expiry, clock);
    }

    /// Sets or removes the expiry time; moves the entry only when it had none before or has none after.
    pub(super) fn set_expiry(&mut self, expiry: Option<UnixMs>) {
        let entry = self.as_entry();
        match (entry.header().has(HAS_EXPIRY), expiry) {
            (false, None) => {}
            (true, Some(at)) => self.write(HEADER_LEN, at.as_ms()),
            (false, Some(_)) | (true, None) => {
                let (origin, clock) = (entry.origin(), entry.clock());
                self.rebuild(origin, expiry, clock);
            }
        }
    }

    /// Gives the value as a growable string to `edit`, and marks it modified. A long value is not copied.
    pub(super) fn modify<R>(&mut self, clock: AccessClock, edit: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        let expiry = self.as_entry().expiry();
        let mut bytes = self.take_text();
        let result = edit(&mut bytes);
        if bytes.len() <= INLINE_LEN_MAX {
            self.place(Payload::Inline(&bytes), Origin::Modified, expiry, clock);
        } else {
            self.place(Payload::Heap(bytes), Origin::Modified, expiry, clock);
        }
        result
    }

    /// Gives the collection to `edit` and keeps what it makes of it, in whatever form it has then. A big one is not moved; the bytes of a
    /// small one are lent to `edit` in `scratch`. `None` if the value is a string.
    pub(super) fn edit<R>(
        &mut self,
        clock: AccessClock,
        scratch: &mut Vec<u8>,
        edit: impl FnOnce(&mut Object) -> R,
    ) -> Option<R> {
        let header = self.as_entry().header();
        if header.tag() == Tag::Object {
            let object = self.object_mut();
            let result = edit(object);
            match object.packed_len() {
                Some(len) if len <= INLINE_LEN_MAX => self.settle(clock),
                Some(_) | None => self.as_entry().set_clock(clock),
            }
            return Some(result);
        }
        let packed = header.packed()?;
        scratch.clear();
        scratch.extend_from_slice(self.as_entry().inline());
        let mut object = Object::from_packed(packed, core::mem::take(scratch));
        let result = edit(&mut object);
        let expiry = self.as_entry().expiry();
        match object.into_packed() {
            Ok((packed, bytes)) if bytes.len() <= INLINE_LEN_MAX => {
                self.place(Payload::Packed(packed, &bytes), Origin::Stored, expiry, clock);
                *scratch = bytes;
            }
            Ok((packed, bytes)) => {
                let object = Object::from_packed(packed, bytes);
                self.place(Payload::of_object(object), Origin::Stored, expiry, clock);
            }
            Err(object) => self.place(Payload::of_object(object), Origin::Stored, expiry, clock),
        }
        Some(result)
    }

    /// Puts a collection that has become small enough into the entry itself.
    fn settle(&mut self, clock: AccessClock) {
        let Outside::Object(object) = self.take_outside() else { return };
        *self = Self::of_object(self.as_entry().key(), *object, self.as_entry().expiry(), clock);
    }

    /// The same value and expiry under another key; a long value is moved, not copied.
    pub(super) fn rekeyed(mut self, key: &[u8]) -> Self {
        let entry = self.as_entry();
        let (origin, expiry, clock) = (entry.origin(), entry.expiry(), entry.clock());
        let outside = self.take_outside();
        Self::build(key, self.payload(outside), origin, expiry, clock)
    }

    /// A copy of the value and expiry of `entry` under another key.
    pub(super) fn copied(entry: Entry<'_>, key: &[u8], clock: AccessClock) -> Self {
        let payload = match entry.big_object() {
            Some(object) => Payload::of_object(object.clone()),
            None => entry.payload(),
        };
        Self::build(key, payload, entry.origin(), entry.expiry(), clock)
    }

    /// Puts `payload` into this allocation if it has the shape for it, otherwise into a new one.
    fn place(&mut self, payload: Payload<'_>, origin: Origin, expiry: Option<UnixMs>, clock: AccessClock) {
        let old = self.as_entry().header();
        let key_len = self.as_entry().key().len();
        let new = header(key_len, &payload, origin, expiry, clock);
        let same_shape = new.key_offset() == old.key_offset()
            && new.tag() == old.tag()
            && new.has(HAS_EXPIRY) == old.has(HAS_EXPIRY)
            && new.size(key_len) == old.size(key_len);
        if same_shape {
            drop(self.take_outside());
            self.fill(new, key_len, payload, expiry);
        } else {
            *self = Self::build(self.as_entry().key(), payload, origin, expiry, clock);
        }
    }

    /// Moves everything to a new allocation with another expiry.
    fn rebuild(&mut self, origin: Origin, expiry: Option<UnixMs>, clock: AccessClock) {
        let outside = self.take_outside();
        *self = Self::build(self.as_entry().key(), self.payload(outside), origin, expiry, clock);
    }

    /// The present value to be moved; `outside` is what [`Self::take_outside`] gave.
    fn payload(&self, outside: Outside) -> Payload<'_> {
        match outside {
            Outside::Heap(bytes) => Payload::Heap(bytes),
            Outside::Object(object) => Payload::Object(object),
            Outside::Nothing => self.as_entry().payload(),
        }
    }

    /// The present long value's `Vec` with `bytes` in it; a new one where there is none or it is far too
    /// large.
    fn refill(&mut self, bytes: &[u8]) -> Vec<u8> {
        let reusable = self.take_heap().filter(|heap| heap.capacity() / 2 <= bytes.len());
        let mut heap = reusable.unwrap_or_default();
        heap.clear();
        heap.extend_from_slice(bytes);
        heap
    }

    /// The value's text as a `Vec`; the entry is left with an undefined value of the same shape.
    fn take_text(&mut self) -> Vec<u8> {
        self.take_heap().unwrap_or_else(|| match self.as_entry().string() {
            Some(ValueRef::Bytes(bytes)) => bytes.to_vec(),
            Some(ValueRef::Int(number)) => alloc::format!("{number}").into_bytes(),
            None => Vec::new(),
        })
    }

    /// Takes out what lies outside the entry, and leaves nothing there.
    fn take_outside(&mut self) -> Outside {
        let header = self.as_entry().header();
        match header.tag() {
            Tag::Int | Tag::Inline => Outside::Nothing,
            Tag::Heap => self.take_heap().map_or(Outside::Nothing, Outside::Heap),
            Tag::Object => self.object_slot().take().map_or(Outside::Nothing, Outside::Object),
        }
    }

    /// The big collection.
    fn object_mut(&mut self) -> &mut Object {
        self.object_slot().as_deref_mut().expect("an entry tagged Object has one until it is dropped")
    }

    /// Where the pointer to a big collection is.
    fn object_slot(&mut self) -> &mut Option<Box<Object>> {
        let header = self.as_entry().header();
        assert!(header.tag() == Tag::Object, "asked of entries tagged Object only");
        // SAFETY: an entry tagged Object holds a valid Option<Box<Object>> at its payload offset, and `&mut self` is exclusive.
        unsafe { self.raw.add(header.payload_offset()).cast::<Option<Box<Object>>>().as_mut() }
    }

    /// Takes a long value out and leaves an empty one.
    fn take_heap(&mut self) -> Option<Vec<u8>> {
        let header = self.as_entry().header();
        // SAFETY: an entry tagged Heap holds a valid Vec<u8> at its payload offset, and `&mut self` is
        // exclusive.
        (header.tag() == Tag::Heap).then(|| unsafe {
            core::mem::take(self.raw.add(header.payload_offset()).cast::<Vec<u8>>().as_mut())
        })
    }

    fn build(
        key: &[u8],
        payload: Payload<'_>,
        origin: Origin,
        expiry: Option<UnixMs>,
        clock: AccessClock,
    ) -> Self {
        let header = header(key.len(), &payload, origin, expiry, clock);
        let layout = layout(header.size(key.len()));
        // SAFETY: the size is never zero, it contains the header.
        let Some(raw) = NonNull::new(unsafe { alloc(layout) }) else { handle_alloc_error(layout) };
        let mut entry = Self { raw };
        entry.fill(header, key.len(), payload, expiry);
        entry.write_bytes(header.key_offset(), key);
        entry
    }

    /// Writes everything but the key. The allocation must be of `header.size(key_len)` bytes and hold no
    /// `Vec` that still owns memory.
    fn fill(&mut self, header: Header, key_len: usize, payload: Payload<'_>, expiry: Option<UnixMs>) {
        self.write(0, header);
        if let Some(at) = expiry {
            self.write(HEADER_LEN, at.as_ms());
        }
        if header.has(LONG_KEY) {
            self.write(header.long_key_offset(), key_len as u64);
        }
        match payload {
            Payload::Int(number) => self.write(header.payload_offset(), number),
            Payload::Heap(bytes) => self.write(header.payload_offset(), bytes),
            Payload::Object(object) => self.write(header.payload_offset(), Some(object)),
            Payload::Inline(bytes) | Payload::Packed(_, bytes) => {
                self.write_bytes(header.key_offset() + key_len, bytes)
            }
        }
    }

    fn write<T>(&mut self, offset: usize, value: T) {
        // SAFETY: callers pass offsets of fields that the header in place makes room for, all of them
        // multiples of ALIGN, in an allocation that is exclusively ours.
        unsafe { self.raw.add(offset).cast::<T>().write(value) }
    }

    fn write_bytes(&mut self, offset: usize, bytes: &[u8]) {
        // SAFETY: as in `write`; `bytes` is borrowed from elsewhere, so it cannot overlap an exclusive
        // allocation.
        unsafe { self.raw.add(offset).copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len()) }
    }
}

impl Drop for EntryBox {
    fn drop(&mut self) {
        drop(self.take_outside());
        let entry = self.as_entry();
        let layout = layout(entry.header().size(entry.key_len()));
        // SAFETY: `build` allocated this with the layout that the same header gives, and nothing reads it any
        // more.
        unsafe { dealloc(self.raw.as_ptr(), layout) }
    }
}

// SAFETY: `raw` is a unique allocation aligned to 8, given back unchanged by `from_raw`; `borrow` only reads
// it.
unsafe impl Thin for EntryBox {
    type Ref<'a> = Entry<'a>;

    fn into_raw(self) -> NonNull<u8> {
        core::mem::ManuallyDrop::new(self).raw
    }

    unsafe fn from_raw(raw: NonNull<u8>) -> Self {
        Self { raw }
    }

    unsafe fn borrow<'a>(raw: NonNull<u8>) -> Entry<'a> {
        Entry { raw, _borrow: PhantomData }
    }
}

/// A key with its value and what is known about them, borrowed from the keyspace.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    raw: NonNull<u8>,
    _borrow: PhantomData<&'a EntryBox>,
}

impl<'a> Entry<'a> {
    /// The key.
    pub fn key(self) -> &'a [u8] {
        self.bytes(self.header().key_offset(), self.key_len())
    }

    /// The value.
    pub fn value(self) -> Value<'a> {
        let header = self.header();
        match (header.tag(), header.packed()) {
            (Tag::Int, _) => Value::String(ValueRef::Int(self.read(header.payload_offset()))),
            (Tag::Inline, None) => Value::String(ValueRef::Bytes(self.inline())),
            (Tag::Inline, Some(packed)) => Value::Collection(ObjectRef::from_packed(packed, self.inline())),
            (Tag::Heap, _) => Value::String(ValueRef::Bytes(self.heap())),
            (Tag::Object, _) => Value::Collection(self.object().borrow()),
        }
    }

    /// The value if it is a string.
    #[inline]
    pub fn string(self) -> Option<ValueRef<'a>> {
        match self.value() {
            Value::String(string) => Some(string),
            Value::Collection(_) => None,
        }
    }

    /// The value if it is a collection.
    pub fn collection(self) -> Option<ObjectRef<'a>> {
        match self.value() {
            Value::String(_) => None,
            Value::Collection(object) => Some(object),
        }
    }

    /// When the key expires, if ever.
    pub fn expiry(self) -> Option<UnixMs> {
        self.header().has(HAS_EXPIRY).then(|| UnixMs::from_ms(self.read(HEADER_LEN)))
    }

    /// True once `now` is past the expiry time. (Redis keeps the key during the millisecond itself.)
    pub fn is_expired(self, now: UnixMs) -> bool {
        self.expiry().is_some_and(|at| now > at)
    }

    /// The data type, as TYPE tells it.
    pub fn kind(self) -> Kind {
        self.collection().map_or(Kind::String, ObjectRef::kind)
    }

    /// The encoding, as OBJECT ENCODING tells it.
    pub fn encoding(self) -> Encoding {
        let embedded = |bytes: &[u8]| bytes.len() <= EMBSTR_LEN_MAX && self.origin() == Origin::Stored;
        match self.value() {
            Value::String(ValueRef::Int(_)) => Encoding::Int,
            Value::String(ValueRef::Bytes(bytes)) if embedded(bytes) => Encoding::Embstr,
            Value::String(ValueRef::Bytes(_)) => Encoding::Raw,
            Value::Collection(object) => object.encoding(),
        }
    }

    /// OBJECT IDLETIME: milliseconds since the last access, in steps of a second. Meaningful under
    /// [`ClockPolicy::Lru`].
    pub fn idle_ms(self, now: UnixMs) -> u64 {
        self.clock().idle_ms(now)
    }

    /// OBJECT FREQ: the logarithmic access counter, decayed up to `now`. `None` unless `policy` is
    /// [`ClockPolicy::Lfu`].
    pub fn freq(self, now: UnixMs, policy: ClockPolicy) -> Option<u32> {
        match policy {
            ClockPolicy::Lru => None,
            ClockPolicy::Lfu { decay_minutes, .. } => Some(self.clock().lfu_counter(now, decay_minutes)),
        }
    }

    /// MEMORY USAGE: bytes of the entry itself and of what lies outside it, without its share of the table.
    pub fn footprint(self) -> usize {
        let header = self.header();
        let outside = match header.tag() {
            Tag::Int | Tag::Inline => 0,
            Tag::Heap => self.heap().capacity(),
            // Nothing there while the entry is being taken apart.
            Tag::Object => self.big_object().map_or(0, |object| size_of::<Object>() + object.memory()),
        };
        header.size(self.key_len()) + outside
    }

    /// The access clock.
    pub(super) fn clock(self) -> AccessClock {
        AccessClock::from_bits(self.header().meta >> CLOCK_SHIFT)
    }

    /// Sets the access clock. It changes under shared borrows, as a `Cell` does.
    pub(super) fn set_clock(self, clock: AccessClock) {
        let meta = self.header().meta & FLAGS_MASK | clock.bits() << CLOCK_SHIFT;
        // SAFETY: the entry is alive for 'a; nobody holds a reference to the header, it is only ever read by
        // value; and an Entry cannot leave its thread, so no other thread reads it meanwhile.
        unsafe { self.raw.cast::<u32>().write(meta) }
    }

    /// Which of the two marks it bears; a new entry the first.
    pub(super) fn mark(self) -> bool {
        self.header().has(MARK)
    }

    /// Gives it one of the two marks. As with the clock, it changes under shared borrows.
    pub(super) fn set_mark(self, mark: bool) {
        let meta = self.header().meta & !MARK | if mark { MARK } else { 0 };
        // SAFETY: as in `set_clock`.
        unsafe { self.raw.cast::<u32>().write(meta) }
    }

    fn header(self) -> Header {
        self.read(0)
    }

    fn origin(self) -> Origin {
        self.header().origin()
    }

    fn key_len(self) -> usize {
        let header = self.header();
        match header.has(LONG_KEY) {
            false => usize::from(header.key_len),
            true => self.read::<u64>(header.long_key_offset()) as usize,
        }
    }

    /// The bytes behind the key.
    fn inline(self) -> &'a [u8] {
        let header = self.header();
        self.bytes(header.key_offset() + self.key_len(), usize::from(header.value_len))
    }

    /// What lies in the entry itself, to be copied.
    fn payload(self) -> Payload<'a> {
        match (self.header().packed(), self.value()) {
            (Some(packed), _) => Payload::Packed(packed, self.inline()),
            (None, Value::String(string)) => Payload::of(string),
            (None, Value::Collection(_)) => {
                unreachable!("a big collection is moved or cloned by its pointer")
            }
        }
    }

    fn object(self) -> &'a Object {
        self.big_object().expect("an entry tagged Object has one until it is dropped")
    }

    fn big_object(self) -> Option<&'a Object> {
        let header = self.header();
        if header.tag() != Tag::Object {
            return None;
        }
        // SAFETY: as in `heap`, for entries tagged Object, which hold a valid Option<Box<Object>> there.
        unsafe { self.raw.add(header.payload_offset()).cast::<Option<Box<Object>>>().as_ref() }.as_deref()
    }

    fn heap(self) -> &'a Vec<u8> {
        // SAFETY: called for entries tagged Heap only, which hold a valid Vec<u8> there; it is not changed
        // during 'a.
        unsafe { self.raw.add(self.header().payload_offset()).cast::<Vec<u8>>().as_ref() }
    }

    fn read<T: Copy>(self, offset: usize) -> T {
        // SAFETY: callers pass offsets of plain fields that the header shows to be there, multiples of ALIGN,
        // written by `build`.
        unsafe { self.raw.add(offset).cast::<T>().read() }
    }

    fn bytes(self, offset: usize, len: usize) -> &'a [u8] {
        // SAFETY: callers pass the extent of the key or of the inline value, both written by `build` and not
        // changed while the entry is borrowed.
        unsafe { core::slice::from_raw_parts(self.raw.add(offset).as_ptr(), len) }
    }
}

fn header(
    key_len: usize,
    payload: &Payload<'_>,
    origin: Origin,
    expiry: Option<UnixMs>,
    clock: AccessClock,
) -> Header {
    let is_long = key_len > SHORT_KEY_LEN_MAX;
    let flags = payload.tag() as u32
        | payload.packed_bits()
        | if expiry.is_some() { HAS_EXPIRY } else { 0 }
        | if is_long { LONG_KEY } else { 0 }
        | if origin == Origin::Modified { MODIFIED } else { 0 };
    Header {
        meta: flags | clock.bits() << CLOCK_SHIFT,
        key_len: if is_long { 0 } else { key_len as u16 },
        value_len: payload.inline_len() as u16,
    }
}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, ALIGN)
        .expect("an entry holds slices that exist, so its size is below isize::MAX")
}
