//! Clients of two libraries at work on a cluster, which notice whatever is not as they left it.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Once;

use crate::binaries;

/// Two at a time would be in each other's way.
static SET_UP: Once = Once::new();

/// redis-py and ioredis, which count up and read back, until they are told to end.
#[derive(Debug)]
pub struct Load(Vec<Child>);

impl Load {
    /// Starts them, with this node to find the others by.
    pub fn start(port: u16) -> Load {
        SET_UP.call_once(|| {
            let status = Command::new(folder().join("setup.sh")).status().expect("setup.sh runs");
            assert!(status.success());
        });
        let start = |program: PathBuf, script: &str| {
            let mut command = Command::new(program);
            command.current_dir(folder()).arg(script).arg(port.to_string()).arg(format!("{port}"));
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            command.spawn().expect("the client starts")
        };
        Load(vec![start(folder().join(".venv/bin/python"), "load.py"), start("node".into(), "load.mjs")])
    }

    /// Ends them; none may have met an error. How many keys they have written.
    #[track_caller]
    pub fn finish(mut self) -> usize {
        for child in &mut self.0 {
            drop(child.stdin.take());
        }
        let mut keys = 0;
        for mut child in self.0.drain(..) {
            let (mut said, mut complained) = (String::new(), String::new());
            child.stdout.take().expect("it is piped").read_to_string(&mut said).expect("it is text");
            child.stderr.take().expect("it is piped").read_to_string(&mut complained).expect("it is text");
            let status = child.wait().expect("it ends");
            assert!(status.success() && complained.is_empty(), "a client failed:\n{said}{complained}");
            keys +=
                said.split(' ').next().and_then(|word| word.parse::<usize>().ok()).expect("a number of keys");
        }
        keys
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// All keys that clients started with this port may write.
pub fn keys(port: u16) -> impl Iterator<Item = String> {
    let of_python = (0..400).map(move |number| format!("py:{port}:{number}"));
    let of_worker = move |worker| (0..100).map(move |number| format!("js:{port}:{worker}:{number}"));
    of_python.chain((0..4).flat_map(of_worker))
}

fn folder() -> PathBuf {
    binaries::workspace().join("tests/clients")
}
