// A topology made ready for looking slots up: which shard serves each of the 16384.
//
// Shards are lettered by their lowest slot, so that a shard keeps its letter and colour when a replica takes it over.

import type { NodeView, TopologyView } from 'slotway-wasm'
import { shardColour, shardLetter } from './palette'

export const SLOT_COUNT = 16384
/** In `owners`: nobody serves the slot. */
export const NOBODY = 0xffff

export interface Shard {
  readonly letter: string
  readonly colour: string
  readonly primary: NodeView
  readonly replicas: readonly NodeView[]
}

export interface SlotTable {
  readonly view: TopologyView
  readonly shards: readonly Shard[]
  /** Nodes that are in no shard: replicas of a primary that is not told. */
  readonly strays: readonly NodeView[]
  /** For each slot the index of its shard, or NOBODY. */
  readonly owners: Uint16Array
}

export function slotTable(view: TopologyView): SlotTable {
  const firstSlot = (node: NodeView) => node.ranges[0]?.[0] ?? SLOT_COUNT
  const primaries = view.nodes.filter((node) => node.role === 'primary').sort((a, b) => firstSlot(a) - firstSlot(b))
  const shards = primaries.map((primary, at) => ({
    letter: shardLetter(at),
    colour: shardColour(at),
    primary,
    replicas: view.nodes.filter((node) => node.role === 'replica' && node.primaryId === primary.id),
  }))
  const placed = new Set(shards.flatMap(({ primary, replicas }) => [primary, ...replicas]))
  return { view, shards, strays: view.nodes.filter((node) => !placed.has(node)), owners: ownersOf(shards) }
}

/** The shard that serves `slot`. */
export function ownerOf(table: SlotTable, slot: number): Shard | null {
  return table.shards[table.owners[slot] ?? NOBODY] ?? null
}

/** The run of slots with the same owner that `slot` is in. */
export function runOf({ owners }: SlotTable, slot: number): [number, number] {
  let [start, end] = [slot, slot]
  while (start > 0 && owners[start - 1] === owners[slot]) start -= 1
  while (end < SLOT_COUNT - 1 && owners[end + 1] === owners[slot]) end += 1
  return [start, end]
}

/** All runs of slots with the same owner, ascending. */
export function runs(table: SlotTable): Array<[number, number]> {
  const found: Array<[number, number]> = []
  for (let slot = 0; slot < SLOT_COUNT; slot = found.at(-1)![1] + 1) found.push(runOf(table, slot))
  return found
}

/** Where clients reach a node: `host:port`, IPv6 in brackets. */
export function address({ host, port }: Pick<NodeView, 'host' | 'port'>): string {
  return `${host.includes(':') ? `[${host}]` : host || '?'}:${port}`
}

function ownersOf(shards: readonly Shard[]): Uint16Array {
  const owners = new Uint16Array(SLOT_COUNT).fill(NOBODY)
  shards.forEach(({ primary }, at) => {
    for (const [start, end] of primary.ranges) owners.fill(at, start, end + 1)
  })
  return owners
}
