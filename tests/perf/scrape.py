"""Measures what a scrape of `/metrics` costs, and prints Markdown: one server in cluster mode that has all slots and a key in each.

Time until the last byte of the page, over a connection that stays open, as Prometheus does it: of a node at rest, and of one that redis-benchmark
keeps busy; with the figures of the node alone, with the 50 busiest and fullest slots, and with those of all slots.
"""

import http.client
import statistics
import subprocess
import sys
import time

from bench import OPTIONS, Subject, command_line, machine
from slotstats import call

SLOTS = 16384
PAGES = [("the node", "/metrics"), ("and 50 slots", "/metrics?slots=50"), ("and all slots", "/metrics?slots=16384")]


def scrapes(port, path, count):
    """([ms, ...], bytes of a page, lines of it)"""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    samples = []
    for _ in range(count):
        begin = time.perf_counter()
        connection.request("GET", path)
        page = connection.getresponse().read()
        samples.append((time.perf_counter() - begin) * 1000)
    return samples, len(page), page.count(b"\n")


def load(args):
    """A benchmark without an end."""
    words = ["-p", str(args.port), "-t", "set,get", "-P", "16", "-c", "50", "-r", "1000000", "-n", "100000000", "--cluster", "-q"]
    return subprocess.Popen(
        ["taskset", "-c", str(args.client_core), "redis-benchmark", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def main():
    """The table, as Markdown on standard output."""
    parser = command_line(__doc__)
    parser.add_argument("--scrapes", type=int, default=200)
    parser.add_argument("--server-core", type=int, default=0)
    parser.add_argument("--client-core", type=int, default=1)
    args = parser.parse_args()
    if not args.slotway.is_file():
        sys.exit(f"there is no {args.slotway}: build it with `make release`, or name one with --slotway")
    http_port = args.port + 1
    options = [*OPTIONS, "--cluster-enabled", "yes", "--enable-debug-command", "local", "--http-port", str(http_port), "--cluster-port", str(args.port + 2)]
    print(machine())
    print("\n| | bytes | lines | at rest, ms | of 100 the slowest, ms | under load, ms | of 100 the slowest, ms |\n|---|---:|---:|---:|---:|---:|---:|")
    with Subject("Slotway", [str(args.slotway.resolve()), "server"], options).running(args.port, args.server_core):
        call(args.port, "CLUSTER", "ADDSLOTSRANGE", "0", str(SLOTS - 1))
        call(args.port, "DEBUG", "POPULATE", "200000")
        rows = {title: scrapes(http_port, path, args.scrapes) for title, path in PAGES}
        busy = load(args)
        try:
            time.sleep(1)
            loaded = {title: scrapes(http_port, path, args.scrapes)[0] for title, path in PAGES}
        finally:
            busy.kill()
            busy.wait()
    for title, (rest, size, lines) in rows.items():
        figures = [f"{at(samples):.2f}" for samples in (rest, loaded[title]) for at in (statistics.median, slowest)]
        print(f"| {title} | {size:,} | {lines:,} | {' | '.join(figures)} |")


def slowest(samples):
    """What 99 of 100 stay below."""
    return statistics.quantiles(samples, n=100)[98]


if __name__ == "__main__":
    main()
