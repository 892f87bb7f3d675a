//! What is refused, each for its reason.

use super::*;

/// Bytes of a heartbeat with one entry of gossip and one hostname.
fn ping() -> Vec<u8> {
    let (mut gossip, mut extensions) = (GossipBuf::default(), ExtensionBuf::default());
    assert!(gossip.push(&entry()));
    assert!(extensions.push(&Extension::Hostname("host")));
    let (gossip, extensions) = (gossip.as_section(), extensions.as_section());
    emitted(&full(Body::Heartbeat(Heartbeat { kind: HeartbeatKind::Ping, gossip, extensions })))
}

/// Bytes of a heartbeat whose only extension is of that type, with those data and a right length.
fn ping_with(kind: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = emitted(&full(Body::Heartbeat(Heartbeat {
        kind: HeartbeatKind::Ping,
        gossip: GossipSection::default(),
        extensions: ExtensionSection::default(),
    })));
    bytes[EXTENSION_COUNT_AT + 1] = 1;
    bytes.extend_from_slice(&(8 + data.len() as u32).to_be_bytes());
    bytes.extend_from_slice(&kind.to_be_bytes());
    bytes.extend_from_slice(&[0, 0]);
    bytes.extend_from_slice(data);
    with_length(bytes)
}

const TYPE_AT: usize = 12;
const GOSSIP_COUNT_AT: usize = 14;
const SENDER_AT: usize = 40;
const PRIMARY_AT: usize = 2128;
const EXTENSION_COUNT_AT: usize = 2214;
const MESSAGE_FLAGS_AT: usize = 2253;
/// Where the extension of `ping` begins.
const EXTENSION_AT: usize = HEADER_LEN + GOSSIP_LEN;

/// The bytes, with the length of the frame set right.
fn with_length(mut bytes: Vec<u8>) -> Vec<u8> {
    let length = bytes.len() as u32;
    bytes[4..8].copy_from_slice(&length.to_be_bytes());
    bytes
}

/// The bytes, with those at `at` replaced.
fn with(mut bytes: Vec<u8>, at: usize, replacement: &[u8]) -> Vec<u8> {
    bytes[at..at + replacement.len()].copy_from_slice(replacement);
    bytes
}

/// Asserts that the frame is dropped for that reason, and the connection kept.
fn assert_dropped(bytes: &[u8], reason: FrameError) {
    assert_eq!(frame_len(bytes), Ok(Some(bytes.len())), "the reader goes on behind it");
    assert_eq!(Frame::parse(bytes), Err(reason));
    assert!(!reason.closes_link(), "{reason}");
}

/// Asserts that the connection is closed for that reason, as soon as the first bytes are there.
fn assert_closed(bytes: &[u8], reason: FrameError) {
    assert_eq!(frame_len(&bytes[..PREAMBLE_LEN]), Err(reason));
    assert_eq!(Frame::parse(bytes), Err(reason));
    assert!(reason.closes_link(), "{reason}");
}

#[test]
fn another_signature_closes_the_connection_at_its_first_wrong_byte() {
    assert_closed(&with(ping(), 3, b"x"), FrameError::Signature);
    assert_eq!(frame_len(b""), Ok(None));
    assert_eq!(frame_len(b"RCm"), Ok(None));
    assert_eq!(frame_len(b"RD"), Err(FrameError::Signature));
    assert_eq!(frame_len(b"*1\r\n$4\r\nPING\r\n"), Err(FrameError::Signature));
}

#[test]
fn a_length_shorter_than_the_header_closes_the_connection() {
    for claimed in [0, 15, 16, HEADER_LEN as u32 - 1] {
        assert_closed(&with(ping(), 4, &claimed.to_be_bytes()), FrameError::TooShort { claimed });
    }
    let light = emitted(&Frame::Light(Payload::Publish(publish(b"c", b"m"))));
    assert_closed(&with(light, 4, &15u32.to_be_bytes()), FrameError::TooShort { claimed: 15 });
}

#[test]
fn a_length_past_the_limit_of_its_type_closes_the_connection() {
    let limit = |number: u16, len_max: usize| {
        let of_length =
            |claimed: u32| with(with(ping(), 4, &claimed.to_be_bytes()), TYPE_AT, &number.to_be_bytes());
        let len_max = len_max as u32;
        assert_eq!(frame_len(&of_length(len_max)), Ok(Some(len_max as usize)), "type {number}");
        assert_closed(&of_length(len_max + 1), FrameError::TooLong { claimed: len_max + 1 });
        assert_closed(&of_length(u32::MAX), FrameError::TooLong { claimed: u32::MAX });
    };
    for number in [0, 1, 2, 3, 5, 6, 7, 8, 11, 0x7fff, 0x8000, 0x800b] {
        limit(number, HEARTBEAT_LEN_MAX);
    }
    for number in [4, 9, 10] {
        limit(number, FRAME_LEN_MAX);
        limit(number | 0x8000, PREAMBLE_LEN + DATA_LEN_MAX);
    }
}

#[test]
fn bytes_that_are_not_one_frame_are_a_mistake_of_whoever_cut_them() {
    let mut bytes = ping();
    bytes.push(0);
    assert_eq!(Frame::parse(&bytes), Err(FrameError::Cut));
    bytes.truncate(bytes.len() - 2);
    assert_eq!(Frame::parse(&bytes), Err(FrameError::Cut));
    assert_eq!(Frame::parse(b""), Err(FrameError::Cut));
    assert!(FrameError::Cut.closes_link());
}

#[test]
fn another_version_is_dropped() {
    for version in [0u16, 2, 0x0100] {
        assert_dropped(&with(ping(), 8, &version.to_be_bytes()), FrameError::Version(version));
    }
}

#[test]
fn only_payloads_are_light() {
    let light = emitted(&Frame::Light(Payload::Publish(publish(b"c", b"m"))));
    for number in (0..12).filter(|number| ![4, 9, 10].contains(number)) {
        assert_dropped(&with(light.clone(), TYPE_AT, &[0x80, number]), FrameError::LightType(number.into()));
    }
}

#[test]
fn a_message_of_fixed_length_is_dropped_when_longer_or_shorter() {
    let update = Update { config_epoch: ConfigEpoch::new(1), owner: node(b'b'), slots: SlotSet::FULL };
    let bodies = [Body::Fail(node(b'b')), Body::AuthRequest, Body::AuthAck, Body::MfStart];
    for body in bodies.into_iter().chain([Body::Update(Box::new(update))]) {
        let mismatch = FrameError::LengthMismatch(body.kind().unwrap());
        let mut bytes = emitted(&full(body));
        let shorter = with_length(bytes[..bytes.len() - 1].to_vec());
        if bytes.len() > HEADER_LEN {
            assert_dropped(&shorter, mismatch);
        }
        bytes.push(0);
        assert_dropped(&with_length(bytes), mismatch);
    }
}

#[test]
fn a_payload_is_dropped_when_its_lengths_do_not_add_up() {
    let module = ModuleMessage::new(*b"moduleid", 1, b"data").unwrap();
    let payloads = [
        (Payload::Publish(publish(b"chan", b"text")), 0),
        (Payload::PublishShard(publish(b"chan", b"text")), 4),
        (Payload::Module(module), 8),
    ];
    for (payload, length_at) in payloads {
        let mismatch = FrameError::LengthMismatch(payload.kind());
        for (bytes, data_at) in [
            (emitted(&full(Body::Payload(payload))), HEADER_LEN),
            (emitted(&Frame::Light(payload)), PREAMBLE_LEN),
        ] {
            let at = data_at + length_at;
            for claimed in [0, 3, 5, 1 << 20, u32::MAX, u32::MAX - 3] {
                assert_dropped(&with(bytes.clone(), at, &claimed.to_be_bytes()), mismatch);
            }
            assert_dropped(&with_length(bytes[..data_at + 7].to_vec()), mismatch);
        }
    }
}

#[test]
fn two_lengths_that_overflow_to_the_right_sum_are_dropped() {
    let bytes = emitted(&full(Body::Payload(Payload::Publish(publish(b"chan", b"text")))));
    let bytes = with(with(bytes, HEADER_LEN, &u32::MAX.to_be_bytes()), HEADER_LEN + 4, &9u32.to_be_bytes());
    assert_dropped(&bytes, FrameError::LengthMismatch(MessageKind::Publish));
}

#[test]
fn a_heartbeat_is_dropped_when_its_parts_do_not_fill_it() {
    let mismatch = FrameError::LengthMismatch(MessageKind::Ping);
    assert_dropped(&with(ping(), GOSSIP_COUNT_AT, &[0xff, 0xff]), mismatch);
    assert_dropped(&with(ping(), EXTENSION_COUNT_AT, &[0, 0]), mismatch);
    assert_dropped(&with(ping(), MESSAGE_FLAGS_AT, &[0]), mismatch);
    let mut longer = ping();
    longer.extend_from_slice(&[0; 8]);
    assert_dropped(&with_length(longer), mismatch);
}

#[test]
fn names_are_names_wherever_they_stand() {
    let fail = emitted(&full(Body::Fail(node(b'b'))));
    let update = Update { config_epoch: ConfigEpoch::new(1), owner: node(b'b'), slots: SlotSet::FULL };
    let update = emitted(&full(Body::Update(Box::new(update))));
    for byte in [b"A", b"-", b"\0", b"\xff"] {
        assert_dropped(&with(ping(), SENDER_AT + 39, byte), FrameError::SenderId);
        assert_dropped(&with(ping(), HEADER_LEN, byte), FrameError::GossipId);
        assert_dropped(&with(fail.clone(), HEADER_LEN, byte), FrameError::FailedId);
        assert_dropped(&with(update.clone(), HEADER_LEN + 8, byte), FrameError::OwnerId);
    }
    assert_dropped(&with(ping(), PRIMARY_AT + 39, b"a"), FrameError::PrimaryId);
}

#[test]
fn extensions_are_as_many_as_the_header_counts() {
    assert_dropped(&with(ping(), EXTENSION_COUNT_AT, &[0, 2]), FrameError::ExtensionMissing);
    assert_dropped(&with(ping(), EXTENSION_COUNT_AT, &[0xff, 0xff]), FrameError::ExtensionMissing);
}

#[test]
fn the_length_of_an_extension_is_a_multiple_of_8_within_the_frame() {
    for claimed in [0, 4, 7, 9, 15, 24, 0x0001_0000, 0x0001_0010, 0xffff_fff8] {
        let bytes = with(ping(), EXTENSION_AT, &u32::to_be_bytes(claimed));
        assert_dropped(&bytes, FrameError::ExtensionLength { kind: 0, claimed });
    }
    let empty = with_length(with(ping(), EXTENSION_AT, &8u32.to_be_bytes())[..EXTENSION_AT + 8].to_vec());
    assert_dropped(&empty, FrameError::ExtensionUnterminated { kind: 0 });
}

#[test]
fn extensions_of_fixed_size_have_it() {
    for len in [0, 8, 40, 56] {
        assert_dropped(&ping_with(2, &[b'a'; 64][..len]), FrameError::ExtensionSize { kind: 2 });
    }
    for len in [0, 8, 32, 48] {
        assert_dropped(&ping_with(3, &[b'a'; 64][..len]), FrameError::ExtensionSize { kind: 3 });
    }
}

#[test]
fn names_in_extensions_are_names() {
    assert_dropped(&ping_with(2, &[0; 48]), FrameError::ExtensionId { kind: 2 });
    assert_dropped(&ping_with(3, &[b'A'; 40]), FrameError::ExtensionId { kind: 3 });
}

#[test]
fn texts_in_extensions_end_and_can_be_printed() {
    for kind in [0, 1] {
        assert_dropped(&ping_with(kind, b"12345678"), FrameError::ExtensionUnterminated { kind });
        assert_dropped(&ping_with(kind, b"\xff\0\0\0\0\0\0\0"), FrameError::ExtensionText { kind });
        assert_dropped(&ping_with(kind, b"a\nb\0\0\0\0\0"), FrameError::ExtensionText { kind });
    }
}

#[test]
fn an_epoch_far_ahead_is_refused() {
    let current = Epoch::new(5);
    let of = |current_epoch, config_epoch| Frame::Full {
        header: Box::new(Header {
            current_epoch: Epoch::new(current_epoch),
            config_epoch: ConfigEpoch::new(config_epoch),
            ..header()
        }),
        body: Body::AuthRequest,
    };
    let (near, far) = (5 + EPOCH_JUMP_MAX, 6 + EPOCH_JUMP_MAX);
    assert_eq!(of(near, near).check_epochs(current), Ok(()));
    assert_eq!(of(far, 0).check_epochs(current), Err(FrameError::EpochJump));
    assert_eq!(of(0, u64::MAX).check_epochs(current), Err(FrameError::EpochJump));
    assert_eq!(of(u64::MAX, 0).check_epochs(Epoch::new(u64::MAX)), Ok(()));
    let update = |epoch| {
        let update =
            Update { config_epoch: ConfigEpoch::new(epoch), owner: node(b'b'), slots: SlotSet::EMPTY };
        full(Body::Update(Box::new(update))).check_epochs(current)
    };
    assert_eq!((update(near), update(far)), (Ok(()), Err(FrameError::EpochJump)));
    assert!(!FrameError::EpochJump.closes_link());
}

#[test]
fn too_much_to_send_is_refused_before_it_is_a_frame() {
    let text = std::vec![0; DATA_LEN_MAX - 8];
    assert!(Publish::new(&text, b"").is_some());
    assert!(Publish::new(&text, b"x").is_none());
    assert!(ModuleMessage::new([0; 8], 0, &text[5..]).is_some());
    assert!(ModuleMessage::new([0; 8], 0, &text[4..]).is_none());
    let mut gossip = GossipBuf::default();
    (0..GOSSIP_COUNT_MAX).for_each(|_| assert!(gossip.push(&entry())));
    assert!(!gossip.push(&entry()));
    assert_eq!(usize::from(gossip.as_section().len()), GOSSIP_COUNT_MAX);
}

#[test]
fn an_extension_that_would_read_otherwise_is_not_written() {
    let mut extensions = ExtensionBuf::default();
    let node = node(b'b');
    for wrong in [
        Extension::Hostname("a\0b"),
        Extension::HumanNodename("a\nb"),
        Extension::ForgottenNode { node, ttl_seconds: FORGOTTEN_SECONDS_MAX + 1 },
        Extension::Unknown { kind: 3, data: &[] },
        Extension::Unknown { kind: 4, data: b"10.1.2.3\0\0\0\0\0\0\0\0" },
        Extension::Unknown { kind: 6, data: b"unpadded".split_at(3).0 },
        Extension::InternalSecret(Secret(&[0; 40])),
        Extension::Unknown { kind: 6, data: &std::vec![0; EXTENSIONS_LEN_MAX] },
    ] {
        assert!(!extensions.push(&wrong), "{wrong:.40?}");
    }
    assert_eq!(extensions, ExtensionBuf::default());
}
