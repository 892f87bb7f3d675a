//! Turns redis-server's command line into text of redis.conf.
//!
//! `slotway /path/redis.conf --port 7000 --save 60 1000 --appendonly yes -`: a first argument without a dash is the file,
//! `-` as the first or last argument means standard input, and everything else becomes lines that are read after both.
//! An option takes all arguments up to the next one that begins with `--`; its own first argument may begin with dashes.
//! `--save` alone means `save ""`. Name and value may be one argument (`"--port 7000"`), but `--port=7000` is not known.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use slotway_core::resp::inline::split_args;

use super::directive::Directive;
use super::quote::push_quoted;

/// Where the configuration comes from.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CommandLine {
    /// The file to read first.
    pub config_file: Option<String>,
    /// Whether standard input is read next.
    pub stdin: bool,
    /// What is read last, as text of redis.conf.
    pub text: String,
}

/// Reads the arguments that follow the program's name.
pub fn parse<A: AsRef<str>>(args: &[A]) -> CommandLine {
    let args: Vec<&str> = args.iter().map(AsRef::as_ref).collect();
    let mut line = CommandLine::default();
    let options = match args.split_first() {
        Some((file, rest)) if !file.starts_with('-') => {
            line.config_file = Some(file.to_string());
            rest
        }
        _ => &args,
    };
    let mut expects_value = false;
    for (index, arg) in options.iter().enumerate() {
        let is_first = index == 0 && line.config_file.is_none();
        let next = options.get(index + 1);
        if *arg == "-" && (is_first || next.is_none()) {
            line.stdin = true;
        } else if let (Some(name), false) = (arg.strip_prefix("--"), expects_value) {
            expects_value = push_option(&mut line.text, name, next.copied());
        } else {
            push_quoted(&mut line.text, arg.as_bytes());
            line.text.push(' ');
            expects_value = false;
        }
    }
    line
}

/// The line of redis.conf that gives `directive` this value, as one of the environment is: a list of arguments is split at blanks, any
/// other value is one argument with whatever it holds.
pub fn line_of(directive: &Directive, value: &str) -> String {
    let mut line = String::from(directive.name);
    line.push(' ');
    if directive.is_list() && !value.trim().is_empty() {
        line.push_str(value);
    } else {
        push_quoted(&mut line, value.as_bytes());
    }
    line.push('\n');
    line
}

/// Begins the line of an option. Returns whether the next argument belongs to it whatever it looks like.
fn push_option(text: &mut String, name: &str, next: Option<&str>) -> bool {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(name);
    text.push(' ');
    let is_name_only = split_args(name.as_bytes()).is_ok_and(|words| words.len() <= 1);
    let at_end = next.is_none_or(|next| next.starts_with("--"));
    if name.eq_ignore_ascii_case("save") && at_end {
        text.push_str("\"\"");
        return false;
    }
    is_name_only && !(name.eq_ignore_ascii_case("sentinel") && at_end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(args: &[&str]) -> String {
        parse(args).text
    }

    #[test]
    fn a_first_argument_without_a_dash_is_the_file() {
        let line = parse(&["/etc/redis.conf", "--port", "7000"]);
        assert_eq!(line.config_file.as_deref(), Some("/etc/redis.conf"));
        assert_eq!(line.text, "port \"7000\" ");
    }

    #[test]
    fn an_option_takes_all_arguments_up_to_the_next_one() {
        assert_eq!(text(&["--save", "60", "1000", "--port", "1"]), "save \"60\" \"1000\" \nport \"1\" ");
        assert_eq!(text(&["--port 7000", "--dir /x"]), "port 7000 \ndir /x ");
    }

    #[test]
    fn the_first_argument_of_an_option_may_begin_with_dashes() {
        assert_eq!(
            text(&["--requirepass", "--port", "--bind", "::1"]),
            "requirepass \"--port\" \nbind \"::1\" "
        );
    }

    #[test]
    fn save_without_arguments_means_never() {
        assert_eq!(text(&["--save"]), "save \"\"");
        assert_eq!(text(&["--save", "--port", "1"]), "save \"\"\nport \"1\" ");
        assert_eq!(text(&["--save", ""]), "save \"\" ");
    }

    #[test]
    fn a_dash_reads_standard_input_when_first_or_last() {
        assert_eq!(parse(&["-"]), CommandLine { stdin: true, ..CommandLine::default() });
        assert!(parse(&["redis.conf", "--port", "1", "-"]).stdin);
        assert!(parse(&["-", "--port", "1"]).stdin);
        let between = parse(&["redis.conf", "-", "--port", "1"]);
        assert!(!between.stdin);
        assert_eq!(between.text, "\"-\" \nport \"1\" ");
    }

    #[test]
    fn arguments_are_quoted_so_that_they_stay_one_word() {
        assert_eq!(text(&["--requirepass", "a b\"c"]), "requirepass \"a b\\\"c\" ");
        assert_eq!(text(&["--port=7000"]), "port=7000 ");
    }
}
