//! What a server says about its commands, as text: a line for each, so that a difference shows as a line.
//!
//! `name | arity | flags | first key, last key, step | ACL categories | tips | key specifications`, each list in the order
//! of the reply.

use std::collections::BTreeMap;

use slotway_core::resp::value::Value;

use crate::wire::Connection;

/// Lines by command; subcommands are commands of their own, like `config|get`.
pub type CommandTable = BTreeMap<String, String>;

/// The table of the server behind `connection`, which is left in RESP3. Panics when the reply to COMMAND is none.
pub fn of_server(connection: &mut Connection) -> CommandTable {
    connection.call(&["HELLO", "3"]);
    of_reply(&connection.call(&["COMMAND"]))
}

/// The table in a reply to COMMAND or COMMAND INFO in RESP3.
pub fn of_reply(reply: &Value) -> CommandTable {
    let mut table = CommandTable::new();
    for command in reply.as_items().expect("COMMAND answers a list") {
        collect(command, &mut table);
    }
    table
}

/// The table in a text of such lines.
pub fn of_text(text: &str) -> CommandTable {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| (line.split(" | ").next().unwrap_or_default().to_string(), line.to_string())).collect()
}

fn collect(command: &Value, table: &mut CommandTable) {
    // COMMAND INFO answers nothing for what it does not know.
    let Some([name, arity, flags, first, last, step, categories, tips, keys, subcommands]) =
        command.as_items()
    else {
        return;
    };
    let positions = [first, last, step].map(text).join(", ");
    let fields = [text(name), text(arity), text(flags), positions, text(categories), text(tips), text(keys)];
    table.insert(text(name), fields.join(" | "));
    subcommands.as_items().unwrap_or_default().iter().for_each(|command| collect(command, table));
}

fn text(value: &Value) -> String {
    let list = |items: &[Value]| items.iter().map(text).collect::<Vec<_>>().join(" ");
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Array(items) | Value::Set(items) => list(items),
        Value::Map(pairs) => {
            let pair = |(key, value): &(Value, Value)| format!("{}: {}", text(key), text(value));
            format!("{{{}}}", pairs.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        other => other.as_str().unwrap_or_default().to_string(),
    }
}
