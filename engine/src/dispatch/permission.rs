//! May the user of a connection do what it asks?
//!
//! Asked by a guard of [`admission`](super::admission), by EXEC for each command, by scripts for each of theirs, and for clients that
//! have waited. For a user who may do everything that is one test. Whatever is refused is noted for ACL LOG.
//!
//! Source of the rules: `ACLCheckAllPerm` of Redis 7.2 and its callers.

use alloc::sync::Arc;

use slotway_core::command::Command;
use slotway_core::resp::args::Args;
use slotway_core::resp::error::{AclError, Lack};

use super::Request;
use super::run::Run;
use crate::acl::{self, Context, Denial, Denied, Event};
use crate::commands::client_line;
use crate::config::Config;
use crate::interest::Waiter;
use crate::node::{ClientCard, Node};
use crate::session::Session;
use crate::shards::ShardAccess;

/// A connection that asks, and where it is.
#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    pub(crate) node: &'a dyn Node,
    pub(crate) config: &'a Config,
    pub(crate) session: &'a Session,
    pub(crate) context: Context,
}

impl<'a> Asker<'a> {
    /// A connection with a request of its own.
    pub(crate) fn new(node: &'a dyn Node, config: &'a Config, session: &'a Session) -> Self {
        let context = if session.transaction.is_some() { Context::Multi } else { Context::TopLevel };
        Self { node, config, session, context }
    }

    pub(crate) fn within(self, context: Context) -> Self {
        Self { context, ..self }
    }

    /// Whether the user may send this request.
    ///
    /// # Errors
    /// What it lacks, which has been noted.
    pub(crate) fn may(self, command: &'static Command, args: Args<'_>) -> Result<(), Lack> {
        let Err(denial) = check(self.session, command, args) else { return Ok(()) };
        Err(self.refuse(command, args, denial))
    }

    #[cold]
    fn refuse(self, command: &'static Command, args: Args<'_>, denial: Denial) -> Lack {
        let Some(user) = &self.session.user else { unreachable!("only users are denied anything") };
        let object = match denial.what {
            Denied::Command => command.name.as_bytes(),
            Denied::Key | Denied::Channel => args.at(denial.at),
        };
        let (reason, context) = (denial.what.into(), self.context);
        let event = Event { reason, context, object: object.to_vec(), user: user.name().to_vec() };
        self.note(command.name, event);
        denial.lack(user, command)
    }

    /// Has ACL LOG tell of something that was refused to this connection, whose request is a `command`.
    pub(crate) fn note(self, command: &'static str, event: Event) {
        let now = self.node.now();
        let session = Session { last_command: command, ..self.session.clone() };
        let card = match self.node.client(session.id) {
            Some(card) => ClientCard { modes: session.modes(), session, ..card },
            None => ClientCard::new(session, now, -1),
        };
        let mut client = client_line(&card, now, false);
        client.truncate(client.trim_end().len());
        let len_max = usize::try_from(self.config.acllog_max_len()).unwrap_or(usize::MAX);
        acl::ask(self.node, |acl| acl.log.note(event, client, now, len_max));
    }
}

/// Whether the user of a connection may send this request, without noting it if not.
pub(crate) fn check(session: &Session, command: &Command, args: Args<'_>) -> Result<(), Denial> {
    match &session.user {
        Some(user) if !session.may_do_everything() => user.rules().check(command, args),
        Some(_) | None => Ok(()),
    }
}

/// Whether a connection has to authenticate before anything else.
pub(super) fn needs_authentication(session: &Session, node: &dyn Node) -> bool {
    !session.authenticated && !acl::ask(node, |acl| acl.default_user().rules().let_anyone_in())
}

impl<A: ShardAccess, N: Node> Run<'_, '_, A, N> {
    /// Whether the user may still do what was queued.
    pub(super) fn may_at_exec(&self, request: &Request<'_>) -> Result<(), AclError> {
        let asker = Asker::new(self.node, &self.config, self.session).within(Context::Multi);
        asker.may(request.command, request.args).map_err(AclError::LacksAtExec)
    }

    /// Whether the user of a client that has waited may still do what it waits for.
    pub(super) fn may_still(&self, waiter: &Waiter) -> Result<(), AclError> {
        let (command, args) = (waiter.command, waiter.args.as_args());
        let Some(user) = waiter.user.as_ref().filter(|user| !user.may_do_everything()) else { return Ok(()) };
        match self.node.client(waiter.client) {
            Some(card) => {
                let session = Session { user: Some(Arc::clone(user)), ..card.session };
                Asker::new(self.node, &self.config, &session).may(command, args).map_err(AclError::Lacks)
            }
            // Its connection has ended: nobody is to hear of it.
            None => {
                let denied = |denial: Denial| AclError::Lacks(denial.lack(user, command));
                user.rules().check(command, args).map_err(denied)
            }
        }
    }
}
