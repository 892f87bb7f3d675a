import type { NodeView, TopologyView } from 'slotway-wasm'
import { expect, it } from 'vitest'
import { changesBetween } from './changes'
import { EXAMPLE } from './example'

const [A, B] = EXAMPLE.nodes as [NodeView, NodeView]
const replicaOfA = EXAMPLE.nodes.find(({ primaryId }) => primaryId === A.id)!

/** The example with nodes changed by their id. */
function changed(...parts: Array<Partial<NodeView> & { id: string }>): TopologyView {
  const nodes = EXAMPLE.nodes.map((node) => ({ ...node, ...parts.find(({ id }) => id === node.id) }))
  return { ...EXAMPLE, nodes }
}

it('nothing is told when nothing has changed', () => expect(changesBetween(EXAMPLE, { ...changed(), version: 2 })).toEqual([]))

it('a failover is told as one: who failed, who took over, who follows whom', () => {
  const failed = changed({ id: A.id, health: 'failed' })
  expect(changesBetween(EXAMPLE, failed)).toEqual([{ kind: 'failed', node: '127.0.0.1:7000' }])
  const after = changed(
    { id: A.id, role: 'replica', primaryId: replicaOfA.id, ranges: [], slots: 0 },
    { id: replicaOfA.id, role: 'primary', primaryId: null, ranges: A.ranges, slots: A.slots },
  )
  expect(changesBetween(failed, after)).toEqual([
    { kind: 'recovered', node: '127.0.0.1:7000' },
    { kind: 'follows', node: '127.0.0.1:7000', primary: '127.0.0.1:7004' },
    { kind: 'tookOver', node: '127.0.0.1:7004', from: '127.0.0.1:7000', slots: 5461 },
  ])
})

it('slots that move are told by giver and taker', () => {
  const after = changed({ id: A.id, ranges: [[100, 5460]] }, { id: B.id, ranges: [[0, 89], [5461, 10922]] })
  expect(changesBetween(EXAMPLE, after)).toEqual([
    { kind: 'moved', from: '127.0.0.1:7000', to: '127.0.0.1:7001', slots: 90 },
    { kind: 'dropped', from: '127.0.0.1:7000', slots: 10 },
  ])
  expect(changesBetween(after, EXAMPLE).at(-1)).toEqual({ kind: 'taken', to: '127.0.0.1:7000', slots: 10 })
})

it('nodes come and go, and the cluster goes down and up', () => {
  const without = { ...EXAMPLE, state: 'fail' as const, nodes: EXAMPLE.nodes.filter(({ id }) => id !== replicaOfA.id) }
  expect(changesBetween(EXAMPLE, without)).toEqual([{ kind: 'left', node: '127.0.0.1:7004' }, { kind: 'down' }])
  expect(changesBetween(without, EXAMPLE)).toEqual([{ kind: 'joined', node: '127.0.0.1:7004' }, { kind: 'up' }])
})
