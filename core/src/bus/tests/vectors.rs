//! The frames of real servers in `core/vectors/bus`.

use std::fs;
use std::path::Path;
use std::string::{String, ToString};

use super::*;

/// A frame that a real server sent.
pub(super) struct Vector {
    /// Name of its file.
    pub(super) name: String,
    /// The frame.
    pub(super) bytes: Vec<u8>,
}

/// All of them, by name.
pub(super) fn vectors() -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/bus");
    let files = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut hex: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "hex")).collect();
    hex.sort();
    assert!(hex.len() >= 37, "vectors are missing in {}", folder.display());
    hex.into_iter().map(|path| read(&path)).collect()
}

fn read(path: &Path) -> Vector {
    let text = fs::read_to_string(path).unwrap();
    let digits = text.trim().as_bytes().chunks_exact(2);
    let byte = |pair| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16).unwrap();
    Vector {
        name: path.file_stem().unwrap().to_str().unwrap().to_string(),
        bytes: digits.map(byte).collect(),
    }
}

fn vector(name: &str) -> Vec<u8> {
    vectors().into_iter().find(|vector| vector.name == name).unwrap().bytes
}

#[test]
fn every_captured_frame_is_emitted_again_byte_for_byte() {
    for Vector { name, bytes } in vectors() {
        assert_eq!(frame_len(&bytes), Ok(Some(bytes.len())), "{name}");
        let frame = Frame::parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(emitted(&frame), bytes, "{name}");
    }
}

#[test]
fn the_values_of_every_captured_frame_make_its_bytes_again() {
    for Vector { name, bytes } in vectors() {
        if let Frame::Full { header, body: Body::Heartbeat(heartbeat) } = Frame::parse(&bytes).unwrap() {
            let (mut gossip, mut extensions) = (GossipBuf::default(), ExtensionBuf::default());
            heartbeat.gossip.iter().for_each(|entry| assert!(gossip.push(&entry)));
            heartbeat.extensions.iter().for_each(|extension| assert!(extensions.push(&extension)));
            let (gossip, extensions) = (gossip.as_section(), extensions.as_section());
            let body = Body::Heartbeat(Heartbeat { gossip, extensions, ..heartbeat });
            assert_eq!(emitted(&Frame::Full { header, body }), bytes, "{name}");
        }
    }
}

#[test]
fn the_name_of_every_vector_tells_its_kind_and_its_extensions() {
    let names = [("AUTHACK", "auth-ack"), ("AUTHREQ", "auth-req"), ("PUBSHARD", "publishshard")];
    for Vector { name, bytes } in vectors() {
        let mut parts = name.split('_');
        let written = parts.next().unwrap();
        let known = names.iter().find(|(file, _)| *file == written).map(|(_, kind)| kind.to_string());
        let frame = Frame::parse(&bytes).unwrap();
        assert_eq!(frame.kind().unwrap().name(), known.unwrap_or(written.to_lowercase()), "{name}");
        let count = match frame {
            Frame::Full { body: Body::Heartbeat(heartbeat), .. } => heartbeat.extensions.iter().count(),
            _ => 0,
        };
        let expected = name.rsplit("ext").next().unwrap();
        assert_eq!(count.to_string(), expected.replace("None", "0"), "{name}");
    }
}

#[test]
fn a_ping_of_redis_7_2_says_what_its_nodes_were() {
    let bytes = vector("PING_from7102_ext5");
    let Frame::Full { header, body: Body::Heartbeat(heartbeat) } = Frame::parse(&bytes).unwrap() else {
        panic!("a ping is a heartbeat");
    };
    assert_eq!(header.sender.as_str(), "1ac9bbccb4d8f670a83eda0c632652e08d808e90");
    assert_eq!((header.current_epoch.get(), header.config_epoch.get(), header.offset.get()), (5, 2, 0));
    assert_eq!(header.slots.to_string(), "5461-10922");
    assert_eq!((header.primary, header.state), (None, SenderState::Ok));
    assert_eq!(
        (header.ip, header.port, header.other_port, header.bus_port),
        (AddressText::EMPTY, 7102, 0, 17102)
    );
    assert_eq!(header.flags, NodeFlags::PRIMARY | NodeFlags::MYSELF);
    assert_eq!(header.message_flags, MessageFlags::EXT_DATA);

    let gossip: Vec<_> = heartbeat.gossip.iter().collect();
    assert_eq!(heartbeat.kind, HeartbeatKind::Ping);
    assert_eq!((gossip.len(), heartbeat.gossip.len()), (3, 3));
    assert_eq!(gossip[0].node.as_str(), "400e3333ecdf87b38f10b5f4e6a0cd8f9e89a854");
    assert_eq!((gossip[0].ip.as_str(), gossip[0].port, gossip[0].bus_port), (Some("127.0.0.1"), 7190, 17190));
    assert_eq!((gossip[0].ping_sent.as_secs(), gossip[0].pong_received.as_secs()), (0x6b048679, 0x6b048678));
    assert_eq!(gossip[2].flags, NodeFlags::REPLICA | NodeFlags::EXTENSIONS | NodeFlags::LIGHT_PUBLISH);

    let forgotten =
        |name: &[u8]| Extension::ForgottenNode { node: NodeId::parse(name).unwrap(), ttl_seconds: 50 };
    let shard = ShardId::parse(b"5cc33f52de6e2d3571a05b138e81b818c525c16e").unwrap();
    let expected = [
        Extension::Hostname("host2.test"),
        Extension::HumanNodename("node-two"),
        forgotten(b"05882e40c9bbea3e08e7a2816f11f1749c5eacc5"),
        forgotten(b"7dace52461560284dc4d3b3a13ec91993bc89bc9"),
        Extension::ShardId(shard),
    ];
    assert_eq!(heartbeat.extensions.iter().collect::<Vec<_>>(), expected);
}

#[test]
fn a_replica_names_its_primary_and_claims_its_slots() {
    let bytes = vector("AUTHREQ_from7104_ext0");
    let Frame::Full { header, body: Body::AuthRequest } = Frame::parse(&bytes).unwrap() else {
        panic!("a request for votes has no body");
    };
    assert_eq!(header.flags, NodeFlags::REPLICA | NodeFlags::MYSELF | NodeFlags::LIGHT_PUBLISH);
    assert!(header.primary.is_some() && !header.slots.is_empty());
    assert_eq!(header.state, SenderState::Fail);
}

#[test]
fn light_and_full_messages_carry_the_same_payload() {
    let light = vector("PUBLISH_light_fromlight_extNone");
    assert_eq!(Frame::parse(&light), Ok(Frame::Light(Payload::Publish(publish(b"chan2", b"hello-light")))));
    let full = vector("PUBSHARD_from7103_ext0");
    let Frame::Full { body: Body::Payload(payload), .. } = Frame::parse(&full).unwrap() else {
        panic!("a message to a shard's channel is a payload");
    };
    assert_eq!(payload, Payload::PublishShard(publish(b"{a}ch", b"shardmsg")));
}

#[test]
fn valkey_tells_clients_other_addresses() {
    let seen = vectors().into_iter().any(|Vector { bytes, .. }| match Frame::parse(&bytes).unwrap() {
        Frame::Full { body: Body::Heartbeat(heartbeat), .. } => heartbeat
            .extensions
            .iter()
            .any(|extension| extension == Extension::ClientIpv4([10, 1, 2, 3].into())),
        _ => false,
    });
    assert!(seen);
}
