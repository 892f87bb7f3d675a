// The map in words, for those who hear it and for its tooltip.

import { type SlotTable, NOBODY, address, ownerOf, runOf } from '../topology/slot-table'
import { counted, rangeText } from '../words'

/** `Slot 5474, shard B, 127.0.0.1:7001, 2 keys` */
export function slotInWords(table: SlotTable, slot: number, keys: number): string {
  const shard = ownerOf(table, slot)
  const where = shard === null ? 'served by nobody' : `shard ${shard.letter}, ${address(shard.primary)}`
  return [`Slot ${slot}`, where, keys > 0 ? `${counted(keys, 'key')} of yours` : 'none of your keys'].join(', ')
}

/** Where the slot is in its shard: `in slots 5461–10922`. */
export function runInWords(table: SlotTable, slot: number): string {
  const run = rangeText(runOf(table, slot))
  return table.owners[slot] === NOBODY ? `in the gap ${run}` : `in slots ${run}`
}

/** `3 shards, 6 nodes, all 16384 slots served` */
export function clusterInWords(table: SlotTable): string {
  const gaps = table.view.uncovered.reduce((sum, [start, end]) => sum + end - start + 1, 0)
  const served = gaps === 0 ? 'all 16384 slots served' : `${counted(gaps, 'slot')} served by nobody`
  const state = table.view.state === 'ok' ? [] : ['the cluster is down']
  return [counted(table.shards.length, 'shard'), counted(table.view.nodes.length, 'node'), served, ...state].join(', ')
}
