//! Whatever loads as redis.conf loads again after CONFIG REWRITE, to the same values.
#![no_main]

use libfuzzer_sys::fuzz_target;
use slotway_engine::config::{Config, ConfigError};

fuzz_target!(|text: &str| {
    let Ok(config) = load(text) else { return };
    let rewritten = config.rewrite(text);
    let again = load(&rewritten).unwrap_or_else(|error| panic!("{error} in our own text:\n{rewritten}"));
    assert_eq!(config.get(&[b"*"]), again.get(&[b"*"]), "{rewritten}");
});

fn load(text: &str) -> Result<Config, ConfigError> {
    let mut config = Config::default();
    config.load("fuzzed.conf", text, &mut |_| Ok(Vec::new()))?;
    config.finish()?;
    Ok(config)
}
