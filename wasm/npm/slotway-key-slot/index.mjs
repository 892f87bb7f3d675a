// The interface of cluster-key-slot over the exact slots of `slotway/slot`. Bundled to one CommonJS file.
import { keySlot } from '../src/slot.js'

/** The slot of a key; as clients send it: what is neither text nor bytes, by its text. */
export default function generate(key) {
  if (typeof key === 'string' || key instanceof Uint8Array) return keySlot(key)
  return keySlot(key === null || key === undefined ? '' : String(key))
}

/** The slot that all keys share; -1 if they do not, or if there are none. */
generate.generateMulti = function generateMulti(keys) {
  const first = keys.length > 0 ? generate(keys[0]) : -1
  for (let at = 1; at < keys.length; at++) if (generate(keys[at]) !== first) return -1
  return first
}
