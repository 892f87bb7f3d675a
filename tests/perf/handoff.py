"""How fast CLUSTER MIGRATESLOTS moves 1000 slots between two Slotway nodes, and what a client notices meanwhile.

Two nodes on loopback; 500,000 keys in the slots that move; one client counts up keys of them, one request at a time, and follows MOVED. At the
end every count must be there. Prints Markdown.
"""

import argparse
import binascii
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time

SLOTS = 1000
PATIENCE = 60


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")

    def __call__(self, *words):
        return self.all([words])[0]

    def all(self, requests):
        out = []
        for words in requests:
            words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
            out.append(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        self.socket.sendall(b"".join(out))
        return [self.read() for _ in requests]

    def read(self):
        line = self.file.readline()
        if not line:
            raise EOFError
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest
        if kind == b"-":
            return RuntimeError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.file.read(int(rest) + 2)[:-2]
        return [self.read() for _ in range(int(rest))]


class Node:
    def __init__(self, command, port):
        self.port = port
        self.folder = tempfile.TemporaryDirectory()
        options = ["--port", port, "--cluster-enabled", "yes", "--dir", self.folder.name, "--save", ""]
        self.process = subprocess.Popen(
            [*command, *map(str, options)], stdout=subprocess.DEVNULL, cwd=self.folder.name
        )
        wait_until("the server answers", self.connect)
        self.call = Client(port)

    def connect(self):
        try:
            Client(self.port).socket.close()
            return True
        except OSError:
            return False

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()


def wait_until(what, done):
    give_up = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > give_up:
            sys.exit(f"{what}: not within {PATIENCE} s")
        time.sleep(0.02)


def cluster(command, port):
    nodes = [Node(command, port), Node(command, port + 1)]
    for number, node in enumerate(nodes):
        node.call("cluster", "addslotsrange", 8192 * number, 8192 * number + 8191)
        node.call("cluster", "set-config-epoch", number + 1)
    nodes[1].call("cluster", "meet", "127.0.0.1", port)
    wait_until("the cluster is well", lambda: all(is_well(node) for node in nodes))
    return nodes


def is_well(node):
    info = node.call("cluster", "info")
    return b"cluster_state:ok" in info and b"cluster_known_nodes:2" in info


def keys(count):
    found, number = [], 0
    while len(found) < count:
        key = b"key:%d" % number
        number += 1
        if binascii.crc_hqx(key, 0) % 16384 < SLOTS:
            found.append(key)
    return found


class Counter(threading.Thread):
    """Counts keys up; `times` has when each request began and how long it took."""

    def __init__(self, nodes, names):
        super().__init__()
        self.nodes, self.names = nodes, names
        self.counts, self.times, self.moved, self.is_over = {}, [], 0, False

    def run(self):
        clients = {node.port: Client(node.port) for node in self.nodes}
        at = clients[self.nodes[0].port]
        while not self.is_over:
            key = b"{%s}count" % random.choice(self.names)
            began = time.perf_counter()
            reply = at("incr", key)
            if isinstance(reply, RuntimeError):
                if not str(reply).startswith("MOVED"):
                    sys.exit(f"a client was told: {reply}")
                self.moved += 1
                at = clients[int(str(reply).rsplit(":", 1)[1])]
                at("incr", key)
            self.times.append((began, time.perf_counter() - began))
            self.counts[key] = self.counts.get(key, 0) + 1


def measure(binary, port, count, length):
    nodes = cluster([binary, "server"], port)
    try:
        source, target = nodes
        names, value = keys(count), b"x" * length
        for at in range(0, count, 1000):
            source.call.all([("set", key, value) for key in names[at : at + 1000]])
        counter = Counter(nodes, names)
        counter.start()
        time.sleep(1)
        name = target.call("cluster", "myid")
        began = time.perf_counter()
        answer = source.call("cluster", "migrateslots", "slotsrange", 0, SLOTS - 1, "node", name)
        assert answer == b"OK", answer
        wait_until("the migration is over", lambda: state(source) in (b"success", b"failed"))
        took = time.perf_counter() - began
        assert state(source) == b"success", source.call("cluster", "getslotmigrations")
        time.sleep(0.5)
        counter.is_over = True
        counter.join()
        lacking = [key for key, number in counter.counts.items() if target.call("get", key) != b"%d" % number]
        assert not lacking, f"{len(lacking)} counts are wrong"
        meanwhile = sorted(each for at, each in counter.times if began <= at <= began + took + 0.1)
        p99 = meanwhile[len(meanwhile) * 99 // 100]
        return count / took, p99 * 1000, meanwhile[-1] * 1000, counter.moved
    finally:
        for node in nodes:
            node.stop()


def state(node):
    job = node.call("cluster", "getslotmigrations")[0]
    return dict(zip(job[::2], job[1::2]))[b"state"]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    parser.add_argument("--slotway", default=os.path.join(root, "target", "release", "slotway"))
    parser.add_argument("--port", type=int, default=17800)
    parser.add_argument("--keys", type=int, default=500_000)
    options = parser.parse_args()
    binary = os.path.abspath(options.slotway)
    print("| bytes of a value | keys a second | p99 of a client | longest wait | redirects |")
    print("|---:|---:|---:|---:|---:|")
    for number, length in enumerate((16, 64)):
        speed, p99, longest, moved = measure(binary, options.port + 10 * number, options.keys, length)
        print(f"| {length} | {speed:,.0f} | {p99:.1f} ms | {longest:.0f} ms | {moved} |", flush=True)


if __name__ == "__main__":
    main()
