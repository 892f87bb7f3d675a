//! Writes `name:value` lines below a heading.

use alloc::string::String;
use core::fmt::{Display, Write};

/// One section being written.
pub(super) struct Lines<'a>(&'a mut String);

impl<'a> Lines<'a> {
    /// Begins a section behind those that `text` has already.
    pub(super) fn begin(text: &'a mut String, title: &str) -> Self {
        if !text.is_empty() {
            text.push_str("\r\n");
        }
        let mut lines = Self(text);
        lines.write(format_args!("# {title}\r\n"));
        lines
    }

    /// One field.
    pub(super) fn field(&mut self, name: &str, value: impl Display) {
        self.write(format_args!("{name}:{value}\r\n"));
    }

    /// A number of bytes, and the same for readers.
    pub(super) fn bytes(&mut self, name: &str, bytes: u64) {
        self.field(name, bytes);
        self.human(name, bytes);
    }

    /// The same number for people only.
    pub(super) fn human(&mut self, name: &str, bytes: u64) {
        self.write(format_args!("{name}_human:{}\r\n", Human(bytes)));
    }

    /// Fields that are 0.
    pub(super) fn zeros(&mut self, names: &[&str]) {
        names.iter().for_each(|name| self.field(name, 0));
    }

    fn write(&mut self, text: core::fmt::Arguments<'_>) {
        self.0.write_fmt(text).expect("a String takes any text");
    }
}

/// Bytes as Redis shows them to readers: `123B`, `1.57M`.
struct Human(u64);

impl Display for Human {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        const UNITS: [char; 5] = ['K', 'M', 'G', 'T', 'P'];
        if self.0 < 1024 {
            return write!(f, "{}B", self.0);
        }
        let power = self.0.ilog2() / 10;
        match UNITS.get(power as usize - 1) {
            Some(unit) => write!(f, "{:.2}{unit}", self.0 as f64 / (1u64 << (10 * power)) as f64),
            None => write!(f, "{}B", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn bytes_are_shown_in_the_largest_unit_that_they_reach() {
        for (bytes, text) in
            [(0, "0B"), (1023, "1023B"), (1024, "1.00K"), (1_647_768, "1.57M"), (25_276_510_208, "23.54G")]
        {
            assert_eq!(Human(bytes).to_string(), text);
        }
        assert_eq!(Human(1 << 50).to_string(), "1.00P");
        assert_eq!(Human(1 << 60).to_string(), "1152921504606846976B");
    }
}
