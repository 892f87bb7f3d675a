//! Plans: moves by weight, as JSON.

use alloc::vec::Vec;

use slotway_core::id::NodeId;
use slotway_core::plan::{self, Move, Plan, Weights};
use slotway_core::resp::value::Value;
use slotway_core::topology::Topology;
use slotway_core::topology::parse::{self, ParseOptions};

use crate::json::{Complaint, Json, answer};
use crate::topology::decoded;

/// The moves that give each primary its part by weight. The question is `[reply of CLUSTER SHARDS, id, weight, id, weight, ..]`; who has
/// slots and is not named weighs 1, who has none stays without.
///
/// `[{"from": index, "to": index, "ranges": [[start, end], ..]}, ..]`, where an index is a node's place in the question, and is left out for
/// slots that nobody serves.
pub(crate) fn told(question: &[u8]) -> Vec<u8> {
    answer(planned(question), |json, plan| {
        json.array(|json| plan.moves.iter().for_each(|part| write(json.item(), part)))
    })
}

fn planned(question: &[u8]) -> Result<Plan, Complaint> {
    let question = decoded(question)?;
    let Some([shards, weights @ ..]) = question.as_items() else {
        return Err(Complaint::new("plan", "the question is no array"));
    };
    let topology = parse::shards_reply(shards, &ParseOptions::default())?;
    let weights = weights_of(&topology, weights)?;
    plan::rebalance(&topology, &weights).map_err(|error| Complaint::new("weights", error))
}

fn weights_of(topology: &Topology, told: &[Value]) -> Result<Weights, Complaint> {
    let (pairs, _) = told.as_chunks::<2>();
    let mut weights = Weights::new();
    for [id, weight] in pairs {
        let node = id.as_bytes().and_then(NodeId::parse).and_then(|id| topology.find(&id));
        let weight = weight.as_integer().and_then(|weight| u32::try_from(weight).ok());
        let pair = node.zip(weight);
        weights.extend([
            pair.ok_or_else(|| Complaint::new("weights", "expected ids of nodes, each with its weight"))?
        ]);
    }
    Ok(weights)
}

fn write(json: &mut Json, part: &Move) {
    json.object(|json| {
        if let Some(from) = part.from {
            json.field("from").number(from.index() as u64);
        }
        json.field("to").number(part.to.index() as u64);
        json.field("ranges").array(|json| {
            for range in part.slots.ranges() {
                json.item().array(|json| {
                    json.item().number(range.start().get().into());
                    json.item().number(range.end().get().into());
                });
            }
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;

    fn bulk(text: &str) -> String {
        format!("${}\r\n{text}\r\n", text.len())
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
        let answer = told(format!("*3\r\n{shards}{}:1\r\n", bulk(&b)).as_bytes());
        assert_eq!(answer, br#"{"ok":[{"from":0,"to":1,"ranges":[[8192,16383]]}]}"#);
        let wrong = told(format!("*3\r\n{shards}{}:1\r\n", bulk("c")).as_bytes());
        assert_eq!(
            wrong,
            br#"{"error":{"at":"weights","problem":"expected ids of nodes, each with its weight"}}"#
        );
    }

    #[test]
    fn a_question_that_is_none_is_refused() {
        assert!(told(b"*0\r\n").starts_with(br#"{"error":{"at":"plan""#));
        assert!(told(b"*").starts_with(br#"{"error":{"at":"reply""#));
    }
}
