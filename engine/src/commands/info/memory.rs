//! The memory section of INFO.

use super::{Lines, Picture};
use crate::script::ScriptFigures;

/// `used_memory` is what keys, values and their tables take, and connections; the rest of the process shows in `used_memory_rss` only.
pub(super) fn lines(picture: &Picture<'_>, lines: &mut Lines) {
    let Picture { memory, facts, .. } = picture;
    let used = memory.used;
    lines.bytes("used_memory", used);
    lines.bytes("used_memory_rss", facts.rss);
    lines.bytes("used_memory_peak", facts.rss_peak);
    lines.field("used_memory_peak_perc", format_args!("{:.2}%", memory.peak_percent()));
    lines.field("used_memory_overhead", memory.overhead);
    lines.field("used_memory_startup", 0);
    lines.field("used_memory_dataset", memory.dataset());
    lines.field("used_memory_dataset_perc", format_args!("{:.2}%", memory.dataset_percent()));
    lines.field("allocator_allocated", used);
    lines.field("allocator_active", facts.rss);
    lines.field("allocator_resident", facts.rss);
    lines.bytes("total_system_memory", facts.system_memory);
    scripts(picture.scripts, lines);
    lines.bytes("maxmemory", picture.config.maxmemory());
    lines.field("maxmemory_policy", picture.config.maxmemory_policy().as_str());
    fragmentation(memory.fragmentation(), lines);
    lines.zeros(&["mem_not_counted_for_evict", "mem_replication_backlog", "mem_total_replication_buffers"]);
    lines.field("mem_clients_slaves", 0);
    lines.field("mem_clients_normal", memory.clients);
    lines.field("mem_cluster_links", facts.cluster_links);
    lines.field("mem_aof_buffer", 0);
    lines.field("mem_allocator", facts.allocator);
    lines.field("active_defrag_running", 0);
    lines.field("lazyfree_pending_objects", picture.facts.garbage_pending);
    lines.field("lazyfreed_objects", picture.facts.garbage_freed);
}

/// What runs scripts counts its memory apart: it is no data.
fn scripts(figures: ScriptFigures, lines: &mut Lines) {
    let (vm_eval, vm_functions) = (figures.scripts_vm_bytes as u64, figures.functions_vm_bytes as u64);
    lines.field("used_memory_lua", vm_eval);
    lines.field("used_memory_vm_eval", vm_eval);
    lines.human("used_memory_lua", vm_eval);
    lines.field("used_memory_scripts_eval", figures.scripts_bytes);
    lines.field("number_of_cached_scripts", figures.scripts);
    lines.field("number_of_functions", figures.functions);
    lines.field("number_of_libraries", figures.libraries);
    lines.field("used_memory_vm_functions", vm_functions);
    lines.bytes("used_memory_vm_total", vm_eval + vm_functions);
    lines.field("used_memory_functions", figures.functions_bytes);
    lines.bytes("used_memory_scripts", (figures.scripts_bytes + figures.functions_bytes) as u64);
}

/// What the process takes beyond its data. Redis tells where it is lost; here all of it is the allocator's.
fn fragmentation(lost: (f64, u64), lines: &mut Lines) {
    for (name, (factor, bytes)) in [
        ("allocator_frag", lost),
        ("allocator_rss", (1.0, 0)),
        ("rss_overhead", (1.0, 0)),
        ("mem_fragmentation", lost),
    ] {
        lines.field(&alloc::format!("{name}_ratio"), format_args!("{factor:.2}"));
        lines.field(&alloc::format!("{name}_bytes"), bytes);
    }
}
