//! `/metrics`: what INFO and CLUSTER INFO tell, in the text format of Prometheus, under the names that redis_exporter has for it, so that its
//! dashboards and alerts go on working. What Redis has no figure for begins with `slotway_`.
//!
//! Sources: redis_exporter's `exporter/metrics.go` for the names, the Prometheus text format 0.0.4 for the form.

mod help;

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A figure of INFO, and its name here.
type Named = (&'static str, &'static str);

const GAUGES: &[Named] = &[
    ("uptime_in_seconds", "uptime_in_seconds"),
    ("process_id", "process_id"),
    ("connected_clients", "connected_clients"),
    ("cluster_connections", "cluster_connections"),
    ("maxclients", "max_clients"),
    ("blocked_clients", "blocked_clients"),
    ("tracking_clients", "tracking_clients"),
    ("clients_in_timeout_table", "clients_in_timeout_table"),
    ("used_memory", "memory_used_bytes"),
    ("used_memory_rss", "memory_used_rss_bytes"),
    ("used_memory_peak", "memory_used_peak_bytes"),
    ("used_memory_lua", "memory_used_lua_bytes"),
    ("used_memory_overhead", "memory_used_overhead_bytes"),
    ("used_memory_startup", "memory_used_startup_bytes"),
    ("used_memory_dataset", "memory_used_dataset_bytes"),
    ("used_memory_scripts", "memory_used_scripts_bytes"),
    ("number_of_cached_scripts", "number_of_cached_scripts"),
    ("number_of_functions", "number_of_functions"),
    ("number_of_libraries", "number_of_libraries"),
    ("total_system_memory", "total_system_memory_bytes"),
    ("maxmemory", "memory_max_bytes"),
    ("mem_fragmentation_ratio", "mem_fragmentation_ratio"),
    ("mem_fragmentation_bytes", "mem_fragmentation_bytes"),
    ("mem_clients_normal", "mem_clients_normal"),
    ("mem_clients_slaves", "mem_clients_slaves"),
    ("mem_cluster_links", "mem_cluster_links"),
    ("lazyfree_pending_objects", "lazyfree_pending_objects"),
    ("loading", "loading_dump_file"),
    ("async_loading", "async_loading"),
    ("rdb_changes_since_last_save", "rdb_changes_since_last_save"),
    ("rdb_bgsave_in_progress", "rdb_bgsave_in_progress"),
    ("rdb_last_save_time", "rdb_last_save_timestamp_seconds"),
    ("rdb_last_bgsave_status", "rdb_last_bgsave_status"),
    ("rdb_last_bgsave_time_sec", "rdb_last_bgsave_duration_sec"),
    ("rdb_current_bgsave_time_sec", "rdb_current_bgsave_duration_sec"),
    ("aof_enabled", "aof_enabled"),
    ("aof_rewrite_in_progress", "aof_rewrite_in_progress"),
    ("aof_rewrite_scheduled", "aof_rewrite_scheduled"),
    ("aof_last_rewrite_time_sec", "aof_last_rewrite_duration_sec"),
    ("aof_current_rewrite_time_sec", "aof_current_rewrite_duration_sec"),
    ("aof_last_bgrewrite_status", "aof_last_bgrewrite_status"),
    ("aof_last_write_status", "aof_last_write_status"),
    ("aof_current_size", "aof_current_size_bytes"),
    ("aof_base_size", "aof_base_size_bytes"),
    ("aof_buffer_length", "aof_buffer_length"),
    ("instantaneous_ops_per_sec", "instantaneous_ops_per_sec"),
    ("pubsub_channels", "pubsub_channels"),
    ("pubsub_patterns", "pubsub_patterns"),
    ("pubsubshard_channels", "pubsubshard_channels"),
    ("tracking_total_keys", "tracking_total_keys"),
    ("connected_slaves", "connected_slaves"),
    ("repl_backlog_active", "repl_backlog_is_active"),
    ("repl_backlog_size", "replication_backlog_bytes"),
    ("repl_backlog_first_byte_offset", "repl_backlog_first_byte_offset"),
    ("repl_backlog_histlen", "repl_backlog_history_bytes"),
    ("master_repl_offset", "master_repl_offset"),
    ("second_repl_offset", "second_repl_offset"),
    ("slave_repl_offset", "slave_repl_offset"),
    ("slave_priority", "slave_priority"),
    ("slave_read_only", "replica_read_only"),
    ("master_link_status", "master_link_up"),
    ("master_sync_in_progress", "master_sync_in_progress"),
    ("master_last_io_seconds_ago", "master_last_io_seconds_ago"),
    ("min_slaves_good_slaves", "min_slaves_good_slaves"),
    ("cluster_enabled", "cluster_enabled"),
    ("cluster_state", "cluster_state"),
    ("cluster_slots_assigned", "cluster_slots_assigned"),
    ("cluster_slots_ok", "cluster_slots_ok"),
    ("cluster_slots_pfail", "cluster_slots_pfail"),
    ("cluster_slots_fail", "cluster_slots_fail"),
    ("cluster_known_nodes", "cluster_known_nodes"),
    ("cluster_size", "cluster_size"),
    ("cluster_current_epoch", "cluster_current_epoch"),
    ("cluster_my_epoch", "cluster_my_epoch"),
];

const COUNTERS: &[Named] = &[
    ("total_connections_received", "connections_received_total"),
    ("total_commands_processed", "commands_processed_total"),
    ("total_net_input_bytes", "net_input_bytes_total"),
    ("total_net_output_bytes", "net_output_bytes_total"),
    ("rejected_connections", "rejected_connections_total"),
    ("expired_keys", "expired_keys_total"),
    ("evicted_keys", "evicted_keys_total"),
    ("evicted_clients", "evicted_clients_total"),
    ("keyspace_hits", "keyspace_hits_total"),
    ("keyspace_misses", "keyspace_misses_total"),
    ("lazyfreed_objects", "lazyfreed_objects_total"),
    ("rdb_saves", "rdb_saves_total"),
    ("aof_rewrites", "aof_rewrites_total"),
    ("sync_full", "replica_resyncs_full"),
    ("sync_partial_ok", "replica_partial_resync_accepted"),
    ("sync_partial_err", "replica_partial_resync_denied"),
    ("total_error_replies", "total_error_replies"),
    ("acl_access_denied_auth", "acl_access_denied_auth_total"),
    ("acl_access_denied_cmd", "acl_access_denied_cmd_total"),
    ("acl_access_denied_key", "acl_access_denied_key_total"),
    ("acl_access_denied_channel", "acl_access_denied_channel_total"),
    ("used_cpu_sys", "cpu_sys_seconds_total"),
    ("used_cpu_user", "cpu_user_seconds_total"),
    ("cluster_stats_messages_sent", "cluster_messages_sent_total"),
    ("cluster_stats_messages_received", "cluster_messages_received_total"),
    ("total_cluster_links_buffer_limit_exceeded", "cluster_links_buffer_limit_exceeded_total"),
];

/// What a part of a field becomes: how it counts, its name here, and what one of it is in units of that.
type Figure = (Kind, &'static str, f64);
/// A part of a field with several figures, by its name there.
type Part = (&'static str, Figure);

const OF_COMMANDS: &[Part] = &[
    ("calls", (Kind::Counter, "redis_commands_total", 1.0)),
    ("usec", (Kind::Counter, "redis_commands_duration_seconds_total", 1e-6)),
    ("rejected_calls", (Kind::Counter, "redis_commands_rejected_calls_total", 1.0)),
    ("failed_calls", (Kind::Counter, "redis_commands_failed_calls_total", 1.0)),
];
const OF_ERRORS: &[Part] = &[("count", (Kind::Counter, "redis_errors_total", 1.0))];
const OF_DATABASES: &[Part] = &[
    ("keys", (Kind::Gauge, "redis_db_keys", 1.0)),
    ("expires", (Kind::Gauge, "redis_db_keys_expiring", 1.0)),
    ("avg_ttl", (Kind::Gauge, "redis_db_avg_ttl_seconds", 1e-3)),
];
const OF_REPLICAS: &[Part] = &[
    ("offset", (Kind::Gauge, "redis_connected_slave_offset_bytes", 1.0)),
    ("lag", (Kind::Gauge, "redis_connected_slave_lag_seconds", 1.0)),
];

/// What one node has said of itself.
pub(super) struct Told {
    /// Its address, where several nodes answer together; empty otherwise.
    pub(super) node: String,
    /// INFO everything.
    pub(super) info: String,
    /// CLUSTER INFO; empty without cluster mode.
    pub(super) cluster: String,
    /// `CLUSTER SLOT-STATS`: each slot asked for, and what it counts.
    pub(super) slots: Vec<(u16, Vec<(String, u64)>)>,
    /// Why clients cannot be sent there, if they cannot.
    pub(super) not_ready: Option<String>,
}

impl Told {
    /// Of a node that does not answer.
    pub(super) fn nothing(node: String) -> Self {
        let (info, cluster, slots) = (String::new(), String::new(), Vec::new());
        Self { node, info, cluster, slots, not_ready: Some("it does not answer".to_owned()) }
    }
}

/// All metrics of some nodes.
pub(super) fn text(all: &[Told]) -> String {
    let mut page = Page::default();
    for told in all {
        page.node(told);
    }
    page.text()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Summary,
}

/// Metrics by their names, each with all its samples, as the format wants them.
#[derive(Default)]
struct Page(BTreeMap<String, Metric>);

#[derive(Default)]
struct Metric {
    kind: &'static str,
    /// Labels and value of each.
    samples: Vec<(String, String)>,
}

impl Page {
    fn node(&mut self, told: &Told) {
        let fields: BTreeMap<&str, &str> = told
            .info
            .lines()
            .chain(told.cluster.lines())
            .filter_map(|line| line.trim_end().split_once(':'))
            .collect();
        let own = Labels::of(&told.node);
        let flag = |is_so| if is_so { "1" } else { "0" };
        self.add(Kind::Gauge, "redis_up", &own, flag(!told.info.is_empty()));
        self.add(Kind::Gauge, "slotway_ready", &own, flag(told.not_ready.is_none()));
        if told.info.is_empty() {
            return;
        }
        for (named, kind) in [(GAUGES, Kind::Gauge), (COUNTERS, Kind::Counter)] {
            for (field, name) in named {
                if let Some(value) = fields.get(field).and_then(|text| number(text)) {
                    self.add(kind, &format!("redis_{name}"), &own, &value);
                }
            }
        }
        self.instance(&fields, &own);
        for (field, value) in &fields {
            self.compound(field, value, &own);
        }
        for (slot, counts) in &told.slots {
            let own = own.and("slot", &slot.to_string());
            for (name, value) in counts {
                let (kind, name) = slot_metric(name);
                self.add(kind, &name, &own, &value.to_string());
            }
        }
    }

    fn instance(&mut self, fields: &BTreeMap<&str, &str>, own: &Labels) {
        let mut labels = own.clone();
        for (label, field) in [
            ("role", "role"),
            ("redis_version", "redis_version"),
            ("slotway_version", "slotway_version"),
            ("redis_mode", "redis_mode"),
            ("os", "os"),
            ("maxmemory_policy", "maxmemory_policy"),
            ("tcp_port", "tcp_port"),
            ("run_id", "run_id"),
            ("process_id", "process_id"),
            ("master_replid", "master_replid"),
        ] {
            labels = labels.and(label, fields.get(field).copied().unwrap_or_default());
        }
        self.add(Kind::Gauge, "redis_instance_info", &labels, "1");
        if let (Some(host), Some(port)) = (fields.get("master_host"), fields.get("master_port")) {
            let labels = own.and("master_host", host).and("master_port", port);
            self.add(Kind::Gauge, "redis_slave_info", &labels, "1");
        }
    }

    /// A field with several figures in it, or whose name says more than what is counted.
    fn compound(&mut self, field: &str, value: &str, own: &Labels) {
        let parts = || value.split(',').filter_map(|part| part.split_once('='));
        let of = |name| parts().find(|(part, _)| *part == name).map_or("", |(_, text)| text);
        if let Some(command) = field.strip_prefix("cmdstat_") {
            self.parts(OF_COMMANDS, of, &own.and("cmd", command));
        } else if let Some(command) = field.strip_prefix("latency_percentiles_usec_") {
            for (part, text) in parts() {
                let quantile = part.strip_prefix('p').and_then(|part| part.parse::<f64>().ok());
                let Some(quantile) = quantile else { continue };
                let labels =
                    own.and("cmd", command).and("quantile", &((quantile * 1e4).round() / 1e6).to_string());
                self.part((Kind::Summary, "redis_latency_percentiles_usec", 1.0), text, &labels);
            }
        } else if let Some(code) = field.strip_prefix("errorstat_") {
            self.parts(OF_ERRORS, of, &own.and("err", code));
        } else if is_numbered(field, "db") {
            self.parts(OF_DATABASES, of, &own.and("db", field));
        } else if is_numbered(field, "slave") {
            let labels =
                own.and("slave_ip", of("ip")).and("slave_port", of("port")).and("slave_state", of("state"));
            self.parts(OF_REPLICAS, of, &labels);
        } else if let Some(rest) = field.strip_prefix("sync_full_") {
            let (side, reason) = rest.split_once('_').unwrap_or((rest, ""));
            let labels = own.and("side", side).and("reason", reason);
            self.part((Kind::Counter, "slotway_full_syncs_total", 1.0), value, &labels);
        } else if let Some(rest) = field.strip_prefix("cluster_stats_messages_")
            && let Some((message, direction)) = rest.rsplit_once('_')
        {
            let labels = own.and("type", message).and("direction", direction);
            self.part((Kind::Counter, "slotway_bus_messages_total", 1.0), value, &labels);
        }
    }

    /// The parts of one field that `table` names.
    fn parts<'v>(&mut self, table: &[Part], of: impl Fn(&'static str) -> &'v str, labels: &Labels) {
        for (name, figure) in table {
            self.part(*figure, of(name), labels);
        }
    }

    /// What is no figure is left out.
    fn part(&mut self, (kind, name, factor): Figure, text: &str, labels: &Labels) {
        if let Ok(value) = text.parse::<f64>() {
            self.add(kind, name, labels, &(value * factor).to_string());
        }
    }

    fn add(&mut self, kind: Kind, name: &str, labels: &Labels, value: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Summary => "summary",
        };
        let metric = self.0.entry(name.to_owned()).or_default();
        metric.kind = kind;
        metric.samples.push((labels.text(), value.to_owned()));
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (name, Metric { kind, samples }) in &self.0 {
            // A String takes everything.
            let _ = writeln!(text, "# HELP {name} {}\n# TYPE {name} {kind}", help::of(name));
            for (labels, value) in samples {
                let _ = writeln!(text, "{name}{labels} {value}");
            }
        }
        text
    }
}

/// What tells samples of one metric apart.
#[derive(Clone, Default)]
struct Labels(Vec<(&'static str, String)>);

impl Labels {
    fn of(node: &str) -> Self {
        match node {
            "" => Self::default(),
            node => Self::default().and("node", node),
        }
    }

    fn and(&self, name: &'static str, value: &str) -> Self {
        let mut labels = self.clone();
        labels.0.push((name, value.to_owned()));
        labels
    }

    fn text(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let pairs: Vec<String> =
            self.0.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
        format!("{{{}}}", pairs.join(","))
    }
}

/// `db0`, `slave12`.
fn is_numbered(field: &str, prefix: &str) -> bool {
    let digits = field.strip_prefix(prefix).unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// A figure, or a word for one.
fn number(text: &str) -> Option<String> {
    match text {
        "ok" | "up" => Some("1".to_owned()),
        "err" | "down" | "fail" => Some("0".to_owned()),
        text => text.parse::<f64>().ok().map(|_| text.to_owned()),
    }
}

fn slot_metric(name: &str) -> (Kind, String) {
    match name {
        "key-count" => (Kind::Gauge, "slotway_slot_keys".to_owned()),
        "memory-bytes" => (Kind::Gauge, "slotway_slot_memory_bytes".to_owned()),
        name => (Kind::Counter, format!("slotway_slot_{}_total", name.replace('-', "_"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told() -> Told {
        Told {
            node: String::new(),
            info: "# Server\r\nredis_version:7.2.4\r\nrole:master\r\nused_memory:12\r\nrdb_last_bgsave_status:err\r\ncmdstat_get:calls=3,usec=1500000,usec_per_call=1,rejected_calls=0,failed_calls=1\r\nlatency_percentiles_usec_get:p50=1.003,p99.9=7.5\r\nerrorstat_WRONGTYPE:count=2\r\ndb0:keys=5,expires=1,avg_ttl=2500\r\nslave0:ip=10.0.0.1,port=6380,state=online,offset=77,lag=1\r\nsync_full_given_no_data:2\r\n".into(),
            cluster: "cluster_state:ok\r\ncluster_stats_messages_ping_sent:9\r\ncluster_stats_messages_sent:9\r\n".into(),
            slots: vec![(12182, vec![("key-count".into(), 4), ("cpu-usec".into(), 8)])],
            not_ready: Some("why".into()),
        }
    }

    #[test]
    fn figures_have_the_names_that_dashboards_know() {
        let text = text(&[told()]);
        for line in [
            "# TYPE redis_commands_total counter",
            "redis_up 1",
            "slotway_ready 0",
            "redis_memory_used_bytes 12",
            "redis_rdb_last_bgsave_status 0",
            "redis_cluster_state 1",
            "redis_cluster_messages_sent_total 9",
            "redis_commands_total{cmd=\"get\"} 3",
            "redis_commands_duration_seconds_total{cmd=\"get\"} 1.5",
            "redis_commands_failed_calls_total{cmd=\"get\"} 1",
            "redis_latency_percentiles_usec{cmd=\"get\",quantile=\"0.999\"} 7.5",
            "redis_errors_total{err=\"WRONGTYPE\"} 2",
            "redis_db_keys{db=\"db0\"} 5",
            "redis_db_avg_ttl_seconds{db=\"db0\"} 2.5",
            "redis_connected_slave_lag_seconds{slave_ip=\"10.0.0.1\",slave_port=\"6380\",slave_state=\"online\"} 1",
            "slotway_full_syncs_total{side=\"given\",reason=\"no_data\"} 2",
            "slotway_bus_messages_total{type=\"ping\",direction=\"sent\"} 9",
            "slotway_slot_keys{slot=\"12182\"} 4",
            "slotway_slot_cpu_usec_total{slot=\"12182\"} 8",
        ] {
            assert!(text.lines().any(|got| got == line), "{line}\n{text}");
        }
    }

    /// Names are found by halves: so they must stand in order.
    #[test]
    fn each_metric_has_words_and_no_words_are_of_none() {
        assert!(help::WORDS.is_sorted_by(|one, other| one.0 < other.0));
        let named = GAUGES.iter().chain(COUNTERS).map(|(_, name)| format!("redis_{name}"));
        let parts = [OF_COMMANDS, OF_ERRORS, OF_DATABASES, OF_REPLICAS].concat();
        let slots = ["key-count", "memory-bytes", "cpu-usec", "network-bytes-in", "network-bytes-out"];
        let alone = [
            "redis_up",
            "redis_instance_info",
            "redis_slave_info",
            "redis_latency_percentiles_usec",
            "slotway_ready",
            "slotway_full_syncs_total",
            "slotway_bus_messages_total",
        ];
        let mut all: Vec<String> = named.chain(parts.iter().map(|(_, figure)| figure.1.to_owned())).collect();
        all.extend(slots.iter().map(|name| slot_metric(name).1));
        all.extend(alone.map(str::to_owned));
        all.sort();
        let words: Vec<&str> = help::WORDS.iter().map(|(name, _)| *name).collect();
        assert_eq!(all, words);
    }

    #[test]
    fn a_node_that_does_not_answer_is_down_and_hides_no_other() {
        let text = text(&[Told::nothing("a".into()), Told { node: "b".into(), ..told() }]);
        let is_there = |line: &str| text.lines().any(|got| got == line);
        assert!(is_there("redis_up{node=\"a\"} 0") && is_there("redis_up{node=\"b\"} 1"), "{text}");
        assert!(!text.contains("redis_instance_info{node=\"a\""), "{text}");
    }

    #[test]
    fn each_metric_is_told_once_however_many_nodes_there_are() {
        let nodes = ["127.0.0.1:7000", "a\"b"].map(|node| Told { node: node.into(), ..told() });
        let text = text(&nodes);
        assert_eq!(text.lines().filter(|line| *line == "# TYPE redis_up gauge").count(), 1);
        assert!(
            text.contains("redis_up{node=\"127.0.0.1:7000\"} 1\nredis_up{node=\"a\\\"b\"} 1\n"),
            "{text}"
        );
    }
}
