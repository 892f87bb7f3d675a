//! FUNCTION and FCALL. Which libraries there can be is in [`script`](crate::script), what functions may do in [`dispatch`](crate::dispatch).
//!
//! Who changes the libraries has all shards in hand, so no function runs meanwhile, no snapshot begins, and replicas get the change in its place
//! among the others.

use alloc::sync::Arc;
use alloc::vec::Vec;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::{ErrorReply, FunctionError, ScriptError, Scripted};

use super::args::{self, Options};
use super::script::{host, invoke, kill};
use super::{Binding, Connection, Data, Whole, help};
use crate::glob::{Case, glob_match};
use crate::node::Node;
use crate::rdb::dump::{self, Payload};
use crate::rdb::{Compression, Version};
use crate::registry::{Effect, Handler, Outcome};
use crate::script::{
    Function, LOAD_PATIENCE_MS, Libraries, Library, Loading, Mode, Naming, SlowScript, Taken, flag_names,
};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("fcall", Handler::Data(|data, args, _| call(data, args, Mode::Usual))),
    ("fcall_ro", Handler::Data(|data, args, _| call(data, args, Mode::ReadOnly))),
    ("function|delete", Handler::Node(delete)),
    ("function|dump", Handler::Session(dump)),
    ("function|flush", Handler::Node(flush)),
    ("function|help", Handler::Node(write_help)),
    ("function|kill", Handler::Session(|connection, _, reply| kill(connection, Scripted::Function, reply))),
    ("function|list", Handler::Session(list)),
    ("function|load", Handler::Node(load)),
    ("function|restore", Handler::Node(restore)),
    ("function|stats", Handler::Session(stats)),
];

/// FUNCTION HELP, in Redis' words.
const HELP: &str = "\
LOAD [REPLACE] <FUNCTION CODE>
    Create a new library with the given library name and code.
DELETE <LIBRARY NAME>
    Delete the given library.
LIST [LIBRARYNAME PATTERN] [WITHCODE]
    Return general information on all the libraries:
    * Library name
    * The engine used to run the Library
    * Library description
    * Functions list
    * Library code (if WITHCODE is given)
    It also possible to get only function that matches a pattern using LIBRARYNAME argument.
STATS
    Return information about the current function running:
    * Function name
    * Command used to run the function
    * Duration in MS that the function is running
    If no function is running, return nil
    In addition, returns a list of available engines.
KILL
    Kill the current running function.
FLUSH [ASYNC|SYNC]
    Delete all the libraries.
    When called without the optional mode argument, the behavior is determined by the
    lazyfree-lazy-user-flush configuration directive. Valid modes are:
    * ASYNC: Asynchronously flush the libraries.
    * SYNC: Synchronously flush the libraries.
DUMP
    Return a serialized payload representing the current libraries, can be restored using FUNCTION RESTORE command
RESTORE <PAYLOAD> [FLUSH|APPEND|REPLACE]
    Restore the libraries represented by the given payload, it is possible to give a restore policy to
    control how to handle existing libraries (default APPEND):
    * FLUSH: delete all existing libraries.
    * APPEND: appends the restored libraries to the existing libraries. On collision, abort.
    * REPLACE: appends the restored libraries to the existing libraries, On collision, replace the old
      libraries with the new libraries (notice that even on this option there is a chance of failure
      in case of functions name collision with another library).
HELP
    Print this help.
";

/// The only engine.
const ENGINE: &[u8] = b"LUA";

/// Has dispatch call a function. That there is one is asked first.
fn call(data: &mut Data<'_, '_>, args: Args<'_>, mode: Mode) -> Outcome {
    if host(data.node())?.libraries().function(args.at(1)).is_none() {
        return Err(FunctionError::NotFound.into());
    }
    args::integer_or(args.at(2), FunctionError::KeysBad.into())?;
    invoke(args, Naming::Function, mode)
}

fn load(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (code, mut taken) = (args.at(args.len() - 1), Taken::Refuse);
    for word in args.first(args.len() - 1).skip(2).iter() {
        match args::is(word, "replace") {
            true => taken = Taken::Replace,
            false => return Err(FunctionError::LoadOption(word.into()).into()),
        }
    }
    // What a primary has accepted is not given up here.
    let patience_ms = (!whole.connection.session.is_obeyed()).then_some(LOAD_PATIENCE_MS);
    let mut name = Vec::new();
    change(whole, args, patience_ms, &mut |libraries, loading| {
        name = libraries.load(code, taken, loading)?;
        Ok(())
    })?;
    reply.bulk(&name);
    Ok(Effect::Changed(1))
}

fn delete(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    change(whole, args, None, &mut |libraries, _| libraries.remove(args.at(2)))?;
    reply.ok();
    Ok(Effect::Changed(1))
}

fn flush(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    match args.len() {
        2 => {}
        3 if args.is(2, "sync") || args.is(2, "async") => {}
        3 => return Err(FunctionError::FlushMode.into()),
        _ => return Err(subcommand_syntax(args)),
    }
    change(whole, args, None, &mut |libraries, _| {
        *libraries = Libraries::default();
        Ok(())
    })?;
    reply.ok();
    Ok(Effect::Changed(1))
}

fn restore(whole: &mut Whole<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    if args.len() > 4 {
        return Err(subcommand_syntax(args));
    }
    let policy = RestorePolicy::read(args.get(3))?;
    let payload = Payload::verify(args.at(2)).map_err(|_| ErrorReply::DumpPayload)?;
    change(whole, args, None, &mut |libraries, loading| {
        let mut restored = Libraries::default();
        for code in payload.functions() {
            restored.load(&code?, Taken::Refuse, loading)?;
        }
        match policy {
            RestorePolicy::Append => libraries.join(restored, Taken::Refuse),
            RestorePolicy::Replace => libraries.join(restored, Taken::Replace),
            RestorePolicy::Flush => {
                *libraries = restored;
                Ok(())
            }
        }
    })?;
    reply.ok();
    Ok(Effect::Changed(1))
}

/// What becomes of the libraries that are there.
#[derive(Clone, Copy)]
enum RestorePolicy {
    /// They stay; a name that is taken is an error.
    Append,
    /// They stay, but for those whose names are wanted.
    Replace,
    /// They go.
    Flush,
}

impl RestorePolicy {
    fn read(word: Option<&[u8]>) -> Result<Self, ErrorReply> {
        match word {
            None => Ok(RestorePolicy::Append),
            Some(word) if args::is(word, "append") => Ok(RestorePolicy::Append),
            Some(word) if args::is(word, "replace") => Ok(RestorePolicy::Replace),
            Some(word) if args::is(word, "flush") => Ok(RestorePolicy::Flush),
            Some(_) => Err(FunctionError::RestorePolicy.into()),
        }
    }
}

fn subcommand_syntax(args: Args<'_>) -> ErrorReply {
    ErrorReply::SubcommandSyntax { sent: args.at(1).to_vec(), container: "FUNCTION" }
}

type Change<'c> = &'c mut dyn FnMut(&mut Libraries, &Loading<'_>) -> Result<(), FunctionError>;

/// Changes the libraries, and has the request propagated as it is; after an error nothing has changed.
fn change(
    whole: &mut Whole<'_>,
    args: Args<'_>,
    patience_ms: Option<u64>,
    change: Change<'_>,
) -> Result<(), ErrorReply> {
    let (node, db) = (whole.connection.node, whole.db());
    let host = host(node)?;
    let log = |level, line: &[u8]| node.log_at(level, &alloc::string::String::from_utf8_lossy(line));
    let loading = Loading { host, patience_ms, log: &log };
    let (in_transaction, effects, mut changed) = (whole.in_transaction, &mut *whole.effects, Ok(()));
    whole.shards.all_shards(&mut |_| {
        let before = host.libraries();
        let mut libraries = Libraries::clone(&before);
        changed = change(&mut libraries, &loading);
        match changed {
            Ok(()) => {
                host.set_libraries(Arc::new(libraries));
                Whole::propagate(node, effects, in_transaction, db, args);
            }
            // What has been registered for nothing is forgotten.
            Err(_) => host.set_libraries(before),
        }
    });
    Ok(changed?)
}

/// What Redis 7.0 reads, Redis 7.2 reads too: the version is that of snapshots.
fn dump(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let compression = if connection.config.rdbcompression() { Compression::Lzf } else { Compression::Off };
    let libraries = host(connection.node)?.libraries();
    let codes = libraries.iter().map(|library| &library.code[..]);
    reply.bulk(&dump::encode_functions(codes, Version::V10, compression));
    Ok(Effect::None)
}

fn list(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (mut pattern, mut with_code) = (None, false);
    let mut words = Options::new(args, 2);
    while let Some(word) = words.word() {
        match word {
            word if !with_code && args::is(word, "withcode") => with_code = true,
            word if pattern.is_none() && args::is(word, "libraryname") => {
                pattern = Some(words.value().map_err(|_| FunctionError::ListName)?);
            }
            word => return Err(FunctionError::ListArgument(word.into()).into()),
        }
    }
    let libraries = host(connection.node)?.libraries();
    let is_wanted =
        |library: &&Library| pattern.is_none_or(|pattern| glob_match(pattern, &library.name, Case::Ignored));
    let list = reply.deferred();
    let wanted = libraries.iter().filter(is_wanted);
    let count = wanted.map(|library| write_library(library, with_code, reply)).count();
    reply.close(list, count);
    Ok(Effect::None)
}

fn write_library(library: &Library, with_code: bool, reply: &mut ReplyWriter<'_>) {
    reply.map(if with_code { 4 } else { 3 });
    reply.bulk(b"library_name");
    reply.bulk(&library.name);
    reply.bulk(b"engine");
    reply.bulk(ENGINE);
    reply.bulk(b"functions");
    reply.array(library.functions.len());
    library.functions.iter().for_each(|function| write_function(function, reply));
    if with_code {
        reply.bulk(b"library_code");
        reply.bulk(&library.code);
    }
}

fn write_function(function: &Function, reply: &mut ReplyWriter<'_>) {
    reply.map(3);
    reply.bulk(b"name");
    reply.bulk(&function.name);
    reply.bulk(b"description");
    reply.bulk_or_null(function.description.as_deref());
    reply.bulk(b"flags");
    let flags = flag_names(function.flags());
    reply.set(flags.len());
    flags.into_iter().for_each(|flag| reply.simple(flag));
}

fn stats(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let host = host(connection.node)?;
    let (libraries, slow) = (host.libraries(), host.slow());
    if slow.as_ref().is_some_and(|slow| slow.kind == Scripted::Eval) {
        return Err(ScriptError::Busy(Scripted::Eval).into());
    }
    reply.map(2);
    reply.bulk(b"running_script");
    match slow {
        None => reply.null(),
        Some(slow) => write_running(&slow, &libraries, connection.node, reply),
    }
    reply.bulk(b"engines");
    reply.map(1);
    reply.bulk(ENGINE);
    reply.map(2);
    reply.bulk(b"libraries_count");
    reply.integer(libraries.len() as i64);
    reply.bulk(b"functions_count");
    reply.integer(libraries.functions_len() as i64);
    Ok(Effect::None)
}

fn write_running(slow: &SlowScript, libraries: &Libraries, node: &dyn Node, reply: &mut ReplyWriter<'_>) {
    let request = slow.request.as_args();
    reply.map(3);
    reply.bulk(b"name");
    reply.bulk(libraries.function(request.at(1)).map_or(request.at(1), |(name, _)| name));
    reply.bulk(b"command");
    reply.array(request.len());
    request.iter().for_each(|word| reply.bulk(word));
    reply.bulk(b"duration_ms");
    reply.integer(node.now().ms_since(slow.started_at) as i64);
}

fn write_help(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    help::write("function", HELP, whole.registry, reply);
    Ok(Effect::None)
}
