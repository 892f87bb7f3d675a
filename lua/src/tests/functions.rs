//! Tests of libraries and functions against a node that is not there. What Redis answers is compared in `tests/tests/functions.rs`.

use std::cell::RefCell;
use std::sync::Arc;

use slotway_core::resp::args::ArgsBuf;
use slotway_core::resp::error::{ErrorReply, FunctionError};
use slotway_engine::script::{Libraries, Loading, Naming, ScriptHost as _, Taken};

use super::{Host, Prepared, host};

/// What becomes of a library that is loaded.
fn load_with(host: &Host, code: &str, taken: Taken) -> Result<(), FunctionError> {
    Loading { host, patience_ms: Some(50), log: &|_, _| {} }.library(code.as_bytes(), taken)
}

fn load(host: &Host, code: &str) -> Result<(), FunctionError> {
    load_with(host, code, Taken::Refuse)
}

fn call(host: &Host, name: &str) -> String {
    let (keys, args): (ArgsBuf, ArgsBuf) = (["k1"].iter().collect(), ["a1"].iter().collect());
    let mut caller = Prepared::new();
    let found = host.find(Naming::Function, name.as_bytes());
    match found.and_then(|found| host.run(found, keys.as_args(), args.as_args(), &mut caller)) {
        Ok(()) => String::from_utf8(caller.out).expect("text"),
        Err(error) => format!("-{error}"),
    }
}

fn text(error: FunctionError) -> String {
    ErrorReply::from(error).to_string()
}

#[test]
fn a_library_keeps_what_is_local_to_it_and_is_given_keys_and_arguments() {
    let host = host();
    let code = "#!lua name=lib\nlocal n = 0\nredis.register_function('f', function(keys, args) n = n + 1 return {n, keys[1], args[1]} end)";
    load(&host, code).unwrap();
    assert_eq!(call(&host, "F"), "*3\r\n:1\r\n$2\r\nk1\r\n$2\r\na1\r\n");
    assert_eq!(call(&host, "f"), "*3\r\n:2\r\n$2\r\nk1\r\n$2\r\na1\r\n");
    load_with(&host, code, Taken::Replace).unwrap();
    assert_eq!(call(&host, "f"), "*3\r\n:1\r\n$2\r\nk1\r\n$2\r\na1\r\n", "it has begun anew");
}

#[test]
fn a_library_that_fails_changes_nothing_and_leaves_nothing() {
    let host = host();
    load(&host, "#!lua name=lib\nredis.register_function('f', function() return 1 end)").unwrap();
    for (code, why) in [
        ("#!lua name=lib\nredis.register_function('g', function() end)", "ERR Library 'lib' already exists"),
        ("#!lua name=other\nredis.register_function('F', function() end)", "ERR Function F already exists"),
        ("#!lua name=other\nlocal x", "ERR No functions registered"),
        (
            "#!lua name=other\nredis.register_function('g', function() end) x.y = 1",
            "ERR Error registering functions: ERR user_function:2: Script attempted to access nonexistent global variable 'x'",
        ),
        (
            "#!lua name=other\nredis.register_function('g', function() end) while true do end",
            "ERR Error registering functions: ERR FUNCTION LOAD timeout",
        ),
    ] {
        assert_eq!(load(&host, code).map_err(text), Err(why.into()), "{code}");
        assert_eq!(
            (call(&host, "f").as_str(), call(&host, "g").as_str()),
            (":1\r\n", "-ERR Function not found")
        );
    }
    assert_eq!((host.figures().libraries, host.figures().functions), (1, 1));
    host.set_libraries(Arc::new(Libraries::default()));
    assert_eq!(call(&host, "f"), "-ERR Function not found");
}

#[test]
fn functions_find_the_libraries_and_cannot_change_what_they_share() {
    let host = host();
    let code = "#!lua name=lib\nredis.register_function('json', function() return cjson.encode({1}) end)\nredis.register_function('set', function() x = 1 end)\nredis.register_function('keys', function() return KEYS end)";
    load(&host, code).unwrap();
    assert_eq!(call(&host, "json"), "$3\r\n[1]\r\n");
    let readonly =
        "-ERR user_function:3: Attempt to modify a readonly table script: set, on @user_function:3.";
    assert_eq!(call(&host, "set"), readonly);
    assert!(call(&host, "keys").contains("nonexistent global variable 'KEYS'"));
    // A script does not find what libraries find, nor they what is there for scripts.
    assert_eq!(
        super::run_with(&host, &mut Prepared::new(), "return redis.register_function == nil"),
        ":1\r\n"
    );
}

#[test]
fn a_library_may_write_to_the_log_and_nothing_else() {
    let (host, lines) = (host(), RefCell::new(Vec::new()));
    let log = |level: u8, line: &[u8]| lines.borrow_mut().push((level, line.to_vec()));
    let code = b"#!lua name=lib\nredis.log(redis.LOG_WARNING, 'loaded') redis.register_function('f', function() end)";
    Loading { host: &host, patience_ms: None, log: &log }.library(code, Taken::Refuse).unwrap();
    assert_eq!(*lines.borrow(), [(3, b"loaded".to_vec())]);
    let why = load(&host, "#!lua name=other\nredis.call('ping')").map_err(text).unwrap_err();
    assert!(why.contains("nonexistent global variable 'call'"), "{why}");
}
