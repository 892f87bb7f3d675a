//! The functions of a node's libraries, and the interpreter that all of them share: not that of scripts.

use rapidhash::{HashMapExt as _, RapidHashMap};
use slotway_core::resp::error::{ErrorReply, FunctionError, Scripted};
use slotway_engine::script::{Caller, Found, Function, Libraries, Loading, ScriptId};

use crate::call::Registered;
use crate::interpreter::{Inputs, Interpreter, Program};

/// What can be called.
#[derive(Default)]
pub(crate) struct Functions {
    interpreter: Option<Interpreter>,
    programs: RapidHashMap<ScriptId, Named>,
    next_id: u64,
}

struct Named {
    name: Vec<u8>,
    program: Program,
}

impl Functions {
    /// Runs the program of a library; what it registers can be called until [`Self::keep_only`] is called without it.
    ///
    /// # Errors
    /// It is none, or does not end well.
    pub(crate) fn register(
        &mut self,
        program: &[u8],
        loading: &Loading<'_>,
        memory_max: usize,
    ) -> Result<Vec<Function>, FunctionError> {
        let interpreter =
            self.interpreter.get_or_insert_with(|| Interpreter::new(memory_max, Scripted::Function));
        let registered = interpreter.register(program, loading)?;
        Ok(registered.into_iter().map(|function| self.add(function)).collect())
    }

    fn add(&mut self, Registered { name, description, flags, callback }: Registered) -> Function {
        let id = ScriptId(self.next_id);
        self.next_id += 1;
        self.programs.insert(id, Named { name: name.clone(), program: callback });
        Function { name, description, found: Found { id, flags, kind: Scripted::Function } }
    }

    /// Forgets functions that are in none of `libraries`.
    pub(crate) fn keep_only(&mut self, libraries: &Libraries) {
        let Self { interpreter: Some(interpreter), programs, .. } = self else { return };
        let functions = libraries.iter().flat_map(|library| &library.functions);
        let mut kept = RapidHashMap::with_capacity(programs.len());
        for id in functions.map(|function| function.found.id) {
            kept.extend(programs.remove_entry(&id));
        }
        programs.drain().for_each(|(_, Named { program, .. })| interpreter.forget(program));
        *programs = kept;
    }

    /// Calls a function on behalf of `caller`.
    ///
    /// # Errors
    /// What it has raised; or it is gone.
    pub(crate) fn call(
        &mut self,
        id: ScriptId,
        inputs: Inputs<'_>,
        caller: &mut dyn Caller,
    ) -> Result<(), ErrorReply> {
        let (Some(Named { name, program }), Some(interpreter)) =
            (self.programs.get(&id), &mut self.interpreter)
        else {
            return Err(FunctionError::NotFound.into());
        };
        interpreter.call(*program, Scripted::Function, name, inputs, caller)
    }

    /// Bytes that the interpreter takes.
    pub(crate) fn used(&self) -> usize {
        self.interpreter.as_ref().map_or(0, Interpreter::used)
    }
}
