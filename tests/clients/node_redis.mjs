// node-redis' createCluster: writes and reads back keys of every kind, then a few commands of other shapes.
// Usage: node node_redis.mjs PORT RESP
import { createCluster, RESP_TYPES } from "redis";
import { each, expect, groups, random, KEYS } from "./keys.mjs";

const [port, protocol] = process.argv.slice(2).map(Number);
const cluster = createCluster({ rootNodes: [{ url: `redis://127.0.0.1:${port}` }], RESP: protocol });
cluster.on("error", (error) => console.error("node-redis:", error));
await cluster.connect();
const binary = cluster.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });

const written = [...groups(`node-redis-${protocol}`, random(2))];
await each(written, async (group) => {
  if (group.length === 1) expect(await cluster.set(...group[0]), "OK", "SET");
  else expect(await cluster.mSet(group), "OK", "MSET");
});
await each(written, async (group) => {
  const keys = group.map(([key]) => key);
  const values = group.length === 1 ? [await binary.get(keys[0])] : await binary.mGet(keys);
  group.forEach(([key, value], i) => expect(values[i], value, `GET ${key.toString("latin1")}`));
});

let found = 0;
for (const primary of cluster.masters) {
  const node = await cluster.nodeClient(primary);
  for await (const keys of node.scanIterator({ MATCH: `node-redis-${protocol}*`, COUNT: 500 })) found += keys.length;
}
expect(found, KEYS, "keys found by SCAN on all primaries");

expect(await cluster.set("{nr}n", "5", { EX: 1000 }), "OK", "SET EX");
const replies = await cluster.multi().incr("{nr}n").exists("{nr}n").persist("{nr}n").ttl("{nr}n").append("{nr}s", "ab").execAsPipeline();
expect(JSON.stringify(replies), "[6,1,1,-1,2]", "pipeline");
expect(await cluster.expire("{nr}n", 100), 1, "EXPIRE");
expect(await cluster.getRange("{nr}s", 1, 1), "b", "GETRANGE");
expect(await cluster.setBit("{nr}b", 7, 1), 0, "SETBIT");
expect(await cluster.del(["{nr}n", "{nr}s", "{nr}b"]), 3, "DEL");
expect(await cluster.get("{nr}n"), null, "GET after DEL");
await each(written.flat(), async ([key]) => expect(await cluster.unlink(key), 1, "UNLINK"));

await cluster.close();
console.log(`node-redis, RESP${protocol}: ${KEYS} keys, no error`);
