// The plan as commands for a shell, in the words of four tools.

import type { NodeView, PlanView, SlotRange } from 'slotway-wasm'
import { address } from '../topology/slot-table'
import { type Planned, joins } from './model'

export type Tool = 'slotway' | 'redis-cli' | 'migrateslots' | 'setslot'

export const TOOLS: readonly Tool[] = ['slotway', 'redis-cli', 'migrateslots', 'setslot']

type Move = PlanView['moves'][number]

/** The lines to run; none if there is nothing to do. */
export function ordersFor(tool: Tool, planned: Planned, created: { readonly replicas: number } | null): string[] {
  const nodes = new Map(planned.after.view.nodes.map((node) => [node.id, node]))
  const old = planned.before.view.nodes.filter((node) => !joins(node))
  const gone = leaving(planned)
  const entry = old.find((node) => node.health === 'online' && !gone.some(({ id }) => id === node.id)) ?? old[0]
  const context: Context = { tool, node: (id) => nodes.get(id)!, entry }
  return [
    ...(created === null ? [] : [createOrder(tool, old, created.replicas)]),
    ...planned.before.shards.filter(({ primary }) => joins(primary)).map(({ primary }) => addOrder(context, primary)),
    ...planned.plan.moves.flatMap((move) => moveOrders(context, move)),
    ...gone.map((node) => removeOrder(context, node)),
  ]
}

interface Context {
  readonly tool: Tool
  readonly node: (id: string) => NodeView
  /** A node of the cluster to talk to. */
  readonly entry: NodeView | undefined
}

/** Primaries that gave all their slots away, and have share 0: they can go. */
function leaving({ before, after, weights }: Planned): NodeView[] {
  const left = before.shards.filter(({ primary }, at) => weights[at] === 0 && primary.slots > 0 && after.shards[at]!.primary.slots === 0)
  return left.map(({ primary }) => primary)
}

function createOrder(tool: Tool, nodes: readonly NodeView[], replicas: number): string {
  const places = nodes.map(place).join(' ')
  if (tool === 'slotway') return `slotway cluster create ${places} --replicas ${replicas}`
  return `redis-cli --cluster create ${places} --cluster-replicas ${replicas} --cluster-yes`
}

function addOrder({ tool, entry }: Context, node: NodeView): string {
  const known = entry === undefined ? 'HOST:PORT' : place(entry)
  return tool === 'slotway' ? `slotway cluster add-node ${known} ${place(node)}` : `redis-cli --cluster add-node ${place(node)} ${known}`
}

function removeOrder({ tool, entry }: Context, leaver: NodeView): string {
  const at = place(entry ?? leaver)
  return tool === 'slotway' ? `slotway cluster del-node ${at} --node ${place(leaver)}` : `redis-cli --cluster del-node ${at} ${leaver.id}`
}

function moveOrders(context: Context, move: Move): string[] {
  const to = context.node(move.to)
  if (move.from === null) return [`redis-cli ${reach(to)} cluster addslotsrange ${pairs(move.ranges)}`]
  const from = context.node(move.from)
  switch (context.tool) {
    case 'slotway':
      return [`slotway cluster reshard ${place(context.entry ?? from)} --to ${place(to)} --ranges ${move.ranges.map(dashed).join(',')}`]
    case 'redis-cli':
      return [
        `redis-cli --cluster reshard ${place(context.entry ?? from)} --cluster-from ${from.id} --cluster-to ${idOf(to)} --cluster-slots ${move.slots} --cluster-yes`,
      ]
    case 'migrateslots':
      return [`redis-cli ${reach(from)} cluster migrateslots slotsrange ${pairs(move.ranges)} node ${idOf(to)}`]
    case 'setslot':
      return setslotOrders(from, to, move.ranges)
  }
}

/** Slot by slot, as the cluster specification has it: importing first, so that nobody is sent where nothing is expected. */
function setslotOrders(from: NodeView, to: NodeView, ranges: readonly SlotRange[]): string[] {
  const [giver, taker] = [`redis-cli ${reach(from)}`, `redis-cli ${reach(to)}`]
  return [
    `for slot in ${ranges.map(([start, end]) => (start === end ? `${start}` : `$(seq ${start} ${end})`)).join(' ')}; do`,
    `  ${taker} cluster setslot $slot importing ${from.id}`,
    `  ${giver} cluster setslot $slot migrating ${idOf(to)}`,
    `  while keys=$(${giver} cluster getkeysinslot $slot 100) && [ -n "$keys" ]; do`,
    `    ${giver} migrate ${word(to.host)} ${to.port} "" 0 5000 keys $keys || break 2`,
    '  done',
    `  ${taker} cluster setslot $slot node ${idOf(to)}`,
    `  ${giver} cluster setslot $slot node ${idOf(to)}`,
    'done',
  ]
}

/** The id of a node that joins is known only when it is there. */
function idOf(node: NodeView): string {
  return joins(node) ? `"$(redis-cli ${reach(node)} cluster myid)"` : node.id
}

function reach({ host, port }: NodeView): string {
  return `-h ${word(host)} -p ${port}`
}

function place(node: NodeView): string {
  return word(address(node))
}

/** What a shell takes as it is; anything else in quotes, since it may come from a text that somebody pasted. */
function word(text: string): string {
  return /^[\w.:@%+/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}

function pairs(ranges: readonly SlotRange[]): string {
  return ranges.map(([start, end]) => `${start} ${end}`).join(' ')
}

function dashed([start, end]: SlotRange): string {
  return start === end ? `${start}` : `${start}-${end}`
}
