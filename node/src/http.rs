//! The HTTP port: the playground, and the cluster as the page follows it.
//!
//! | path            | answers                                                            |
//! |-----------------|--------------------------------------------------------------------|
//! | `/api/topology` | the cluster as this node knows it, JSON of core's `TopologyView`   |
//! | `/api/events`   | server-sent events: `topology`, the same JSON, at once and on each change |
//! | `/healthz`      | 200 while the process serves                                       |
//! | `/readyz`       | 200 once clients can be sent here; otherwise 503, and why          |
//! | everything else | the page, which is part of the program                             |
//!
//! It reads and never writes, and listens on the loopback address unless told otherwise.

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, StatusCode, Uri, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{Stream, StreamExt as _};
use rust_embed::RustEmbed;
use slotway_core::topology::Topology;
use slotway_core::topology::view::TopologyView;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;

use crate::health::Health;
use crate::log::Log;

/// What the page may load: itself, its worker and its WASM, and data of this server.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:";

/// What is shown where the page should be, in a program built without it.
const NOT_BUILT: &str = include_str!("http/not-built.html");

/// The page, as it was when the program was built.
#[derive(RustEmbed)]
#[folder = "../web/dist"]
#[allow_missing = true]
struct Page;

type Topologies = watch::Receiver<Option<Arc<Topology>>>;

/// What the paths are answered from.
#[derive(Clone)]
struct Sources {
    topologies: Topologies,
    health: Health,
}

/// Listens on `address` and serves in the background, as long as the runtime runs. Returns the address in force.
///
/// # Errors
/// The address cannot be bound.
pub(crate) async fn start(
    address: &str,
    topologies: Topologies,
    health: Health,
    log: &Log,
) -> anyhow::Result<std::net::SocketAddr> {
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("Could not listen on HTTP address {address}"))?;
    let address = listener.local_addr()?;
    log.notice(&format!("Serving the playground on http://{address}"));
    tokio::spawn(async move {
        // Accepting goes on whatever happens to a connection; it ends with the runtime.
        let _ = axum::serve(listener, routes(Sources { topologies, health })).await;
    });
    Ok(address)
}

fn routes(sources: Sources) -> Router {
    Router::new()
        .route("/api/topology", get(topology))
        .route("/api/events", get(events))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .fallback(get(page))
        .with_state(sources)
}

async fn healthz() -> &'static str {
    "ok\n"
}

async fn readyz(State(Sources { health, .. }): State<Sources>) -> Response {
    match health.ready() {
        Ok(()) => "ok\n".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

async fn topology(State(Sources { topologies, .. }): State<Sources>) -> Response {
    let topology = topologies.borrow().clone();
    match topology {
        Some(topology) => ([(header::CONTENT_TYPE, "application/json")], json(&topology)).into_response(),
        None => (StatusCode::NOT_FOUND, "this node is not in cluster mode").into_response(),
    }
}

async fn events(
    State(Sources { topologies, .. }): State<Sources>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let known = WatchStream::new(topologies).filter_map(|topology| async move { topology });
    let events = known.map(|topology| Ok(Event::default().event("topology").data(json(&topology))));
    Sse::new(events).keep_alive(KeepAlive::default())
}

fn json(topology: &Topology) -> String {
    serde_json::to_string(&TopologyView::of(topology)).expect("plain data has a JSON form")
}

async fn page(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    match Page::get(path) {
        Some(file) => {
            let policy = HeaderName::from_static("content-security-policy");
            let kind = mime_guess::from_path(path).first_or_octet_stream();
            let headers = [
                (header::CONTENT_TYPE, kind.essence_str()),
                (policy, CONTENT_SECURITY_POLICY),
                cache_of(path),
            ];
            (headers, file.data).into_response()
        }
        None if Page::iter().next().is_none() => {
            ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], NOT_BUILT).into_response()
        }
        None => (StatusCode::NOT_FOUND, "no such file").into_response(),
    }
}

/// Names under `assets/` carry a hash of their content; other files are asked for anew each time.
fn cache_of(path: &str) -> (HeaderName, &'static str) {
    let lifetime =
        if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    (header::CACHE_CONTROL, lifetime)
}
