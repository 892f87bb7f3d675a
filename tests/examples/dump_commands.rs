//! Prints what the server on a port of loopback says about its commands: how `data/command-7.2.txt` was made.
//!
//! `cargo run -p slotway-tests --example dump_commands 6379 > tests/data/command-7.2.txt`

use slotway_tests::command_table;
use slotway_tests::wire::Connection;

fn main() -> std::io::Result<()> {
    let port = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let mut connection = Connection::open(port.expect("the port of a server"))?;
    let info = connection.call(&["INFO", "server"]);
    let version =
        info.as_str().and_then(|info| info.lines().find_map(|line| line.strip_prefix("redis_version:")));
    println!("# COMMAND of Redis {}: see src/command_table.rs for the columns.", version.unwrap_or("?"));
    for line in command_table::of_server(&mut connection).values() {
        println!("{line}");
    }
    Ok(())
}
