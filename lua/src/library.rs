//! What the program of a library finds: no more than what it takes to register functions.
//!
//! Source of the rules: `function_lua.c` of Redis 7.2.

use slotway_core::resp::error::NAME_RULE;
use slotway_engine::script::{ScriptFlag, ScriptFlags, is_name};

use crate::call::Registered;
use crate::redis::{push_constants, raise};
use crate::state::{Kept, Kind, Returned, State};

/// Pushes the table `redis` as programs of libraries have it.
pub(crate) fn push_table(state: State) {
    state.push_table(0, 16);
    state.set_function("register_function", register_function);
    push_constants(state);
}

/// A function as it is registered, not checked yet.
#[derive(Default)]
struct Declared {
    name: Option<Vec<u8>>,
    description: Option<Vec<u8>>,
    flags: ScriptFlags,
    callback: Option<Kept>,
}

/// `redis.register_function(name, callback)`, or with a table of named arguments.
fn register_function(state: State) -> Returned {
    if state.with_library(|_| ()).is_none() {
        let why = "redis.register_function can only be called on FUNCTION LOAD command";
        return Err(raise(state, why));
    }
    let mut declared = Declared::default();
    let read = match state.top() {
        1 => declared.read_named(state),
        2 => declared.read_in_order(state),
        _ => Err("wrong number of arguments to redis.register_function"),
    };
    match read.and_then(|()| declared.register(state)) {
        Ok(()) => Ok(0),
        Err(why) => {
            declared.callback.into_iter().for_each(|callback| state.forget(callback));
            Err(raise(state, why))
        }
    }
}

impl Declared {
    fn read_in_order(&mut self, state: State) -> Result<(), &'static str> {
        let name = state.to_bytes(1).ok_or("first argument to redis.register_function must be a string")?;
        if state.kind(2) != Kind::Function {
            return Err("second argument to redis.register_function must be a function");
        }
        self.name = Some(name.to_vec());
        self.callback = Some(state.keep());
        Ok(())
    }

    fn read_named(&mut self, state: State) -> Result<(), &'static str> {
        if state.kind(1) != Kind::Table {
            return Err(
                "calling redis.register_function with a single argument is only applicable to Lua table (representing named arguments).",
            );
        }
        state.push_nil();
        while state.next(1) {
            // A number must not become a text where it is the key to go on from; no argument is called like one.
            let key = match state.kind(-2) {
                Kind::String => state.to_bytes(-2).unwrap_or_default().to_ascii_lowercase(),
                Kind::Number => Vec::new(),
                _ => return Err("named argument key given to redis.register_function is not a string"),
            };
            self.read_argument(state, &key)?;
            state.pop(1);
        }
        match (&self.name, self.callback) {
            (None, _) => Err("redis.register_function must get a function name argument"),
            (_, None) => Err("redis.register_function must get a callback argument"),
            (Some(_), Some(_)) => Ok(()),
        }
    }

    /// The argument on top of the stack, which stays there.
    fn read_argument(&mut self, state: State, key: &[u8]) -> Result<(), &'static str> {
        let text = |why| state.to_bytes(-1).map(<[u8]>::to_vec).ok_or(why);
        match key {
            b"function_name" => {
                let why = "function_name argument given to redis.register_function must be a string";
                self.name = Some(text(why)?);
            }
            b"description" => {
                let why = "description argument given to redis.register_function must be a string";
                self.description = Some(text(why)?);
            }
            b"callback" if state.kind(-1) != Kind::Function => {
                return Err("callback argument given to redis.register_function must be a function");
            }
            b"callback" => {
                state.push_copy(-1);
                let before = self.callback.replace(state.keep());
                before.into_iter().for_each(|callback| state.forget(callback));
            }
            b"flags" if state.kind(-1) != Kind::Table => {
                return Err(
                    "flags argument to redis.register_function must be a table representing function flags",
                );
            }
            b"flags" => self.flags = read_flags(state).ok_or("unknown flag given")?,
            _ => return Err("unknown argument given to redis.register_function"),
        }
        Ok(())
    }

    /// Adds it to the functions of the library.
    fn register(&mut self, state: State) -> Result<(), &'static str> {
        let (Some(name), Some(callback)) = (self.name.take(), self.callback) else {
            unreachable!("both have been read")
        };
        if !is_name(&name) {
            return Err(NAME_RULE.trim_start_matches("ERR "));
        }
        let (description, flags) = (self.description.take(), self.flags);
        let is_new = state.with_library(|library| {
            let is_new = library.functions.iter().all(|other| other.name != name);
            if is_new {
                library.functions.push(Registered { name, description, flags, callback });
            }
            is_new
        });
        match is_new {
            Some(true) => Ok(()),
            Some(false) | None => Err("Function already exists in the library"),
        }
    }
}

/// The flags that the table on top of the stack names.
fn read_flags(state: State) -> Option<ScriptFlags> {
    let mut flags = ScriptFlags::default();
    for index in 1.. {
        state.raw_item(-1, index);
        let word = match state.kind(-1) {
            Kind::Nil => break,
            Kind::String | Kind::Number => state.to_bytes(-1)?.to_ascii_lowercase(),
            _ => return None,
        };
        flags.insert(ScriptFlag::named(&word)?);
        state.pop(1);
    }
    state.pop(1);
    Some(flags)
}
