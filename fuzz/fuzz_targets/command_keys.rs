//! Keys of a request are arguments of it, whatever the request says about their number.
#![no_main]

use libfuzzer_sys::fuzz_target;
use slotway_core::command::keys::{accessed, channels, keys, routed};
use slotway_core::command::{all, resolve};
use slotway_core::resp::args::ArgsBuf;

fuzz_target!(|input: (u16, &[u8])| {
    // The first word is a command more often than chance would have it; the others are separated by bars.
    let (number, rest) = input;
    let command = &all()[usize::from(number) % all().len()];
    let name = command.name.split('|').map(str::as_bytes);
    let request: ArgsBuf = name.chain(rest.split(|byte| *byte == b'|')).collect();
    let args = request.as_args();
    let Ok(command) = resolve(args) else { return };
    let mut within = |key: slotway_core::command::keys::Key| assert!(key.index < args.len());
    if keys(command, args, &mut within).is_ok() {
        assert!(command.has_keys());
    }
    accessed(command, args, &mut within);
    channels(command, args, &mut within);
    routed(command, args).for_each(within);
});
