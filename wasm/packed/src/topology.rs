//! The topology that a reply tells, as JSON.

use alloc::vec::Vec;

use slotway_core::slot::{Slot, SlotRange};
use slotway_core::topology::parse::{self, ParseError, ParseOptions};
use slotway_core::topology::{Health, Node, NodeIndex, Role, Topology};

use crate::json::{Complaint, Json, answer};
use crate::question;

/// The topology in a reply of CLUSTER NODES, SLOTS or SHARDS, which came from the host that is the first `host_len` bytes of the question;
/// nobody knows from where if it is not that long. With `prefer_tls`, ports are those for TLS where there is one.
///
/// `{"nodes": [..], "owned": [[start, end, index], ..], "myself": index, "migrating": [[slot, index], ..], "importing": ..}`, where an index is a
/// place in `nodes`. What nobody knows is left out.
pub(crate) fn told(question: &[u8], host_len: usize, prefer_tls: bool) -> Vec<u8> {
    let (host, reply) = match question.split_at_checked(host_len) {
        Some((host, reply)) => (Some(host), reply),
        None => (None, question),
    };
    answer(read(host, reply), |json, topology| write(json, &topology, prefer_tls))
}

fn read(host: Option<&[u8]>, reply: &[u8]) -> Result<Topology, Complaint> {
    let queried_host = host.and_then(|host| core::str::from_utf8(host).ok()).map(Into::into);
    let options = ParseOptions { queried_host, ..ParseOptions::default() };
    let value = question::value_of(reply).ok_or_else(|| Complaint::new("reply", "not a reply"))?;
    Ok(parse::any(&value, &options)?)
}

impl From<ParseError> for Complaint {
    fn from(error: ParseError) -> Self {
        Self { at: error.at, problem: error.problem.text() }
    }
}

fn write(json: &mut Json, topology: &Topology, prefer_tls: bool) {
    json.object(|json| {
        json.field("nodes").array(|json| {
            topology
                .nodes()
                .for_each(|(index, node)| write_node(json.item(), topology, index, node, prefer_tls));
        });
        json.field("owned").array(|json| {
            topology.owned_ranges().for_each(|(range, owner)| write_owned(json.item(), range, owner));
        });
        if let Some(myself) = topology.myself() {
            json.field("myself").number(myself.index() as u64);
        }
        json.field("migrating")
            .array(|json| topology.all_migrating().for_each(|open| write_open(json.item(), open)));
        json.field("importing")
            .array(|json| topology.all_importing().for_each(|open| write_open(json.item(), open)));
    });
}

fn write_node(json: &mut Json, topology: &Topology, index: NodeIndex, node: &Node, prefer_tls: bool) {
    json.object(|json| {
        json.field("id").text(node.id.as_str());
        json.field("host").text(node.host());
        json.field("port").number(node.client_port(prefer_tls).into());
        json.field("ip").text(&node.ip);
        json.field("hostname").text_or_null(node.hostname.as_deref());
        json.field("role").text(match node.role() {
            Role::Primary => "primary",
            Role::Replica => "replica",
        });
        json.field("flags").array(|json| node.flags.names().for_each(|name| json.item().text(name)));
        json.field("health").text(match node.health() {
            Health::Online => "online",
            Health::Failed => "failed",
            Health::Loading => "loading",
        });
        json.field("configEpoch").number(topology.config_epoch(index).get());
        if let Some(primary) = node.primary {
            json.field("primary").number(primary.index() as u64);
        }
        if let Some(offset) = node.repl_offset {
            json.field("replOffset").number(offset.get());
        }
    });
}

fn write_owned(json: &mut Json, range: SlotRange, owner: NodeIndex) {
    json.array(|json| {
        json.item().number(range.start().get().into());
        json.item().number(range.end().get().into());
        json.item().number(owner.index() as u64);
    });
}

fn write_open(json: &mut Json, (slot, peer): (Slot, NodeIndex)) {
    json.array(|json| {
        json.item().number(slot.get().into());
        json.item().number(peer.index() as u64);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use slotway_core::resp::value::Value;

    const NODES: &str = "\
        07c37dfeb235213a872192d90877d0cd55635b91 :7000@17000,one.test myself,master - 0 0 1 connected 0-99 [93->-e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca]\n\
        e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 10.0.0.2:7001@17001 slave 07c37dfeb235213a872192d90877d0cd55635b91 0 0 1 connected\n";

    fn asked(host: Option<&str>, text: &str) -> String {
        let mut question = Vec::from(host.unwrap_or_default());
        question::written(&Value::Bulk(text.into()), &mut question);
        let answer = told(&question, host.map_or(usize::MAX, str::len), false);
        String::from_utf8(answer).expect("JSON is UTF-8")
    }

    #[test]
    fn a_reply_becomes_json() {
        let expected = concat!(
            r#"{"ok":{"nodes":[{"id":"07c37dfeb235213a872192d90877d0cd55635b91","host":"asked","port":7000,"ip":"","hostname":"one.test","#,
            r#""role":"primary","flags":["myself","master"],"health":"online","configEpoch":1},"#,
            r#"{"id":"e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca","host":"10.0.0.2","port":7001,"ip":"10.0.0.2","hostname":null,"#,
            r#""role":"replica","flags":["slave"],"health":"online","configEpoch":1,"primary":0}],"#,
            r#""owned":[[0,99,0]],"myself":0,"migrating":[[93,1]],"importing":[]}}"#,
        );
        assert_eq!(asked(Some("asked"), NODES), expected);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let expected = r#"{"error":{"at":"line 1","problem":"the address is missing"}}"#;
        assert_eq!(asked(None, "07c37dfeb235213a872192d90877d0cd55635b91"), expected);
        assert!(told(b"*", usize::MAX, false).starts_with(br#"{"error":{"at":"reply""#));
    }
}
