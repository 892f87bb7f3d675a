//! Which slots to move where.

use slotway_core::plan::view::PlanView;
use slotway_core::plan::{self, Plan, PlanError};
use slotway_core::topology::view::RangeView;
use slotway_core::topology::{NodeIndex, Topology};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::input::{expected, items, range_error, type_error};
use crate::view::{self, topology_of};

/// The ranges of each of `primaries` nodes of a new cluster, as `redis-cli --cluster create` spreads them.
#[wasm_bindgen(unchecked_return_type = "SlotRange[][]")]
pub fn spread(primaries: u16) -> Result<JsValue, JsValue> {
    if primaries == 0 {
        return Err(range_error("primaries must be at least 1"));
    }
    let ranges = plan::spread(usize::from(primaries));
    let pairs = |ranges: &Vec<slotway_core::slot::SlotRange>| {
        ranges.iter().map(|range| (range.start().get(), range.end().get())).collect::<Vec<RangeView>>()
    };
    view::to_js(&ranges.iter().map(pairs).collect::<Vec<_>>())
}

/// The moves that give each primary its part by weight. `weights` are `[id, weight]` pairs; a primary with slots that is
/// not named weighs 1, an empty one stays empty.
#[wasm_bindgen(js_name = planRebalance, unchecked_return_type = "PlanView")]
pub fn plan_rebalance(
    #[wasm_bindgen(unchecked_param_type = "TopologyView")] topology: JsValue,
    #[wasm_bindgen(unchecked_param_type = "ReadonlyArray<[id: string, weight: number]>")] weights: JsValue,
) -> Result<JsValue, JsValue> {
    let topology = topology_of(&topology)?;
    let weight = |pair: JsValue| {
        let pair = items(&pair, "a weight")?;
        let [id, weight] = pair.as_slice() else {
            return Err(type_error("a weight must be an id and a number"));
        };
        let number =
            weight.as_f64().filter(|number| number.fract() == 0.0 && (0.0..=65535.0).contains(number));
        let number = number.ok_or_else(|| range_error("a weight must be a whole number from 0 to 65535"))?;
        Ok((named(&topology, id)?, number as _))
    };
    let weights = items(&weights, "weights")?.into_iter().map(weight).collect::<Result<_, _>>()?;
    told(plan::rebalance(&topology, &weights), &topology)
}

/// The moves that give the empty primaries `ids` as many slots as the others have.
#[wasm_bindgen(js_name = planAdd, unchecked_return_type = "PlanView")]
pub fn plan_add(
    #[wasm_bindgen(unchecked_param_type = "TopologyView")] topology: JsValue,
    #[wasm_bindgen(unchecked_param_type = "readonly string[]")] ids: JsValue,
) -> Result<JsValue, JsValue> {
    let topology = topology_of(&topology)?;
    told(plan::add(&topology, &all_named(&topology, &ids)?), &topology)
}

/// The moves that give the slots of the primaries `ids` to those that stay.
#[wasm_bindgen(js_name = planRemove, unchecked_return_type = "PlanView")]
pub fn plan_remove(
    #[wasm_bindgen(unchecked_param_type = "TopologyView")] topology: JsValue,
    #[wasm_bindgen(unchecked_param_type = "readonly string[]")] ids: JsValue,
) -> Result<JsValue, JsValue> {
    let topology = topology_of(&topology)?;
    told(plan::remove(&topology, &all_named(&topology, &ids)?), &topology)
}

fn told(plan: Result<Plan, PlanError>, topology: &Topology) -> Result<JsValue, JsValue> {
    let plan = plan.map_err(|error| type_error(&error.to_string()))?;
    view::to_js(&PlanView::of(&plan, topology))
}

fn all_named(topology: &Topology, ids: &JsValue) -> Result<Vec<NodeIndex>, JsValue> {
    items(ids, "ids")?.iter().map(|id| named(topology, id)).collect()
}

fn named(topology: &Topology, id: &JsValue) -> Result<NodeIndex, JsValue> {
    let text = id.as_string().ok_or_else(|| expected("a node id", "a string", id))?;
    let node = slotway_core::id::NodeId::parse(text.as_bytes()).and_then(|id| topology.find(&id));
    node.ok_or_else(|| type_error(&format!("the topology has no node {text}")))
}
