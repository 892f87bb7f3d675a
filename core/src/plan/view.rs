//! A plan as plain data for JSON and JavaScript.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Move, Plan};
use crate::topology::view::{RangeView, ranges_of};
use crate::topology::{NodeIndex, Topology};

/// A whole plan.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanView {
    /// The moves.
    pub moves: Vec<MoveView>,
    /// How many slots move.
    pub slots: usize,
}

/// Slots that go from one node to another.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MoveView {
    /// The id of the node that serves them now; null for slots that nobody serves.
    pub from: Option<String>,
    /// The id of the node that is to serve them.
    pub to: String,
    /// The slots, as ranges.
    pub ranges: Vec<RangeView>,
    /// How many slots.
    pub slots: usize,
}

impl PlanView {
    /// The plain data of `plan`, which was made for `topology`.
    pub fn of(plan: &Plan, topology: &Topology) -> Self {
        let moves = plan.moves.iter().map(|part| MoveView::of(part, topology)).collect();
        Self { moves, slots: plan.slot_count() }
    }
}

impl MoveView {
    fn of(part: &Move, topology: &Topology) -> Self {
        let id = |index: NodeIndex| String::from(topology.node(index).id);
        Self {
            from: part.from.map(id),
            to: id(part.to),
            ranges: ranges_of(&part.slots),
            slots: part.slots.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::spread;
    use super::*;
    use crate::slot_set::SlotSet;
    use crate::topology::samples::{id, three_primaries_one_replica};
    use alloc::borrow::ToOwned;
    use serde_json::json;

    #[test]
    fn the_json_of_a_plan_names_nodes_by_id() {
        let topology = three_primaries_one_replica();
        let [from, to] = [1, 3].map(|number| topology.find(&id(number)).unwrap());
        let slots: SlotSet = spread(16384)[5..7].concat().into_iter().collect();
        let plan =
            Plan { moves: [Some(from), None].map(|from| Move { from, to, slots: slots.clone() }).to_vec() };
        let to = id(3).as_str().to_owned();
        let expected = json!({"slots": 4, "moves": [
            {"from": id(1).as_str(), "to": to, "ranges": [[5, 6]], "slots": 2},
            {"from": null, "to": to, "ranges": [[5, 6]], "slots": 2},
        ]});
        assert_eq!(serde_json::to_value(PlanView::of(&plan, &topology)).unwrap(), expected);
    }
}
