//! Directives that the environment gives: `SLOTWAY_PROTECTED_MODE=no` is `protected-mode no`.
//!
//! A value is taken as it is, without quotes or escapes. `SLOTWAY_REQUIREPASS_FILE=/run/secrets/password` takes it from a file,
//! without the line break at its end: that keeps it out of what `docker inspect` and `/proc` show. Variables that name no directive are for
//! others, such as `slotway ping`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;

use anyhow::{Context as _, bail};
use slotway_engine::config::{self, args};

const PREFIX: &str = "SLOTWAY_";
const FILE: &str = "_FILE";

/// The directives of these variables, as text of redis.conf, in the order of their names.
///
/// # Errors
/// A value is not text, a file cannot be read, or a variable stands beside its `_FILE`.
pub(crate) fn directives(variables: impl Iterator<Item = (OsString, OsString)>) -> anyhow::Result<String> {
    let mut lines: BTreeMap<&str, (String, String)> = BTreeMap::new();
    for (variable, value) in variables {
        let Some(variable) = variable.to_str() else { continue };
        let Some(name) = variable.strip_prefix(PREFIX) else { continue };
        let (directive, is_file) = match (find(name), name.strip_suffix(FILE).and_then(find)) {
            (Some(directive), _) => (directive, false),
            (None, Some(directive)) => (directive, true),
            (None, None) => continue,
        };
        let value = value.to_str().with_context(|| format!("{variable} is not UTF-8"))?;
        let value = if is_file { read(variable, value)? } else { value.into() };
        let line = args::line_of(directive, &value);
        if let Some((other, _)) = lines.insert(directive.name, (variable.into(), line)) {
            bail!("{other} and {variable} both set '{}': keep one of them", directive.name);
        }
    }
    Ok(lines.into_values().map(|(_, line)| line).collect())
}

fn find(name: &str) -> Option<&'static config::Directive> {
    config::directive(name.to_ascii_lowercase().replace('_', "-").as_bytes())
}

fn read(variable: &str, path: &str) -> anyhow::Result<String> {
    let text = fs::read_to_string(path).with_context(|| format!("{variable}: cannot read '{path}'"))?;
    Ok(text.strip_suffix('\n').map_or(text.as_str(), |text| text.strip_suffix('\r').unwrap_or(text)).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_from(variables: &[(&str, &str)]) -> anyhow::Result<String> {
        directives(variables.iter().map(|(name, value)| (name.into(), value.into())))
    }

    #[test]
    fn variables_are_directives_and_lists_are_split() {
        let text = read_from(&[
            ("SLOTWAY_PORT", "7000"),
            ("SLOTWAY_BIND", "127.0.0.1 ::1"),
            ("SLOTWAY_SAVE", ""),
            ("SLOTWAY_PASSWORD", "for slotway ping"),
            ("PORT", "1"),
        ]);
        assert_eq!(text.unwrap(), "bind 127.0.0.1 ::1\nport \"7000\"\nsave \"\"\n");
    }

    #[test]
    fn a_value_is_taken_as_it_is() {
        let text = read_from(&[("SLOTWAY_REQUIREPASS", "two words \"and\" # more")]).unwrap();
        let mut config = config::Config::default();
        config.load("test", &text, &mut |_| Ok(Vec::new())).unwrap();
        assert_eq!(config.requirepass(), b"two words \"and\" # more");
    }

    #[test]
    fn a_secret_may_be_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        fs::write(&path, "s3 cret\n").unwrap();
        let text = read_from(&[("SLOTWAY_REQUIREPASS_FILE", path.to_str().unwrap())]);
        assert_eq!(text.unwrap(), "requirepass \"s3 cret\"\n");
        let missing = read_from(&[("SLOTWAY_MASTERAUTH_FILE", "/no/such/file")]).unwrap_err();
        assert_eq!(missing.to_string(), "SLOTWAY_MASTERAUTH_FILE: cannot read '/no/such/file'");
    }

    #[test]
    fn a_name_that_ends_in_file_by_itself_is_a_directive() {
        let text = read_from(&[("SLOTWAY_CLUSTER_CONFIG_FILE", "nodes-6379.conf")]);
        assert_eq!(text.unwrap(), "cluster-config-file \"nodes-6379.conf\"\n");
    }

    #[test]
    fn two_values_for_one_directive_are_refused() {
        let both = read_from(&[("SLOTWAY_MASTERAUTH", "a"), ("SLOTWAY_MASTERAUTH_FILE", "/dev/null")]);
        let told = both.unwrap_err().to_string();
        assert_eq!(
            told,
            "SLOTWAY_MASTERAUTH and SLOTWAY_MASTERAUTH_FILE both set 'masterauth': keep one of them"
        );
    }
}
