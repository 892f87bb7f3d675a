//! Topologies and plans, asked with RESP3 and answered with JSON.

use serde::Serialize;
use slotway_core::id::NodeId;
use slotway_core::plan::view::PlanView;
use slotway_core::plan::{self as planning, Weights};
use slotway_core::resp::value::Value;
use slotway_core::topology::Topology;
use slotway_core::topology::parse::{self, ParseOptions};
use slotway_core::topology::view::TopologyView;
use wasm_bindgen::prelude::wasm_bindgen;

use super::json;

/// What became of a question.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Answer<T> {
    Ok(T),
    Error(Complaint),
}

/// What is wrong, and where.
#[derive(Serialize)]
struct Complaint {
    at: String,
    problem: String,
}

impl Complaint {
    fn new(at: impl Into<String>, problem: impl ToString) -> Self {
        Self { at: at.into(), problem: problem.to_string() }
    }
}

impl From<parse::ParseError> for Complaint {
    fn from(error: parse::ParseError) -> Self {
        Self::new(error.at, error.problem)
    }
}

impl<T> From<Result<T, Complaint>> for Answer<T> {
    fn from(result: Result<T, Complaint>) -> Self {
        result.map_or_else(Answer::Error, Answer::Ok)
    }
}

/// The topology that a reply of CLUSTER NODES, SLOTS or SHARDS tells, which came from `queried_host`. With `prefer_tls`, ports are those
/// for TLS where there is one.
#[wasm_bindgen]
pub fn topology(reply: &[u8], queried_host: Option<String>, prefer_tls: bool) -> String {
    json(&Answer::from(view(reply, queried_host, prefer_tls)))
}

fn view(reply: &[u8], queried_host: Option<String>, prefer_tls: bool) -> Result<TopologyView, Complaint> {
    let options = ParseOptions { queried_host, ..ParseOptions::default() };
    let topology = parse::any(&decoded(reply)?, &options)?;
    let mut view = TopologyView::of(&topology);
    for (shown, (_, node)) in view.nodes.iter_mut().zip(topology.nodes()) {
        if prefer_tls && node.tls_port != 0 {
            shown.port = node.tls_port;
        }
    }
    Ok(view)
}

/// The moves that give each primary its part by weight. The question is `[reply of CLUSTER SHARDS, id, weight, id, weight, ..]`; who has
/// slots and is not named weighs 1, who has none stays without.
#[wasm_bindgen]
pub fn plan(question: &[u8]) -> String {
    json(&Answer::from(planned(question)))
}

fn planned(question: &[u8]) -> Result<PlanView, Complaint> {
    let question = decoded(question)?;
    let Some([shards, weights @ ..]) = question.as_items() else {
        return Err(Complaint::new("plan", "the question is no array"));
    };
    let topology = parse::shards_reply(shards, &ParseOptions::default())?;
    let weights = weights_of(&topology, weights)?;
    let plan = planning::rebalance(&topology, &weights).map_err(|error| Complaint::new("weights", error))?;
    Ok(PlanView::of(&plan, &topology))
}

fn weights_of(topology: &Topology, told: &[Value]) -> Result<Weights, Complaint> {
    let (pairs, _) = told.as_chunks::<2>();
    let weight = |[id, weight]: &[Value; 2]| {
        let node = id.as_bytes().and_then(NodeId::parse).and_then(|id| topology.find(&id));
        let weight = weight.as_integer().and_then(|weight| u32::try_from(weight).ok());
        node.zip(weight)
            .ok_or_else(|| Complaint::new("weights", "expected ids of nodes, each with its weight"))
    };
    let mut weights = Weights::new();
    for pair in pairs {
        weights.extend([weight(pair)?]);
    }
    Ok(weights)
}

fn decoded(bytes: &[u8]) -> Result<Value, Complaint> {
    Value::decode(bytes).map(|(value, _)| value).map_err(|error| Complaint::new("reply", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODES: &str = "07c37dfeb235213a872192d90877d0cd55635b91 127.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-16383\n";

    fn bulk(text: &str) -> String {
        format!("${}\r\n{text}\r\n", text.len())
    }

    #[test]
    fn a_reply_becomes_the_json_of_its_view() {
        let told = topology(bulk(NODES).as_bytes(), None, false);
        assert!(told.starts_with(r#"{"ok":{"version":0,"state":"ok""#), "{told}");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let expected = r#"{"error":{"at":"line 1","problem":"the address is missing"}}"#;
        assert_eq!(
            topology(bulk("07c37dfeb235213a872192d90877d0cd55635b91").as_bytes(), None, false),
            expected
        );
        assert!(topology(b"*", None, false).starts_with(r#"{"error":{"at":"reply""#));
        assert!(plan(b"*0\r\n").starts_with(r#"{"error":{"at":"plan""#));
    }

    #[test]
    fn an_empty_primary_gets_its_part_by_weight() {
        let [a, b] = ["a", "b"].map(|letter| letter.repeat(40));
        let node = |id: &str| {
            format!(
                "%3\r\n{}{}{}{}{}:1\r\n",
                bulk("id"),
                bulk(id),
                bulk("role"),
                bulk("master"),
                bulk("port")
            )
        };
        let shard = |id: &str, slots: &str| {
            format!("%2\r\n{}{slots}{}*1\r\n{}", bulk("slots"), bulk("nodes"), node(id))
        };
        let shards = format!("*2\r\n{}{}", shard(&a, "*2\r\n:0\r\n:16383\r\n"), shard(&b, "*0\r\n"));
        let told = plan(format!("*3\r\n{shards}{}:1\r\n", bulk(&b)).as_bytes());
        let expected = format!(
            r#"{{"ok":{{"moves":[{{"from":"{a}","to":"{b}","ranges":[[8192,16383]],"slots":8192}}],"slots":8192}}}}"#
        );
        assert_eq!(told, expected);
    }
}
