//! SLOWLOG: the commands that took long.

use alloc::vec::Vec;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use super::{Binding, Connection, Whole, args, help};
use crate::journal::SlowCommand;
use crate::registry::{Effect, Handler, Outcome};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("slowlog|get", Handler::Session(get)),
    ("slowlog|help", Handler::Node(help)),
    ("slowlog|len", Handler::Session(len)),
    ("slowlog|reset", Handler::Session(reset)),
];

/// How many are shown unless it is said.
const COUNT: i64 = 10;

fn help(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    help::write("slowlog", HELP, whole.registry, reply);
    Ok(Effect::None)
}

/// `SLOWLOG GET [count]`; -1 for all.
fn get(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    if args.len() > 3 {
        return Err(ErrorReply::SubcommandSyntax { container: "SLOWLOG", sent: args.at(1).to_vec() });
    }
    let count = args.get(2).map(|word| args::integer_or(word, ErrorReply::SlowlogCount)).transpose()?;
    let count = match count.unwrap_or(COUNT) {
        -1 => usize::MAX,
        count => usize::try_from(count).map_err(|_| ErrorReply::SlowlogCount)?,
    };
    let mut commands: Vec<SlowCommand> = Vec::new();
    connection
        .node
        .with_journal(&mut |journal| commands = journal.slow.iter().take(count).cloned().collect());
    reply.array(commands.len());
    commands.iter().for_each(|command| write(command, reply));
    Ok(Effect::None)
}

fn write(command: &SlowCommand, reply: &mut ReplyWriter<'_>) {
    reply.array(6);
    for number in [command.id, command.at_secs, command.us] {
        reply.integer(number as i64);
    }
    reply.array(command.args.len());
    command.args.iter().for_each(|arg| reply.bulk(arg));
    reply.bulk(command.address.as_bytes());
    reply.bulk(command.name.as_bytes());
}

fn len(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let mut len = 0;
    connection.node.with_journal(&mut |journal| len = journal.slow.iter().len());
    reply.integer(len as i64);
    Ok(Effect::None)
}

fn reset(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    connection.node.with_journal(&mut |journal| journal.slow.reset());
    reply.ok();
    Ok(Effect::None)
}

const HELP: &str = "\
GET [<count>]
    Return top <count> entries from the slowlog (default: 10, -1 mean all).
    Entries are made of:
    id, timestamp, time in microseconds, arguments array, client IP and port,
    client name
LEN
    Return the length of the slowlog.
RESET
    Reset the slowlog.
HELP
    Print this help.
";

#[cfg(test)]
mod tests {
    use crate::testing::TestClient;

    /// The arguments of the commands in the log, the newest first.
    fn logged(client: &mut TestClient) -> std::vec::Vec<std::string::String> {
        let mut logged = std::vec::Vec::new();
        client.node().journal.borrow().slow.iter().for_each(|command| {
            let words: std::vec::Vec<_> =
                command.args.iter().map(|arg| std::string::String::from_utf8_lossy(arg)).collect();
            logged.push(words.join(" "));
        });
        logged
    }

    #[test]
    fn commands_are_logged_with_their_arguments_and_who_sent_them() {
        let mut client = TestClient::with_config("slowlog-log-slower-than 0");
        client.run("CLIENT SETNAME me");
        client.run("SET a 1");
        let entry = ":1\r\n:1700000000\r\n:1\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n$15\r\n127.0.0.1:50001\r\n$2\r\nme\r\n";
        assert_eq!(client.run("SLOWLOG GET 1"), std::format!("*1\r\n*6\r\n{entry}"));
        assert_eq!(client.run("SLOWLOG LEN"), ":3\r\n");
        assert_eq!(client.run("SLOWLOG RESET"), "+OK\r\n");
        assert_eq!(logged(&mut client), ["SLOWLOG RESET"]);
    }

    #[test]
    fn long_commands_are_shortened_and_secrets_left_out() {
        let mut client = TestClient::with_config("slowlog-log-slower-than 0");
        let words: std::vec::Vec<_> = (0..40).map(|n| std::format!("{n}")).collect();
        client.run(&std::format!("RPUSH list {}", words.join(" ")));
        client.run(&std::format!("SET a {}", "x".repeat(130)));
        client.run("AUTH default secret");
        assert_eq!(
            logged(&mut client),
            [
                std::string::String::from("AUTH (redacted) (redacted)"),
                std::format!("SET a {}... (2 more bytes)", "x".repeat(128)),
                std::format!("RPUSH list {} ... (11 more arguments)", words[..29].join(" ")),
            ]
        );
    }

    #[test]
    fn of_a_transaction_the_commands_are_logged_and_exec_is_not() {
        let mut client = TestClient::with_config("slowlog-log-slower-than 0");
        for line in ["MULTI", "SET a 1", "GET a", "EXEC", "NOSUCH", "GET"] {
            client.run(line);
        }
        assert_eq!(logged(&mut client), ["GET a", "SET a 1", "MULTI"]);
    }

    #[test]
    fn the_log_keeps_its_length_and_its_threshold() {
        let mut client = TestClient::with_config("slowlog-log-slower-than 0\nslowlog-max-len 2");
        (0..5).for_each(|_| drop(client.run("PING")));
        assert_eq!(logged(&mut client).len(), 2);
        client.run("CONFIG SET slowlog-log-slower-than -1");
        client.run("SLOWLOG RESET");
        client.run("PING");
        assert_eq!(client.run("SLOWLOG LEN"), ":0\r\n");
        client.run("CONFIG SET slowlog-log-slower-than 1000000");
        client.run("PING");
        assert_eq!(client.run("SLOWLOG GET"), "*0\r\n");
        client.run("CONFIG SET slowlog-log-slower-than 0 slowlog-max-len 0");
        client.run("PING");
        assert_eq!(client.run("SLOWLOG LEN"), ":0\r\n");
    }

    #[test]
    fn a_count_is_minus_one_or_more() {
        let mut client = TestClient::new();
        for count in ["-2", "x"] {
            let reply = client.run(&std::format!("SLOWLOG GET {count}"));
            assert_eq!(reply, "-ERR count should be greater than or equal to -1\r\n");
        }
        assert_eq!(client.run("SLOWLOG GET -1"), "*0\r\n");
        assert_eq!(
            client.run("SLOWLOG GET 1 2"),
            "-ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.\r\n"
        );
    }
}
