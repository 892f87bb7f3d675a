// How evenly keys lie over slots and shards, and what stands out: a slot cannot be divided, so one hash tag can make a node hot.

import { hashTag } from 'slotway-wasm'
import { NOBODY, type SlotTable } from '../topology/slot-table'
import { type KeyList, bytesOf, keysInSlot, size } from './key-list'

export interface HotSlot {
  readonly slot: number
  readonly keys: number
  /** The hash tag that all keys looked at in this slot have; null if they differ or have none. */
  readonly tag: string | null
}

export interface Distribution {
  readonly keys: number
  /** Slots with the most keys, the hottest first; only such as have several. */
  readonly hot: readonly HotSlot[]
  /** The most and the fewest keys of a shard. */
  readonly most: number
  readonly least: number
}

export const HOT_SHOWN = 5
/** Keys of a slot that are looked at for their tag. */
const LOOKED_AT = 200

export function distribution(list: KeyList, table: SlotTable): Distribution {
  const perShard = new Array<number>(table.shards.length).fill(0)
  const used: number[] = []
  list.perSlot.forEach((keys, slot) => {
    if (keys > 1) used.push(slot)
    const owner = table.owners[slot]!
    if (owner !== NOBODY) perShard[owner]! += keys
  })
  const hottest = used.sort((a, b) => list.perSlot[b]! - list.perSlot[a]! || a - b).slice(0, HOT_SHOWN)
  const hot = hottest.map((slot) => ({ slot, keys: list.perSlot[slot]!, tag: commonTag(list, slot) }))
  return { keys: size(list), hot, most: Math.max(0, ...perShard), least: perShard.length === 0 ? 0 : Math.min(...perShard) }
}

export type Advice = { readonly kind: 'few' | 'shards' | 'none' } | { readonly kind: 'tag'; readonly tag: string; readonly keys: number }

/** With fewer keys, chance explains any difference. */
const KEYS_TO_JUDGE = 200
/** A larger part of all keys in one slot is worth a word. */
const TAG_SHARE = 0.05

/** What to say of it, the gravest first. */
export function adviceOn({ keys, hot, most, least }: Distribution): Advice {
  if (keys < KEYS_TO_JUDGE) return { kind: 'few' }
  const tagged = hot.find(({ tag, keys: inSlot }) => tag !== null && inSlot > keys * TAG_SHARE)
  if (tagged?.tag) return { kind: 'tag', tag: tagged.tag, keys: tagged.keys }
  return { kind: most > least * 1.5 ? 'shards' : 'none' }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

function commonTag(list: KeyList, slot: number): string | null {
  const tags = new Set(keysInSlot(list, slot, LOOKED_AT).map((at) => tagOf(bytesOf(list, at))))
  const [tag] = tags
  return tags.size === 1 ? (tag ?? null) : null
}

function tagOf(key: Uint8Array): string | null {
  const tag = hashTag(key)
  return tag === null ? null : decoder.decode(key.subarray(tag.start, tag.end))
}
