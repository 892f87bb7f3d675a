// ioredis' Cluster: writes and reads back keys of every kind, then a few commands of other shapes.
// Usage: node ioredis.mjs PORT
import { Cluster } from "ioredis";
import { each, expect, groups, random, KEYS } from "./keys.mjs";

const cluster = new Cluster([{ host: "127.0.0.1", port: Number(process.argv[2]) }]);
cluster.on("error", (error) => console.error("ioredis:", error));

const written = [...groups("ioredis", random(1))];
await each(written, async (group) => {
  if (group.length === 1) expect(await cluster.set(...group[0]), "OK", "SET");
  else expect(await cluster.mset(...group.flat()), "OK", "MSET");
});
await each(written, async (group) => {
  const keys = group.map(([key]) => key);
  const values = group.length === 1 ? [await cluster.getBuffer(keys[0])] : await cluster.mgetBuffer(...keys);
  group.forEach(([key, value], i) => expect(values[i], value, `GET ${key.toString("latin1")}`));
});

const primaries = cluster.nodes("master");
const scanned = new Set();
for (const node of primaries) {
  let cursor = "0";
  do {
    const [next, keys] = await node.scanBuffer(cursor, "MATCH", "ioredis*", "COUNT", 500);
    keys.forEach((key) => scanned.add(key.toString("latin1")));
    cursor = next.toString();
  } while (cursor !== "0");
}
expect(scanned.size, KEYS, "keys found by SCAN on all primaries");

expect(await cluster.set("{io}n", 5, "EX", 1000), "OK", "SET EX");
const replies = await cluster.pipeline().incr("{io}n").exists("{io}n").persist("{io}n").ttl("{io}n").append("{io}s", "ab").exec();
expect(JSON.stringify(replies.map(([error, reply]) => error?.message ?? reply)), "[6,1,1,-1,2]", "pipeline");
expect(await cluster.expire("{io}n", 100), 1, "EXPIRE");
expect(await cluster.getrange("{io}s", 1, 1), "b", "GETRANGE");
expect(await cluster.setbit("{io}b", 7, 1), 0, "SETBIT");
expect(await cluster.del("{io}n", "{io}s", "{io}b"), 3, "DEL");
expect(await cluster.get("{io}n"), null, "GET after DEL");
await each(written.flat(), async ([key]) => expect(await cluster.unlink(key), 1, "UNLINK"));

await cluster.quit();
console.log(`ioredis: ${KEYS} keys, no error`);
