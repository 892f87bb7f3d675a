"""Measures Slotway beside redis-server on the same core, in one run, and prints Markdown.

The server under test is pinned to one core and redis-benchmark to another. CPU time of the server per command comes
from /proc/PID/task/*/schedstat, so that waiting counts for neither. Rounds of both servers are interleaved, so that a
machine that gets slower does so for both; medians of the rounds are compared.

With --all other commands follow, in pipelines of 16, each over keys of its own that it may make.
"""

import argparse
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CLIENTS, VALUE_BYTES, KEYS = 50, 64, 100_000
PIPELINES = (1, 16, 64)
# What is measured: SET and GET by redis-benchmark's own names, the others word for word.
CASES = [(test.upper(), pipeline, ["-t", test]) for pipeline in PIPELINES for test in ("set", "get")]
VALUE, ANY = "v" * VALUE_BYTES, "__rand_int__"
OTHERS = [
    ["INCR", f"n:{ANY}"],
    ["HSET", f"h:{ANY}", f"f:{ANY}", VALUE],
    ["HGET", f"h:{ANY}", f"f:{ANY}"],
    ["LPUSH", f"l:{ANY}", VALUE],
    ["SADD", f"s:{ANY}", f"m:{ANY}"],
    ["ZADD", f"z:{ANY}", ANY, f"m:{ANY}"],
    ["EXPIRE", f"n:{ANY}", "1000"],
    ["LRANGE", "list", "0", "99"],
    ["MSET", *(word for _ in range(10) for word in (f"k:{ANY}", VALUE))],
]
START_SECONDS_MAX, POLL_SECONDS = 30, 0.0005
NANOSECONDS = 1_000_000_000


OPTIONS = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no")


class Subject:
    """A server that can be started: its name, its command line, and the options of redis.conf that follow the port."""

    def __init__(self, name, command, options=OPTIONS):
        self.name, self.command, self.options = name, command, list(options)

    @contextmanager
    def running(self, port, core=None):
        """A running server, pinned to `core`; gives the process and how long the first PONG took, in seconds."""
        options = ["--port", str(port), *self.options]
        pin = [] if core is None else ["taskset", "-c", str(core)]
        with tempfile.TemporaryDirectory() as folder:
            started = time.perf_counter()
            process = subprocess.Popen(pin + self.command + options, cwd=folder, stdout=subprocess.DEVNULL)
            try:
                wait_for_pong(port, process)
                yield process, time.perf_counter() - started
            finally:
                stop(process)


def wait_for_pong(port, process):
    """Returns when the server answers PING. Fails when it ends first or takes too long."""
    give_up = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < give_up:
        if process.poll() is not None:
            sys.exit(f"{process.args} ended with {process.returncode}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
                client.sendall(b"PING\r\n")
                if client.recv(64).startswith(b"+PONG"):
                    return
        except OSError:
            pass
        time.sleep(POLL_SECONDS)
    sys.exit(f"{process.args} does not answer")


def stop(process):
    """Ends a process that we started, and waits for it."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def cpu_ns(pid):
    """CPU time of all threads so far, in nanoseconds: the first number of schedstat."""
    return sum(int(task.joinpath("schedstat").read_text().split()[0]) for task in Path(f"/proc/{pid}/task").iterdir())


def resident_mib(pid):
    """VmRSS in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def load(port, core, words, pipeline, commands):
    """Runs redis-benchmark to its end, with `words` behind its options; gives its commands per second."""
    command = ["taskset", "-c", str(core), "redis-benchmark", "-p", str(port), "-P", str(pipeline)]
    command += ["-c", str(CLIENTS), "-d", str(VALUE_BYTES), "-r", str(KEYS), "-n", str(commands), "--csv", *words]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(output.splitlines()[-1].split(",")[1].strip('"'))


def measure(subjects, args):
    """{(case, pipeline, name): [(ns per command, commands per second), ...]} over all rounds."""
    samples = {}
    cases = CASES + [(name_of(words), 16, words) for words in OTHERS if args.all]
    for round_number in range(args.rounds):
        # Who goes first changes, so that neither always finds the machine warm.
        for subject in subjects if round_number % 2 == 0 else subjects[::-1]:
            print(f"round {round_number + 1} of {args.rounds}: {subject.name}", file=sys.stderr)
            with subject.running(args.port, args.server_core) as (process, _):
                load(args.port, args.client_core, ["-t", "set"], 64, 10 * KEYS)
                subprocess.run(["redis-cli", "-p", str(args.port), "RPUSH", "list", *[VALUE] * 100], check=True, stdout=subprocess.DEVNULL)
                for name, pipeline, words in cases:
                    commands = args.commands if pipeline > 1 else args.commands // 4
                    before = cpu_ns(process.pid)
                    rate = load(args.port, args.client_core, words, pipeline, commands)
                    cost = (cpu_ns(process.pid) - before) / commands
                    samples.setdefault((name, pipeline, subject.name), []).append((cost, rate))
    return samples


def name_of(words):
    """What a command is called in the table."""
    return {"LRANGE": "LRANGE of 100", "MSET": "MSET of 10"}.get(words[0], words[0])


def print_samples(subjects, samples):
    """The table of medians, and the ratio of CPU times."""
    ours, theirs = (subject.name for subject in subjects)
    print(f"\n| | pipeline | {ours}, ns CPU | {theirs}, ns CPU | ratio | {ours}, 1/s | {theirs}, 1/s |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, pipeline in dict.fromkeys((name, pipeline) for name, pipeline, _ in samples):
        of = lambda subject, column: statistics.median(row[column] for row in samples[name, pipeline, subject])
        cost, reference = of(ours, 0), of(theirs, 0)
        rates = f"{of(ours, 1):,.0f} | {of(theirs, 1):,.0f}"
        print(f"| {name} | {pipeline} | {cost:,.0f} | {reference:,.0f} | {reference / cost:.2f} | {rates} |")


def print_starts(subjects, args):
    """Time to the first PONG and memory of an idle server."""
    print("\n| | start to first PONG, ms | idle RSS, MiB |\n|---|---:|---:|")
    for subject in subjects:
        times, sizes = [], []
        for _ in range(args.starts):
            with subject.running(args.port) as (process, seconds):
                times.append(seconds * 1000)
                sizes.append(resident_mib(process.pid))
        print(f"| {subject.name} | {statistics.median(times):.1f} | {statistics.median(sizes):.1f} |")


def dev_ready_ms(slotway, port):
    """How long `slotway dev` takes from its start to its ready line."""
    command = [slotway, "dev", "--port", str(port), "--http", str(port + 6)]
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        if not any(line.startswith("Cluster ready") for line in process.stdout):
            sys.exit("slotway dev ended without being ready")
        return (time.perf_counter() - started) * 1000
    finally:
        stop(process)


def image_mb(image):
    """Size of a container image in MB, as docker tells it."""
    command = ["docker", "image", "inspect", "--format", "{{.Size}}", image]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout) / 1_000_000


def machine():
    """What this was measured on, in one line."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = names[0].partition(":")[2].strip() if names else "unknown CPU"
    return f"{model}, {os.cpu_count()} cores, Linux {os.uname().release}"


def command_line(description):
    """A parser with what all measurements are told: what to measure, and where."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    binary = os.environ.get("SLOTWAY_BIN", target / "release" / "slotway")
    parser.add_argument("--slotway", type=Path, default=binary, help="binary to measure")
    parser.add_argument("--redis", default=shutil.which("redis-server"), help="reference to measure")
    parser.add_argument("--port", type=int, default=17379)
    return parser


def arguments():
    """The command line."""
    parser = command_line(__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each server; medians are shown")
    parser.add_argument("--commands", type=int, default=1_000_000, help="commands of one measurement")
    parser.add_argument("--starts", type=int, default=11, help="starts of each server")
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--client-core", type=int, default=1)
    parser.add_argument("--all", action="store_true", help="other commands than SET and GET too")
    parser.add_argument("--image", help="container image whose size is shown too")
    return parser.parse_args()


def main():
    """Everything, as Markdown on standard output; progress on standard error."""
    args = arguments()
    if not args.slotway.is_file():
        sys.exit(f"there is no {args.slotway}: build it with `make release`, or name one with --slotway")
    if args.redis is None:
        sys.exit("there is no redis-server to compare with: install it, or name one with --redis")
    slotway = str(args.slotway.resolve())
    version = subprocess.run([args.redis, "--version"], check=True, capture_output=True, text=True).stdout.split("v=")[1]
    subjects = [Subject("Slotway", [slotway, "server"]), Subject(f"Redis {version.split()[0]}", [args.redis])]
    print(f"{machine()}; server on one core, redis-benchmark on another; {CLIENTS} clients, {VALUE_BYTES}-byte values,")
    print(f"{KEYS:,} keys; medians of {args.rounds} rounds of {args.commands:,} commands (a quarter without pipeline).")
    print_samples(subjects, measure(subjects, args))
    print_starts(subjects, args)
    ready = statistics.median(dev_ready_ms(slotway, args.port) for _ in range(args.starts))
    print(f"\n`slotway dev` with six nodes is ready after {ready:.0f} ms.", end="")
    print(f" The binary has {args.slotway.stat().st_size / 1_000_000:.1f} MB.", end="")
    print(f" The image has {image_mb(args.image):.1f} MB." if args.image else "")


if __name__ == "__main__":
    main()
