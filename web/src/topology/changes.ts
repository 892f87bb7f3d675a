// What has changed from one picture of a cluster to the next, in the terms of those who run it: who took over, who failed, what moved.

import type { NodeView, TopologyView } from 'slotway-wasm'
import { NOBODY, SLOT_COUNT, address } from './slot-table'

export type Change =
  /** A replica now serves the slots of its primary. */
  | { readonly kind: 'tookOver'; readonly node: string; readonly from: string; readonly slots: number }
  | { readonly kind: 'moved'; readonly from: string; readonly to: string; readonly slots: number }
  | { readonly kind: 'taken'; readonly to: string; readonly slots: number }
  | { readonly kind: 'dropped'; readonly from: string; readonly slots: number }
  | { readonly kind: 'failed' | 'recovered' | 'joined' | 'left'; readonly node: string }
  | { readonly kind: 'follows'; readonly node: string; readonly primary: string }
  | { readonly kind: 'down' | 'up' }

export function changesBetween(before: TopologyView, after: TopologyView): Change[] {
  return [...nodeChanges(before, after), ...slotChanges(before, after), ...stateChanges(before, after)]
}

function nodeChanges(before: TopologyView, after: TopologyView): Change[] {
  const [was, is] = [byId(before), byId(after)]
  const left = before.nodes.filter(({ id }) => !is.has(id)).map((node): Change => ({ kind: 'left', node: address(node) }))
  return [...left, ...after.nodes.flatMap((node) => changesOf(node, was.get(node.id), is))]
}

function changesOf(node: NodeView, was: NodeView | undefined, is: Map<string, NodeView>): Change[] {
  const name = address(node)
  if (was === undefined) return [{ kind: 'joined', node: name }]
  const changes: Change[] = []
  if (node.health === 'failed' && was.health !== 'failed') changes.push({ kind: 'failed', node: name })
  if (node.health !== 'failed' && was.health === 'failed') changes.push({ kind: 'recovered', node: name })
  const primary = node.primaryId === null ? undefined : is.get(node.primaryId)
  if (primary !== undefined && node.primaryId !== was.primaryId) changes.push({ kind: 'follows', node: name, primary: address(primary) })
  return changes
}

/** One change for each pair of giver and taker. */
function slotChanges(before: TopologyView, after: TopologyView): Change[] {
  const nodes = new Map([...byId(before), ...byId(after)])
  const [had, has] = [ownersOf(before), ownersOf(after)]
  const pairs = new Map<string, { from: string | null; to: string | null; slots: number }>()
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const [from, to] = [had(slot), has(slot)]
    if (from === to) continue
    const pair = pairs.get(`${from} ${to}`) ?? { from, to, slots: 0 }
    pair.slots += 1
    pairs.set(`${from} ${to}`, pair)
  }
  const name = (id: string) => address(nodes.get(id)!)
  const followed = new Map(before.nodes.map(({ id, primaryId }) => [id, primaryId]))
  return [...pairs.values()].map(({ from, to, slots }): Change => {
    if (to === null) return { kind: 'dropped', from: name(from!), slots }
    if (from === null) return { kind: 'taken', to: name(to), slots }
    if (followed.get(to) === from) return { kind: 'tookOver', node: name(to), from: name(from), slots }
    return { kind: 'moved', from: name(from), to: name(to), slots }
  })
}

function ownersOf({ nodes }: TopologyView): (slot: number) => string | null {
  const owners = new Uint16Array(SLOT_COUNT).fill(NOBODY)
  nodes.forEach(({ ranges }, at) => {
    for (const [start, end] of ranges) owners.fill(at, start, end + 1)
  })
  return (slot) => nodes[owners[slot]!]?.id ?? null
}

function stateChanges(before: TopologyView, after: TopologyView): Change[] {
  if (before.state === after.state) return []
  return [{ kind: after.state === 'ok' ? 'up' : 'down' }]
}

function byId({ nodes }: TopologyView): Map<string, NodeView> {
  return new Map(nodes.map((node) => [node.id, node]))
}
