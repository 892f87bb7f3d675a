//! A Prometheus that watches servers under test, with the rules that operators are given.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::binaries;
use crate::patience::Patience;
use crate::ports::free_port;

/// The rules under test.
pub const RULES: &str = "deploy/prometheus/alerts.yaml";
const PATIENCE: Patience = Patience { limit: Duration::from_secs(60), poll: Duration::from_millis(100) };

/// A Prometheus that runs.
#[derive(Debug)]
pub struct Prometheus {
    child: Child,
    port: u16,
    dir: TempDir,
}

/// What it has found to be wrong, and for long enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Its name in the rules.
    pub name: String,
    /// Names and values: `instance`, `slot`, ...
    pub labels: Vec<(String, String)>,
    /// What operators read.
    pub summary: String,
}

impl Alert {
    /// The value of a label; empty if it has none of this name.
    pub fn label(&self, name: &str) -> &str {
        self.labels.iter().find(|(label, _)| label == name).map_or("", |(_, value)| value)
    }
}

impl Prometheus {
    /// Starts one that reads these HTTP ports every `scrape_secs`, with `rules`; waits until it has read all of them.
    pub fn start(http_ports: &[u16], scrape_secs: u64, rules: &str) -> Prometheus {
        let (port, dir) = (free_port(), tempfile::tempdir().expect("a temporary directory can be made"));
        let targets: Vec<String> = http_ports.iter().map(|port| format!("\"127.0.0.1:{port}\"")).collect();
        let config = format!(
            "global: {{ scrape_interval: {scrape_secs}s, scrape_timeout: {scrape_secs}s, evaluation_interval: {scrape_secs}s }}\n\
             rule_files: [alerts.yaml]\n\
             scrape_configs:\n  - job_name: slotway\n    params: {{ slots: [\"50\"] }}\n    static_configs: [{{ targets: [{}] }}]\n",
            targets.join(", ")
        );
        let write = |name: &str, text: &str| {
            fs::write(dir.path().join(name), text).expect("the directory is ours");
        };
        write("alerts.yaml", rules);
        write("prometheus.yml", &config);
        let log = fs::File::create(dir.path().join("output.log")).expect("the directory is ours");
        let mut command = Command::new(binaries::prometheus());
        command.current_dir(dir.path()).arg("--config.file=prometheus.yml").arg("--storage.tsdb.path=data");
        command.arg(format!("--web.listen-address=127.0.0.1:{port}"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn().expect("prometheus starts");
        let prometheus = Prometheus { child, port, dir };
        PATIENCE.wait_until("prometheus has read all nodes", || {
            prometheus.query("sum(up)").is_some_and(|up| up == http_ports.len() as f64)
        });
        prometheus
    }

    /// All alerts that fire.
    pub fn alerts(&self) -> Vec<Alert> {
        let answer = self.get("/api/v1/alerts").unwrap_or_else(|| panic!("no answer:\n{}", self.output()));
        let alerts = answer["data"]["alerts"].as_array().cloned().unwrap_or_default();
        let firing = alerts.iter().filter(|alert| alert["state"] == "firing");
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        firing
            .map(|alert| Alert {
                name: text(&alert["labels"]["alertname"]),
                labels: alert["labels"].as_object().map_or_else(Vec::new, |labels| {
                    labels.iter().map(|(name, value)| (name.clone(), text(value))).collect()
                }),
                summary: text(&alert["annotations"]["summary"]),
            })
            .collect()
    }

    /// The one figure that a query gives, if it gives any.
    pub fn query(&self, query: &str) -> Option<f64> {
        let answer = self.get(&format!("/api/v1/query?query={query}"))?;
        answer["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    }

    fn get(&self, path: &str) -> Option<serde_json::Value> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: here\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        serde_json::from_str(text.split_once("\r\n\r\n")?.1).ok()
    }

    fn output(&self) -> String {
        fs::read_to_string(self.dir.path().join("output.log")).unwrap_or_default()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // Both fail only when it already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The rules as they are given to operators.
pub fn rules() -> String {
    fs::read_to_string(binaries::workspace().join(RULES)).expect("the rules are there")
}

/// The same with all durations divided by `by`: for who has no minute.
pub fn hastened(rules: &str, by: u64) -> String {
    let mut text = String::new();
    let mut rest = rules;
    while let Some(at) =
        ["for: ", "[", "offset "].iter().filter_map(|mark| Some(rest.find(mark)? + mark.len())).min()
    {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let seconds = match (rest[..digits].parse::<u64>(), rest.as_bytes().get(digits)) {
            (Ok(number), Some(b's')) => number,
            (Ok(number), Some(b'm')) => 60 * number,
            _ => continue,
        };
        text.push_str(&format!("{}s", (seconds / by).max(1)));
        rest = &rest[digits + 1..];
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_divided_and_nothing_else() {
        let rules = "expr: increase(x[1m]) > 30 unless x offset 10m\n  for: 30s\n  a: [b]\n";
        assert_eq!(
            hastened(rules, 6),
            "expr: increase(x[10s]) > 30 unless x offset 100s\n  for: 5s\n  a: [b]\n"
        );
    }
}
