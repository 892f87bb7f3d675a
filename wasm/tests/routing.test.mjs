// The package as Node sees it: `wasm-pack build wasm --target nodejs --out-dir pkg --profile wasm`, then `node --test wasm/tests`.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as slotway from '../pkg/slotway_wasm.js'

const { vectors } = JSON.parse(readFileSync(new URL('../../core/vectors/slots.json', import.meta.url)))
const utf8 = (text) => new TextEncoder().encode(text)

function keyOf({ key, keyHex, repeat = 1 }) {
  const once = keyHex === undefined ? Buffer.from(key) : Buffer.from(keyHex, 'hex')
  return Buffer.concat(Array.from({ length: repeat }, () => once))
}

const [A, B, C] = ['a', 'b', 'c'].map((letter) => letter.repeat(40))
const NODES = `\
${A} 127.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-8000 [93->-${B}]
${B} 127.0.0.1:7001@17001 master - 0 0 2 connected 8001-16383
${C} 127.0.0.1:7002@17002 slave ${A} 0 0 1 connected
`

test('every vector has its slot and its hash tag, as bytes and as text', () => {
  assert.ok(vectors.length > 30)
  for (const vector of vectors) {
    const key = keyOf(vector)
    assert.equal(slotway.keySlot(key), vector.slot, vector.note)
    const tag = vector.tagHex === undefined ? vector.tag : Buffer.from(vector.tagHex, 'hex').toString('latin1')
    const found = slotway.hashTag(key)
    const text = found && key.subarray(found.start, found.end).toString(vector.tagHex === undefined ? 'utf8' : 'latin1')
    if ((vector.repeat ?? 1) === 1) assert.equal(text, tag, vector.note)
    if (vector.key !== undefined) assert.equal(slotway.keySlot(vector.key.repeat(vector.repeat ?? 1)), vector.slot)
  }
})

test('the packed batch gives what one key at a time gives', () => {
  const keys = vectors.map(keyOf)
  let end = 0
  const ends = Uint32Array.from(keys, (key) => (end += key.length))
  assert.deepEqual([...slotway.keySlots(new Uint8Array(Buffer.concat(keys)), ends)], vectors.map(({ slot }) => slot))
  assert.equal(slotway.keySlots(new Uint8Array(), new Uint32Array()).length, 0)
})

test('a lone surrogate hashes as the character that clients send for it', () => {
  assert.equal(slotway.keySlot('\ud800'), slotway.keySlot(Uint8Array.of(0xef, 0xbf, 0xbd)))
})

test('the checksum has the check value of the CRC catalogue', () => {
  assert.equal(slotway.crc16('123456789'), 0x31c3)
})

test('an explanation ends at the slot', () => {
  const { rule, hashed, steps, crc, slot } = slotway.explain('foo{{bar}}zap')
  assert.deepEqual({ rule, hashed, slot }, { rule: 'used', hashed: { start: 4, end: 8 }, slot: 4015 })
  assert.equal(steps.at(-1).crc, crc)
  assert.equal(slotway.explain('foo{}{bar}').rule, 'empty')
})

test('what is no key is refused in words, and never has slot 0 by accident', () => {
  for (const wrong of [42, {}, null, undefined, [], true, Symbol('key')]) {
    for (const ask of [slotway.keySlot, slotway.hashTag, slotway.crc16, slotway.explain]) {
      assert.throws(() => ask(wrong), { name: 'TypeError', message: /must be a string or a Uint8Array, not/ })
    }
  }
  assert.throws(() => slotway.keySlots(utf8('ab'), [1, 2]), { name: 'TypeError', message: 'ends must be a Uint32Array, not object' })
  assert.throws(() => slotway.keySlots(utf8('ab'), Uint32Array.of(3)), { name: 'RangeError' })
  assert.throws(() => slotway.keySlots(utf8('ab'), Uint32Array.of(2, 1)), { name: 'RangeError' })
})

test('the text of CLUSTER NODES becomes a plain object', () => {
  const view = slotway.parseTopology(NODES)
  assert.equal(view.myself, A)
  assert.deepEqual(view.nodes.map(({ role, port, slots }) => [role, port, slots]), [['primary', 7000, 8001], ['primary', 7001, 8383], ['replica', 7002, 0]])
  assert.deepEqual(view.migrating, [{ slot: 93, node: B }])
  assert.deepEqual(structuredClone(view), view)
  assert.deepEqual(JSON.parse(JSON.stringify(view)), view)
})

test('CLUSTER SLOTS is read whether the client gives strings or buffers', () => {
  const slots = (text) => [[0, 16383, [text('10.0.0.1'), 7000, text(A), []], [text('10.0.0.2'), 7001, text(B), []]]]
  const view = slotway.parseTopology(slots(String))
  assert.deepEqual(view.nodes.map(({ host, role }) => [host, role]), [['10.0.0.1', 'primary'], ['10.0.0.2', 'replica']])
  assert.deepEqual(slotway.parseTopology(slots(Buffer.from)), view)
})

test('CLUSTER SHARDS is read whether the client gives arrays, maps or objects', () => {
  const node = { id: A, port: 7000, ip: '10.0.0.1', endpoint: '10.0.0.1', role: 'master', 'replication-offset': 5n, health: 'online' }
  const shard = (make) => [make({ slots: [0, 16383], nodes: [make(node)] })]
  const view = slotway.parseTopology(shard((fields) => fields))
  assert.equal(view.nodes[0].slots, 16384)
  assert.deepEqual(slotway.parseTopology(shard((fields) => new Map(Object.entries(fields)))), view)
  assert.deepEqual(slotway.parseTopology(shard((fields) => Object.entries(fields).flat())), view)
})

test('a node that tells no host is where the reply came from', () => {
  const reply = [[0, 16383, [null, 7000, A, []]]]
  assert.equal(slotway.parseTopology(reply, { queriedHost: 'redis.example' }).nodes[0].host, 'redis.example')
})

test('what is no topology is refused with its place', () => {
  const endless = []
  endless.push(endless)
  const refused = [
    ['nonsense', /^line 1: /],
    [42, /reply/],
    [endless, /nested too deep/],
    [[[0, 'x', ['h', 1, A, []]]], /reply\[0\]/],
    [() => 0, /reply must be a part of a reply, not function/],
  ]
  for (const [reply, message] of refused) assert.throws(() => slotway.parseTopology(reply), { name: 'TypeError', message })
  assert.throws(() => slotway.parseTopology(NODES, { queriedHost: 7 }), { message: 'queriedHost must be a string, not number' })
})

test('a command goes where its keys are, and the reply of the node asked is told', () => {
  const view = slotway.parseTopology(NODES)
  assert.deepEqual(slotway.route(['GET', 'foo{}{bar}'], view), {
    verdict: 'moved',
    slot: 8363,
    node: B,
    keys: [{ index: 1, slot: 8363 }],
    reply: 'MOVED 8363 127.0.0.1:7001',
  })
  assert.deepEqual(slotway.route([Buffer.from('get'), 'foo{{bar}}zap'], view), {
    verdict: 'serve',
    slot: 4015,
    node: A,
    keys: [{ index: 1, slot: 4015 }],
    reply: null,
  })
  assert.equal(slotway.route(['PING'], view).verdict, 'serve')
  assert.deepEqual(slotway.route(['EVAL', 'return 1', 1, 'foo{}{bar}', 'x'], view).keys, [{ index: 3, slot: 8363 }])
})

test('keys in several slots, unknown commands and wrong numbers of arguments are answered as a server does', () => {
  const view = slotway.parseTopology(NODES)
  const answer = (...argv) => {
    const { verdict, reply } = slotway.route(argv, view)
    return [verdict, reply]
  }
  assert.deepEqual(answer('MSET', 'a', 1, 'b', 2), ['crossSlot', "CROSSSLOT Keys in request don't hash to the same slot"])
  assert.deepEqual(answer('NOPE', 'a'), ['refused', "ERR unknown command 'NOPE', with args beginning with: 'a' "])
  assert.deepEqual(answer('GET'), ['refused', "ERR wrong number of arguments for 'get' command"])
})

test('flags of the session count: a replica serves reads after READONLY only', () => {
  const view = slotway.parseTopology(NODES.replace('myself,master', 'master').replace('slave', 'myself,slave').replace(/ \[.*\]/, ''))
  assert.equal(slotway.route(['GET', 'foo{{bar}}zap'], view).verdict, 'moved')
  assert.equal(slotway.route(['GET', 'foo{{bar}}zap'], view, { readonly: true }).verdict, 'serve')
  assert.equal(slotway.route(['SET', 'foo{{bar}}zap', 'v'], view, { readonly: true }).verdict, 'moved')
})

test('route refuses what is no command or no topology in words', () => {
  const view = slotway.parseTopology(NODES)
  assert.throws(() => slotway.route('GET a', view), { name: 'TypeError', message: 'argv must be an array, not string' })
  assert.throws(() => slotway.route(['GET', {}], view), { message: 'argv[1] must be a string or a Uint8Array, not object' })
  assert.throws(() => slotway.route(['GET', NaN], view), { message: /argv\[1\] must be .* finite number/ })
  assert.throws(() => slotway.route(['GET', 'a'], {}), { name: 'TypeError', message: /topology is not what parseTopology returns/ })
  const lost = { ...view, nodes: view.nodes.slice(1) }
  assert.throws(() => slotway.route(['GET', 'a'], lost), { name: 'TypeError', message: /^topology: / })
})

test('plans move no more slots than they must', () => {
  const view = slotway.parseTopology(`${NODES.replace(/ \[.*\]/, '')}${'d'.repeat(40)} 127.0.0.1:7003@17003 master - 0 0 4 connected\n`)
  const added = slotway.planAdd(view, ['d'.repeat(40)])
  assert.equal(added.slots, added.moves.reduce((sum, { slots }) => sum + slots, 0))
  assert.ok(added.slots >= 5461 && added.slots <= 5462)
  assert.deepEqual(slotway.planRemove(view, [A]).moves, [{ from: A, to: B, ranges: [[0, 8000]], slots: 8001 }])
  assert.ok(slotway.planRebalance(view, [[A, 3]]).moves.every(({ from, to }) => from === B && to === A))
  assert.deepEqual(slotway.spread(3), [[[0, 5460]], [[5461, 10922]], [[10923, 16383]]])
  assert.throws(() => slotway.planRemove(view, [A, B]), { name: 'TypeError', message: 'no primary is left to take the slots' })
  assert.throws(() => slotway.planAdd(view, ['nobody']), { name: 'TypeError', message: 'the topology has no node nobody' })
  assert.throws(() => slotway.planRebalance(view, [[A, -1]]), { name: 'RangeError' })
})
