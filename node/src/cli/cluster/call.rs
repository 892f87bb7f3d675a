//! `slotway cluster call`: one command to all nodes, side by side in what is printed.

use slotway_core::resp::value::Value;

use super::client::Access;
use super::console::Console;
use super::exit::Stop;
use super::place::Place;
use super::view::View;
use crate::cli::redis_cli::bare_text;

/// Send a command to all nodes.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  slotway cluster call 10.0.0.5:7000 -- CONFIG GET maxmemory
  slotway cluster call 10.0.0.5:7000 --only primaries -- DBSIZE

Ends with 1 if a node answers with an error.")]
pub(super) struct Options {
    /// A node of the cluster
    #[arg(value_name = "HOST:PORT")]
    node: Place,
    /// Which nodes
    #[arg(long, value_enum, default_value_t = Which::All)]
    only: Which,
    /// The command
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<String>,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Which {
    All,
    Primaries,
    Replicas,
}

pub(super) fn run(options: &Options, access: &Access, console: &Console) -> Result<(), Stop> {
    let mut view = View::load(access, &options.node)?;
    let mut failed: Vec<String> = view
        .members
        .iter()
        .filter_map(|member| member.seen.as_ref().err())
        .map(|stop| stop.text().to_owned())
        .collect();
    let mut told = Vec::new();
    for seen in view.seen_mut() {
        let is_meant = match options.only {
            Which::All => true,
            Which::Primaries => !seen.node().is_replica(),
            Which::Replicas => seen.node().is_replica(),
        };
        if !is_meant {
            continue;
        }
        let reply = seen.client.ask(&options.command)?;
        let place = seen.client.place().to_string();
        let text = String::from_utf8_lossy(&bare_text(&reply)).trim_end().to_owned();
        console.say(format!("{place}: {text}"));
        if matches!(reply, Value::Error(_)) {
            failed.push(format!("{place} answers with an error."));
        }
        told.push(
            serde_json::json!({ "node": place, "error": matches!(reply, Value::Error(_)), "reply": text }),
        );
    }
    console.data(&told);
    if failed.is_empty() { Ok(()) } else { Err(Stop::trouble(failed.join("\n"))) }
}
