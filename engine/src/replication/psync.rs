//! The two lines of PSYNC: what a replica asks for, and what its primary answers.

use alloc::format;
use alloc::string::{String, ToString as _};

use slotway_core::id::NodeId;
use slotway_core::replication::{History, ReplId, Resume};

/// What a primary answers to PSYNC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It goes on, under this name of the history if it says one.
    Continue(Option<ReplId>),
    /// A snapshot comes, which stands at this point of this history.
    Full(History),
}

impl Answer {
    /// PSYNC's two arguments, for a replica that would go on there, or that has no data.
    pub fn asked_by(resume: Option<Resume>) -> (String, String) {
        match resume {
            Some(Resume { id, next }) => (id.to_string(), next.to_string()),
            None => ("?".to_string(), "-1".to_string()),
        }
    }

    /// From its line; `None` if it is another one, or makes no sense for what was asked.
    pub fn parse(line: &str, asked: Option<Resume>) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        match words.next()? {
            "+CONTINUE" if asked.is_some() => {
                Some(Answer::Continue(words.next().and_then(|id| ReplId::parse(id.as_bytes()))))
            }
            "+FULLRESYNC" => {
                let id = ReplId::parse(words.next()?.as_bytes())?;
                Some(Answer::Full(History { id, offset: words.next()?.parse().ok()?, before: None }))
            }
            _ => None,
        }
    }

    /// As it is sent.
    pub fn format(self) -> String {
        match self {
            Answer::Continue(Some(id)) => format!("+CONTINUE {id}\r\n"),
            Answer::Continue(None) => "+CONTINUE\r\n".into(),
            Answer::Full(History { id, offset, .. }) => format!("+FULLRESYNC {id} {offset}\r\n"),
        }
    }
}

/// Whom a replica has reached where it looked for its primary. Addresses are given to others: a container that starts anew may find a
/// stranger at the address that its primary had, and must not take over the stranger's data in place of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Met {
    /// The primary.
    Primary,
    /// Somebody else.
    Stranger,
    /// It does not say who it is: it does not allow the question.
    Unknown,
}

impl Met {
    /// By the answer to CLUSTER MYID, a name or an error line, where `primary` is expected.
    pub fn by(answer: &str, primary: NodeId) -> Self {
        match answer {
            _ if answer.as_bytes() == primary.as_bytes() => Met::Primary,
            _ if answer.starts_with("-NOPERM") => Met::Unknown,
            _ => Met::Stranger,
        }
    }
}
