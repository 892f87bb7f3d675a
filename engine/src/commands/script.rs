//! EVAL and SCRIPT. What scripts may do is in [`dispatch`](crate::dispatch), how they do it in what runs them: see [`script`](crate::script).

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::{ErrorReply, ScriptError, Scripted};

use super::{Binding, Connection, Whole, args, help};
use crate::node::Node;
use crate::registry::{Effect, Handler, Outcome};
use crate::script::{Digest, Invocation, Mode, Naming, ScriptHost};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("eval", Handler::Data(|_, args, _| invoke(args, Naming::Text, Mode::Usual))),
    ("eval_ro", Handler::Data(|_, args, _| invoke(args, Naming::Text, Mode::ReadOnly))),
    ("evalsha", Handler::Data(|_, args, _| invoke_digest(args, Mode::Usual))),
    ("evalsha_ro", Handler::Data(|_, args, _| invoke_digest(args, Mode::ReadOnly))),
    ("script|debug", Handler::Session(debug)),
    ("script|exists", Handler::Session(exists)),
    ("script|flush", Handler::Session(flush)),
    ("script|help", Handler::Node(write_help)),
    ("script|kill", Handler::Session(|connection, _, reply| kill(connection, Scripted::Eval, reply))),
    ("script|load", Handler::Session(load)),
];

/// SCRIPT HELP, in Redis' words.
const HELP: &str = "\
DEBUG (YES|SYNC|NO)
    Set the debug mode for subsequent scripts executed.
EXISTS <sha1> [<sha1> ...]
    Return information about the existence of the scripts in the script cache.
FLUSH [ASYNC|SYNC]
    Flush the Lua scripts cache. Very dangerous on replicas.
    When called without the optional mode argument, the behavior is determined by the
    lazyfree-lazy-user-flush configuration directive. Valid modes are:
    * ASYNC: Asynchronously flush the scripts cache.
    * SYNC: Synchronously flush the scripts cache.
KILL
    Kill the currently executing Lua script.
LOAD <script>
    Load a script into the scripts cache without executing it.
HELP
    Print this help.
";

/// What runs scripts on this node.
pub(super) fn host(node: &dyn Node) -> Result<&dyn ScriptHost, ErrorReply> {
    node.scripts().ok_or_else(|| ScriptError::NoEngine.into())
}

/// Has dispatch run a script, with the keys that the request declares.
pub(super) fn invoke(args: Args<'_>, naming: Naming, mode: Mode) -> Outcome {
    let keys = args::integer(args.at(2))?;
    if keys > (args.len() - 3) as i64 {
        return Err(ErrorReply::NumkeysTooLarge);
    }
    let keys = usize::try_from(keys).map_err(|_| ScriptError::KeysNegative)?;
    Ok(Effect::Script(Invocation { naming, keys, mode }))
}

/// EVALSHA: what has not the length of a digest is refused before anything else is looked at.
fn invoke_digest(args: Args<'_>, mode: Mode) -> Outcome {
    match args.at(1).len() == size_of::<Digest>() {
        true => invoke(args, Naming::Digest, mode),
        false => Err(ScriptError::NoScript.into()),
    }
}

fn load(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply.bulk(&host(connection.node)?.load(args.at(2))?);
    Ok(Effect::None)
}

fn exists(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let host = host(connection.node)?;
    reply.array(args.len() - 2);
    args.skip(2).iter().for_each(|digest| reply.integer(host.has(digest).into()));
    Ok(Effect::None)
}

fn flush(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    if args.len() > 3 || args.len() == 3 && !args.is(2, "sync") && !args.is(2, "async") {
        return Err(ScriptError::FlushMode.into());
    }
    host(connection.node)?.flush();
    reply.ok();
    Ok(Effect::None)
}

/// Ends the script that takes its time.
pub(super) fn kill(connection: &mut Connection<'_>, kind: Scripted, reply: &mut ReplyWriter<'_>) -> Outcome {
    let slow = host(connection.node)?.slow().ok_or(ScriptError::NotBusy)?;
    slow.kill(kind)?;
    reply.ok();
    Ok(Effect::None)
}

/// There is no debugger: it is never on.
fn debug(_: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    match () {
        () if args.is(2, "no") => reply.ok(),
        () if args.is(2, "yes") || args.is(2, "sync") => return Err(ScriptError::NoDebugger.into()),
        () => return Err(ScriptError::DebugMode.into()),
    }
    Ok(Effect::None)
}

fn write_help(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    help::write("script", HELP, whole.registry, reply);
    Ok(Effect::None)
}
