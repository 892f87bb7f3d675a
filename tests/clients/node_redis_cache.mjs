// node-redis' client-side cache: what is asked for twice is asked once, and what others change is asked for again.
// Usage: node node_redis_cache.mjs PORT
import { createClient } from "redis";
import { BasicClientSideCache } from "@redis/client";
import { equal } from "./keys.mjs";
import { until } from "./until.mjs";

const port = Number(process.argv[2]);
const connect = async (options) => {
  const client = createClient({ url: `redis://127.0.0.1:${port}`, ...options });
  client.on("error", (error) => console.error("node-redis:", error));
  return client.connect();
};
const cache = new BasicClientSideCache({ ttl: 0, maxEntries: 100, evictPolicy: "LRU" });
const [cached, other] = [await connect({ RESP: 3, clientSideCache: cache }), await connect({})];
const calls = async () => Number(/cmdstat_get:calls=(\d+)/.exec(await other.info("commandstats"))?.[1] ?? 0);

await other.mSet({ a: "1", b: "2" });
const before = await calls();
for (let turn = 0; turn < 100; turn++) equal(await cached.get("a"), "1", "GET");
equal((await calls()) - before, 1, "calls of GET");
equal(cache.stats().hitCount, 99, "hits");

const changes = [
  ["SET", () => other.set("a", "9"), () => cached.get("a"), "9"],
  ["SET of one of several", () => other.set("b", "8"), () => cached.mGet(["a", "b"]), ["9", "8"]],
  ["a transaction", () => other.multi().incr("a").incr("b").exec(), () => cached.mGet(["a", "b"]), ["10", "9"]],
  ["its own SET", () => cached.set("a", "6"), () => cached.get("a"), "6"],
  ["PEXPIRE", () => other.pExpire("a", 1), () => cached.get("a"), null],
  ["FLUSHALL", () => other.flushAll(), () => cached.mGet(["a", "b"]), [null, null]],
];
for (const [what, change, read, expected] of changes) {
  await read();
  await change();
  await until(read, expected, what);
}
for (let number = 0; number < 1000; number++) await cached.get(`k${number}`);
cached.destroy();
await until(async () => /tracking_clients:(\d+)/.exec(await other.info("clients"))[1], "0", "tracking_clients");
other.destroy();
