//! `client-output-buffer-limit`: when a client that does not read its replies is cut off.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::Reason;
use super::number::{format_memory, parse_lenient, parse_memory};

/// The limits of one class of clients; 0 means none.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OutputLimit {
    /// Bytes at which the client is closed at once.
    pub hard_bytes: u64,
    /// Bytes at which the client is closed after `soft_seconds`.
    pub soft_bytes: u64,
    /// How long `soft_bytes` may be passed.
    pub soft_seconds: i32,
}

/// The limits of all classes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutputLimits {
    /// Ordinary clients, and those that MONITOR.
    pub normal: OutputLimit,
    /// Replicas.
    pub replica: OutputLimit,
    /// Clients with a subscription.
    pub pubsub: OutputLimit,
}

impl OutputLimits {
    /// The limits of a node without configuration.
    pub(super) const DEFAULT: OutputLimits = OutputLimits {
        normal: OutputLimit { hard_bytes: 0, soft_bytes: 0, soft_seconds: 0 },
        replica: OutputLimit { hard_bytes: 256 << 20, soft_bytes: 64 << 20, soft_seconds: 60 },
        pubsub: OutputLimit { hard_bytes: 32 << 20, soft_bytes: 8 << 20, soft_seconds: 60 },
    };

    /// These limits with those that `args` (class, hard, soft, seconds, again and again) name replaced.
    ///
    /// # Errors
    /// A count of arguments not divisible by 4, an unknown class, a limit that is none.
    pub(super) fn changed(mut self, args: &[&[u8]]) -> Result<OutputLimits, Reason> {
        if !args.len().is_multiple_of(4) {
            return Err("Wrong number of arguments in buffer limit configuration.".into());
        }
        for limit in args.chunks(4) {
            let class = self
                .class(limit[0])
                .ok_or("Invalid client class specified in buffer limit configuration.")?;
            let parsed = parse_limit(&limit[1..]);
            *class =
                parsed.ok_or("Error in hard, soft or soft_seconds setting in buffer limit configuration.")?;
        }
        Ok(self)
    }

    fn class(&mut self, name: &[u8]) -> Option<&mut OutputLimit> {
        match name.to_ascii_lowercase().as_slice() {
            b"normal" => Some(&mut self.normal),
            b"slave" | b"replica" => Some(&mut self.replica),
            b"pubsub" => Some(&mut self.pubsub),
            _ => None,
        }
    }

    /// As CONFIG GET shows them.
    pub(super) fn format(&self) -> String {
        let classes = [("normal", self.normal), ("slave", self.replica), ("pubsub", self.pubsub)];
        let parts: Vec<String> = classes
            .iter()
            .map(|(name, limit)| {
                format!("{name} {} {} {}", limit.hard_bytes, limit.soft_bytes, limit.soft_seconds)
            })
            .collect();
        parts.join(" ")
    }

    /// What CONFIG REWRITE writes for each class, and whether the class differs from the default.
    pub(super) fn rewritten(&self) -> [(String, bool); 3] {
        let default = Self::DEFAULT;
        [
            (self.normal.rewritten("normal"), self.normal != default.normal),
            (self.replica.rewritten("replica"), self.replica != default.replica),
            (self.pubsub.rewritten("pubsub"), self.pubsub != default.pubsub),
        ]
    }
}

impl OutputLimit {
    fn rewritten(&self, class: &str) -> String {
        let (hard, soft) = (format_memory(self.hard_bytes.into()), format_memory(self.soft_bytes.into()));
        format!("{class} {hard} {soft} {}", self.soft_seconds)
    }
}

fn parse_limit(args: &[&[u8]]) -> Option<OutputLimit> {
    let [hard, soft, seconds] = args else { return None };
    // Redis keeps the low 32 bits of the seconds.
    let soft_seconds = parse_lenient(seconds)? as i32;
    let limit =
        OutputLimit { hard_bytes: parse_memory(hard)?, soft_bytes: parse_memory(soft)?, soft_seconds };
    (soft_seconds >= 0).then_some(limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(line: &str) -> Result<String, Reason> {
        let args: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        OutputLimits::DEFAULT.changed(&args).map(|limits| limits.format())
    }

    #[test]
    fn only_the_named_classes_change() {
        let shown = "normal 0 0 0 slave 1048576 1024 7 pubsub 33554432 8388608 60";
        assert_eq!(change("Replica 1mb 1kb 7").as_deref(), Ok(shown));
    }

    #[test]
    fn each_fault_has_its_own_words() {
        let ending = " in buffer limit configuration.";
        for (line, fault) in [
            ("normal 0 0", "Wrong number of arguments"),
            ("master 0 0 0", "Invalid client class specified"),
            ("normal 0 1x 0", "Error in hard, soft or soft_seconds setting"),
            ("normal 0 0 -1", "Error in hard, soft or soft_seconds setting"),
        ] {
            assert_eq!(change(line), Err(format!("{fault}{ending}").into()), "{line}");
        }
    }
}
