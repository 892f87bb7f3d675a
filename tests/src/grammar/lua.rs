//! Scripts around generated commands: what they return shows how replies become values of Lua, and these replies again.
//!
//! ```text
//!   local r = {}                                   what is returned
//!   r[#r+1] = redis.call('SADD', KEYS[1], 'a')     commands of the deck, their words as text, numbers, KEYS or ARGV
//!   for i = 1, 3 do ... end                        loops, branches, replies that are words of later commands
//!   r[#r+1] = cjson.encode({1, 'x'})               libraries
//!   return r                                       or one of its values, or an error
//! ```
//!
//! Commands whose replies have no order of their own are left out, and scores that 7.0 and 7.2 write differently: a script could
//! make text of them, which cannot be compared.

use crate::comparison::{self, Comparison};
use crate::random::Random;
use crate::script::Step;

/// Statements of one script, at most.
const STATEMENTS_MAX: usize = 7;
/// Percent of scripts whose text is cut off or otherwise wrong.
const BROKEN: usize = 3;

/// What a script may do besides commands; each leaves a value, or fails.
#[rustfmt::skip]
const EXPRESSIONS: &[&str] = &[
    // Values that become replies.
    "1", "-7", "3.75", "-3.75", "1e15", "true", "false", "nil", "'text'", "''", "'\\0\\255\\r\\n'", "{}", "{1, 2, 3}", "{1, nil, 3}", "{'a', {'b', {'c'}}}",
    "{true, false, true}", "{ok='fine'}", "{err='ERR mine'}", "{err='mine'}", "{err='ERR with\\r\\nlines'}", "{ok='with\\r\\nlines'}", "{double=3.5}",
    "{double=1e10}", "{map={a=1}}", "{map={[1]='x'}}", "{set={x=true}}", "{set={}}", "{big_number='12345678901234567890'}", "{big_number='1\\r\\n2'}",
    "{verbatim_string={format='txt', string='said'}}", "{verbatim_string={string='said'}}", "{a=1}", "{1, 2, a=3}", "{[2]='second'}",
    "redis.status_reply('fine')", "redis.status_reply('')", "redis.error_reply('mine')", "redis.error_reply('-mine')", "redis.error_reply('ERR mine')",
    "redis.error_reply('')", "redis.status_reply(1)", "redis.error_reply()",
    // Redis' own functions.
    "redis.sha1hex('')", "redis.sha1hex('text')", "redis.sha1hex(1)", "redis.sha1hex()", "redis.REDIS_VERSION_NUM > 0", "redis.replicate_commands()",
    "redis.setresp(3)", "redis.setresp(2)", "redis.setresp(4)", "redis.setresp()", "redis.set_repl(redis.REPL_ALL)", "redis.set_repl(99)", "redis.set_repl()",
    "redis.acl_check_cmd('get', 'k')", "redis.acl_check_cmd('no-such')", "redis.acl_check_cmd()", "redis.call()", "redis.pcall()", "redis.call('no-such')",
    "redis.pcall('no-such')", "redis.call('get')", "redis.pcall('get')", "redis.call('get', {})", "redis.pcall('get', nil)", "redis.call('multi')",
    "redis.pcall('subscribe', 'c')", "redis.pcall('eval', 'return 1', 0)", "redis.call('ping')", "redis.call('echo', 'said')", "redis.pcall('select', '1')",
    "redis.log(redis.LOG_DEBUG, 'x')", "redis.log('x')", "redis.breakpoint()", "redis.debug()", "redis.call('publish', 'c', 'x')",
    // Libraries.
    "cjson.encode({1, 2.5, 'x', true, cjson.null})", "cjson.encode({a=1})", "cjson.encode({})", "cjson.encode('\\1\\31/\"\\\\\\127')", "cjson.encode(0.1)",
    "cjson.encode(1e20)", "cjson.encode(1/0)", "cjson.encode({[5]=1})", "cjson.encode({[100]=1})", "cjson.encode(redis.call)", "cjson.encode({{{{}}}})",
    "cjson.decode('[1, 2.5, \"x\", null, true]')", "cjson.decode('{\"a\": [1]}').a", "cjson.decode('[')", "cjson.decode('')", "cjson.decode('\"\\\\u20ac\\\\ud83d\\\\ude00\"')",
    "cjson.decode('[1,]')", "cjson.decode('1e3')", "cjson.decode('nul')", "cjson.decode('0x10')",
    "cmsgpack.pack(1, 'x', {1, 2}, true, nil)", "cmsgpack.pack(-1, 127, 128, 65536, 1e300, 0.5)", "cmsgpack.pack()", "{cmsgpack.unpack(cmsgpack.pack(1, 'x', {1, {2}}))}",
    "cmsgpack.unpack('\\193')", "cmsgpack.unpack('\\146\\1')", "{cmsgpack.unpack_one(cmsgpack.pack(1, 2, 3))}", "{cmsgpack.unpack_limit(cmsgpack.pack(1, 2, 3), 2)}",
    "struct.pack('>I2i4', 1, -2)", "struct.pack('<dHs', 0.5, 7, 'x')", "{struct.unpack('>I2', '\\1\\2')}", "struct.unpack('>I4', '\\1')", "struct.size('i8b')", "struct.pack('q')",
    "bit.band(0xff, 0x0f0f)", "bit.bor(1, -1)", "bit.tohex(255, 4)", "bit.lshift(1, 33)", "bit.bxor(2^31, 1)", "bit.bnot('x')", "bit.rol(1, 31)",
    "string.format('%5.2f|%d|%s|%q|%x|%c|%e', 3.14159, 42, 'x', 'q\"', 255, 65, 1e10)", "string.rep('ab', 3)", "string.gsub('hello world', 'o', '0')", "('x'):rep(-1)",
    "{string.find('hello', 'l+')}", "string.match('key:12', ':(%d+)')", "string.byte('A')", "string.char(72, 105)", "string.reverse('abc')", "#'length'", "string.upper('mixed Case')",
    "string.sub('hello', -3, -2)", "string.format('%d', 'x')", "string.len()", "tostring(1e100)", "tostring(0.1)", "tostring(2^53)", "tostring(nil)", "tonumber('0x1F')",
    "tonumber('z', 36)", "tonumber('abc')", "tonumber('10', 2)", "10 / 4", "7 % -3", "2 ^ -2", "1 / 0", "-1 / 0", "'10' + 5", "'x' .. 1 .. 2.5", "1 == '1'", "'a' < 'b'", "{} == {}",
    "math.floor(-3.5)", "math.max(1, 3, 2)", "math.huge", "math.pi > 3", "math.random(1000)", "math.random() < 1", "math.fmod(-7, 3)", "math.random(0)",
    "table.concat({1, 2, 'x'}, '-')", "table.concat({{}})", "(function() local t = {3, 1, 2} table.sort(t) return t end)()", "#{1, 2, 3}", "unpack({1, 2})", "select('#', 1, 2, nil)",
    "{pcall(function() error('mine') end)}", "{pcall(function() error({err='mine'}) end)}", "{pcall(error)}", "type(redis)", "type(KEYS)", "#KEYS", "#ARGV", "KEYS[1]", "ARGV[1]", "ARGV[99]",
    "(function(...) return select('#', ...) end)(1, nil, 3)", "{next({'x'})}", "rawget({a=1}, 'a')", "setmetatable({}, {__index=function() return 'made' end}).x",
    "loadstring('return 5')()", "loadstring('return')", "getmetatable('').__index == string", "type(next)", "rawequal('a', 'a')", "os.clock() >= 0", "coroutine.wrap(function() coroutine.yield(4) end)()",
    // What fails.
    "error('mine')", "error({err='ERR mine'})", "error({err='mine', a=1})", "error()", "error('mine', 0)", "no_such_global", "(nil)()", "(nil).x", "('x').y.z", "1 + {}", "{} .. 'x'", "#nil", "{} < {}",
    "print('x')", "os.time()", "io.write('x')", "require('x')", "dofile('x')", "rawset(redis, 'x', 1)", "setmetatable(redis, {})", "getfenv()", "string.dump(function() end)", "assert(false, 'mine')",
    "assert(nil)", "assert(1, 2)", "collectgarbage('count') > 0", "newproxy ~= nil",
];

/// Whole statements.
#[rustfmt::skip]
const STATEMENTS: &[&str] = &[
    "if r[#r] then r[#r+1] = 'yes' else r[#r+1] = 'no' end",
    "for i, v in ipairs(r) do r[i] = type(v) end",
    "for i = 1, #r do if type(r[i]) == 'table' then r[i] = r[i].err or r[i].ok or #r[i] end end",
    "if type(r[#r]) == 'table' and r[#r].err then return r[#r] end",
    "if type(r[#r]) == 'table' and r[#r].err then error(r[#r]) end",
    "if type(r[#r]) == 'table' then r[#r+1] = r[#r].double or r[#r].map or r[#r].set or r[#r].big_number or #r[#r] end",
    "r = {r}", "r[#r] = nil", "r[#r+1] = tostring(type(r[#r]))", "x = 1", "redis.x = 1", "KEYS[1] = 'other'", "ARGV[1] = nil", "string.x = 1", "_G.y = 2", "local r = {r}",
    "local s, e = pcall(redis.call, 'incr', 'l0') r[#r+1] = s r[#r+1] = e",
    "local e = redis.pcall('incr', 'l0') if e and type(e) == 'table' then r[#r+1] = e.err r[#r+1] = e.ignore_error_stats_update or 'none' end",
    "do local t = redis.pcall('lrange', 'l0', 0, -1) if t[1] then r[#r+1] = redis.pcall('sadd', 's0', unpack(t)) end end",
    "for i = 1, 300 do r[#r+1] = i end",
    "local function f(n) if n == 0 then return 0 end return 1 + f(n - 1) end r[#r+1] = f(100)",
    "redis.setresp(3) r[#r+1] = redis.pcall('hgetall', 'h9') r[#r+1] = redis.pcall('zscore', 'z0', '1') redis.setresp(2)",
];

/// How a script is run.
const PRELUDES: &[&str] = &[
    "",
    "",
    "",
    "",
    "",
    "#!lua\n",
    "#!lua flags=no-writes\n",
    "#!lua flags=allow-stale,no-cluster\n",
    "#!lua name=x\n",
    "#!lua flags=odd\n",
    "#!js\n",
];

/// Commands of which 7.2 knows more than 7.0, or that answer by chance; Redis takes an old error for one of SORT's numbers.
#[rustfmt::skip]
const UNFIT: &[&str] = &[
    "dbsize", "keys", "lpos", "object", "sort", "sort_ro", "xautoclaim", "xclaim", "xgroup", "xread", "xreadgroup", "zrank", "zrevrank",
];

/// Commands that take a time: any other number would be a few milliseconds from now.
#[rustfmt::skip]
const TIMED: &[&str] = &[
    "expire", "expireat", "getex", "pexpire", "pexpireat", "psetex", "set", "setex",
];

/// A script that is run once, or a library that is loaded and called. `command` gives commands to put into it.
pub fn steps(random: &mut Random, mut command: impl FnMut(&mut Random) -> Step) -> Vec<Step> {
    let mut script = Script::default();
    let count = 1 + random.below(STATEMENTS_MAX);
    (0..count).for_each(|_| script.statement(random, &mut command));
    script.end(random);
    if random.chance(20) {
        return script.into_function(random);
    }
    // Redis answers the error of a broken function as it is, with the line ends of the text that it quotes.
    if random.chance(BROKEN) {
        script.text.truncate(random.below(script.text.len()));
    }
    script.into_text(random)
}

/// Whether a command's reply is the same text on both servers wherever a script puts it.
pub fn is_fit(step: &Step) -> bool {
    let is_score = |arg: &Vec<u8>| {
        let text = String::from_utf8_lossy(arg);
        text.parse::<f64>().is_ok_and(|score| score.fract() != 0.0 || score.abs() > 1e15 || score.is_nan())
    };
    let has_scores = step.name().starts_with(['z', 'g']);
    let is_odd =
        UNFIT.contains(&step.name().as_str()) || has_scores && step.args.iter().skip(1).any(is_score);
    comparison::of(step) == Comparison::Exact && !step.waits && step.pause_ms == 0 && !is_odd
}

#[derive(Default)]
struct Script {
    text: String,
    keys: Vec<Vec<u8>>,
    args: Vec<Vec<u8>>,
}

impl Script {
    fn statement(&mut self, random: &mut Random, command: &mut impl FnMut(&mut Random) -> Step) {
        match random.below(10) {
            0 | 1 => return self.push(&format!("r[#r+1] = {}", random.pick(EXPRESSIONS))),
            2 => return self.push(random.pick::<&str>(STATEMENTS)),
            _ => {}
        }
        let step = command(random);
        match random.below(8) {
            0 => {
                let (times, call) = (1 + random.below(4), self.call(random, &step, Some("i")));
                self.push(&format!("for i = 1, {times} do r[#r+1] = {call} end"));
            }
            1 => {
                let call = self.call(random, &step, Some("r[#r]"));
                self.push(&format!("r[#r+1] = {call}"));
            }
            2 => {
                let call = self.call(random, &step, None);
                self.push(&format!("local v = {call} if v then r[#r+1] = v end"));
            }
            _ => {
                let call = self.call(random, &step, None);
                self.push(&format!("r[#r+1] = {call}"));
            }
        }
    }

    fn push(&mut self, statement: &str) {
        self.text.push_str(statement);
        self.text.push('\n');
    }

    /// A command as an expression; `other` now and then stands in the place of one of its words.
    fn call(&mut self, random: &mut Random, step: &Step, other: Option<&str>) -> String {
        let function = if random.chance(50) { "redis.pcall" } else { "redis.call" };
        let other = other.filter(|_| !TIMED.contains(&step.name().as_str()));
        let replaced = other.map(|other| (1 + random.below(step.args.len()), other));
        let words: Vec<String> = step
            .args
            .iter()
            .enumerate()
            .map(|(at, word)| match replaced {
                Some((replaced, other)) if replaced == at => other.to_owned(),
                _ => self.word(random, at, word),
            })
            .collect();
        format!("{function}({})", words.join(", "))
    }

    fn word(&mut self, random: &mut Random, at: usize, word: &[u8]) -> String {
        let number = std::str::from_utf8(word).ok().and_then(|text| text.parse::<i32>().ok());
        match random.below(6) {
            0 if at > 0 => {
                self.args.push(word.to_vec());
                format!("ARGV[{}]", self.args.len())
            }
            1 if at == 1 => {
                self.keys.push(word.to_vec());
                format!("KEYS[{}]", self.keys.len())
            }
            2 | 3 if number.is_some_and(|number| number.to_string().as_bytes() == word) => {
                number.unwrap_or_default().to_string()
            }
            _ => quoted(word),
        }
    }

    fn end(&mut self, random: &mut Random) {
        let end = match random.below(10) {
            0 => "return r[1]",
            1 => "return r[#r]",
            2 => "",
            3 => "return {r, #r}",
            4 => "return unpack(r)",
            _ => "return r",
        };
        self.text = format!("local r = {{}}\n{}{end}", self.text);
    }

    fn into_text(self, random: &mut Random) -> Vec<Step> {
        let text = format!("{}{}", random.pick(PRELUDES), self.text).into_bytes();
        let name: &[u8] = if random.chance(88) { b"EVAL" } else { b"EVAL_RO" };
        vec![self.request(name, text)]
    }

    fn into_function(self, random: &mut Random) -> Vec<Step> {
        let flags = *random.pick(&["{}", "{}", "{'no-writes'}", "{'allow-oom', 'allow-stale'}"]);
        let library = format!(
            "#!lua name=generated\nlocal function run(KEYS, ARGV)\n{}\nend\nredis.register_function{{function_name='run', callback=run, flags={flags}}}",
            self.text
        );
        let load = Step::new([&b"FUNCTION"[..], b"LOAD", b"REPLACE", library.as_bytes()]);
        let name: &[u8] = if random.chance(80) { b"FCALL" } else { b"FCALL_RO" };
        vec![load, self.request(name, b"run".to_vec())]
    }

    fn request(&self, name: &[u8], what: Vec<u8>) -> Step {
        let mut args = vec![name.to_vec(), what, self.keys.len().to_string().into_bytes()];
        args.extend(self.keys.iter().chain(&self.args).cloned());
        Step::new(args)
    }
}

/// Bytes as a text of Lua.
fn quoted(bytes: &[u8]) -> String {
    let mut out = String::from("'");
    for byte in bytes {
        match byte {
            b'\'' | b'\\' => out.extend(['\\', *byte as char]),
            b' '..=b'~' => out.push(*byte as char),
            _ => out.push_str(&format!("\\{byte:03}")),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_lua_are_quoted() {
        assert_eq!(quoted(b"it's \\ \0\xff"), r"'it\'s \\ \000\255'");
    }

    #[test]
    fn what_has_no_order_is_not_put_into_scripts() {
        assert!(is_fit(&Step::new(["SET", "k", "v"])) && is_fit(&Step::new(["ZADD", "z", "1", "a"])));
        assert!(!is_fit(&Step::new(["SMEMBERS", "s"])) && !is_fit(&Step::new(["ZADD", "z", "0.1", "a"])));
    }
}
