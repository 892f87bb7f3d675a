//! A primary is killed while redis-py writes to its cluster: nothing is lost that a replica had confirmed by WAIT.

use std::path::Path;
use std::process::{Command, Stdio};

use slotway_tests::binaries;
use slotway_tests::ports::free_ports;

/// Processes of the cluster.
const NODES: u16 = 6;

/// The program counts, and fails when anything is missing or nothing was written.
#[test]
fn a_failover_under_load_keeps_what_wait_has_confirmed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let set_up = Command::new("./setup.sh").current_dir(folder.join("clients")).status();
    assert!(set_up.is_ok_and(|status| status.success()), "tests/clients/setup.sh installs the clients");
    let program = Command::new(folder.join("clients/.venv/bin/python"))
        .current_dir(folder.join("perf"))
        .args(["kept.py", "--only-slotway", "--rounds", "2", "--port", &free_ports(NODES).to_string()])
        .arg("--slotway")
        .arg(binaries::slotway())
        .stdin(Stdio::null())
        .output()
        .expect("Python is installed");
    let said = String::from_utf8_lossy(&[program.stdout, program.stderr].concat()).into_owned();
    assert!(program.status.success(), "{said}");
}
