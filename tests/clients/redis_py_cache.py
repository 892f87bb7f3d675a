"""redis-py's client-side caching: what is asked for twice is asked once, and what others change is asked for again.

Usage: python redis_py_cache.py PORT [cluster]
"""

import sys
import time

from redis import Redis, RedisCluster
from redis.cache import CacheConfig
from redis.connection import CacheProxyConnection

# Redis has had what it needs since 6.0; redis-py asks for the version that Redis Ltd. gives support for.
CacheProxyConnection.MIN_ALLOWED_VERSION = "7.2.0"
PORT = int(sys.argv[1])
PATIENCE_SECONDS = 20


def expect(actual, expected, what):
    """Fails unless the two are equal."""
    if actual != expected:
        raise SystemExit(f"{what}: expected {expected!r}, got {actual!r}")


def until(call, expected, what):
    """Waits until the call gives this: an invalidation comes on a connection of its own."""
    end = time.monotonic() + PATIENCE_SECONDS
    while (actual := call()) != expected:
        if time.monotonic() > end:
            raise SystemExit(f"{what}: expected {expected!r} in the end, got {actual!r}")


def calls(server, command):
    """How often the server has executed this command."""
    return server.info("commandstats").get(f"cmdstat_{command}", {}).get("calls", 0)


def one_server():
    """One connection with a cache, and one that changes what is in it."""
    other = Redis(port=PORT, decode_responses=True)
    cached = Redis(port=PORT, protocol=3, decode_responses=True, cache_config=CacheConfig(max_size=100))
    other.mset({"a": "1", "b": "2"})
    other.hset("h", mapping={"f": "1"})
    other.rpush("l", "x", "y")
    before = calls(other, "get")
    expect([cached.get("a") for _ in range(100)], ["1"] * 100, "GET")
    expect(calls(other, "get") - before, 1, "calls of GET")
    expect((cached.mget("a", "b"), cached.hgetall("h"), cached.lrange("l", 0, -1)), (["1", "2"], {"f": "1"}, ["x", "y"]), "reads")
    changes = [
        ("SET", lambda: other.set("a", "9"), lambda: cached.get("a"), "9"),
        ("SET of one of several", lambda: other.set("b", "8"), lambda: cached.mget("a", "b"), ["9", "8"]),
        ("HSET", lambda: other.hset("h", "g", "2"), lambda: cached.hgetall("h"), {"f": "1", "g": "2"}),
        ("RPUSH", lambda: other.rpush("l", "z"), lambda: cached.lrange("l", 0, -1), ["x", "y", "z"]),
        ("a script", lambda: other.eval("redis.call('set', KEYS[1], '7')", 1, "a"), lambda: cached.get("a"), "7"),
        ("its own SET", lambda: cached.set("a", "6"), lambda: cached.get("a"), "6"),
        ("PEXPIRE", lambda: other.pexpire("a", 1), lambda: cached.get("a"), None),
        ("DEL", lambda: other.delete("b"), lambda: cached.get("b"), None),
        ("FLUSHALL", other.flushall, lambda: (cached.hgetall("h"), cached.lrange("l", 0, -1)), ({}, [])),
    ]
    for what, change, read, expected in changes:
        read()
        change()
        until(read, expected, what)
    for number in range(1000):
        cached.get(f"k{number}")
    expect(cached.get_cache().size <= 100, True, "the size of the cache")
    tracked = int(other.info("stats")["tracking_total_keys"])
    cached.close()
    until(lambda: int(other.info("clients")["tracking_clients"]), 0, "tracking_clients")
    expect(tracked >= 1000, True, "tracking_total_keys")


def a_cluster():
    """A cluster's client with a cache, and one that changes what is in it, on all nodes."""
    other = RedisCluster(host="127.0.0.1", port=PORT, decode_responses=True)
    cached = RedisCluster(host="127.0.0.1", port=PORT, protocol=3, decode_responses=True, cache_config=CacheConfig())
    keys = [f"key {number}" for number in range(200)]
    for value in ["first", "second", "third"]:
        for key in keys:
            other.set(key, value)
        for key in keys:
            until(lambda: cached.get(key), value, f"GET {key}")
    before = sum(calls(other.get_redis_connection(node), "get") for node in other.get_primaries())
    expect([cached.get(key) for key in keys], ["third"] * len(keys), "GET")
    after = sum(calls(other.get_redis_connection(node), "get") for node in other.get_primaries())
    expect(after, before, "calls of GET")


if len(sys.argv) > 2 and sys.argv[2] == "cluster":
    a_cluster()
else:
    one_server()
