//! One form of a command, as text, and requests drawn from it.
//!
//! | written | stands for |
//! |---|---|
//! | `LIMIT` `-` `0.5` | the word itself, capitals in any case |
//! | `f1` `Palermo` | the word itself |
//! | `key` `score` | a leaf of that name, see [`leaves`] |
//! | `[a b]` | `a b`, or nothing; neighbouring options come in any order |
//! | `(a\|b c)` | one of the alternatives; they may stand in `[]` too |
//! | `key+` `(f v)+` | one to four of them |
//! | `#key` | a number, and mostly as many keys |
//! | `weight*` | as many as the last such number said |
//! | `PAUSE 3 ...` `& ...` | prefixes of a line of a [`crate::script`] |

use crate::grammar::leaves::{self, Leaf};
use crate::random::Random;
use crate::script::{self, Step};

/// Most repetitions of what may stand several times.
const REPEAT_MAX: usize = 4;

/// A form that was read.
#[derive(Clone, Debug)]
pub struct Form {
    /// Only its prefixes matter.
    line: Step,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Word(String),
    Leaf(Leaf),
    /// A number of leaves, and the leaves.
    Counted(Leaf),
    /// As often as the last number said.
    AsCounted(Box<Part>),
    Repeated(Box<Part>),
    Optional(Vec<Vec<Part>>),
    OneOf(Vec<Vec<Part>>),
}

impl Form {
    /// Reads a form. Panics on an unknown leaf or a bracket without its other half: such a form is a mistake of ours.
    pub fn parse(text: &str) -> Form {
        let (line, text) = script::split_prefixes(text);
        let mut tokens = tokens(text).into_iter().peekable();
        let mut choices = choices(&mut tokens);
        assert!(tokens.next().is_none() && choices.len() == 1, "brackets of: {text}");
        Form { line, parts: choices.remove(0) }
    }

    /// A request in this form.
    pub fn draw(&self, random: &mut Random) -> Step {
        let mut walk = Walk { random, out: Vec::new(), count: 0 };
        walk.sequence(&self.parts);
        Step { args: walk.out, ..self.line.clone() }
    }
}

type Tokens = std::iter::Peekable<std::vec::IntoIter<String>>;

/// Words and brackets; a mark of repetition stays with what it follows.
fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut glued = false;
    for character in text.chars() {
        let closes = tokens.last().is_some_and(|last| last == ")");
        match character {
            ' ' => glued = false,
            '[' | ']' | '(' | ')' | '|' => {
                tokens.push(character.to_string());
                glued = character == ')';
            }
            '+' | '*' if glued && closes => tokens.push(character.to_string()),
            _ if glued && !closes => tokens.last_mut().expect("glued to something").push(character),
            _ => {
                tokens.push(character.to_string());
                glued = true;
            }
        }
    }
    tokens
}

/// Alternatives up to a closing bracket or the end.
fn choices(tokens: &mut Tokens) -> Vec<Vec<Part>> {
    let mut choices = vec![Vec::new()];
    while let Some(token) = tokens.next_if(|token| !matches!(token.as_str(), ")" | "]")) {
        let part = match token.as_str() {
            "|" => {
                choices.push(Vec::new());
                continue;
            }
            "[" => Part::Optional(bracketed(tokens, "]")),
            "(" => {
                let group = Part::OneOf(bracketed(tokens, ")"));
                match tokens.next_if(|token| matches!(token.as_str(), "+" | "*")) {
                    Some(mark) => repeated(&mark, group),
                    None => group,
                }
            }
            word => of_word(word),
        };
        choices.last_mut().expect("there is always one").push(part);
    }
    choices
}

fn bracketed(tokens: &mut Tokens, close: &str) -> Vec<Vec<Part>> {
    let inner = choices(tokens);
    assert!(tokens.next().is_some_and(|token| token == close), "a bracket is not closed by {close}");
    inner
}

fn of_word(word: &str) -> Part {
    if let Some(name) = word.strip_prefix('#').filter(|name| is_leaf(name)) {
        return Part::Counted(leaves::find(name));
    }
    for mark in ["+", "*"] {
        if let Some(name) = word.strip_suffix(mark).filter(|name| is_leaf(name)) {
            return repeated(mark, Part::Leaf(leaves::find(name)));
        }
    }
    if is_leaf(word) { Part::Leaf(leaves::find(word)) } else { Part::Word(word.replace("\"\"", "")) }
}

fn repeated(mark: &str, part: Part) -> Part {
    if mark == "+" { Part::Repeated(Box::new(part)) } else { Part::AsCounted(Box::new(part)) }
}

fn is_leaf(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

struct Walk<'a> {
    random: &'a mut Random,
    out: Vec<Vec<u8>>,
    /// What the last `#` said.
    count: usize,
}

impl Walk<'_> {
    /// Parts in order, but runs of optional ones in any order.
    fn sequence(&mut self, parts: &[Part]) {
        let is_option = |part: &Part| matches!(part, Part::Optional(_));
        for run in parts.chunk_by(|a, b| is_option(a) && is_option(b)) {
            let mut order: Vec<&Part> = run.iter().collect();
            if order.len() > 1 && self.random.chance(40) {
                self.random.shuffle(&mut order);
            }
            order.into_iter().for_each(|part| self.part(part));
        }
    }

    fn part(&mut self, part: &Part) {
        match part {
            Part::Word(word) if word.bytes().any(|byte| byte.is_ascii_lowercase()) => {
                self.out.push(word.clone().into_bytes());
            }
            Part::Word(word) => self.out.push(in_some_case(self.random, word)),
            Part::Leaf(leaf) => self.out.push(leaf.draw(self.random)),
            Part::Counted(leaf) => self.counted(leaf),
            Part::AsCounted(part) => (0..self.count).for_each(|_| self.part(part)),
            Part::Repeated(part) => (0..1 + self.random.below(REPEAT_MAX)).for_each(|_| self.part(part)),
            Part::OneOf(choices) => self.one_of(choices),
            Part::Optional(choices) => {
                if self.random.chance(45) {
                    self.one_of(choices);
                }
            }
        }
    }

    fn one_of(&mut self, choices: &[Vec<Part>]) {
        let choice = self.random.below(choices.len());
        self.sequence(&choices[choice]);
    }

    /// A number of leaves, mostly followed by as many.
    fn counted(&mut self, leaf: &Leaf) {
        let said = if self.random.chance(94) { 1 + self.random.below(3) } else { 0 };
        self.count = if self.random.chance(95) { said } else { self.random.below(REPEAT_MAX) };
        self.out.push(said.to_string().into_bytes());
        (0..self.count).for_each(|_| self.out.push(leaf.draw(self.random)));
    }
}

/// `word` in capitals, in small letters, or mixed.
pub fn in_some_case(random: &mut Random, word: &str) -> Vec<u8> {
    match random.below(4) {
        0 => word.to_ascii_lowercase().into_bytes(),
        1 => word.bytes().map(|b| if random.chance(50) { b.to_ascii_uppercase() } else { b }).collect(),
        _ => word.to_ascii_uppercase().into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every different request of 2000, upper case, digits as `0`.
    fn drawn(form: &str) -> Vec<String> {
        let form = Form::parse(form);
        let mut random = Random::new(1);
        let mut lines: Vec<String> =
            (0..2000).map(|_| form.draw(&mut random).format().to_ascii_uppercase()).collect();
        lines.sort();
        lines.dedup();
        lines
    }

    #[test]
    fn options_come_in_any_order_or_not_at_all() {
        assert_eq!(drawn("A [B|C] [D]"), ["A", "A B", "A B D", "A C", "A C D", "A D", "A D B", "A D C"]);
    }

    #[test]
    fn groups_repeat_up_to_four_times() {
        assert_eq!(drawn("A (B C)+"), ["A B C", "A B C B C", "A B C B C B C", "A B C B C B C B C"]);
    }

    #[test]
    fn signs_alone_are_words() {
        assert_eq!(drawn("XRANGE - +"), ["XRANGE - +"]);
        assert_eq!(drawn("XADD * (>|$)"), ["XADD * $", "XADD * >"]);
    }

    #[test]
    fn a_count_announces_what_follows() {
        let counts = |line: &String| line.split(' ').nth(1).map(str::to_string);
        let lines = drawn("A #key WEIGHTS weight*");
        assert!(lines.iter().any(|line| counts(line).as_deref() == Some("3")));
        assert!(lines.iter().all(|line| line.contains(" WEIGHTS")));
    }

    #[test]
    fn prefixes_stay_with_the_request() {
        let step = Form::parse("PAUSE 3 & BLPOP 1").draw(&mut Random::new(1));
        assert!(step.waits && step.pause_ms == 3);
    }
}
