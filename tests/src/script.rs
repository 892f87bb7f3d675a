//! A sequence of commands as text: one command per line, quoted as redis-cli takes it.
//!
//! What the differential suite finds is printed in this form, and kept in this form in `regressions/`.
//!
//! Before the command may stand, in any order: `PAUSE 4` lets so many milliseconds pass after its reply, `@1` sends it on
//! another connection than the first (`@0`), and `&` goes on when it blocks.

use slotway_core::resp::inline::split_args;

/// One command, who sends it, and what to do after it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// The request, command name first.
    pub args: Vec<Vec<u8>>,
    /// Milliseconds of silence after the reply.
    pub pause_ms: u64,
    /// Which connection, from 0 on.
    pub client: usize,
    /// Whether it may block: then the following steps go on meanwhile.
    pub waits: bool,
}

impl Step {
    /// A command of the first connection.
    pub fn new<A: AsRef<[u8]>>(args: impl IntoIterator<Item = A>) -> Step {
        Step { args: args.into_iter().map(|arg| arg.as_ref().to_vec()).collect(), ..Step::default() }
    }

    /// The command name in lower case, empty for an empty request.
    pub fn name(&self) -> String {
        self.args.first().map(|name| String::from_utf8_lossy(name).to_ascii_lowercase()).unwrap_or_default()
    }

    /// Argument `index` in lower case, empty when there is none.
    pub fn word(&self, index: usize) -> String {
        self.args
            .get(index)
            .map(|word| String::from_utf8_lossy(word).to_ascii_lowercase())
            .unwrap_or_default()
    }

    /// One line that [`parse`] reads back.
    pub fn format(&self) -> String {
        let client = if self.client == 0 { String::new() } else { format!("@{} ", self.client) };
        let waits = if self.waits { "& " } else { "" };
        let pause = if self.pause_ms == 0 { String::new() } else { format!("PAUSE {} ", self.pause_ms) };
        format!("{client}{waits}{pause}{}", format_args(&self.args))
    }
}

/// The steps of a text: blank lines and lines that begin with `#` are skipped.
///
/// Panics on a line that no shell would take: such a file is a mistake of ours.
pub fn parse(text: &str) -> Vec<Step> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(parse_line)
        .collect()
}

fn parse_line(line: &str) -> Step {
    let (step, request) = split_prefixes(line);
    let args = split_args(request.as_bytes()).unwrap_or_else(|error| panic!("{error}: {line}"));
    Step { args, ..step }
}

/// What stands before the command, as a step without a request, and the request. Panics when a number is none.
pub fn split_prefixes(line: &str) -> (Step, &str) {
    let (mut step, mut rest) = (Step::default(), line);
    let number = |text: &str| text.parse().unwrap_or_else(|error| panic!("{error}: {line}"));
    while let Some((word, after)) = rest.split_once(' ') {
        rest = match (word, word.strip_prefix('@')) {
            ("&", _) => {
                step.waits = true;
                after
            }
            (_, Some(client)) => {
                step.client = number(client);
                after
            }
            ("PAUSE", _) => {
                let (ms, request) = after.split_once(' ').unwrap_or((after, ""));
                step.pause_ms = number(ms) as u64;
                request
            }
            _ => break,
        };
    }
    (step, rest)
}

/// The arguments on one line, quoted where needed.
pub fn format_args<A: AsRef<[u8]>>(args: &[A]) -> String {
    args.iter().map(|arg| quote(arg.as_ref())).collect::<Vec<_>>().join(" ")
}

/// Bytes as printable text, in double quotes unless they are a plain word.
fn quote(bytes: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\' | b'#');
    if !bytes.is_empty() && bytes.iter().all(plain) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut out = String::from('"');
    for byte in bytes {
        match byte {
            b'"' | b'\\' => out.extend(['\\', *byte as char]),
            b' '..=b'~' => out.push(*byte as char),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_formatted_parses_back() {
        let mut step = Step::new([&b"SET"[..], b"", b"a \"b\" \\", b"\x00\xff\r\n", b"it's", b"#1"]);
        assert_eq!(parse(&step.format()), [step.clone()]);
        (step.pause_ms, step.client, step.waits) = (4, 2, true);
        assert_eq!(parse(&format!("# why\n\n{}\n", step.format())), [step]);
    }
}
