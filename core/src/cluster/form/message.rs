//! What free nodes say to each other: the bytes inside MODULE frames.
//!
//! ```text
//!   offer   primaries:2 replicas:2 promised:8 agreed-base:8 agreed-leader:40 zone-length:1 zone     base 0: agrees to nothing
//!   plan    primaries:2 replicas:2 base:8 leader:40 member:40 ...                as many members as the shape has nodes
//! ```
//!
//! Numbers are big endian, as everywhere on the bus; names are their 40 digits; a zone is text.

use alloc::string::String;
use alloc::vec::Vec;

use super::Shape;
use crate::bus::ModuleMessage;
use crate::id::{ID_LEN, NodeId};

/// Most bytes of a zone: its length is one byte.
const ZONE_LEN_MAX: usize = 255;
/// The type of an [`Offer`].
pub(super) const OFFER: u8 = 1;
/// The type of a [`Plan`].
pub(super) const PLAN: u8 = 2;

/// A node says that it has no place yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Offer {
    /// The cluster it was told to form.
    pub(super) shape: Shape,
    /// The greatest epoch that it has heard of, plans included.
    pub(super) promised: u64,
    /// The plan that it has agreed to.
    pub(super) agreed: Option<PlanName>,
    /// Its `availability-zone`; empty when its address alone says where it is.
    pub(super) zone: String,
}

/// Which plan: no leader makes two with the same first epoch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct PlanName {
    leader: NodeId,
    base: u64,
}

/// Who is to be what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Plan {
    /// Who made it.
    pub(super) leader: NodeId,
    /// How large the cluster is.
    pub(super) shape: Shape,
    /// The config epoch of the first primary; the others have those that follow. Above 0.
    pub(super) base: u64,
    /// The primaries in the order of their slots, then a replica of each, then another of each ...
    pub(super) members: Vec<NodeId>,
}

impl Plan {
    /// What it is called in offers.
    pub(super) fn name(&self) -> PlanName {
        PlanName { leader: self.leader, base: self.base }
    }

    /// The config epoch of the last primary.
    pub(super) fn last_epoch(&self) -> u64 {
        self.base.saturating_add(u64::from(self.shape.primaries) - 1)
    }
}

/// Any of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Message {
    Offer(Offer),
    Plan(Plan),
}

impl Message {
    /// The bytes of it.
    pub(super) fn encoded(&self) -> Vec<u8> {
        let mut out = Vec::new();
        match self {
            Message::Offer(Offer { shape, promised, agreed, zone }) => {
                put_shape(&mut out, *shape);
                out.extend_from_slice(&promised.to_be_bytes());
                out.extend_from_slice(&agreed.map_or(0, |agreed| agreed.base).to_be_bytes());
                out.extend_from_slice(&agreed.map_or([b'0'; ID_LEN], |agreed| *agreed.leader.as_bytes()));
                let zone = &zone.as_bytes()[..zone.floor_char_boundary(ZONE_LEN_MAX)];
                out.push(zone.len() as u8);
                out.extend_from_slice(zone);
            }
            Message::Plan(Plan { leader, shape, base, members }) => {
                put_shape(&mut out, *shape);
                out.extend_from_slice(&base.to_be_bytes());
                out.extend_from_slice(leader.as_bytes());
                members.iter().for_each(|member| out.extend_from_slice(member.as_bytes()));
            }
        }
        out
    }

    /// Reads it; `None` if it is not ours, or not whole.
    pub(super) fn parse(module: ModuleMessage<'_>) -> Option<Self> {
        match module.message_type() {
            OFFER => offer(module.data()).map(Message::Offer),
            PLAN => plan(module.data()).map(Message::Plan),
            _ => None,
        }
    }
}

fn put_shape(out: &mut Vec<u8>, shape: Shape) {
    out.extend_from_slice(&shape.primaries.to_be_bytes());
    out.extend_from_slice(&shape.replicas.to_be_bytes());
}

fn offer(mut data: &[u8]) -> Option<Offer> {
    let shape = shape(&mut data)?;
    let promised = number(&mut data)?;
    let base = number(&mut data)?;
    let leader = name(&mut data)?;
    let agreed = (base > 0).then_some(PlanName { leader, base });
    let [len] = *take(&mut data)?;
    let zone = core::str::from_utf8(data).ok().filter(|zone| zone.len() == usize::from(len))?;
    Some(Offer { shape, promised, agreed, zone: zone.into() })
}

fn plan(mut data: &[u8]) -> Option<Plan> {
    let shape = shape(&mut data)?;
    let base = number(&mut data).filter(|base| *base > 0)?;
    let leader = name(&mut data)?;
    let (members, rest) = data.as_chunks::<ID_LEN>();
    let members: Vec<NodeId> = members.iter().map(|id| NodeId::parse(id)).collect::<Option<_>>()?;
    let is_whole = rest.is_empty() && shape.nodes() > 0 && members.len() == shape.nodes();
    is_whole.then_some(Plan { leader, shape, base, members })
}

fn shape(data: &mut &[u8]) -> Option<Shape> {
    let [a, b, c, d] = *take(data)?;
    Some(Shape { primaries: u16::from_be_bytes([a, b]), replicas: u16::from_be_bytes([c, d]) })
}

fn number(data: &mut &[u8]) -> Option<u64> {
    take(data).map(|bytes| u64::from_be_bytes(*bytes))
}

fn name(data: &mut &[u8]) -> Option<NodeId> {
    take::<ID_LEN>(data).and_then(|bytes| NodeId::parse(bytes))
}

fn take<'a, const N: usize>(data: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (head, rest) = data.split_first_chunk()?;
    *data = rest;
    Some(head)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::talk::MODULE_ID;
    use alloc::vec;

    const SHAPE: Shape = Shape { primaries: 2, replicas: 0 };

    fn id(byte: u8) -> NodeId {
        NodeId::from_random([byte; 20])
    }

    fn there_and_back(kind: u8, message: &Message) -> Option<Message> {
        let bytes = message.encoded();
        for len in 0..bytes.len() {
            let cut = ModuleMessage::new(MODULE_ID, kind, &bytes[..len]).unwrap();
            assert_eq!(Message::parse(cut), None, "{len} bytes of {}", bytes.len());
        }
        Message::parse(ModuleMessage::new(MODULE_ID, kind, &bytes).unwrap())
    }

    #[test]
    fn messages_are_read_as_they_were_written_and_only_whole() {
        let plan = Plan { leader: id(1), shape: SHAPE, base: 7, members: vec![id(1), id(2)] };
        let agreed = Some(plan.name());
        let messages = [
            (OFFER, Message::Offer(Offer { shape: SHAPE, promised: 3, agreed: None, zone: String::new() })),
            (OFFER, Message::Offer(Offer { shape: SHAPE, promised: 8, agreed, zone: "eu-1a".into() })),
            (PLAN, Message::Plan(plan)),
        ];
        for (kind, message) in messages {
            assert_eq!(there_and_back(kind, &message), Some(message));
        }
    }
}
