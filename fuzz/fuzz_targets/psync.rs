//! What a primary sends, or somebody in its place: the answer to PSYNC, a snapshot, and a stream, in whatever pieces.
#![no_main]

#[path = "commands/node.rs"]
mod node;
mod replica {
    pub(super) mod world;
}

use libfuzzer_sys::fuzz_target;
use replica::world::{Item, World, text_of};
use slotway_core::replication::{History, ReplId, Resume};
use slotway_engine::replication::{Answer, Applier, ApplyError, Log, Transfer};

const ID: &str = "0123456789abcdef0123456789abcdef01234567";
/// What is kept of the stream.
const KEPT: u64 = 1 << 20;

/// The answer; how a snapshot is announced, and its bytes; what the stream is made of; how much comes at a time.
type Input<'a> = (&'a str, &'a str, &'a [u8], Vec<Item<'a>>, u8);

fuzz_target!(|input: Input| {
    let (answer, announced, snapshot, items, at_once) = input;
    let at_once = usize::from(at_once).max(1);
    check_answer(answer);
    let eof = format!("$EOF:{ID}");
    let counted = format!("${}", snapshot.len());
    check_transfer(announced, snapshot, at_once);
    check_whole_transfer(&counted, snapshot, snapshot, at_once);
    let marked = [snapshot, ID.as_bytes()].concat();
    // Where the mark is in what it ends, be it half before the end, nobody could tell: it is drawn at random for that.
    if marked.windows(ID.len()).position(|window| window == ID.as_bytes()) == Some(snapshot.len()) {
        check_whole_transfer(&eof, &marked, snapshot, at_once);
    }
    check_stream(&text_of(&items), at_once);
});

/// What is understood is understood again when it is written.
fn check_answer(line: &str) {
    let asked = ReplId::parse(ID.as_bytes()).map(|id| Resume { id, next: 7 });
    for asked in [asked, None] {
        if let Some(answer) = Answer::parse(line, asked) {
            assert_eq!(Answer::parse(answer.format().trim_end(), asked), Some(answer));
        }
    }
}

/// No more is taken than there is, and never more than was announced.
fn check_transfer(line: &str, bytes: &[u8], at_once: usize) {
    let Ok(mut transfer) = Transfer::announced(line) else { return };
    let mut input = Vec::new();
    for piece in bytes.chunks(at_once) {
        input.extend_from_slice(piece);
        let part = transfer.next(&input);
        assert!(part.len <= part.used && part.used <= input.len());
        assert!(transfer.len_told().is_none_or(|len| transfer.taken <= len));
        input.drain(..part.used);
        if part.is_last {
            return;
        }
    }
}

/// All of a snapshot arrives, and nothing else.
fn check_whole_transfer(line: &str, sent: &[u8], snapshot: &[u8], at_once: usize) {
    let mut transfer = Transfer::announced(line).expect("a good line");
    let (mut input, mut taken, mut is_whole) =
        (Vec::new(), Vec::new(), snapshot.is_empty() && sent.is_empty());
    for piece in sent.chunks(at_once) {
        input.extend_from_slice(piece);
        let part = transfer.next(&input);
        taken.extend(input.drain(..part.used).take(part.len));
        is_whole = part.is_last;
    }
    assert!(is_whole && taken == snapshot && input.is_empty());
}

/// The data, and the offset, are the same in whatever pieces; what is counted is the beginning of what came.
fn check_stream(stream: &[u8], at_once: usize) {
    let (world, log, result) = applied(stream, stream.len().max(1));
    let (other, same_log, same) = applied(stream, at_once);
    assert_eq!(result.is_ok(), same.is_ok(), "{result:?} and {same:?} of {}", stream.escape_ascii());
    assert!(log.offset() <= stream.len() as u64 + 1);
    if result.is_ok() {
        assert_eq!(log.offset(), same_log.offset());
        assert_eq!(world.contents(), other.contents());
    }
}

fn applied(stream: &[u8], at_once: usize) -> (World, Log, Result<(), ApplyError>) {
    let (world, id) = (World::default(), ReplId::from_random([7; 20]));
    let mut log = Log::new(id);
    log.adopt(History { id, offset: 1, before: None });
    let mut session = world.session();
    session.is_primary_link = true;
    let mut applier = Applier::new(Box::new(session));
    let mut input = Vec::new();
    for piece in stream.chunks(at_once) {
        input.extend_from_slice(piece);
        loop {
            let count = |bytes: &[u8]| _ = log.append(bytes, KEPT);
            match applier.batch(&world.engine, &world.node, &input, count) {
                Err(error) => return (world, log, Err(error)),
                Ok(applied) => {
                    input.drain(..applied.used);
                    if !applied.goes_on {
                        break;
                    }
                }
            }
        }
    }
    (world, log, Ok(()))
}
