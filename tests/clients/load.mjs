// ioredis' Cluster under way while slots move: counts up, and reads back what it has counted, until its input is closed.
// Every reply must be the one that the last write makes it. Usage: node load.mjs PORT NAME
import { Cluster } from "ioredis";
import { expect } from "./keys.mjs";

const KEYS = 400;
const PARALLEL = 4;
const [port, name] = process.argv.slice(2);
const cluster = new Cluster([{ host: "127.0.0.1", port: Number(port) }]);
cluster.on("error", (error) => {
  console.error("ioredis:", error);
  process.exitCode = 1;
});
let done = false;
process.stdin.on("end", () => (done = true)).resume();

const counts = new Map();
let operations = 0;
const read = async (key) =>
  expect(await cluster.get(key), counts.get(key) ? String(counts.get(key)) : null, `GET ${key}`);

// Each has its own keys, so that it knows what they are.
async function work(worker) {
  const keys = Array.from({ length: KEYS / PARALLEL }, (_, n) => `js:${name}:${worker}:${n}`);
  while (!done) {
    const key = keys[Math.floor(Math.random() * keys.length)];
    if (Math.random() < 0.5) {
      counts.set(key, (counts.get(key) ?? 0) + 1);
      expect(await cluster.incr(key), counts.get(key), `INCR ${key}`);
    } else {
      await read(key);
    }
    operations += 1;
  }
  for (const key of keys) await read(key);
}

await Promise.all(Array.from({ length: PARALLEL }, (_, worker) => work(worker)));
console.log(`${counts.size} keys ${operations} operations`);
cluster.disconnect();
