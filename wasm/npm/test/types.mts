// What the types promise, beyond the examples: compiled by readme.test.mjs, never run.
import { SlotTable, commandKeys, groupBySlot, route, type Distribution, type NodeInfo, type Route } from 'slotway'
import { init, initSync, keySlot } from 'slotway/lite'
import * as slot from 'slotway/slot'
import wasm from 'slotway/slotway.wasm'

const bytes: Map<number, Uint8Array[]> = groupBySlot([new Uint8Array(1)])
const mixed: Map<string | null, Array<string | Buffer>> = SlotTable.parse('').groupByNode(['a', Buffer.from('b')])

function told(route: Route): string {
  switch (route.kind) {
    case 'slot':
      return `${route.slot} ${route.node?.endpoint.host}`
    case 'crossslot':
      return (route.parts ?? []).map(({ argv }) => argv.join(' ')).join()
    case 'keyless':
      return route.policy
    case 'unknown':
      return route.code satisfies slot.ErrorCode
  }
}

const node: NodeInfo | null = SlotTable.fromRanges([]).nodeForKey('a', { readOnly: true, pick: ([first]) => first! })
const stats: Distribution = SlotTable.parse(new Map()).stats([1, 2])
initSync(wasm)
export default [bytes, mixed, told(route(['GET', 'a', 1, 2n])), node, stats, init(fetch('x')), keySlot('a'), commandKeys(['GET', Buffer.from('a')])]
