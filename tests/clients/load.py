"""redis-py's RedisCluster under way while slots move: counts up, and reads back what it has counted, until its input is closed.

Every reply must be the one that the last write makes it. Usage: python load.py PORT NAME
"""

import random
import sys
import threading
import time

from redis.cluster import RedisCluster

KEYS = 400

port, name = int(sys.argv[1]), sys.argv[2]
cluster = RedisCluster(host="127.0.0.1", port=port)
done = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), done.set()), daemon=True).start()

counts, operations, longest = {f"py:{name}:{n}": 0 for n in range(KEYS)}, 0, 0.0


def expect(actual, expected, what):
    """Fails unless the two are equal."""
    if actual != expected:
        raise SystemExit(f"{what}: expected {expected!r}, got {actual!r}")


def ask(command, *words):
    """What a command answers.

    ASK to a node that has no slots yet, and so is not in its table, is an AttributeError in redis-py, before anything is sent: whoever is behind the
    cluster. Soon the node has its first slot, and is in the table.
    """
    deadline = time.monotonic() + 60
    while True:
        try:
            return command(*words)
        except AttributeError as error:
            if "redis_connection" not in str(error) or time.monotonic() > deadline:
                raise
            cluster.nodes_manager.initialize()


def read(key):
    """The count of a key, which must be what it was counted up to."""
    count = counts[key]
    expect(ask(cluster.get, key), str(count).encode() if count else None, f"GET {key}")


while not done.is_set():
    key, began = random.choice(list(counts)), time.monotonic()
    if random.random() < 0.5:
        counts[key] += 1
        expect(ask(cluster.incr, key), counts[key], f"INCR {key}")
    else:
        read(key)
    longest, operations = max(longest, time.monotonic() - began), operations + 1
for key in counts:
    read(key)
print(f"{sum(1 for count in counts.values() if count)} keys {operations} operations, the longest {longest * 1000:.0f} ms")
