import { planRebalance, spread } from 'slotway-wasm/routing'
import { describe, expect, it } from 'vitest'
import { type Edits, NO_EDITS } from '../state/edits'
import { EXAMPLE } from '../topology/example'
import { NOBODY } from '../topology/slot-table'
import { joins, planned, readAddress } from './model'
import { TOOLS, ordersFor } from './orders'
import { warningsOf } from './warnings'

const core = { planRebalance, spread }
const of = (edits: Partial<Edits>, view = EXAMPLE) => planned({ ...NO_EDITS, ...edits }, view, core)
const slots = (plan: ReturnType<typeof of>) => plan.after.shards.map(({ primary }) => primary.slots)
const [A, B, C] = EXAMPLE.nodes.map(({ id }) => id) as [string, string, string]

describe('the cluster that comes of a wish', () => {
  it('is the one shown when nothing is wished', () => {
    const plan = of({})
    expect(plan.plan.slots).toBe(0)
    expect([...plan.after.owners]).toEqual([...plan.before.owners])
  })

  it('has its slots where the moves bring them, and each shard keeps its letter', () => {
    const plan = of({ added: ['new-1:6379'] })
    expect(slots(plan)).toEqual([4096, 4096, 4096, 4096])
    expect(plan.plan.slots).toBe(4096)
    expect(plan.after.shards.map(({ letter }) => letter)).toEqual(['A', 'B', 'C', 'D'])
    expect(joins(plan.after.shards[3]!.primary)).toBe(true)
    for (const { from, to, ranges } of plan.plan.moves) {
      const place = (id: string | null) => plan.before.shards.findIndex(({ primary }) => primary.id === id)
      for (const [start, end] of ranges) {
        expect(new Set(plan.before.owners.subarray(start, end + 1))).toEqual(new Set([place(from)]))
        expect(new Set(plan.after.owners.subarray(start, end + 1))).toEqual(new Set([place(to)]))
      }
    }
  })

  it('follows the shares, and share 0 empties a primary', () => {
    expect(slots(of({ weights: { [A]: 2 } }))).toEqual([8192, 4096, 4096])
    expect(slots(of({ weights: { [B]: 0 } }))).toEqual([8192, 0, 8192])
    expect(slots(of({ added: ['n:1'], weights: { 'n:1': 3 } }))[3]).toBe(8192)
    expect(() => of({ weights: { [A]: 0, [B]: 0, [C]: 0 } })).toThrow(TypeError)
  })

  it('has slots that nobody served served', () => {
    const nodes = EXAMPLE.nodes.map((node) => (node.id === A ? { ...node, ranges: [], slots: 0 } : node))
    const plan = of({}, { ...EXAMPLE, nodes, state: 'fail', uncovered: [[0, 5460]] })
    expect(plan.before.owners.includes(NOBODY)).toBe(true)
    expect(plan.after.owners.includes(NOBODY)).toBe(false)
    expect(plan.after.view.state).toBe('ok')
  })

  it('is spread as redis-cli does it when it is new', () => {
    const plan = of({ built: { primaries: 4, replicas: 2 } })
    expect(slots(plan)).toEqual([4096, 4096, 4096, 4096])
    expect(plan.before.shards.map(({ replicas }) => replicas.length)).toEqual([2, 2, 2, 2])
    expect(plan.plan.slots).toBe(0)
  })
})

describe('the commands of a plan', () => {
  it('say nothing where nothing is to do', () => {
    for (const tool of TOOLS) expect(ordersFor(tool, of({}), null)).toEqual([])
  })

  it('let a primary join, then move exactly the planned slots to it', () => {
    const plan = of({ added: ['new-1:6379'] })
    expect(ordersFor('slotway', plan, null)).toEqual([
      'slotway cluster add-node 127.0.0.1:7000 new-1:6379',
      ...plan.plan.moves.map(({ ranges }) => `slotway cluster reshard 127.0.0.1:7000 --to new-1:6379 --ranges ${ranges.map((range) => range.join('-')).join(',')}`),
    ])
    const id = '"$(redis-cli -h new-1 -p 6379 cluster myid)"'
    const [first] = plan.plan.moves
    expect(ordersFor('redis-cli', plan, null)[1]).toBe(
      `redis-cli --cluster reshard 127.0.0.1:7000 --cluster-from ${first!.from} --cluster-to ${id} --cluster-slots ${first!.slots} --cluster-yes`,
    )
    expect(ordersFor('migrateslots', plan, null)[1]).toBe(
      `redis-cli -h 127.0.0.1 -p 7001 cluster migrateslots slotsrange ${first!.ranges.flat().join(' ')} node ${id}`,
    )
  })

  it('let a primary leave when it has given its slots away, asking another one', () => {
    const orders = ordersFor('slotway', of({ weights: { [A]: 0 } }), null)
    expect(orders.at(-1)).toBe('slotway cluster del-node 127.0.0.1:7001 --node 127.0.0.1:7000')
    expect(ordersFor('redis-cli', of({ weights: { [A]: 0 } }), null).at(-1)).toBe(`redis-cli --cluster del-node 127.0.0.1:7001 ${A}`)
  })

  it('set slots by hand in the order of the specification', () => {
    const orders = ordersFor('setslot', of({ weights: { [A]: 0 } }), null).slice(0, 8).map((line) => line.trim())
    expect(orders[0]).toMatch(/^for slot in \$\(seq \d+ \d+\); do$/)
    expect(orders[1]).toMatch(/cluster setslot \$slot importing 1{40}$/)
    expect(orders[2]).toMatch(/^redis-cli -h 127.0.0.1 -p 7000 cluster setslot \$slot migrating/)
  })

  it('make a new cluster', () => {
    const built = { primaries: 3, replicas: 1 }
    const places = [0, 1, 2, 3, 4, 5].map((at) => `127.0.0.1:${7000 + at}`).join(' ')
    expect(ordersFor('slotway', of({ built }), built)).toEqual([`slotway cluster create ${places} --replicas 1`])
    expect(ordersFor('setslot', of({ built }), built)).toEqual([`redis-cli --cluster create ${places} --cluster-replicas 1 --cluster-yes`])
  })

  it('quote what comes from a pasted text, so that a shell runs none of it', () => {
    const nodes = EXAMPLE.nodes.map((node) => ({ ...node, host: "a$(reboot)'b", ip: '' }))
    const orders = ordersFor('migrateslots', of({ weights: { [A]: 0 } }, { ...EXAMPLE, nodes }), null)
    expect(orders[0]).toContain(`-h 'a$(reboot)'\\''b' -p 7000`)
  })
})

it.each([['new-1:6379', 'new-1', 6379], ['[2001:db8::1]:1', '2001:db8::1', 1], [' a.b_c:65535 ', 'a.b_c', 65535]])('%s is an address', (text, host, port) => {
  expect(readAddress(text)).toEqual({ host, port })
})

it.each(['', 'host', 'host:', ':1', 'a b:1', 'a;b:1', '-x:1', 'host:0', 'host:65536', '2001:db8::1:7'])('%s is none', (text) => expect(readAddress(text)).toBeNull())

describe('doubts', () => {
  const kinds = (plan: ReturnType<typeof of>) => warningsOf(plan).map(({ kind }) => kind)

  it('are told of few and even numbers of primaries, and of those without a replica', () => {
    expect(kinds(of({ built: { primaries: 2, replicas: 0 } }))).toEqual(['few', 'bare'])
    expect(kinds(of({ built: { primaries: 4, replicas: 1 } }))).toEqual(['even', 'oneHost'])
    expect(kinds(of({ weights: { [A]: 0 } }))).toEqual(['few', 'oneHost', 'followers'])
  })

  it('are not told where primary and replica are on different hosts, and told of failed ones', () => {
    const nodes = EXAMPLE.nodes.map((node, at) => ({ ...node, host: `10.0.0.${at}`, ip: `10.0.0.${at}` }))
    expect(kinds(of({}, { ...EXAMPLE, nodes }))).toEqual([])
    const failed = nodes.map((node) => (node.id === A ? { ...node, health: 'failed' as const } : node))
    expect(warningsOf(of({}, { ...EXAMPLE, nodes: failed }))).toEqual([{ kind: 'failed', nodes: ['10.0.0.0:7000'] }])
  })
})
