"""Counts the writes lost when a primary is killed under a load of redis-py's RedisCluster, beside redis-server, and prints Markdown.

The cluster of failover.py. Clients write keys of their own without a pause; half of them send WAIT behind each write, and call it kept
when a replica has it. One primary gets SIGKILL in the middle. In the end every key whose write was acknowledged is read back: what is
gone was lost. Those of WAIT must all be there (else the program fails); how many of the others are lost is what is counted here, and the
longest time in which no write to the slots of the killed primary succeeded. Needs redis-py: clients/setup.sh installs it.
"""

import signal
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import RedisError

from bench import command_line, machine
from failover import NODES, form, replica_of, start, text

WAIT_MS = 500


class Writer(threading.Thread):
    """A client that writes until it is told to stop, and remembers what was acknowledged."""

    def __init__(self, ports, name, waits, stopping):
        super().__init__()
        self.ports, self.key, self.waits, self.stopping = ports, name, waits, stopping
        # Keys that count as written, with the moment of their acknowledgement; and replies to WAIT that were too few.
        self.written, self.too_few, self.errors = [], 0, 0

    def run(self):
        cluster = connect(self.ports)
        for number in range(sys.maxsize):
            if self.stopping.is_set():
                return
            key = f"{self.key}:{number}"
            try:
                cluster.set(key, number)
                # The client has one connection to each node: this is the one that has written.
                node = cluster.get_node_from_key(key) if self.waits else None
                if self.waits and cluster.execute_command("WAIT", 1, WAIT_MS, target_nodes=node) < 1:
                    self.too_few += 1
                else:
                    self.written.append((key, time.monotonic()))
            except (RedisError, OSError):
                self.errors += 1


def connect(ports):
    """A client that gives an error back soon, and asks again for the slots then."""
    nodes = [ClusterNode("127.0.0.1", port) for port in ports]
    return RedisCluster(startup_nodes=nodes, socket_timeout=1, socket_connect_timeout=1, require_full_coverage=False)


def slots_of(port):
    """The slots of the primary at `port`, as a range: those of a new cluster lie together."""
    line = next(line for line in text(port, "cluster", "nodes").splitlines() if "myself" in line)
    first, last = line.split()[8].split("-")
    return range(int(first), int(last) + 1)


def longest_gap(moments):
    """Between two of them that follow each other, in seconds."""
    moments = sorted(moments)
    return max((after - before for before, after in zip(moments, moments[1:])), default=float("inf"))


def one_round(command, args):
    """{waits: (acknowledged, lost)}, and the seconds without writes."""
    ports = [args.port + number for number in range(NODES)]
    with tempfile.TemporaryDirectory() as folder:
        processes = start(command, ports, args.node_timeout, folder)
        try:
            form(ports)
            time.sleep(args.node_timeout / 1000)
            slots, heir = slots_of(ports[0]), replica_of(ports[0], ports)
            stopping = threading.Event()
            writers = [Writer(ports[1:], f"w{number}", number % 2 == 0, stopping) for number in range(args.writers)]
            for writer in writers:
                writer.start()
            time.sleep(args.seconds)
            processes[0].send_signal(signal.SIGKILL)
            killed = time.monotonic()
            while "myself,master" not in text(heir, "cluster", "nodes"):
                if time.monotonic() - killed > 60:
                    sys.exit("no replica takes over")
                time.sleep(0.05)
            time.sleep(args.seconds)
            stopping.set()
            for writer in writers:
                writer.join()
            return count(connect(ports[1:]), writers, slots)
        finally:
            for process in processes:
                process.kill()
                process.wait()


def count(cluster, writers, slots):
    """Reads back what was acknowledged."""
    result, moments = {}, []
    for waits in (True, False):
        written = [entry for writer in writers if writer.waits == waits for entry in writer.written]
        moments += [at for key, at in written if cluster.keyslot(key) in slots]
        lost = 0
        for first in range(0, len(written), 500):
            pipeline = cluster.pipeline()
            for key, _ in written[first : first + 500]:
                pipeline.exists(key)
            lost += sum(1 for found in pipeline.execute() if not found)
        result[waits] = (len(written), lost)
    return result, longest_gap(moments)


def main():
    """A row for each server; fails when anything is lost behind a WAIT that a Slotway replica has answered."""
    parser = command_line(__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--node-timeout", type=int, default=2000, help="cluster-node-timeout, in ms")
    parser.add_argument("--writers", type=int, default=8, help="clients, every other one with WAIT")
    parser.add_argument("--seconds", type=float, default=2, help="of load before the kill, and after the takeover")
    parser.add_argument("--only-slotway", action="store_true", help="without redis-server beside it")
    args = parser.parse_args()
    subjects = {"Slotway": [str(Path(args.slotway).resolve()), "server"]}
    if not args.only_slotway:
        subjects["redis-server"] = [args.redis]
    rounds = {name: [] for name in subjects}
    for number in range(args.rounds):
        for name, command in subjects.items():
            rounds[name].append(one_round(command, args))
            counts, gap = rounds[name][-1]
            print(f"round {number + 1} of {args.rounds}: {name} {counts} {gap:.2f} s", file=sys.stderr)
    print(f"{machine()}; node timeout {args.node_timeout} ms, {args.rounds} rounds, {args.writers} clients, half of them with WAIT 1.\n")
    print("| | writes with WAIT | lost | plain writes | lost | lost per failover, most | seconds without writes, median | longest |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name, results in rounds.items():
        sums = [sum(counts[waits][at] for counts, _ in results) for waits in (True, False) for at in (0, 1)]
        gaps, most = [gap for _, gap in results], max(counts[False][1] for counts, _ in results)
        print(f"| {name} | {sums[0]:,} | {sums[1]} | {sums[2]:,} | {sums[3]} | {most} |", end="")
        print(f" {statistics.median(gaps):.2f} | {max(gaps):.2f} |")
        if name == "Slotway" and (sums[1] or not sums[0]):
            sys.exit(f"{sums[1]} of {sums[0]} writes behind a WAIT are lost")


if __name__ == "__main__":
    main()
