//! Core and engine need no operating system: a program without std links them, and its wasm imports nothing.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use wasmparser::{Parser, Payload};

const TARGET: &str = "wasm32-unknown-unknown";

#[test]
fn core_and_engine_link_without_std_and_import_nothing() {
    let probe = Path::new(env!("CARGO_MANIFEST_DIR")).join("probes/no_std");
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no_std");
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--target", TARGET, "--target-dir"]).arg(&built).current_dir(&probe);
    let output = cargo.output().expect("cargo runs: it runs this test");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "core or engine does not build without std for {TARGET}:\n{said}");
    let wasm = fs::read(built.join(TARGET).join("debug/no_std_probe.wasm")).expect("it was just built");
    assert_eq!(
        imports(&wasm),
        Vec::<String>::new(),
        "whatever is imported would have to come from an environment"
    );
    assert!(exports(&wasm).contains(&"slot_of_bytes".to_string()), "the artefact holds code of core");
}

/// The imports of a module, as `module.name`.
fn imports(wasm: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::ImportSection(section) = payload.expect("rustc writes valid wasm") {
            let imports = section.into_imports().map(|import| import.expect("rustc writes valid wasm"));
            found.extend(imports.map(|import| format!("{}.{}", import.module, import.name)));
        }
    }
    found
}

fn exports(wasm: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        if let Payload::ExportSection(section) = payload.expect("rustc writes valid wasm") {
            found.extend(
                section.into_iter().map(|export| export.expect("rustc writes valid wasm").name.to_string()),
            );
        }
    }
    found
}
