// From a cluster and what is wanted of it to the cluster that comes of it. Which slots move is decided by the core's planner; this gives it
// the question, and carries its answer out on a copy.

import type { NodeView, PlanView, SlotRange, TopologyView } from 'slotway-wasm'
import type { Edits } from '../state/edits'
import { NOBODY, SLOT_COUNT, type SlotTable, address, slotTable } from '../topology/slot-table'

/** The functions of the core that plan. */
export interface Planner {
  spread(primaries: number): SlotRange[][]
  planRebalance(topology: TopologyView, weights: ReadonlyArray<[id: string, weight: number]>): PlanView
}

export interface Planned {
  readonly before: SlotTable
  /** The same shards in the same order, so that each keeps its letter and colour. */
  readonly after: SlotTable
  readonly plan: PlanView
  /** The share of each shard. */
  readonly weights: readonly number[]
}

/** What comes of `edits` on `shown`. Throws the planner's reason when there is no plan. */
export function planned(edits: Edits, shown: TopologyView, planner: Planner): Planned {
  const view = start(edits, shown, planner)
  const before = slotTable(view)
  const weights = before.shards.map(({ primary }) => weightOf(edits, primary))
  const plan = planner.planRebalance(view, before.shards.map(({ primary }, at) => [primary.id, weights[at]!]))
  return { before, after: carriedOut(before, plan), plan, weights }
}

/** What one joins by is its address, since it has no id that anyone knows; the others have one. */
export function nameOf(node: NodeView): string {
  return joins(node) ? address(node) : node.id
}

/** Ids of nodes that are not there yet begin so; no running node's does, but by a chance of one in 2^120. */
const NEW_ID = 'f'.repeat(30)

export function joins({ id }: Pick<NodeView, 'id'>): boolean {
  return id.startsWith(NEW_ID)
}

/** 1 for whoever has slots or joins; a primary that was empty stays so until it is given a share. */
function weightOf({ weights }: Edits, primary: NodeView): number {
  return weights[nameOf(primary)] ?? (primary.slots > 0 || joins(primary) ? 1 : 0)
}

/** The cluster to start from, with the primaries that join. */
function start({ built, added }: Edits, shown: TopologyView, planner: Planner): TopologyView {
  const view = built === null ? shown : builtView(built, planner)
  const joining = added.map((place, at) => newcomer(place, at))
  return { ...view, myself: null, migrating: [], importing: [], nodes: [...view.nodes, ...joining.filter((node) => node !== null)] }
}

function newcomer(place: string, at: number): NodeView | null {
  const found = readAddress(place)
  if (found === null) return null
  return { ...bare(found.host, found.port), id: NEW_ID + (at + 1).toString(16).padStart(10, '0'), role: 'primary', flags: ['master'] }
}

/** Host and port; null if `text` is no address that can stand in a command as it is. */
export function readAddress(text: string): { host: string; port: number } | null {
  const found = /^(?:\[([\da-fA-F:.]+)\]|([A-Za-z\d](?:[\w.-]*[A-Za-z\d])?)):(\d{1,5})$/.exec(text.trim())
  const port = Number(found?.[3])
  return found === null || port < 1 || port > 65535 ? null : { host: (found[1] ?? found[2])!, port }
}

function bare(host: string, port: number): Omit<NodeView, 'id' | 'role' | 'flags'> {
  const place = { host, ip: '', hostname: host, port, busPort: port + 10_000 }
  return { ...place, primaryId: null, configEpoch: 0, linkState: 'connected', health: 'online', ranges: [], slots: 0 }
}

/** Nodes on ports from 7000, first the primaries, then the replicas by turns, as `redis-cli --cluster create` takes them. */
function builtView({ primaries, replicas }: NonNullable<Edits['built']>, planner: Planner): TopologyView {
  const id = (at: number) => (at + 1).toString(16).padStart(40, '0')
  const node = (at: number) => ({ ...bare('127.0.0.1', 7000 + at), ip: '127.0.0.1', hostname: null, id: id(at) })
  const leaders = planner.spread(primaries).map((ranges, at): NodeView => ({ ...node(at), ...ownership(ranges), role: 'primary', flags: ['master'] }))
  const followers = Array.from({ length: primaries * replicas }, (_, at): NodeView => {
    return { ...node(primaries + at), role: 'replica', flags: ['slave'], primaryId: id((at + 1) % primaries) }
  })
  return { version: 0, state: 'ok', currentEpoch: 0, myself: null, nodes: [...leaders, ...followers], migrating: [], importing: [], uncovered: [] }
}

function ownership(ranges: SlotRange[]): Pick<NodeView, 'ranges' | 'slots'> {
  return { ranges, slots: ranges.reduce((sum, [start, end]) => sum + end - start + 1, 0) }
}

function carriedOut(before: SlotTable, plan: PlanView): SlotTable {
  const owners = before.owners.slice()
  const places = new Map(before.shards.map(({ primary }, at) => [primary.id, at]))
  for (const { to, ranges } of plan.moves) for (const [start, end] of ranges) owners.fill(places.get(to)!, start, end + 1)
  const shards = before.shards.map((shard, at) => ({ ...shard, primary: { ...shard.primary, ...ownership(rangesOf(owners, at)) } }))
  const nodes = before.view.nodes.map((node) => shards.find(({ primary }) => primary.id === node.id)?.primary ?? node)
  const uncovered = rangesOf(owners, NOBODY)
  return { ...before, owners, shards, view: { ...before.view, nodes, uncovered, state: uncovered.length === 0 ? 'ok' : before.view.state } }
}

function rangesOf(owners: Uint16Array, owner: number): SlotRange[] {
  const ranges: SlotRange[] = []
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    if (owners[slot] !== owner) continue
    const last = ranges.at(-1)
    if (last !== undefined && last[1] === slot - 1) last[1] = slot
    else ranges.push([slot, slot])
  }
  return ranges
}

/** 1 for each slot that moves. */
export function movedSlots(plan: PlanView): Uint32Array {
  const moved = new Uint32Array(SLOT_COUNT)
  for (const { ranges } of plan.moves) for (const [start, end] of ranges) moved.fill(1, start, end + 1)
  return moved
}
