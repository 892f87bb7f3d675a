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

mod page;

use std::convert::Infallible;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{Stream, StreamExt as _};
use slotway_core::topology::Topology;
use slotway_core::topology::view::TopologyView;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;

use crate::health::Health;
use crate::log::Log;

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
        .fallback(get(page::file))
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
