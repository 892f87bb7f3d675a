//! LATENCY: what took long, and how long commands take.

mod doctor;
mod graph;

use alloc::vec::Vec;

use slotway_core::command::{self, Command};
use slotway_core::resp::args::Args;
use slotway_core::resp::encode::ReplyWriter;
use slotway_core::resp::error::ErrorReply;

use super::{Binding, Connection, Whole, args, help};
use crate::command_stats::Snapshot;
use crate::journal::LatencyEvent;
use crate::registry::{Effect, Handler, Outcome};

/// What this family executes.
pub(super) const COMMANDS: &[Binding] = &[
    ("latency|doctor", Handler::Session(doctor)),
    ("latency|graph", Handler::Session(graph)),
    ("latency|help", Handler::Node(help)),
    ("latency|histogram", Handler::Session(histogram)),
    ("latency|history", Handler::Session(history)),
    ("latency|latest", Handler::Session(latest)),
    ("latency|reset", Handler::Session(reset)),
];

fn help(whole: &mut Whole<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    help::write("latency", HELP, whole.registry, reply);
    Ok(Effect::None)
}

fn latest(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    connection.node.with_journal(&mut |journal| {
        reply.array(journal.latency.iter().len());
        for (event, series) in journal.latency.iter() {
            let sample = series.latest();
            reply.array(4);
            reply.bulk(event.name().as_bytes());
            for number in [sample.at_secs, sample.ms, series.worst_ms()] {
                reply.integer(number as i64);
            }
        }
    });
    Ok(Effect::None)
}

fn history(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let event = LatencyEvent::named(args.at(2));
    let mut samples = Vec::new();
    connection.node.with_journal(&mut |journal| {
        let series = event.and_then(|event| journal.latency.series(event));
        samples = series.map_or_else(Vec::new, |series| series.samples().collect());
    });
    reply.array(samples.len());
    for sample in samples {
        reply.array(2);
        reply.integer(sample.at_secs as i64);
        reply.integer(sample.ms as i64);
    }
    Ok(Effect::None)
}

fn graph(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (now, event) = (connection.now, LatencyEvent::named(args.at(2)));
    let mut drawn = None;
    connection.node.with_journal(&mut |journal| {
        let series = event.and_then(|event| Some((event, journal.latency.series(event)?)));
        drawn = series.map(|(event, series)| graph::draw(event, series, now));
    });
    let text = drawn.ok_or_else(|| ErrorReply::NoLatencySamples(args.at(2).to_vec()))?;
    reply.verbatim("txt", text.as_bytes());
    Ok(Effect::None)
}

fn doctor(connection: &mut Connection<'_>, _: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let (now, config, mut text) = (connection.now, connection.config, alloc::string::String::new());
    connection.node.with_journal(&mut |journal| text = doctor::report(&journal.latency, config, now));
    reply.verbatim("txt", text.as_bytes());
    Ok(Effect::None)
}

/// `LATENCY RESET [event ...]`: how many kinds of events there were.
fn reset(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let mut count = 0;
    connection.node.with_journal(&mut |journal| {
        count = journal
            .latency
            .reset(|event| args.len() == 2 || args.skip(2).iter().any(|word| args::is(word, event.name())));
    });
    reply.integer(count as i64);
    Ok(Effect::None)
}

/// `LATENCY HISTOGRAM [command ...]`: of all commands, or those named and their subcommands, that have been called.
fn histogram(connection: &mut Connection<'_>, args: Args<'_>, reply: &mut ReplyWriter<'_>) -> Outcome {
    let named = args.skip(2).iter().filter_map(command::lookup_full);
    let wanted: Vec<&'static Command> = match args.len() {
        2 => command::all().iter().collect(),
        _ => named.flat_map(|command| core::iter::once(command).chain(command.subcommands())).collect(),
    };
    let stats = connection.node.command_stats();
    let counted = wanted.into_iter().filter_map(|command| Some((command, stats?.histogram_of(command.id)?)));
    let counted: Vec<_> = counted.collect();
    reply.map(counted.len());
    for (command, snapshot) in counted {
        reply.bulk(command.name.as_bytes());
        write_histogram(&snapshot, reply);
    }
    Ok(Effect::None)
}

fn write_histogram(snapshot: &Snapshot, reply: &mut ReplyWriter<'_>) {
    reply.map(2);
    reply.bulk(b"calls");
    reply.integer(snapshot.total as i64);
    reply.bulk(b"histogram_usec");
    let levels: Vec<_> = snapshot.levels().collect();
    reply.map(levels.len());
    for (us, calls) in levels {
        reply.integer(us as i64);
        reply.integer(calls as i64);
    }
}

const HELP: &str = "\
DOCTOR
    Return a human readable latency analysis report.
GRAPH <event>
    Return an ASCII latency graph for the <event> class.
HISTORY <event>
    Return time-latency samples for the <event> class.
LATEST
    Return the latest latency samples for all events.
RESET [<event> ...]
    Reset latency data of one or more <event> classes.
    (default: reset all data for all event classes)
HISTOGRAM [COMMAND ...]
    Return a cumulative distribution of latencies in the format of a histogram for the specified command names.
    If no commands are specified then all histograms are replied.
HELP
    Print this help.
";

#[cfg(test)]
mod tests {
    use super::LatencyEvent;
    use crate::testing::TestClient;

    #[test]
    fn events_are_told_by_name_drawn_and_forgotten() {
        let mut client = TestClient::with_config("latency-monitor-threshold 1");
        for ms in [10, 3, 30, 21] {
            let now = crate::node::Node::now(client.node());
            client.node().journal.borrow_mut().latency.add(LatencyEvent::Command, now, ms);
            client.node().advance_ms(1000);
        }
        assert_eq!(
            client.run("LATENCY LATEST"),
            "*1\r\n*4\r\n$7\r\ncommand\r\n:1700000003\r\n:21\r\n:30\r\n"
        );
        assert!(client.run("LATENCY HISTORY command").starts_with("*4\r\n*2\r\n:1700000000\r\n:10\r\n"));
        assert_eq!(client.run("LATENCY HISTORY nosuch"), "*0\r\n");
        let drawing = "command - high 30 ms, low 3 ms (all time high 30 ms)\n\
            --------------------------------------------------------------------------------\n  # \n  |#\n_ ||\n|_||\n    \n4321\nssss\n";
        assert_eq!(client.run("LATENCY GRAPH command"), std::format!("${}\r\n{drawing}\r\n", drawing.len()));
        assert_eq!(client.run("LATENCY GRAPH nosuch"), "-ERR No samples available for event 'nosuch'\r\n");
        assert_eq!(client.run("LATENCY RESET x COMMAND"), ":1\r\n");
        assert_eq!(client.run("LATENCY LATEST"), "*0\r\n");
    }

    #[test]
    fn a_slow_command_is_an_event_by_its_kind() {
        let mut client = TestClient::with_config("latency-monitor-threshold 20\nenable-debug-command yes");
        client.run("DEBUG SLEEP 0.02");
        client.run("GET a");
        assert_eq!(
            client.run("LATENCY LATEST"),
            "*1\r\n*4\r\n$7\r\ncommand\r\n:1700000000\r\n:20\r\n:20\r\n"
        );
    }

    #[test]
    fn histograms_are_of_commands_that_were_called() {
        let mut client = TestClient::new();
        client.run("GET a");
        client.run("CONFIG GET hz");
        assert_eq!(
            client.run("LATENCY HISTOGRAM get set nosuch"),
            "*2\r\n$3\r\nget\r\n*4\r\n$5\r\ncalls\r\n:1\r\n$14\r\nhistogram_usec\r\n*2\r\n:1\r\n:1\r\n"
        );
        assert!(client.run("LATENCY HISTOGRAM config").contains("$10\r\nconfig|get\r\n"));
        client.run("CONFIG SET latency-tracking no");
        client.run("GET a");
        assert!(client.run("LATENCY HISTOGRAM get").contains("calls\r\n:1\r\n"));
    }
}
