//! INFO commandstats, errorstats and latencystats.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use slotway_core::command;

use super::Picture;
use super::lines::Lines;
use crate::command_stats::{CommandCost, CommandStats};
use crate::node::Node;

/// What is counted of commands.
pub(super) struct Commands<'a> {
    stats: Option<&'a CommandStats>,
    errors: Vec<(String, u64)>,
}

impl<'a> Commands<'a> {
    pub(super) fn of(node: &'a dyn Node) -> Self {
        let mut errors = Vec::new();
        node.with_journal(&mut |journal| {
            errors = journal.errors.iter().map(|(code, count)| (code.to_string(), count)).collect();
        });
        Self { stats: node.command_stats(), errors }
    }

    /// Error replies of all codes.
    pub(super) fn error_replies(&self) -> u64 {
        self.errors.iter().map(|(_, count)| count).sum()
    }
}

/// A line for each command that was called or refused.
pub(super) fn commandstats(picture: &Picture<'_>, lines: &mut Lines) {
    let Some(stats) = picture.commands.stats else { return };
    for command in command::all() {
        let CommandCost { calls, ns, rejected, failed } = stats.cost_of(command.id);
        if calls == 0 && rejected == 0 && failed == 0 {
            continue;
        }
        let us = ns / 1000;
        let per_call = us as f64 / calls.max(1) as f64;
        lines.field(
            &alloc::format!("cmdstat_{}", command.name),
            format_args!(
                "calls={calls},usec={us},usec_per_call={per_call:.2},rejected_calls={rejected},failed_calls={failed}"
            ),
        );
    }
}

/// A line for each code that errors have begun with.
pub(super) fn errorstats(picture: &Picture<'_>, lines: &mut Lines) {
    for (code, count) in &picture.commands.errors {
        lines.field(&alloc::format!("errorstat_{code}"), format_args!("count={count}"));
    }
}

/// A line for each command with a histogram, while such are kept.
pub(super) fn latencystats(picture: &Picture<'_>, lines: &mut Lines) {
    let Some(stats) = picture.commands.stats.filter(|_| picture.config.latency_tracking()) else { return };
    let percentiles = picture.config.latency_tracking_info_percentiles();
    for command in command::all() {
        let Some(histogram) = stats.histogram_of(command.id) else { continue };
        let value = |percentile: &f64| {
            let us = histogram.percentile_ns(*percentile) as f64 / 1000.0;
            alloc::format!("p{percentile}={us:.3}")
        };
        let values: Vec<String> = percentiles.iter().map(value).collect();
        lines.field(&alloc::format!("latency_percentiles_usec_{}", command.name), values.join(","));
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestClient;

    #[test]
    fn calls_refusals_failures_and_errors_are_counted() {
        let mut client = TestClient::new();
        for line in [
            "SET a 1",
            "GET a",
            "GET",
            "LPUSH a 1",
            "NOSUCH",
            "CONFIG GET hz",
            "MULTI",
            "GET a",
            "LPUSH a 2",
            "EXEC",
        ] {
            client.run(line);
        }
        let text = client.run("INFO commandstats");
        for line in [
            "cmdstat_get:calls=2,usec=2,usec_per_call=1.00,rejected_calls=1,failed_calls=0\r\n",
            "cmdstat_lpush:calls=2,usec=2,usec_per_call=1.00,rejected_calls=0,failed_calls=2\r\n",
            "cmdstat_config|get:calls=1,",
            "cmdstat_exec:calls=1,",
            "cmdstat_multi:calls=1,",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        let text = client.run("INFO errorstats");
        assert_eq!(
            text,
            "$66\r\n# Errorstats\r\nerrorstat_ERR:count=2\r\nerrorstat_WRONGTYPE:count=2\r\n\r\n"
        );
        client.run("CONFIG RESETSTAT");
        assert_eq!(client.run("INFO errorstats"), "$14\r\n# Errorstats\r\n\r\n");
        let text = client.run("INFO commandstats");
        assert!(
            text.contains("cmdstat_config|resetstat:calls=1,") && !text.contains("cmdstat_get"),
            "{text}"
        );
    }

    #[test]
    fn percentiles_are_those_asked_for_while_they_are_tracked() {
        let mut client = TestClient::with_config("latency-tracking-info-percentiles 50 99.9");
        client.run("GET a");
        let text = client.run("INFO latencystats");
        assert!(text.contains("latency_percentiles_usec_get:p50=1.003,p99.9=1.003\r\n"), "{text}");
        client.run("CONFIG SET latency-tracking no");
        assert_eq!(client.run("INFO latencystats"), "$16\r\n# Latencystats\r\n\r\n");
    }
}
