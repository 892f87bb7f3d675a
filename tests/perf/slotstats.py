"""Measures what the statistics of slots cost, and prints Markdown: one server in cluster mode that has all slots, with
`cluster-slot-stats-enabled` switched on and off.

CPU time of the server per command, as bench.py measures it: rounds of both are interleaved in one process, and the one that
goes first changes. `--instructions` counts instructions instead, by valgrind: exact, and slow.
"""

import re
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import KEYS, OPTIONS, PIPELINES, Subject, command_line, cpu_ns, load, machine, stop, wait_for_pong

TESTS = ("set", "get")
CLUSTER = [*OPTIONS, "--cluster-enabled", "yes"]
INSTRUCTION_COMMANDS = 100_000


def call(port, *words):
    """Sends a command, and fails unless the answer is OK."""
    request = f"*{len(words)}\r\n" + "".join(f"${len(word)}\r\n{word}\r\n" for word in words)
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(request.encode())
        reply = client.recv(4096)
    if not reply.startswith(b"+OK"):
        sys.exit(f"{words}: {reply}")


def switch(port, on):
    """Counts from now on, or does not."""
    call(port, "CONFIG", "SET", "cluster-slot-stats-enabled", "yes" if on else "no")


def times(slotway, args):
    """{(test, pipeline, on): [ns per command, ...]}"""
    samples = {}
    with Subject("Slotway", [slotway, "server"], CLUSTER).running(args.port, args.server_core) as (process, _):
        call(args.port, "CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        load(args.port, args.client_core, ["-t", "set"], 64, 10 * KEYS)
        for round_number in range(args.rounds):
            for pipeline in PIPELINES:
                commands = args.commands if pipeline > 1 else args.commands // 4
                for test in TESTS:
                    for on in (False, True) if round_number % 2 == 0 else (True, False):
                        switch(args.port, on)
                        before = cpu_ns(process.pid)
                        load(args.port, args.client_core, ["-t", test], pipeline, commands)
                        cost = (cpu_ns(process.pid) - before) / commands
                        samples.setdefault((test, pipeline, on), []).append(cost)
            print(f"round {round_number + 1} of {args.rounds}", file=sys.stderr)
    return samples


def instructions(slotway, args, test, pipeline, on):
    """Instructions of a server, from its start to its end, that executes INSTRUCTION_COMMANDS commands."""
    with tempfile.TemporaryDirectory() as folder:
        counts = Path(folder) / "counts"
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={counts}"]
        process = subprocess.Popen(
            [*valgrind, slotway, "server", "--port", str(args.port), *CLUSTER],
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for_pong(args.port, process)
            call(args.port, "CLUSTER", "ADDSLOTSRANGE", "0", "16383")
            switch(args.port, on)
            load(args.port, args.client_core, ["-t", test], pipeline, INSTRUCTION_COMMANDS)
        finally:
            stop(process)
        return int(re.search(r"^(?:summary|totals): (\d+)", counts.read_text(), re.MULTILINE).group(1))


def main():
    """The table, as Markdown on standard output."""
    parser = command_line(__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--commands", type=int, default=1_000_000)
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--client-core", type=int, default=1)
    parser.add_argument("--instructions", action="store_true", help="count instructions, by valgrind")
    args = parser.parse_args()
    if not args.slotway.is_file():
        sys.exit(f"there is no {args.slotway}: build it with `make release`, or name one with --slotway")
    slotway = str(args.slotway.resolve())
    print(machine())
    if args.instructions:
        print("\n| | pipeline | instructions per command more |\n|---|---:|---:|")
        for pipeline in PIPELINES:
            for test in TESTS:
                off, on = (instructions(slotway, args, test, pipeline, on) for on in (False, True))
                print(f"| {test.upper()} | {pipeline} | {(on - off) / INSTRUCTION_COMMANDS:.0f} |", flush=True)
        return
    samples = times(slotway, args)
    print("\n| | pipeline | off, ns CPU | on, ns CPU | median of the differences of pairs, ns |\n|---|---:|---:|---:|---:|")
    for pipeline in PIPELINES:
        for test in TESTS:
            off, on = samples[test, pipeline, False], samples[test, pipeline, True]
            difference = statistics.median(b - a for a, b in zip(off, on, strict=True))
            medians = f"{statistics.median(off):,.0f} | {statistics.median(on):,.0f}"
            print(f"| {test.upper()} | {pipeline} | {medians} | {difference:+.0f} |")


if __name__ == "__main__":
    main()
