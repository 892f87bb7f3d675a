"""Measures how long a shard takes no writes after its primary is killed, beside redis-server, and prints Markdown.

Six processes on loopback, three primaries with a replica each, are made a cluster by `redis-cli --cluster create`. Then one primary is
killed (SIGKILL), and a key of its slots is written to its replica until that is accepted. Rounds of both servers are
interleaved.
"""

import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import command_line, machine, wait_for_pong

NODES, PATIENCE_SECONDS, POLL_SECONDS = 6, 60, 0.005


def call(port, *words):
    """The first line of the reply to a command; an empty one if nobody answers."""
    request = "".join([f"*{len(words)}\r\n", *(f"${len(word)}\r\n{word}\r\n" for word in words)]).encode()
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as client:
            client.sendall(request)
            return client.makefile("rb").readline().decode().strip()
    except OSError:
        return ""


def text(port, *words):
    """What redis-cli makes of the reply."""
    return subprocess.run(["redis-cli", "-p", str(port), *words], check=True, capture_output=True, text=True).stdout


def wait(what, done):
    """Returns when `done` says so; fails when that takes too long."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    while not done():
        if time.monotonic() > give_up:
            sys.exit(f"not within {PATIENCE_SECONDS} s: {what}")
        time.sleep(POLL_SECONDS)


def launch(command, port, timeout_ms, folder):
    """A process at `port`, in a folder of its own."""
    here = Path(folder) / str(port)
    here.mkdir(exist_ok=True)
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--cluster-enabled", "yes"]
    options += ["--cluster-node-timeout", str(timeout_ms), "--repl-diskless-sync-delay", "0"]
    return subprocess.Popen(command + options, cwd=here, stdout=subprocess.DEVNULL)


def start(command, ports, timeout_ms, folder):
    """A process for each port."""
    processes = [launch(command, port, timeout_ms, folder) for port in ports]
    for port, process in zip(ports, processes):
        wait_for_pong(port, process)
    return processes


def form(ports):
    """Makes them a cluster; returns when all nodes call it well and all replicas have their data."""
    addresses = [f"127.0.0.1:{port}" for port in ports]
    subprocess.run(
        ["redis-cli", "--cluster", "create", *addresses, "--cluster-replicas", "1", "--cluster-yes"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    wait("state ok", lambda: all("cluster_state:ok" in text(port, "cluster", "info") for port in ports))
    wait("three replicas", lambda: all(text(port, "cluster", "nodes").count("slave") == 3 for port in ports))
    is_synced = lambda port: "master_link_status:down" not in text(port, "info", "replication")
    wait("replicas in sync", lambda: all(is_synced(port) for port in ports))


def replica_of(port, ports):
    """The port of the replica of the node at `port`."""
    own_id = text(port, "cluster", "myid").strip()
    line = next(line for line in text(port, "cluster", "nodes").splitlines() if f"slave {own_id}" in line)
    return int(line.split()[1].split("@")[0].rsplit(":", 1)[1])


def takeover_seconds(command, args):
    """One round: from the kill to the first write that the replica accepts."""
    ports = [args.port + number for number in range(NODES)]
    with tempfile.TemporaryDirectory() as folder:
        processes = start(command, ports, args.node_timeout, folder)
        try:
            form(ports)
            # Offsets of replicas travel with heartbeats.
            time.sleep(args.node_timeout / 1000)
            heir = replica_of(ports[0], ports)
            processes[0].send_signal(signal.SIGKILL)
            killed = time.monotonic()
            # The key is in slot 0, which redis-cli gives to the first node.
            wait("the replica takes writes", lambda: call(heir, "SET", "fHh", "x") == "+OK")
            return time.monotonic() - killed
        finally:
            for process in processes:
                process.kill()
                process.wait()


def main():
    """A row for each server."""
    parser = command_line(__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--node-timeout", type=int, default=2000, help="cluster-node-timeout, in ms")
    args = parser.parse_args()
    subjects = {"Slotway": [str(Path(args.slotway).resolve()), "server"], "redis-server": [args.redis]}
    took = {name: [] for name in subjects}
    for number in range(args.rounds):
        for name, command in subjects.items():
            took[name].append(takeover_seconds(command, args))
            print(f"round {number + 1} of {args.rounds}: {name} {took[name][-1]:.2f} s", file=sys.stderr)
    print(f"{machine()}; node timeout {args.node_timeout} ms, {args.rounds} rounds, seconds without writes.\n")
    print("| | median | shortest | longest |\n|---|---:|---:|---:|")
    for name, seconds in took.items():
        print(f"| {name} | {statistics.median(seconds):.2f} | {min(seconds):.2f} | {max(seconds):.2f} |")


if __name__ == "__main__":
    main()
