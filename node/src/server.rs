//! One node that serves clients: its listeners, its connections, its periodic work.
//!
//! ```text
//!   accept --admitted?--> worker thread --> Connection (client.rs), a task for as long as it lasts
//!                           this one, if the data is owned; in turn, if it is shared
//! ```

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use slotway_core::resp::error::ErrorReply;
use slotway_core::time::UnixMs;
use slotway_engine::acl;
use slotway_engine::config::{ClientMemory, Config, Entrance};
use slotway_engine::dispatch::Engine;
use slotway_engine::keyspace::{KeyHasher, Layout, Shard};
use slotway_engine::node::{Node as _, Pause};
use slotway_engine::session::{Session, Transport};
use slotway_engine::shards::{Owned, ShardAccess, WholeKeyspace as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{LocalSet, spawn_local};

use crate::bus::Order;
use crate::busy::{Executes, Served};
use crate::client::Connection;
use crate::doors::{Arrived, Door, Leaving};
use crate::locked::Locked;
use crate::shared::Shared;
use crate::stream::{Stream, keep_alive};
use crate::{aof, busy, handoff, huge_pages, inquiry, persist, process, replicate, shutdown, tls};

/// Shards per data thread where several threads share the data: few enough to walk, enough that two threads seldom meet.
const SHARDS_PER_THREAD: u16 = 16;
/// How often periodic work is done.
const CRON: Duration = Duration::from_millis(100);
/// How long to wait before accepting again when the system has no more file descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);
/// How long a client may take to begin TLS.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Entries that one slice of active expiry looks at, before clients have their turn.
const EXPIRE_SLICE: u32 = 2_000;
/// Slices of active expiry, and of eviction, in one period at most: a bound on their share of the thread's time.
const SLICES_MAX: u32 = 50;

/// One node and its data.
pub(crate) struct Server<A> {
    pub(crate) engine: Arc<Engine<A>>,
    pub(crate) shared: Arc<Shared>,
}

/// A node whose data one thread owns: it must be made, and run, on that thread.
pub(crate) fn owned(shared: Arc<Shared>) -> Arc<Server<Owned>> {
    let (layout, hasher) = layout(&shared.config(), 1);
    let shards = Owned::new(layout, Shard::new(layout, 0, hasher));
    // Reference counts are atomic for the sake of nodes with several threads; this one stays where it is.
    #[allow(clippy::arc_with_non_send_sync, reason = "one Connection serves both kinds of node")]
    Arc::new(Server { engine: Arc::new(Engine::new(shards, hasher)), shared })
}

/// A node whose data `threads` threads share.
fn locked(shared: Arc<Shared>, threads: u16) -> Arc<Server<Locked>> {
    let (layout, hasher) = layout(&shared.config(), (threads * SHARDS_PER_THREAD).next_power_of_two());
    let shards = Locked::new(layout, |index| Shard::new(layout, index, hasher));
    Arc::new(Server { engine: Arc::new(Engine::new(shards, hasher)), shared })
}

/// Threads that execute commands: as configured, or one on small machines, where the data then needs no locks, and half of the
/// cores on others.
pub(crate) fn data_threads(config: &Config) -> u16 {
    const MAX: u32 = 64;
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
    let threads = match config.data_threads() {
        0 if cores < 4 => 1,
        0 => cores / 2,
        threads => threads,
    };
    threads.clamp(1, MAX) as u16
}

fn layout(config: &Config, shards: u16) -> (Layout, KeyHasher) {
    let databases = if config.cluster_enabled() { 1 } else { config.databases() as u16 };
    let layout = Layout::new(shards, databases).expect("a power of two");
    (layout, KeyHasher::new(u64::from_ne_bytes(process::random_bytes())))
}

/// Serves a node on this thread, and on `threads - 1` more, until it stops.
///
/// # Errors
/// The snapshot that it should begin with cannot be loaded.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    orders: Option<UnboundedReceiver<Order>>,
    threads: u16,
) -> anyhow::Result<()> {
    if threads <= 1 {
        let server = owned(shared);
        replicate::follow_by_config(&server.shared);
        persist::load_at_start(&server)?;
        handoff::hide_tracked(&server);
        server.shared.log.notice("Ready to accept connections tcp");
        orders.map(|orders| spawn_local(obey(Arc::clone(&server), orders)));
        serve_here(server, None).await;
        return Ok(());
    }
    let server = locked(shared, threads);
    replicate::follow_by_config(&server.shared);
    persist::load_at_start(&server)?;
    handoff::hide_tracked(&server);
    server.shared.log.notice("Ready to accept connections tcp");
    orders.map(|orders| spawn_local(obey(Arc::clone(&server), orders)));
    let workers = (1..threads).map(|number| start_worker(number, Arc::clone(&server))).collect();
    serve_here(server, Some(Workers { workers, next: 0 })).await;
    Ok(())
}

/// Does with the data what the control plane orders.
pub(crate) async fn obey<A: ShardAccess + 'static>(
    server: Arc<Server<A>>,
    mut orders: UnboundedReceiver<Order>,
) {
    while let Some(order) = orders.recv().await {
        let dropped = match order {
            Order::DropKeys(slots) => handoff::clear(&server, slots).await,
        };
        if dropped > 0 {
            server.shared.log.notice(&format!("{dropped} keys deleted: their slots belong to another node"));
        }
    }
}

/// Serves on this thread, whose [`LocalSet`] is running, until the node stops.
pub(crate) async fn serve_here<A: ShardAccess + 'static>(
    server: Arc<Server<A>>,
    mut workers: Option<Workers>,
) {
    let mut stop = server.shared.watch_stop();
    spawn_local(cron(Arc::clone(&server)));
    spawn_local(persist::serve(Arc::clone(&server)));
    spawn_local(shutdown::serve(Arc::clone(&server)));
    spawn_local(aof::serve(Arc::clone(&server)));
    spawn_local(handoff::serve(Arc::clone(&server)));
    spawn_local(replicate::make_snapshots(Arc::clone(&server)));
    spawn_local(replicate::follow_primary(Arc::clone(&server)));
    spawn_local(replicate::fail_over(Arc::clone(&server)));
    spawn_local(follow_topology(Arc::clone(&server)));
    spawn_local(inquiry::serve(Arc::clone(&server)));
    let executes: Rc<dyn Executes> = Rc::new(Served(Arc::clone(&server)));
    let (accepted, mut streams) = unbounded_channel();
    let mut accepting = Vec::new();
    loop {
        for door in server.shared.doors.take_new() {
            busy::watch_door(&door, &executes);
            accepting.push(spawn_local(accept(Arc::clone(&server.shared), door, accepted.clone())));
        }
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            () = server.shared.doors.moved() => {}
            Some(arrived) = streams.recv() => match workers.as_mut().and_then(Workers::next) {
                Some(worker) => worker.give(arrived),
                None => start_client(&server, arrived, 0),
            },
        }
    }
    for task in accepting {
        task.abort();
    }
}

/// Data threads besides the one that accepts.
pub(crate) struct Workers {
    workers: Vec<UnboundedSender<Leaving>>,
    next: usize,
}

impl Workers {
    /// The worker whose turn it is; `None` when it is the accepting thread's own.
    fn next(&mut self) -> Option<Worker<'_>> {
        let turn = self.next;
        self.next = (turn + 1) % (self.workers.len() + 1);
        self.workers.get(turn).map(Worker)
    }
}

struct Worker<'a>(&'a UnboundedSender<Leaving>);

impl Worker<'_> {
    /// Moves a connection from this thread's poller to the worker's.
    fn give(&self, arrived: Arrived) {
        // Either can only fail while the node stops or the connection is gone.
        if let Ok(leaving) = arrived.leave() {
            let _ = self.0.send(leaving);
        }
    }
}

fn start_worker<A: ShardAccess + Send + Sync + 'static>(
    number: u16,
    server: Arc<Server<A>>,
) -> UnboundedSender<Leaving> {
    let (sender, mut streams): (_, UnboundedReceiver<Leaving>) = unbounded_channel();
    let work = move || {
        let runtime = crate::runtime::current_thread().expect("a poller for the thread");
        LocalSet::new().block_on(&runtime, async move {
            while let Some(leaving) = streams.recv().await {
                if let Ok(arrived) = leaving.arrive() {
                    start_client(&server, arrived, number);
                }
            }
        });
    };
    std::thread::Builder::new()
        .name(format!("data-{number}"))
        .spawn(work)
        .expect("the system starts a thread");
    sender
}

async fn accept(shared: Arc<Shared>, door: Arc<Door>, accepted: UnboundedSender<Arrived>) {
    let listener = match door.listener() {
        Ok(listener) => listener,
        Err(error) => return shared.log.warning(&format!("Cannot accept connections: {error}")),
    };
    loop {
        match listener.accept().await {
            Ok(arrived) => {
                if admitted(&shared, &arrived) && accepted.send(arrived).is_err() {
                    return;
                }
            }
            Err(_) if door.is_closed() => return,
            Err(error) => {
                shared.log.warning(&format!("Accepting client connection: {error}"));
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

/// True if the connection may stay. Otherwise it has been told why.
pub(crate) fn admitted(shared: &Shared, arrived: &Arrived) -> bool {
    let config = shared.config();
    let is_of_this_machine = match arrived {
        Arrived::Unix { .. } => true,
        Arrived::Tcp { stream, .. } => {
            stream.peer_addr().is_ok_and(|peer| peer.ip().to_canonical().is_loopback())
        }
    };
    let refusal = if shared.clients.len() as u64 >= u64::from(config.maxclients()) {
        shared.stats.rejected.fetch_add(1, Ordering::Relaxed);
        ErrorReply::MaxClients
    } else if config.protected_mode()
        && acl::ask(shared, |acl| acl.default_user().rules().needs_no_password())
        && !is_of_this_machine
    {
        shared.stats.rejected.fetch_add(1, Ordering::Relaxed);
        ErrorReply::ProtectedMode
    } else {
        shared.stats.connections.fetch_add(1, Ordering::Relaxed);
        return true;
    };
    let text = format!("-{refusal}\r\n");
    // A client that cannot take even this is gone anyhow. In TLS there is no word before the handshake.
    let _ = match arrived {
        Arrived::Tcp { tls: true, .. } => Ok(0),
        Arrived::Tcp { stream, .. } => stream.try_write(text.as_bytes()),
        Arrived::Unix { stream, .. } => stream.try_write(text.as_bytes()),
    };
    false
}

/// Serves a connection on this thread, the data thread number `thread`.
pub(crate) fn start_client<A: ShardAccess + 'static>(server: &Arc<Server<A>>, arrived: Arrived, thread: u16) {
    let server = Arc::clone(server);
    match arrived {
        Arrived::Tcp { stream, tls: true } => {
            let serving = async move {
                if let Some(stream) = shake_hands(&server.shared, stream).await {
                    start_stream(&server, stream, None, thread);
                }
            };
            spawn_local(serving);
        }
        Arrived::Tcp { stream, .. } => start_stream(&server, Stream::Tcp(stream), None, thread),
        Arrived::Unix { stream, path } => start_stream(&server, Stream::Unix(stream), Some(&path), thread),
    }
}

/// Begins TLS; the log tells of clients that fail to.
async fn shake_hands(shared: &Shared, stream: TcpStream) -> Option<Stream> {
    let peer = stream.peer_addr().ok()?;
    let tls = shared.tls()?;
    let failure = match tokio::time::timeout(HANDSHAKE, tls.acceptor.accept(stream)).await {
        Ok(Ok(stream)) => return Some(Stream::Tls(Box::new(stream.into()))),
        Ok(Err(error)) => format!("{:#}", tls::in_words(error)),
        Err(_) => "no handshake within its time".to_owned(),
    };
    shared.log.warning(&format!("Error accepting a client connection: {failure} (addr={peer})"));
    None
}

fn start_stream<A: ShardAccess + 'static>(
    server: &Arc<Server<A>>,
    stream: Stream,
    path: Option<&str>,
    thread: u16,
) {
    let shared = &server.shared;
    let Ok(mut session) = begin_session(shared, &stream, path) else { return };
    session.thread = thread;
    let registration = shared.clients.enter(&session, i64::from(stream.socket()), shared.now());
    let client = registration.client();
    let connection = Connection::new(Arc::clone(server), stream, session, registration);
    let task = spawn_local(async move {
        // The peer is gone, which is how connections end.
        let _ = connection.serve().await;
    });
    client.served_by(task.abort_handle());
}

fn begin_session(shared: &Shared, stream: &Stream, path: Option<&str>) -> std::io::Result<Session> {
    let config = shared.config();
    let (peer, local, port) = match stream.tcp() {
        Some(tcp) => {
            tcp.set_nodelay(true)?;
            keep_alive(tcp, &config)?;
            let local = tcp.local_addr()?;
            (tcp.peer_addr()?.to_string(), local.to_string(), local.port())
        }
        None => {
            let address = format!("{}:0", path.unwrap_or_default());
            (address.clone(), address, 0)
        }
    };
    let ip = stream.peer_ip()?;
    let user = Some(acl::ask(shared, |acl| acl.default_user()));
    let mut session = Session::new(shared.clients.next_id(), peer, local, shared.now(), user);
    session.is_local = ip.is_loopback();
    session.transport = match stream {
        Stream::Tcp(_) => Transport::Tcp,
        Stream::Tls(_) => Transport::Tls,
        Stream::Unix(_) => Transport::Unix,
    };
    let is_client_port = port != 0 && port == config.cluster_client_port();
    let by = if is_client_port { Entrance::ClientPort } else { Entrance::Port };
    session.reach = config.reach(by, ip);
    Ok(session)
}

/// Periodic work of the node: statistics, idle connections, expired keys.
async fn cron<A: ShardAccess + 'static>(server: Arc<Server<A>>) {
    let mut stop = server.shared.watch_stop();
    let mut interval = tokio::time::interval(CRON);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut ticks = 0_u64;
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            _ = interval.tick() => {}
        }
        ticks += 1;
        replicate::tick(&server.shared, ticks);
        server.shared.pauses.tick(server.shared.now());
        server.shared.migrations.tick();
        if ticks.is_multiple_of(10) {
            aof::tick(&server.shared, server.engine.shards()).await;
            server.engine.shards().all_shards(&mut |_| replicate::drop_old_backlog(&server.shared));
        }
        let shared = &server.shared;
        shared.stats.sample(CRON.as_millis() as u64);
        if huge_pages::are_held_back() {
            let mut data = 0;
            server.engine.shards().each_shard(&mut |shard| data += shard.used_memory() as u64);
            huge_pages::follow(data);
        }
        persist::check_save_points(shared, server.engine.shards());
        if let timeout @ 1.. = u64::from(shared.config().timeout_secs()) {
            shared.clients.kill_idle(UnixMs::from_ms(shared.now().as_ms().saturating_sub(timeout * 1000)));
        }
        evict_clients(shared);
        close_slow_readers(shared);
        if shared.pause() == Pause::Nothing {
            if !shared.switches.keeps_expired.load(Ordering::Relaxed) {
                in_slices(|| server.engine.expire_cycle(&**shared, EXPIRE_SLICE)).await;
            }
            in_slices(|| server.engine.evict_cycle(&**shared)).await;
        }
    }
}

/// Closes the connections that take most memory, past `maxmemory-clients`.
fn evict_clients(shared: &Shared) {
    let config = shared.config();
    let bytes_max = match config.maxmemory_clients() {
        ClientMemory::Unlimited => return,
        ClientMemory::Bytes(bytes) => bytes,
        // Without a limit of data there is nothing to take a part of.
        ClientMemory::Percent(_) if config.maxmemory() == 0 => return,
        ClientMemory::Percent(percent) => config.maxmemory() / 100 * u64::from(percent),
    };
    let evicted = shared.clients.evict(bytes_max);
    if evicted > 0 {
        shared.stats.evicted.fetch_add(evicted as u64, Ordering::Relaxed);
        shared
            .log
            .notice(&format!("{evicted} clients closed: all together take more than maxmemory-clients"));
    }
}

/// Closes those that have been past a soft limit for too long.
fn close_slow_readers(shared: &Shared) {
    let limits = shared.config().client_output_buffer_limit();
    for address in shared.clients.close_slow(limits, shared.now()) {
        shared.log_overflow(&address);
    }
}

/// Lets go those who wait for keys, or listen to shard channels, of slots that the node no longer serves.
async fn follow_topology<A: ShardAccess>(server: Arc<Server<A>>) {
    let (mut changes, mut stop) = (server.shared.watch_topology(), server.shared.watch_stop());
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            changed = changes.changed() => match changed {
                Ok(()) => server.engine.topology_changed(&*server.shared),
                Err(_) => return,
            },
        }
    }
}

/// Does `slice` again as long as that pays, clients being served in between.
async fn in_slices(slice: impl Fn() -> bool) {
    for _ in 0..SLICES_MAX {
        if !slice() {
            return;
        }
        tokio::task::yield_now().await;
    }
}
