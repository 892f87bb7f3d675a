//! `slotway cluster`: what operators do to a running cluster, of Slotway, Redis or Valkey.
//!
//! ```text
//!   place     host:port              view    what each node says         check   what is wrong with that (pure)
//!   client    a node to talk to      move    one slot after another      console tables, JSON, questions, progress
//!   task files: create info hot doctor fix nodes reshard transfer(import, backup) call
//! ```
//!
//! Every task first looks at all nodes, and refuses what cannot end well before it changes anything. What it changes it says first and
//! asks for, unless `--yes`. It keeps no state of its own: what was interrupted is read from the nodes again.

mod backup;
mod call;
mod check;
mod client;
mod console;
mod create;
pub(crate) mod doctor;
mod exit;
mod fix;
mod hot;
mod import;
mod info;
mod interrupt;
mod measure;
mod moves;
mod nodes;
pub(in crate::cli) mod place;
mod placement;
mod reshard;
mod view;
mod wait;

use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;

use super::secure;
use exit::Stop;

const EXIT_CODES: &str = "\
Exit codes:
  0  done, or all is well
  1  trouble was found, or a time limit passed
  2  asked for wrongly: an unknown node, a slot out of range, a node that is not empty; nothing was changed
  3  a node cannot be reached, or refuses the password
  4  stopped midway, by an error or by Ctrl-C; what was done and what is left is said
  5  not confirmed; nothing was changed

The password comes from SLOTWAY_PASSWORD or REDISCLI_AUTH, and is never printed.";

/// Create, look at, mend and change clusters of Slotway, Redis or Valkey.
#[derive(clap::Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct Options {
    #[command(subcommand)]
    task: Task,
    #[command(flatten)]
    common: Common,
}

/// What all tasks take.
#[derive(clap::Args, Debug)]
pub(crate) struct Common {
    /// Password of the nodes; better given by SLOTWAY_PASSWORD or REDISCLI_AUTH, where other users do not see it
    #[arg(long, global = true, value_name = "PASSWORD", help_heading = "Options of all tasks")]
    password: Option<String>,
    /// User of that password
    #[arg(long, global = true, help_heading = "Options of all tasks")]
    user: Option<String>,
    /// Milliseconds to wait for a connection, and for each answer
    #[arg(
        long = "node-timeout",
        global = true,
        default_value_t = 15_000,
        value_name = "MS",
        help_heading = "Options of all tasks"
    )]
    timeout_ms: u64,
    /// Print JSON
    #[arg(long, global = true, help_heading = "Options of all tasks")]
    json: bool,
    /// Do it without asking
    #[arg(long, short, global = true, help_heading = "Options of all tasks")]
    yes: bool,
    #[command(flatten)]
    secure: secure::TlsOptions,
}

#[derive(Subcommand, Debug)]
enum Task {
    /// Make a cluster of nodes that are empty
    Create(create::Options),
    /// Tell the nodes, their slots, keys and memory
    Info(info::Options),
    /// Tell whether the cluster is whole: all slots served, none open, all nodes of one opinion
    Check(info::CheckOptions),
    /// Tell the slots that cost most, and the largest keys
    Hot(hot::Options),
    /// Mend open slots, slots that nobody serves, and views that disagree
    Fix(fix::Options),
    /// Let a node join, as a primary or as a replica
    AddNode(nodes::AddOptions),
    /// Let a node leave
    DelNode(nodes::DelOptions),
    /// Move slots from primaries to one
    Reshard(reshard::Options),
    /// Even out what primaries have: slots, keys, bytes or CPU time
    Rebalance(reshard::RebalanceOptions),
    /// Let a replica take the place of its primary
    Failover(nodes::FailoverOptions),
    /// Let nodes forget a node that is gone for good
    Forget(nodes::ForgetOptions),
    /// Send a command to all nodes
    Call(call::Options),
    /// Copy the keys of a standalone server into the cluster
    Import(import::Options),
    /// Write a snapshot of each shard, and the picture of the cluster, into a folder
    Backup(backup::Options),
    /// Wait until the cluster is ready for clients
    WaitReady(wait::Options),
    /// Say in plain words what is wrong, as a client sees it from here, and what mends it
    Doctor(doctor::Options),
}

/// Does the task. Its exit code is in [`EXIT_CODES`].
pub(crate) fn run(options: &Options) -> ExitCode {
    let console = options.common.console();
    let access = match options.common.access() {
        Ok(access) => access,
        Err(stop) => return ended(Err(stop)),
    };
    let done = match &options.task {
        Task::Create(options) => create::run(options, &access, &console),
        Task::Info(options) => info::run(options, &access, &console),
        Task::Check(options) => info::check(options, &access, &console),
        Task::Hot(options) => hot::run(options, &access, &console),
        Task::Fix(options) => fix::run(options, &access, &console),
        Task::AddNode(options) => nodes::add(options, &access, &console),
        Task::DelNode(options) => nodes::delete(options, &access, &console),
        Task::Reshard(options) => reshard::run(options, &access, &console),
        Task::Rebalance(options) => reshard::rebalance(options, &access, &console),
        Task::Failover(options) => nodes::failover(options, &access, &console),
        Task::Forget(options) => nodes::forget(options, &access, &console),
        Task::Call(options) => call::run(options, &access, &console),
        Task::Import(options) => import::run(options, &access, &console),
        Task::Backup(options) => backup::run(options, &access, &console),
        Task::WaitReady(options) => wait::run(options, &access, &console),
        Task::Doctor(options) => doctor::run(options, &access, &console),
    };
    ended(done)
}

/// `slotway doctor`, which is `slotway cluster doctor`.
pub(crate) fn run_doctor(options: &doctor::Alone) -> ExitCode {
    let looked = |access| doctor::run(&options.options, &access, &options.common.console());
    ended(options.common.access().and_then(looked))
}

fn ended(done: Result<(), Stop>) -> ExitCode {
    let Err(stop) = done else { return ExitCode::SUCCESS };
    if !stop.text().is_empty() {
        eprintln!("{}", stop.text());
    }
    stop.exit().into()
}

impl Common {
    fn access(&self) -> Result<client::Access, Stop> {
        let given = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let password = self.password.clone().filter(|password| !password.is_empty());
        Ok(client::Access {
            user: self.user.clone(),
            password: password.or_else(|| given("SLOTWAY_PASSWORD")).or_else(|| given("REDISCLI_AUTH")),
            timeout: Duration::from_millis(self.timeout_ms.max(1)),
            secure: self.secure.secure().map_err(|error| Stop::refused(format!("{error:#}")))?,
        })
    }

    fn console(&self) -> console::Console {
        console::Console { json: self.json, yes: self.yes }
    }
}
