//! Which commands are generated, in which forms: a table per family, and no code per command.
//!
//! A family is a list of forms, and a form is a line of text like `ZADD zset [NX|XX] [GT|LT] [CH] (score member)+`; how
//! such a line is read and drawn from is told in [`form`], what stands for `zset` or `score` in [`leaves`]. To have a
//! command compared, add a line to its family.

pub mod form;
pub mod leaves;
pub mod lua;

mod bitmap;
mod blocking;
mod connection;
mod expiry;
mod generic;
mod geo;
mod hash;
mod hyperloglog;
mod list;
mod pubsub;
mod set;
mod sort;
mod sorted_set;
mod stream;
mod string;
mod transaction;

use crate::grammar::form::Form;
use crate::random::Random;
use crate::script::Step;

/// Forms of related commands, each group of them as often as its number says.
#[derive(Clone, Copy, Debug)]
pub struct Family {
    /// Lower case, as in the documentation of Redis: `sorted_set`.
    pub name: &'static str,
    forms: &'static [(usize, &'static [&'static str])],
}

/// Every family.
pub const FAMILIES: &[Family] = &[
    Family { name: "bitmap", forms: bitmap::FORMS },
    Family { name: "blocking", forms: blocking::FORMS },
    Family { name: "connection", forms: connection::FORMS },
    Family { name: "expiry", forms: expiry::FORMS },
    Family { name: "generic", forms: generic::FORMS },
    Family { name: "geo", forms: geo::FORMS },
    Family { name: "hash", forms: hash::FORMS },
    Family { name: "hyperloglog", forms: hyperloglog::FORMS },
    Family { name: "list", forms: list::FORMS },
    Family { name: "pubsub", forms: pubsub::FORMS },
    Family { name: "set", forms: set::FORMS },
    Family { name: "sort", forms: sort::FORMS },
    Family { name: "sorted_set", forms: sorted_set::FORMS },
    Family { name: "stream", forms: stream::FORMS },
    Family { name: "string", forms: string::FORMS },
    Family { name: "transaction", forms: transaction::FORMS },
];

/// Forms to draw from.
#[derive(Clone, Debug, Default)]
pub struct Deck {
    forms: Vec<Form>,
    /// Indices into `forms`, each as often as its weight.
    draws: Vec<usize>,
}

impl Deck {
    /// All forms of the families named, each family's as often again as its number says. Panics on unknown names.
    pub fn of(families: &[(usize, &str)]) -> Deck {
        let mut deck = Deck::default();
        for (weight, name) in families {
            let family = FAMILIES.iter().find(|family| family.name == *name);
            deck.add(family.unwrap_or_else(|| panic!("there is no family {name}")), *weight);
        }
        deck
    }

    /// A request in one of the forms.
    pub fn draw(&self, random: &mut Random) -> Step {
        self.forms[*random.pick(&self.draws)].draw(random)
    }

    fn add(&mut self, family: &Family, times: usize) {
        for (weight, forms) in family.forms {
            for form in *forms {
                self.draws.extend(std::iter::repeat_n(self.forms.len(), times * weight));
                self.forms.push(Form::parse(form));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_every_family_can_be_drawn_from() {
        let names: Vec<(usize, &str)> = FAMILIES.iter().map(|family| (1, family.name)).collect();
        let deck = Deck::of(&names);
        let mut random = Random::new(1);
        for form in &deck.forms {
            assert!(!form.draw(&mut random).name().is_empty());
        }
    }
}
