// A key cut where its hash tag begins and ends, for showing the tag marked.

import { hashTag } from 'slotway-wasm'

export interface KeyParts {
  before: string
  /** The hash tag, without its braces; null if the whole key is hashed. */
  tag: string | null
  after: string
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

export function partsOf(key: Uint8Array): KeyParts {
  const tag = hashTag(key)
  if (tag === null) return { before: decoder.decode(key), tag: null, after: '' }
  return {
    before: decoder.decode(key.subarray(0, tag.start)),
    tag: decoder.decode(key.subarray(tag.start, tag.end)),
    after: decoder.decode(key.subarray(tag.end)),
  }
}
