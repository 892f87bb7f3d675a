//! Tests of scripts against a node that is not there: a caller that answers with replies prepared for it.
//!
//! What real scripts do on real data is compared with Redis in `tests/tests/differential.rs`.

mod escapes;
mod functions;

use slotway_core::resp::args::{Args, ArgsBuf};
use slotway_core::resp::encode::{Protocol, ReplyWriter};
use slotway_engine::propagation::Readers;
use slotway_engine::script::{Caller, Naming, ScriptHost as _};

use crate::Host;

/// Answers `echo` with what follows it, as bytes of a reply, and notes what else it is asked.
struct Prepared {
    reply: Vec<u8>,
    out: Vec<u8>,
    protocols: (Protocol, Protocol),
    readers: Readers,
    /// After how many questions the script is to end.
    patience: u32,
}

impl Prepared {
    fn new() -> Self {
        Self {
            reply: Vec::new(),
            out: Vec::new(),
            protocols: (Protocol::Resp2, Protocol::Resp2),
            readers: Readers::ALL,
            patience: u32::MAX,
        }
    }
}

impl Caller for Prepared {
    fn call(&mut self, words: Args<'_>) -> &[u8] {
        self.reply = match words.at(0) {
            b"echo" => words.at(1).to_vec(),
            b"words" => words.iter().collect::<Vec<_>>().join(&b' '),
            _ => b"-ERR Unknown Redis command called from script\r\n".to_vec(),
        };
        if words.at(0) == b"words" {
            self.reply = [b"+", &self.reply[..], b"\r\n"].concat();
        }
        &self.reply
    }

    fn allows(&self, words: Args<'_>) -> Option<bool> {
        (words.at(0) == b"echo").then_some(true)
    }

    fn set_protocol(&mut self, protocol: Protocol) {
        self.protocols.1 = protocol;
    }

    fn protocol(&self) -> Protocol {
        self.protocols.1
    }

    fn set_readers(&mut self, readers: Readers) {
        self.readers = readers;
    }

    fn goes_on(&mut self) -> bool {
        self.patience -= 1;
        self.patience > 0
    }

    fn log(&self, _: u8, _: &[u8]) {}

    fn reply(&mut self) -> ReplyWriter<'_> {
        ReplyWriter::new(&mut self.out, self.protocols.0)
    }
}

/// Memory that no test comes near.
const MEMORY_MAX: usize = 64 << 20;

fn host() -> Host {
    Host::new(MEMORY_MAX)
}

/// The reply of a script, with the digest cut out of errors.
#[track_caller]
fn run_with(host: &Host, caller: &mut Prepared, script: &str) -> String {
    let (keys, args): (ArgsBuf, ArgsBuf) = (["k1"].iter().collect(), ["a1", "a2"].iter().collect());
    let outcome = host
        .find(Naming::Text, script.as_bytes())
        .and_then(|found| host.run(found, keys.as_args(), args.as_args(), caller));
    match outcome {
        Ok(()) => String::from_utf8(std::mem::take(&mut caller.out)).expect("text"),
        Err(error) => {
            let text = error.to_string();
            let digest = String::from_utf8(crate::redis::digest(script.as_bytes()).to_vec()).expect("digits");
            format!("-{}", text.replace(&digest, "SHA"))
        }
    }
}

#[track_caller]
fn run(script: &str) -> String {
    run_with(&host(), &mut Prepared::new(), script)
}

#[test]
fn values_become_replies() {
    assert_eq!(
        run("return {1, 2.9, 'x', true, false, {}}"),
        "*6\r\n:1\r\n:2\r\n$1\r\nx\r\n:1\r\n$-1\r\n*0\r\n"
    );
    assert_eq!(run("return {1, nil, 3}"), "*1\r\n:1\r\n");
    assert_eq!(run("return {ok = 'a\\r\\nb'}"), "+a  b\r\n");
    assert_eq!(run("return {{err = 'X y'}, redis.error_reply('z')}"), "*2\r\n-X y\r\n-ERR z\r\n");
    assert_eq!(run("return"), "$-1\r\n");
    assert_eq!(run("return 1e300"), ":-9223372036854775808\r\n");
    assert_eq!(run("return {KEYS[1], ARGV[2], #ARGV}"), "*3\r\n$2\r\nk1\r\n$2\r\na2\r\n:2\r\n");
}

#[test]
fn what_resp3_adds_keeps_its_type_for_who_speaks_it() {
    let script = "redis.setresp(3) return {{double = 2.5}, {map = {a = 1}}, {set = {b = true}}, true, false}";
    assert_eq!(run(script), "*5\r\n$3\r\n2.5\r\n*2\r\n$1\r\na\r\n:1\r\n*1\r\n$1\r\nb\r\n:1\r\n:0\r\n");
    let mut caller = Prepared::new();
    caller.protocols.0 = Protocol::Resp3;
    let reply = run_with(&host(), &mut caller, script);
    assert_eq!(reply, "*5\r\n,2.5\r\n%1\r\n$1\r\na\r\n:1\r\n~1\r\n$1\r\nb\r\n#t\r\n#f\r\n");
}

#[test]
fn replies_become_values_and_come_back() {
    for (reply, comes_back) in [
        ("*3\\r\\n:1\\r\\n$2\\r\\nhi\\r\\n$-1\\r\\n", "*3\r\n:1\r\n$2\r\nhi\r\n$-1\r\n"),
        ("*-1\\r\\n", "$-1\r\n"),
        ("_\\r\\n", "$-1\r\n"),
        ("+OK\\r\\n", "+OK\r\n"),
        ("%1\\r\\n$1\\r\\na\\r\\n,1.5\\r\\n", "*2\r\n$1\r\na\r\n$3\r\n1.5\r\n"),
        ("=6\\r\\ntxt:hi\\r\\n", "$2\r\nhi\r\n"),
        ("(123\\r\\n", "$3\r\n123\r\n"),
    ] {
        assert_eq!(run(&format!("return redis.call('echo', '{reply}')")), comes_back, "{reply}");
    }
}

#[test]
fn commands_take_strings_and_numbers() {
    let script = "return redis.call('words', 1, 2.5, 1e15, 1e20, -0.1)";
    assert_eq!(run(script), "+words 1 2.5 1000000000000000 1e+20 -0.1\r\n");
    let refused =
        "-ERR Lua redis lib command arguments must be strings or integers script: SHA, on @user_script:1.";
    assert_eq!(run("redis.call('words', {})"), refused);
}

#[test]
fn an_error_of_a_command_ends_the_script_or_is_a_value() {
    let text = "ERR Unknown Redis command called from script";
    assert_eq!(run("\nredis.call('x') return 1"), format!("-{text} script: SHA, on @user_script:2."));
    assert_eq!(run("return redis.pcall('x')"), format!("-{text}\r\n"));
    assert_eq!(
        run("local ok, why = pcall(redis.call, 'x') return why"),
        format!("${}\r\n{text}\r\n", text.len())
    );
}

#[test]
fn errors_tell_their_line() {
    assert_eq!(run("error('x')"), "-ERR user_script:1: x script: SHA, on @user_script:1.");
    assert_eq!(run("error({err = 'MY x'})"), "-MY x script: SHA, on @user_script:1.");
    assert_eq!(run("error({})"), "-ERR unknown error script: SHA, on @user_script:1.");
    assert_eq!(
        run("if x"),
        "-ERR Error compiling script (new function): user_script:1: 'then' expected near '<eof>'"
    );
}

#[test]
fn nothing_that_scripts_share_can_be_changed() {
    let readonly = "Attempt to modify a readonly table script: SHA, on @user_script:1.";
    for script in [
        "x = 1",
        "_G.redis = nil",
        "redis.call = nil",
        "string.format = nil",
        "math.new = 1",
        "getmetatable('').__index = nil",
        "getmetatable(_G).__index = nil",
        "getmetatable('').__index.len = nil",
    ] {
        assert_eq!(run(script), format!("-ERR user_script:1: {readonly}"), "{script}");
    }
    for script in [
        "rawset(_G, 'x', 1)",
        "rawset(redis, 'call', 1)",
        "setmetatable(_G, {})",
        "table.insert(redis, 1)",
        "table.sort(_G)",
        "table.remove(string)",
    ] {
        assert_eq!(run(script), format!("-ERR {readonly}"), "{script}");
    }
}

#[test]
fn what_is_behind_a_front_is_read_through_it() {
    assert_eq!(
        run("return {rawget(_G, 'redis') == redis, _G._G == _G, next(redis) ~= nil}"),
        "*3\r\n:1\r\n:1\r\n:1\r\n"
    );
    assert_eq!(run("local n = 0 for k in pairs(redis) do n = n + 1 end return n"), ":23\r\n");
    assert_eq!(run("local _, t = pairs(redis) t.call = 1"), run("redis.call = 1").replace("redis.", ""));
    assert_eq!(run("return getmetatable(redis) == nil"), ":1\r\n");
}

#[test]
fn there_is_no_way_out() {
    let host = host();
    for name in [
        "print", "dofile", "loadfile", "require", "module", "debug", "io", "os", "package", "getfenv",
        "setfenv", "newproxy",
    ] {
        let refused = format!(
            "-ERR user_script:1: Script attempted to access nonexistent global variable '{name}' script: SHA, on @user_script:1."
        );
        assert_eq!(run_with(&host, &mut Prepared::new(), &format!("return {name}")), refused);
    }
    let compiled = "local code = string.dump(function() return 1 end)";
    for load in ["loadstring(code)", "load(function() local c = code code = nil return c end)"] {
        let reply = run_with(&host, &mut Prepared::new(), &format!("{compiled} return ({load}) == nil"));
        assert_eq!(reply, ":1\r\n", "{load}");
    }
    assert_eq!(run("return loadstring('return 1 + 1')()"), ":2\r\n");
    assert_eq!(
        run("local p = {'return ', '7'} return load(function() return table.remove(p, 1) end)()"),
        ":7\r\n"
    );
}

#[test]
fn what_has_no_end_ends_with_an_error() {
    let overflow = run("local function f() return 1 + f() end return f()");
    assert_eq!(overflow, "-ERR user_script:1: stack overflow script: SHA, on @user_script:1.");
    assert_eq!(
        run("local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end"),
        "-ERR Error running script SHA, not enough memory"
    );
    assert_eq!(
        run("local s = 'x' while true do s = s .. s end"),
        "-ERR Error running script SHA, not enough memory"
    );
}

#[test]
fn a_script_that_is_told_to_end_ends_whatever_it_catches() {
    let host = host();
    let mut caller = Prepared { patience: 3, ..Prepared::new() };
    let reply = run_with(&host, &mut caller, "while true do\npcall(function()\nwhile true do end\nend)\nend");
    assert!(
        reply.starts_with("-ERR Script killed by user with SCRIPT KILL... script: SHA, on @user_script:"),
        "{reply}"
    );
    assert_eq!(run_with(&host, &mut Prepared::new(), "return 1"), ":1\r\n");
}

#[test]
fn scripts_are_found_by_text_and_digest_until_they_are_flushed() {
    let host = host();
    assert_eq!(host.figures().scripts_vm_bytes, 0, "nothing is made before it is needed");
    let digest = host.load(b"return 1").unwrap();
    assert_eq!(&digest, b"e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
    let found = host.find(Naming::Text, b"return 1").unwrap();
    assert_eq!(host.find(Naming::Digest, &digest.to_ascii_uppercase()), Ok(found));
    assert!(host.has(&digest) && !host.has(b"x"));
    assert_eq!(host.figures().scripts, 1);
    host.flush();
    assert!(!host.has(&digest));
    let mut caller = Prepared::new();
    let nothing = ArgsBuf::default();
    let stale = host.run(found, nothing.as_args(), nothing.as_args(), &mut caller);
    assert_eq!(stale.unwrap_err().to_string(), "NOSCRIPT No matching script. Please use EVAL.");
}

#[test]
fn propagation_and_protocol_are_the_callers() {
    let mut caller = Prepared::new();
    run_with(&host(), &mut caller, "redis.set_repl(redis.REPL_NONE) redis.setresp(3)");
    assert!(caller.readers == Readers::NONE && caller.protocols.1 == Protocol::Resp3);
    run_with(&host(), &mut caller, "redis.set_repl(redis.REPL_AOF)");
    assert_eq!(caller.readers, Readers::FILE);
}

#[test]
fn bits_are_those_of_32() {
    let script = "return {bit.band(0xff, 0x0f), bit.bnot(0), bit.lshift(1, 31), bit.arshift(-8, 1), bit.rol(0x12345678, 12), bit.bswap(0x12345678)}";
    assert_eq!(run(script), "*6\r\n:15\r\n:-1\r\n:-2147483648\r\n:-4\r\n:1164411171\r\n:2018915346\r\n");
    assert_eq!(run("return bit.tohex(-1, -4) .. bit.tohex(255)"), "$12\r\nFFFF000000ff\r\n");
    assert_eq!(
        run("bit.band('x')"),
        "-ERR user_script:1: bad argument #1 to 'band' (number expected, got string) script: SHA, on @user_script:1."
    );
}

#[test]
fn json_goes_both_ways() {
    assert_eq!(
        run("return cjson.encode({1, 2.5, 'a/\\n', true, cjson.null, {}})"),
        "$28\r\n[1,2.5,\"a\\/\\n\",true,null,{}]\r\n"
    );
    assert_eq!(run("return cjson.decode('[1, {\"a\": [2, null]}]')[2].a[1]"), ":2\r\n");
    assert_eq!(run("return cjson.decode('\"\\\\u00e9\\\\ud83d\\\\ude00\"')"), "$6\r\né😀\r\n");
    let at = |text: &str| format!("-ERR user_script:1: {text} script: SHA, on @user_script:1.");
    assert_eq!(run("cjson.decode('[1,')"), at("Expected value but found T_END at character 4"));
    assert_eq!(
        run("cjson.encode({[1] = 1, [99] = 2})"),
        at("Cannot serialise table: excessively sparse array")
    );
    assert_eq!(run("cjson.encode(1 / 0)"), at("Cannot serialise number: must not be NaN or Inf"));
    let deep = "local t = {} local r = t for i = 1, 1001 do t[1] = {} t = t[1] end cjson.encode(r)";
    assert_eq!(run(deep), at("Cannot serialise, excessive nesting (1001)"));
}

#[test]
fn settings_of_json_stay_and_are_those_of_one_table() {
    let host = host();
    let mut caller = Prepared::new();
    assert_eq!(run_with(&host, &mut caller, "return cjson.encode_number_precision(3)"), ":3\r\n");
    assert_eq!(run_with(&host, &mut caller, "return cjson.encode(3.14159)"), "$4\r\n3.14\r\n");
    assert_eq!(run_with(&host, &mut caller, "return cjson.new().encode(3.14159)"), "$7\r\n3.14159\r\n");
}

#[test]
fn message_pack_goes_both_ways() {
    assert_eq!(run("return cmsgpack.pack(1, -1, 'a', {1}, {}) == '\\1\\255\\161a\\145\\1\\144'"), ":1\r\n");
    assert_eq!(
        run("return {cmsgpack.unpack(cmsgpack.pack(70000, -70000, 2.5, {3, {4}}, false))}"),
        "*5\r\n:70000\r\n:-70000\r\n:2\r\n*2\r\n:3\r\n*1\r\n:4\r\n$-1\r\n"
    );
    assert_eq!(run("return {cmsgpack.unpack_one(cmsgpack.pack(5, 6))}"), "*2\r\n:1\r\n:5\r\n");
    let missing = run("cmsgpack.unpack('\\129\\161a')");
    assert_eq!(missing, "-ERR user_script:1: Missing bytes in input. script: SHA, on @user_script:1.");
    assert_eq!(run("cmsgpack.unpack('\\193')"), missing.replace("Missing bytes", "Bad data format"));
}

#[test]
fn structures_are_laid_out_as_their_format_says() {
    assert_eq!(run("return struct.pack('>I2i4', 258, -2) == '\\1\\2\\255\\255\\255\\254'"), ":1\r\n");
    assert_eq!(run("return struct.pack('!4bi4', 1, 2) == '\\1\\0\\0\\0\\2\\0\\0\\0'"), ":1\r\n");
    assert_eq!(
        run("return {struct.unpack('bc0 s', '\\3abcrest\\0')}"),
        "*3\r\n$3\r\nabc\r\n$4\r\nrest\r\n:10\r\n"
    );
    let short = "-ERR user_script:1: bad argument #2 to 'unpack' (data string too short) script: SHA, on @user_script:1.";
    assert_eq!(run("struct.unpack('i4', 'abc')"), short);
    assert_eq!(run("return struct.size('!4 b i4 d')"), ":16\r\n");
}
