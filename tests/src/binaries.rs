//! Where the programs under test are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Our binary: `SLOTWAY_BIN`, else the test-server or the release build of this workspace.
///
/// Panics with the way to build it when there is none: a suite without its subject proves nothing.
pub fn slotway() -> PathBuf {
    if let Some(path) = env::var_os("SLOTWAY_BIN") {
        return existing(PathBuf::from(path));
    }
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from);
    ["test-server", "release"]
        .iter()
        .map(|profile| target.join(profile).join("slotway"))
        .find(|path| path.is_file())
        .unwrap_or_else(|| {
            panic!(
                "there is no slotway binary in {}: build it with `cargo build --profile test-server -p slotway` \
                 (`make test` does), or name one in SLOTWAY_BIN",
                target.display()
            )
        })
}

/// The reference: `REDIS_SERVER`, else `redis-server` from the path.
pub fn redis_server() -> PathBuf {
    program("REDIS_SERVER", "redis-server")
}

/// `REDIS_CLI`, else `redis-cli` from the path.
pub fn redis_cli() -> PathBuf {
    program("REDIS_CLI", "redis-cli")
}

/// `REDIS_BENCHMARK`, else `redis-benchmark` from the path.
pub fn redis_benchmark() -> PathBuf {
    program("REDIS_BENCHMARK", "redis-benchmark")
}

/// `REDIS_CHECK_RDB`, else `redis-check-rdb` from the path.
pub fn redis_check_rdb() -> PathBuf {
    program("REDIS_CHECK_RDB", "redis-check-rdb")
}

/// Prometheus: `PROMETHEUS`, else the one that `scripts/setup-prometheus` has brought, which is called if there is none.
pub fn prometheus() -> PathBuf {
    if let Some(path) = env::var_os("PROMETHEUS") {
        return PathBuf::from(path);
    }
    let script = workspace().join("scripts/setup-prometheus");
    let output = Command::new(&script).output().expect("scripts/setup-prometheus runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}\nPROMETHEUS may name one instead", script.display());
    PathBuf::from(String::from_utf8_lossy(&output.stdout).trim_end())
}

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_path_buf()
}

fn existing(path: PathBuf) -> PathBuf {
    assert!(path.is_file(), "SLOTWAY_BIN names {}, which is not there", path.display());
    // Servers run in directories of their own, where a relative path would mean nothing.
    path.canonicalize().unwrap_or(path)
}

fn program(variable: &str, name: &str) -> PathBuf {
    env::var_os(variable).map_or_else(|| PathBuf::from(name), PathBuf::from)
}
