//! On whose behalf Lua runs, as the functions within find it.

use std::time::Instant;

use slotway_core::resp::args::ArgsBuf;
use slotway_core::resp::error::Scripted;
use slotway_engine::script::{Caller, ScriptFlags};

use crate::state::{Kept, State};

/// What Lua runs.
pub(crate) enum Call<'a> {
    /// A script or a function, for a client.
    Run(Run<'a>),
    /// The program of a library, which registers functions.
    Library(Registering<'a>),
}

/// A run of a script or a function.
pub(crate) struct Run<'a> {
    /// The node, as far as the script may reach it.
    pub(crate) caller: &'a mut dyn Caller,
    /// The words of the command being sent: kept for the next one.
    pub(crate) words: ArgsBuf,
    kind: Scripted,
    /// It has been told to end.
    is_killed: bool,
}

/// A library that registers its functions.
pub(crate) struct Registering<'a> {
    pub(crate) functions: Vec<Registered>,
    /// When it is given up.
    pub(crate) give_up_at: Option<Instant>,
    pub(crate) log: &'a dyn Fn(u8, &[u8]),
}

/// A function that a library has registered.
pub(crate) struct Registered {
    pub(crate) name: Vec<u8>,
    pub(crate) description: Option<Vec<u8>>,
    pub(crate) flags: ScriptFlags,
    pub(crate) callback: Kept,
}

impl<'a> Run<'a> {
    pub(crate) fn new(caller: &'a mut dyn Caller, kind: Scripted) -> Self {
        Self { caller, words: ArgsBuf::default(), kind, is_killed: false }
    }

    fn must_end(&mut self) -> Option<&'static str> {
        self.is_killed = self.is_killed || !self.caller.goes_on();
        match (self.is_killed, self.kind) {
            (false, _) => None,
            (true, Scripted::Eval) => Some("Script killed by user with SCRIPT KILL..."),
            (true, Scripted::Function) => Some("Script killed by user with FUNCTION KILL..."),
        }
    }
}

impl Call<'_> {
    /// Why it must end now, in the words of the error that ends it; `None` if it may go on.
    pub(crate) fn must_end(&mut self) -> Option<&'static str> {
        match self {
            Call::Run(run) => run.must_end(),
            Call::Library(library) => {
                let is_late = library.give_up_at.is_some_and(|at| Instant::now() >= at);
                is_late.then_some("FUNCTION LOAD timeout")
            }
        }
    }

    /// A line for the log.
    pub(crate) fn log(&self, level: u8, line: &[u8]) {
        match self {
            Call::Run(run) => run.caller.log(level, line),
            Call::Library(library) => (library.log)(level, line),
        }
    }
}

impl State {
    /// Lets `visit` have the run under way, if it is a script or a function that Lua runs.
    pub(crate) fn with_run<R>(self, visit: impl FnOnce(&mut Run<'_>) -> R) -> Option<R> {
        self.with_call(|call| match call {
            Call::Run(run) => Some(visit(run)),
            Call::Library(_) => None,
        })?
    }

    /// Lets `visit` have the library under way, if it is the program of one that Lua runs.
    pub(crate) fn with_library<R>(self, visit: impl FnOnce(&mut Registering<'_>) -> R) -> Option<R> {
        self.with_call(|call| match call {
            Call::Library(library) => Some(visit(library)),
            Call::Run(_) => None,
        })?
    }
}
