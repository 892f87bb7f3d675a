//! Tests of what needs no interpreter.

use alloc::vec::Vec;

use slotway_core::resp::args::ArgsBuf;
use slotway_core::resp::error::{ScriptError, Scripted};
use slotway_core::time::UnixMs;

use super::{ScriptFlag, ScriptFlags, SlowScript, flag_names, split_shebang};

#[test]
fn the_first_line_has_the_flags_and_leaves_its_line_break() {
    let (flags, program) = split_shebang(b"#!lua flags=no-writes,allow-stale\nreturn 1").unwrap();
    assert_eq!(flag_names(flags), ["no-writes", "allow-stale"]);
    assert!(!flags.contains(ScriptFlag::Compat));
    assert_eq!(program, b"\nreturn 1");
    assert_eq!(split_shebang(b"return 1"), Ok((ScriptFlags::COMPAT, &b"return 1"[..])));
}

#[test]
fn a_first_line_that_is_wrong_is_refused() {
    let refused = |text: &[u8]| split_shebang(text).unwrap_err();
    assert_eq!(refused(b"#!perl\n"), ScriptError::EngineInShebang(b"#!perl".into()));
    assert_eq!(refused(b"#!lua name=x\n"), ScriptError::OptionInShebang(b"name=x".into()));
    assert_eq!(refused(b"#!lua flags=no-write\n"), ScriptError::FlagInShebang(b"no-write".into()));
    assert_eq!(refused(b"#!lua"), ScriptError::ShebangWithoutEnd);
}

#[test]
fn a_slow_script_is_killed_or_writes_but_never_both() {
    let slow = |has_written| {
        let request = ["eval", "x", "0"].iter().collect::<ArgsBuf>();
        SlowScript::new(Scripted::Eval, request.as_args(), UnixMs::from_ms(0), has_written, false)
    };
    let killed = slow(false);
    assert_eq!(killed.kill(Scripted::Function), Err(ScriptError::Busy(Scripted::Eval)));
    assert_eq!(killed.kill(Scripted::Eval), Ok(()));
    assert!(killed.is_killed() && !killed.writes());
    let written = slow(false);
    assert!(written.writes() && written.writes());
    let refusals: Vec<_> = [written, slow(true)].iter().map(|slow| slow.kill(Scripted::Eval)).collect();
    assert_eq!(refusals, [Err(ScriptError::Unkillable), Err(ScriptError::Unkillable)]);
}
