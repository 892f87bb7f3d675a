//! What slots hold and cost: keys, bytes, CPU time.
//!
//! `CLUSTER SLOT-STATS` tells it at once where a server has that (Valkey 8, Slotway). Elsewhere keys are counted slot by slot, and bytes are
//! estimated from a few keys of each slot; CPU time nobody else knows.

use std::collections::BTreeMap;

use slotway_core::resp::value::Value;
use slotway_core::slot::Slot;
use slotway_core::slot_set::SlotSet;

use super::client::Client;
use super::exit::Stop;

/// Keys of a slot whose size is asked for; the others are taken to be like them.
const SAMPLE_LEN: usize = 5;

/// What is known of the slots of a node.
#[derive(Default)]
pub(super) struct Measure {
    pub(super) keys: BTreeMap<Slot, u64>,
    pub(super) bytes: BTreeMap<Slot, u64>,
    /// Microseconds. `None` where the server does not tell.
    pub(super) cpu: Option<BTreeMap<Slot, u64>>,
    /// Bytes received, and sent. `None` as above; of one node only.
    pub(super) network_in: Option<BTreeMap<Slot, u64>>,
    pub(super) network_out: Option<BTreeMap<Slot, u64>>,
    /// Bytes are not counted, but estimated.
    pub(super) is_estimate: bool,
}

impl Measure {
    /// Measures `slots` of the node that serves them.
    ///
    /// # Errors
    /// The connection ends, or the node refuses.
    pub(super) fn of(client: &mut Client, slots: &SlotSet) -> Result<Self, Stop> {
        let told = stats(client)?;
        let field = |name: &str| -> Option<BTreeMap<Slot, u64>> {
            let told = told.as_ref()?;
            slots.iter().map(|slot| Some((slot, *told.get(&slot)?.get(name)?))).collect()
        };
        let keys = match field("key-count") {
            Some(keys) => keys,
            None => count_keys(client, slots)?,
        };
        let cpu = field("cpu-usec");
        let (network_in, network_out) = (field("network-bytes-in"), field("network-bytes-out"));
        let (bytes, is_estimate) = match field("memory-bytes") {
            Some(bytes) => (bytes, false),
            None => (estimate_bytes(client, &keys)?, true),
        };
        Ok(Self { keys, bytes, cpu, network_in, network_out, is_estimate })
    }

    /// Adds what is known of another node's slots, but for the network.
    pub(super) fn add(&mut self, other: Measure) {
        let is_first = self.keys.is_empty() && self.cpu.is_none();
        self.keys.extend(other.keys);
        self.bytes.extend(other.bytes);
        self.is_estimate |= other.is_estimate;
        self.cpu = match (self.cpu.take(), other.cpu) {
            (Some(mut all), Some(cpu)) => {
                all.extend(cpu);
                Some(all)
            }
            (None, cpu) if is_first => cpu,
            (_, _) => None,
        };
    }

    /// Keys and bytes of some slots.
    pub(super) fn sums(&self, slots: &SlotSet) -> (u64, u64) {
        let sum = |of: &BTreeMap<Slot, u64>| slots.iter().filter_map(|slot| of.get(&slot)).sum();
        (sum(&self.keys), sum(&self.bytes))
    }
}

/// What is told of a slot, by name.
type Fields = BTreeMap<String, u64>;

/// What CLUSTER SLOT-STATS tells, by slot; `None` where there is no such command.
fn stats(client: &mut Client) -> Result<Option<BTreeMap<Slot, Fields>>, Stop> {
    let reply = client.ask(&["CLUSTER", "SLOT-STATS", "SLOTSRANGE", "0", "16383"])?;
    let entry = |entry: &Value| {
        let [slot, fields] = entry.as_items()? else { return None };
        let slot = Slot::new(u16::try_from(slot.as_integer()?).ok()?)?;
        let field = |(name, value): (&Value, &Value)| {
            Some((name.as_str()?.to_owned(), u64::try_from(value.as_integer()?).ok()?))
        };
        Some((slot, fields.to_pairs()?.into_iter().filter_map(field).collect()))
    };
    Ok(reply.as_items().map(|entries| entries.iter().filter_map(entry).collect()))
}

fn count_keys(client: &mut Client, slots: &SlotSet) -> Result<BTreeMap<Slot, u64>, Stop> {
    let request = |slot: Slot| vec!["CLUSTER".into(), "COUNTKEYSINSLOT".into(), slot.get().to_string()];
    let requests: Vec<Vec<String>> = slots.iter().map(request).collect();
    let replies = client.ask_all(&requests)?;
    let number =
        |reply: &Value| reply.as_integer().and_then(|number| u64::try_from(number).ok()).unwrap_or_default();
    Ok(slots.iter().zip(replies.iter().map(number)).collect())
}

fn estimate_bytes(client: &mut Client, keys: &BTreeMap<Slot, u64>) -> Result<BTreeMap<Slot, u64>, Stop> {
    let slots: Vec<Slot> = keys.iter().filter(|(_, keys)| **keys > 0).map(|(slot, _)| *slot).collect();
    let sample_len = SAMPLE_LEN.to_string();
    let request = |slot: &Slot| {
        vec!["CLUSTER".into(), "GETKEYSINSLOT".into(), slot.get().to_string(), sample_len.clone()]
    };
    let samples = client.ask_all(&slots.iter().map(request).collect::<Vec<Vec<String>>>())?;
    let keys_of = |sample: &Value| -> Vec<Vec<u8>> {
        sample
            .as_items()
            .unwrap_or_default()
            .iter()
            .filter_map(|key| key.as_bytes().map(<[u8]>::to_vec))
            .collect()
    };
    let sampled: Vec<Vec<Vec<u8>>> = samples.iter().map(keys_of).collect();
    let usage = |key: &Vec<u8>| vec![b"MEMORY".to_vec(), b"USAGE".to_vec(), key.clone()];
    let mut sizes = client.ask_all(&sampled.iter().flatten().map(usage).collect::<Vec<_>>())?.into_iter();
    let estimate = |(slot, sample): (&Slot, &Vec<Vec<u8>>)| {
        let of_sample: i64 = sizes.by_ref().take(sample.len()).filter_map(|size| size.as_integer()).sum();
        let mean = u64::try_from(of_sample).unwrap_or_default() / (sample.len() as u64).max(1);
        (*slot, mean * keys[slot])
    };
    Ok(slots.iter().zip(&sampled).map(estimate).collect())
}
