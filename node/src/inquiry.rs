//! Commands from within the process: other threads ask a node what a client could ask it.

use std::sync::Arc;

use parking_lot::Mutex;
use slotway_core::resp::value::Value;
use slotway_engine::node::Node as _;
use slotway_engine::propagation::write_command;
use slotway_engine::session::Session;
use slotway_engine::shards::ShardAccess;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use crate::busy::{Executes as _, Served};
use crate::server::Server;

/// A request, and who waits for its reply.
struct Inquiry {
    request: Vec<u8>,
    reply: oneshot::Sender<Vec<u8>>,
}

/// The way to the thread that has the data.
pub(crate) struct Inquiries {
    sender: UnboundedSender<Inquiry>,
    receiver: Mutex<Option<UnboundedReceiver<Inquiry>>>,
}

impl Default for Inquiries {
    fn default() -> Self {
        let (sender, receiver) = unbounded_channel();
        Self { sender, receiver: Mutex::new(Some(receiver)) }
    }
}

impl Inquiries {
    /// The reply to a command that does not wait.
    pub(crate) async fn ask(&self, words: &[&str]) -> Option<Value> {
        let mut request = Vec::new();
        write_command(&mut request, words.iter().map(|word| word.as_bytes()));
        let (reply, answer) = oneshot::channel();
        self.sender.send(Inquiry { request, reply }).ok()?;
        let (value, _) = Value::decode(&answer.await.ok()?).ok()?;
        Some(value)
    }
}

/// Answers, on the thread that has the data, until the node stops.
pub(crate) async fn serve<A: ShardAccess + 'static>(server: Arc<Server<A>>) {
    let Some(mut inquiries) = server.shared.inquiries.receiver.lock().take() else { return };
    let mut stop = server.shared.watch_stop();
    let shared = &server.shared;
    let mut session =
        Session::new(shared.clients.next_id(), String::new(), String::new(), shared.now(), None);
    let served = Served(Arc::clone(&server));
    loop {
        let inquiry = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            inquiry = inquiries.recv() => inquiry,
        };
        let Some(Inquiry { request, reply }) = inquiry else { return };
        let mut bytes = Vec::new();
        served.execute(&mut session, &request, &mut bytes);
        // Who has asked may have gone.
        let _ = reply.send(bytes);
    }
}
