//! While a script keeps a thread busy for longer than `busy-reply-threshold`, the thread's other connections are answered from within the
//! script, between two of its instructions.
//!
//! ```text
//!   Connection idle --> its session lies in its Seat          (a move of one pointer)
//!   script, now and then --> Node::serve_others --> serve     new connections; each seat: peek, execute, drop what was executed, send
//!   Connection awake --> takes its session back
//! ```
//!
//! The engine refuses with BUSY whatever is not for ending the script, and touches no data meanwhile; so nothing here knows about commands. The
//! sockets are read without the runtime, which cannot run. What has come is looked at and left in the socket until a whole request is there, so the
//! connection finds whatever is not executed here, and the runtime still has the news that something has come.
//!
//! Connections that wait for something (BLPOP, a reply that does not fit) have no session in their seat, and go on waiting.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::os::fd::RawFd;
use std::rc::{Rc, Weak as RcWeak};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use nix::sys::socket::{MsgFlags, recv, send};
use slotway_core::resp::decode::{Decoder, Limits};
use slotway_engine::dispatch::Requests;
use slotway_engine::node::Node as _;
use slotway_engine::session::{After, Session};
use slotway_engine::shards::ShardAccess;
use tokio::net::TcpStream;

use crate::doors::{self, Arrived};
use crate::server::{self, Server};

/// Bytes of requests that are looked at at once.
const PEEK_LEN: usize = 16 * 1024;
/// A script is not held up by others more often than this.
const PERIOD: Duration = Duration::from_millis(10);

thread_local! {
    /// By the numbers of their sockets.
    static SEATS: RefCell<BTreeMap<RawFd, RcWeak<Seat>>> = const { RefCell::new(BTreeMap::new()) };
    static DOORS: RefCell<Vec<Door>> = const { RefCell::new(Vec::new()) };
    static SERVED_AT: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// A session that its connection has, but while the connection is idle.
pub(crate) struct Present(Option<Box<Session>>);

impl Present {
    pub(crate) fn new(session: Session) -> Self {
        Self(Some(Box::new(session)))
    }
}

impl Deref for Present {
    type Target = Session;

    fn deref(&self) -> &Session {
        self.0.as_ref().expect("a connection takes its session back before it does anything")
    }
}

impl DerefMut for Present {
    fn deref_mut(&mut self) -> &mut Session {
        self.0.as_mut().expect("a connection takes its session back before it does anything")
    }
}

/// Where the session of an idle connection lies.
pub(crate) struct Seat {
    socket: Option<RawFd>,
    session: Cell<Option<Box<Session>>>,
    executes: Rc<dyn Executes>,
}

impl Seat {
    /// The seat of a connection that has just been made. Without a socket that can be read here, it waits for the end of the script.
    pub(crate) fn new(socket: Option<RawFd>, executes: Rc<dyn Executes>) -> Rc<Self> {
        let seat = Rc::new(Self { socket, session: Cell::new(None), executes });
        if let Some(socket) = socket {
            SEATS.with_borrow_mut(|seats| seats.insert(socket, Rc::downgrade(&seat)));
        }
        seat
    }

    /// The connection is idle.
    pub(crate) fn lend(&self, session: &mut Present) {
        self.session.set(session.0.take());
    }

    /// The connection goes on.
    pub(crate) fn take_back(&self, session: &mut Present) {
        if let Some(lent) = self.session.take() {
            session.0 = Some(lent);
        }
    }

    /// Answers what has come.
    fn serve(&self) {
        if !self.executes.is_busy() {
            return;
        }
        let Some(mut session) = self.session.take() else { return };
        if session.after == After::Continue {
            self.answer(&mut session);
        }
        self.session.set(Some(session));
    }

    fn answer(&self, session: &mut Session) {
        let Some(socket) = self.socket else { return };
        let mut bytes = [0; PEEK_LEN];
        let Ok(len) = recv(socket, &mut bytes, MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT) else {
            return;
        };
        let mut replies = Vec::new();
        let used = self.executes.execute(session, &bytes[..len], &mut replies);
        if used == 0 {
            return;
        }
        // What has been executed leaves the socket; it is there, so this does not wait.
        let _ = recv(socket, &mut bytes[..used], MsgFlags::MSG_DONTWAIT);
        let sent = send(socket, &replies, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL);
        if sent != Ok(replies.len()) {
            // It reads nothing, not even what it has asked for.
            session.after = After::Abort;
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // When the thread ends there may be no list any more.
        if let Some(socket) = self.socket {
            let _ = SEATS.try_with(|seats| seats.borrow_mut().remove(&socket));
        }
    }
}

/// What executes requests for a connection of any kind of node.
pub(crate) trait Executes {
    /// Whether a script keeps this node busy, and not another one of the thread.
    fn is_busy(&self) -> bool;

    /// Executes the whole requests that `bytes` begin with, and returns how long they are.
    fn execute(&self, session: &mut Session, bytes: &[u8], replies: &mut Vec<u8>) -> usize;

    /// Serves a connection that has come.
    fn start(&self, stream: TcpStream);
}

/// A node, to the seats of its connections.
pub(crate) struct Served<A: ShardAccess>(pub(crate) Arc<Server<A>>);

impl<A: ShardAccess + 'static> Executes for Served<A> {
    fn is_busy(&self) -> bool {
        self.0.shared.is_busy()
    }

    fn execute(&self, session: &mut Session, bytes: &[u8], replies: &mut Vec<u8>) -> usize {
        let Server { engine, shared } = &*self.0;
        let mut decoder = Decoder::default();
        let limits = Limits {
            bulk_len_max: shared.config().proto_max_bulk_len(),
            authenticated: session.authenticated,
        };
        // A request that is broken is found again, and refused, once the script is over.
        let _ = decoder.decode(bytes, limits);
        if decoder.is_empty() {
            return 0;
        }
        let requests = Requests { decoder: &decoder, buffer: bytes };
        let tally = engine.execute(&**shared, session, requests, replies);
        shared.stats.add(tally);
        if tally.requests == 0 { 0 } else { decoder.consume_first(tally.requests) }
    }

    fn start(&self, stream: TcpStream) {
        let arrived = Arrived::Tcp { stream, tls: false };
        if server::admitted(&self.0.shared, &arrived) {
            // The first data thread is the one that accepts.
            server::start_client(&self.0, arrived, 0);
        }
    }
}

/// A way in, of which the runtime has a copy.
struct Door {
    door: Weak<doors::Door>,
    executes: RcWeak<dyn Executes>,
}

/// New connections of this door are served too while a script keeps this thread busy, as long as `executes` is there.
pub(crate) fn watch_door(door: &Arc<doors::Door>, executes: &Rc<dyn Executes>) {
    let door = Door { door: Arc::downgrade(door), executes: Rc::downgrade(executes) };
    DOORS.with_borrow_mut(|doors| doors.push(door));
}

/// Answers the connections of this thread, unless that has just been done.
pub(crate) fn serve() {
    let now = Instant::now();
    if SERVED_AT.get().is_some_and(|last| now.duration_since(last) < PERIOD) {
        return;
    }
    SERVED_AT.set(Some(now));
    let arrived = DOORS.with_borrow_mut(|doors| {
        doors.retain(|door| door.executes.strong_count() > 0 && door.door.strong_count() > 0);
        let open = doors.iter().filter_map(|door| Some((door.door.upgrade()?, door.executes.upgrade()?)));
        let open = open.filter(|(_, executes)| executes.is_busy());
        let accepted = open.filter_map(|(door, executes)| Some((door.accept_plain()?, executes)));
        accepted.collect::<Vec<_>>()
    });
    for (stream, executes) in arrived {
        if stream.set_nonblocking(true).is_ok()
            && let Ok(stream) = TcpStream::from_std(stream)
        {
            executes.start(stream);
        }
    }
    let seats: Vec<Rc<Seat>> =
        SEATS.with_borrow(|seats| seats.values().filter_map(RcWeak::upgrade).collect());
    seats.iter().for_each(|seat| seat.serve());
    SERVED_AT.set(Some(Instant::now()));
}
