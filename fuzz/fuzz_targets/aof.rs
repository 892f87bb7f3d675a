//! Append-only files, whole and damaged: whatever pieces they come in, the same is executed, and what is called whole is.
#![no_main]

#[path = "commands/node.rs"]
mod node;
mod replica {
    pub(super) mod world;
}

use libfuzzer_sys::fuzz_target;
use replica::world::{Item, World, text_of};
use slotway_engine::replay::{End, Replay, ReplayError};

/// What the file is made of; a byte to change; how much of it is there; how much is read at a time.
type Input<'a> = (Vec<Item<'a>>, Option<(u16, u8)>, Option<u16>, u8);

fuzz_target!(|input: Input| {
    let (items, change, len, at_once) = input;
    let mut file = text_of(&items);
    if let Some((at, byte)) = change {
        file.get_mut(usize::from(at)).into_iter().for_each(|changed| *changed = byte);
    }
    file.truncate(len.map_or(file.len(), usize::from));
    let (world, result) = replayed(&file, file.len().max(1));
    let (other, same) = replayed(&file, usize::from(at_once).max(1));
    // An error's place is told by how much was read at once.
    assert_eq!(result.is_ok(), same.is_ok(), "{result:?} and {same:?} of {}", file.escape_ascii());
    let Ok(end) = result else { return };
    assert_eq!(Ok(end), same);
    assert_eq!(world.contents(), other.contents());
    if let End::CutAt(whole) = end {
        let (cut, result) = replayed(&file[..whole as usize], 64);
        let left = file[..whole as usize].escape_ascii();
        assert_eq!(result, Ok(End::Whole), "what is left when the end of {} is cut off: {left}", file.escape_ascii());
        assert_eq!(cut.contents(), world.contents(), "half a transaction is none");
    }
});

fn replayed(file: &[u8], at_once: usize) -> (World, Result<End, ReplayError>) {
    let world = World::default();
    let mut replay = Replay::new(world.session(), 0);
    for piece in file.chunks(at_once) {
        replay.pending().extend_from_slice(piece);
        if let Err(error) = replay.execute(&world.engine, &world.node) {
            return (world, Err(error));
        }
    }
    let end = replay.end();
    (world, Ok(end))
}
