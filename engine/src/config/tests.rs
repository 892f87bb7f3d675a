//! The configuration as a whole: loading, GET, SET and REWRITE together. Expected texts were compared with a Redis 7.2.4.

mod get;
mod load;
mod rewrite;
mod set;

use alloc::string::ToString;

use super::*;

/// A configuration read from `text`.
fn config(text: &str) -> Config {
    let mut config = Config::default();
    config
        .load("test.conf", text, &mut no_include)
        .and_then(|()| config.finish())
        .expect("a good configuration");
    config
}

/// The error that `text` leads to.
fn error(text: &str) -> ConfigError {
    let mut config = Config::default();
    let loaded = config.load("test.conf", text, &mut no_include).and_then(|()| config.finish());
    loaded.expect_err("a bad configuration")
}

fn no_include(path: &str) -> Result<Vec<(String, String)>, String> {
    Err(alloc::format!("no file {path}"))
}

fn shown(config: &Config, name: &str) -> String {
    let values = config.get(&[name.as_bytes()]);
    assert_eq!(values.len(), 1, "{name}");
    String::from_utf8(values[0].1.clone()).expect("text")
}

/// What CONFIG SET answers; pairs are name, value, name, value.
fn set(config: &mut Config, words: &[&str]) -> String {
    let pairs: Vec<(&[u8], &[u8])> =
        words.chunks(2).map(|pair| (pair[0].as_bytes(), pair[1].as_bytes())).collect();
    match config.set(&pairs, Asker::default()) {
        Ok(_) => "OK".to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_accessor_reads_its_directive() {
    Config::default().read_all();
}

#[test]
fn every_accessor_reads_the_bounds_of_its_directive() {
    for bound in [|int: number::Int| int.low, |int: number::Int| int.high] {
        let mut config = Config::default();
        for (id, directive) in directives::all() {
            if let directive::Kind::Int(int) = directive.kind {
                config.put(id, Value::Int(bound(int)));
            }
        }
        config.read_all();
    }
}

#[test]
fn every_directive_is_read_or_told_to_be_without_effect() {
    for (_, directive) in directives::all() {
        let is_read = Config::READ.contains(&directive.name) || directive.name == "maxmemory-clients";
        let is_told = without_effect().iter().any(|(name, _)| *name == directive.name);
        // INFO shows it.
        let is_shown_only = directive.name == "hz";
        assert!(
            is_read != is_told || is_shown_only,
            "{}: read {is_read}, in the list {is_told}",
            directive.name
        );
    }
    let strange = without_effect().iter().find(|(name, _)| directive(name.as_bytes()).is_none());
    assert_eq!(strange, None);
}

#[test]
fn no_name_is_taken_twice() {
    let names = directives::all().flat_map(|(_, directive)| [Some(directive.name), directive.alias]);
    let mut names: Vec<&str> = names.flatten().collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(names.iter().all(|name| !name.bytes().any(|byte| byte.is_ascii_uppercase())));
}

#[test]
fn every_default_is_a_value_that_its_directive_takes() {
    let default = Config::default();
    for (id, directive) in directives::all() {
        let shown = default.value(id).format(directive);
        let args: Vec<&[u8]> = match directive.is_list() {
            true => shown.split(|byte| *byte == b' ').collect(),
            false => alloc::vec![&shown],
        };
        let is_no_primary = directive.name == "replicaof";
        let again = default.value(id).changed(directive, &args);
        assert!(is_no_primary || again.as_ref() == Ok(default.value(id)), "{}: {again:?}", directive.name);
    }
}
