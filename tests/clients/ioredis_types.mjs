// ioredis' Cluster: every data type, transactions, blocking pops, channels and scans.
// Usage: node ioredis_types.mjs PORT
import { Cluster } from "ioredis";
import { equal, numbers } from "./keys.mjs";

const nodes = [{ host: "127.0.0.1", port: Number(process.argv[2]) }];
const connect = () => {
  const cluster = new Cluster(nodes);
  cluster.on("error", (error) => console.error("ioredis:", error));
  return cluster;
};
const [cluster, other] = [connect(), connect()];
const key = (name) => `{ioredis types}${name}`;

// Lists and hashes.
equal(await cluster.rpush(key("l"), "a", "b", "c"), 3, "RPUSH");
equal(await cluster.lmove(key("l"), key("l2"), "LEFT", "RIGHT"), "a", "LMOVE");
equal(await cluster.lmpop(1, key("l"), "RIGHT", "COUNT", 2), [key("l"), ["c", "b"]], "LMPOP");
equal(await cluster.hset(key("h"), Object.fromEntries(numbers(200).map((n) => [`f${n}`, n]))), 200, "HSET");
equal(await cluster.hincrby(key("h"), "f7", 3), 10, "HINCRBY");
equal(Object.keys(await cluster.hgetall(key("h"))).length, 200, "HGETALL");
equal(await count(cluster.hscanStream(key("h"), { count: 10 })), 400, "HSCAN");

// Sets and sorted sets.
equal(await cluster.sadd(key("s1"), ...numbers(600)), 600, "SADD");
equal(await cluster.sadd(key("s2"), 1, 2, "x"), 3, "SADD");
equal((await cluster.sinter(key("s1"), key("s2"))).sort(), ["1", "2"], "SINTER");
equal(await count(cluster.sscanStream(key("s1"), { count: 20 })), 600, "SSCAN");
equal(await cluster.sort(key("s2"), "ALPHA", "DESC"), ["x", "2", "1"], "SORT");
equal(await cluster.zadd(key("z"), ...numbers(200).flatMap((n) => [n, `m${n}`])), 200, "ZADD");
equal(await cluster.zrange(key("z"), "(197", "+inf", "BYSCORE", "WITHSCORES"), ["m198", "198", "m199", "199"], "ZRANGE");
equal(await cluster.zpopmin(key("z"), 2), ["m0", "0", "m1", "1"], "ZPOPMIN");
equal(await cluster.zunionstore(key("z2"), 2, key("z"), key("s2"), "WEIGHTS", 2, 1), 201, "ZUNIONSTORE");

// Streams.
equal(await cluster.xadd(key("x"), "1-1", "n", "1"), "1-1", "XADD");
equal(await cluster.xadd(key("x"), "1-*", "n", "2"), "1-2", "XADD");
equal(await cluster.xgroup("CREATE", key("x"), "group", "0"), "OK", "XGROUP");
const entries = [["1-1", ["n", "1"]], ["1-2", ["n", "2"]]];
equal(await cluster.xreadgroup("GROUP", "group", "alice", "STREAMS", key("x"), ">"), [[key("x"), entries]], "XREADGROUP");
equal(await cluster.xack(key("x"), "group", "1-1"), 1, "XACK");
equal((await cluster.xpending(key("x"), "group"))[0], 1, "XPENDING");

// Places, sketches and bits.
equal(await cluster.geoadd(key("g"), 13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania"), 2, "GEOADD");
equal(await cluster.geodist(key("g"), "Palermo", "Catania"), "166274.1516", "GEODIST");
equal(await cluster.geosearch(key("g"), "FROMLONLAT", 15, 37, "BYRADIUS", 100, "km"), ["Catania"], "GEOSEARCH");
equal(await cluster.pfadd(key("p"), "a", "b", "c"), 1, "PFADD");
equal(await cluster.pfcount(key("p")), 3, "PFCOUNT");
equal(await cluster.bitfield(key("b"), "SET", "u8", 0, 255, "GET", "u4", 0), [0, 15], "BITFIELD");

// Transactions.
const results = await cluster.multi().rpush(key("t"), 1).lrange(key("t"), 0, -1).exec();
equal(results, [[null, 1], [null, ["1"]]], "EXEC");
equal((await cluster.multi().lpush(key("t"), 0).incr(key("t")).exec())[1][0].message.slice(0, 9), "WRONGTYPE", "EXEC with an error");

// Blocking: one waits, the other brings.
const popped = cluster.blpop(key("q"), 20);
setTimeout(() => other.rpush(key("q"), "v"), 50);
equal(await popped, [key("q"), "v"], "BLPOP");
const smallest = cluster.bzpopmin(key("zq"), 20);
setTimeout(() => other.zadd(key("zq"), 1, "m"), 50);
equal(await smallest, [key("zq"), "m", "1"], "BZPOPMIN");
equal(await cluster.blpop(key("q"), 0.05), null, "BLPOP that nobody serves");

// Channels.
const heard = new Promise((resolve) => other.once("pmessage", (pattern, channel, message) => resolve([pattern, channel, message])));
await other.psubscribe("ioredis n*");
await cluster.publish("ioredis news", "hello");
equal(await heard, ["ioredis n*", "ioredis news", "hello"], "a message");
await other.punsubscribe("ioredis n*");

const names = ["l2", "h", "s1", "s2", "z", "z2", "x", "g", "p", "b", "t"];
equal(await cluster.del(...names.map(key)), names.length, "DEL");
await Promise.all([cluster.quit(), other.quit()]);
console.log("ioredis: every type, no error");

async function count(stream) {
  let found = 0;
  for await (const items of stream) found += items.length;
  return found;
}
