//! What the two sides of a migration of slots say to each other, and what files, snapshots and replicas are told of it.
//!
//! ```text
//!   source -> target     CLUSTER SYNCSLOTS ESTABLISH SOURCE <node> NAME <job> SLOTSRANGE <first> <last> ...     answered with a line
//!                        keys, and between them CLUSTER SYNCSLOTS <message>, in both directions
//!                        CLUSTER SYNCSLOTS RESOLVE NAME <job> TARGET <node> SLOTSRANGE ...    on a connection of its own, answered with a line
//!   target -> file, its replicas    ESTABLISH as above, then CLUSTER SYNCSLOTS FINISH STATE <state> NAME <job>
//!   snapshot             the fact `slotway-slot-imports`: <job>:0-99,200 ...
//! ```

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use slotway_core::cluster::{Message, Verdict};
use slotway_core::id::{JobId, NodeId};
use slotway_core::slot::SlotRange;
use slotway_core::slot_set::SlotSet;

/// How a snapshot tells of keys that are not the node's own.
pub const FACT: &str = "slotway-slot-imports";

/// The words of one command.
pub type Words = Vec<Vec<u8>>;

/// `source` wants to give `slots` away; or, to replicas and to the file: it has begun to.
pub fn establish(job: JobId, source: NodeId, slots: &SlotSet) -> Words {
    let words = ["CLUSTER", "SYNCSLOTS", "ESTABLISH", "SOURCE", source.as_str(), "NAME", job.as_str()];
    [words.map(|word| word.as_bytes().to_vec()).to_vec(), slots_range(slots)].concat()
}

/// To replicas and to the file: an import is over.
pub fn finish(job: JobId, success: bool) -> Words {
    let state = if success { "success" } else { "failed" };
    let words = ["CLUSTER", "SYNCSLOTS", "FINISH", "STATE", state, "NAME", job.as_str()];
    words.map(|word| word.as_bytes().to_vec()).to_vec()
}

/// What has become of the job at `target`?
pub fn resolve(job: JobId, target: NodeId, slots: &SlotSet) -> Words {
    let words = ["CLUSTER", "SYNCSLOTS", "RESOLVE", "NAME", job.as_str(), "TARGET", target.as_str()];
    [words.map(|word| word.as_bytes().to_vec()).to_vec(), slots_range(slots)].concat()
}

/// What either side says once the job is established.
pub fn message(message: Message) -> Words {
    ["CLUSTER", "SYNCSLOTS", message.name()].map(|word| word.as_bytes().to_vec()).to_vec()
}

/// What a line that answers RESOLVE says.
pub fn parse_verdict(line: &str) -> Option<Verdict> {
    match line {
        "+CLAIMED" => Some(Verdict::Claimed),
        "+NEVER" => Some(Verdict::Never),
        _ => None,
    }
}

/// Imports under way, for a snapshot.
pub fn format_imports(imports: &BTreeMap<JobId, SlotSet>) -> String {
    let text = |(job, slots): (&JobId, &SlotSet)| {
        let ranges: Vec<String> = slots.ranges().map(|range| range.to_string()).collect();
        alloc::format!("{job}:{}", ranges.join(","))
    };
    imports.iter().map(text).collect::<Vec<_>>().join(" ")
}

/// Imports that a snapshot tells of. What makes no sense is left out.
pub fn parse_imports(text: &str) -> BTreeMap<JobId, SlotSet> {
    let import = |word: &str| {
        let (job, ranges) = word.split_once(':')?;
        let ranges = ranges.split(',').map(|range| SlotRange::parse(range.as_bytes()));
        Some((JobId::parse(job.as_bytes())?, ranges.collect::<Option<SlotSet>>()?))
    };
    text.split_ascii_whitespace().filter_map(import).collect()
}

/// SLOTSRANGE and the ranges.
fn slots_range(slots: &SlotSet) -> Words {
    let mut words = Vec::from([b"SLOTSRANGE".to_vec()]);
    for range in slots.ranges() {
        words.extend([range.start().to_string().into_bytes(), range.end().to_string().into_bytes()]);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use slotway_core::slot::Slot;

    fn slots(numbers: &[u16]) -> SlotSet {
        numbers.iter().filter_map(|number| Slot::new(*number)).collect()
    }

    #[test]
    fn imports_are_read_as_they_were_written_and_nonsense_is_left_out() {
        let [one, other] = [1, 2].map(|byte| JobId::from_random([byte; 20]));
        let imports = BTreeMap::from([(one, slots(&[0, 1, 2, 9])), (other, slots(&[16383]))]);
        let text = format_imports(&imports);
        assert_eq!(text, alloc::format!("{one}:0-2,9 {other}:16383"));
        assert_eq!(parse_imports(&text), imports);
        assert_eq!(parse_imports(&alloc::format!("nonsense {one}:0-99999 {other}:16383")).len(), 1);
        assert!(parse_imports("").is_empty());
    }

    #[test]
    fn slots_are_told_as_ranges() {
        let (job, node) = (JobId::from_random([1; 20]), NodeId::from_random([2; 20]));
        let words = establish(job, node, &slots(&[5, 6, 8]));
        let tail: Vec<&str> = words[7..].iter().map(|word| core::str::from_utf8(word).unwrap()).collect();
        assert_eq!(tail, ["SLOTSRANGE", "5", "6", "8", "8"]);
    }
}
