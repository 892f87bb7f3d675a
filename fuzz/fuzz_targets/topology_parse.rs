//! Whatever parses as a topology is written and read again without a change.
#![no_main]

use libfuzzer_sys::fuzz_target;
use slotway_core::resp::value::Value;
use slotway_core::topology::Topology;
use slotway_core::topology::View;
use slotway_core::topology::parse::{ParseOptions, any, nodes_text};
use slotway_core::topology::text::nodes;

fuzz_target!(|bytes: &[u8]| {
    let options = ParseOptions { queried_host: Some("10.0.0.1".into()), version: 1 };
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(topology) = nodes_text(text, &options)
    {
        check(&topology, &options);
    }
    if let Ok((reply, _)) = Value::decode(bytes)
        && let Ok(topology) = any(&reply, &options)
    {
        check(&topology, &options);
    }
});

fn check(topology: &Topology, options: &ParseOptions) {
    let text = nodes(topology, View::default());
    let again =
        nodes_text(&text, options).unwrap_or_else(|error| panic!("{error:?} in our own text:\n{text}"));
    assert_eq!(nodes(&again, View::default()), text);
}
