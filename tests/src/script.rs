//! A sequence of commands as text: one command per line, quoted as redis-cli takes it.
//!
//! What the differential suite finds is printed in this form, and kept in this form in `regressions/`.

use slotway_core::resp::inline::split_args;

/// Word before a command that is followed by a pause of so many milliseconds: `PAUSE 4 PEXPIRE key 1`.
const PAUSE: &[u8] = b"PAUSE";

/// One command, and how long to let time pass after its reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The request, command name first.
    pub args: Vec<Vec<u8>>,
    /// Milliseconds of silence after the reply.
    pub pause_ms: u64,
}

impl Step {
    /// A command without a pause.
    pub fn new<A: AsRef<[u8]>>(args: impl IntoIterator<Item = A>) -> Step {
        Step { args: args.into_iter().map(|arg| arg.as_ref().to_vec()).collect(), pause_ms: 0 }
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
        match self.pause_ms {
            0 => format_args(&self.args),
            ms => format!("PAUSE {ms} {}", format_args(&self.args)),
        }
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
    let mut args = split_args(line.as_bytes()).unwrap_or_else(|error| panic!("{error}: {line}"));
    let mut pause_ms = 0;
    if args.len() > 2 && args[0] == PAUSE {
        pause_ms =
            String::from_utf8_lossy(&args[1]).parse().unwrap_or_else(|error| panic!("{error}: {line}"));
        args.drain(..2);
    }
    Step { args, pause_ms }
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
        step.pause_ms = 4;
        assert_eq!(parse(&format!("# why\n\n{}\n", step.format())), [step]);
    }
}
