//! A Lua with the sandbox around it: compiles programs, calls them on behalf of clients, and tells what went wrong as Redis does.
//!
//! Source of the rules: `luaCallFunction` and `luaExtractErrorInformation` of Redis 7.2.

use std::ffi::CStr;
use std::time::{Duration, Instant};

use slotway_core::resp::args::Args;
use slotway_core::resp::error::{ErrorReply, FunctionError, ScriptError, Scripted};
use slotway_engine::script::{Caller, Loading};

use crate::call::{Call, Registered, Registering, Run};
use crate::redis::push_error;
use crate::reply;
use crate::sandbox;
use crate::state::{Kept, Kind, Owned, Raised, Returned, State};

/// The script is asked after so many instructions whether it may go on.
const INSTRUCTIONS: i32 = 100_000;
/// After so many calls, so many steps of garbage collection are done, lest a whole collection comes at once.
const CALLS_PER_COLLECTION: i32 = 50;

/// A Lua and what is in it.
pub(crate) struct Interpreter {
    lua: Owned,
    /// What errors are given to as they are raised.
    handler: Kept,
    /// What scripts find by name.
    names: Kept,
    /// Calls since the last step of garbage collection.
    calls: i32,
}

/// A program that has been compiled.
pub(crate) type Program = Kept;

impl Interpreter {
    /// A new one for scripts or for functions, which take at most `memory_max` bytes.
    pub(crate) fn new(memory_max: usize, kind: Scripted) -> Self {
        let mut lua = Owned::new(memory_max);
        let state = lua.state();
        sandbox::build(state, kind);
        state.push_function(handle_error);
        let handler = state.keep();
        let names = sandbox::names(state);
        state.watch(interrupt, INSTRUCTIONS);
        Self { lua, handler, names, calls: 0 }
    }

    /// Bytes that it takes.
    pub(crate) fn used(&self) -> usize {
        self.lua.used()
    }

    /// Compiles a program.
    ///
    /// # Errors
    /// It is none: what Lua says of it.
    pub(crate) fn compile(&mut self, text: &[u8], name: &CStr) -> Result<Program, Vec<u8>> {
        let state = self.lua.state();
        let compiled = state.load(text, name);
        match compiled {
            Ok(()) => Ok(state.keep()),
            Err(Raised) => {
                let why = state.to_bytes(-1).unwrap_or_default().to_vec();
                state.pop(1);
                Err(why)
            }
        }
    }

    /// Calls a program on behalf of `caller`, and writes what it returns as the reply. Scripts find keys and arguments under global names,
    /// functions are given them. `name` is for error texts.
    ///
    /// # Errors
    /// What it has raised.
    pub(crate) fn call(
        &mut self,
        program: Program,
        kind: Scripted,
        name: &[u8],
        inputs: Inputs<'_>,
        caller: &mut dyn Caller,
    ) -> Result<(), ErrorReply> {
        let mut call = Call::Run(Run::new(caller, kind));
        let (handler, names) = (self.handler, self.names);
        let ended = self.lua.run(&mut call, |state| {
            state.push_kept(handler);
            state.push_kept(program);
            let given = push_inputs(state, names, kind, inputs);
            state.call_limited(given, 1, 1).map_err(|Raised| error_of(state, name))
        });
        let state = self.lua.state();
        if let (Ok(()), Call::Run(Run { caller, .. })) = (&ended, call) {
            reply::write(state, caller.protocol(), &mut caller.reply());
        }
        self.put_back();
        self.collect();
        ended
    }

    /// Runs the program of a library. Returns the functions that it has registered.
    ///
    /// # Errors
    /// It is none, or does not end well.
    pub(crate) fn register(
        &mut self,
        program: &[u8],
        loading: &Loading<'_>,
    ) -> Result<Vec<Registered>, FunctionError> {
        let program = self.compile(program, c"@user_function").map_err(FunctionError::Compile)?;
        let give_up_at = loading.patience_ms.map(|ms| Instant::now() + Duration::from_millis(ms));
        let mut call = Call::Library(Registering { functions: Vec::new(), give_up_at, log: loading.log });
        let ended = self.lua.run(&mut call, |state| {
            state.push_kept(program);
            sandbox::show_names(state, sandbox::LIBRARY_NAMES);
            let called = state.call_limited(0, 0, 0);
            sandbox::show_names(state, sandbox::NAMES);
            called.map_err(|Raised| FunctionError::Registering(why_of(state)))
        });
        self.put_back();
        self.forget(program);
        let Call::Library(Registering { functions, .. }) = call else { unreachable!("it is one") };
        match ended {
            Ok(()) => Ok(functions),
            Err(error) => {
                functions.iter().for_each(|function| self.forget(function.callback));
                Err(error)
            }
        }
    }

    /// Keeps a program no longer.
    pub(crate) fn forget(&mut self, program: Program) {
        self.lua.state().forget(program);
    }

    /// Leaves nothing behind of what has run.
    fn put_back(&mut self) {
        let state = self.lua.state();
        state.settop(0);
        if state.is_interrupted() {
            state.watch(interrupt, INSTRUCTIONS);
        }
        // This Lua does not look for garbage when it has no memory left: what follows would be refused for what this one has left behind.
        if self.lua.is_nearly_full() {
            state.collect_all();
        }
    }

    fn collect(&mut self) {
        self.calls += 1;
        if self.calls == CALLS_PER_COLLECTION {
            self.calls = 0;
            self.lua.state().collect_step(CALLS_PER_COLLECTION);
        }
    }
}

/// What a request gives to a program.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a> {
    pub(crate) keys: Args<'a>,
    pub(crate) args: Args<'a>,
}

/// Hands keys and arguments over. Returns how many values on the stack are arguments of the program.
fn push_inputs(state: State, names: Kept, kind: Scripted, inputs: Inputs<'_>) -> i32 {
    push_words(state, inputs.keys);
    if kind == Scripted::Eval {
        sandbox::set_name(state, names, "KEYS");
    }
    push_words(state, inputs.args);
    match kind {
        Scripted::Eval => {
            sandbox::set_name(state, names, "ARGV");
            0
        }
        Scripted::Function => 2,
    }
}

fn push_words(state: State, words: Args<'_>) {
    state.push_table(words.len(), 0);
    for (index, word) in (1..).zip(words.iter()) {
        state.push_bytes(word);
        state.raw_set_item(-2, index);
    }
}

/// Asked by Lua now and then whether the script may go on.
fn interrupt(state: State) -> Result<(), Raised> {
    match state.with_call(|call| call.must_end()).flatten() {
        None => Ok(()),
        Some(why) => {
            // From now on at each line, so that no `pcall` of the script can go on for long with the error that this is.
            state.watch_lines(interrupt);
            push_error(state, why);
            Err(Raised)
        }
    }
}

/// Makes a table of an error, if it is none, and adds where it has been raised: by a function of Lua, or by the one that has called ours.
pub(crate) fn handle_error(state: State) -> Returned {
    let place = state.place(1).and_then(|place| if place.is_foreign { state.place(2) } else { Some(place) });
    state.settop(1);
    if state.kind(1) != Kind::Table {
        let text = [b"ERR ", &text_of(state, 1)[..]].concat();
        state.push_table(0, 3);
        state.push_bytes(&text);
        state.set_field(-2, "err");
    }
    if let Some(place) = place.filter(|_| !sandbox::is_front(state, -1)) {
        state.push_bytes(place.source);
        state.set_field(-2, "source");
        state.push_number(place.line as f64);
        state.set_field(-2, "line");
    }
    Ok(1)
}

/// As `tostring` has it.
fn text_of(state: State, index: i32) -> Vec<u8> {
    match state.kind(index) {
        Kind::None | Kind::Nil => b"nil".to_vec(),
        Kind::Boolean => state.to_boolean(index).to_string().into_bytes(),
        Kind::Number | Kind::String => state.to_bytes(index).unwrap_or_default().to_vec(),
        Kind::LightUserdata | Kind::Table | Kind::Function | Kind::Userdata | Kind::Thread => {
            format!("{}: {:#x}", state.kind_name(index), state.address(index)).into_bytes()
        }
    }
}

/// The reply for the error on top of the stack.
fn error_of(state: State, name: &[u8]) -> ErrorReply {
    if state.kind(-1) != Kind::Table {
        let why = match state.kind(-1) {
            Kind::String | Kind::Number => text_of(state, -1),
            _ => b"execution failure".to_vec(),
        };
        return ScriptError::Failed(name.to_vec(), why).into();
    }
    // An error without a text: Redis 7.0 ends there.
    let mut text = field_text(state, "err").unwrap_or_else(|| b"ERR unknown error".to_vec());
    if let (Some(source), Some(line)) = (field_text(state, "source"), field_text(state, "line")) {
        text.extend_from_slice(&[b" script: ", name, b", on ", &source, b":", &line, b"."].concat());
    }
    ScriptError::raised(&text).into()
}

/// What is wrong with a library, by the error on top of the stack.
fn why_of(state: State) -> Vec<u8> {
    match state.kind(-1) {
        Kind::Table => field_text(state, "err").unwrap_or_else(|| b"ERR unknown error".to_vec()),
        Kind::String | Kind::Number => [b"ERR ", &text_of(state, -1)[..]].concat(),
        _ => b"ERR unknown error".to_vec(),
    }
}

/// The field of the table on top, if it is a text.
fn field_text(state: State, name: &str) -> Option<Vec<u8>> {
    state.raw_field(-1, name);
    let text = match state.kind(-1) {
        Kind::String | Kind::Number => state.to_bytes(-1).map(|text| reply::c_text(text).to_vec()),
        _ => None,
    };
    state.pop(1);
    text
}
