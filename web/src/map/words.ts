// The map in words, for those who hear it and for its tooltip.

import { count, rangeText } from '../numbers'
import type { Heat } from '../topology/figures'
import { type SlotTable, NOBODY, address, ownerOf, runOf } from '../topology/slot-table'
import type { Words } from '../words/en'

type MapWords = Words['map']

/** `Slot 5474, shard B, 127.0.0.1:7001, 2 keys of yours` */
export function slotInWords(words: MapWords, table: SlotTable, slot: number, keys: number): string {
  const shard = ownerOf(table, slot)
  const where = shard === null ? words.nobody : words.shardAt(shard.letter, address(shard.primary))
  return [words.slot(slot), where, keys > 0 ? words.yours(keys) : words.noneOfYours].join(words.separator)
}

/** What the live cluster has and spends in the slot: `12 keys stored`, `340 µs a second`; nothing without a live cluster. */
export function figuresInWords(words: Words['figures'], heat: Heat | null, slot: number): string[] {
  if (heat === null) return []
  const load = heat.load?.[slot]
  return [words.stored(heat.keys[slot]!), ...(load ? [words.load(count(load))] : [])]
}

/** Where the slot is in its shard: `in slots 5461–10922`. */
export function runInWords(words: MapWords, table: SlotTable, slot: number): string {
  const run = rangeText(runOf(table, slot))
  return table.owners[slot] === NOBODY ? words.inGap(run) : words.inRun(run)
}

/** `3 shards, 6 nodes, all 16384 slots served` */
export function clusterInWords(words: MapWords, table: SlotTable): string {
  const gaps = table.view.uncovered.reduce((sum, [start, end]) => sum + end - start + 1, 0)
  const served = gaps === 0 ? words.allServed : words.unserved(gaps)
  const state = table.view.state === 'ok' ? [] : [words.down]
  return [words.shards(table.shards.length), words.nodes(table.view.nodes.length), served, ...state].join(words.separator)
}
