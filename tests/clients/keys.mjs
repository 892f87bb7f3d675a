// Keys and values of every kind, the same for both JavaScript clients.

/** How many keys a client writes and reads back. */
export const KEYS = 10_000;
/** Keys of one MSET. */
export const GROUP = 4;

/** A small seeded generator (mulberry32), so that a failing run can be repeated. */
export function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** `KEYS` pairs of buffers in groups: single binary keys, single tagged ones, and groups that share a tag. */
export function* groups(prefix, next) {
  for (let made = 0; made < KEYS; ) {
    const kind = Math.floor(next() * 3);
    const size = kind === 2 ? Math.min(GROUP, KEYS - made) : 1;
    const tag = Math.floor(next() * 1e9).toString(36);
    const group = [];
    for (let i = 0; i < size; i++, made++) {
      const head = kind === 0 ? `${prefix}:${made}:` : `${prefix}{${tag}}${made}:`;
      group.push([Buffer.concat([Buffer.from(head), bytes(next, 12)]), bytes(next, 40)]);
    }
    yield group;
  }
}

function bytes(next, max) {
  return Buffer.from(Array.from({ length: Math.floor(next() * max) }, () => Math.floor(next() * 256)));
}

/** Runs `work` on every item, many at a time, as a busy program would. */
export async function each(items, work, atOnce = 100) {
  const queue = items[Symbol.iterator]();
  const worker = async () => {
    for (let item = queue.next(); !item.done; item = queue.next()) await work(item.value);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

/** Fails unless the two are equal. */
export function expect(actual, expected, what) {
  const same = Buffer.isBuffer(expected) ? Buffer.isBuffer(actual) && actual.equals(expected) : actual === expected;
  if (!same) throw new Error(`${what}: expected ${show(expected)}, got ${show(actual)}`);
}

function show(value) {
  return Buffer.isBuffer(value) ? JSON.stringify(value.toString("latin1")) : JSON.stringify(value);
}

/** The same for lists and objects, compared by what they hold. */
export function equal(actual, expected, what) {
  expect(JSON.stringify(actual), JSON.stringify(expected), what);
}

/** 0, 1, 2, ... */
export function numbers(count) {
  return Array.from({ length: count }, (_, n) => n);
}
