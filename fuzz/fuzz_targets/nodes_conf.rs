//! A nodes.conf that is read is one that this node writes and reads again, without a change.
#![no_main]

use libfuzzer_sys::fuzz_target;
use slotway_core::cluster::{Action, Admin, Cluster, Config, Input, Now};
use slotway_core::time::{Instant, UnixMs};

/// A file to start from: a shard with an open slot at each end, a failed primary, a replica, a node without an address.
const SAVED: &str = "\
1111111111111111111111111111111111111111 10.0.0.1:6379@16379,a.example,tls-port=0,shard-id=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa myself,master - 0 0 3 connected 0-5460 [7->-2222222222222222222222222222222222222222] [6000-<-2222222222222222222222222222222222222222]
2222222222222222222222222222222222222222 10.0.0.2:6379@16379,,tls-port=0,nodename=two,shard-id=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb master - 0 1700000000000 2 connected 5461-10922
3333333333333333333333333333333333333333 10.0.0.3:6379@16379 master,fail - 1700000000000 1690000000000 1 disconnected 10923-16383
4444444444444444444444444444444444444444 10.0.0.4:6379@16379,,tls-port=0,shard-id=bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb slave 2222222222222222222222222222222222222222 0 1700000000000 2 connected
5555555555555555555555555555555555555555 :0@0 slave,noaddr,nofailover 3333333333333333333333333333333333333333 0 0 1 disconnected
vars currentEpoch 4 lastVoteEpoch 4
";

/// How the file differs: at which word, and what stands there instead: a word of another place, or any text.
type Edits<'a> = Vec<(u8, u8, Option<&'a str>)>;

fuzz_target!(|input: (Edits, Option<&str>)| {
    let (edits, whole) = input;
    let text = whole.map_or_else(|| edited(&edits), String::from);
    let Ok(cluster) = Cluster::restore(at_ms(0), Config::default(), 7, &text) else { return };
    let saved = saved(cluster.clone());
    let again = Cluster::restore(at_ms(0), Config::default(), 7, &saved);
    let again = again.unwrap_or_else(|error| panic!("{error} in our own file:\n{saved}"));
    assert_eq!(self::saved(again), saved, "from\n{text}");
    live(cluster);
});

fn edited(edits: &Edits<'_>) -> String {
    let mut words: Vec<&str> = SAVED.split(' ').collect();
    for (at, from, text) in edits {
        let word = text.unwrap_or(words[usize::from(*from) % words.len()]);
        let at = usize::from(*at) % words.len();
        words[at] = word;
    }
    words.join(" ")
}

/// What SAVECONFIG writes.
fn saved(mut cluster: Cluster) -> String {
    cluster.admin(at_ms(0), Admin::SaveConfig).expect("a node saves when it is told to");
    let mut last = None;
    while let Some(action) = cluster.poll_action() {
        if let Action::Persist { conf, .. } = action {
            last = Some(conf);
            cluster.handle(at_ms(0), Input::Persisted);
        }
    }
    last.expect("SAVECONFIG saves")
}

/// Lets a minute go by, in which nobody answers.
fn live(mut cluster: Cluster) {
    for ms in (0..60_000).step_by(500) {
        cluster.handle(at_ms(ms), Input::Wake);
        while let Some(action) = cluster.poll_action() {
            if let Action::Persist { .. } = action {
                cluster.handle(at_ms(ms), Input::Persisted);
            }
        }
    }
}

fn at_ms(ms: u64) -> Now {
    Now { instant: Instant::from_ms((1 << 40) + ms), unix: UnixMs::from_ms(1_700_000_000_000 + ms) }
}
