use alloc::string::{String, ToString};
use alloc::vec::Vec;
use std::format;

use super::*;
use crate::command::{all, lookup, resolve};
use crate::resp::args::ArgsBuf;

fn request(text: &str) -> ArgsBuf {
    text.split(' ').map(|word| if word == "\"\"" { "" } else { word }).collect()
}

/// The keys as `key:FLAG,FLAG`, blank between them.
fn keys_and_flags(text: &str) -> Result<String, KeysError> {
    let request = request(text);
    let args = request.as_args();
    let mut shown: Vec<String> = Vec::new();
    keys(resolve(args).expect("a command"), args, &mut |key| {
        let flags: Vec<&str> = key.flags.iter().map(KeyFlag::as_str).collect();
        shown.push(format!("{}:{}", String::from_utf8_lossy(&args[key.index]), flags.join(",")));
    })?;
    Ok(shown.join(" "))
}

fn keys_of(text: &str) -> Result<String, KeysError> {
    let shown = keys_and_flags(text)?;
    Ok(shown.split(' ').map(|key| key.split(':').next().unwrap_or_default()).collect::<Vec<_>>().join(" "))
}

fn routed_by(text: &str) -> String {
    let request = request(text);
    let args = request.as_args();
    let keys = routed(resolve(args).expect("a command"), args);
    keys.map(|key| String::from_utf8_lossy(&args[key.index]).to_string()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_plain_command_has_its_keys_in_a_range() {
    assert_eq!(keys_and_flags("GET k").unwrap(), "k:RO,access");
    assert_eq!(keys_of("MSET a 1 b 2").unwrap(), "a b");
    assert_eq!(keys_of("BLPOP a b 0").unwrap(), "a b");
    assert_eq!(keys_of("OBJECT ENCODING k").unwrap(), "k");
    assert_eq!(keys_and_flags("RENAME a b").unwrap(), "a:RW,access,delete b:OW,update");
    for text in ["GET k", "MSET a 1 b 2", "BLPOP a b 0", "OBJECT ENCODING k", "RENAME a b", "MEMORY USAGE k"]
    {
        assert_eq!(keys_of(text).unwrap(), routed_by(text));
    }
}

#[test]
fn commands_without_keys_say_so() {
    assert_eq!(keys_of("PING"), Err(KeysError::NoKeys));
    assert_eq!(keys_of("CONFIG"), Err(KeysError::NoKeys));
    assert_eq!(keys_of("OBJECT HELP"), Err(KeysError::NoKeys));
    assert_eq!(routed_by("PING"), "");
}

#[test]
fn a_wrong_number_of_arguments_is_told_before_keys() {
    assert_eq!(keys_of("GET"), Err(KeysError::InvalidArity));
    assert_eq!(keys_of("GET k k"), Err(KeysError::InvalidArity));
    assert_eq!(keys_of("MIGRATE h 1 k"), Err(KeysError::InvalidArity));
}

#[test]
fn scripts_have_as_many_keys_as_they_say() {
    assert_eq!(keys_and_flags("EVAL s 2 a b c").unwrap(), "a:RW,access,update b:RW,access,update");
    assert_eq!(keys_and_flags("FCALL_RO f 1 a").unwrap(), "a:RO,access");
    assert_eq!(routed_by("EVALSHA s 2 a b c"), "a b");
}

#[test]
fn scripts_may_have_no_keys() {
    assert_eq!(keys_of("EVAL s 0 a").unwrap(), "");
    assert_eq!(keys_of("EVAL s many a").unwrap(), "");
    assert_eq!(routed_by("EVAL s 9 a"), "");
}

#[test]
fn a_number_that_only_the_command_accepts_gives_keys_without_flags() {
    assert_eq!(keys_and_flags("EVAL s +1 a").unwrap(), "a:");
    assert_eq!(keys_and_flags("ZUNIONSTORE d 01 a").unwrap(), "a: d:");
}

#[test]
fn numbers_of_keys_are_cut_to_32_bits() {
    assert_eq!(keys_and_flags("ZDIFF 4294967297 a b").unwrap(), "a:RO,access");
    assert_eq!(keys_and_flags("ZDIFF -4294967295 a b").unwrap(), "a:");
    assert_eq!(keys_of("ZDIFF 9223372036854775807 a"), Err(KeysError::InvalidArguments));
    assert_eq!(keys_of("ZDIFF 2147483647 a"), Err(KeysError::InvalidArguments));
}

#[test]
fn a_destination_comes_first_by_spec_and_last_by_rule() {
    assert_eq!(keys_and_flags("ZINTERSTORE d 2 a b").unwrap(), "d:OW,update a:RO,access b:RO,access");
    assert_eq!(routed_by("ZINTERSTORE d 2 a b WEIGHTS 1 2"), "a b d");
}

#[test]
fn pops_from_several_keys_count_them() {
    assert_eq!(keys_of("LMPOP 2 a b LEFT").unwrap(), "a b");
    assert_eq!(keys_of("BZMPOP 0 1 a MIN").unwrap(), "a");
    assert_eq!(keys_of("SINTERCARD 3 a b"), Err(KeysError::InvalidArguments));
}

#[test]
fn sort_stores_into_the_last_store() {
    assert_eq!(keys_and_flags("SORT k").unwrap(), "k:RO,access");
    assert_eq!(keys_and_flags("SORT k STORE a store b").unwrap(), "k:RO,access b:OW,update");
    assert_eq!(routed_by("SORT k BY w LIMIT 0 1 GET # STORE d"), "k d");
}

#[test]
fn sort_takes_no_store_for_an_options_value() {
    assert_eq!(keys_of("SORT k BY STORE d").unwrap(), "k");
    assert_eq!(keys_of("SORT k LIMIT STORE STORE STORE d").unwrap(), "k d");
    assert_eq!(keys_of("SORT k STORE").unwrap(), "k");
    assert_eq!(keys_of("SORT_RO k STORE d").unwrap(), "k");
}

#[test]
fn migrate_moves_one_key_or_those_after_keys() {
    assert_eq!(keys_and_flags("MIGRATE h 1 k 0 9").unwrap(), "k:RW,access,delete");
    assert_eq!(keys_of("MIGRATE h 1 \"\" 0 9 COPY AUTH2 keys p KEYS a b").unwrap(), "a b");
    assert_eq!(routed_by("MIGRATE h 1 \"\" 0 9 AUTH keys KEYS a"), "a");
    assert_eq!(routed_by("MIGRATE h 1 k 0 9 REPLACE"), "k");
}

#[test]
fn migrate_of_a_key_and_keys_has_none() {
    assert_eq!(keys_of("MIGRATE h 1 k 0 9 KEYS a b"), Err(KeysError::InvalidArguments));
    assert_eq!(routed_by("MIGRATE h 1 k 0 9 KEYS a b"), "");
}

#[test]
fn georadius_stores_after_its_keywords() {
    assert_eq!(
        keys_and_flags("GEORADIUS k 1 2 3 m COUNT 1 STORE a STOREDIST b").unwrap(),
        "k:RO,access a:OW,update b:OW,update"
    );
    assert_eq!(routed_by("GEORADIUS k 1 2 3 m COUNT 1 STORE a STOREDIST b"), "k b");
    assert_eq!(keys_of("GEORADIUSBYMEMBER k m 3 m STORE a STORE b").unwrap(), "k a");
    assert_eq!(routed_by("GEORADIUSBYMEMBER k m 3 m STORE a STORE b"), "k b");
    assert_eq!(routed_by("GEORADIUS_RO k 1 2 3 m STORE a"), "k");
}

#[test]
fn streams_are_the_first_half_after_streams() {
    assert_eq!(keys_and_flags("XREAD COUNT 2 STREAMS a b 0 0").unwrap(), "a:RO,access b:RO,access");
    assert_eq!(keys_of("XREADGROUP GROUP streams c NOACK STREAMS a >").unwrap(), "a");
    assert_eq!(routed_by("XREADGROUP GROUP streams c BLOCK 1 COUNT 1 NOACK STREAMS a >"), "a");
}

#[test]
fn a_stream_without_its_id_is_shown_but_not_routed() {
    assert_eq!(keys_of("XREAD STREAMS a b 0").unwrap(), "a");
    assert_eq!(routed_by("XREAD STREAMS a b 0"), "");
    assert_eq!(keys_of("XREAD COUNT 2 a 0"), Err(KeysError::InvalidArguments));
    assert_eq!(routed_by("XREAD what STREAMS a 0"), "");
}

#[test]
fn set_reads_only_with_get() {
    assert_eq!(keys_and_flags("SET k v EX 10").unwrap(), "k:OW,update");
    assert_eq!(keys_and_flags("SET k v NX get").unwrap(), "k:RW,access,update");
    assert_eq!(keys_and_flags("SET k get").unwrap(), "k:OW,update");
}

#[test]
fn bitfield_only_reads_if_all_its_operations_do() {
    assert_eq!(keys_and_flags("BITFIELD k").unwrap(), "k:RO,access");
    assert_eq!(keys_and_flags("BITFIELD k GET u8 0 OVERFLOW SAT GET u4 0").unwrap(), "k:RO,access");
    assert_eq!(keys_and_flags("BITFIELD k GET u8 0 INCRBY u8 0 1").unwrap(), "k:RW,access,update");
    assert_eq!(keys_and_flags("BITFIELD k GET u8").unwrap(), "k:RW,access,update");
    assert_eq!(keys_and_flags("BITFIELD_RO k GET u8 0").unwrap(), "k:RO,access");
}

#[test]
fn shard_channels_are_routed_but_are_no_keys() {
    assert_eq!(routed_by("SSUBSCRIBE a b"), "a b");
    assert_eq!(routed_by("SUNSUBSCRIBE"), "");
    assert_eq!(keys_of("SPUBLISH c m"), Err(KeysError::NoKeys));
    let request = request("SPUBLISH c m");
    let mut found = Vec::new();
    channels(lookup(b"spublish").unwrap(), request.as_args(), &mut |key| found.push(key.index));
    assert_eq!(found, [1]);
    assert_eq!(routed_by("PUBLISH c m"), "");
}

#[test]
fn errors_have_the_words_of_command_getkeys() {
    let text = |error| ErrorReply::from(error).to_string();
    assert_eq!(text(KeysError::NoKeys), "ERR The command has no key arguments");
    assert_eq!(text(KeysError::InvalidArity), "ERR Invalid number of arguments specified for command");
    assert_eq!(text(KeysError::InvalidArguments), "ERR Invalid arguments specified for command");
}

#[test]
fn most_commands_have_one_key_in_front() {
    let first_only = |name: &[u8]| lookup(name).unwrap().has_first_key_only();
    assert!(first_only(b"get") && first_only(b"set") && first_only(b"hset"));
    assert!(!first_only(b"mset") && !first_only(b"sort") && !first_only(b"ping") && !first_only(b"eval"));
}

#[test]
fn no_position_lies_outside_a_request_however_malformed() {
    let words = ["1", "store", "streams", "keys", "99", "", "-1", "get", "block"];
    for command in all() {
        for argc in 1..9 {
            for shift in 0..words.len() {
                let arguments = (1..argc).map(|at| words[(at * (shift + 1) + shift) % words.len()]);
                let request: ArgsBuf = core::iter::once(command.name).chain(arguments).collect();
                let args = request.as_args();
                assert!(routed(command, args).all(|key| key.index < argc), "{args:?}");
                accessed(command, args, &mut |key| assert!(key.index < argc, "{args:?}"));
                channels(command, args, &mut |key| assert!(key.index < argc, "{args:?}"));
            }
        }
    }
}
