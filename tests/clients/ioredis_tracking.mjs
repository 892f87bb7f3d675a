// ioredis over RESP2: one connection listens to invalidations, others read and write; what was read and then changed is told.
// Usage: node ioredis_tracking.mjs PORT
import { Redis } from "ioredis";
import { equal } from "./keys.mjs";
import { until } from "./until.mjs";

// With RESP3 ioredis leaves out pushes that tell of keys.
const connect = () => {
  const client = new Redis({ port: Number(process.argv[2]), protocol: 2 });
  client.on("error", (error) => console.error("ioredis:", error));
  return client;
};
const [listener, cached, other] = [connect(), connect(), connect()];
const told = [];
const listenerId = await listener.client("ID");
await listener.subscribe("__redis__:invalidate");
listener.on("message", (channel, keys) => told.push([channel, keys]));
// ioredis takes the keys for a text.
const tells = async (keys, what) => {
  await until(() => told.length > 0, true, what);
  equal(told.shift(), ["__redis__:invalidate", keys], what);
};

equal(await cached.client("TRACKING", "ON", "REDIRECT", listenerId), "OK", "TRACKING");
equal(await cached.client("GETREDIR"), listenerId, "GETREDIR");
await cached.get("a");
await cached.mget("b", "c");
await other.set("a", "1");
await tells("a", "SET");
await other.set("a", "2");
await other.hset("c", "f", "1");
await tells("c", "HSET: and a, which nobody has read again, is not told");
await cached.pipeline().get("a").get("b").exec();
await other.multi().set("a", "3").del("c").set("b", "1").exec();
await tells("a", "EXEC");
await tells("b", "EXEC");
await cached.get("a");
await other.flushall();
await tells("", "FLUSHALL");

// All keys with a prefix, read or not; what it writes itself is not told.
await cached.client("TRACKING", "OFF");
await cached.client("TRACKING", "ON", "REDIRECT", listenerId, "BCAST", "PREFIX", "user:", "NOLOOP");
await cached.set("user:1", "own");
await other.set("nobody:1", "1");
await other.set("user:2", "1");
await tells("user:2", "BCAST");

// Who listens goes away: the one that reads is told, and goes on.
listener.disconnect();
await until(async () => (await other.set("user:2", "2")) && (await cached.client("TRACKINGINFO"))[1].includes("broken_redirect"), true, "the listener is gone");
equal(await cached.get("user:1"), "own", "GET");
cached.disconnect();
await until(async () => /tracking_clients:(\d+)/.exec(await other.info("clients"))[1], "0", "tracking_clients");
other.disconnect();
