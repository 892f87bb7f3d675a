// Topologies, what is asked of them, and what is no topology.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SlotTable, SlotwayError, keySlot } from 'slotway'
import { random } from './support.mjs'

const [A, B, C] = ['a', 'b', 'c'].map((letter) => letter.repeat(40))
const NODES = `\
${A} 10.0.0.1:7000@17000,one.test myself,master - 0 0 1 connected 0-8000 [93->-${B}] [9000-<-${B}]
${B} 10.0.0.2:7001@17001 master - 0 0 2 connected 8001-16382
${C} 10.0.0.3:7002@17002 slave ${A} 0 0 1 connected
`
const SLOTS = [
  [0, 8000, ['10.0.0.1', 7000, A, ['hostname', 'one.test']], ['10.0.0.3', 7002, C, []]],
  [8001, 16382, ['10.0.0.2', 7001, B, []]],
]
const node = (id, ip, port, role, more = {}) => ({ id, port, ip, endpoint: ip, role, 'replication-offset': 0, health: 'online', ...more })
const SHARDS = [
  { slots: [0, 8000], nodes: [node(A, '10.0.0.1', 7000, 'master', { hostname: 'one.test' }), node(C, '10.0.0.3', 7002, 'replica')] },
  { slots: [8001, 16382], nodes: [node(B, '10.0.0.2', 7001, 'master')] },
]
const refused = (code, path) => (error) => error instanceof SlotwayError && error.code === code && (path === undefined || error.path === path)

// The ways in which client libraries show one and the same reply.
const flat = (value) => (Array.isArray(value) ? value.map(flat) : value && typeof value === 'object' ? Object.entries(value).flat().map(flat) : value)
const maps = (value) => (Array.isArray(value) ? value.map(maps) : value && typeof value === 'object' ? new Map(Object.entries(value).map(([name, item]) => [name, maps(item)])) : value)
const buffers = (value) => (Array.isArray(value) ? value.map(buffers) : typeof value === 'string' ? Buffer.from(value) : value)
const bigints = (value) => (Array.isArray(value) ? value.map(bigints) : typeof value === 'number' ? BigInt(value) : value)

// What node-redis makes of CLUSTER SLOTS.
const MADE = SLOTS.map(([from, to, master, ...replicas]) => {
  const named = ([host, port, id]) => ({ host, port, id })
  return { from, to, master: named(master), replicas: replicas.map(named) }
})

test('the three replies, in all their shapes, are one table', () => {
  const shapes = { text: NODES, buffer: Buffer.from(NODES), SLOTS, flat: flat(SHARDS), SHARDS, maps: maps(SHARDS), buffers: buffers(flat(SHARDS)), slotBuffers: buffers(SLOTS), bigints: bigints(SLOTS), MADE }
  for (const [name, reply] of Object.entries(shapes)) {
    const table = SlotTable.parse(reply)
    const told = [...table.nodes.values()].map(({ id, role, primaryId, endpoint: { host, port } }) => [id, role, primaryId, host, port])
    assert.deepEqual(told.sort(), [[A, 'primary', undefined, '10.0.0.1', 7000], [B, 'primary', undefined, '10.0.0.2', 7001], [C, 'replica', A, '10.0.0.3', 7002]], name)
    assert.deepEqual([table.ranges(A), table.ranges(B), table.uncovered()], [[[0, 8000]], [[8001, 16382]], [[16383, 16383]]], name)
    assert.equal(table.ownerOf(8000).id, A, name)
    assert.equal(table.ownerOf(16383), null, name)
  }
  assert.deepEqual(SlotTable.parse(NODES).migrating(), [{ slot: 93, from: A, to: B }, { slot: 9000, from: B, to: A }])
})

test('how far the data of a node goes is told where the reply tells it', () => {
  const shards = [{ slots: [0, 16383], nodes: [node(A, '10.0.0.1', 7000, 'master', { 'replication-offset': 2 ** 40 }), node(C, '10.0.0.3', 7002, 'replica')] }]
  assert.deepEqual([...SlotTable.parse(shards).nodes.values()].map(({ replOffset }) => replOffset), [2 ** 40, 0])
  assert.deepEqual([...SlotTable.parse(NODES).nodes.values()].map((told) => 'replOffset' in told), [false, false, false])
})

test('a node that tells no host is where the reply came from', () => {
  for (const host of [null, '', '?']) {
    const table = SlotTable.parse([[0, 16383, [host, 7000, A, []]]], { queriedHost: 'redis.example' })
    assert.deepEqual(table.ownerOf(0).endpoint, { host: 'redis.example', port: 7000, ip: '', hostname: null })
  }
  assert.equal(SlotTable.parse([[0, 1, ['?', 7000, A, ['ip', '10.0.0.9']]]], { queriedHost: 'x' }).ownerOf(0).endpoint.host, '10.0.0.9')
})

test('ports for TLS are taken when asked for, and addresses of the inside are mapped', () => {
  const shards = [{ slots: [0, 16383], nodes: [node(A, '10.0.0.1', 7000, 'master', { 'tls-port': 7443 })] }]
  assert.equal(SlotTable.parse(shards).ownerOf(0).endpoint.port, 7000)
  assert.equal(SlotTable.parse(shards, { preferTls: true }).ownerOf(0).endpoint.port, 7443)
  const outside = { host: 'localhost', port: 30001 }
  for (const natMap of [{ '10.0.0.1:7000': outside }, ({ port }) => (port === 7000 ? outside : undefined)]) {
    const table = SlotTable.parse(NODES, { natMap })
    assert.deepEqual(table.ownerOf(0).endpoint, { host: 'localhost', port: 30001, ip: '10.0.0.1', hostname: 'one.test' })
    assert.equal(table.ownerOf(9000).endpoint.host, '10.0.0.2')
    assert.equal(table.applyRedirect('MOVED 9000 10.0.0.1:7000').node.id, A)
  }
})

test('keys go to their node, reads to a replica, and keys that nobody serves are told', () => {
  const table = SlotTable.parse(NODES)
  assert.equal(keySlot('foo{{bar}}zap'), 4015)
  assert.equal(table.nodeForKey('foo{{bar}}zap').id, A)
  assert.equal(table.nodeForKey('foo{}{bar}', { readOnly: true }).id, B)
  assert.equal(table.nodeForKey('foo{{bar}}zap', { readOnly: true }).id, C)
  assert.equal(table.nodeForKey('foo{{bar}}zap', { readOnly: true, pick: ([first]) => first }).id, C)
  assert.deepEqual(table.replicasOf(0).map(({ id }) => id), [C])
  const groups = SlotTable.fromRanges([{ start: 0, end: 5000, node: 'x:1' }]).groupByNode(['foo{{bar}}zap', 'foo{}{bar}'])
  assert.deepEqual([...groups], [['x:1', ['foo{{bar}}zap']], [null, ['foo{}{bar}']]])
})

test('MOVED gives a new table, ASK the same one, and other errors nothing', () => {
  const table = SlotTable.parse(NODES, { queriedHost: '10.0.0.2' })
  const moved = table.applyRedirect(new Error('MOVED 93 10.0.0.2:7001'))
  assert.deepEqual([moved.kind, moved.slot, moved.node.id, moved.table.ownerOf(93).id, table.ownerOf(93).id], ['moved', 93, B, B, A])
  assert.deepEqual(table.diff(moved.table), [{ from: A, to: B, ranges: [[93, 93]], slots: 1 }])
  const ask = table.applyRedirect('ASK 93 10.0.0.2:7001')
  assert.deepEqual([ask.kind, ask.table === table], ['ask', true])
  assert.equal(table.applyRedirect('MOVED 93 :7001').node.id, B)
  assert.equal(table.applyRedirect('MOVED 93 one.test:7000', { host: 'x' }).node.id, A)
  const promoted = table.applyRedirect('MOVED 93 10.0.0.3:7002').table
  assert.deepEqual([promoted.ownerOf(93).id, promoted.ownerOf(93).role], [C, 'primary'])
  const unknown = table.applyRedirect('MOVED 93 [fe80::1]:9')
  assert.deepEqual([unknown.node.endpoint.host, unknown.table.nodes.size], ['fe80::1', 4])
  assert.equal(table.applyRedirect('ERR unknown command'), null)
  assert.throws(() => table.applyRedirect('MOVED 16384 10.0.0.2:7001'), refused('ERR_SLOT_RANGE', 'error'))
  assert.throws(() => SlotTable.parse(NODES).applyRedirect('MOVED 93 :7001'), refused('ERR_OPTION', 'host'))
  assert.throws(() => table.applyRedirect(7), refused('ERR_OPTION', 'error'))
})

test('how slots and keys are spread is told, and a table can be written down', () => {
  const table = SlotTable.parse(NODES)
  assert.deepEqual(table.stats([0, 1, 9000, 16383]), {
    primaries: [{ id: A, slots: 8001, keys: 2 }, { id: B, slots: 8382, keys: 1 }],
    covered: 16383, uncovered: 1, min: 8001, max: 8382, mean: 8191.5,
  })
  const { nodes, migrating } = JSON.parse(JSON.stringify(table))
  assert.deepEqual([nodes[0].ranges, migrating.length], [[[0, 8000]], 2])
})

test('what is no topology is refused with its place', () => {
  const endless = []
  endless.push(endless)
  const wrong = [
    ['nonsense', 'line 1'], [42, 'reply'], [endless, undefined], [[[0, 'x', ['h', 1, A, []]]], 'reply[0][1]'], [() => 0, 'reply'],
    [[[0, 16384, ['h', 1, A, []]]], 'reply[0][1]'], [[[0, 1.5, ['h', 1]]], 'reply[0][1]'], [new Error('NOAUTH'), 'reply'], [Symbol('x'), 'reply'],
    [[{ slots: [0], nodes: [] }], 'reply[0].slots'], [{ a: 1 }, undefined], [[[0, 5, ['h', 1, A, []]], [3, 9, ['h', 2, B, []]]], undefined],
  ]
  for (const [reply, path] of wrong) assert.throws(() => SlotTable.parse(reply), refused('ERR_TOPOLOGY_PARSE', path), String(path))
  assert.throws(() => SlotTable.parse(SLOTS, { as: 'nodes' }), refused('ERR_TOPOLOGY_PARSE', 'reply'))
  assert.throws(() => SlotTable.parse(NODES, { as: 'slots' }), refused('ERR_TOPOLOGY_PARSE', 'reply'))
  for (const options of [{ queriedHost: 7 }, { natMap: 7 }, { as: 'x' }]) assert.throws(() => SlotTable.parse(NODES, options), refused('ERR_OPTION', Object.keys(options)[0]))
  const table = SlotTable.parse(NODES)
  for (const slot of [16384, -1, '0', undefined]) assert.throws(() => table.ownerOf(slot), refused('ERR_SLOT_RANGE', 'slot'))
  assert.throws(() => table.ranges('nobody'), refused('ERR_NODE', 'node'))
  assert.throws(() => table.stats([16384]), refused('ERR_SLOT_RANGE', 'slots[0]'))
  assert.throws(() => SlotTable.fromRanges([{ start: 9, end: 3, node: 'a' }]), refused('ERR_SLOT_RANGE', 'ranges[0]'))
  assert.throws(() => SlotTable.fromRanges([{ start: 0, end: 16384, node: 'a' }]), refused('ERR_SLOT_RANGE', 'ranges[0].end'))
  assert.throws(() => SlotTable.fromRanges(7), refused('ERR_KEY_TYPE', 'ranges'))
})

test('a damaged reply is a table or a typed error, never anything else', () => {
  const next = random(3)
  const junk = [null, undefined, -1, 16384, 1e300, NaN, '', 'x', '\ud800', 2n ** 70n, true, [], {}, new Map([[{}, 1]]), Buffer.from([255, 0]), () => 0, Symbol('s'), new Error('E'), new Date(0)]
  const damaged = (value) => {
    if (next(12) === 0) return junk[next(junk.length)]
    if (typeof value === 'string') return next(6) ? value : value.slice(0, next(value.length + 1)) + String.fromCharCode(next(256)) + value.slice(next(value.length + 1))
    if (Array.isArray(value)) return value.filter(() => next(15)).map(damaged)
    if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).filter(() => next(15)).map(([name, item]) => [name, damaged(item)]))
    return value
  }
  let good = 0
  for (let round = 0; round < 4000; round++) {
    const reply = [damaged, (value) => flat(damaged(value)), (value) => maps(damaged(value))][next(3)]([NODES, SLOTS, SHARDS, MADE][next(4)])
    try {
      good += SlotTable.parse(reply, { queriedHost: 'asked' }).owners.length === 16384
    } catch (error) {
      if (!refused('ERR_TOPOLOGY_PARSE')(error) || !error.path) throw error
    }
  }
  assert.ok(good > 300 && good < 3700, `${good} of 4000 are tables`)
})
