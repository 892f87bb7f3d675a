//! `slotway server`: one server, with the command line and the configuration files of redis-server.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::{env, fs, io};

use anyhow::Context as _;
use slotway_engine::acl;
use slotway_engine::config::{Config, args};
use slotway_engine::node::{Node as _, Shutdown};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::LocalSet;

use super::environment;
use crate::bus::{self, Bus, Order};
use crate::daemon::{self, PidFile};
use crate::health::Health;
use crate::log::{Form, Level, Log};
use crate::observe::Observer;
use crate::shared::Shared;
use crate::signals::Signal;
use crate::{files, health, http, identity, process, runtime, server, signals, users};

/// Runs a server until it is asked to end.
pub(crate) fn run(args: &[String]) -> anyhow::Result<ExitCode> {
    match args.first().map(String::as_str) {
        Some("-v" | "--version") => {
            println!(
                "Slotway server v={} (Redis {})",
                env!("CARGO_PKG_VERSION"),
                slotway_engine::REDIS_VERSION
            );
            return Ok(ExitCode::SUCCESS);
        }
        Some("-h" | "--help") => {
            super::print_help();
            return Ok(ExitCode::SUCCESS);
        }
        _ => {}
    }
    let Source { mut config, file: config_file, stdin } = configure(args)?;
    if config.daemonize() && !daemon::is_in_background() {
        daemon::start_in_background(args, &stdin)?;
        return Ok(ExitCode::SUCCESS);
    }
    let problem = identity::step_down(&config)?;
    enter_folder(&mut config)?;
    let log = Log::open(config.logfile(), Level::of(config.loglevel()))?.in_form(Form::of(&config));
    let (_pid_file, no_pid_file) = PidFile::write(config.pidfile());
    let no_folder = identity::folder_trouble(&config);
    [problem, no_pid_file, no_folder].iter().flatten().for_each(|problem| log.warning(problem));
    limit_clients(&mut config, &log);
    let shared = Arc::new(Shared::new(config, config_file, log));
    shared.make_tls(&shared.config()).context("Failed to configure TLS. Check logs for more info.")?;
    shared.doors.open(&shared.config())?;
    users::load_at_start(&shared)?;
    greet(&shared);
    let bus = if shared.config().cluster_enabled() { Some(open_bus(&shared)?) } else { None };
    let runtime = runtime::current_thread()?;
    LocalSet::new().block_on(&runtime, serve(Arc::clone(&shared), bus))?;
    shared.log.warning("Slotway is now ready to exit, bye bye...");
    Ok(ExitCode::SUCCESS)
}

/// A configuration, and where it came from.
struct Source {
    config: Config,
    /// The file given, for CONFIG REWRITE.
    file: Option<PathBuf>,
    /// What standard input said.
    stdin: String,
}

/// Reads environment, configuration file, standard input and command line, in this order.
fn configure(words: &[String]) -> anyhow::Result<Source> {
    let line = args::parse(words);
    let mut source = Source { config: Config::default(), file: None, stdin: String::new() };
    let mut load =
        |name: &str, text: &str| source.config.load(name, text, &mut |pattern| files::include(pattern));
    load("the environment", &environment::directives(env::vars_os())?)?;
    if let Some(file) = &line.config_file {
        let text = fs::read_to_string(file)
            .with_context(|| format!("Fatal error, can't open config file '{file}'"))?;
        load(file, &text)?;
        source.file = Some(fs::canonicalize(file).unwrap_or_else(|_| file.into()));
    }
    if line.stdin {
        source.stdin =
            io::read_to_string(io::stdin()).context("cannot read the configuration from standard input")?;
        load("standard input", &source.stdin)?;
    }
    load("the command line", &line.text)?;
    source.config.finish()?;
    Ok(source)
}

/// Goes to `dir`, where relative paths begin.
fn enter_folder(config: &mut Config) -> anyhow::Result<()> {
    if !config.dir().is_empty() {
        env::set_current_dir(config.dir()).with_context(|| format!("Can't chdir to '{}'", config.dir()))?;
    }
    let here = env::current_dir().context("the working folder is gone")?;
    config.set_dir(&here.to_string_lossy());
    Ok(())
}

/// Lowers `maxclients` to what the limit of open files allows.
fn limit_clients(config: &mut Config, log: &Log) {
    if let Err(allowed) = process::reserve_files(config.maxclients()) {
        log.warning(&format!(
            "maxclients has been reduced to {allowed} to compensate for the low limit of open files ('ulimit -n')."
        ));
        config.set_maxclients(allowed);
    }
}

fn greet(shared: &Shared) {
    let config = shared.config();
    let mode = if config.cluster_enabled() { "cluster" } else { "standalone" };
    shared.log.notice(&format!(
        "Slotway {}, compatible with Redis {}, running in {mode} mode, port: {}, PID: {}",
        env!("CARGO_PKG_VERSION"),
        slotway_engine::REDIS_VERSION,
        config.port(),
        std::process::id()
    ));
    let is_open = acl::ask(shared, |acl| acl.default_user().rules().needs_no_password());
    if is_open && config.protected_mode() {
        shared.log.notice("No password is set: only clients of this machine are served (protected mode).");
    }
    shared.log.notice("Server initialized");
}

/// The control plane of a cluster node, and where it listens.
struct OpenBus {
    bus: Arc<Bus>,
    listeners: Vec<std::net::TcpListener>,
    orders: UnboundedReceiver<Order>,
}

fn open_bus(shared: &Arc<Shared>) -> anyhow::Result<OpenBus> {
    let config = shared.config();
    let addresses: Vec<&str> = config.bind().iter().map(String::as_str).collect();
    let listeners = runtime::listen(&addresses, bus::port(&config)?, config.tcp_backlog() as i32)
        .context("the cluster bus needs its port")?;
    let (bus, orders) = Bus::open(shared)?;
    Ok(OpenBus { bus, listeners, orders })
}

async fn serve(shared: Arc<Shared>, bus: Option<OpenBus>) -> anyhow::Result<()> {
    let config = shared.config();
    if config.http_port() != 0 {
        let address = format!("{}:{}", config.http_bind(), config.http_port());
        let health = Health::of(vec![Arc::clone(&shared)]);
        let sight = Observer::of_nodes(health.nodes(), shared.watch_topology());
        let topologies = shared.watch_topology();
        http::start(&address, topologies, sight, health, config.http_token(), &shared.log).await?;
    }
    health::serve(config.health_socket(), Health::of(vec![Arc::clone(&shared)]), &shared.log);
    let ending = Arc::clone(&shared);
    tokio::task::spawn_local(async move {
        loop {
            let signal = signals::asked_to_end().await;
            ending.log.warning(&format!("Received {} scheduling shutdown...", signal.name()));
            let config = ending.config();
            let flags = match signal {
                Signal::Terminate => config.shutdown_on_sigterm(),
                Signal::Interrupt => config.shutdown_on_sigint(),
            };
            // A second one does not wait for anybody.
            let now = flags.now() || ending.ending.is_under_way();
            ending.ending.ask(Shutdown { save: flags.save(), now, force: flags.force(), abort: false });
        }
    });
    let orders = match bus {
        None => None,
        Some(OpenBus { bus, listeners, orders }) => {
            tokio::task::spawn_local(bus.serve(runtime::adopt(listeners)?));
            Some(orders)
        }
    };
    server::serve(shared, orders, server::data_threads(&config)).await
}
