//! Frames made up: what is emitted parses to the same.

use core::net::{Ipv4Addr, Ipv6Addr};

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::id::ShardId;

fn node_ids() -> impl Strategy<Value = NodeId> {
    any::<[u8; 20]>().prop_map(NodeId::from_random)
}

fn addresses() -> impl Strategy<Value = AddressText> {
    vec(any::<u8>(), 0..50).prop_map(|text| AddressText::truncated(&text))
}

fn slot_sets() -> impl Strategy<Value = SlotSet> {
    vec((0..16384u16).prop_map(|number| Slot::new(number).unwrap()), 0..8).prop_map(SlotSet::from_iter)
}

fn headers() -> impl Strategy<Value = Header> {
    let names = (node_ids(), proptest::option::of(node_ids()), addresses(), slot_sets());
    let numbers = (any::<[u64; 3]>(), any::<[u16; 4]>(), any::<u8>(), any::<[u8; 3]>());
    (names, numbers).prop_map(
        |((sender, primary, ip, slots), ([current, config, offset], ports, state, marks))| {
            let [port, other_port, bus_port, flags] = ports;
            Header {
                sender,
                current_epoch: Epoch::new(current),
                config_epoch: ConfigEpoch::new(config),
                offset: ReplOffset::new(offset),
                slots,
                primary,
                ip,
                port,
                other_port,
                bus_port,
                flags: NodeFlags::from_bits(flags),
                state: SenderState::from_byte(state),
                message_flags: MessageFlags::from_bytes(marks).with(MessageFlags::EXT_DATA),
            }
        },
    )
}

fn gossip() -> impl Strategy<Value = Gossip> {
    (node_ids(), addresses(), any::<[u32; 2]>(), any::<[u16; 4]>()).prop_map(|(node, ip, times, numbers)| {
        let [ping_sent, pong_received] = times.map(UnixSeconds::from_secs);
        let [port, other_port, bus_port, flags] = numbers;
        let flags = NodeFlags::from_bits(flags);
        Gossip { node, ping_sent, pong_received, ip, port, other_port, bus_port, flags }
    })
}

/// An extension that owns its texts.
#[derive(Clone, Debug)]
enum Made {
    Text(u16, std::string::String),
    Ipv4(Ipv4Addr),
    Ipv6(Ipv6Addr),
    Port(u16),
    Forgotten(NodeId, u64),
    Shard(ShardId),
    Secret(Box<[u8; 40]>),
    Unknown(u16, Vec<u8>),
}

fn extensions() -> impl Strategy<Value = Made> {
    prop_oneof![
        (0..3u16, "[^\\p{Cc}]{0,40}").prop_map(|(kind, text)| Made::Text(kind, text)),
        any::<Ipv4Addr>().prop_map(Made::Ipv4),
        any::<Ipv6Addr>().prop_map(Made::Ipv6),
        any::<u16>().prop_map(Made::Port),
        (node_ids(), 0..=FORGOTTEN_SECONDS_MAX).prop_map(|(node, seconds)| Made::Forgotten(node, seconds)),
        any::<[u8; 20]>().prop_map(|bytes| Made::Shard(ShardId::from_random(bytes))),
        vec(1..=u8::MAX, 40).prop_map(|secret| Made::Secret(Box::new(secret.try_into().unwrap()))),
        (6..0x5300_u16, vec(any::<[u8; 8]>(), 0..5))
            .prop_map(|(kind, data)| Made::Unknown(kind, data.as_flattened().to_vec())),
    ]
}

impl Made {
    fn borrowed(&self) -> Extension<'_> {
        match self {
            Self::Text(0, text) => Extension::Hostname(text),
            Self::Text(1, text) => Extension::HumanNodename(text),
            Self::Text(_, text) => Extension::ClientHostname(text),
            Self::Ipv4(ip) => Extension::ClientIpv4(*ip),
            Self::Ipv6(ip) => Extension::ClientIpv6(*ip),
            Self::Port(port) => Extension::ClientPort(*port),
            Self::Forgotten(node, ttl_seconds) => {
                Extension::ForgottenNode { node: *node, ttl_seconds: *ttl_seconds }
            }
            Self::Shard(shard) => Extension::ShardId(*shard),
            Self::Secret(secret) => Extension::InternalSecret(Secret(secret)),
            Self::Unknown(kind, data) => Extension::Unknown { kind: *kind, data },
        }
    }
}

/// Emits the frame, and says whether what came out is that frame.
fn assert_comes_back(frame: &Frame<'_>) {
    let bytes = emitted(frame);
    assert_eq!(frame_len(&bytes), Ok(Some(bytes.len())));
    assert_eq!(Frame::parse(&bytes).as_ref(), Ok(frame));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_heartbeat_comes_back(
        header in headers(),
        kind in prop_oneof![Just(HeartbeatKind::Ping), Just(HeartbeatKind::Pong), Just(HeartbeatKind::Meet)],
        told in vec(gossip(), 0..5),
        made in vec(extensions(), 0..5),
    ) {
        let (mut gossip, mut extensions) = (GossipBuf::default(), ExtensionBuf::default());
        told.iter().for_each(|entry| assert!(gossip.push(entry)));
        made.iter().for_each(|extension| assert!(extensions.push(&extension.borrowed()), "{extension:?}"));
        let (gossip, extensions) = (gossip.as_section(), extensions.as_section());
        prop_assert!(gossip.iter().eq(told));
        prop_assert!(extensions.iter().eq(made.iter().map(Made::borrowed)));
        let body = Body::Heartbeat(Heartbeat { kind, gossip, extensions });
        assert_comes_back(&Frame::Full { header: Box::new(header), body });
    }

    #[test]
    fn messages_of_fixed_length_come_back(
        header in headers(),
        named in node_ids(),
        slots in slot_sets(),
        epoch: u64,
    ) {
        let update = Update { config_epoch: ConfigEpoch::new(epoch), owner: named, slots };
        let bodies = [Body::Fail(named), Body::AuthRequest, Body::AuthAck, Body::MfStart];
        for body in bodies.into_iter().chain([Body::Update(Box::new(update))]) {
            assert_comes_back(&Frame::Full { header: Box::new(header.clone()), body });
        }
    }

    #[test]
    fn payloads_come_back_in_either_form(
        header in headers(),
        channel: Vec<u8>,
        message: Vec<u8>,
        id: [u8; 8],
        message_type: u8,
    ) {
        let publish = Publish::new(&channel, &message).unwrap();
        let module = ModuleMessage::new(id, message_type, &message).unwrap();
        for payload in [Payload::Publish(publish), Payload::PublishShard(publish), Payload::Module(module)] {
            assert_comes_back(&Frame::Full { header: Box::new(header.clone()), body: Body::Payload(payload) });
            assert_comes_back(&Frame::Light(payload));
        }
    }

    #[test]
    fn messages_of_unknown_types_come_back(header in headers(), number in 11..0x8000u16, data: Vec<u8>) {
        let body = Body::Unknown { number, data: &data };
        assert_eq!(body.kind(), None);
        assert_comes_back(&Frame::Full { header: Box::new(header), body });
    }
}

#[test]
fn extensions_are_announced_by_the_flag_even_when_the_header_has_it_not() {
    let mut extensions = ExtensionBuf::default();
    assert!(extensions.push(&Extension::Hostname("host")));
    let (gossip, extensions) = (GossipSection::default(), extensions.as_section());
    let body = Body::Heartbeat(Heartbeat { kind: HeartbeatKind::Pong, gossip, extensions });
    let plain = Header { message_flags: MessageFlags::PAUSED, ..header() };
    let bytes = emitted(&Frame::Full { header: Box::new(plain), body });
    let Frame::Full { header, body: Body::Heartbeat(heartbeat) } = Frame::parse(&bytes).unwrap() else {
        panic!("a pong is a heartbeat");
    };
    assert_eq!(header.message_flags, MessageFlags::PAUSED.with(MessageFlags::EXT_DATA));
    assert_eq!(heartbeat.extensions.len(), 1);
}

/// The one extension that a heartbeat with that record has, as text.
fn shown(kind: u16, data: &[u8]) -> std::string::String {
    let length = (8 + data.len() as u32).to_be_bytes();
    let record = [&length[..], &kind.to_be_bytes(), &[0, 0], data].concat();
    let (section, rest) = ExtensionSection::split_off(1, &record).unwrap();
    assert!(rest.is_empty());
    std::format!("{section:?}")
}

#[test]
fn a_ban_of_more_than_an_hour_is_one_of_an_hour() {
    let ban = [node(b'b').as_bytes(), &u64::MAX.to_be_bytes()[..]].concat();
    assert!(shown(2, &ban).ends_with("ttl_seconds: 3600 }]"));
}

#[test]
fn type_4_is_an_address_a_secret_or_neither_by_its_content() {
    assert_eq!(shown(4, b"10.1.2.3\0\0\0\0\0\0\0\0"), "[ClientIpv4(10.1.2.3)]");
    assert_eq!(shown(4, &[b's'; 40]), "[InternalSecret(Secret(..))]");
    assert!(shown(4, &[b's'; 48]).starts_with("[Unknown"), "not of 40 bytes");
    assert!(shown(4, b"10.1.2.3").starts_with("[Unknown"), "not terminated");
    assert!(shown(4, b"host\0\0\0\0").starts_with("[Unknown"), "not a literal");
}

#[test]
fn type_5_is_an_address_or_unknown() {
    assert_eq!(shown(5, b"::1\0\0\0\0\0"), "[ClientIpv6(::1)]");
    assert!(shown(5, &[0, 0, 27, 190, 0, 0, 0, 1]).starts_with("[Unknown"));
    assert!(shown(5, b"").starts_with("[Unknown"));
}
