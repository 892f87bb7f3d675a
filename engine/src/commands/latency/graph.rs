//! A series of latencies as a drawing of characters: LATENCY GRAPH.
//!
//! ```text
//!     #      a column per sample, three steps in each of four rows, filled below
//!     |#
//!   _ ||
//!   |_||
//!
//!   3210     how long ago, written downwards
//!   ssss
//! ```
//!
//! Source of the form: `sparkline.c` of Redis 7.2.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use slotway_core::time::UnixMs;

use crate::journal::{LatencyEvent, Sample, Series};

const COLUMNS: usize = 80;
const ROWS: usize = 4;
/// The steps within a row.
const STEPS: [char; 3] = ['_', 'o', '#'];

/// The heading and the drawing.
pub(super) fn draw(event: LatencyEvent, series: &Series, now: UnixMs) -> String {
    let samples: Vec<Sample> = series.samples().collect();
    let times = samples.iter().map(|sample| sample.ms);
    let (low, high) = (times.clone().min().unwrap_or(0), times.max().unwrap_or(0));
    let worst = series.worst_ms();
    let mut text =
        alloc::format!("{} - high {high} ms, low {low} ms (all time high {worst} ms)\n", event.name());
    text.extend(core::iter::repeat_n('-', COLUMNS));
    text.push('\n');
    for (index, part) in samples.chunks(COLUMNS).enumerate() {
        if index > 0 {
            text.push('\n');
        }
        draw_part(&mut text, part, (low, high), now);
    }
    text
}

fn draw_part(text: &mut String, samples: &[Sample], (low, high): (u64, u64), now: UnixMs) {
    let steps = (ROWS * STEPS.len()) as u64;
    let range = (high - low).max(1);
    let heights = samples.iter().map(|sample| ((sample.ms - low) * steps / range).min(steps - 1) as usize);
    let heights: Vec<usize> = heights.collect();
    for row in (0..ROWS).rev() {
        text.extend(heights.iter().map(|height| cell(*height, row)));
        text.push('\n');
    }
    text.extend(core::iter::repeat_n(' ', samples.len()));
    text.push('\n');
    let ages: Vec<String> = samples.iter().map(|sample| age(now.as_secs() - sample.at_secs)).collect();
    for line in 0..ages.iter().map(String::len).max().unwrap_or(0) {
        text.extend(ages.iter().map(|age| age.as_bytes().get(line).map_or(' ', |byte| char::from(*byte))));
        text.push('\n');
    }
}

/// A character of a column, `row` being counted from below.
fn cell(height: usize, row: usize) -> char {
    match height.checked_sub(row * STEPS.len()) {
        None => ' ',
        Some(step) => STEPS.get(step).copied().unwrap_or('|'),
    }
}

fn age(secs: u64) -> String {
    let mut text = String::new();
    let (number, unit) = match secs {
        0..60 => (secs, 's'),
        60..3600 => (secs / 60, 'm'),
        3600..86400 => (secs / 3600, 'h'),
        _ => (secs / 86400, 'd'),
    };
    write!(text, "{number}{unit}").expect("a String takes any text");
    text
}
