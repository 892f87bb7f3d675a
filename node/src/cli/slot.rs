//! `slotway slot`: the slot of keys, and who owns it.

use std::fs;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde::Serialize;
use slotway_core::slot::{hash_tag, key_slot};
use slotway_core::topology::{self, Topology};

const EXAMPLES: &str = "\
Examples:
  slotway slot user:1000 '{user:1000}:cart'
  redis-cli -p 7000 cluster nodes | slotway slot --nodes - user:1000
  redis-cli -p 7000 --scan | slotway slot --json";

/// Tell the slot of keys.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Keys; without any, one per line of standard input
    #[arg(value_name = "KEY")]
    keys: Vec<String>,
    /// Output of CLUSTER NODES, `-` for standard input: tells the owner of each slot too
    #[arg(long, value_name = "FILE")]
    nodes: Option<PathBuf>,
    /// One JSON object per line
    #[arg(long)]
    json: bool,
}

/// What is told of a key.
#[derive(Serialize)]
struct Line<'a> {
    key: &'a str,
    slot: u16,
    tag: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<Owner<'a>>,
}

#[derive(Serialize)]
struct Owner<'a> {
    id: &'a str,
    address: String,
}

/// Prints a line per key.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let nodes_on_stdin = options.nodes.as_deref().is_some_and(|path| path.as_os_str() == "-");
    let topology = options.nodes.as_ref().map(read_nodes).transpose()?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let print = |out: &mut dyn io::Write, key: &[u8]| print(out, key, topology.as_ref(), options.json);
    let result = if !options.keys.is_empty() {
        options.keys.iter().try_for_each(|key| print(&mut out, key.as_bytes()))
    } else if nodes_on_stdin {
        bail!("standard input holds the nodes: give the keys as arguments");
    } else {
        if io::stdin().is_terminal() {
            eprintln!("Reading keys from the terminal, one per line; end with Ctrl-D.");
        }
        print_lines(&mut out, print)
    };
    match result.and_then(|()| out.flush()) {
        // Whoever closed the pipe (`| head`) has what it wanted.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
        other => other.map(|()| ExitCode::SUCCESS).context("cannot write the slots"),
    }
}

fn read_nodes(path: &PathBuf) -> anyhow::Result<Topology> {
    let text = match path.as_os_str() == "-" {
        true => io::read_to_string(io::stdin()).context("cannot read standard input")?,
        false => fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?,
    };
    topology::parse::nodes_text(&text, &topology::parse::ParseOptions::default())
        .with_context(|| format!("{} is not the output of CLUSTER NODES", path.display()))
}

fn print_lines(
    out: &mut dyn io::Write,
    print: impl Fn(&mut dyn io::Write, &[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        let key = line.strip_suffix(b"\n").unwrap_or(&line);
        print(out, key.strip_suffix(b"\r").unwrap_or(key))?;
        line.clear();
    }
    Ok(())
}

fn print(out: &mut dyn io::Write, key: &[u8], topology: Option<&Topology>, json: bool) -> io::Result<()> {
    let slot = key_slot(key);
    let text = String::from_utf8_lossy(key);
    let tag = hash_tag(key).map(|range| String::from_utf8_lossy(&key[range]));
    let owner = topology.and_then(|topology| topology.owner(slot).map(|owner| topology.node(owner)));
    let owner =
        owner.map(|node| Owner { id: node.id.as_str(), address: format!("{}:{}", node.host(), node.port) });
    let line = Line { key: &text, slot: slot.get(), tag: tag.as_deref(), owner };
    if json {
        serde_json::to_writer(&mut *out, &line)?;
        return writeln!(out);
    }
    write!(out, "{}\t{}\t{}", line.slot, line.key, line.tag.map_or("-".into(), |tag| format!("{{{tag}}}")))?;
    match (line.owner, topology) {
        (Some(owner), _) => writeln!(out, "\t{}\t{}", owner.address, owner.id),
        (None, Some(_)) => writeln!(out, "\tnobody\t-"),
        (None, None) => writeln!(out),
    }
}
