//! The scripts of a node, and the interpreter that runs them.
//!
//! There is one interpreter for all threads of the node, made when the first script comes; whoever runs a script has it to himself. A thread
//! that waits for it holds shards already, and whoever has it waits for no shard: nobody waits for ever.
//!
//! Scripts are found by their text, which saves the digest of each EVAL, or by the digest of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rapidhash::RapidHashMap;
use slotway_core::resp::args::Args;
use slotway_core::resp::error::{ErrorReply, FunctionError, ScriptError, Scripted};
use slotway_engine::script::{
    Caller, Digest, Found, Function, Libraries, Loading, Naming, ScriptFigures, ScriptFlags, ScriptHost,
    ScriptId, SlowScript, split_shebang,
};

use crate::functions::Functions;
use crate::interpreter::{Inputs, Interpreter, Program};
use crate::redis;

/// What runs the scripts of one node.
pub struct Host {
    /// More than which one interpreter must not take.
    memory_max: usize,
    scripts: Mutex<Scripts>,
    functions: Mutex<Functions>,
    /// Kept apart: FUNCTION LIST does not wait for one that runs.
    libraries: Mutex<Arc<Libraries>>,
    /// Kept apart: a script may ask for them while it has the interpreter.
    figures: Mutex<ScriptFigures>,
    is_busy: AtomicBool,
    slow: Mutex<Option<Arc<SlowScript>>>,
}

#[derive(Default)]
struct Scripts {
    interpreter: Option<Interpreter>,
    /// The scripts with the ids from `first_id` on.
    kept: Vec<Script>,
    first_id: u64,
    by_text: RapidHashMap<Box<[u8]>, ScriptId>,
    by_digest: RapidHashMap<Digest, ScriptId>,
    texts_bytes: usize,
}

struct Script {
    digest: Digest,
    flags: ScriptFlags,
    program: Program,
}

/// What Redis counts for a script besides its text.
const SCRIPT_BYTES: usize = 64;

impl Host {
    /// One whose programs take at most `memory_max` bytes.
    pub fn new(memory_max: usize) -> Self {
        Self {
            memory_max,
            scripts: Mutex::default(),
            functions: Mutex::default(),
            libraries: Mutex::default(),
            figures: Mutex::default(),
            is_busy: AtomicBool::new(false),
            slow: Mutex::default(),
        }
    }

    fn function(&self, name: &[u8]) -> Option<Found> {
        self.libraries.lock().function(name).map(|(_, found)| found)
    }

    /// Whether a script runs for longer than it should.
    pub fn is_busy(&self) -> bool {
        self.is_busy.load(Ordering::Relaxed)
    }

    fn note(&self, scripts: &Scripts) {
        let mut figures = self.figures.lock();
        figures.scripts = scripts.kept.len();
        figures.scripts_bytes = scripts.texts_bytes + scripts.kept.len() * SCRIPT_BYTES;
        figures.scripts_vm_bytes = scripts.interpreter.as_ref().map_or(0, Interpreter::used);
    }
}

impl Scripts {
    fn interpreter(&mut self, memory_max: usize) -> &mut Interpreter {
        self.interpreter.get_or_insert_with(|| Interpreter::new(memory_max, Scripted::Eval))
    }

    /// The script of this text, compiled if it is new.
    fn keep(&mut self, text: &[u8], memory_max: usize) -> Result<ScriptId, ScriptError> {
        if let Some(id) = self.by_text.get(text) {
            return Ok(*id);
        }
        let (flags, program) = split_shebang(text)?;
        let program = self.interpreter(memory_max).compile(program, c"@user_script");
        let program = program.map_err(ScriptError::Compile)?;
        let id = ScriptId(self.first_id + self.kept.len() as u64);
        let digest = redis::digest(text);
        self.kept.push(Script { digest, flags, program });
        self.by_text.insert(text.into(), id);
        self.by_digest.insert(digest, id);
        self.texts_bytes += text.len();
        Ok(id)
    }

    fn find(&self, digest: &[u8]) -> Option<ScriptId> {
        let mut digest = Digest::try_from(digest).ok()?;
        digest.make_ascii_lowercase();
        self.by_digest.get(&digest).copied()
    }

    fn script(&self, id: ScriptId) -> Option<&Script> {
        let index = id.0.checked_sub(self.first_id)?;
        self.kept.get(usize::try_from(index).ok()?)
    }
}

impl ScriptHost for Host {
    fn find(&self, naming: Naming, name: &[u8]) -> Result<Found, ErrorReply> {
        let mut scripts = self.scripts.lock();
        let id = match naming {
            Naming::Text => {
                let before = scripts.kept.len();
                let id = scripts.keep(name, self.memory_max)?;
                if scripts.kept.len() > before {
                    self.note(&scripts);
                }
                id
            }
            Naming::Digest => scripts.find(name).ok_or(ScriptError::NoScript)?,
            Naming::Function => return self.function(name).ok_or_else(|| FunctionError::NotFound.into()),
        };
        let script = scripts.script(id).ok_or(ScriptError::NoScript)?;
        Ok(Found { id, flags: script.flags, kind: Scripted::Eval })
    }

    fn run(
        &self,
        found: Found,
        keys: Args<'_>,
        args: Args<'_>,
        caller: &mut dyn Caller,
    ) -> Result<(), ErrorReply> {
        if found.kind == Scripted::Function {
            let mut functions = self.functions.lock();
            let ended = functions.call(found.id, Inputs { keys, args }, caller);
            self.figures.lock().functions_vm_bytes = functions.used();
            return ended;
        }
        let mut scripts = self.scripts.lock();
        // Another thread may have flushed it meanwhile.
        let Script { digest, program, .. } = *scripts.script(found.id).ok_or(ScriptError::NoScript)?;
        let interpreter = scripts.interpreter(self.memory_max);
        let ended = interpreter.call(program, Scripted::Eval, &digest, Inputs { keys, args }, caller);
        self.figures.lock().scripts_vm_bytes = interpreter.used();
        ended
    }

    fn load(&self, text: &[u8]) -> Result<Digest, ErrorReply> {
        let mut scripts = self.scripts.lock();
        let id = scripts.keep(text, self.memory_max)?;
        self.note(&scripts);
        Ok(scripts.script(id).ok_or(ScriptError::NoScript)?.digest)
    }

    fn has(&self, digest: &[u8]) -> bool {
        self.scripts.lock().find(digest).is_some()
    }

    fn flush(&self) {
        let mut scripts = self.scripts.lock();
        let first_id = scripts.first_id + scripts.kept.len() as u64;
        *scripts = Scripts { first_id, ..Scripts::default() };
        self.note(&scripts);
    }

    fn flags(&self, naming: Naming, name: &[u8]) -> Option<ScriptFlags> {
        match naming {
            Naming::Text => split_shebang(name).ok().map(|(flags, _)| flags),
            Naming::Digest => {
                let scripts = self.scripts.lock();
                scripts.script(scripts.find(name)?).map(|script| script.flags)
            }
            Naming::Function => self.function(name).map(|found| found.flags),
        }
    }

    fn register(&self, program: &[u8], loading: &Loading<'_>) -> Result<Vec<Function>, FunctionError> {
        self.functions.lock().register(program, loading, self.memory_max)
    }

    fn libraries(&self) -> Arc<Libraries> {
        Arc::clone(&self.libraries.lock())
    }

    fn set_libraries(&self, libraries: Arc<Libraries>) {
        let mut functions = self.functions.lock();
        functions.keep_only(&libraries);
        let mut figures = self.figures.lock();
        (figures.libraries, figures.functions) = (libraries.len(), libraries.functions_len());
        figures.functions_bytes = libraries.bytes();
        figures.functions_vm_bytes = functions.used();
        *self.libraries.lock() = libraries;
    }

    fn figures(&self) -> ScriptFigures {
        *self.figures.lock()
    }

    fn slow(&self) -> Option<Arc<SlowScript>> {
        self.slow.lock().clone()
    }

    fn set_slow(&self, slow: Option<Arc<SlowScript>>) {
        self.is_busy.store(slow.is_some(), Ordering::Relaxed);
        *self.slow.lock() = slow;
    }
}
