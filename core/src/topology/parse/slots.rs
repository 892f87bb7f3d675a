//! CLUSTER SLOTS: `[start, end, primary, replica...]` per range, a node being `[endpoint, port, id, metadata]`.
//!
//! Redis 3 leaves out the id, and servers before 7.0 the metadata. Nodes without slots are not told, nor when any
//! answered last.

use super::cursor::Cursor;
use super::endpoint::{Told, locate};
use super::{ParseOptions, Read, built};
use crate::id::NodeId;
use crate::resp::value::Value;
use crate::topology::{Node, NodeIndex, Topology, TopologyBuilder};

/// Reads a reply of CLUSTER SLOTS.
pub(super) fn read(reply: &Value, options: &ParseOptions) -> Read<Topology> {
    let mut reader = Reader {
        queried_host: options.queried_host.as_deref(),
        builder: TopologyBuilder::new(options.version),
    };
    Cursor::root(reply).items()?.iter().try_for_each(|entry| reader.entry(entry))?;
    built(reader.builder)
}

struct Reader<'o> {
    queried_host: Option<&'o str>,
    builder: TopologyBuilder,
}

impl Reader<'_> {
    fn entry(&mut self, entry: &Cursor<'_>) -> Read<()> {
        let items = entry.items()?;
        let [start, end, primary, replicas @ ..] = items.as_slice() else {
            return Err(entry.missing("start, end or primary"));
        };
        let range = Cursor::range(start, end)?;
        let primary = self.node(primary)?;
        self.builder.own(primary, [range]);
        for replica in replicas {
            let replica = self.node(replica)?;
            self.builder.set_primary(replica, primary);
        }
        Ok(())
    }

    /// The node at `cursor`. Each range tells its nodes anew; the first telling counts.
    fn node(&mut self, cursor: &Cursor<'_>) -> Read<NodeIndex> {
        let node = self.described(cursor)?;
        Ok(self.builder.find(&node.id).unwrap_or_else(|| self.builder.node(node)))
    }

    fn described(&self, cursor: &Cursor<'_>) -> Read<Node> {
        let items = cursor.items()?;
        let [endpoint, port, rest @ ..] = items.as_slice() else {
            return Err(cursor.missing("endpoint or port"));
        };
        let (endpoint, port) = (endpoint.text_or_null()?, port.port()?);
        let id = rest.first().map_or_else(|| Ok(name_by_place(endpoint, port)), Cursor::id)?;
        let told = |name| rest.get(1).map_or(Ok(None), |metadata| metadata.field_text(name));
        let mut node = Node { port, ..Node::new(id) };
        let told = Told { endpoint, ip: told("ip")?, hostname: told("hostname")? };
        locate(&mut node, told, self.queried_host);
        Ok(node)
    }
}

/// A name for a node that has none, as Redis 3 tells them: the same for the same place (by FNV-1a, 128 bits).
fn name_by_place(endpoint: Option<&str>, port: u16) -> NodeId {
    const OFFSET_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let place = endpoint.unwrap_or_default().bytes().chain(port.to_be_bytes());
    let hash = place.fold(OFFSET_BASIS, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    let mut bytes = [0; 20];
    bytes[4..].copy_from_slice(&hash.to_be_bytes());
    NodeId::from_random(bytes)
}
