//! The simulator, for a worker of the page: clusters in virtual time.
//!
//! The same seed makes the same world here as natively, event for event: a test compares the hashes of traces.

use serde::Serialize;
use slotway_sim::control;
use slotway_sim::control::world::Flight;
use slotway_sim::control::world::stage::{Act, Play, Stage, View};
use slotway_sim::timeline::Time;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

/// Nodes of one simulated cluster at most.
const NODES_MAX: usize = 200;
/// A run is no longer than this, in milliseconds: a day.
const RUN_MS_MAX: f64 = 86_400_000.0;
/// Frames that one [`Simulation::frame`] shows at most, the latest.
const FLIGHTS_MAX: usize = 400;

/// A cluster that a page directs.
#[wasm_bindgen]
pub struct Simulation {
    stage: Stage,
}

#[wasm_bindgen]
impl Simulation {
    /// A cluster in which nothing goes wrong by itself. An error if it would have too many nodes, or none.
    pub fn cluster(
        seed: u64,
        primaries: usize,
        replicas: usize,
        node_timeout_ms: u32,
        begins_colliding: bool,
    ) -> Result<Simulation, JsError> {
        let nodes = replicas.checked_add(1).and_then(|copies| primaries.checked_mul(copies));
        if !nodes.is_some_and(|nodes| (1..=NODES_MAX).contains(&nodes)) || node_timeout_ms < 100 {
            return Err(JsError::new(
                "a simulated cluster has 1 to 200 nodes, and a node timeout of at least 100 ms",
            ));
        }
        let node_timeout_ms = node_timeout_ms.into();
        let play = Play::Cluster { seed, primaries, replicas, node_timeout_ms, begins_colliding };
        Ok(Self { stage: Stage::new(play) })
    }

    /// The world of control planes of a seed of the test suite.
    pub fn storm(seed: u64) -> Simulation {
        Self { stage: Stage::new(Play::Storm(seed)) }
    }

    /// Plays on to so many milliseconds from the beginning.
    #[wasm_bindgen(js_name = runUntil)]
    pub fn run_until(&mut self, ms: f64) {
        self.stage.run_until(Time::from_us((ms.clamp(0.0, RUN_MS_MAX) * 1000.0) as u64));
    }

    /// Does what `words` say, now; false if it makes no sense now. An error if they are no act.
    pub fn act(&mut self, words: &str) -> Result<bool, JsError> {
        let act = Act::parse(words).ok_or_else(|| JsError::new(&format!("`{words}` is no act")))?;
        Ok(self.stage.act(&act))
    }

    /// What a node answers to a command that changes nothing.
    pub fn ask(&self, node: usize, command: &str) -> String {
        self.stage.ask(node, command)
    }

    /// The world as it is, and what has happened since the last time, as JSON.
    pub fn frame(&mut self) -> String {
        let flights = self.stage.take_flights();
        let latest = &flights[flights.len().saturating_sub(FLIGHTS_MAX)..];
        let frame = Frame {
            view: self.stage.view(),
            lines: self.stage.take_lines(),
            flights: latest.iter().map(flight).collect(),
        };
        serde_json::to_string(&frame)
            .expect("views are objects with text for names, which JSON can always hold")
    }
}

#[derive(Serialize)]
struct Frame {
    view: View,
    lines: Vec<String>,
    flights: Vec<(usize, usize, &'static str, f64, f64)>,
}

fn flight(flight: &Flight) -> (usize, usize, &'static str, f64, f64) {
    let ms = |time: Time| time.as_us() as f64 / 1000.0;
    (flight.from, flight.to, flight.kind, ms(flight.sent), ms(flight.arrives))
}

/// Runs the world of control planes of `seed` to its end; the hash of all that happened, as 16 hexadecimal digits. `replay --hashes` of the
/// simulator prints the same.
#[wasm_bindgen(js_name = controlTraceHash)]
pub fn control_trace_hash(seed: u64) -> String {
    hex(control::run(seed).trace.hash())
}

/// The same for the world of whole nodes.
#[cfg(feature = "whole-simulator")]
#[wasm_bindgen(js_name = wholeTraceHash)]
pub fn whole_trace_hash(seed: u64) -> String {
    hex(slotway_sim::run(seed).trace.hash())
}

/// What happens in it, a line each: where two builds part, if they do.
#[cfg(feature = "whole-simulator")]
#[wasm_bindgen(js_name = wholeTrace)]
pub fn whole_trace(seed: u64) -> String {
    slotway_sim::replay(seed).trace.text().into()
}

fn hex(hash: u64) -> String {
    format!("{hash:016x}")
}
