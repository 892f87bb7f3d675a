//! Which connections CLIENT KILL and CLIENT LIST TYPE mean.

use slotway_core::resp::error::ErrorReply;

use super::super::args::{self, Options};
use crate::acl;
use crate::node::{ClientCard, Node};
use crate::session::ClientId;

/// What a connection is there for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ClientType {
    /// To send commands.
    Normal,
    /// To feed a replica.
    Replica,
    /// To listen to channels.
    PubSub,
    /// To follow a primary.
    Primary,
}

impl ClientType {
    const WORDS: [(&'static str, ClientType); 5] = [
        ("normal", ClientType::Normal),
        ("slave", ClientType::Replica),
        ("replica", ClientType::Replica),
        ("pubsub", ClientType::PubSub),
        ("master", ClientType::Primary),
    ];

    pub(super) fn parse(word: &[u8]) -> Result<ClientType, ErrorReply> {
        let known = Self::WORDS.into_iter().find(|(name, _)| args::is(word, name));
        known.map(|(_, kind)| kind).ok_or_else(|| ErrorReply::UnknownClientType(word.to_vec()))
    }

    pub(super) fn of(card: &ClientCard) -> ClientType {
        let session = &card.session;
        match session.subscriptions.is_empty() {
            _ if session.is_primary_link => ClientType::Primary,
            _ if session.is_replica_link => ClientType::Replica,
            true => ClientType::Normal,
            false => ClientType::PubSub,
        }
    }
}

/// What must be true of a connection; what is not asked for is true of all.
pub(super) struct Filter<'a> {
    id: Option<ClientId>,
    kind: Option<ClientType>,
    address: Option<&'a [u8]>,
    local_address: Option<&'a [u8]>,
    user: Option<&'a [u8]>,
    /// Leave out the connection that asks.
    skip_me: bool,
}

impl<'a> Filter<'a> {
    const ALL_OTHERS: Filter<'static> =
        Filter { id: None, kind: None, address: None, local_address: None, user: None, skip_me: true };

    /// The connection from `address`, be it the asking one.
    pub(super) fn address(address: &'a [u8]) -> Self {
        Filter { address: Some(address), skip_me: false, ..Self::ALL_OTHERS }
    }

    /// Reads `option value` pairs; the last of each kind counts.
    pub(super) fn read(mut words: Options<'a>, node: &dyn Node) -> Result<Self, ErrorReply> {
        let mut filter = Self::ALL_OTHERS;
        while let Some(option) = words.word() {
            filter.set(option, words.value()?, node)?;
        }
        Ok(filter)
    }

    fn set(&mut self, option: &[u8], value: &'a [u8], node: &dyn Node) -> Result<(), ErrorReply> {
        match option {
            word if args::is(word, "id") => self.id = Some(client_id(value)?),
            word if args::is(word, "type") => self.kind = Some(ClientType::parse(value)?),
            word if args::is(word, "addr") => self.address = Some(value),
            word if args::is(word, "laddr") => self.local_address = Some(value),
            word if args::is(word, "user") => {
                let exists = acl::ask(node, |acl| acl.user(value).is_some());
                self.user =
                    exists.then_some(Some(value)).ok_or_else(|| ErrorReply::UnknownUser(value.to_vec()))?;
            }
            word if args::is(word, "skipme") && args::is(value, "yes") => self.skip_me = true,
            word if args::is(word, "skipme") && args::is(value, "no") => self.skip_me = false,
            _ => return Err(ErrorReply::Syntax),
        }
        Ok(())
    }

    /// True when the filter means `card`, `me` asking.
    pub(super) fn matches(&self, card: &ClientCard, me: ClientId) -> bool {
        let session = &card.session;
        self.id.is_none_or(|id| id == session.id)
            && self.kind.is_none_or(|kind| kind == ClientType::of(card))
            && self.address.is_none_or(|address| address == session.address.as_bytes())
            && self.local_address.is_none_or(|address| address == session.local_address.as_bytes())
            && self.user.is_none_or(|name| session.user.as_ref().is_some_and(|user| user.name() == name))
            && !(self.skip_me && session.id == me)
    }
}

fn client_id(word: &[u8]) -> Result<ClientId, ErrorReply> {
    match args::integer_or(word, ErrorReply::ClientIdNotPositive)? {
        id @ 1.. => Ok(ClientId(id as u64)),
        _ => Err(ErrorReply::ClientIdNotPositive),
    }
}
