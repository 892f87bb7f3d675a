//! FAILOVER: a primary hands over to one of its replicas.
//!
//! Source of the rules: `failoverCommand` of Redis 7.2.

use alloc::string::String;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;
use slotway_core::time::UnixMs;

use super::{Binding, Connection, args};
use crate::node::{Failover, FailoverStage, ReplicationState, Role};
use crate::registry::{Effect, Handler, Outcome};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[("failover", Handler::Session(failover))];

/// `FAILOVER [TO host port [FORCE]] [ABORT] [TIMEOUT ms]`.
fn failover(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    if connection.config.cluster_enabled() {
        return Err(ErrorReply::FailoverInCluster);
    }
    let words = Words::read(args)?;
    let state = connection.node.replication();
    match (words.abort, state.failover) {
        (true, _) => connection.node.abort_failover()?,
        (false, FailoverStage::WaitsForSync | FailoverStage::InProgress) => {
            return Err(ErrorReply::FailoverUnderWay);
        }
        (false, FailoverStage::Nothing) => {
            words.check(&state)?;
            connection.node.begin_failover(words.into_failover(connection.now))?;
        }
    }
    reply.ok();
    Ok(Effect::None)
}

/// The words of the command.
#[derive(Default)]
struct Words {
    target: Option<(String, i64)>,
    timeout_ms: Option<i64>,
    abort: bool,
    force: bool,
}

impl Words {
    fn read(args: Args<'_>) -> Result<Self, ErrorReply> {
        let mut words = Self::default();
        let mut at = 1;
        while at < args.len() {
            let behind = args.len() - at - 1;
            if args.is(at, "timeout") && behind >= 1 && words.timeout_ms.is_none() {
                let timeout_ms = args::integer(args.at(at + 1))?;
                if timeout_ms <= 0 {
                    return Err(ErrorReply::FailoverTimeout);
                }
                words.timeout_ms = Some(timeout_ms);
                at += 2;
            } else if args.is(at, "to") && behind >= 2 && words.target.is_none() {
                let port = args::integer(args.at(at + 2))?;
                words.target = Some((String::from_utf8_lossy(args.at(at + 1)).into_owned(), port));
                at += 3;
            } else if args.is(at, "abort") && args.len() == 2 {
                words.abort = true;
                at += 1;
            } else if args.is(at, "force") {
                words.force = true;
                at += 1;
            } else {
                return Err(ErrorReply::Syntax);
            }
        }
        Ok(words)
    }

    /// Whether a node in this state can do it.
    fn check(&self, state: &ReplicationState) -> Result<(), ErrorReply> {
        if let Role::Replica(_) = state.role {
            return Err(ErrorReply::FailoverOnReplica);
        }
        if state.replicas.is_empty() {
            return Err(ErrorReply::FailoverWithoutReplicas);
        }
        if self.force && (self.timeout_ms.is_none() || self.target.is_none()) {
            return Err(ErrorReply::FailoverForce);
        }
        let Some((host, port)) = &self.target else { return Ok(()) };
        let mut replicas = state.replicas.iter();
        match replicas.find(|it| it.host.eq_ignore_ascii_case(host) && i64::from(it.port) == *port) {
            None => Err(ErrorReply::FailoverToStranger),
            Some(replica) if !replica.is_online => Err(ErrorReply::FailoverToOffline),
            Some(_) => Ok(()),
        }
    }

    fn into_failover(self, now: UnixMs) -> Failover {
        let deadline = self.timeout_ms.map(|ms| UnixMs::from_ms(now.as_ms().saturating_add(ms as u64)));
        // A target that has been found has a port that is one.
        let target = self.target.and_then(|(host, port)| Some((host, u16::try_from(port).ok()?)));
        Failover { target, deadline, force: self.force }
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestClient;

    #[test]
    fn words_are_read_in_the_order_in_which_redis_reads_them() {
        let mut client = TestClient::new();
        for (request, answer) in [
            ("FAILOVER", "-ERR FAILOVER requires connected replicas."),
            ("FAILOVER ABORT", "-ERR No failover in progress."),
            ("FAILOVER ABORT TIMEOUT 1", "-ERR syntax error"),
            ("FAILOVER TIMEOUT", "-ERR syntax error"),
            ("FAILOVER TIMEOUT x", "-ERR value is not an integer or out of range"),
            ("FAILOVER TIMEOUT 0", "-ERR FAILOVER timeout must be greater than 0"),
            ("FAILOVER TIMEOUT 1 TIMEOUT 2", "-ERR syntax error"),
            ("FAILOVER TO host", "-ERR syntax error"),
            ("FAILOVER TO host port", "-ERR value is not an integer or out of range"),
            ("FAILOVER FORCE", "-ERR FAILOVER requires connected replicas."),
            ("FAILOVER TO host 1 FORCE", "-ERR FAILOVER requires connected replicas."),
        ] {
            assert_eq!(client.run(request), alloc::format!("{answer}\r\n"), "{request}");
        }
    }
}
