//! The HTTP port: the playground, and the cluster as the page follows it.
//!
//! | path            | answers                                                            |
//! |-----------------|--------------------------------------------------------------------|
//! | `/api/topology` | the cluster as this node knows it, JSON of core's `TopologyView`   |
//! | `/api/events`   | server-sent events: `topology`, the same JSON, at once and on each change |
//! | `/api/nodes`    | what each node holds, how far replicas are behind, what moves; JSON of `observe/report.rs` |
//! | `/api/slots`    | keys of each slot; `?of=keys,load` other columns of `observe/slots.rs` |
//! | `/healthz`      | 200 while the process serves                                       |
//! | `/metrics`      | figures for Prometheus; `?slots=50` adds the 50 busiest and 50 fullest slots |
//! | `/readyz`       | 200 once clients can be sent here; otherwise 503, and why          |
//! | everything else | the page, which is part of the program                             |
//!
//! It reads and never writes, and listens on the loopback address unless told otherwise. With `http-token` all but the health checks want it, as
//! `Authorization: Bearer`, or as the password of any user.

mod metrics;
mod page;
mod token;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::{Stream, StreamExt as _};
use slotway_core::resp::value::Value;
use slotway_core::topology::Topology;
use slotway_core::topology::view::TopologyView;
use slotway_engine::node::Node as _;
use tokio_stream::wrappers::WatchStream;

use crate::health::{Health, is_ready};
use crate::log::Log;
use crate::observe::{Column, Sight, Topologies};
use crate::shared::Shared;

/// A node that has not answered by then is told as down: a script may keep it busy.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the paths are answered from.
#[derive(Clone)]
struct Sources {
    topologies: Topologies,
    sight: Sight,
    health: Health,
    token: Arc<str>,
}

/// Listens on `address` and serves in the background, as long as the runtime runs. Returns the address in force.
///
/// # Errors
/// The address cannot be bound.
pub(crate) async fn start(
    address: &str,
    topologies: Topologies,
    sight: Sight,
    health: Health,
    token: &str,
    log: &Log,
) -> anyhow::Result<std::net::SocketAddr> {
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("Could not listen on HTTP address {address}"))?;
    let address = listener.local_addr()?;
    log.notice(&format!("Serving the playground on http://{address}"));
    let sources = Sources { topologies, sight, health, token: token.into() };
    tokio::spawn(async move {
        // Accepting goes on whatever happens to a connection; it ends with the runtime.
        let _ = axum::serve(listener, routes(sources)).await;
    });
    Ok(address)
}

fn routes(sources: Sources) -> Router {
    Router::new()
        .route("/api/topology", get(topology))
        .route("/api/events", get(events))
        .route("/api/nodes", get(nodes))
        .route("/api/slots", get(slots))
        .route("/metrics", get(metrics))
        .fallback(get(page::file))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&sources.token), token::check))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
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

/// What is asked of `/metrics`.
#[derive(serde::Deserialize)]
struct MetricsQuery {
    /// How many slots to tell of: the busiest, and as many of the fullest.
    #[serde(default)]
    slots: u16,
}

async fn metrics(
    State(Sources { health, .. }): State<Sources>,
    Query(MetricsQuery { slots }): Query<MetricsQuery>,
) -> Response {
    let mut told = Vec::new();
    for node in health.nodes() {
        let name = match health.nodes().len() {
            1 => String::new(),
            _ => format!("127.0.0.1:{}", node.config().known_port()),
        };
        let asked = tokio::time::timeout(PATIENCE, tell(node, &name, slots)).await;
        told.push(asked.ok().flatten().unwrap_or_else(|| metrics::Told::nothing(name)));
    }
    // The page of all slots is four megabytes: on a thread of its own, no client waits for it.
    let text = tokio::task::spawn_blocking(move || metrics::text(&told)).await.unwrap_or_default();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}

/// What a node says of itself; `None` if it does not, since it ends.
async fn tell(node: &Shared, name: &str, slots: u16) -> Option<metrics::Told> {
    let config = node.config();
    let is_in_cluster = config.cluster_enabled();
    let text = |value: Value| match value {
        Value::Bulk(bytes) | Value::Verbatim(_, bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        _ => String::new(),
    };
    let info = text(node.ask(&["INFO", "everything"]).await?);
    let cluster = if is_in_cluster { text(node.ask(&["CLUSTER", "INFO"]).await?) } else { String::new() };
    let slots = match slots {
        0 => Vec::new(),
        _ if !is_in_cluster => Vec::new(),
        count => {
            let mut counts = BTreeMap::new();
            for order in ["CPU-USEC", "KEY-COUNT"] {
                let count = count.to_string();
                let words = ["CLUSTER", "SLOT-STATS", "ORDERBY", order, "LIMIT", &count];
                counts.extend(slot_counts(&node.ask(&words).await?));
            }
            counts.into_iter().collect()
        }
    };
    Some(metrics::Told { node: name.to_owned(), info, cluster, slots, not_ready: is_ready(node).err() })
}

/// From the reply of CLUSTER SLOT-STATS.
fn slot_counts(reply: &Value) -> Vec<(u16, Vec<(String, u64)>)> {
    let Value::Array(slots) = reply else { return Vec::new() };
    let slot = |entry: &Value| {
        let Value::Array(parts) = entry else { return None };
        let [Value::Integer(slot), Value::Array(counts)] = parts.as_slice() else { return None };
        let pairs = counts.chunks(2).filter_map(|pair| match pair {
            [Value::Bulk(name), Value::Integer(count)] => {
                Some((String::from_utf8_lossy(name).into_owned(), u64::try_from(*count).ok()?))
            }
            _ => None,
        });
        Some((u16::try_from(*slot).ok()?, pairs.collect()))
    };
    slots.iter().filter_map(slot).collect()
}

async fn topology(State(Sources { topologies, .. }): State<Sources>) -> Response {
    let topology = topologies.borrow().clone();
    match topology {
        Some(topology) => ([(header::CONTENT_TYPE, "application/json")], json(&topology)).into_response(),
        None => not_in_cluster_mode(),
    }
}

async fn nodes(State(Sources { topologies, sight, .. }): State<Sources>) -> Response {
    if topologies.borrow().is_none() {
        return not_in_cluster_mode();
    }
    match sight.report().await {
        Some(report) => axum::Json(&*report).into_response(),
        None => not_seen(),
    }
}

/// What is asked of `/api/slots`.
#[derive(serde::Deserialize)]
struct SlotsQuery {
    /// Names of columns, with commas between them.
    #[serde(default = "keys")]
    of: String,
}

fn keys() -> String {
    "keys".into()
}

async fn slots(
    State(Sources { topologies, sight, .. }): State<Sources>,
    Query(SlotsQuery { of }): Query<SlotsQuery>,
) -> Response {
    if topologies.borrow().is_none() {
        return not_in_cluster_mode();
    }
    let columns = match Column::read(&of) {
        Ok(columns) => columns,
        Err(why) => return (StatusCode::BAD_REQUEST, why).into_response(),
    };
    let told = sight.slots(|slots| -> BTreeMap<_, _> {
        columns.into_iter().map(|(name, column)| (name, slots.column(column))).collect()
    });
    match told.await {
        Some(told) => axum::Json(told).into_response(),
        None => not_seen(),
    }
}

fn not_in_cluster_mode() -> Response {
    (StatusCode::NOT_FOUND, "this node is not in cluster mode").into_response()
}

fn not_seen() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, "the nodes have not been asked yet: try again\n").into_response()
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
