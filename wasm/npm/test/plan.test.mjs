// Plans and the commands that carry them out; see live.test.mjs for servers that do.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SlotTable, SlotwayError, planAdd, planMove, planRebalance, planRemove } from 'slotway'

const [A, B, C, D] = ['a', 'b', 'c', 'd'].map((letter) => letter.repeat(40))
const NODES = `\
${A} 10.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-8191
${B} 10.0.0.2:7001@17001 master - 0 0 2 connected 8192-16383
${C} 10.0.0.3:7002@17002 slave ${A} 0 0 1 connected
${D} 10.0.0.4:7003@17003 master - 0 0 3 connected
`
const table = SlotTable.parse(NODES)
const refused = (code, path) => (error) => error instanceof SlotwayError && error.code === code && error.path === path
const counts = ({ after }) => after.stats().primaries.map(({ slots }) => slots)

test('a primary that joins gets its part, moved from those that have more', () => {
  for (const plan of [planAdd(table, D), planRebalance(table, { useEmpty: true }), planRebalance(table, { weights: { [D]: 1 } })]) {
    assert.deepEqual(counts(plan).sort(), [5461, 5461, 5462])
    assert.equal(plan.slots, plan.moves.reduce((sum, { slots }) => sum + slots, 0))
    assert.ok(plan.moves.every(({ to, from }) => to === D && from !== D))
    assert.deepEqual(table.diff(plan.after).map(({ slots }) => slots).sort(), plan.moves.map(({ slots }) => slots).sort())
  }
  assert.deepEqual(counts(planAdd(table, [D, { host: '10.0.0.5', port: 7004 }])), [4096, 4096, 4096, 4096])
  assert.deepEqual(planRebalance(table).moves, [])
})

test('a primary that leaves gives its slots to those that stay, and weights are minded', () => {
  const plan = planRemove(table, A)
  assert.deepEqual(plan.moves, [{ from: A, to: B, ranges: [[0, 8191]], slots: 8192 }])
  assert.deepEqual(counts(planRebalance(table, { weights: { [A]: 3 } })), [12288, 4096, 0])
  assert.deepEqual(planRebalance(table, { weights: { [A]: 3 }, threshold: 100 }).moves, [])
})

test('slots move where they are told, and their keys are counted', () => {
  const keysPerSlot = new Uint32Array(16384).fill(2)
  const plan = planMove(table, [5, [10, 12], [8190, 8193]], B, { keysPerSlot })
  assert.deepEqual(plan.moves, [{ from: A, to: B, ranges: [[5, 5], [10, 12], [8190, 8191]], slots: 6, keys: 12 }])
  assert.deepEqual(counts(plan), [8186, 8198, 0])
  assert.deepEqual(planMove(SlotTable.fromRanges([{ start: 0, end: 9, node: 'x:1' }]), [[0, 11]], 'x:1').moves, [{ from: null, to: 'x:1', ranges: [[10, 11]], slots: 2 }])
})

test('a plan is written for a shell in three ways', () => {
  const plan = planMove(table, [[3, 4]], B)
  const [a, b, d] = ['redis-cli -h 10.0.0.1 -p 7000', 'redis-cli -h 10.0.0.2 -p 7001', 'redis-cli -h 10.0.0.4 -p 7003']
  assert.deepEqual(plan.commands(), [`redis-cli --cluster reshard 10.0.0.1:7000 --cluster-from ${A} --cluster-to ${B} --cluster-slots 2 --cluster-yes`])
  assert.deepEqual(plan.commands('cluster-migrateslots'), [`${a} cluster migrateslots slotsrange 3 4 node ${B}`])
  const lines = plan.commands('cluster-setslot')
  assert.deepEqual(lines.slice(0, 2), [`${b} cluster setslot 3 importing ${A}`, `${a} cluster setslot 3 migrating ${B}`])
  assert.deepEqual(lines.slice(3, 6), [b, a, d].map((cli) => `${cli} cluster setslot 3 node ${B}`))
  const joined = planAdd(table, { host: '10.0.0.5', port: 7004 }).commands()
  assert.equal(joined[0], 'redis-cli --cluster add-node 10.0.0.5:7004 10.0.0.1:7000')
  assert.match(joined[1], /--cluster-to \$\(redis-cli -h 10\.0\.0\.5 -p 7004 cluster myid\) /)
  const quoted = planMove(SlotTable.fromRanges([{ start: 0, end: 0, node: "$(rm -rf ~)'x:1" }, { start: 1, end: 1, node: 'b:2' }]), [0], 'b:2')
  assert.ok(quoted.commands().every((line) => line.includes(`'$(rm -rf ~)'\\''x`)))
  assert.deepEqual(planMove(SlotTable.fromRanges([{ start: 0, end: 0, node: 'x:1' }]), [1], 'x:1').commands(), ['redis-cli -h x -p 1 cluster addslotsrange 1 1'])
})

test('a plan that cannot be is refused with its reason', () => {
  assert.throws(() => planRemove(table, [A, B]), (error) => error.code === 'ERR_PLAN' && /no primary is left/.test(error.message))
  assert.throws(() => planAdd(table, C), refused('ERR_PLAN', 'nodes'))
  assert.throws(() => planRemove(table, C), refused('ERR_PLAN', 'weights'))
  assert.throws(() => planMove(table, [1], C), refused('ERR_PLAN', 'to'))
  assert.throws(() => planMove(table, [1], 'nobody'), refused('ERR_NODE', 'node'))
  assert.throws(() => planMove(table, [16384], B), refused('ERR_SLOT_RANGE', 'slots[0]'))
  assert.throws(() => planMove(table, [[9, 3]], B), refused('ERR_SLOT_RANGE', 'slots[0]'))
  assert.throws(() => planAdd(table, { host: 'x' }), refused('ERR_NODE', 'nodes'))
  assert.throws(() => planRebalance(table, { weights: { [A]: -1 } }), refused('ERR_OPTION', `weights.${A}`))
  assert.throws(() => planRebalance(table, { weights: { nobody: 1 } }), refused('ERR_NODE', 'node'))
  assert.throws(() => planRebalance(table, { threshold: 'x' }), refused('ERR_OPTION', 'threshold'))
  assert.throws(() => planMove(table, [1], B, { keysPerSlot: [1] }), refused('ERR_OPTION', 'keysPerSlot'))
  assert.throws(() => planMove(table, [1], B).commands('x'), refused('ERR_OPTION', 'style'))
  assert.throws(() => planRebalance({}), refused('ERR_OPTION', 'table'))
})
