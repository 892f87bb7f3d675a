// Keys of commands, routes and batches; see live.test.mjs for what servers say.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SlotTable, SlotwayError, commandKeys, route, routeBatch, sameSlot } from 'slotway'

const table = SlotTable.fromRanges([{ start: 0, end: 8191, node: 'low:1' }, { start: 8192, end: 16383, node: 'high:2' }])
const refused = (code, path) => (error) => error instanceof SlotwayError && error.code === code && error.path === path

test('keys of commands have their places and flags', () => {
  assert.deepEqual(commandKeys(['SET', 'a', 'b']), [{ index: 1, flags: ['OW', 'update'] }])
  assert.deepEqual(commandKeys(['eval', 'return 1', 2, 'a', Buffer.from('b'), 'x']).map(({ index }) => index), [3, 4])
  assert.deepEqual(commandKeys(['SORT', 'k', 'BY', 'nosort', 'STORE', 'd']).map(({ index }) => index), [1, 5])
  assert.deepEqual(commandKeys(['PING']), [])
  assert.throws(() => commandKeys(['NOPE']), refused('ERR_UNKNOWN_COMMAND', 'argv'))
  assert.throws(() => commandKeys(['CONFIG', 'nope']), refused('ERR_UNKNOWN_COMMAND', 'argv'))
  assert.throws(() => commandKeys(['GET']), refused('ERR_ARITY', 'argv'))
  assert.throws(() => commandKeys(['SINTERCARD', 3, 'a', 'b']), refused('ERR_COMMAND_KEYS', 'argv'))
  assert.throws(() => commandKeys([]), refused('ERR_UNKNOWN_COMMAND', 'argv'))
  for (const argv of ['GET a', null, undefined, 7]) assert.throws(() => commandKeys(argv), refused('ERR_ARGV_TYPE', 'argv'))
  for (const arg of [{}, null, NaN, Infinity, true]) assert.throws(() => commandKeys(['GET', arg]), refused('ERR_KEY_TYPE', 'argv[1]'))
})

test('a command goes to the node of its keys', () => {
  const { node, ...told } = route(['GET', 'foo{}{bar}'], table)
  assert.deepEqual([told, node.id], [{ kind: 'slot', slot: 8363, readOnly: true, keys: [1] }, 'high:2'])
  assert.deepEqual(route(['SET', 'foo{{bar}}zap', 1]), { kind: 'slot', slot: 4015, node: null, readOnly: false, keys: [1] })
  assert.deepEqual(route(['SSUBSCRIBE', '{x}1', '{x}2'], table).keys, [1, 2])
})

test('a command without keys tells its policy, an unknown one its reason', () => {
  const policies = { PING: ['PING'], FLUSHALL: ['FLUSHALL'], DBSIZE: ['DBSIZE'], SCAN: ['SCAN', 0], GET: ['CONFIG', 'GET', 'x'] }
  const told = Object.fromEntries(Object.entries(policies).map(([name, argv]) => [name, route(argv, table).policy]))
  assert.deepEqual(told, { PING: 'all_shards', FLUSHALL: 'all_shards', DBSIZE: 'all_shards', SCAN: 'special', GET: 'any' })
  assert.deepEqual(route(['NOPE']), { kind: 'unknown', code: 'ERR_UNKNOWN_COMMAND', reason: 'unknown command' })
  assert.deepEqual(route(['GET']), { kind: 'unknown', code: 'ERR_ARITY', reason: 'wrong number of arguments' })
})

test('a command across slots is split where it can be, and a hash tag is suggested', () => {
  const told = route(['MSET', 'user:1:name', 'Ada', 'user:1:mail', 'a@b', '{user:1:name}x', 7], table)
  assert.equal(told.kind, 'crossslot')
  assert.deepEqual(told.parts.map(({ argv, positions }) => [argv, positions]), [
    [['MSET', 'user:1:name', 'Ada', '{user:1:name}x', 7], [0, 2]],
    [['MSET', 'user:1:mail', 'a@b'], [1]],
  ])
  assert.deepEqual(told.parts.map(({ node, slot }) => node.id === table.ownerOf(slot).id), [true, true])
  assert.equal(told.suggestion, undefined)
  const { splittable, parts, suggestion } = route(['SINTER', 'user:1:name', 'user:1:mail'])
  assert.deepEqual([splittable, parts, suggestion], [false, undefined, ['{user:1}:name', '{user:1}:mail']])
  assert.notEqual(sameSlot(suggestion), null)
  assert.deepEqual(route(['DEL', 'a', 'b']).suggestion, ['{tag}:a', '{tag}:b'])
})

test('a batch becomes pipelines in order, and tells whether it could be a transaction', () => {
  const commands = [['SET', 'foo{{bar}}zap', 1], ['GET', 'foo{}{bar}'], ['PING'], ['GET', '{bar'], ['MGET', 'a', 'b'], ['GET', 'foo{{bar}}zap'], ['NOPE']]
  const { pipelines, keyless, crossslot, unknown, transaction } = routeBatch(commands, table)
  assert.deepEqual([...pipelines], [['low:1', [0, 3, 5]], ['high:2', [1]]])
  assert.deepEqual([keyless, crossslot, unknown], [[{ index: 2, policy: 'all_shards' }], [4], [{ index: 6, reason: 'unknown command' }]])
  assert.deepEqual(transaction, { possible: false, reason: 'command 6: unknown command' })
  assert.deepEqual(routeBatch([['SET', '{a}1', 1], ['PING'], ['GET', '{a}2']], table).transaction, { possible: true, slot: 15495 })
  assert.deepEqual(routeBatch([['GET', 'a'], ['GET', 'b']], table).transaction, { possible: false, reason: 'the commands have keys of 2 slots' })
  assert.deepEqual(routeBatch([['GET', 'a']], SlotTable.fromRanges([])).uncovered, [0])
  assert.throws(() => routeBatch([], {}), refused('ERR_OPTION', 'table'))
  assert.throws(() => routeBatch('GET a', table), refused('ERR_KEY_TYPE', 'commands'))
})
