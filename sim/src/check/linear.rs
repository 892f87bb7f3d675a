//! Linearizability: is there one order of all operations that explains every reply?
//!
//! ```text
//!   began ---[ the operation happened at one moment in here ]--- ended
//!   began ---[ at one moment from here on, or never                         (outcome unknown)
//! ```
//!
//! Exact, slot by slot: since every command's keys lie in one slot, slots are independent objects, and a history is
//! linearizable when each slot's is (Herlihy and Wing, 1990). The search goes through beginnings and ends in order of
//! time and keeps every [`Account`] of the past that is consistent so far: what the store holds, which operations under
//! way have already happened, which lost ones still may. At an end, accounts in which that operation cannot have
//! happened are dropped; when none is left, the reply is a lie (Lowe, "Testing for linearizability", 2017).
//!
//! What keeps accounts few, without leaving one out: An operation that by its reply never changes anything happens as soon
//! as it can be explained. One of unknown outcome, which never ends, happens only where another one [`notices`]. Equal ones
//! of these are counted, not told apart; and of two accounts with one past, the one with more of them left stands for both.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::rc::Rc;
use alloc::vec::Vec;

use slotway_core::resp::value::Value;
use slotway_core::slot::Slot;

use super::model::{Span, Store};
use crate::history::{Call, History, Operation, OperationId, Outcome};
use crate::timeline::Time;

/// Steps per reply at most. Past this the search gives up and the verdict is [`Verdict::Undecided`].
const STEPS_MAX: usize = 20_000;

/// What the search found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// There is such an order.
    Linearizable,
    /// No order explains the reply to this operation.
    Impossible(OperationId),
    /// Too many orders are possible to go through them all.
    Undecided,
}

/// A past that is consistent with all replies so far.
#[derive(Clone, Debug)]
struct Account {
    past: Past,
    /// Operations of unknown outcome that may still happen, sorted.
    lost: Vec<Rc<Lost>>,
}

/// What the past has come to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Past {
    store: Rc<Store>,
    /// Operations under way that have not happened yet.
    waiting: Vec<OperationId>,
}

/// An operation of unknown outcome. Equal ones are interchangeable.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Lost {
    call: Call,
    /// Since when it may happen; the same for all calls but those that set a deadline, which depends on it.
    since: Span,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    Begins,
    Ends,
}

/// The operations of each slot. Left out is what cannot have had an effect: what was refused, and reads without a reply.
pub(super) fn by_slot(history: &History) -> BTreeMap<Slot, Vec<OperationId>> {
    let mut slots: BTreeMap<Slot, Vec<OperationId>> = BTreeMap::new();
    for (index, operation) in history.operations.iter().enumerate() {
        if may_have_happened(operation) {
            slots.entry(operation.call.slot()).or_default().push(OperationId(index));
        }
    }
    slots
}

fn may_have_happened(operation: &Operation) -> bool {
    match operation.outcome {
        Outcome::Replied(_) => !operation.call.crosses_slots(),
        Outcome::Unknown | Outcome::Pending => !operation.call.is_read() && !operation.call.crosses_slots(),
        Outcome::GaveUp => false,
    }
}

/// Searches for an order of `ids`, which are all operations on one slot.
pub(super) fn linearize(history: &History, ids: &[OperationId]) -> Verdict {
    let mut accounts = Accounts::default();
    accounts.insert(&Account::new());
    for (moment, id) in moments(history, ids) {
        let operation = &history.operations[id.0];
        accounts = match moment {
            Moment::Begins => accounts.into_iter().map(|account| account.begin(id, operation)).collect(),
            Moment::Ends => match ended(history, accounts, id) {
                None => return Verdict::Undecided,
                Some(accounts) if accounts.0.is_empty() => return Verdict::Impossible(id),
                Some(accounts) => accounts,
            },
        };
    }
    Verdict::Linearizable
}

/// Accounts none of which can stand for another: by what the past has come to, and then by what is left.
#[derive(Default)]
struct Accounts(BTreeMap<Past, Vec<Vec<Rc<Lost>>>>);

impl Accounts {
    /// Adds an account and drops those that it can stand for. False if one is there already that can stand for it: with the
    /// same past, and all of its lost operations left.
    fn insert(&mut self, account: &Account) -> bool {
        let left = self.0.entry(account.past.clone()).or_default();
        if left.iter().any(|other| is_within(&account.lost, other)) {
            return false;
        }
        left.retain(|other| !is_within(other, &account.lost));
        left.push(account.lost.clone());
        true
    }

    fn into_iter(self) -> impl Iterator<Item = Account> {
        let accounts = |(past, left): (Past, Vec<Vec<Rc<Lost>>>)| {
            left.into_iter().map(move |lost| Account { past: past.clone(), lost })
        };
        self.0.into_iter().flat_map(accounts)
    }
}

impl FromIterator<Account> for Accounts {
    fn from_iter<I: IntoIterator<Item = Account>>(all: I) -> Self {
        let mut accounts = Accounts::default();
        for account in all {
            accounts.insert(&account);
        }
        accounts
    }
}

/// Beginnings and ends in order of time. Operations that touch count as concurrent.
fn moments(history: &History, ids: &[OperationId]) -> Vec<(Moment, OperationId)> {
    let mut moments = Vec::new();
    for &id in ids {
        let operation = &history.operations[id.0];
        moments.push((operation.began, Moment::Begins, id));
        if matches!(operation.outcome, Outcome::Replied(_)) {
            moments.push((operation.ended, Moment::Ends, id));
        }
    }
    moments.sort_unstable();
    moments.into_iter().map(|(_, moment, id)| (moment, id)).collect()
}

/// All accounts in which `id` has happened; `None` if there are too many ways to get there. Shorter ways first, so that
/// longer ones to the same past are seen to be no better.
fn ended(history: &History, accounts: Accounts, id: OperationId) -> Option<Accounts> {
    let (mut happened, mut seen) = (Accounts::default(), Accounts::default());
    let mut frontier: VecDeque<Account> = accounts.into_iter().collect();
    let mut steps = 0;
    while let Some(account) = frontier.pop_front() {
        if !account.past.waiting.contains(&id) {
            happened.insert(&account);
            continue;
        }
        frontier.extend(account.successors(history).into_iter().filter(|next| seen.insert(next)));
        steps += 1;
        if steps > STEPS_MAX {
            return None;
        }
    }
    Some(happened)
}

impl Account {
    fn new() -> Self {
        Self { past: Past { store: Rc::default(), waiting: Vec::new() }, lost: Vec::new() }
    }

    fn begin(mut self, id: OperationId, operation: &Operation) -> Self {
        if let Outcome::Replied(_) = operation.outcome {
            self.past.waiting.push(id);
            return self;
        }
        let call = operation.call.clone();
        let since = match call {
            Call::SetFor(..) | Call::Expire(..) => Span::since(operation.began),
            _ => Span::since(Time::default()),
        };
        let lost = Rc::new(Lost { call, since });
        let place = self.lost.partition_point(|other| *other <= lost);
        self.lost.insert(place, lost);
        self
    }

    /// The accounts in which one more operation has happened.
    fn successors(&self, history: &History) -> Vec<Account> {
        let Past { store, waiting } = &self.past;
        let mut successors = Vec::new();
        for (at, id) in waiting.iter().enumerate() {
            let next = self.replied(history, at);
            let same = next.iter().find(|account| account.past.store == *store);
            if let Some(same) = same.filter(|_| changes_nothing(&history.operations[id.0])) {
                return [same.clone()].into();
            }
            successors.extend(next);
        }
        let calls: Vec<&Call> = waiting.iter().map(|id| &history.operations[id.0].call).collect();
        // Equal lost operations are neighbours: the first of them stands for all.
        let firsts = (0..self.lost.len()).filter(|&at| at == 0 || self.lost[at - 1] != self.lost[at]);
        let noticed = firsts.filter(|&at| calls.iter().any(|call| notices(call, &self.lost[at].call)));
        successors.extend(noticed.flat_map(|at| self.found(at)));
        successors
    }

    /// The waiting operation at `at` happens now, if its reply can then be what it was.
    fn replied(&self, history: &History, at: usize) -> Vec<Account> {
        let operation = &history.operations[self.past.waiting[at].0];
        let when = Span::between(operation.began, operation.ended);
        let mut account = self.clone();
        account.past.waiting.remove(at);
        account.after(when, &operation.call, |reply| operation.outcome == Outcome::Replied(reply))
    }

    /// The lost operation at `at` happens now, whatever its reply was.
    fn found(&self, at: usize) -> Vec<Account> {
        let mut account = self.clone();
        let lost = account.lost.remove(at);
        account.after(lost.since, &lost.call, |_| true)
    }

    /// What `call` makes of the store, in as many ways as `explains` its reply.
    fn after(&self, when: Span, call: &Call, explains: impl Fn(Value) -> bool) -> Vec<Account> {
        let possible = self.past.store.possible_at(when, call).into_iter();
        let explained = possible.filter_map(|mut store| explains(store.execute(when, call)).then_some(store));
        let past = |store| Past { store: Rc::new(store), waiting: self.past.waiting.clone() };
        explained.map(|store| Account { past: past(store), lost: self.lost.clone() }).collect()
    }
}

/// True when it matters to `call` whether `lost` happened just before it: they share a key, and `call` is more than a write
/// over all keys of `lost`. What nobody notices may as well happen later, or never.
fn notices(call: &Call, lost: &Call) -> bool {
    let keys = call.keys();
    let shares = lost.keys().iter().any(|key| keys.contains(key));
    let covers = lost.keys().iter().all(|key| keys.contains(key));
    let is_blind = matches!(call, Call::Set(..) | Call::SetFor(..) | Call::SetAll(_));
    shares && !(is_blind && covers)
}

/// True when an operation with this reply leaves the store as it was, whenever it happens. (A SET of the value that is
/// there already does so only now: later it may undo another one.)
fn changes_nothing(operation: &Operation) -> bool {
    let in_vain = matches!(operation.outcome, Outcome::Replied(Value::Null | Value::Error(_)));
    operation.call.is_read() || in_vain
}

/// True when every item of `part`, as often as it is there, is in `whole` too. Both are sorted.
fn is_within(part: &[Rc<Lost>], whole: &[Rc<Lost>]) -> bool {
    let mut rest = whole.iter();
    part.iter().all(|item| rest.any(|other| other == item))
}
