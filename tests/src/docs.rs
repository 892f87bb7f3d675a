//! Requests of every command in every shape, drawn from what a server says about itself.
//!
//! `COMMAND DOCS` of the reference describes each command's arguments as a tree of blocks, choices and tokens. A walk
//! of that tree with a seeded generator gives a request: options in all orders, some repeated, tokens in any case. A
//! later mutation ([`spoil`](crate::spoil)) makes some of them wrong.

use slotway_core::resp::value::Value;

use crate::grammar::form::in_some_case;
use crate::grammar::leaves::{self, Leaf};
use crate::random::Random;
use crate::wire::Connection;

/// Most repetitions of an argument that may stand several times.
const REPEAT_MAX: usize = 4;

/// One command, or one subcommand.
#[derive(Clone, Debug)]
pub struct Grammar {
    /// Lower case, a subcommand after a bar: `config|get`.
    pub name: String,
    /// `string`, `generic`, `connection`, ...
    pub group: String,
    arguments: Vec<Argument>,
}

#[derive(Clone, Debug)]
struct Argument {
    name: String,
    shape: Shape,
    token: Option<String>,
    optional: bool,
    multiple: bool,
    /// The token stands before each repetition.
    multiple_token: bool,
}

#[derive(Clone, Debug)]
enum Shape {
    /// A value of this type: key, string, integer, double, pattern, unix-time.
    Atom(String),
    /// The token itself.
    Token,
    OneOf(Vec<Argument>),
    Block(Vec<Argument>),
}

/// The grammar of every command and subcommand that the server behind `connection` knows, ordered by name.
pub fn of_server(connection: &mut Connection) -> Vec<Grammar> {
    let docs = connection.call(&["COMMAND", "DOCS"]);
    let mut grammars = Vec::new();
    for (name, facts) in pairs(&docs) {
        collect(&text(name), facts, &mut grammars);
    }
    assert!(grammars.len() > 200, "COMMAND DOCS describes every command");
    grammars.sort_by(|a, b| a.name.cmp(&b.name));
    grammars
}

fn collect(name: &str, facts: &Value, out: &mut Vec<Grammar>) {
    let group = field(facts, "group").map(text).unwrap_or_default();
    let arguments = field(facts, "arguments").map(arguments).unwrap_or_default();
    out.push(Grammar { name: name.to_string(), group, arguments });
    for (subcommand, facts) in field(facts, "subcommands").map(pairs).unwrap_or_default() {
        collect(&text(subcommand), facts, out);
    }
}

fn arguments(list: &Value) -> Vec<Argument> {
    list.as_items().unwrap_or_default().iter().map(argument).collect()
}

fn argument(facts: &Value) -> Argument {
    let nested = || field(facts, "arguments").map(arguments).unwrap_or_default();
    let shape = match field(facts, "type").map(text).unwrap_or_default().as_str() {
        "pure-token" => Shape::Token,
        "oneof" => Shape::OneOf(nested()),
        "block" => Shape::Block(nested()),
        kind => Shape::Atom(kind.to_string()),
    };
    let flags = field(facts, "flags").and_then(Value::as_items).unwrap_or_default();
    let has = |flag: &str| flags.iter().any(|value| value.as_str() == Some(flag));
    Argument {
        name: field(facts, "name").map(text).unwrap_or_default(),
        shape,
        token: field(facts, "token").map(text),
        optional: has("optional"),
        multiple: has("multiple"),
        multiple_token: has("multiple_token"),
    }
}

impl Grammar {
    /// A request of this command as its documentation allows it.
    pub fn request(&self, random: &mut Random) -> Vec<Vec<u8>> {
        let mut walk = Walk { random, out: Vec::new(), count: None };
        for word in self.name.split('|') {
            walk.token(word);
        }
        walk.list(&self.arguments);
        walk.out
    }
}

struct Walk<'a> {
    random: &'a mut Random,
    out: Vec<Vec<u8>>,
    /// How many keys a `numkeys` just announced.
    count: Option<usize>,
}

impl Walk<'_> {
    /// Arguments in order, but runs of optional ones in any order.
    fn list(&mut self, arguments: &[Argument]) {
        for run in arguments.chunk_by(|a, b| a.optional && b.optional) {
            let mut order: Vec<&Argument> = run.iter().collect();
            if order.len() > 1 && self.random.chance(60) {
                self.random.shuffle(&mut order);
            }
            for argument in order {
                self.argument(argument);
            }
        }
    }

    fn argument(&mut self, argument: &Argument) {
        if argument.optional && self.random.chance(55) {
            return;
        }
        for round in 0..self.repetitions(argument) {
            if let Some(token) = &argument.token
                && (round == 0 || argument.multiple_token || !argument.multiple)
            {
                self.token(token);
            }
            self.shape(argument);
        }
    }

    fn repetitions(&mut self, argument: &Argument) -> usize {
        let is_key = matches!(&argument.shape, Shape::Atom(kind) if kind == "key");
        match self.count.take_if(|_| is_key && argument.multiple) {
            Some(count) => count,
            None if argument.multiple => 1 + self.random.below(REPEAT_MAX),
            // An option given twice is legal here and an error there.
            None if argument.optional && self.random.chance(4) => 2,
            None => 1,
        }
    }

    fn shape(&mut self, argument: &Argument) {
        match &argument.shape {
            Shape::Token => {}
            Shape::OneOf(choices) => {
                let choice = self.random.below(choices.len());
                self.argument(&choices[choice]);
            }
            Shape::Block(arguments) => self.list(arguments),
            Shape::Atom(_) if argument.name == "numkeys" => self.numkeys(),
            Shape::Atom(kind) => {
                let leaf = leaf_of(kind).draw(self.random);
                self.out.push(leaf);
            }
        }
    }

    /// A number of keys, mostly followed by as many.
    fn numkeys(&mut self) {
        let count = self.random.below(REPEAT_MAX);
        self.count = Some(if self.random.chance(90) { count } else { self.random.below(REPEAT_MAX) });
        self.out.push(count.to_string().into_bytes());
    }

    fn token(&mut self, token: &str) {
        // Documentation writes an empty token as two quotes.
        let token = if token == "\"\"" { "" } else { token };
        self.out.push(in_some_case(self.random, token));
    }
}

/// The leaf for an argument of this type.
fn leaf_of(kind: &str) -> Leaf {
    leaves::find(match kind {
        "key" | "integer" | "double" | "pattern" => kind,
        "unix-time" => "at",
        _ => "value",
    })
}

fn pairs(value: &Value) -> Vec<(&Value, &Value)> {
    value.to_pairs().unwrap_or_default()
}

fn field<'a>(facts: &'a Value, name: &str) -> Option<&'a Value> {
    pairs(facts).into_iter().find(|(key, _)| key.as_str() == Some(name)).map(|(_, value)| value)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_string()
}
