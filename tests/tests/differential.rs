//! Generated sequences of commands leave Slotway and a real Redis with the same replies and the same keyspace.
//!
//! Sequences are drawn from the families of forms in `src/grammar`, mixed as `src/themes.rs` says. A failing one is shrunk
//! to its shortest part and printed with its seed. `SLOTWAY_SEQUENCES` says how many to run, `SLOTWAY_SEED` where to
//! begin, `SLOTWAY_THEME` which theme alone; `SLOTWAY_NIGHTLY` runs many. Sequences that once failed are in
//! `regressions/` and run first. Deviations by design are in `differences.txt`.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;

use slotway_tests::differences::Differences;
use slotway_tests::lockstep::{Mismatch, Pair};
use slotway_tests::script::{Step, parse};
use slotway_tests::server::Server;
use slotway_tests::shrink::shrink;
use slotway_tests::themes::Themes;

/// Sequences of one run without `SLOTWAY_SEQUENCES`.
const SEQUENCES: u64 = 3000;
/// The same with `SLOTWAY_NIGHTLY`.
const SEQUENCES_NIGHTLY: u64 = 1_000_000;
/// Failures after which a run ends: the first few say enough.
const FAILURES_MAX: usize = 40;

#[test]
fn sequences_that_once_failed_agree() {
    let servers = Servers::start();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    let files = fs::read_dir(&folder).expect("the folder is part of the repository");
    let mut failures = Vec::new();
    for path in files.map(|file| file.expect("a folder can be read").path()) {
        let steps = parse(&fs::read_to_string(&path).expect("a script is text"));
        for batch_max in [1, steps.len().max(1)] {
            if let Err(mismatch) = servers.run(&steps, batch_max) {
                failures.push(format!("{}: {mismatch}", path.display()));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn generated_sequences_agree() {
    let servers = Servers::start();
    let theme = env::var("SLOTWAY_THEME").ok();
    let themes = Themes::new(theme.as_deref());
    let first = variable("SLOTWAY_SEED").unwrap_or(1);
    let usual = if env::var_os("SLOTWAY_NIGHTLY").is_some() { SEQUENCES_NIGHTLY } else { SEQUENCES };
    let count = variable("SLOTWAY_SEQUENCES").unwrap_or(usual);
    let mut failures = BTreeMap::new();
    for seed in first..first + count {
        let (mut steps, batch_max) = themes.sequence(seed);
        // One report for each command; what else is wrong with a sequence then shows too.
        steps.retain(|step| !failures.contains_key(&step.name()));
        if let Err(mismatch) = servers.run(&steps, batch_max) {
            let (name, report) = servers.shortest(seed, &steps, batch_max, &mismatch);
            failures.entry(name).or_insert(report);
        }
        if failures.len() == FAILURES_MAX {
            break;
        }
    }
    let reports: Vec<String> = failures.into_values().collect();
    assert!(reports.is_empty(), "{}", reports.join("\n"));
}

struct Servers {
    ours: Server,
    theirs: Server,
    differences: Differences,
    reference_is_old: bool,
}

impl Servers {
    fn start() -> Servers {
        let options = ["--enable-debug-command", "yes"];
        let theirs = Server::redis(&options);
        let info = theirs.connect().call(&["INFO", "server"]);
        Servers {
            ours: Server::slotway(&options),
            reference_is_old: info.as_str().is_some_and(|info| info.contains("redis_version:7.0")),
            theirs,
            differences: Differences::of_suite("differential"),
        }
    }

    fn run(&self, steps: &[Step], batch_max: usize) -> Result<(), Mismatch> {
        let pair = Pair {
            ours: self.ours.port(),
            theirs: self.theirs.port(),
            differences: &self.differences,
            reference_is_old: self.reference_is_old,
        };
        pair.run(steps, batch_max)
    }

    /// The command that differs, and the shortest sequence that shows it.
    fn shortest(&self, seed: u64, steps: &[Step], batch_max: usize, first: &Mismatch) -> (String, String) {
        // Most failures need no pipeline; those are easier to read.
        let batch_max = if self.run(steps, 1).is_err() { 1 } else { batch_max };
        let steps = shrink(steps, |part| self.run(part, batch_max).is_err());
        let lines: Vec<String> = steps.iter().map(Step::format).collect();
        let lines = lines.join("\n");
        let Err(mismatch) = self.run(&steps, batch_max) else {
            return (
                String::new(),
                format!("seed {seed}: differs now and then:\n{lines}\n=> first {first}\n"),
            );
        };
        let name = parse(&mismatch.request).first().map(Step::name).unwrap_or_default();
        let summary = format!(
            "seed {seed}, batches of {batch_max}: {} steps (keep them as a file in regressions/):\n{lines}\n=> {mismatch}\n",
            steps.len()
        );
        (name, summary)
    }
}

fn variable(name: &str) -> Option<u64> {
    env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is a number, and not {text}")))
}
