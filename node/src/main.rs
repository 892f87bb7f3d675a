//! `slotway`: a Redis-compatible cluster server in one small binary.
//!
//! ```text
//!   main --> cli     which job
//!              serve   one server     --> server.rs --> client.rs --> engine
//!              dev     a whole cluster --> dev.rs, server.rs per node
//!              ui      the page over any cluster --> observe.rs, http.rs
//!              slot, ping, cluster, doctor   no server at all
//! ```
//!
//! This crate alone has sockets, files, clocks and threads; what a command does is in `slotway-engine`, what a slot
//! is in `slotway-core`.
#![forbid(unsafe_code)]

mod aof;
mod bus;
mod busy;
mod cli;
mod client;
mod clients;
mod daemon;
mod dev;
mod doors;
mod files;
mod handoff;
mod health;
mod http;
mod huge_pages;
mod identity;
mod inquiry;
mod locked;
mod log;
mod migrate;
mod observe;
mod outbox;
mod pause;
mod persist;
mod process;
mod reclaim;
mod replicate;
mod runtime;
mod server;
mod shared;
mod shutdown;
mod signals;
mod stats;
mod stream;
mod tls;
mod users;

use std::process::ExitCode;

use cli::Job;

/// musl's own allocator is slow, and slower with several threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    huge_pages::hold_back();
    let result = match cli::parse(std::env::args_os().collect()) {
        Job::Server { args } => cli::serve::run(&args),
        Job::Dev(options) => cli::dev::run(&options),
        Job::Cluster(options) => Ok(cli::cluster::run(&options)),
        Job::Doctor(options) => Ok(cli::cluster::run_doctor(&options)),
        Job::Ui(options) => cli::ui::run(&options),
        Job::Slot(options) => cli::slot::run(&options),
        Job::Ping(options) => cli::ping::run(&options),
        Job::RedisCli { args } => cli::redis_cli::run(&args),
        Job::Completions { shell } => {
            cli::print_completions(shell);
            Ok(ExitCode::SUCCESS)
        }
    };
    result.unwrap_or_else(|error| {
        eprintln!("{error:#}");
        ExitCode::FAILURE
    })
}
