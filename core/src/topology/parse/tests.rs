use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use proptest::prelude::*;

use super::{any as any_reply, *};
use crate::id::NodeId;
use crate::resp::encode::{Protocol, ReplyWriter};
use crate::slot::Slot;
use crate::topology::samples::{any_topology, id, slot, three_primaries_one_replica};
use crate::topology::{ClusterState, EndpointType, Health, Node, NodeIndex, View, text};

fn read(text: &str) -> Result<Topology, ParseError> {
    nodes_text(text, &ParseOptions::default())
}

fn complaint(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

/// The reply that words stand for: numbers, aggregates, null and errors as on the wire, any other word is a bulk
/// string, `''` the empty one.
fn reply(text: &str) -> Value {
    let on_wire = |word: &str| match word.as_bytes()[0] {
        b'*' | b'%' | b':' | b'_' | b'-' => format!("{word}\r\n"),
        b'\'' => "$0\r\n\r\n".into(),
        _ => format!("${}\r\n{word}\r\n", word.len()),
    };
    let wire: String = text.split_whitespace().map(on_wire).collect();
    Value::decode(wire.as_bytes()).unwrap().0
}

fn asked(host: &str) -> ParseOptions {
    ParseOptions { queried_host: Some(host.into()), version: 3 }
}

/// The node of which a CLUSTER SLOTS reply from asked.test tells `endpoint` and `metadata`.
fn located(endpoint: &str, metadata: &str) -> Node {
    let text = format!("*1 *3 :0 :16383 *4 {endpoint} :6379 {} {metadata}", id(1));
    let topology = slots_reply(&reply(&text), &asked("asked.test")).unwrap();
    topology.node(topology.owner(Slot::MIN).unwrap()).clone()
}

#[test]
fn the_text_of_redis_3_has_no_bus_port() {
    let topology = read(
        "07c37dfeb235213a872192d90877d0cd55635b91 127.0.0.1:30004 slave e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca \
         0 1426238317239 4 connected\n\
         e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 127.0.0.1:30001 myself,master - 0 0 1 connected 0-16383\n",
    );
    let topology = topology.unwrap();
    let (replica, node) = topology.nodes().next().unwrap();
    assert_eq!((node.port, node.bus_port), (30004, 40004));
    assert_eq!(topology.replicas_of(topology.myself().unwrap()), [replica]);
    assert_eq!(topology.state(), ClusterState::Ok);
}

#[test]
fn auxiliary_fields_and_vars_of_a_nodes_conf_are_read() {
    let (a, b) = (id(1), id(2));
    let shard = format!("{:s>40}", 1);
    let topology = read(&format!(
        "{a} 127.0.0.1:7102@17102,host2.test,tls-port=7202,nodename=node-two,shard-id={shard} myself,master \
         - 0 1795458474000 2 connected 0-5 7\n\n\
         {b} ::1:7103@17103,,client-ipv4=10.1.2.3,tls-port=0,shard-id={shard} slave,nofailover,someday {a} \
         0 1 2 disconnected\n\
         vars currentEpoch 9 lastVoteEpoch 4 someday 1\n"
    ));
    let topology = topology.unwrap();
    let (one, two) = (topology.node(NodeIndex(0)), topology.node(NodeIndex(1)));
    assert_eq!((one.hostname.as_deref(), one.port, one.tls_port), (Some("host2.test"), 7102, 7202));
    assert_eq!((two.hostname.as_deref(), two.ip.as_str(), two.port), (None, "::1", 7103));
    assert_eq!(one.shard_id.map(|id| id.to_string()), Some(shard));
    assert_eq!(two.flags.to_string(), "slave,nofailover");
    assert_eq!(topology.current_epoch().get(), 9);
    assert_eq!(topology.slots_of(NodeIndex(0)).to_string(), "0-5 7");
}

#[test]
fn nodes_in_handshake_and_without_address_are_kept() {
    let (a, b, c) = (id(1), id(2), id(3));
    let text = format!(
        "{a} :7001@17001 myself,master - 0 0 0 connected\r\n\
         {b} 127.0.0.1:7002@17002 handshake - 0 0 0 disconnected\r\n\
         {c} :0@0 master,fail,noaddr - 1 2 3 disconnected\r\n"
    );
    let topology = nodes_text(&text, &asked("asked.test")).unwrap();
    let [one, two, three] = [0, 1, 2].map(|at| topology.node(NodeIndex(at)));
    assert_eq!((one.host(), &*one.ip), ("asked.test", ""));
    assert_eq!(two.flags.to_string(), "handshake");
    assert_eq!((three.host(), three.bus_port), ("", 0));
    assert_eq!(topology.shards().len(), 2);
    assert_eq!(topology.version(), 3);
}

#[test]
fn a_complaint_about_text_names_its_line() {
    let (a, b) = (id(1), id(2));
    let slots =
        |words: &str| complaint(&format!("\n{a} 1.2.3.4:1@2 myself,master - 0 0 0 connected {words}"));
    assert_eq!(slots("9-7"), "line 2: expected a slot or a range of slots, found \"9-7\"");
    assert_eq!(slots("16384"), "line 2: expected a slot or a range of slots, found \"16384\"");
    let open = "line 2: expected an open slot, [slot->-id] or [slot-<-id], found \"[93->-]\"";
    assert_eq!(slots("[93->-]"), open);
    assert_eq!(slots(&format!("[93->-{b}]")), format!("line 2: node {b} is named but not described"));

    let line = |rest: &str| complaint(&format!("{a} {rest}"));
    assert_eq!(line("1.2.3.4:1@2 master"), "line 1: the primary's id or - is missing");
    assert_eq!(line("1.2.3.4:70000@1 master - 0 0 0 connected"), "line 1: expected a port, found \"70000\"");
    let nobody = format!("1.2.3.4:1@1 slave {b} 0 0 0 connected");
    assert_eq!(line(&nobody), format!("line 1: node {b} is named but not described"));
    let foreign = format!("1.2.3.4:1@1 master - 0 0 0 connected [93->-{a}]");
    assert_eq!(line(&foreign), "line 1: expected no open slots, found \"some, of another node\"");
    let no_id = "line 1: expected a node id: 40 characters of a-z and 0-9, found \"abc\"";
    assert_eq!(complaint("abc 1.2.3.4:1 master - 0 0 0 connected"), no_id);
    let twice = format!("{a} 1.2.3.4:1@1 master - 0 0 0 connected\n").repeat(2);
    assert_eq!(complaint(&twice), format!("reply: two nodes are called {a}"));
}

#[test]
fn an_endpoint_is_where_to_connect() {
    let node = located("10.0.0.9", "*2 hostname nine.test");
    assert_eq!(
        (node.host(), &*node.ip, node.hostname.as_deref()),
        ("10.0.0.9", "10.0.0.9", Some("nine.test"))
    );
    let node = located("nine.test", "%1 ip 10.0.0.9");
    assert_eq!(
        (node.host(), &*node.ip, node.hostname.as_deref()),
        ("nine.test", "10.0.0.9", Some("nine.test"))
    );
    for address in ["fe80::1", "[fe80::1]"] {
        let node = located(address, "*0");
        assert_eq!((node.host(), &*node.ip, node.hostname.as_deref()), ("fe80::1", "fe80::1", None));
    }
}

#[test]
fn a_missing_endpoint_is_the_host_that_was_asked() {
    for missing in ["_", "''"] {
        let node = located(missing, "*2 ip 10.0.0.9");
        assert_eq!((node.host(), &*node.ip), ("asked.test", "10.0.0.9"));
    }
}

#[test]
fn a_missing_host_name_is_made_good_by_the_address() {
    let node = located("?", "*2 ip 10.0.0.9");
    assert_eq!((node.host(), &*node.ip, node.hostname.as_deref()), ("10.0.0.9", "10.0.0.9", None));
    assert_eq!(located("?", "*0").host(), "asked.test");
}

#[test]
fn nodes_without_ids_are_named_by_their_place() {
    let text = "*2 *4 :0 :5 *2 10.0.0.1 :7001 *2 10.0.0.1 :7002 *3 :7 :9 *2 10.0.0.1 :7001";
    let topology = slots_reply(&reply(text), &ParseOptions::default()).unwrap();
    assert_eq!(topology.node_count(), 2);
    assert_eq!(topology.owner(slot(0)), topology.owner(slot(9)));
    assert_ne!(topology.node(NodeIndex(0)).id, topology.node(NodeIndex(1)).id);
}

#[test]
fn a_complaint_about_a_reply_names_its_path() {
    let complaint = |text: &str| any_reply(&reply(text), &ParseOptions::default()).unwrap_err().to_string();
    assert_eq!(complaint("*1 *2 :0 :1"), "reply[0]: start, end or primary is missing");
    let too_high = "reply[0][1]: expected a slot, 0 to 16383, found \"16384\"";
    assert_eq!(complaint("*1 *3 :0 :16384 *2 h :1"), too_high);
    let backwards = "reply[0][1]: expected a slot not before the start of its range, found \"7\"";
    assert_eq!(complaint("*1 *3 :9 :7 *2 h :1"), backwards);
    assert_eq!(complaint("*1 *3 :0 :1 *2 h h"), "reply[0][2][1]: expected a port, found \"h\"");
    let odd = "reply[0].slots: expected starts and ends of ranges, an even number, found \"1 items\"";
    assert_eq!(complaint("*1 *4 slots *1 :0 nodes *0"), odd);
    assert_eq!(complaint("*1 *4 slots *2 :0 :1 nodes *0"), "reply[0]: a node of role master is missing");
    assert_eq!(complaint("*1 %1 slots *0"), "reply[0]: nodes is missing");
    let boss = format!("*1 %2 slots *0 nodes *1 %2 id {} role boss", id(1));
    let no_role = "reply[0].nodes[0].role: expected master or replica, found \"boss\"";
    assert_eq!(complaint(&boss), no_role);
    assert_eq!(complaint("-ERR"), "reply: the server answered \"ERR\"");
    assert_eq!(complaint(":1"), "reply: expected an array, found \"1\"");
}

#[test]
fn a_failed_primary_stays_in_its_shard_beside_the_new_one() {
    let [shard, one, two, three] = [9, 1, 2, 3].map(id);
    let text = format!(
        "*1 *6 slots *2 :0 :16383 id {shard} nodes *3 \
         %4 id {one} port :1 role master health fail %4 id {two} port :2 role master health online \
         %5 id {three} port :3 role replica health loading replication-offset :0"
    );
    let topology = any_reply(&reply(&text), &ParseOptions::default()).unwrap();
    let [one, two, three] = [one, two, three].map(|id| topology.find(&id).unwrap());
    assert_eq!(topology.owner(Slot::MAX), Some(two));
    assert_eq!(topology.replicas_of(two), [three]);
    assert_eq!(topology.node(one).health(), Health::Failed);
    assert_eq!(topology.node(three).health(), Health::Loading);
    assert_eq!(topology.shards().len(), 1);
}

#[test]
fn the_three_replies_are_told_apart() {
    let topology = three_primaries_one_replica();
    for protocol in [Protocol::Resp2, Protocol::Resp3] {
        let replies = [
            written(protocol, |out| out.verbatim("txt", text::nodes(&topology, View::default()).as_bytes())),
            written(protocol, |out| text::write_slots(&topology, View::default(), out)),
            written(protocol, |out| text::write_shards(&topology, View::default(), out)),
        ];
        for reply in replies {
            let again = any_reply(&reply, &ParseOptions::default()).unwrap();
            assert_eq!(owners(&again), owners(&topology));
            assert_eq!(again.node_count(), 4);
        }
    }
    assert_eq!(any_reply(&reply("*0"), &ParseOptions::default()).unwrap().node_count(), 0);
}

fn written(protocol: Protocol, write: impl FnOnce(&mut ReplyWriter<'_>)) -> Value {
    let mut out = Vec::new();
    write(&mut ReplyWriter::new(&mut out, protocol));
    Value::decode(&out).unwrap().0
}

fn owners(topology: &Topology) -> Vec<Option<NodeId>> {
    Slot::all().map(|slot| topology.owner(slot).map(|owner| topology.node(owner).id)).collect()
}

fn views() -> impl Strategy<Value = View> {
    let types =
        prop_oneof![Just(EndpointType::Ip), Just(EndpointType::Hostname), Just(EndpointType::Unknown)];
    types.prop_map(|endpoint_type| View { endpoint_type, ..View::default() })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn cluster_nodes_reads_back_as_the_same_topology(topology in any_topology()) {
        let again = read(&text::nodes(&topology, View::default())).unwrap();
        prop_assert_eq!(again, topology);
    }

    #[test]
    fn cluster_slots_and_shards_read_back_with_the_same_owners(topology in any_topology(), view in views()) {
        let shards = written(Protocol::Resp3, |out| text::write_shards(&topology, view, out));
        let slots = written(Protocol::Resp2, |out| text::write_slots(&topology, view, out));
        for reply in [shards, slots] {
            let again = any_reply(&reply, &asked("asked.test")).unwrap();
            prop_assert_eq!(owners(&again), owners(&topology));
            for (_, node) in again.nodes() {
                let told = topology.node(topology.find(&node.id).unwrap());
                prop_assert_eq!((&node.ip, node.port, node.role()), (&told.ip, told.port, told.role()));
                prop_assert_eq!(&node.hostname, &told.hostname);
                let place = told.place(view);
                let host = match place.host() {
                    "" => "asked.test",
                    "?" => &told.ip,
                    host => host,
                };
                prop_assert_eq!(node.host(), host);
            }
        }
    }

    #[test]
    fn damaged_text_is_a_topology_or_a_complaint_with_a_place(
        topology in any_topology(),
        at in proptest::arbitrary::any::<prop::sample::Index>(),
        patch in "[ -~\n]{0,3}",
    ) {
        let text = text::nodes(&topology, View::default());
        let at = at.index(text.len());
        let damaged = format!("{}{patch}{}", &text[..at], &text[(at + patch.len()).min(text.len())..]);
        if let Err(error) = read(&damaged) {
            prop_assert!(error.at.starts_with("line ") || error.at == "reply", "{error}");
        }
    }
}
