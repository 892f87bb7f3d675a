"""How fast 1000 slots move, and what a client notices meanwhile: by redis-cli between Redis nodes, by redis-cli between Slotway nodes, and by
`slotway cluster reshard` between Slotway nodes, which hands them over at one moment.

Two nodes on loopback; 500,000 keys in the slots that move. One client counts up keys of them, one request at a time, and follows MOVED and ASK; at
the end every count must be there. Then one slot with a hash of a million fields, which that client writes. The ways take turns within one run,
so that a machine that others use is the same for all. Prints Markdown.
"""

import argparse
import os
import random
import subprocess
import threading
import time

from handoff import SLOTS, Client, cluster, keys

FIELDS = 1_000_000
REDIS, SLOTWAY, ATOMIC = "redis-cli, Redis", "redis-cli, Slotway", "at one moment, Slotway"


class Counter(threading.Thread):
    """Counts up; `times` has when each request began and how long it took, redirects and all."""

    def __init__(self, nodes, request):
        super().__init__()
        self.nodes, self.request = nodes, request
        self.counts, self.times, self.redirects, self.is_over, self.failure = {}, [], 0, False, None

    def run(self):
        try:
            self.count()
        except Exception as error:  # told by whoever joins
            self.failure = error

    def count(self):
        clients = {node.port: Client(node.port) for node in self.nodes}
        at = clients[self.nodes[0].port]
        while not self.is_over:
            words = self.request()
            began = time.perf_counter()
            reply = at(*words)
            while isinstance(reply, RuntimeError):
                self.redirects += 1
                what, _, place = str(reply).split(" ")
                other = clients[int(place.rsplit(":", 1)[1])]
                if what == "MOVED":
                    at = other
                    reply = at(*words)
                elif what == "ASK":
                    reply = other.all([("asking",), words])[1]
                else:
                    raise reply
            self.times.append((began, time.perf_counter() - began))
            self.counts[words] = self.counts.get(words, 0) + 1
            assert reply == self.counts[words], f"{words} is {reply}, and not {self.counts[words]}"

    def end(self):
        self.is_over = True
        self.join()
        if self.failure:
            raise self.failure


def move(way, options, nodes, slots):
    """Moves the first slots of the first node to the second one."""
    source, target = (f"127.0.0.1:{node.port}" for node in nodes)
    names = [node.call("cluster", "myid").decode() for node in nodes]
    if way == ATOMIC:
        command = [options.slotway, "cluster", "reshard", source, "--from", source, "--to", target, "--slots", slots, "--yes"]
    else:
        command = ["redis-cli", "--cluster", "reshard", source, "--cluster-from", names[0], "--cluster-to", names[1]]
        command += ["--cluster-slots", slots, "--cluster-yes"]
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)


def measured(way, options, nodes, slots, request):
    """Seconds that the move took, p99 and longest wait of the client in milliseconds, and how often it was sent elsewhere."""
    counter = Counter(nodes, request)
    counter.start()
    time.sleep(1)
    began = time.perf_counter()
    move(way, options, nodes, slots)
    took = time.perf_counter() - began
    time.sleep(0.5)
    counter.end()
    meanwhile = sorted(each for at, each in counter.times if began - 0.1 <= at <= began + took + 0.1)
    return took, meanwhile[len(meanwhile) * 99 // 100] * 1000, meanwhile[-1] * 1000, counter.redirects


def started(way, options, port):
    return cluster(["redis-server"] if way == REDIS else [options.slotway, "server"], port)


def many_keys(way, options, port, names, length):
    nodes = started(way, options, port)
    try:
        value = b"x" * length
        for at in range(0, len(names), 1000):
            nodes[0].call.all([("set", key, value) for key in names[at : at + 1000]])
        result = measured(way, options, nodes, SLOTS, lambda: ("incr", b"{%s}count" % random.choice(names)))
        there = sum(node.call("dbsize") for node in nodes)
        assert there >= len(names), f"{len(names) - there} keys are lost"
        return result
    finally:
        for node in nodes:
            node.stop()


def large_hash(way, options, port):
    nodes = started(way, options, port)
    try:
        # Slot 0 is the first of the first node.
        key = b"{3560}hash"
        assert nodes[0].call("cluster", "keyslot", key) == 0
        for at in range(0, FIELDS, 1000):
            pairs = [word for number in range(at, at + 1000) for word in (b"field:%d" % number, b"0")]
            nodes[0].call("hset", key, *pairs)
        result = measured(way, options, nodes, 1, lambda: ("hincrby", key, b"field:%d" % random.randrange(FIELDS), 1))
        assert nodes[1].call("hlen", key) == FIELDS
        return result
    finally:
        for node in nodes:
            node.stop()


def row(*cells):
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    parser.add_argument("--slotway", default=os.path.join(root, "target", "release", "slotway"))
    parser.add_argument("--port", type=int, default=17900)
    parser.add_argument("--keys", type=int, default=500_000)
    options = parser.parse_args()
    options.slotway = os.path.abspath(options.slotway)
    ways, names, port = (REDIS, SLOTWAY, ATOMIC), keys(options.keys), options.port
    row("", "moved by", "keys a second", "to Redis'", "p99 of a client", "longest wait", "redirects", "load of the machine")
    row("---", "---", "---:", "---:", "---:", "---:", "---:", "---:")
    for length in (16, 64):
        reference = None
        for way in ways:
            took, p99, longest, redirects = many_keys(way, options, port, names, length)
            speed, port = len(names) / took, port + 10
            reference = reference or speed
            cells = (f"{speed:,.0f}", f"{speed / reference:.1f}", f"{p99:.1f} ms", f"{longest:.0f} ms", redirects)
            row(f"{length} bytes", way, *cells, f"{os.getloadavg()[0]:.1f}")
    for way in ways:
        took, p99, longest, redirects = large_hash(way, options, port)
        port += 10
        cells = (f"{took:.1f} s in all", "", f"{p99:.1f} ms", f"{longest:.0f} ms", redirects)
        row("1 M fields", way, *cells, f"{os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
