// What comes about in a while: invalidations come on connections of their own.
import { isDeepStrictEqual } from "node:util";

const PATIENCE_MS = 20_000;

/** Asks until `call` gives `expected`; throws with `what` when that takes too long. */
export async function until(call, expected, what) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const actual = await call();
    if (isDeepStrictEqual(actual, expected)) return;
    if (Date.now() > end) throw new Error(`${what}: expected ${JSON.stringify(expected)} in the end, got ${JSON.stringify(actual)}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
