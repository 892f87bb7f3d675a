"""Measures what a snapshot costs those who write meanwhile, beside redis-server, and prints Markdown.

Server pinned to one core, redis-benchmark to another. Many keys are set; then bursts of random SETs are timed, first at rest, then for as
long as a BGSAVE, a BGREWRITEAOF or the full synchronization of a replica goes on. Ratios are those of a server to itself at rest. Memory
is measured in a BGSAVE of its own, while half as many writes as there are keys come in a pipeline: the growth of the server's resident
memory at its peak, and for redis-server what its child has made it copy (rdb_last_cow_size).
"""

import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import CLIENTS, VALUE_BYTES, Subject, command_line, machine, resident_mib, stop, wait_for_pong
from failover import text

BURST, BURSTS_AT_REST, PATIENCE_SECONDS = 20_000, 10, 300
OPTIONS = ("--bind", "127.0.0.1", "--save", "", "--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0")
OPTIONS += ("--auto-aof-rewrite-percentage", "0", "--repl-backlog-size", "256mb")


def info(port, name):
    """A field of INFO; an empty text where there is none."""
    found = re.search(rf"^{name}:(.*?)\r?$", text(port, "info", "everything"), re.MULTILINE)
    return found[1] if found else ""


def writes(args, count, pipeline=1):
    """The command that sends so many SETs of random keys."""
    command = ["taskset", "-c", str(args.client_core), "redis-benchmark", "-p", str(args.port), "-c", str(CLIENTS)]
    return command + ["-n", str(count), "-r", str(args.keys), "-P", str(pipeline), "-d", str(VALUE_BYTES), "-t", "set"]


def burst(args):
    """(p99, p99.9, longest) of some writes, in ms."""
    output = subprocess.run(writes(args, BURST), check=True, capture_output=True, text=True).stdout
    summary = output[output.index("latency summary") :].splitlines()[2].split()
    percentiles = re.findall(r"([\d.]+)% <= ([\d.]+) milliseconds", output)
    p999 = next(float(ms) for percent, ms in percentiles if float(percent) >= 99.9)
    return float(summary[4]), p999, float(summary[5])


def while_it_lasts(args, begin, is_done):
    """Bursts from `begin` on until `is_done`, and the seconds it took. One that ends later is counted if it is the only one."""
    begun, bursts = time.monotonic(), []
    begin()
    while not is_done():
        bursts.append(burst(args))
        if time.monotonic() - begun > PATIENCE_SECONDS:
            sys.exit("it does not end")
    return bursts, time.monotonic() - begun


def saving(args):
    """Bursts during a BGSAVE."""
    is_done = lambda: info(args.port, "rdb_bgsave_in_progress") == "0"
    return while_it_lasts(args, lambda: text(args.port, "bgsave"), is_done)


def rewriting(args):
    """Bursts during a BGREWRITEAOF, where the file has begun already."""
    is_done = lambda: info(args.port, "aof_rewrite_in_progress") + info(args.port, "aof_rewrite_scheduled") == "00"
    text(args.port, "config", "set", "appendonly", "yes")
    while not is_done():
        time.sleep(0.1)
    result = while_it_lasts(args, lambda: text(args.port, "bgrewriteaof"), is_done)
    text(args.port, "config", "set", "appendonly", "no")
    return result


def synchronizing(args):
    """Bursts while a replica, always a redis-server on the clients' core, gets everything."""
    port = args.port + 1
    with tempfile.TemporaryDirectory() as folder:
        command = ["taskset", "-c", str(args.client_core), args.redis, "--port", str(port), *OPTIONS]
        replica = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
        try:
            wait_for_pong(port, replica)
            begin = lambda: text(port, "replicaof", "127.0.0.1", str(args.port))
            return while_it_lasts(args, begin, lambda: info(port, "master_link_status") == "up")
        finally:
            stop(replica)


def memory(args, process):
    """(MiB before, MiB more) of a BGSAVE during which half of the keys are written."""
    before = resident_mib(process.pid)
    peak, load = before, subprocess.Popen(writes(args, args.keys // 2, 32), stdout=subprocess.DEVNULL)
    text(args.port, "bgsave")
    while load.poll() is None or info(args.port, "rdb_bgsave_in_progress") != "0":
        peak = max(peak, resident_mib(process.pid))
    copied = int(info(args.port, "rdb_last_cow_size") or 0) / 2**20
    return before, peak - before + copied


WORK = {"BGSAVE": saving, "BGREWRITEAOF": rewriting, "full synchronization": synchronizing}


def measure(subject, args):
    """{what: (bursts, seconds)}, and memory."""
    print(f"  {subject.name}", file=sys.stderr)
    with subject.running(args.port, args.server_core) as (process, _):
        # Each key with a chance of more than nine in ten.
        subprocess.run(writes(args, 3 * args.keys, 64), check=True, stdout=subprocess.DEVNULL)
        result = {"at rest": ([burst(args) for _ in range(BURSTS_AT_REST)], 0.0)}
        # Before there is a backlog, which grows with what is written.
        grown = memory(args, process)
        return result | {what: work(args) for what, work in WORK.items()}, grown


def main():
    """A row for each server and each kind of snapshot."""
    parser = command_line(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keys", type=int, default=2_000_000)
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--client-core", type=int, default=1)
    args = parser.parse_args()
    args.redis = args.redis or shutil.which("redis-server")
    commands = {"Slotway": [str(Path(args.slotway).resolve()), "server"], "redis-server": [args.redis]}
    subjects = [Subject(name, command, OPTIONS) for name, command in commands.items()]
    rounds = {subject.name: [] for subject in subjects}
    for number in range(args.rounds):
        print(f"round {number + 1} of {args.rounds}", file=sys.stderr)
        for subject in subjects if number % 2 == 0 else subjects[::-1]:
            rounds[subject.name].append(measure(subject, args))
    print(f"{machine()}; {args.keys:,} keys of {VALUE_BYTES} bytes, {CLIENTS} clients; medians of all bursts of {args.rounds} rounds, in ms.\n")
    print("| | | p99 | ratio | p99.9 | ratio | longest | seconds |\n|---|---|---:|---:|---:|---:|---:|---:|")
    for name, results in rounds.items():
        rest = None
        for what in ["at rest", *WORK]:
            bursts = [one for times, _ in results for one in times[what][0]]
            p99, p999, longest = (statistics.median(one[at] for one in bursts) for at in range(3))
            rest = rest or (p99, p999)
            seconds = statistics.median(times[what][1] for times, _ in results)
            print(f"| {name} | {what} | {p99:.2f} | {p99 / rest[0]:.2f} | {p999:.2f} | {p999 / rest[1]:.2f} | {longest:.1f} | {seconds:.1f} |")
    print("\n| | MiB | MiB more, half of the keys written | of it |\n|---|---:|---:|---:|")
    for name, results in rounds.items():
        before, more = (statistics.median(memory[at] for _, memory in results) for at in range(2))
        print(f"| {name} | {before:.0f} | {more:.0f} | {100 * more / before:.0f} % |")


if __name__ == "__main__":
    main()
