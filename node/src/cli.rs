//! The command line: which of the program's jobs is meant, and with what options.
//!
//! `slotway` is `redis-server` to whoever calls it as such: by that name, with a configuration file or a directive first, or
//! with nothing at all. The other jobs are subcommands.

pub(crate) mod cluster;
pub(crate) mod dev;
pub(crate) mod environment;
pub(crate) mod ping;
pub(crate) mod redis_cli;
mod secure;
pub(crate) mod serve;
pub(crate) mod slot;
mod talk;
pub(crate) mod ui;

use std::ffi::OsString;
use std::path::Path;

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;

/// Names under which the program is a server and nothing else.
const SERVER_NAMES: [&str; 3] = ["redis-server", "valkey-server", "slotway-server"];

/// Names under which it sends commands to one.
const CLIENT_NAMES: [&str; 2] = ["redis-cli", "valkey-cli"];

/// Programs that people look for in an image.
const SHELLS: [&str; 4] = ["sh", "bash", "ash", "dash"];

const EXAMPLES: &str = "\
Examples:
  slotway dev                           a cluster: 3 primaries, 3 replicas, ports 7000 to 7005
  slotway dev --nodes 1 --port 6379     a cluster of one node that owns all slots
  slotway                               one server on port 6379, as redis-server
  slotway /etc/redis.conf --port 7777   one server, configured by file and command line
  echo 'port 7777' | slotway -          one server, configured from standard input
  slotway cluster create a:7000 b:7000 c:7000   a cluster of nodes that run already
  slotway doctor a:7000                 what is wrong with a cluster, and what mends it
  slotway ui --cluster a:7000           a page that shows a running cluster, of any make
  slotway slot user:{42}:cart           the slot of a key, and why
  slotway ping -p 7777                  exit code 0 if a server answers there

Every directive of redis.conf is an option of the server: --maxmemory 1gb --save 60 1000";

/// A Redis-compatible cluster server in one small binary.
#[derive(Parser, Debug)]
#[command(name = "slotway", version, about, after_help = EXAMPLES, max_term_width = 110)]
struct Cli {
    #[command(subcommand)]
    job: Option<Job>,
}

/// What the program is asked to do.
#[derive(Subcommand, Debug)]
pub(crate) enum Job {
    /// Run one server: the default. Takes what redis-server takes
    #[command(disable_help_flag = true)]
    Server {
        /// A configuration file, `-` for standard input, then directives: --port 7777 --requirepass secret
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
        args: Vec<String>,
    },
    /// Run a whole cluster in this process, for development
    Dev(dev::Options),
    /// Create, look at, mend and change clusters
    Cluster(cluster::Options),
    /// Say in plain words what is wrong with a cluster, and what mends it
    Doctor(cluster::doctor::Alone),
    /// Serve the playground over a running cluster of Slotway, Redis or Valkey, to look at
    Ui(ui::Options),
    /// Tell the slot of keys
    Slot(slot::Options),
    /// Ask a server whether it is well, for health checks
    Ping(ping::Options),
    /// Send commands to a server: what `redis-cli` in the image does
    #[command(disable_help_flag = true)]
    RedisCli {
        /// Options of redis-cli, then a command
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
        args: Vec<String>,
    },
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// What `args`, the program's name first, ask for. Ends the process where help or the version is asked for, or nothing makes sense.
pub(crate) fn parse(mut args: Vec<OsString>) -> Job {
    // `docker run image redis-server --port 7000`: the name comes as a word behind ours.
    if args.get(1).is_some_and(|word| is_one_of(word, &SERVER_NAMES) || is_one_of(word, &CLIENT_NAMES)) {
        args.remove(0);
    }
    let words = &args[1.min(args.len())..];
    if args.first().is_some_and(|name| is_one_of(name, &CLIENT_NAMES)) {
        return Job::RedisCli { args: texts(words) };
    }
    let is_server = args.first().is_some_and(|name| is_one_of(name, &SERVER_NAMES));
    if is_server || !names_a_job(words.first()) {
        if let Some(word) = words.first().filter(|word| !is_server && !may_begin_a_server(word)) {
            refuse(word);
        }
        return Job::Server { args: texts(words) };
    }
    Cli::parse_from(args).job.unwrap_or(Job::Server { args: Vec::new() })
}

/// An option, or a file: what a server's command line may begin with.
fn may_begin_a_server(word: &OsString) -> bool {
    let text = word.to_string_lossy();
    if is_one_of(word, &SHELLS) && !Path::new(word).exists() {
        return false;
    }
    text.starts_with('-') || text.ends_with(".conf") || text.contains('/') || Path::new(word).exists()
}

/// Ends the process with what to do instead: the first word is neither a job, nor an option, nor a file.
fn refuse(word: &OsString) -> ! {
    eprintln!(
        "'{}' is neither a job of slotway, nor an option, nor a configuration file.",
        word.to_string_lossy()
    );
    if is_one_of(word, &SHELLS) {
        eprintln!("There is no shell here. The image's -debian variant has one.");
    }
    eprintln!("Try 'slotway --help'.");
    std::process::exit(2)
}

/// Prints the completions of `shell`.
pub(crate) fn print_completions(shell: Shell) {
    clap_complete::generate(shell, &mut Cli::command(), "slotway", &mut std::io::stdout());
}

/// Prints the help.
pub(crate) fn print_help() {
    // A closed pipe is no news to who closed it.
    let _ = Cli::command().print_help();
}

/// Whether the file name of `program` is one of `names`.
fn is_one_of(program: &OsString, names: &[&str]) -> bool {
    Path::new(program).file_name().is_some_and(|name| names.iter().any(|known| name == *known))
}

fn names_a_job(first: Option<&OsString>) -> bool {
    let Some(first) = first.and_then(|word| word.to_str()) else { return false };
    let cli = Cli::command();
    matches!(first, "--help" | "-h" | "help" | "--version" | "-V") || cli.find_subcommand(first).is_some()
}

fn texts(args: &[OsString]) -> Vec<String> {
    args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(words: &[&str]) -> Job {
        parse(words.iter().map(OsString::from).collect())
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_job_it_is_a_server() {
        for words in [
            &["slotway"][..],
            &["slotway", "/etc/redis.conf"],
            &["slotway", "--port", "1"],
            &["slotway", "-"],
        ] {
            let Job::Server { args } = job(words) else { panic!("{words:?} is a server") };
            assert_eq!(args, words[1..]);
        }
    }

    #[test]
    fn called_by_the_name_of_a_server_it_has_no_other_jobs() {
        let Job::Server { args } = job(&["/usr/bin/redis-server", "dev"]) else { panic!("a server") };
        assert_eq!(args, ["dev"]);
    }

    #[test]
    fn the_name_of_a_server_may_come_as_the_first_word() {
        let Job::Server { args } = job(&["slotway", "redis-server", "--port", "1"]) else {
            panic!("a server")
        };
        assert_eq!(args, ["--port", "1"]);
    }

    #[test]
    fn by_the_name_of_a_client_it_sends_commands() {
        for words in [
            &["/usr/bin/redis-cli", "-p", "7000", "ping"][..],
            &["slotway", "redis-cli", "-p", "7000", "ping"],
        ] {
            let Job::RedisCli { args } = job(words) else { panic!("{words:?} is a client") };
            assert_eq!(args, ["-p", "7000", "ping"]);
        }
    }

    #[test]
    fn a_word_that_means_nothing_begins_no_server() {
        let may = |word: &str| may_begin_a_server(&word.into());
        assert!(may("--port") && may("-") && may("redis.conf") && may("/etc/redis/any") && may("Cargo.toml"));
        assert!(!may("sh") && !may("/no/such/bin/bash") && !may("nosuchcommand"));
    }

    #[test]
    fn the_server_job_takes_everything_that_follows() {
        let Job::Server { args } = job(&["slotway", "server", "a.conf", "--save", "60", "1"]) else {
            panic!("a server")
        };
        assert_eq!(args, ["a.conf", "--save", "60", "1"]);
    }
}
