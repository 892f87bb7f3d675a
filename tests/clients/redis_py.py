"""redis-py's RedisCluster: writes and reads back keys of every kind, then a few commands of other shapes.

Usage: python redis_py.py PORT RESP
"""

import random
import sys

from redis.cluster import RedisCluster

KEYS = 10_000
# Keys of one MSET, and commands of one pipeline.
GROUP, PIPELINE = 4, 200


def groups(prefix, seed):
    """KEYS pairs in groups: single binary keys, single tagged ones, and groups that share a tag."""
    choice, made = random.Random(seed), 0
    while made < KEYS:
        kind = choice.randrange(3)
        tag = b"%x" % choice.getrandbits(30)
        group = {}
        for _ in range(min(GROUP, KEYS - made) if kind == 2 else 1):
            head = b"%s:%d:" % (prefix, made) if kind == 0 else b"%s{%s}%d:" % (prefix, tag, made)
            group[head + choice.randbytes(choice.randrange(12))] = choice.randbytes(choice.randrange(40))
            made += 1
        yield group


def expect(actual, expected, what):
    """Fails unless the two are equal."""
    if actual != expected:
        raise SystemExit(f"{what}: expected {expected!r}, got {actual!r}")


def write_and_read_back(cluster, written):
    """One command at a time, as most programs do."""
    for group in written:
        if len(group) == 1:
            [(key, value)] = group.items()
            expect(cluster.set(key, value), True, "SET")
        else:
            expect(cluster.mset(group), True, "MSET")
    for group in written:
        expect(cluster.mget(list(group)), list(group.values()), f"MGET {list(group)}")


def read_in_pipelines(cluster, written):
    """The same values again, many commands to all nodes at once."""
    pairs = [pair for group in written for pair in group.items()]
    for start in range(0, len(pairs), PIPELINE):
        part = pairs[start : start + PIPELINE]
        pipeline = cluster.pipeline()
        for key, _ in part:
            pipeline.get(key)
        expect(pipeline.execute(), [value for _, value in part], "pipeline of GET")


def find_all(cluster, prefix):
    """SCAN and KEYS of every primary give each key once."""
    primaries = RedisCluster.PRIMARIES
    scanned = list(cluster.scan_iter(match=prefix + b"*", count=500, target_nodes=primaries))
    expect(len(set(scanned)), KEYS, "keys found by SCAN on all primaries")
    expect(len(cluster.keys(prefix + b"*", target_nodes=primaries)), KEYS, "keys found by KEYS on all primaries")


def other_commands(cluster):
    """Expiry, counting, strings and bits, through a pipeline and without."""
    cluster.set("{py}n", 5, ex=1000)
    pipeline = cluster.pipeline()
    pipeline.incr("{py}n").exists("{py}n").persist("{py}n").ttl("{py}n").append("{py}s", "ab")
    expect(list(map(int, pipeline.execute())), [6, 1, 1, -1, 2], "pipeline")
    expect(bool(cluster.expire("{py}n", 100)), True, "EXPIRE")
    expect(cluster.getrange("{py}s", 1, 1), b"b", "GETRANGE")
    expect(cluster.setbit("{py}b", 7, 1), 0, "SETBIT")
    expect(cluster.delete("{py}n", "{py}s", "{py}b"), 3, "DEL")
    expect(cluster.get("{py}n"), None, "GET after DEL")


def main(port, protocol):
    """All of it, and the keys removed."""
    prefix = b"redis-py-%d" % protocol
    with RedisCluster(host="127.0.0.1", port=port, protocol=protocol) as cluster:
        written = list(groups(prefix, protocol))
        write_and_read_back(cluster, written)
        read_in_pipelines(cluster, written)
        find_all(cluster, prefix)
        other_commands(cluster)
        expect(sum(cluster.unlink(*group) for group in written), KEYS, "UNLINK")
    print(f"redis-py, RESP{protocol}: {KEYS} keys, no error")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
