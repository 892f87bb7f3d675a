//! Glob-style patterns as KEYS, SCAN, PSUBSCRIBE and CONFIG GET understand them.
//!
//! `*` stands for any bytes, `?` for one, `[a-z]` for one of a class, `[^a-z]` for one outside it, and `\` takes the next
//! byte as it is. A class that is not closed ends with the pattern. The rule is Redis' `stringmatchlen`, including what
//! follows from its loops: a range may be written backwards, `[]` matches nothing, `[^]` any byte, and an empty text
//! matches only an empty pattern, not `*`.
//!
//! Redis recurses at each `*`. Here one place to come back to is enough: when what follows a `*` has matched, no
//! earlier `*` needs to take more. So the price is at most the product of both lengths.

/// Whether upper and lower case ASCII letters are told apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Case {
    /// `a` is not `A`.
    Sensitive,
    /// `a` is `A`.
    Ignored,
}

/// Whether the whole of `text` matches `pattern`.
///
/// ```
/// use slotway_engine::glob::{Case, glob_match};
/// assert!(glob_match(b"h[^a]ll*", b"hello", Case::Sensitive));
/// assert!(!glob_match(b"h[^a]ll*", b"hallo", Case::Sensitive));
/// ```
pub fn glob_match(pattern: &[u8], text: &[u8], case: Case) -> bool {
    if text.is_empty() {
        return pattern.is_empty();
    }
    let (mut pattern, mut text) = (pattern, text);
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        if let [b'*', rest @ ..] = pattern {
            retry = Some((rest, text));
            pattern = rest;
        } else if text.is_empty() && pattern.is_empty() {
            return true;
        } else if let Some(rest) = text.first().and_then(|byte| match_one(pattern, *byte, case)) {
            (pattern, text) = (rest, &text[1..]);
        } else if let Some((after_star, [_, shorter @ ..])) = retry {
            (pattern, text) = (after_star, shorter);
            retry = Some((after_star, shorter));
        } else {
            return false;
        }
    }
}

/// What remains of `pattern` once its first element has matched `byte`; `None` if it does not match.
fn match_one(pattern: &[u8], byte: u8, case: Case) -> Option<&[u8]> {
    match pattern {
        [] => None,
        [b'?', rest @ ..] => Some(rest),
        [b'[', class @ ..] => match_class(class, byte, case),
        [b'\\', literal, rest @ ..] | [literal, rest @ ..] => same(*literal, byte, case).then_some(rest),
    }
}

/// As [`match_one`], for a class from behind its `[`.
fn match_class(class: &[u8], byte: u8, case: Case) -> Option<&[u8]> {
    let (wanted, mut class) = match class {
        [b'^', rest @ ..] => (false, rest),
        _ => (true, class),
    };
    let mut found = false;
    loop {
        let (hit, rest) = match class {
            [] => return (found == wanted).then_some(class),
            // Redis compares an escaped byte of a class with its case, even where case is ignored.
            [b'\\', literal, rest @ ..] => (*literal == byte, rest),
            [b']', rest @ ..] => return (found == wanted).then_some(rest),
            [from, b'-', to, rest @ ..] => (in_range(*from, *to, byte, case), rest),
            [literal, rest @ ..] => (same(*literal, byte, case), rest),
        };
        found |= hit;
        class = rest;
    }
}

fn in_range(from: u8, to: u8, byte: u8, case: Case) -> bool {
    let (low, high) = (from.min(to), from.max(to));
    (fold(low, case)..=fold(high, case)).contains(&fold(byte, case))
}

fn same(a: u8, b: u8, case: Case) -> bool {
    fold(a, case) == fold(b, case)
}

fn fold(byte: u8, case: Case) -> u8 {
    match case {
        Case::Sensitive => byte,
        Case::Ignored => byte.to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        glob_match(pattern.as_bytes(), text.as_bytes(), Case::Sensitive)
    }

    #[test]
    fn stars_and_question_marks_match_any_bytes() {
        for (pattern, text) in
            [("*", "a"), ("a*", "a"), ("a**", "a"), ("*c", "abc"), ("a?c", "abc"), ("**b*", "abc")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("?", ""), ("a?", "a"), ("*b", "abc"), ("a*b*c", "acb"), ("", "a"), ("a", "ab")]
        {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn an_empty_text_matches_only_an_empty_pattern() {
        assert!(matches("", ""));
        assert!(!matches("*", ""));
    }

    #[test]
    fn classes_take_ranges_negation_and_escapes() {
        for (pattern, text) in
            [("[abc]x", "bx"), ("[c-a]", "b"), ("[^a-c]", "d"), (r"[\]]", "]"), ("[a-]b]", "_"), ("[^]", "z")]
        {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("[abc]", "d"), ("[^a-c]", "b"), ("[]", "a"), ("[", "["), (r"[\a-c]", "b")] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn an_open_class_ends_with_the_pattern() {
        assert!(matches("[ab", "b"));
        assert!(matches("[a-", "-"));
        assert!(matches("[^", "x"));
        assert!(!matches("[ab", "bc"));
    }

    #[test]
    fn a_backslash_takes_the_next_byte_as_it_is() {
        assert!(matches(r"a\*", "a*"));
        assert!(!matches(r"a\*", "ab"));
        assert!(matches(r"a\", r"a\"));
    }

    #[test]
    fn case_is_ignored_on_demand_but_not_for_escaped_bytes_of_a_class() {
        assert!(glob_match(b"MAX[a-z]*", b"maxMemory", Case::Ignored));
        assert!(glob_match(b"[A-Z]", b"q", Case::Ignored));
        assert!(!glob_match(br"[\A]", b"a", Case::Ignored));
    }

    #[test]
    fn many_stars_do_not_explode() {
        let pattern = "a*".repeat(1000) + "b";
        assert!(!matches(&pattern, &"a".repeat(2000)));
    }
}
