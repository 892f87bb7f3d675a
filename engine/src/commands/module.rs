//! MODULE: there are none, and none can be loaded.

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use super::{Binding, Connection, Whole, help};
use crate::registry::{Effect, Handler, Outcome};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("module|help", Handler::Node(help)),
    ("module|list", Handler::Session(list)),
    ("module|load", Handler::Session(load)),
    ("module|loadex", Handler::Session(load)),
    ("module|unload", Handler::Session(unload)),
];

fn help(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    help::write("module", HELP, whole.registry, reply);
    Ok(Effect::None)
}

fn list(_: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    reply.array(0);
    Ok(Effect::None)
}

fn load(connection: &mut Connection<'_>, _: Args<'_>, _: &mut ReplyWriter<'_>) -> Outcome {
    connection.node.log("Modules of Redis cannot be loaded: this is no Redis");
    Err(ErrorReply::ModuleNotLoaded)
}

fn unload(_: &mut Connection<'_>, _: Args<'_>, _: &mut ReplyWriter<'_>) -> Outcome {
    Err(ErrorReply::NoSuchModule)
}

const HELP: &str = "\
LIST
    Return a list of loaded modules.
LOAD <path> [<arg> ...]
    Load a module library from <path>, passing to it any optional arguments.
LOADEX <path> [[CONFIG NAME VALUE] [CONFIG NAME VALUE]] [ARGS ...]
    Load a module library from <path>, while passing it module configurations and optional arguments.
UNLOAD <name>
    Unload a module.
HELP
    Print this help.
";

#[cfg(test)]
mod tests {
    use crate::testing::TestClient;

    #[test]
    fn there_are_no_modules_and_none_is_loaded() {
        let mut client = TestClient::new();
        assert_eq!(client.run("MODULE LIST"), "*0\r\n");
        for line in ["MODULE LOAD x", "MODULE LOADEX x", "MODULE UNLOAD x"] {
            assert!(client.run(line).starts_with("-ERR MODULE command not allowed. If the "), "{line}");
        }
        let mut client = TestClient::with_config("enable-module-command yes");
        assert_eq!(
            client.run("MODULE LOAD x"),
            "-ERR Error loading the extension. Please check the server logs.\r\n"
        );
        assert_eq!(
            client.run("MODULE UNLOAD x"),
            "-ERR Error unloading module: no such module with that name\r\n"
        );
    }
}
