//! Primaries and replicas: REPLICAOF, ROLE, PSYNC, REPLCONF, WAIT, WAITAOF.

use alloc::boxed::Box;
use alloc::string::String;

use slotway_core::id::NodeId;
use slotway_core::replication::quorum::Tenure;
use slotway_core::replication::{ReplId, Resume};
use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;
use slotway_core::resp::inline::split_args;

use super::{Binding, Connection, args};
use crate::node::{FailoverStage, Role};
use crate::registry::{Effect, Handler, Outcome};
use crate::session::{AckWait, After, Parts, Peer, Reached};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("psync", Handler::Session(psync)),
    ("replconf", Handler::Session(replconf)),
    ("replicaof", Handler::Session(replicaof)),
    ("role", Handler::Session(role)),
    ("slaveof", Handler::Session(replicaof)),
    ("sync", Handler::Session(sync)),
    ("wait", Handler::Session(wait)),
    ("waitaof", Handler::Session(waitaof)),
];

/// `[master, offset, [[host, port, offset] ...]]`, or `[slave, host, port, state, offset]`.
fn role(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let state = connection.node.replication();
    match state.role {
        Role::Primary => {
            let online = || state.replicas.iter().filter(|replica| replica.is_online);
            reply.array(3);
            reply.bulk(b"master");
            reply.integer(state.history.offset as i64);
            reply.array(online().count());
            for replica in online() {
                reply.array(3);
                reply.bulk(replica.host.as_bytes());
                reply.bulk_integer(replica.port.into());
                reply.bulk_integer(replica.offset as i64);
            }
        }
        Role::Replica(link) => {
            reply.array(5);
            reply.bulk(b"slave");
            reply.bulk(link.host.as_bytes());
            reply.integer(link.port.into());
            reply.bulk(link.phase.name().as_bytes());
            reply.integer(link.offset.map_or(-1, |offset| offset as i64));
        }
    }
    Ok(Effect::None)
}

/// `REPLICAOF host port`, `REPLICAOF NO ONE`.
fn replicaof(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    if connection.config.cluster_enabled() {
        return Err(ErrorReply::other("ERR REPLICAOF not allowed in cluster mode."));
    }
    if connection.node.replication().failover != FailoverStage::Nothing {
        return Err(ErrorReply::ReplicaofInFailover);
    }
    if args.is(1, "no") && args.is(2, "one") {
        connection.node.follow(None);
        reply.ok();
        return Ok(Effect::None);
    }
    let port = args::integer(args.at(2)).ok().and_then(|port| u16::try_from(port).ok());
    let port = port.ok_or(ErrorReply::other("ERR Invalid master port"))?;
    let host = String::from_utf8_lossy(args.at(1)).into_owned();
    match connection.node.replication().role {
        Role::Replica(link) if link.host.eq_ignore_ascii_case(&host) && link.port == port => {
            reply.simple("OK Already connected to specified master");
        }
        _ => {
            connection.node.follow(Some((host, port)));
            reply.ok();
        }
    }
    Ok(Effect::None)
}

/// What a replica tells of itself before it asks for data, and how far it has come afterwards.
fn replconf(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    if args.len().is_multiple_of(2) {
        return Err(ErrorReply::Syntax);
    }
    for index in (1..args.len()).step_by(2) {
        let (option, value) = (args.at(index), args.at(index + 1));
        let is = |name| args::is(option, name);
        let peer = connection.session.peer.get_or_insert_default();
        if is("listening-port") {
            let port = args::integer(value)?;
            peer.port = u16::try_from(port).map_err(|_| ErrorReply::NotAnInteger)?;
        } else if is("ip-address") {
            peer.host = String::from_utf8_lossy(value).into_owned();
        } else if is("capa") {
            peer.takes_eof |= args::is(value, "eof");
            peer.takes_psync2 |= args::is(value, "psync2");
        } else if is("rdb-only") {
            peer.wants_only_snapshot = args::integer(value)? == 1;
        } else if is("rdb-filter-only") {
            peer.parts = parts(value)?;
        } else if is("slotway-copy") {
            return be_copy(connection, value, reply);
        } else if is("ack") || is("fack") {
            // From a connection that is no replica: without meaning, and without reply.
            return Ok(Effect::None);
        } else if is("getack") {
            connection.session.ack_is_wanted = true;
            return Ok(Effect::None);
        } else {
            let option = String::from_utf8_lossy(option);
            return Err(ErrorReply::other(alloc::format!("ERR Unrecognized REPLCONF option: {option}")));
        }
    }
    reply.ok();
    Ok(Effect::None)
}

/// What `rdb-filter-only` leaves of a snapshot: the words name what is in it, and keys have none.
fn parts(words: &[u8]) -> Result<Parts, ErrorReply> {
    let words = split_args(words).map_err(|_| ErrorReply::other("ERR Missing rdb-filter-only values"))?;
    if let Some(strange) = words.iter().find(|word| !args::is(word, "functions")) {
        let strange = String::from_utf8_lossy(strange);
        return Err(ErrorReply::other(alloc::format!("ERR Unsupported rdb-filter-only option: {strange}")));
    }
    Ok(if words.is_empty() { Parts::Facts } else { Parts::Functions })
}

/// `REPLCONF slotway-copy <its name>`, with `cluster-write-quorum`: the answer says in which term this node is the primary, and where that began.
fn be_copy(connection: &mut Connection<'_>, name: &[u8], reply: &mut ReplyWriter<'_>) -> Outcome {
    let name = NodeId::parse(name).ok_or(ErrorReply::Syntax)?;
    let mut tenure = None;
    connection.node.with_cluster(&mut |_, cluster| tenure = cluster.tenure());
    match tenure {
        Some(Tenure { term, start }) => {
            connection.session.peer.get_or_insert_default().copy = Some(name);
            reply.simple(&alloc::format!("TERM {term} {start}"));
        }
        // Not a primary, or not one whose writes count so.
        None => reply.ok(),
    }
    Ok(Effect::None)
}

/// `PSYNC id offset [FAILOVER]`: the reply is the business of whoever takes the connection over.
fn psync(connection: &mut Connection<'_>, args: Args<'_>, _: &mut ReplyWriter<'_>) -> Outcome {
    if args.is(3, "failover") {
        take_over(connection, args.at(1))?;
    }
    let next = args::integer(args.at(2))?;
    let resume =
        ReplId::parse(args.at(1)).zip(u64::try_from(next).ok()).map(|(id, next)| Resume { id, next });
    become_replica(connection, resume, true)
}

/// This node's primary follows it from now on: it is the primary.
fn take_over(connection: &Connection<'_>, id: &[u8]) -> Result<(), ErrorReply> {
    let state = connection.node.replication();
    if let Role::Primary = state.role {
        return Err(ErrorReply::PsyncFailoverToPrimary);
    }
    // In a cluster nobody sends this: FAILOVER is refused there.
    if connection.config.cluster_enabled() {
        return Err(ErrorReply::FailoverInCluster);
    }
    if !id.eq_ignore_ascii_case(state.history.id.as_str().as_bytes()) {
        return Err(ErrorReply::PsyncFailoverOfOthers);
    }
    let asked_by = &connection.session.address;
    connection.node.log(&alloc::format!("MASTER MODE enabled (failover request from '{asked_by}')"));
    connection.node.follow(None);
    Ok(())
}

/// As old replicas ask.
fn sync(connection: &mut Connection<'_>, _: Args<'_>, _: &mut ReplyWriter<'_>) -> Outcome {
    become_replica(connection, None, false)
}

fn become_replica(connection: &mut Connection<'_>, resume: Option<Resume>, knows_psync: bool) -> Outcome {
    if let Role::Replica(link) = connection.node.replication().role
        && !link.phase.is_connected()
    {
        return Err(ErrorReply::NoMasterLink);
    }
    // A primary without its data: whoever asks keeps what it has, and asks again.
    let mut withholds = false;
    connection.node.with_cluster(&mut |_, cluster| withholds = cluster.withholds());
    if withholds {
        return Err(ErrorReply::NoMasterLink);
    }
    let mut peer = connection.session.peer.take().unwrap_or_default();
    (peer.resume, peer.knows_psync) = (resume, knows_psync);
    connection.session.peer = Some(Box::new(Peer { ..*peer }));
    connection.session.after = After::Replicate;
    Ok(Effect::None)
}

/// `WAIT replicas timeout-ms`.
fn wait(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let state = connection.node.replication();
    if let Role::Replica(_) = state.role {
        return Err(ErrorReply::WaitOnReplica);
    }
    let replicas = args::integer(args.at(1))?;
    let deadline = args::timeout_ms(args.at(2), connection.now)?;
    let offset = connection.session.write_offset;
    let acknowledged =
        state.replicas.iter().filter(|replica| replica.offset >= offset && replica.is_online).count();
    if acknowledged as i64 >= replicas || connection.in_transaction {
        reply.integer(acknowledged as i64);
        return Ok(Effect::None);
    }
    let reached = Reached::Memory;
    Ok(wait_for_acks(connection, AckWait { reached, offset, replicas: replicas as usize, deadline }))
}

/// `WAITAOF 0|1 replicas timeout-ms`: `[local, replicas]`, that have the client's writes on disk.
fn waitaof(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let local = args::integer_between(args.at(1), 0, 1)? == 1;
    let replicas = args::integer_or(args.at(2), ErrorReply::NotPositive)?;
    let replicas = usize::try_from(replicas).map_err(|_| ErrorReply::NotPositive)?;
    let deadline = args::timeout_ms(args.at(3), connection.now)?;
    let state = connection.node.replication();
    if let Role::Replica(_) = state.role {
        return Err(ErrorReply::WaitAofOnReplica);
    }
    if local && !connection.config.appendonly() {
        return Err(ErrorReply::WaitAofWithoutAof);
    }
    let offset = connection.session.write_offset;
    let aof = connection.node.aof();
    let here = aof.is_on && aof.fsynced >= offset;
    let there =
        state.replicas.iter().filter(|replica| replica.fsynced >= offset && replica.is_online).count();
    if (here >= local && there >= replicas) || connection.in_transaction {
        reply.array(2);
        reply.integer(here.into());
        reply.integer(there as i64);
        return Ok(Effect::None);
    }
    Ok(wait_for_acks(connection, AckWait { reached: Reached::Disk { local }, offset, replicas, deadline }))
}

fn wait_for_acks(connection: &mut Connection<'_>, wait: AckWait) -> Effect {
    connection.session.ack_wait = Some(wait);
    connection.session.after = After::WaitForAcks;
    Effect::None
}

#[cfg(test)]
mod tests {
    use crate::testing::{TestClient, three_nodes};

    #[test]
    fn role_tells_a_replica_whom_it_follows() {
        assert_eq!(TestClient::new().run("ROLE"), "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
        let topology = three_nodes().build().unwrap();
        let (c, _) = topology.nodes().last().unwrap();
        assert_eq!(
            TestClient::in_cluster(topology.as_seen_by(c, 1)).run("ROLE"),
            "*5\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n:7000\r\n$9\r\nconnected\r\n:0\r\n"
        );
    }
}
