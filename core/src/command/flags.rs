//! Flags of commands, and the ACL categories, part of which follow from the flags.

use super::bits::bit_set;

bit_set! {
    /// A property of a command that decides when it may run.
    enum Flag;
    /// The flags of a command.
    struct Flags(u32);
    /// May change data.
    Write = "write",
    /// Reads keys and changes nothing.
    ReadOnly = "readonly",
    /// Refused when memory is full: it may take more.
    DenyOom = "denyoom",
    /// Administration.
    Admin = "admin",
    /// Publish and subscribe.
    PubSub = "pubsub",
    /// Not from scripts.
    NoScript = "noscript",
    /// May park the client.
    Blocking = "blocking",
    /// Allowed while the data set is loaded.
    Loading = "loading",
    /// Allowed on a replica that lost its primary.
    Stale = "stale",
    /// Not shown by MONITOR.
    SkipMonitor = "skip_monitor",
    /// Not kept in the slow log.
    SkipSlowlog = "skip_slowlog",
    /// Acts as if ASKING came before it.
    Asking = "asking",
    /// Constant or logarithmic time.
    Fast = "fast",
    /// Allowed before AUTH.
    NoAuth = "no_auth",
    /// May lead to writes on replicas though it is no write: held back where writes are. COMMAND does not
    /// list it.
    MayReplicate = "may_replicate",
    /// Valid without any key, though it can have some.
    NoMandatoryKeys = "no_mandatory_keys",
    /// Refused while a replica loads and still serves its old data set.
    NoAsyncLoading = "no_async_loading",
    /// Not within MULTI.
    NoMulti = "no_multi",
    /// First, last and step do not tell all keys.
    MovableKeys = "movablekeys",
    /// Allowed while a script is busy.
    AllowBusy = "allow_busy",
}

bit_set! {
    /// A class of commands that ACL rules name as `+@class`; the word is without `@`.
    enum Category;
    /// The ACL categories of a command.
    struct Categories(u32);
    /// Names, types and times of keys.
    Keyspace = "keyspace",
    /// Reads keys.
    Read = "read",
    /// Writes keys.
    Write = "write",
    /// Sets.
    Set = "set",
    /// Sorted sets.
    SortedSet = "sortedset",
    /// Lists.
    List = "list",
    /// Hashes.
    Hash = "hash",
    /// Strings.
    String = "string",
    /// Strings as bits.
    Bitmap = "bitmap",
    /// HyperLogLogs.
    HyperLogLog = "hyperloglog",
    /// Positions on earth.
    Geo = "geo",
    /// Streams.
    Stream = "stream",
    /// Publish and subscribe.
    PubSub = "pubsub",
    /// Administration.
    Admin = "admin",
    /// Constant or logarithmic time.
    Fast = "fast",
    /// All that are not fast.
    Slow = "slow",
    /// May park the client.
    Blocking = "blocking",
    /// Can harm when used without care.
    Dangerous = "dangerous",
    /// About the connection itself.
    Connection = "connection",
    /// MULTI and kin.
    Transaction = "transaction",
    /// Scripts and functions.
    Scripting = "scripting",
}

impl Flags {
    /// The flags that COMMAND shows.
    pub fn listed(self) -> impl Iterator<Item = Flag> {
        self.iter().filter(|flag| *flag != Flag::MayReplicate)
    }
}

impl Categories {
    /// These categories and those that follow from `flags`, by the rules of Redis' ACL documentation.
    pub(super) const fn implied_by(mut self, flags: Flags) -> Categories {
        const RULES: &[(Flag, &[Category])] = &[
            (Flag::Write, &[Category::Write]),
            (Flag::Admin, &[Category::Admin, Category::Dangerous]),
            (Flag::PubSub, &[Category::PubSub]),
            (Flag::Fast, &[Category::Fast]),
            (Flag::Blocking, &[Category::Blocking]),
        ];
        let mut i = 0;
        while i < RULES.len() {
            if flags.contains(RULES[i].0) {
                self.0 |= Categories::of(RULES[i].1).0;
            }
            i += 1;
        }
        // A read-only script may read anything, its class is scripting alone.
        if flags.contains(Flag::ReadOnly) && !self.contains(Category::Scripting) {
            self = self.with(Category::Read);
        }
        if self.contains(Category::Fast) { self } else { self.with(Category::Slow) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_fast_is_slow() {
        assert_eq!(Categories::EMPTY.implied_by(Flags::EMPTY), Categories::of(&[Category::Slow]));
        let fast = Categories::EMPTY.implied_by(Flags::of(&[Flag::Fast, Flag::ReadOnly]));
        assert_eq!(fast, Categories::of(&[Category::Read, Category::Fast]));
    }

    #[test]
    fn administration_is_dangerous() {
        let admin = Categories::EMPTY.implied_by(Flags::of(&[Flag::Admin]));
        assert_eq!(admin, Categories::of(&[Category::Admin, Category::Dangerous, Category::Slow]));
    }

    #[test]
    fn a_read_only_script_is_not_a_read() {
        let script = Categories::of(&[Category::Scripting]).implied_by(Flags::of(&[Flag::ReadOnly]));
        assert!(!script.contains(Category::Read));
    }
}
