//! One client connection: read, execute, write, in that order, until it ends.
//!
//! ```text
//!   readable --> one read into the thread's scratch buffer --> decode, execute, batch by batch --> one write
//!                      |                                              |
//!                      +-- what is left of a request in pieces goes into the connection's own buffer
//! ```
//!
//! An idle connection holds no buffer: ten thousand of them cost their sockets and a task each. Nothing is read while
//! replies wait to be written, so a client that does not read its replies stops only itself.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use slotway_core::resp::decode::{Decoded, Decoder, Limits};
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;
use slotway_engine::commands::dump;
use slotway_engine::dispatch::Requests;
use slotway_engine::interest::Waiter;
use slotway_engine::migration::Decoded as DecodedValue;
use slotway_engine::node::Node as _;
use slotway_engine::session::{After, Reached, ReplyRoom, Session};
use slotway_engine::shards::ShardAccess;
use slotway_engine::value::Limits as ValueLimits;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio_util::io::poll_read_buf;

use crate::aof;
use crate::busy::{Present, Seat, Served};
use crate::clients::Registration;
use crate::handoff;
use crate::migrate;
use crate::replicate;
use crate::server::Server;
use crate::stream::Stream;

/// Bytes read at once.
const READ_LEN: usize = 64 * 1024;
/// Replies are written before more requests are executed once they have this many bytes.
const REPLIES_LEN_MAX: usize = 1024 * 1024;
/// Buffers larger than this are given back as soon as they are empty.
const KEPT_LEN_MAX: usize = 64 * 1024;
/// Most bytes of requests in pieces: spans are 32-bit numbers.
const QUERY_LEN_MAX: u64 = u32::MAX as u64;

thread_local! {
    /// What is read is executed from here: one buffer for all connections of a thread.
    static SCRATCH: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_LEN].into_boxed_slice());
}

/// What a connection has waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Input {
    /// Something has come.
    Some,
    /// The client has ended the connection.
    Ended,
}

impl Input {
    fn of(len: usize) -> Self {
        if len == 0 { Input::Ended } else { Input::Some }
    }
}

/// A connection being served.
pub(crate) struct Connection<A: ShardAccess> {
    server: Arc<Server<A>>,
    stream: Stream,
    session: Present,
    /// Where it lies while nothing comes.
    seat: Rc<Seat>,
    registration: Registration,
    decoder: Decoder,
    /// The beginning of a request whose end has not arrived, or requests that wait until replies are written.
    pending: BytesMut,
    replies: Vec<u8>,
    /// Whole requests may be left in `pending`.
    has_more: bool,
    /// The term in which the requests are executed whose replies have not been written, where writes count by quorum.
    term: Option<u64>,
    /// The offset of the last write whose reply has been let go.
    released: u64,
}

impl<A: ShardAccess + 'static> Connection<A> {
    /// Serves `stream` for `session`.
    pub(crate) fn new(
        server: Arc<Server<A>>,
        stream: Stream,
        session: Session,
        registration: Registration,
    ) -> Self {
        let seat = Seat::new(stream.plain_socket(), Rc::new(Served(Arc::clone(&server))));
        let mut session = Present::new(session);
        // It may come while a script keeps the thread busy, long before it is served as usual.
        seat.lend(&mut session);
        Self {
            server,
            stream,
            session,
            seat,
            registration,
            decoder: Decoder::default(),
            pending: BytesMut::new(),
            replies: Vec::new(),
            has_more: false,
            term: None,
            released: 0,
        }
    }

    /// Serves the connection until either side ends it.
    ///
    /// # Errors
    /// The socket fails. There is nothing to do about it but to forget the connection.
    pub(crate) async fn serve(mut self) -> io::Result<()> {
        self.seat.take_back(&mut self.session);
        while self.session.after == After::Continue {
            let input = if let Some(waiter) = self.session.blocked.clone() {
                self.wait(waiter).await?
            } else if self.has_more {
                self.execute_pending();
                Input::Some
            } else {
                poll_fn(|context| self.poll_idle(context)).await?
            };
            if input == Input::Ended || self.session.after == After::Abort {
                return Ok(());
            }
            self.registration.outbox().move_to(&mut self.replies);
            self.wait_for_copies().await?;
            self.write().await?;
            self.publish();
            match self.session.after {
                After::WaitForAcks => self.wait_for_acks().await?,
                After::WaitForShutdown => self.wait_for_shutdown().await?,
                After::LoadAof => self.load_aof().await?,
                After::Hold => self.hold().await?,
                After::Migrate => self.migrate().await?,
                After::Decode => self.decode().await?,
                _ => {}
            }
        }
        match self.session.after {
            After::Replicate => self.replicate().await,
            After::Import => {
                self.import().await;
                Ok(())
            }
            _ => self.stream.shutdown().await,
        }
    }

    /// `cluster-write-quorum`: replies wait until a majority of the copies has what they acknowledge. Where that is not known any more, the
    /// connection ends without them.
    async fn wait_for_copies(&mut self) -> io::Result<()> {
        let (Some(term), offset) = (self.term.take(), self.session.write_offset) else { return Ok(()) };
        if offset == self.released {
            return Ok(());
        }
        let shared = Arc::clone(&self.server.shared);
        aof::flush(&shared);
        let result = tokio::select! {
            result = replicate::quorum::wait(&shared, offset, term) => result,
            () = self.gone() => return Err(io::ErrorKind::BrokenPipe.into()),
        };
        self.released = offset;
        result.map_err(|_| io::ErrorKind::ConnectionAborted.into())
    }

    /// WAIT: nothing else is executed before its reply.
    async fn wait_for_acks(&mut self) -> io::Result<()> {
        let wait = self.session.ack_wait.expect("WAIT says what it waits for");
        let shared = Arc::clone(&self.server.shared);
        let acks = tokio::select! {
            acks = replicate::wait_for_acks(&shared, wait) => Some(acks),
            () = shared.replication.until_follows() => None,
            () = self.gone() => return Err(io::ErrorKind::BrokenPipe.into()),
        };
        self.session.ack_wait = None;
        self.publish();
        let mut reply = ReplyWriter::new(&mut self.replies, self.session.protocol);
        let Some(acks) = acks else {
            reply.error(&ErrorReply::InstanceStateChanged);
            self.session.after = After::Close;
            return self.write().await;
        };
        if let Reached::Disk { .. } = wait.reached {
            reply.array(2);
            reply.integer(acks.local.into());
        }
        reply.integer(acks.replicas as i64);
        self.go_on();
        self.write().await
    }

    /// SHUTDOWN: there is no reply, unless it is given up.
    async fn wait_for_shutdown(&mut self) -> io::Result<()> {
        let shared = Arc::clone(&self.server.shared);
        let _counted = shared.clients.note_waiting();
        tokio::select! {
            () = shared.ending.wait_until_given_up() => {}
            () = self.gone() => return Err(io::ErrorKind::BrokenPipe.into()),
        }
        ReplyWriter::new(&mut self.replies, self.session.protocol).error(&ErrorReply::ShutdownFailed);
        self.go_on();
        self.write().await
    }

    /// Waits for the end of a pause, or until keys are held no longer, then goes on where it has begun.
    async fn hold(&mut self) -> io::Result<()> {
        let shared = Arc::clone(&self.server.shared);
        let _counted = shared.clients.note_waiting();
        let holder = self.session.held_by.take();
        let end = async {
            match holder {
                Some(client) => shared.migrations.wait_for(client).await,
                None => {
                    shared.pauses.wait_for_end().await;
                    shared.handoff.wait_at_fence().await;
                }
            }
        };
        tokio::select! {
            () = end => {}
            () = self.gone() => return Err(io::ErrorKind::BrokenPipe.into()),
        }
        self.go_on();
        Ok(())
    }

    /// MIGRATE: its keys are on their way, and go on if the client goes.
    async fn migrate(&mut self) -> io::Result<()> {
        self.note_term();
        let migration = self.session.migration.take().expect("MIGRATE says what goes where");
        let answer = migrate::begin(Arc::clone(&self.server), self.session.clone(), migration);
        let answer = tokio::select! {
            answer = answer => answer.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?,
            () = self.gone() => return Err(io::ErrorKind::BrokenPipe.into()),
        };
        self.replies.extend_from_slice(&answer.reply);
        (self.session.reply_mode, self.session.write_offset) =
            (answer.session.reply_mode, answer.session.write_offset);
        self.go_on();
        self.wait_for_copies().await?;
        self.write().await
    }

    /// DEBUG LOADAOF. Nobody else of this thread is served meanwhile.
    async fn load_aof(&mut self) -> io::Result<()> {
        let result = aof::reload(&self.server);
        let mut reply = ReplyWriter::new(&mut self.replies, self.session.protocol);
        match result {
            Ok(()) => reply.ok(),
            Err(error) => {
                self.server.shared.log.warning(&format!("{error:#}"));
                reply.error(&ErrorReply::other("ERR Error trying to load the AOF files, check server logs."));
            }
        }
        self.go_on();
        self.write().await
    }

    /// RESTORE of a large value: decoded where nobody waits for it.
    async fn decode(&mut self) -> io::Result<()> {
        let payload = self.session.payload.take().expect("RESTORE says what is to be decoded");
        let (config, hasher) = (self.server.shared.config(), *self.server.engine.hasher());
        let decode = move || dump::decode(&payload, &ValueLimits { config: &config, hasher: &hasher });
        let decoded = tokio::select! {
            decoded = tokio::task::spawn_blocking(decode) => decoded.map_err(io::Error::other)?,
            () = self.gone() => return Err(io::ErrorKind::BrokenPipe.into()),
        };
        self.session.decoded = DecodedValue(Some(decoded));
        self.go_on();
        Ok(())
    }

    fn go_on(&mut self) {
        self.session.after = After::Continue;
        self.has_more = !self.pending.is_empty();
    }

    /// Ready when the client has closed its side; takes what it sends meanwhile.
    async fn gone(&mut self) {
        loop {
            match poll_fn(|context| self.poll_fill(context)).await {
                Ok(0) | Err(_) => return,
                Ok(_) => self.check_query_len(),
            }
        }
    }

    /// The connection is a replica's from now on.
    async fn replicate(mut self) -> io::Result<()> {
        let peer = self.session.peer.take().expect("PSYNC says what it wants");
        let (shared, id) = (Arc::clone(&self.server.shared), self.session.id);
        (self.session.is_replica_link, self.session.card_changed) = (true, true);
        self.publish();
        replicate::feed(shared, &mut self.stream, id, *peer).await
    }

    /// The connection brings slots from now on.
    async fn import(mut self) {
        self.publish();
        let (server, pending) = (Arc::clone(&self.server), std::mem::take(&mut self.pending));
        handoff::import(&server, &mut self.stream, &mut self.session, pending).await;
    }

    /// Waits until the command that blocks the connection has its answer, its time is over, or the client is gone; takes meanwhile what
    /// the client sends, and sends on what others have for it.
    async fn wait(&mut self, waiter: Arc<Waiter>) -> io::Result<Input> {
        let now = self.server.shared.now();
        let left = waiter.block.deadline.map(|deadline| Duration::from_millis(deadline.ms_since(now)));
        tokio::select! {
            biased;
            input = poll_fn(|context| self.poll_waiting(context)) => {
                if input? == Input::Ended {
                    return Ok(Input::Ended);
                }
            }
            () = sleep(left) => {
                if let Some(reply) = self.server.engine.time_out(&*self.server.shared, &waiter) {
                    self.replies.extend_from_slice(&reply);
                }
            }
        }
        if waiter.is_done() {
            self.session.blocked = None;
            if waiter.is_over() {
                self.session.after = After::Close;
            }
            self.note_write_by_others();
            self.server.engine.forget_waiter(&waiter);
            self.has_more = !self.pending.is_empty();
        }
        Ok(Input::Some)
    }

    /// Somebody else's command has served this connection: its reply acknowledges what that has written.
    fn note_write_by_others(&mut self) {
        self.note_term();
        if self.term.is_some() {
            self.session.write_offset = self.server.shared.replication.written();
        }
    }

    /// What is written from now on is of the present term, where writes count by quorum.
    fn note_term(&mut self) {
        let shared = &self.server.shared;
        if self.term.is_none() && shared.counts_by_quorum() {
            self.term = Some(shared.replication.quorum.term_number());
        }
    }

    fn poll_waiting(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Input>> {
        if self.registration.outbox().poll_called(context).is_ready() {
            return Poll::Ready(Ok(Input::Some));
        }
        let len = ready!(self.poll_fill(context))?;
        self.check_query_len();
        Poll::Ready(Ok(Input::of(len)))
    }

    /// The same as [`poll_input`](Self::poll_input), and as long as nothing comes others may have the session: see [`busy`](crate::busy).
    fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Input>> {
        self.seat.take_back(&mut self.session);
        if self.session.after != After::Continue {
            return Poll::Ready(Ok(Input::Some));
        }
        let poll = self.poll_input(context);
        if poll.is_pending() && self.pending.is_empty() {
            self.seat.lend(&mut self.session);
        }
        poll
    }

    /// Ready when others have something for the connection, or requests have come: these are executed.
    fn poll_input(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Input>> {
        if self.registration.outbox().poll_called(context).is_ready() {
            return Poll::Ready(Ok(Input::Some));
        }
        self.poll_read(context).map_ok(Input::of)
    }

    /// Reads once and executes what has come. Ready with the number of bytes read, 0 at the end of the stream.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if !self.pending.is_empty() {
            return self.poll_read_more(context);
        }
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer))?;
            let bytes = buffer.filled();
            self.server.shared.stats.bytes_in(bytes.len());
            let used = self.execute(bytes);
            self.pending.extend_from_slice(&bytes[used..]);
            if self.session.transaction.is_some() {
                self.check_query_len();
            }
            Poll::Ready(Ok(bytes.len()))
        })
    }

    /// The same when the beginning of a request is waiting: what comes is appended to it.
    fn poll_read_more(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let len = ready!(self.poll_fill(context))?;
        if len > 0 {
            self.execute_pending();
        }
        Poll::Ready(Ok(len))
    }

    /// Reads once into the connection's own buffer.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let missing = self.decoder.missing_bytes(self.pending.len());
        self.pending.reserve(missing.clamp(READ_LEN, 16 * READ_LEN));
        let len = ready!(poll_read_buf(Pin::new(&mut self.stream), context, &mut self.pending))?;
        self.server.shared.stats.bytes_in(len);
        Poll::Ready(Ok(len))
    }

    fn execute_pending(&mut self) {
        let mut pending = std::mem::take(&mut self.pending);
        let used = self.execute(&pending);
        pending.advance(used);
        if !pending.is_empty() || pending.capacity() <= KEPT_LEN_MAX {
            self.pending = pending;
        }
        self.check_query_len();
    }

    /// Executes the requests of `bytes`, batch by batch. Returns how many bytes are done with.
    fn execute(&mut self, bytes: &[u8]) -> usize {
        let server = Arc::clone(&self.server);
        self.note_term();
        let output_len_max = self.output_len_max();
        self.session.reply_room = ReplyRoom { batch_len_max: REPLIES_LEN_MAX, len_max: output_len_max };
        let mut used = 0;
        self.has_more = false;
        loop {
            let rest = &bytes[used..];
            let decoded = self.decoder.decode(rest, self.limits());
            let (decoded_len, mut executed) = (self.decoder.len(), 0);
            if !self.decoder.is_empty() {
                let requests = Requests { decoder: &self.decoder, buffer: rest };
                let tally =
                    server.engine.execute(&*server.shared, &mut self.session, requests, &mut self.replies);
                server.shared.stats.add(tally);
                executed = tally.requests;
                self.check_replies_len(output_len_max);
            }
            used += self.decoder.consume_first(executed);
            match decoded {
                _ if self.session.after != After::Continue || self.session.blocked.is_some() => return used,
                _ if executed < decoded_len => {
                    self.has_more = true;
                    return used;
                }
                Decoded::All => return used,
                Decoded::Full if self.replies.len() >= REPLIES_LEN_MAX => {
                    self.has_more = true;
                    return used;
                }
                Decoded::Full => {}
                Decoded::Broken(error) => {
                    self.refuse(&ErrorReply::Protocol(error.text()));
                    return used;
                }
            }
        }
    }

    fn limits(&self) -> Limits {
        let config = self.server.shared.config();
        Limits { bulk_len_max: config.proto_max_bulk_len(), authenticated: self.session.authenticated }
    }

    /// Answers with an error, then closes.
    fn refuse(&mut self, error: &ErrorReply) {
        ReplyWriter::new(&mut self.replies, self.session.protocol).error(error);
        self.session.after = After::Close;
    }

    /// Closes a connection that sends more of a request than it may, what it has queued since MULTI included.
    fn check_query_len(&mut self) {
        let len_max = self.server.shared.config().client_query_buffer_limit().min(QUERY_LEN_MAX);
        let queued = self.session.transaction.as_ref().map_or(0, |transaction| transaction.bytes);
        if (self.pending.len() + queued) as u64 > len_max {
            let log = &self.server.shared.log;
            log.warning(&format!(
                "Closing client that reached max query buffer length: {}",
                self.session.address
            ));
            self.session.after = After::Close;
        }
    }

    /// How many bytes of replies `client-output-buffer-limit` allows at once.
    fn output_len_max(&self) -> usize {
        let limits = self.server.shared.config().client_output_buffer_limit();
        let class = if self.session.subscriptions.is_empty() { limits.normal } else { limits.pubsub };
        match class.hard_bytes {
            0 => usize::MAX,
            bytes => usize::try_from(bytes).unwrap_or(usize::MAX),
        }
    }

    /// Closes a connection whose replies have so many bytes.
    fn check_replies_len(&mut self, len_max: usize) {
        if self.replies.len() >= len_max {
            self.server.shared.log_overflow(&self.session.address);
            self.session.after = After::Abort;
        }
    }

    async fn write(&mut self) -> io::Result<()> {
        // Before anybody hears that it is done: see `appendfsync always`.
        aof::flush(&self.server.shared);
        if self.replies.is_empty() {
            return Ok(());
        }
        self.write_replies().await?;
        self.server.shared.stats.bytes_out(self.replies.len());
        self.replies.clear();
        if self.replies.capacity() > KEPT_LEN_MAX {
            self.replies = Vec::new();
        }
        Ok(())
    }

    /// Writes `replies`, and lets others know how much is left of them while the client does not take it.
    async fn write_replies(&mut self) -> io::Result<()> {
        let Self { stream, replies, registration, .. } = self;
        let (mut written, mut has_waited) = (0, false);
        while written < replies.len() {
            let rest = &replies[written..];
            let len = poll_fn(|context| {
                let poll = Pin::new(&mut *stream).poll_write(context, rest);
                if poll.is_pending() {
                    has_waited = true;
                    registration.outbox().note_unsent(rest.len());
                }
                poll
            });
            written += match len.await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                len => len,
            };
        }
        if has_waited {
            registration.outbox().note_unsent(0);
        }
        stream.flush().await
    }

    fn publish(&mut self) {
        let query = (self.pending.len(), self.pending.capacity() - self.pending.len());
        let memory = self.pending.capacity() + self.replies.capacity() + size_of::<Self>();
        self.registration.publish(&mut self.session, self.server.shared.now(), query, memory);
    }
}

/// Whatever ended the connection: nobody is to find it any more.
impl<A: ShardAccess> Drop for Connection<A> {
    fn drop(&mut self) {
        self.seat.take_back(&mut self.session);
        if let Some(waiter) = self.session.blocked.take() {
            self.server.engine.forget_waiter(&waiter);
        }
        self.server.shared.forget(&self.session);
    }
}

/// Waits for so long; forever if `None`.
async fn sleep(left: Option<Duration>) {
    match left {
        Some(left) => tokio::time::sleep(left).await,
        None => std::future::pending().await,
    }
}
