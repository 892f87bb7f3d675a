//! Requests that name no command, and the error texts for them.

use alloc::vec::Vec;

use super::Command;
use crate::resp::args::Args;
use crate::resp::error::ErrorReply;

/// How much of foreign words an error text repeats, in bytes.
const REPEATED_LEN_MAX: usize = 128;

/// A request that names no command.
#[derive(Clone, Copy, Debug)]
pub enum Unknown<'a> {
    /// The first argument is no command.
    Command(Args<'a>),
    /// The second is no subcommand.
    Subcommand {
        /// The command that has subcommands.
        container: &'static Command,
        /// The word in the subcommand's place.
        sent: &'a [u8],
    },
}

impl From<Unknown<'_>> for ErrorReply {
    fn from(unknown: Unknown<'_>) -> ErrorReply {
        match unknown {
            Unknown::Command(args) => ErrorReply::UnknownCommand(beginning(args)),
            Unknown::Subcommand { container, sent } => ErrorReply::UnknownSubcommand {
                sent: printed(sent, REPEATED_LEN_MAX).to_vec(),
                container: container.name.to_ascii_uppercase(),
            },
        }
    }
}

/// `'name', with args beginning with: 'a' 'b' `, until the arguments have taken their share.
fn beginning(args: Args<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    quote(&mut out, args.get(0).unwrap_or_default(), REPEATED_LEN_MAX);
    out.extend_from_slice(b", with args beginning with: ");
    let start = out.len();
    for arg in args.skip(1).iter() {
        let used = out.len() - start;
        if used >= REPEATED_LEN_MAX {
            break;
        }
        quote(&mut out, arg, REPEATED_LEN_MAX - used);
        out.push(b' ');
    }
    out
}

fn quote(out: &mut Vec<u8>, word: &[u8], len_max: usize) {
    out.push(b'\'');
    out.extend_from_slice(printed(word, len_max));
    out.push(b'\'');
}

/// What C's `%.*s` prints of `word`: up to the first NUL, `len_max` bytes at most.
fn printed(word: &[u8], len_max: usize) -> &[u8] {
    let end = word.iter().take(len_max).position(|&byte| byte == 0).unwrap_or(word.len().min(len_max));
    &word[..end]
}

#[cfg(test)]
mod tests {
    use super::super::resolve;
    use super::*;
    use crate::resp::args::ArgsBuf;
    use alloc::format;
    use alloc::string::{String, ToString};

    fn refused(words: &[&str]) -> String {
        let args: ArgsBuf = words.iter().collect();
        let unknown = resolve(args.as_args()).expect_err("no command");
        ErrorReply::from(unknown).to_string()
    }

    #[test]
    fn an_unknown_command_is_repeated_with_its_arguments() {
        assert_eq!(
            refused(&["Foo", "a", "b"]),
            "ERR unknown command 'Foo', with args beginning with: 'a' 'b' "
        );
        assert_eq!(refused(&[""]), "ERR unknown command '', with args beginning with: ");
    }

    #[test]
    fn an_unknown_subcommand_points_to_help() {
        assert_eq!(refused(&["Config", "No", "x"]), "ERR unknown subcommand 'No'. Try CONFIG HELP.");
    }

    #[test]
    fn long_words_are_cut_at_128_bytes() {
        let long = "x".repeat(200);
        let cut = "x".repeat(128);
        assert_eq!(refused(&[&long]), format!("ERR unknown command '{cut}', with args beginning with: "));
        assert_eq!(
            refused(&["foo", &long, "b"]),
            format!("ERR unknown command 'foo', with args beginning with: '{cut}' ")
        );
        assert_eq!(refused(&["config", &long]), format!("ERR unknown subcommand '{cut}'. Try CONFIG HELP."));
    }

    #[test]
    fn arguments_share_128_bytes_with_their_quotes() {
        let half = "x".repeat(100);
        let rest = "y".repeat(25);
        assert_eq!(
            refused(&["foo", &half, &"y".repeat(90), "z"]),
            format!("ERR unknown command 'foo', with args beginning with: '{half}' '{rest}' ")
        );
    }

    #[test]
    fn words_end_at_a_nul() {
        assert_eq!(refused(&["a\0b", "c\0d"]), "ERR unknown command 'a', with args beginning with: 'c' ");
    }
}
