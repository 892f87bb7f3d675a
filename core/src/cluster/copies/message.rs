//! What the copies of a shard say to each other: the bytes inside MODULE frames.
//!
//! ```text
//!   canvass   epoch:8 term:8 offset:8     promise me to acknowledge to no primary before this epoch; so far is my data
//!   promise   epoch:8                     done, and on disk
//!   ask       epoch:8                     do you still stand for this epoch? I am bound by it
//!   release   epoch:8                     no, and I have not won: what you promised holds no longer
//!   yield     how:1                       take over from me: 0 with all my data, 1 though I am not to be asked, having none
//! ```
//!
//! Numbers are big endian, as everywhere on the bus.

use alloc::vec::Vec;

use crate::bus::ModuleMessage;
use crate::epoch::{ConfigEpoch, Epoch, ReplOffset};
use crate::replication::quorum::Standing;

const CANVASS: u8 = 3;
const PROMISE: u8 = 4;
const ASK: u8 = 5;
const RELEASE: u8 = 6;
const YIELD: u8 = 7;

/// How a primary wants to be followed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Manner {
    /// With all of its data: it stops writes meanwhile.
    Orderly,
    /// At once: it has no data.
    Empty,
}

/// Any of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Message {
    Canvass { epoch: Epoch, standing: Standing },
    Promise(Epoch),
    Ask(Epoch),
    Release(Epoch),
    Yield(Manner),
}

impl Message {
    /// The number of its type.
    pub(super) fn kind(&self) -> u8 {
        match self {
            Message::Canvass { .. } => CANVASS,
            Message::Promise(_) => PROMISE,
            Message::Ask(_) => ASK,
            Message::Release(_) => RELEASE,
            Message::Yield(_) => YIELD,
        }
    }

    /// The bytes of it.
    pub(super) fn encoded(&self) -> Vec<u8> {
        match self {
            Message::Canvass { epoch, standing: Standing { term, offset } } => {
                [epoch.get(), term.get(), offset.get()]
                    .iter()
                    .flat_map(|number| number.to_be_bytes())
                    .collect()
            }
            Message::Promise(epoch) | Message::Ask(epoch) | Message::Release(epoch) => {
                epoch.get().to_be_bytes().into()
            }
            Message::Yield(manner) => Vec::from([u8::from(*manner == Manner::Empty)]),
        }
    }

    /// Reads it; `None` if it is another message, or not whole.
    pub(super) fn parse(module: ModuleMessage<'_>) -> Option<Self> {
        let data = module.data();
        let epoch = || Some(Epoch::new(u64::from_be_bytes(data.try_into().ok()?)));
        match module.message_type() {
            CANVASS => canvass(data),
            PROMISE => epoch().map(Message::Promise),
            ASK => epoch().map(Message::Ask),
            RELEASE => epoch().map(Message::Release),
            YIELD => match data {
                [0] => Some(Message::Yield(Manner::Orderly)),
                [1] => Some(Message::Yield(Manner::Empty)),
                _ => None,
            },
            _ => None,
        }
    }
}

fn canvass(data: &[u8]) -> Option<Message> {
    let (numbers, []) = data.as_chunks::<8>() else { return None };
    let [epoch, term, offset] = numbers else { return None };
    let [epoch, term, offset] = [epoch, term, offset].map(|number| u64::from_be_bytes(*number));
    let standing = Standing { term: ConfigEpoch::new(term), offset: ReplOffset::new(offset) };
    Some(Message::Canvass { epoch: Epoch::new(epoch), standing })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::talk::MODULE_ID;

    #[test]
    fn messages_are_read_as_they_were_written_and_only_whole() {
        let standing = Standing { term: ConfigEpoch::new(2), offset: ReplOffset::new(3) };
        for message in [
            Message::Canvass { epoch: Epoch::new(1), standing },
            Message::Promise(Epoch::new(4)),
            Message::Ask(Epoch::new(5)),
            Message::Release(Epoch::new(6)),
            Message::Yield(Manner::Orderly),
            Message::Yield(Manner::Empty),
        ] {
            let bytes = message.encoded();
            let read = |bytes| Message::parse(ModuleMessage::new(MODULE_ID, message.kind(), bytes).unwrap());
            assert_eq!(read(&bytes), Some(message));
            assert!((0..bytes.len()).all(|len| read(&bytes[..len]).is_none()), "{message:?}");
        }
    }
}
