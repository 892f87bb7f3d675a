//! Differences by design between Slotway (Redis 7.2) and the reference (redis-server 7.0.15), read from a file.
//!
//! A line is `suite | request | ours | theirs | reason`. The first four are patterns in which `*` stands for anything;
//! replies are written as their bytes with escapes.

use std::fs;
use std::path::Path;

use crate::script;

/// The rules of one suite.
#[derive(Clone, Debug, Default)]
pub struct Differences {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    request: String,
    ours: String,
    theirs: String,
}

impl Differences {
    /// The rules of `suite` in `tests/differences.txt`. Panics when a rule has no reason.
    pub fn of_suite(suite: &str) -> Differences {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("differences.txt");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        Differences { rules: lines.filter_map(|line| parse(line, suite)).collect() }
    }

    /// True when a rule allows these two replies to this request.
    pub fn allow(&self, args: &[Vec<u8>], ours: &[u8], theirs: &[u8]) -> bool {
        if self.rules.is_empty() {
            return false;
        }
        let request = script::format_args(args).to_ascii_lowercase();
        let (ours, theirs) = (ours.escape_ascii().to_string(), theirs.escape_ascii().to_string());
        let allows = |rule: &Rule| {
            matches(&rule.request, &request) && matches(&rule.ours, &ours) && matches(&rule.theirs, &theirs)
        };
        self.rules.iter().any(allows)
    }
}

fn parse(line: &str, suite: &str) -> Option<Rule> {
    let fields: Vec<&str> = line.split(" | ").map(str::trim).collect();
    let [of, request, ours, theirs, reason] = fields[..] else {
        panic!("a difference is `suite | request | ours | theirs | reason`, and not: {line}")
    };
    assert!(!reason.is_empty(), "a difference needs a reason: {line}");
    let rule = || Rule { request: request.to_ascii_lowercase(), ours: ours.into(), theirs: theirs.into() };
    (of == suite).then(rule)
}

/// True when `text` matches `pattern`, in which `*` stands for any run of characters.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(head) else { return false };
    (0..=text.len()).any(|at| text.is_char_boundary(at) && matches(rest, &text[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run() {
        assert!(matches("*", ""));
        assert!(matches("get * end", "get a b end"));
        assert!(matches("-ERR *\\r\\n", "-ERR no such key\\r\\n"));
        assert!(!matches("get *", "set k"));
        assert!(!matches("get", "get k"));
    }
}
