//! Libraries of functions: which there are, and what may be added to them.
//!
//! ```text
//!   source --read--> name, program --ScriptHost::register--> functions --Libraries::add--> beside the others, or an error and no change
//! ```
//!
//! The source is all that is kept and sent: snapshots, FUNCTION DUMP and replicas have it, and register the functions of it anew. Names of libraries
//! are told apart by their case, those of functions are not.
//!
//! Source of the rules: `functions.c` of Redis 7.2.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;

use slotway_core::resp::error::FunctionError;
use slotway_core::resp::inline::split_args;

use super::{Found, ScriptFlags, ScriptHost};

/// A function, as its library has registered it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Function {
    /// Its name.
    pub name: Vec<u8>,
    /// What it is for.
    pub description: Option<Vec<u8>>,
    /// What the host knows it by, and what it says of itself.
    pub found: Found,
}

impl Function {
    /// What it says of itself.
    pub fn flags(&self) -> ScriptFlags {
        self.found.flags
    }
}

/// A library.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Library {
    /// Its name.
    pub name: Vec<u8>,
    /// Its source, with the first line.
    pub code: Vec<u8>,
    /// What it has registered, in that order.
    pub functions: Vec<Function>,
}

/// All libraries of a node.
#[derive(Clone, Default, Debug)]
pub struct Libraries {
    by_name: BTreeMap<Vec<u8>, Arc<Library>>,
    /// The functions of all of them, in the order of their names.
    functions: Vec<Named>,
}

#[derive(Clone, Debug)]
struct Named {
    name: Vec<u8>,
    found: Found,
}

/// What becomes of a library whose name is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// It is refused.
    Refuse,
    /// It takes the place of the other one.
    Replace,
}

/// How the program of a library is run.
#[derive(Clone, Copy)]
pub struct Loading<'a> {
    /// What runs it.
    pub host: &'a dyn ScriptHost,
    /// After how long it is given up; `None`: it is not.
    pub patience_ms: Option<u64>,
    /// Lines for the log go here, with a level from 0 (debug) to 3 (warning).
    pub log: &'a dyn Fn(u8, &[u8]),
}

impl Loading<'_> {
    /// Adds the library of this source to those of the host.
    ///
    /// # Errors
    /// It is no library, or its name or that of a function is taken; nothing has changed then.
    pub fn library(&self, code: &[u8], taken: Taken) -> Result<(), FunctionError> {
        let before = self.host.libraries();
        let mut libraries = Libraries::clone(&before);
        let loaded = libraries.load(code, taken, self);
        // What has been registered for nothing is forgotten.
        self.host.set_libraries(if loaded.is_ok() { Arc::new(libraries) } else { before });
        loaded.map(drop)
    }
}

/// How long the program of a library may take that a client sends.
pub const LOAD_PATIENCE_MS: u64 = 500;

impl Libraries {
    /// The function of that name, in whatever case, and the name that it has.
    pub fn function(&self, name: &[u8]) -> Option<(&[u8], Found)> {
        let index = self.place(name).ok()?;
        let Named { name, found } = &self.functions[index];
        Some((name, *found))
    }

    /// All libraries, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Library> {
        self.by_name.values().map(|library| &**library)
    }

    /// How many libraries there are.
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// How many functions there are.
    pub fn functions_len(&self) -> usize {
        self.functions.len()
    }

    /// About how much memory they take, without what runs them.
    pub fn bytes(&self) -> usize {
        let of_function = |function: &Function| {
            let description = function.description.as_ref().map_or(0, Vec::len);
            size_of::<Function>() + 2 * function.name.len() + description + size_of::<Named>()
        };
        let of_library = |library: &Library| {
            let functions: usize = library.functions.iter().map(of_function).sum();
            size_of::<Library>() + 2 * library.name.len() + library.code.len() + functions
        };
        self.iter().map(of_library).sum()
    }

    /// Adds the library of this source. Returns its name.
    ///
    /// # Errors
    /// It is no library, or its name or that of a function is taken; nothing has changed then.
    pub fn load(
        &mut self,
        code: &[u8],
        taken: Taken,
        loading: &Loading<'_>,
    ) -> Result<Vec<u8>, FunctionError> {
        let Source { name, program } = Source::read(code)?;
        if taken == Taken::Refuse && self.by_name.contains_key(&name) {
            return Err(FunctionError::LibraryExists(name));
        }
        let functions = loading.host.register(program, loading)?;
        if functions.is_empty() {
            return Err(FunctionError::NoFunctions);
        }
        let library = Library { name: name.clone(), code: code.into(), functions };
        self.add_all(&[Arc::new(library)], taken)?;
        Ok(name)
    }

    /// Removes a library.
    ///
    /// # Errors
    /// There is none of that name.
    pub fn remove(&mut self, name: &[u8]) -> Result<(), FunctionError> {
        self.unlink(name).map(drop).ok_or(FunctionError::LibraryNotFound)
    }

    /// Adds all of `others`.
    ///
    /// # Errors
    /// A name is taken: nothing has changed then.
    pub fn join(&mut self, others: Libraries, taken: Taken) -> Result<(), FunctionError> {
        self.add_all(&others.by_name.into_values().collect::<Vec<_>>(), taken)
    }

    fn add_all(&mut self, libraries: &[Arc<Library>], taken: Taken) -> Result<(), FunctionError> {
        let mut joined = self.clone();
        for Library { name, .. } in libraries.iter().map(Arc::as_ref) {
            if joined.unlink(name).is_some() && taken == Taken::Refuse {
                return Err(FunctionError::RestoredExists(name.clone()));
            }
        }
        let mut functions = libraries.iter().flat_map(|library| &library.functions);
        if let Some(function) = functions.find(|function| joined.place(&function.name).is_ok()) {
            return Err(FunctionError::FunctionExists(function.name.clone()));
        }
        libraries.iter().for_each(|library| joined.link(Arc::clone(library)));
        *self = joined;
        Ok(())
    }

    fn link(&mut self, library: Arc<Library>) {
        for Function { name, found, .. } in &library.functions {
            // Of two of one library whose names differ in case only, Redis too calls the first.
            if let Err(index) = self.place(name) {
                self.functions.insert(index, Named { name: name.clone(), found: *found });
            }
        }
        self.by_name.insert(library.name.clone(), library);
    }

    fn unlink(&mut self, name: &[u8]) -> Option<Arc<Library>> {
        let library = self.by_name.remove(name)?;
        let is_of_it = |named: &Named| library.functions.iter().any(|function| function.found == named.found);
        self.functions.retain(|named| !is_of_it(named));
        Some(library)
    }

    /// Where the function of that name is, or belongs.
    fn place(&self, name: &[u8]) -> Result<usize, usize> {
        self.functions.binary_search_by(|named| compare_caseless(&named.name, name))
    }
}

fn compare_caseless(one: &[u8], other: &[u8]) -> Ordering {
    one.iter().map(u8::to_ascii_lowercase).cmp(other.iter().map(u8::to_ascii_lowercase))
}

/// Whether a library or a function may have this name.
pub fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// What the first line of a source says, and what follows it.
struct Source<'a> {
    name: Vec<u8>,
    program: &'a [u8],
}

impl<'a> Source<'a> {
    fn read(code: &'a [u8]) -> Result<Self, FunctionError> {
        if !code.starts_with(b"#!") {
            return Err(FunctionError::NoMetadata);
        }
        let end = code.iter().position(|byte| *byte == b'\n').ok_or(FunctionError::Metadata)?;
        let words = split_args(&code[..end]).map_err(|_| FunctionError::Metadata)?;
        let (engine, options) = words.split_first().ok_or(FunctionError::Metadata)?;
        let name = name_of(options)?;
        if !is_name(name) {
            return Err(FunctionError::Name);
        }
        let engine = engine.strip_prefix(b"#!").unwrap_or_default();
        if !engine.eq_ignore_ascii_case(b"lua") {
            return Err(FunctionError::Engine(engine.into()));
        }
        // The line break stays, so that lines keep their numbers.
        Ok(Self { name: name.into(), program: &code[end..] })
    }
}

fn name_of(options: &[Vec<u8>]) -> Result<&[u8], FunctionError> {
    const OPTION: &[u8] = b"name=";
    let mut name = None;
    for word in options {
        let option = word.split_at_checked(OPTION.len()).filter(|(key, _)| key.eq_ignore_ascii_case(OPTION));
        let (_, value) = option.ok_or_else(|| FunctionError::MetadataValue(word.clone()))?;
        if name.replace(value).is_some() {
            return Err(FunctionError::NamedTwice);
        }
    }
    name.ok_or(FunctionError::Unnamed)
}
