//! Replays a seed and prints its trace, or runs many seeds and measures.
//!
//! ```text
//!   cargo run -p slotway-sim --example replay -- --seed 17
//!   cargo run -p slotway-sim --example replay -- --seeds 1..2000
//!   cargo run -p slotway-sim --example replay -- --control --seeds 1..2000     control planes only, with more faults
//!   cargo run -p slotway-sim --example replay -- --hashes 1..20        per seed, the hashes of both kinds of world: for other builds to match
//!   cargo run -p slotway-sim --example replay -- --rest 50       a hundred nodes to which nothing happens: traffic of the bus
//! ```

use std::process::ExitCode;
use std::time::Instant;

use slotway_sim::toll::Cost;

const USAGE: &str = "usage: replay [--control] --seed N | --seeds FIRST..LAST\n       replay --hashes FIRST..LAST | --rest PRIMARIES";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--seed", seed] => seed.parse().map_or_else(|_| usage(), replay),
        ["--seeds", range] => bounds(range).map_or_else(usage, |(first, last)| run_all(first, last)),
        ["--control", "--seed", seed] => seed.parse().map_or_else(|_| usage(), replay_control),
        ["--control", "--seeds", range] => {
            bounds(range).map_or_else(usage, |(first, last)| run_all_control(first, last))
        }
        ["--hashes", range] => bounds(range).map_or_else(usage, |(first, last)| hashes(first, last)),
        ["--rest", primaries] => primaries.parse().map_or_else(|_| usage(), rest),
        _ => usage(),
    }
}

/// What the same code must come to, wherever it was built for.
fn hashes(first: u64, last: u64) -> ExitCode {
    for seed in first..=last {
        let [whole, control] =
            [slotway_sim::run(seed).trace, slotway_sim::control::run(seed).trace].map(|trace| trace.hash());
        println!("{seed} {whole:016x} {control:016x}");
    }
    ExitCode::SUCCESS
}

/// Ten minutes of nothing.
fn rest(primaries: usize) -> ExitCode {
    let outcome = slotway_sim::control::rest(primaries, 600);
    let (nodes, seconds) = (outcome.nodes as f64, outcome.simulated.as_us() as f64 / 1e6);
    let rate = |number: u64| number as f64 / seconds / nodes;
    let (frames, bytes) = (rate(outcome.tally.frames), rate(outcome.tally.bytes));
    println!("{outcome}\n{nodes} nodes: {bytes:.0} bytes and {frames:.1} frames sent per node and second");
    ended(outcome.violation.is_some())
}

fn usage() -> ExitCode {
    eprintln!("{USAGE}");
    ExitCode::FAILURE
}

fn ended(failed: bool) -> ExitCode {
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn bounds(range: &str) -> Option<(u64, u64)> {
    let (first, last) = range.split_once("..")?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

fn replay(seed: u64) -> ExitCode {
    let report = slotway_sim::replay(seed);
    print!("{}", report.trace.text());
    println!("{report}");
    ended(report.violation.is_some())
}

fn run_all(first: u64, last: u64) -> ExitCode {
    let started = Instant::now();
    let (mut simulated_us, mut operations, mut undecided, mut failed, mut moved, mut excused) =
        (0, 0, 0, 0, 0, 0);
    let (mut handed, mut begun, mut haunted) = (0, 0, 0);
    let mut toll = Vec::new();
    for report in (first..=last).map(slotway_sim::run) {
        simulated_us += report.simulated.as_us();
        undecided += report.undecided();
        operations += report.history.operations.len();
        moved += report.moved;
        handed += report.handed;
        begun += report.begun;
        haunted += report.haunted;
        excused += report.excused;
        if report.violation.is_some() {
            failed += 1;
            println!("{report}");
        }
        toll.extend(report.toll);
    }
    let (seconds, simulated) = (started.elapsed().as_secs_f64(), simulated_us as f64 / 1e6);
    println!(
        "{failed} of {} seeds failed, {undecided} slots undecided, {haunted} haunted; {operations} operations, {moved} slots moved, {handed} of them atomically in {begun} migrations, \
         {simulated:.0} s simulated in {seconds:.1} s: {:.0} to 1",
        last + 1 - first,
        simulated / seconds
    );
    tell_toll(&toll, excused);
    ended(failed > 0)
}

/// What failovers cost: measured, not promised.
fn tell_toll(toll: &[Cost], excused: u64) {
    let sorted = |mut figures: Vec<u64>| {
        figures.sort_unstable();
        figures
    };
    let at = |figures: &[u64], percent: usize| {
        figures.get((figures.len() * percent / 100).min(figures.len().max(1) - 1)).copied().unwrap_or(0)
    };
    let all = sorted(toll.iter().map(|cost| cost.lost).collect());
    let deaths: Vec<&Cost> = toll.iter().filter(|cost| cost.without_service_us.is_some()).collect();
    let lost = sorted(deaths.iter().map(|cost| cost.lost).collect());
    let without = sorted(deaths.iter().filter_map(|cost| Some(cost.without_service_us? / 1000)).collect());
    println!(
        "{} promotions, {} of them after a primary had died; acknowledged writes lost by one of all: median {}, p99 {}, at most {}; \
         by one after a death: median {}, p99 {}, at most {}",
        all.len(),
        lost.len(),
        at(&all, 50),
        at(&all, 99),
        at(&all, 100),
        at(&lost, 50),
        at(&lost, 99),
        at(&lost, 100)
    );
    println!(
        "from a death to the first write that a client could do: median {} ms, p99 {} ms, at most {} ms; {excused} promised writes \
         excused, whose holders had all lost their disks",
        at(&without, 50),
        at(&without, 99),
        at(&without, 100)
    );
}

fn replay_control(seed: u64) -> ExitCode {
    let outcome = slotway_sim::control::replay(seed);
    print!("{}", outcome.trace.text());
    println!("{outcome}");
    ended(outcome.violation.is_some())
}

fn run_all_control(first: u64, last: u64) -> ExitCode {
    let started = Instant::now();
    let (mut simulated_us, mut failed) = (0, 0);
    let (mut elections, mut crashes, mut frames) = (0, 0, 0);
    for outcome in (first..=last).map(slotway_sim::control::run) {
        simulated_us += outcome.simulated.as_us();
        elections += outcome.tally.elections;
        crashes += outcome.tally.crashes;
        frames += outcome.tally.frames;
        if outcome.violation.is_some() {
            failed += 1;
            println!("{outcome}");
        }
    }
    let (seconds, hours) = (started.elapsed().as_secs_f64(), simulated_us as f64 / 3.6e9);
    println!(
        "{failed} of {} seeds failed; {elections} elections, {crashes} crashes, {frames} frames; {hours:.2} cluster-hours in \
         {seconds:.1} s: {:.2} cluster-hours per core-minute",
        last + 1 - first,
        hours * 60.0 / seconds
    );
    ended(failed > 0)
}
