// A hash tag for any slot: put it in braces, and the key goes there.

import { keySlots } from 'slotway-wasm'

const BATCH = 1 << 16

/** The first of the tags `0`, `1`, ... `z`, `10`, ... (numbers in base 36) that lands in `slot`: four characters at most. */
export function tagForSlot(slot: number): string {
  for (let first = 0; ; first += BATCH) {
    const tags = Array.from({ length: BATCH }, (_, at) => (first + at).toString(36))
    const at = slotsOf(tags).indexOf(slot)
    if (at >= 0) return tags[at]!
  }
}

function slotsOf(tags: string[]): Uint16Array {
  let end = 0
  const ends = Uint32Array.from(tags, (tag) => (end += tag.length))
  return keySlots(new TextEncoder().encode(tags.join('')), ends)
}
