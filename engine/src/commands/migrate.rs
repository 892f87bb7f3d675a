//! MIGRATE: keys are taken to another server, and go here once they have arrived.
//!
//! It is run twice: the first time it holds its keys and leaves the rest to the node; when the node is back, it removes what has arrived.
//! See [`crate::migration`]. Source of the rules: `migrateCommand` of Redis 7.2.

use alloc::boxed::Box;
use alloc::vec::Vec;

use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use super::args::{self, Options};
use super::{Binding, Data};
use crate::events::Class;
use crate::migration::{Arrived, Credentials, DEFAULT_TIMEOUT_MS, Migration};
use crate::registry::{Effect, Handler, Outcome};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[("migrate", Handler::Data(migrate))];

fn migrate(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    match data.take_arrived() {
        Some(arrived) => Ok(take_leave(data, args, &arrived, reply)),
        None => set_out(data, args, reply),
    }
}

/// Holds the keys that are there.
fn set_out(data: &mut Data<'_, '_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let options = MigrateOptions::read(args)?;
    let timeout = args::integer(args.at(5))?;
    let to = args::integer(args.at(4))?;
    let keys: Vec<&[u8]> = options.keys.iter().filter(|key| data.find_counted(key).is_some()).collect();
    if keys.is_empty() {
        reply.simple("NOKEY");
        return Ok(Effect::None);
    }
    if !data.may_wait() {
        return Err(ErrorReply::MigrateInTransaction);
    }
    keys.iter().for_each(|key| data.hold(key));
    Ok(Effect::Migrate(Box::new(Migration {
        request: args.to_owned(),
        host: args.at(1).into(),
        port: args.at(2).into(),
        to,
        timeout_ms: u64::try_from(timeout).ok().filter(|ms| *ms > 0).unwrap_or(DEFAULT_TIMEOUT_MS),
        copy: options.copy,
        replace: options.replace,
        auth: options.auth,
        from: data.db_index(),
        keys: keys.into_iter().map(Box::from).collect(),
    })))
}

/// Removes what has arrived, and answers if that is all.
fn take_leave(
    data: &mut Data<'_, '_>,
    args: Args<'_>,
    arrived: &Arrived,
    reply: &mut ReplyWriter<'_>,
) -> Effect {
    let copies = MigrateOptions::read(args).is_ok_and(|options| options.copy);
    let (mut gone, mut all_intact) = (Vec::from([&b"DEL"[..]]), true);
    for key in &arrived.keys {
        let is_intact = data.is_intact(key);
        all_intact &= is_intact;
        if is_intact && !copies && data.unlink(key) {
            data.changed(Class::Generic, "del", key);
            gone.push(key);
        }
        data.release(key);
    }
    match &arrived.end {
        None => {}
        Some(Ok(())) if all_intact => reply.ok(),
        Some(Ok(())) => reply.error(&ErrorReply::MigrateOvertaken),
        Some(Err(error)) => reply.error(error),
    }
    if arrived.end.is_some() {
        data.release_all();
    }
    if gone.len() == 1 {
        data.propagate_nothing();
        return Effect::None;
    }
    data.propagate(&gone);
    Effect::changed(gone.len() as u64 - 1)
}

#[derive(Debug)]
struct MigrateOptions<'a> {
    copy: bool,
    replace: bool,
    auth: Option<Credentials>,
    keys: Args<'a>,
}

impl<'a> MigrateOptions<'a> {
    fn read(args: Args<'a>) -> Result<Self, ErrorReply> {
        let mut options = Self { copy: false, replace: false, auth: None, keys: args.only(3) };
        let mut words = Options::new(args, 6);
        while let Some(word) = words.word() {
            match word {
                word if args::is(word, "copy") => options.copy = true,
                word if args::is(word, "replace") => options.replace = true,
                word if args::is(word, "auth") => {
                    options.auth = Some(Credentials { user: None, password: words.value()?.into() });
                }
                word if args::is(word, "auth2") => {
                    let user = Some(words.value()?.into());
                    options.auth = Some(Credentials { user, password: words.value()?.into() });
                }
                word if args::is(word, "keys") && !args.at(3).is_empty() => {
                    return Err(ErrorReply::MigrateKeyAndKeys);
                }
                word if args::is(word, "keys") => {
                    options.keys = args.skip(args.len() - words.left());
                    return Ok(options);
                }
                _ => return Err(ErrorReply::Syntax),
            }
        }
        Ok(options)
    }
}
