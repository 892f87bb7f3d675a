//! How often each code of errors was answered, a code being the first word of the text.

use alloc::collections::BTreeMap;
use alloc::string::String;

/// More codes than this are not told apart: whoever lets scripts make up codes must not fill the memory.
const CODES_MAX: usize = 128;
/// Stands for all codes past [`CODES_MAX`].
const OTHERS: &str = "ERRORSTATS_OVERFLOW";

/// Counts of error replies by their codes.
#[derive(Default, Debug)]
pub struct ErrorCounts(BTreeMap<String, u64>);

impl ErrorCounts {
    /// Counts an error reply, given without its `-`.
    pub fn add(&mut self, text: &[u8]) {
        let code = text.split(|byte| matches!(byte, b' ' | b'\r' | b'\n')).next().unwrap_or_default();
        let code = String::from_utf8_lossy(code);
        let is_told_apart = self.0.len() < CODES_MAX || self.0.contains_key(&*code);
        let code = if is_told_apart { code.into_owned() } else { OTHERS.into() };
        *self.0.entry(code).or_default() += 1;
    }

    /// Codes and counts, in the order of the codes.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(code, count)| (code.as_str(), *count))
    }

    /// Counts from zero again.
    pub fn reset(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn errors_are_counted_by_their_first_word() {
        let mut counts = ErrorCounts::default();
        for text in ["ERR no such key", "WRONGTYPE Operation", "ERR syntax error", "ALONE"] {
            counts.add(text.as_bytes());
        }
        assert_eq!(counts.iter().collect::<Vec<_>>(), [("ALONE", 1), ("ERR", 2), ("WRONGTYPE", 1)]);
    }

    #[test]
    fn made_up_codes_share_one_count_once_there_are_many() {
        let mut counts = ErrorCounts::default();
        (0..1000).for_each(|n| counts.add(alloc::format!("CODE{n} text").as_bytes()));
        assert_eq!(counts.iter().count(), CODES_MAX + 1);
        assert_eq!(counts.iter().map(|(_, count)| count).sum::<u64>(), 1000);
    }
}
