//! The hash table of a slot, and of a big collection: cache-line buckets of tagged pointers, grown and shrunk one bucket at a
//! time.
//!
//! A bucket is one 64-byte line of eight cells. A cell is the 48-bit address of an entry with 16 bits of its
//! hash, so a lookup reads one line for the bucket and, almost always, only the entry it is after; both can
//! be prefetched. A ninth entry turns the last cell into a link to an overflow bucket. Chains are dense: a
//! removal moves the chain's last entry into the hole and frees an overflow bucket that is no longer needed,
//! so there are no tombstones and nothing decays.
//!
//! Growth is linear hashing (Litwin, 1980): above [`LOAD_MAX`] the next bucket in order is split, so one
//! insert never pays for more than one chain and one copy of 16 KiB, at any size. Buckets lie in one array up
//! to [`SEGMENT_LEN`], beyond that in segments of as many. The low bits of the hash are part of the tag, so
//! an array is split without touching an entry.
//!
//! A scan position is a point in the order of bit-reversed hashes. Each bucket covers an interval of that
//! order at any size of the table, so a position stays valid through growth and shrinking: what lies before
//! it has been visited, what lies behind it will be. (Redis' reverse binary cursor, seen from the other
//! side.)
//!
//! Considered instead: hashbrown (no way to prefetch a bucket; rehashes the whole table at once), doubling
//! with two tables as Redis does (two lookups during growth, half-empty tables after it), cuckoo hashing
//! (inserts move entries, so a scan loses its guarantee).

mod array;
mod bucket;
#[cfg(test)]
mod tests;

use slotway_core::random::below;

use array::Root;
use bucket::{BUCKET_LEN, Bucket, Cell, Place, tag};
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ptr::NonNull;

/// What a table can hold: an owning pointer of one word to an allocation.
///
/// # Safety
/// The address that `into_raw` gives is unique to the value and a multiple of 4; `from_raw` gives back what
/// `into_raw` took; a `Ref` only reads through it, or writes what no reference is ever made to.
pub(crate) unsafe trait Thin: Sized {
    /// Reads the value without owning it.
    type Ref<'a>: Copy
    where
        Self: 'a;

    /// Gives up ownership.
    fn into_raw(self) -> NonNull<u8>;

    /// Takes ownership back.
    ///
    /// # Safety
    /// `raw` came from `into_raw`, and ownership is taken back once.
    unsafe fn from_raw(raw: NonNull<u8>) -> Self;

    /// Reads without owning.
    ///
    /// # Safety
    /// `raw` came from `into_raw` and is not taken back or changed during `'a`.
    unsafe fn borrow<'a>(raw: NonNull<u8>) -> Self::Ref<'a>;
}

/// Bits of a scan position.
pub(crate) const POSITION_BITS: u32 = 48;

/// Buckets of a segment, and of the longest array: as many as the low bits of a tag can tell apart.
const SEGMENT_LEN: usize = 1 << TAG_INDEX_BITS;
const TAG_INDEX_BITS: u32 = 8;
/// Entries per bucket above which one is added, as a fraction: 13 bytes per entry and 1.12 lines per lookup.
/// At 5 it would be 15 bytes and 1.07 lines.
const LOAD_MAX: (usize, usize) = (13, 2);
/// Entries per bucket below which one is given up: far enough from the other not to swing.
const LOAD_MIN: (usize, usize) = (13, 5);
/// Longest chain that giving up a bucket may make: three lines.
const MERGED_LEN_MAX: usize = 22;
/// Buckets that one write gives up at most.
const SHRINK_STEP: usize = 4;

const ADDRESS_MASK: u64 = (1 << TAG_SHIFT) - 1;
const TAG_SHIFT: u32 = 48;

/// An address as the low 48 bits of a word, the lowest two of them 0.
fn pack(raw: NonNull<u8>) -> u64 {
    let address = raw.as_ptr().expose_provenance() as u64;
    assert!(address & !(ADDRESS_MASK & !0b11) == 0, "addresses of allocations are aligned and have 48 bits");
    address
}

/// What [`Table::take_if`] found.
pub(crate) enum Lookup<'a, T: Thin + 'a> {
    /// No such entry.
    Absent,
    /// The entry, left in place.
    Kept(T::Ref<'a>),
    /// The entry, removed.
    Taken(T),
}

/// A hash table. Owns its entries; hashes and equality are the caller's.
///
/// `memory` is the caller's count of allocated bytes; the table adds and subtracts what it allocates itself,
/// not its entries. `hash_of` gives the hash that an entry was inserted with; it is called in large tables
/// only.
pub(crate) struct Table<T: Thin> {
    root: Root,
    // 32 bits, so that an empty slot costs 16 bytes together with its owner's own count: four billion keys of
    // one slot would take several hundred gigabytes.
    len: u32,
    entries: PhantomData<T>,
}

// SAFETY: the table is the only owner of its buckets and entries.
unsafe impl<T: Thin + Send> Send for Table<T> {}

impl<T: Thin> Table<T> {
    /// A table without entries and without memory.
    pub(crate) const fn new() -> Self {
        Self { root: Root::EMPTY, len: 0, entries: PhantomData }
    }

    /// Number of entries.
    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    /// How many entries fit without overflow buckets.
    pub(crate) fn cells(&self) -> usize {
        self.root.len() * BUCKET_LEN
    }

    /// Asks for the bucket of `hash` to be brought into the cache.
    #[inline]
    pub(crate) fn prefetch_bucket(&self, hash: u64) {
        if let Some(bucket) = self.bucket_of(hash) {
            prefetch(bucket.cast());
        }
    }

    /// Asks for the entries that may have `hash` to be brought into the cache. Itself costs a miss unless the
    /// bucket has been prefetched.
    #[inline]
    pub(crate) fn prefetch_entries(&self, hash: u64) {
        let Some(bucket) = self.bucket_of(hash) else { return };
        for place in bucket::matches(bucket, tag(hash)) {
            prefetch(place.read().address());
            // Most entries straddle two lines; the value is on the second.
            prefetch(next_line(place.read().address()));
        }
    }

    /// The entry with `hash` for which `is_it` holds.
    #[inline]
    pub(crate) fn get(&self, hash: u64, is_it: impl Fn(T::Ref<'_>) -> bool) -> Option<T::Ref<'_>> {
        self.locate(hash, is_it).map(|place| self.at(place))
    }

    /// Finds an entry, and removes it if `condition` holds for it.
    #[inline]
    pub(crate) fn take_if(
        &mut self,
        hash: u64,
        is_it: impl Fn(T::Ref<'_>) -> bool,
        condition: impl FnOnce(T::Ref<'_>) -> bool,
        memory: &mut usize,
    ) -> Lookup<'_, T> {
        let Some(place) = self.locate(hash, is_it) else { return Lookup::Absent };
        if !condition(self.at(place)) {
            return Lookup::Kept(self.at(place));
        }
        let taken = self.take_at(index_of(hash, self.root.len()), place, memory);
        self.shrink(memory);
        Lookup::Taken(taken)
    }

    /// Changes an entry in place; `change` may exchange its allocation.
    #[inline]
    pub(crate) fn update<R>(
        &mut self,
        hash: u64,
        is_it: impl Fn(T::Ref<'_>) -> bool,
        change: impl FnOnce(&mut T) -> R,
    ) -> Option<R> {
        let place = self.locate(hash, is_it)?;
        // SAFETY: the cell owns the entry. `Lent` gives it back when it is dropped, even if `change` panics,
        // and until then nobody else can look at the cell.
        let entry = ManuallyDrop::new(unsafe { T::from_raw(place.read().address()) });
        Some(change(&mut Lent { place, hash, entry }.entry))
    }

    /// Adds an entry. The caller has made sure that no equal one is there.
    pub(crate) fn insert(
        &mut self,
        hash: u64,
        entry: T,
        hash_of: impl Fn(T::Ref<'_>) -> u64,
        memory: &mut usize,
    ) {
        self.len += 1;
        self.shrink(memory);
        self.grow(hash_of, memory);
        let bucket = self.root.bucket(index_of(hash, self.root.len()));
        bucket::push(bucket, Cell::entry(entry.into_raw(), hash), memory);
    }

    /// Visits the entries of one bucket and gives the position of the next; `None` behind the last. Start at
    /// 0; bits of `position` above [`POSITION_BITS`] are ignored.
    ///
    /// Entries that are in the table from the first call to the last are visited at least once, whatever is
    /// inserted and removed in between; an entry may be visited twice when the table shrinks meanwhile.
    pub(crate) fn scan<'a>(&'a self, position: u64, visit: impl FnMut(T::Ref<'a>)) -> Option<u64> {
        let (index, next) = self.interval(position)?;
        bucket::entries(self.root.bucket(index)).map(|place| self.at(place)).for_each(visit);
        next
    }

    /// As [`Self::scan`], but takes out the entries for which `condition` holds and gives them to `taken`.
    pub(crate) fn sweep(
        &mut self,
        position: u64,
        mut condition: impl FnMut(T::Ref<'_>) -> bool,
        mut taken: impl FnMut(T),
        memory: &mut usize,
    ) -> Option<u64> {
        let (index, next) = self.interval(position)?;
        self.drain_bucket(index, |table, place| {
            if condition(table.at(place)) {
                taken(table.take_at(index, place, memory));
            }
        });
        self.shrink(memory);
        next
    }

    /// All entries, bucket after bucket.
    pub(crate) fn iter(&self) -> impl Iterator<Item = T::Ref<'_>> {
        let places = (0..self.root.len()).flat_map(|index| bucket::entries(self.root.bucket(index)));
        places.map(|place| self.at(place))
    }

    /// An entry, each with the same chance; `None` when there is none.
    pub(crate) fn random(&self, rng: &mut impl FnMut() -> u64) -> Option<T::Ref<'_>> {
        if self.len == 0 {
            return None;
        }
        // Buckets differ in how many entries they have: a cell beyond them is a miss, and another bucket is
        // drawn. Chains longer than FAIR are drawn a little too rarely.
        const FAIR: usize = 2 * BUCKET_LEN;
        loop {
            let chain = self.root.bucket(below(rng(), self.root.len()));
            let len = bucket::entries(chain).count();
            if let Some(place) = bucket::entries(chain).nth(below(rng(), len.max(FAIR))) {
                return Some(self.at(place));
            }
        }
    }

    /// Removes all entries and gives back all memory.
    pub(crate) fn clear(&mut self, memory: &mut usize) {
        for index in 0..self.root.len() {
            while let Some(cell) = bucket::pop(self.root.bucket(index), memory) {
                // SAFETY: the cell owned the entry and is gone.
                drop(unsafe { T::from_raw(cell.address()) });
            }
        }
        core::mem::replace(&mut self.root, Root::EMPTY).release(memory);
        self.len = 0;
    }

    #[inline]
    fn bucket_of(&self, hash: u64) -> Option<NonNull<Bucket>> {
        let buckets = self.root.len();
        (buckets > 0).then(|| self.root.bucket(index_of(hash, buckets)))
    }

    #[inline]
    fn locate(&self, hash: u64, is_it: impl Fn(T::Ref<'_>) -> bool) -> Option<Place> {
        let tag = tag(hash);
        bucket::buckets(self.bucket_of(hash)?)
            .find_map(|bucket| bucket::matches(bucket, tag).find(|&place| is_it(self.at(place))))
    }

    /// The entry at `place`, which holds one.
    #[inline]
    fn at(&self, place: Place) -> T::Ref<'_> {
        // SAFETY: the entry is owned by this table, which is borrowed for as long as the answer.
        unsafe { T::borrow(place.read().address()) }
    }

    fn take_at(&mut self, index: usize, place: Place, memory: &mut usize) -> T {
        self.len -= 1;
        let cell = bucket::remove(self.root.bucket(index), place, memory);
        // SAFETY: the cell owned the entry and is gone.
        unsafe { T::from_raw(cell.address()) }
    }

    /// Calls `visit` with each entry of a bucket, last first, so that it may remove the one it is given: what
    /// is moved into the hole has been visited.
    fn drain_bucket(&mut self, index: usize, mut visit: impl FnMut(&mut Self, Place)) {
        let chain = self.root.bucket(index);
        for nth in (0..bucket::entries(chain).count()).rev() {
            if let Some(place) = bucket::entries(chain).nth(nth) {
                visit(self, place);
            }
        }
    }

    /// Adds a bucket if the table is too full, and moves the entries there that belong there.
    fn grow(&mut self, hash_of: impl Fn(T::Ref<'_>) -> u64, memory: &mut usize) {
        let new = self.root.len();
        if new > 0 && self.len() * LOAD_MAX.1 <= new * LOAD_MAX.0 {
            return;
        }
        self.root = self.root.with_bucket(memory);
        let Some((source, bit)) = split_of(new) else { return };
        let target = self.root.bucket(new);
        self.drain_bucket(source, |table, place| {
            let hash =
                if bit < SEGMENT_LEN { u64::from(place.read().tag()) } else { hash_of(table.at(place)) };
            if hash as usize & bit != 0 {
                let cell = bucket::remove(table.root.bucket(source), place, memory);
                bucket::push(target, cell, memory);
            }
        });
    }

    /// Gives up some of the last buckets if the table is too empty, and moves their entries to where they
    /// came from.
    ///
    /// Whoever removes entries in scan order (the expiry cycle, SCAN with DEL) leaves all the others in few
    /// buckets, whatever the size of the table. So a bucket is kept as long as giving it up would make a long
    /// chain; later writes catch up, a few buckets each.
    fn shrink(&mut self, memory: &mut usize) {
        if self.len == 0 {
            return core::mem::replace(&mut self.root, Root::EMPTY).release(memory);
        }
        for _ in 0..SHRINK_STEP {
            let Some((target, _)) = self.superfluous_bucket().and_then(split_of) else { return };
            while let Some(cell) = bucket::pop(self.root.bucket(self.root.len() - 1), memory) {
                bucket::push(self.root.bucket(target), cell, memory);
            }
            self.root = self.root.without_bucket(memory);
        }
    }

    /// The last bucket, if the table is too empty and can do without it.
    fn superfluous_bucket(&self) -> Option<usize> {
        let buckets = self.root.len();
        if self.len() * LOAD_MIN.1 >= buckets * LOAD_MIN.0 {
            return None;
        }
        let (target, _) = split_of(buckets - 1)?;
        let chain_len = |index| bucket::entries(self.root.bucket(index)).count();
        (chain_len(buckets - 1) + chain_len(target) <= MERGED_LEN_MAX).then_some(buckets - 1)
    }

    /// The bucket that covers `position`, and where the next one begins.
    fn interval(&self, position: u64) -> Option<(usize, Option<u64>)> {
        let buckets = self.root.len();
        if buckets == 0 {
            return None;
        }
        let position = position & ((1 << POSITION_BITS) - 1);
        let index = index_of((position << (u64::BITS - POSITION_BITS)).reverse_bits(), buckets);
        let width = 1 << (POSITION_BITS - index_bits(index, buckets));
        let next = (position & !(width - 1)) + width;
        Some((index, (next < 1 << POSITION_BITS).then_some(next)))
    }
}

impl<T: Thin> Drop for Table<T> {
    fn drop(&mut self) {
        // Nobody counts any more.
        let mut memory = usize::MAX;
        self.clear(&mut memory);
    }
}

/// An entry that is out of its cell while it is changed.
struct Lent<T: Thin> {
    place: Place,
    hash: u64,
    entry: ManuallyDrop<T>,
}

impl<T: Thin> Drop for Lent<T> {
    fn drop(&mut self) {
        // SAFETY: taken here only, and `self` is never looked at again.
        let entry = unsafe { ManuallyDrop::take(&mut self.entry) };
        self.place.write(Cell::entry(entry.into_raw(), self.hash));
    }
}

/// The bucket of `hash` among `buckets`: as many low bits as the table's size calls for, one fewer where that
/// bucket does not exist yet.
#[inline]
fn index_of(hash: u64, buckets: usize) -> usize {
    let mask = buckets.next_power_of_two() - 1;
    let index = hash as usize & mask;
    if index < buckets { index } else { index & mask >> 1 }
}

/// How many low bits of their hash all entries of bucket `index` have in common.
fn index_bits(index: usize, buckets: usize) -> u32 {
    let bits = buckets.next_power_of_two().trailing_zeros();
    let is_split = index + (1 << bits >> 1) < buckets || index >= 1 << bits >> 1;
    if is_split { bits } else { bits.saturating_sub(1) }
}

/// The bucket that bucket `index` was split from and the bit of the hash that tells them apart; `None` for
/// the first bucket.
fn split_of(index: usize) -> Option<(usize, usize)> {
    let bit = 1 << index.checked_ilog2()?;
    Some((index - bit, bit))
}

fn next_line(raw: NonNull<u8>) -> NonNull<u8> {
    raw.map_addr(|address| address.saturating_add(size_of::<Bucket>()))
}

/// Asks for the cache line at `raw`; nothing where the platform has no word for it.
#[inline]
fn prefetch(raw: NonNull<u8>) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: prefetching reads nothing; any address is allowed.
    unsafe {
        core::arch::x86_64::_mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(raw.as_ptr().cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri))))]
    let _ = raw;
}
