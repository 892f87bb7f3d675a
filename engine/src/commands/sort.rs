//! SORT and SORT_RO: the elements of a list, a set or a sorted set in order, or what other keys hold for them.
//!
//! ```text
//!   SORT key  BY w_*->x   what an element is compared by: `*` stands for the element, `->` names a field
//!             GET # GET * what is answered for it: itself, other keys
//!             LIMIT 0 10  ASC | DESC  ALPHA  STORE target
//! ```
//!
//! Source of the rules: `sortCommandGeneric` of Redis 7.2.

use alloc::vec::Vec;
use core::cmp::Ordering;
use core::ops::Range;

use slotway_core::command::{self, CommandId, id_of};
use slotway_core::resp::args::Args;
use slotway_core::resp::encode::{Decimal, ReplyWriter};
use slotway_core::resp::error::{AclError, ErrorReply};

use super::args::{self, Options};
use super::partial_sort::partial_sort;
use super::string::text_of;
use super::{Binding, Data};
use crate::events::Class;
use crate::keyspace::{Entry, Value};
use crate::number::parse_double_in_range;
use crate::registry::{Effect, Handler, Outcome};
use crate::value::listpack::Element;
use crate::value::{Kind, List, ObjectRef, SortedSet};

const SORT: CommandId = id_of("sort");
const SORT_RO: CommandId = id_of("sort_ro");

/// What this family executes.
pub(super) const COMMANDS: &[Binding] =
    &[("sort", Handler::Data(sort)), ("sort_ro", Handler::Data(sort_readonly))];

/// An element, or what a pattern finds for it.
type Text = Vec<u8>;

fn sort(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let request = Request::read(args, data, true)?;
    let rows = request.rows(data)?;
    match request.store {
        Some(target) => store(data, target, &rows, reply),
        None => answer(&rows, reply),
    }
}

fn sort_readonly(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let rows = Request::read(args, data, false)?.rows(data)?;
    answer(&rows, reply)
}

fn answer(rows: &[Option<Text>], reply: &mut ReplyWriter<'_>) -> Outcome {
    reply.array(rows.len());
    rows.iter().for_each(|row| reply.bulk_or_null(row.as_deref()));
    Ok(Effect::None)
}

/// Keeps the rows as a list; what was not found becomes the empty string.
fn store(
    data: &mut Data<'_, '_>,
    target: &[u8],
    rows: &[Option<Text>],
    reply: &mut ReplyWriter<'_>,
) -> Outcome {
    let elements = rows.iter().map(|row| Element::Bytes(row.as_deref().unwrap_or_default()));
    let list = List::collect(elements, &data.limits());
    let existed = data.store(target, list);
    reply.integer(rows.len() as i64);
    match (rows, existed) {
        ([], false) => return Ok(Effect::None),
        ([], true) => data.changed(Class::Generic, "del", target),
        (_, _) => data.changed(Class::List, "sortstore", target),
    }
    Ok(Effect::changed(rows.len().max(1) as u64))
}

/// What elements are compared by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By<'a> {
    /// Themselves.
    Element,
    /// What keys of this pattern hold.
    Pattern(&'a [u8]),
    /// Nothing: a pattern without `*`. Lists and sorted sets keep their order.
    Nothing,
}

impl<'a> By<'a> {
    /// Redis sees the end of a pattern at a NUL here.
    fn parse(pattern: &'a [u8]) -> Self {
        if until_nul(pattern).contains(&b'*') { By::Pattern(pattern) } else { By::Nothing }
    }
}

/// A request as it was read.
struct Request<'a> {
    key: &'a [u8],
    by: By<'a>,
    get: Vec<&'a [u8]>,
    limit: (i64, i64),
    descending: bool,
    alpha: bool,
    store: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    fn read(args: Args<'a>, data: &Data<'_, '_>, may_store: bool) -> Result<Self, ErrorReply> {
        let in_cluster = data.config().cluster_enabled();
        let command = command::by_id(if may_store { SORT } else { SORT_RO });
        let reads_all = data.may_read_all_keys(command, args);
        let mut request = Self {
            key: args.at(1),
            by: By::Element,
            get: Vec::new(),
            limit: (0, -1),
            descending: false,
            alpha: false,
            store: None,
        };
        let mut words = Options::new(args, 2);
        while let Some(word) = words.word() {
            match word {
                word if args::is(word, "asc") => request.descending = false,
                word if args::is(word, "desc") => request.descending = true,
                word if args::is(word, "alpha") => request.alpha = true,
                word if args::is(word, "limit") && words.left() >= 2 => {
                    request.limit = (args::integer(words.value()?)?, args::integer(words.value()?)?);
                }
                word if args::is(word, "store") && may_store => request.store = Some(words.value()?),
                word if args::is(word, "by") => match (By::parse(words.value()?), request.by) {
                    (By::Pattern(_), _) if in_cluster => return Err(ErrorReply::SortByInCluster),
                    (By::Pattern(_), _) if !reads_all => return Err(AclError::SortBy.into()),
                    // What is once not sorted stays so, whatever follows.
                    (_, By::Nothing) => {}
                    (by, _) => request.by = by,
                },
                word if args::is(word, "get") => {
                    let pattern = words.value()?;
                    if in_cluster {
                        return Err(ErrorReply::SortGetInCluster);
                    }
                    if !reads_all {
                        return Err(AclError::SortGet.into());
                    }
                    request.get.push(pattern);
                }
                _ => return Err(ErrorReply::Syntax),
            }
        }
        Ok(request)
    }

    /// What is answered, row by row.
    fn rows(&self, data: &mut Data<'_, '_>) -> Result<Vec<Option<Text>>, ErrorReply> {
        let elements = self.sorted(data)?;
        if self.get.is_empty() {
            return Ok(elements.into_iter().map(Some).collect());
        }
        let mut rows = Vec::with_capacity(elements.len() * self.get.len());
        for element in &elements {
            rows.extend(self.get.iter().map(|pattern| look_up(data, pattern, element)));
        }
        Ok(rows)
    }

    /// The elements in order, cut to the limit.
    fn sorted(&self, data: &mut Data<'_, '_>) -> Result<Vec<Text>, ErrorReply> {
        let (mut elements, kind) = match data.find_counted(self.key) {
            Some(entry) => elements_of(entry)?,
            None => return Ok(Vec::new()),
        };
        if kind == Kind::SortedSet {
            // Redis reads a sorted set by its skip list, and leaves it with one.
            data.edit(self.key, |set: &mut SortedSet, limits| set.enlarge(limits))?;
        }
        let range = self.range(elements.len());
        // The order of a set means nothing: what is stored must not depend on it.
        let by = match self.by {
            By::Nothing if kind == Kind::Set && self.store.is_some() => None,
            by => Some(by),
        };
        match by {
            Some(By::Nothing) if kind != Kind::Set && self.descending => elements.reverse(),
            Some(By::Nothing) => {}
            by => {
                let (pattern, alpha) = match by {
                    Some(By::Pattern(pattern)) => (Some(pattern), self.alpha),
                    Some(By::Element | By::Nothing) => (None, self.alpha),
                    None => (None, true),
                };
                elements = self.ordered(data, elements, pattern, alpha)?;
            }
        }
        elements.truncate(range.end);
        elements.drain(..range.start);
        Ok(elements)
    }

    fn ordered(
        &self,
        data: &mut Data<'_, '_>,
        elements: Vec<Text>,
        pattern: Option<&[u8]>,
        alpha: bool,
    ) -> Result<Vec<Text>, ErrorReply> {
        let weigh = |element: Text| {
            let found = match pattern {
                Some(pattern) => look_up(data, pattern, &element),
                None => Some(element.clone()),
            };
            let weight = if alpha { self.text(found) } else { Weight::number(found)? };
            Ok((weight, element))
        };
        let mut weighed = elements.into_iter().map(weigh).collect::<Result<Vec<_>, ErrorReply>>()?;
        let compare = |(a, x): &(Weight, Text), (b, y): &(Weight, Text)| {
            // Equal numbers are told apart by the elements; equal texts are not.
            let order = a.compare(b).then_with(|| if alpha { Ordering::Equal } else { x.cmp(y) });
            if self.descending { order.reverse() } else { order }
        };
        let wanted = self.range(weighed.len());
        if pattern.is_some() && wanted.len() < weighed.len() {
            partial_sort(&mut weighed, &wanted, &compare);
        } else {
            weighed.sort_by(compare);
        }
        Ok(weighed.into_iter().map(|(_, element)| element).collect())
    }

    /// A result that is stored has the order of bytes; one that is answered that of `strcoll`, which sees the end of a text at a NUL.
    fn text(&self, found: Option<Text>) -> Weight {
        let cut = |mut text: Text| {
            text.truncate(until_nul(&text).len());
            text
        };
        Weight::Text(if self.store.is_some() { found } else { found.map(cut) })
    }

    /// The places in the order that LIMIT asks for.
    fn range(&self, len: usize) -> Range<usize> {
        let (offset, count) = self.limit;
        let start = usize::try_from(offset).unwrap_or(0).min(len);
        let end = usize::try_from(count).map_or(len, |count| start.saturating_add(count).min(len));
        start..end
    }
}

/// What an element is compared by.
enum Weight {
    Number(f64),
    Text(Option<Text>),
}

impl Weight {
    /// The number that a text denotes, if a double can tell it from others; nothing counts as 0.
    fn number(text: Option<Text>) -> Result<Self, ErrorReply> {
        let number = text.map_or(Some(0.0), |text| parse_double_in_range(&text));
        number.map(Weight::Number).ok_or(ErrorReply::SortNotNumeric)
    }

    /// Numbers by value, texts by bytes, what is not there first.
    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Weight::Number(a), Weight::Number(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
            (Weight::Text(a), Weight::Text(b)) => a.cmp(b),
            (Weight::Number(_), Weight::Text(_)) | (Weight::Text(_), Weight::Number(_)) => Ordering::Equal,
        }
    }
}

fn elements_of(entry: Entry<'_>) -> Result<(Vec<Text>, Kind), ErrorReply> {
    let elements = match entry.collection() {
        Some(ObjectRef::List(list)) => list.iter().map(Element::to_vec).collect(),
        Some(ObjectRef::Set(set)) => set.iter().map(Element::to_vec).collect(),
        Some(ObjectRef::SortedSet(set)) => set.iter().map(|(member, _)| member.to_vec()).collect(),
        Some(ObjectRef::Hash(_) | ObjectRef::Stream(_)) | None => return Err(ErrorReply::WrongType),
    };
    Ok((elements, entry.kind()))
}

/// What a pattern finds for an element: `#` is the element itself, `*` stands for it in a key's name, what follows `->` is a field.
fn look_up(data: &mut Data<'_, '_>, pattern: &[u8], element: &[u8]) -> Option<Text> {
    if pattern == b"#" {
        return Some(element.to_vec());
    }
    let star = pattern.iter().position(|byte| *byte == b'*')?;
    let (prefix, rest) = (&pattern[..star], &pattern[star + 1..]);
    let arrow = rest.windows(2).position(|pair| pair == b"->").filter(|at| at + 2 < rest.len());
    let (suffix, field) = match arrow {
        Some(at) => (&rest[..at], Some(&rest[at + 2..])),
        None => (rest, None),
    };
    let key = [prefix, element, suffix].concat();
    let entry = data.find_counted(&key)?;
    match (entry.value(), field) {
        (Value::String(string), None) => Some(text_of(string, &mut Decimal::new()).to_vec()),
        (Value::Collection(ObjectRef::Hash(hash)), Some(field)) => hash.get(field).map(Element::to_vec),
        (Value::String(_) | Value::Collection(_), _) => None,
    }
}

fn until_nul(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::testing::TestClient;

    #[test]
    fn numbers_that_no_double_tells_from_others_are_refused() {
        for number in ["1e400", "-1e400", "1e-400", "1e-310", "0x1p-1075", "nan", "1x"] {
            let mut client = TestClient::new();
            client.run(&["RPUSH l 1 ", number].concat());
            let error = "-ERR One or more scores can't be converted into double\r\n";
            assert_eq!(client.run("SORT l"), error, "{number}");
        }
        for number in ["inf", "2.2250738585072014e-308", "1e308", "0e999"] {
            let mut client = TestClient::new();
            client.run(&["RPUSH l ", number].concat());
            assert!(client.run("SORT l").starts_with("*1"), "{number}");
        }
    }

    #[test]
    fn a_constant_pattern_leaves_the_order_whatever_other_patterns_there_are() {
        let mut client = TestClient::new();
        client.run("RPUSH l 1 2");
        client.run("MSET w_1 2 w_2 1");
        assert_eq!(client.run("SORT l BY w_*"), "*2\r\n$1\r\n2\r\n$1\r\n1\r\n");
        for patterns in ["BY nosort BY w_*", "BY w_* BY nosort"] {
            let sorted = client.run(&["SORT l ", patterns].concat());
            assert_eq!(sorted, "*2\r\n$1\r\n1\r\n$1\r\n2\r\n", "{patterns}");
        }
    }

    #[test]
    fn texts_end_at_a_nul_unless_the_result_is_stored() {
        let mut client = TestClient::new();
        client.run(r#"RPUSH l "a\x00b" "a\x00a""#);
        assert_eq!(client.run("SORT l ALPHA"), client.run("LRANGE l 0 -1"));
        client.run("SORT l ALPHA STORE t");
        assert_eq!(client.run("LINDEX t 0"), "$3\r\na\0a\r\n");
    }

    #[test]
    fn every_key_that_is_looked_up_counts_as_a_hit_or_a_miss() {
        let mut client = TestClient::new();
        client.run("RPUSH l 1 2");
        client.run("SET w_1 5");
        client.run("SORT l BY w_* STORE t");
        client.run("SORT none");
        let stats = client.run("INFO stats");
        assert!(stats.contains("keyspace_hits:2\r\nkeyspace_misses:2\r\n"), "{stats}");
    }

    #[test]
    fn a_sorted_set_that_was_sorted_keeps_its_skip_list() {
        for command in ["SORT z BY nosort", "SORT_RO z LIMIT 5 1"] {
            let mut client = TestClient::new();
            client.run("ZADD z 2 1 1 2");
            client.run(command);
            assert_eq!(client.run("OBJECT ENCODING z"), "$8\r\nskiplist\r\n", "{command}");
            assert_eq!(
                client.run("ZRANGE z 0 -1 WITHSCORES"),
                "*4\r\n$1\r\n2\r\n$1\r\n1\r\n$1\r\n1\r\n$1\r\n2\r\n"
            );
        }
    }

    #[test]
    fn numbers_are_sorted_by_value_and_texts_by_bytes() {
        let mut client = TestClient::new();
        client.run("RPUSH l 10 9 1");
        assert_eq!(client.run("SORT l"), "*3\r\n$1\r\n1\r\n$1\r\n9\r\n$2\r\n10\r\n");
        assert_eq!(client.run("SORT l ALPHA DESC LIMIT 0 2"), "*2\r\n$1\r\n9\r\n$2\r\n10\r\n");
        assert_eq!(client.run("SORT l BY nosort DESC"), "*3\r\n$1\r\n1\r\n$1\r\n9\r\n$2\r\n10\r\n");
        assert_eq!(client.run("SORT l LIMIT -1 -5"), client.run("SORT_RO l"));
        client.run("RPUSH l x");
        assert_eq!(client.run("SORT l"), "-ERR One or more scores can't be converted into double\r\n");
    }

    #[test]
    fn patterns_find_what_to_compare_and_what_to_answer() {
        let mut client = TestClient::new();
        client.run("SADD s 1 2 3");
        client.run("MSET w_1 3 w_2 1 w_3 2");
        client.run("HSET h_1 name one");
        assert_eq!(
            client.run("SORT s BY w_* GET # GET h_*->name"),
            "*6\r\n$1\r\n2\r\n$-1\r\n$1\r\n3\r\n$-1\r\n$1\r\n1\r\n$3\r\none\r\n"
        );
    }

    #[test]
    fn a_stored_result_replaces_what_was_there_and_an_empty_one_removes_it() {
        let mut client = TestClient::new();
        client.run("RPUSH l 2 1");
        client.run("SET t x");
        assert_eq!(client.run("SORT l STORE t"), ":2\r\n");
        assert_eq!(client.run("LRANGE t 0 -1"), "*2\r\n$1\r\n1\r\n$1\r\n2\r\n");
        assert_eq!(client.run("SORT none STORE t"), ":0\r\n");
        assert_eq!(client.run("EXISTS t"), ":0\r\n");
        assert_eq!(client.run("SORT_RO l STORE t"), "-ERR syntax error\r\n");
    }
}
