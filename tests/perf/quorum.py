"""Measures what `cluster-write-quorum` costs those who write, and prints Markdown.

Two clusters of Slotway on loopback, three primaries with a replica each: one acknowledges plainly, the other once a majority of a shard's
copies has the write. redis-benchmark writes to one primary; bursts to the two clusters are interleaved, and their medians compared. Of
the two copies of a shard a majority is both, so each write waits for the replica.
"""

import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import CLIENTS, VALUE_BYTES, command_line, machine, stop
from failover import NODES, form, start

PIPELINES = (1, 16)
# A key of slot 0, which redis-cli gives to the first node.
KEY, KEYS = "{fHh}:__rand_int__", 100_000


def burst(port, pipeline, commands):
    """(writes per second, p50, p99), the latter in ms."""
    command = ["redis-benchmark", "-p", str(port), "-c", str(CLIENTS), "-P", str(pipeline), "-n", str(commands)]
    command += ["-r", str(KEYS), "SET", KEY, "x" * VALUE_BYTES]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    summary = output[output.index("latency summary") :].splitlines()[2].split()
    rate = float(re.search(r"throughput summary: ([\d.]+)", output)[1])
    return rate, float(summary[2]), float(summary[4])


def measure(ports, args):
    """{(pipeline, whether by quorum): [burst, ...]}"""
    samples = {}
    for number in range(args.rounds):
        print(f"round {number + 1} of {args.rounds}", file=sys.stderr)
        for pipeline in PIPELINES:
            # Who goes first changes, so that neither always finds the machine warm.
            for by_quorum in (False, True) if number % 2 == 0 else (True, False):
                one = burst(ports[by_quorum], pipeline, args.commands * pipeline // 4)
                samples.setdefault((pipeline, by_quorum), []).append(one)
    return samples


def main():
    """A row for each depth of the pipeline, with and without."""
    parser = command_line(__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--commands", type=int, default=100_000, help="writes of one burst at pipeline 4")
    args = parser.parse_args()
    slotway = [str(Path(args.slotway).resolve()), "server"]
    ports, processes = {}, []
    with tempfile.TemporaryDirectory() as folder:
        try:
            for by_quorum in (False, True):
                command = slotway + ["--cluster-write-quorum", "yes" if by_quorum else "no"]
                nodes = [args.port + NODES * by_quorum + number for number in range(NODES)]
                processes += start(command, nodes, 5000, folder)
                form(nodes)
                ports[by_quorum] = nodes[0]
            samples = measure(ports, args)
        finally:
            for process in processes:
                stop(process)
    print(f"{machine()}; {CLIENTS} clients, {VALUE_BYTES} bytes, medians of {args.rounds} interleaved bursts.\n")
    print("| pipeline | `cluster-write-quorum` | writes/s | p50, ms | p99, ms |\n|---:|---|---:|---:|---:|")
    for (pipeline, by_quorum), bursts in sorted(samples.items()):
        rate, p50, p99 = (statistics.median(one[at] for one in bursts) for at in range(3))
        print(f"| {pipeline} | {'yes' if by_quorum else 'no'} | {rate:,.0f} | {p50:.2f} | {p99:.2f} |")


if __name__ == "__main__":
    main()
