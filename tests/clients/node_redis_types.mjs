// node-redis' createCluster: every data type, transactions, blocking pops, channels and scans.
// Usage: node node_redis_types.mjs PORT RESP
import { createCluster } from "redis";
import { equal, numbers } from "./keys.mjs";

const [port, protocol] = process.argv.slice(2).map(Number);
const connect = async () => {
  const cluster = createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${port}` }], RESP: protocol });
  cluster.on("error", (error) => console.error("node-redis:", error));
  return cluster.connect();
};
const [cluster, other] = [await connect(), await connect()];
const key = (name) => `{node-redis types}${name}`;

// Lists and hashes.
equal(await cluster.rPush(key("l"), ["a", "b", "c"]), 3, "RPUSH");
equal(await cluster.lMove(key("l"), key("l2"), "LEFT", "RIGHT"), "a", "LMOVE");
equal(await cluster.lRange(key("l"), 0, -1), ["b", "c"], "LRANGE");
equal(await cluster.hSet(key("h"), Object.fromEntries(numbers(200).map((n) => [`f${n}`, n]))), 200, "HSET");
equal(await cluster.hIncrByFloat(key("h"), "f7", 0.5), "7.5", "HINCRBYFLOAT");
equal(Object.keys(await cluster.hGetAll(key("h"))).length, 200, "HGETALL");
equal((await cluster.hScan(key("h"), "0", { COUNT: 1000 })).entries.length, 200, "HSCAN");

// Sets and sorted sets.
equal(await cluster.sAdd(key("s1"), numbers(600).map(String)), 600, "SADD");
equal(await cluster.sAdd(key("s2"), ["1", "2", "x"]), 3, "SADD");
equal([...(await cluster.sInter([key("s1"), key("s2")]))].sort(), ["1", "2"], "SINTER");
equal([...(await cluster.sDiff([key("s2"), key("s1")]))], ["x"], "SDIFF");
equal(await cluster.zAdd(key("z"), numbers(200).map((n) => ({ score: n, value: `m${n}` }))), 200, "ZADD");
equal(await cluster.zRangeWithScores(key("z"), 198, -1), [{ value: "m198", score: 198 }, { value: "m199", score: 199 }], "ZRANGE");
equal(await cluster.zPopMin(key("z")), { value: "m0", score: 0 }, "ZPOPMIN");
equal(await cluster.zScore(key("z"), "m5"), 5, "ZSCORE");
equal(await cluster.zUnionStore(key("z2"), [key("z"), key("s2")]), 202, "ZUNIONSTORE");

// Streams.
equal(await cluster.xAdd(key("x"), "1-1", { n: "1" }), "1-1", "XADD");
equal(await cluster.xGroupCreate(key("x"), "group", "0"), "OK", "XGROUP CREATE");
const [stream] = await cluster.xReadGroup("group", "alice", { key: key("x"), id: ">" });
equal(stream.messages.map(({ id, message }) => [id, { ...message }]), [["1-1", { n: "1" }]], "XREADGROUP");
equal((await cluster.xPending(key("x"), "group")).pending, 1, "XPENDING");
equal(await cluster.xAck(key("x"), "group", "1-1"), 1, "XACK");
equal((await cluster.xInfoStream(key("x"))).length, 1, "XINFO STREAM");

// Places, sketches and bits.
const places = [{ longitude: 13.361389, latitude: 38.115556, member: "Palermo" }, { longitude: 15.087269, latitude: 37.502669, member: "Catania" }];
equal(await cluster.geoAdd(key("g"), places), 2, "GEOADD");
equal(await cluster.geoDist(key("g"), "Palermo", "Catania"), 166274.1516, "GEODIST");
equal(await cluster.geoSearch(key("g"), { longitude: 15, latitude: 37 }, { radius: 100, unit: "km" }), ["Catania"], "GEOSEARCH");
equal(Boolean(await cluster.pfAdd(key("p"), ["a", "b", "c"])), true, "PFADD");
equal(await cluster.pfCount(key("p")), 3, "PFCOUNT");
equal(await cluster.setBit(key("b"), 9, 1), 0, "SETBIT");
equal(await cluster.bitCount(key("b")), 1, "BITCOUNT");

// Transactions.
equal(await cluster.multi().rPush(key("t"), "1").lRange(key("t"), 0, -1).exec(), [1, ["1"]], "EXEC");

// Blocking: one waits, the other brings.
const popped = cluster.blPop(key("q"), 20);
setTimeout(() => other.rPush(key("q"), "v"), 50);
equal({ ...(await popped) }, { key: key("q"), element: "v" }, "BLPOP");
const smallest = cluster.bzPopMin(key("zq"), 20);
setTimeout(() => other.zAdd(key("zq"), { score: 1, value: "m" }), 50);
equal({ ...(await smallest) }, { key: key("zq"), value: "m", score: 1 }, "BZPOPMIN");
equal(await cluster.blPop(key("q"), 0.05), null, "BLPOP that nobody serves");

// Channels, plain and of a shard.
for (const [subscribe, publish, unsubscribe] of [["subscribe", "publish", "unsubscribe"], ["sSubscribe", "sPublish", "sUnsubscribe"]]) {
  let hear;
  const heard = new Promise((resolve) => (hear = resolve));
  await other[subscribe](key("news"), hear);
  await cluster[publish](key("news"), "hello");
  equal(await heard, "hello", `a message by ${publish}`);
  await other[unsubscribe](key("news"));
}

const names = ["l", "l2", "h", "s1", "s2", "z", "z2", "x", "g", "p", "b", "t"];
equal(await cluster.del(names.map(key)), names.length, "DEL");
await Promise.all([cluster.close(), other.close()]);
console.log(`node-redis, RESP${protocol}: every type, no error`);
