//! Recorded troubles of others, as texts: `sim/scenarios/*.txt`.
//!
//! A text is a list of paragraphs: a command, `----`, and what comes of it. `UPDATE_SCENARIOS=1` writes down what comes of it now, so
//! that a change of behaviour shows as a diff. What the commands are: [`script`](super::world::script).

use alloc::format;
use alloc::string::{String, ToString};
use std::path::PathBuf;
use std::{env, fs};

use super::world::script::Script;

const BETWEEN: &str = "----\n";

#[test]
fn recorded_troubles_go_as_they_are_written_down() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: alloc::vec::Vec<_> = fs::read_dir(&folder)
        .expect("scenarios are beside the sources")
        .map(|entry| entry.expect("it can be read").path())
        .collect();
    files.sort();
    assert!(files.len() >= 8, "where are the scenarios? {files:?}");
    for path in files {
        let written = fs::read_to_string(&path).expect("a scenario is a text");
        let played = play(&written).unwrap_or_else(|wrong| panic!("{}: {wrong}", path.display()));
        if env::var_os("UPDATE_SCENARIOS").is_some() {
            fs::write(&path, played).expect("the folder can be written to");
        } else {
            assert_eq!(played, written, "{}: UPDATE_SCENARIOS=1 writes it anew", path.display());
        }
    }
}

/// The same text with what comes of its commands now. Comments stay.
fn play(text: &str) -> Result<String, String> {
    let mut script: Option<Script> = None;
    let mut played = String::new();
    for paragraph in text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
        let is_comment = |line: &&str| line.starts_with('#');
        let comment: String =
            paragraph.lines().take_while(is_comment).map(|line| format!("{line}\n")).collect();
        played.push_str(&comment);
        if let Some(command) = paragraph.lines().find(|line| !is_comment(line)) {
            let outcome = match &mut script {
                None => {
                    script = Some(Script::new(command)?);
                    "ok\n".to_string()
                }
                Some(script) => script.command(command)?,
            };
            played.push_str(&format!("{command}\n{BETWEEN}{outcome}"));
        }
        played.push('\n');
    }
    Ok(played)
}
