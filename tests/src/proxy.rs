//! A stretch of network between two servers, which can be slow, and can be cut.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::ports::free_port;

/// How often everybody looks whether something has changed.
const POLL: Duration = Duration::from_millis(20);

/// Listens on a port, and hands on what comes there.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Where it leads; 0 as long as that is not known.
    target: AtomicU16,
    /// Bytes in a second towards whoever has connected; 0 for as many as there are.
    rate: AtomicU64,
    /// Who gets nothing through.
    cut: Mutex<Vec<IpAddr>>,
    is_over: AtomicBool,
}

impl Proxy {
    /// One that leads nowhere yet.
    pub fn start() -> Proxy {
        let port = free_port();
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
        listener.set_nonblocking(true).expect("a listener can be polled");
        let state = Arc::<State>::default();
        let accepting = Arc::clone(&state);
        thread::spawn(move || accept(&listener, &accepting));
        Proxy { port, state }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Leads to `port` from now on.
    pub fn lead_to(&self, port: u16) {
        self.state.target.store(port, Ordering::Relaxed);
    }

    /// Lets only so many bytes through in a second, towards whoever has connected.
    pub fn slow_down(&self, bytes_per_second: u64) {
        self.state.rate.store(bytes_per_second, Ordering::Relaxed);
    }

    /// Lets nothing through any more to and from `host`, and ends what there is.
    pub fn cut_off(&self, host: IpAddr) {
        self.state.cut().push(host);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.is_over.store(true, Ordering::Relaxed);
    }
}

impl State {
    fn cut(&self) -> MutexGuard<'_, Vec<IpAddr>> {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_cut(&self, host: IpAddr) -> bool {
        self.is_over.load(Ordering::Relaxed) || self.cut().contains(&host)
    }
}

fn accept(listener: &TcpListener, state: &Arc<State>) {
    while !state.is_over.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((near, peer)) => {
                let target = state.target.load(Ordering::Relaxed);
                let far = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], target)));
                if let (false, Ok(far)) = (state.is_cut(peer.ip()), far) {
                    hand_on(&near, &far, peer.ip(), state);
                }
            }
            Err(_) => thread::sleep(POLL),
        }
    }
}

fn hand_on(near: &TcpStream, far: &TcpStream, peer: IpAddr, state: &Arc<State>) {
    for (from, to, is_slow) in [(near, far, false), (far, near, true)] {
        let streams = from.set_nonblocking(false).and_then(|()| Ok((from.try_clone()?, to.try_clone()?)));
        let Ok((from, to)) = streams else { return };
        let state = Arc::clone(state);
        thread::spawn(move || copy(from, to, peer, is_slow, &state));
    }
}

/// Hands on in one direction until either end has enough, or the way is cut.
fn copy(mut from: TcpStream, mut to: TcpStream, peer: IpAddr, is_slow: bool, state: &State) {
    let mut buffer = vec![0; 64 * 1024];
    let _ = from.set_read_timeout(Some(POLL));
    while !state.is_cut(peer) {
        let rate = if is_slow { state.rate.load(Ordering::Relaxed) } else { 0 };
        // A hundredth of a second's worth at a time.
        let len = if rate == 0 { buffer.len() } else { (rate / 100).clamp(1, 64 * 1024) as usize };
        match from.read(&mut buffer[..len]) {
            Ok(0) => break,
            Ok(len) => {
                if let Some(micros) = (len as u64 * 1_000_000).checked_div(rate) {
                    thread::sleep(Duration::from_micros(micros));
                }
                if to.write_all(&buffer[..len]).is_err() {
                    break;
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    for stream in [from, to] {
        let _ = stream.shutdown(std::net::Shutdown::Both);
    }
}
