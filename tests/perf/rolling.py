"""Restarts every node of a cluster, one after the other, under a load of redis-py's RedisCluster, and prints Markdown.

The cluster of failover.py, with `cluster-handover-on-shutdown yes` and an append-only file. Each node gets SIGTERM, ends, starts again in
its folder, and the next one follows once all nodes call the cluster well and all replicas have their data. Clients write keys of their own
meanwhile. In the end every key whose write was acknowledged is read back, and must be there (else the program fails); the longest time in
which no write to the slots of a shard succeeded is told. Needs redis-py: clients/setup.sh installs it.
"""

import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench import command_line, machine, wait_for_pong
from failover import NODES, form, launch, start, text, wait
from kept import Writer, connect, count, longest_gap, slots_of

OPTIONS = ["--cluster-handover-on-shutdown", "yes", "--appendonly", "yes"]


def is_well(port):
    """Whether the node at `port` sees all others, and has its data."""
    info = text(port, "info", "replication")
    seen = text(port, "cluster", "nodes").strip().splitlines()
    well = all(" connected" in line and "fail" not in line.split()[2] and "noaddr" not in line for line in seen)
    return (
        well
        and len(seen) == NODES
        and "cluster_state:ok" in text(port, "cluster", "info")
        and "master_link_status:down" not in info
        and ("role:slave" in info or "connected_slaves:0" not in info)
    )


def restart(command, port, process, folder, timeout_ms):
    """Ends a node as an operator would, and starts it again."""
    process.terminate()
    process.wait(60)
    process = launch(command, port, timeout_ms, folder)
    wait_for_pong(port, process)
    return process


def one_round(command, args):
    """Acknowledged, lost, errors that clients saw, and the longest seconds without writes of each shard."""
    ports = [args.port + number for number in range(NODES)]
    with tempfile.TemporaryDirectory() as folder:
        processes = start(command, ports, args.node_timeout, folder)
        try:
            form(ports)
            wait("all nodes are well", lambda: all(is_well(port) for port in ports))
            shards = [slots_of(port) for port in ports[:3]]
            stopping = threading.Event()
            writers = [Writer(ports, f"w{number}", False, stopping) for number in range(args.writers)]
            for writer in writers:
                writer.start()
            for at, port in enumerate(ports):
                time.sleep(args.seconds)
                processes[at] = restart(command, port, processes[at], folder, args.node_timeout)
                wait("all nodes are well", lambda: all(is_well(port) for port in ports))
            time.sleep(args.seconds)
            stopping.set()
            for writer in writers:
                writer.join()
            cluster = connect(ports)
            written, lost = count(cluster, writers, range(0))[0][False]
            moments = [(cluster.keyslot(key), at) for writer in writers for key, at in writer.written]
            gaps = [longest_gap([at for slot, at in moments if slot in shard]) for shard in shards]
            return written, lost, sum(writer.errors for writer in writers), gaps
        finally:
            for process in processes:
                process.kill()
                process.wait()


def main():
    """A row; fails when anything acknowledged is lost."""
    parser = command_line(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--node-timeout", type=int, default=2000, help="cluster-node-timeout, in ms")
    parser.add_argument("--writers", type=int, default=4, help="clients")
    parser.add_argument("--seconds", type=float, default=1, help="of load before each restart")
    args = parser.parse_args()
    command = [str(Path(args.slotway).resolve()), "server", *OPTIONS]
    rounds = []
    for number in range(args.rounds):
        rounds.append(one_round(command, args))
        print(f"round {number + 1} of {args.rounds}: {rounds[-1]}", file=sys.stderr)
    written, lost, errors = (sum(one[at] for one in rounds) for at in range(3))
    gaps = [gap for *_, gaps in rounds for gap in gaps]
    print(f"{machine()}; node timeout {args.node_timeout} ms, {args.rounds} rounds of {NODES} restarts, {args.writers} clients.\n")
    print("| writes acknowledged | lost | errors seen by clients | longest without writes to a shard, median of rounds | of all |")
    print("|---:|---:|---:|---:|---:|")
    print(f"| {written:,} | {lost} | {errors} | {statistics.median(gaps):.2f} s | {max(gaps):.2f} s |")
    if lost or not written:
        sys.exit(f"{lost} of {written} acknowledged writes are lost")


if __name__ == "__main__":
    main()
