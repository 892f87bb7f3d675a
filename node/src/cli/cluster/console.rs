//! What the operator sees: lines, tables, JSON, questions, and bars on a terminal only.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::exit::Stop;

/// How to tell things.
#[derive(Clone, Copy, Debug)]
pub(super) struct Console {
    pub(super) json: bool,
    pub(super) yes: bool,
}

impl Console {
    /// A line for people; nothing when programs read.
    pub(super) fn say(&self, line: impl AsRef<str>) {
        if !self.json {
            print(line.as_ref());
        }
    }

    /// The result for programs; nothing when people read.
    pub(super) fn data(&self, value: &impl Serialize) {
        if self.json {
            // What is told is made of texts and numbers: it can always be written.
            print(&serde_json::to_string(value).unwrap_or_default());
        }
    }

    /// Asks whether to do what was said.
    ///
    /// # Errors
    /// The answer is no, or nobody is there to answer.
    pub(super) fn confirm(&self, question: &str) -> Result<(), Stop> {
        if self.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            return Err(Stop::declined(format!(
                "{question} Nothing was changed: nobody is here to answer. Say --yes to do it."
            )));
        }
        eprint!("{question} [y/N] ");
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer);
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" if read.is_ok() => Ok(()),
            _ => Err(Stop::declined("Nothing was changed.")),
        }
    }

    /// A bar for `total` steps: seen on a terminal, by people.
    pub(super) fn bar(&self, total: u64, what: &str) -> ProgressBar {
        if self.json || !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let style = ProgressStyle::with_template("{prefix} [{bar:30}] {pos}/{len} {msg} ({eta} left)");
        let bar = ProgressBar::new(total).with_prefix(what.to_owned());
        match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }
}

fn print(line: &str) {
    // A closed pipe is no news to who closed it.
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// Rows under their headings, columns as wide as they must be; numbers, which begin with a digit or `~`, to the right.
pub(super) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([headings[column].len()]).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..headings.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells.zip(&widths).map(|(cell, &width)| match is_number(cell) {
            true => format!("{cell:>width$}"),
            false => format!("{cell:<width$}"),
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&mut headings.iter().copied())];
    lines.extend(rows.iter().map(|row| line(&mut row.iter().map(String::as_str))));
    lines.join("\n")
}

fn is_number(cell: &str) -> bool {
    let digits = cell.trim_start_matches('~');
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// `3 slots`, `1 slot`.
pub(super) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_must_be() {
        let rows = [vec!["a:7000".into(), "5461".into()], vec!["long-name:7000".into(), "1".into()]];
        let expected = "NODE            SLOTS\na:7000           5461\nlong-name:7000      1";
        assert_eq!(table(&["NODE", "SLOTS"], &rows), expected);
    }

    #[test]
    fn nobody_to_answer_is_a_no() {
        let console = Console { json: false, yes: true };
        assert!(console.confirm("Do it?").is_ok());
    }
}
