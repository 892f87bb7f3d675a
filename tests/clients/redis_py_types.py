"""redis-py's RedisCluster: every data type, transactions, blocking pops, channels and scans.

Usage: python redis_py_types.py PORT RESP
"""

import sys
import threading

from redis.cluster import RedisCluster

from redis_py import expect

TAG = "{py types}"


def key(name):
    """A key of the slot that all of these keys share."""
    return f"{TAG}{name}"


def pairs(reply):
    """Members with scores, as pairs whatever the protocol made of them."""
    return [(member, float(score)) for member, score in reply]


def as_text(reply):
    """Text that some protocol left as bytes."""
    return reply.decode() if isinstance(reply, bytes) else reply


def lists(cluster, _):
    expect(cluster.rpush(key("l"), "a", "b", "c", 4), 4, "RPUSH")
    expect(cluster.lrange(key("l"), 0, -1), [b"a", b"b", b"c", b"4"], "LRANGE")
    expect(cluster.lpos(key("l"), "c"), 2, "LPOS")
    expect(cluster.linsert(key("l"), "BEFORE", "b", "x"), 5, "LINSERT")
    expect(cluster.lmove(key("l"), key("l2"), "LEFT", "RIGHT"), b"a", "LMOVE")
    expect(cluster.lpop(key("l"), 2), [b"x", b"b"], "LPOP with a count")
    expect(cluster.lmpop(2, key("none"), key("l"), direction="RIGHT"), [key("l").encode(), [b"4"]], "LMPOP")
    expect(bool(cluster.lset(key("l"), 0, "z")), True, "LSET")
    expect(cluster.rpop(key("l")), b"z", "RPOP")
    expect(cluster.exists(key("l")), 0, "an empty list is no key")


def hashes(cluster, _):
    expect(cluster.hset(key("h"), mapping={f"f{n}": n for n in range(200)}), 200, "HSET")
    expect(cluster.hget(key("h"), "f7"), b"7", "HGET")
    expect(cluster.hincrby(key("h"), "f7", 3), 10, "HINCRBY")
    expect(cluster.hincrbyfloat(key("h"), "f7", 0.5), 10.5, "HINCRBYFLOAT")
    expect(cluster.hmget(key("h"), "f1", "none"), [b"1", None], "HMGET")
    expect(len(cluster.hgetall(key("h"))), 200, "HGETALL")
    expect(len(dict(cluster.hscan_iter(key("h"), count=10))), 200, "HSCAN")
    expect(len(cluster.hrandfield(key("h"), 5)), 5, "HRANDFIELD")
    expect(cluster.hdel(key("h"), *(f"f{n}" for n in range(200))), 200, "HDEL")


def sets(cluster, _):
    expect(cluster.sadd(key("s1"), *range(600)), 600, "SADD")
    expect(cluster.sadd(key("s2"), "a", "b", 1, 2), 4, "SADD")
    expect(cluster.sinter(key("s1"), key("s2")), {b"1", b"2"}, "SINTER")
    expect(cluster.sdiff(key("s2"), key("s1")), {b"a", b"b"}, "SDIFF")
    expect(cluster.sunionstore(key("s3"), key("s1"), key("s2")), 602, "SUNIONSTORE")
    expect(cluster.sintercard(2, [key("s1"), key("s2")]), 2, "SINTERCARD")
    expect([bool(is_member) for is_member in cluster.smismember(key("s2"), ["a", "x"])], [True, False], "SMISMEMBER")
    expect(len(set(cluster.sscan_iter(key("s3"), count=20))), 602, "SSCAN")
    expect(len(cluster.spop(key("s3"), 602)), 602, "SPOP")
    expect(cluster.sort(key("s2"), alpha=True), [b"1", b"2", b"a", b"b"], "SORT")


def sorted_sets(cluster, _):
    expect(cluster.zadd(key("z"), {f"m{n:03}": n for n in range(200)}), 200, "ZADD")
    expect(cluster.zadd(key("z"), {"m000": 5}, gt=True, ch=True), 1, "ZADD GT CH")
    expect(float(cluster.zincrby(key("z"), 0.5, "m001")), 1.5, "ZINCRBY")
    expect(cluster.zrank(key("z"), "m002"), 1, "ZRANK")
    expect(cluster.zrange(key("z"), 0, 1), [b"m001", b"m002"], "ZRANGE")
    expect(cluster.zrange(key("z"), "(198", "+inf", byscore=True), [b"m199"], "ZRANGE BYSCORE")
    expect(cluster.zcount(key("z"), 10, 19), 10, "ZCOUNT")
    expect(pairs(cluster.zpopmax(key("z"), 1)), [(b"m199", 199.0)], "ZPOPMAX")
    expect(len(list(cluster.zscan_iter(key("z"), count=10))), 199, "ZSCAN")
    expect(cluster.zunionstore(key("z2"), {key("z"): 2, key("s2"): 1}), 203, "ZUNIONSTORE")
    expect([float(score) for score in cluster.zmscore(key("z2"), ["m010", "a"])], [20.0, 1.0], "ZMSCORE")
    expect(cluster.zremrangebyrank(key("z2"), 0, -1), 203, "ZREMRANGEBYRANK")


def streams(cluster, _):
    ids = [cluster.xadd(key("x"), {"n": n}) for n in range(10)]
    expect(cluster.xlen(key("x")), 10, "XLEN")
    expect([entry for entry, _ in cluster.xrange(key("x"), count=3)], ids[:3], "XRANGE")
    expect(cluster.xgroup_create(key("x"), "group", id="0"), True, "XGROUP CREATE")
    read = cluster.xreadgroup("group", "alice", {key("x"): ">"}, count=4)
    entries = list(read.values())[0][0] if isinstance(read, dict) else read[0][1]
    expect([entry for entry, _ in entries], ids[:4], "XREADGROUP")
    expect(cluster.xack(key("x"), "group", *ids[:2]), 2, "XACK")
    expect(cluster.xpending(key("x"), "group")["pending"], 2, "XPENDING")
    claimed = cluster.xautoclaim(key("x"), "group", "bob", 0, count=10)
    expect([entry for entry, _ in claimed[1]], ids[2:4], "XAUTOCLAIM")
    expect(cluster.xinfo_groups(key("x"))[0]["consumers"], 2, "XINFO GROUPS")
    expect(cluster.xinfo_stream(key("x"))["length"], 10, "XINFO STREAM")
    expect(cluster.xtrim(key("x"), maxlen=4, approximate=False), 6, "XTRIM")
    expect(cluster.xdel(key("x"), ids[9]), 1, "XDEL")


def places_and_sketches(cluster, _):
    expect(cluster.geoadd(key("g"), [13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania"]), 2, "GEOADD")
    expect(round(float(cluster.geodist(key("g"), "Palermo", "Catania", "km"))), 166, "GEODIST")
    expect([as_text(hash) for hash in cluster.geohash(key("g"), "Palermo")], ["sqc8b49rny0"], "GEOHASH")
    near = cluster.geosearch(key("g"), longitude=15, latitude=37, radius=100, unit="km")
    expect(near, [b"Catania"], "GEOSEARCH")
    expect(cluster.pfadd(key("p1"), *range(1000)), 1, "PFADD")
    expect(cluster.pfadd(key("p2"), *range(500, 1500)), 1, "PFADD")
    expect(abs(cluster.pfcount(key("p1"), key("p2")) - 1500) < 60, True, "PFCOUNT")
    expect(cluster.pfmerge(key("p3"), key("p1"), key("p2")), True, "PFMERGE")
    expect(cluster.setbit(key("b"), 9, 1), 0, "SETBIT")
    expect(cluster.bitcount(key("b")), 1, "BITCOUNT")
    expect(cluster.bitfield(key("b")).incrby("u8", 0, 300, "SAT").get("u8", 0).execute(), [255, 255], "BITFIELD")


def transactions(cluster, _):
    node = cluster.get_redis_connection(cluster.get_node_from_key(key("t")))
    with node.pipeline(transaction=True) as transaction:
        transaction.watch(key("t"))
        transaction.multi()
        transaction.rpush(key("t"), 1, 2).lrange(key("t"), 0, -1).lpush(key("t"), 0)
        expect(transaction.execute(), [2, [b"1", b"2"], 3], "EXEC")
    with node.pipeline(transaction=True) as transaction:
        transaction.watch(key("t"))
        cluster.rpush(key("t"), 3)
        transaction.multi()
        transaction.delete(key("t"))
        try:
            transaction.execute()
            raise SystemExit("EXEC: a watched key was changed")
        except Exception as error:  # The name of the class differs between versions of the library.
            expect("Watch" in type(error).__name__, True, f"EXEC: {error!r}")


def blocking(cluster, connect):
    """One client waits, another brings."""
    with connect() as other:
        for wait, bring, expected in [
            (lambda: cluster.blpop([key("q")], timeout=20), lambda: other.rpush(key("q"), "v"), [key("q").encode(), b"v"]),
            (lambda: cluster.blmove(key("q"), key("q2"), 20), lambda: other.rpush(key("q"), "w"), b"w"),
            (lambda: cluster.bzpopmin(key("zq"), timeout=20), lambda: other.zadd(key("zq"), {"m": 1}), [key("zq").encode(), b"m", 1.0]),
        ]:
            bringer = threading.Timer(0.05, bring)
            bringer.start()
            reply = wait()
            bringer.join()
            expect(list(reply) if isinstance(reply, (list, tuple)) else reply, expected, "a blocking pop")
    expect(cluster.blpop([key("q")], timeout=0.05), None, "BLPOP that nobody serves")


def channels(cluster, connect):
    """A message to a channel, and one to a pattern."""
    with cluster.pubsub() as listener, connect() as other:
        listener.subscribe("py news")
        listener.psubscribe("py n*")
        kinds = []
        while len(kinds) < 4:
            message = listener.get_message(timeout=20)
            if message is None:
                raise SystemExit(f"pub/sub: only {kinds} arrived")
            kinds.append(message["type"])
            if len(kinds) == 2:
                other.publish("py news", "hello")
        expect(sorted(kinds), ["message", "pmessage", "psubscribe", "subscribe"], "kinds of messages")


PARTS = [lists, hashes, sets, sorted_sets, streams, places_and_sketches, transactions, blocking, channels]


def main(port, protocol):
    """All of it, and the keys removed."""

    def connect():
        return RedisCluster(host="127.0.0.1", port=port, protocol=protocol)

    with connect() as cluster:
        clean = lambda: cluster.keys(f"{TAG}*", target_nodes=RedisCluster.PRIMARIES)
        for part in PARTS:
            part(cluster, connect)
        cluster.delete(*clean())
        expect(clean(), [], "keys that are left")
    print(f"redis-py, RESP{protocol}: every type, no error")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
