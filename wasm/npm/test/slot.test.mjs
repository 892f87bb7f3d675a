// Slots in JavaScript against the Rust core, which is the definition.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { SlotwayError, crc16, explain, hashTag, keyForSlot, keySlot, keySlots, keySlotsOfLines, groupBySlot, sameSlot } from 'slotway'
import * as js from 'slotway/slot'
import { random } from './support.mjs'

const { vectors } = JSON.parse(readFileSync(new URL('../../../core/vectors/slots.json', import.meta.url)))
// What the Rust core says of each key: a batch of two or more never takes the way through JavaScript.
const rust = (keys) => [...keySlots([...keys, ...keys].map((key) => Buffer.from(key))).subarray(0, keys.length)]

function keyOf({ key, keyHex, repeat = 1 }) {
  return Buffer.concat(Array(repeat).fill(keyHex === undefined ? Buffer.from(key) : Buffer.from(keyHex, 'hex')))
}

test('every vector has its slot, as bytes and as text, one by one and in a batch', () => {
  assert.ok(vectors.length > 30)
  for (const vector of vectors) {
    const key = keyOf(vector)
    assert.equal(js.keySlot(key), vector.slot, vector.note)
    assert.equal(keySlot(key), vector.slot, vector.note)
    assert.equal(explain(key).slot, vector.slot, vector.note)
    if (vector.key !== undefined) assert.equal(js.keySlot(vector.key.repeat(vector.repeat ?? 1)), vector.slot, vector.note)
  }
  assert.deepEqual([...keySlots(vectors.map(keyOf))], vectors.map(({ slot }) => slot))
})

test('every text of braces and letters up to length 7 has the slot of the Rust core', () => {
  const keys = ['']
  for (let at = 0, end = 1, length = 0; length < 7; length++) {
    for (const stop = end; at < stop; at++) for (const letter of '{}ab1') keys.push(keys[at] + letter)
    end = keys.length
  }
  assert.equal(keys.length, (5 ** 8 - 1) / 4)
  const slots = rust(keys)
  keys.forEach((key, at) => {
    if (js.keySlot(key) !== slots[at] || js.keySlot(Buffer.from(key)) !== slots[at]) assert.fail(`${key} is not ${slots[at]}`)
  })
})

test('random bytes of all lengths have the slot of the Rust core', () => {
  const next = random(1)
  const keys = Array.from({ length: 30_000 }, (_, at) => Buffer.from(Array.from({ length: at % 300 }, () => next(at % 3 ? 256 : 130))))
  const slots = rust(keys)
  keys.forEach((key, at) => {
    if (js.keySlot(key) !== slots[at] || keySlot(key) !== slots[at]) assert.fail(`${key.toString('hex')} is not ${slots[at]}`)
  })
})

test('random text, with lone surrogates, has the slot of the bytes that clients send', () => {
  const next = random(2)
  const units = ['{', '}', 'a', 'z', 'é', '€', '\ud83d', '\ude00', '\ud800', '\udfff', '\0']
  const keys = Array.from({ length: 60_000 }, (_, at) => Array.from({ length: at % 130 }, () => units[next(units.length)]).join(''))
  const slots = rust(keys)
  const batch = keySlots(keys)
  keys.forEach((key, at) => {
    if (js.keySlot(key) !== slots[at] || keySlot(key) !== slots[at] || batch[at] !== slots[at]) assert.fail(`${JSON.stringify(key)} is not ${slots[at]}`)
  })
  assert.equal(js.keySlot('\ud800'), 13381)
})

test('a key of any length is the same as text, as bytes, alone and in a batch', () => {
  for (const length of [0, 1, 7, 8, 47, 48, 49, 95, 96, 97, 21_845, 21_846, 65_535, 65_536, 65_537, 300_000]) {
    for (const letter of ['x', 'é']) {
      const text = letter.repeat(length)
      const slot = js.keySlot(Buffer.from(text))
      assert.equal(explain(text).slot, slot)
      assert.deepEqual([js.keySlot(text), keySlot(text), keySlot(Buffer.from(text))], [slot, slot, slot])
      assert.deepEqual([...keySlots([text, 'foo', Buffer.from(text), text, text])], [slot, 12182, slot, slot, slot])
    }
  }
})

test('the checksum has the check value of the CRC catalogue', () => {
  assert.equal(crc16('123456789'), 0x31c3)
  assert.equal(crc16(Buffer.from('123456789')), 0x31c3)
  assert.equal(crc16('é{a}'), crc16(Buffer.from('é{a}')))
})

test('a hash tag is told in bytes', () => {
  assert.deepEqual(hashTag('é{ü}'), { start: 3, end: 5 })
  assert.deepEqual(['foo{}{bar}', 'foo', 'a{b', '}{a', ''].map(hashTag), [null, null, null, null, null])
  assert.deepEqual(hashTag('foo{{bar}}zap'), { start: 4, end: 8 })
})

test('an explanation has the bytes, the rule and the steps', () => {
  const { bytes, tag, rule, hashed, steps, crc, slot } = explain('foo{{bar}}zap')
  assert.deepEqual({ tag, rule, hashed, slot }, { tag: { start: 4, end: 8 }, rule: 'used', hashed: { start: 4, end: 8 }, slot: 4015 })
  assert.deepEqual(steps.map(({ byte }) => byte), [...bytes.subarray(4, 8)])
  assert.equal(steps.at(-1).crc, crc)
  assert.deepEqual(['a', 'a{b', 'foo{}{bar}'].map((key) => explain(key).rule), ['none', 'unclosed', 'empty'])
})

test('every slot has a key, and keys are told to share a slot or not', () => {
  for (let slot = 0; slot < js.SLOT_COUNT; slot += 7) assert.equal(keySlot(keyForSlot(slot)), slot)
  assert.match(keyForSlot(93, { prefix: 'cart:' }), /^cart:\{\w{1,4}\}$/)
  assert.equal(sameSlot(['{a}1', Buffer.from('{a}2')]), keySlot('a'))
  assert.deepEqual([sameSlot(['a', 'b']), sameSlot([])], [null, null])
})

test('keys are grouped by slot in their order, and the lines of a file have slots', () => {
  assert.deepEqual([...groupBySlot(['{a}1', 'b', '{a}2'])], [[15495, ['{a}1', '{a}2']], [3300, ['b']]])
  const { slots, offsets } = keySlotsOfLines(Buffer.from('foo\n\nbar'))
  assert.deepEqual([[...slots], [...offsets]], [[12182, 0, 5061], [0, 4, 5, 8]])
  assert.deepEqual([...keySlotsOfLines('a,b', { delimiter: 44 }).slots], [15495, 3300])
  assert.equal(keySlotsOfLines('a\nb\nc\n', { max: 2 }).slots.length, 2)
})

test('what is no key is refused with a code and a place, and never has slot 0 by accident', () => {
  const code = (code, path) => (error) => error instanceof SlotwayError && error.code === code && error.path === path && error instanceof js.SlotwayError
  for (const wrong of [42, {}, null, undefined, [], true, Symbol('key'), 1n, { length: 100 }, new Uint16Array(2), new ArrayBuffer(4), () => 0]) {
    for (const ask of [keySlot, js.keySlot, hashTag, explain]) assert.throws(() => ask(wrong), code('ERR_KEY_TYPE', 'key'))
    assert.throws(() => crc16(wrong), code('ERR_KEY_TYPE', 'data'))
    assert.throws(() => keySlots(['a', 'b', wrong]), code('ERR_KEY_TYPE', 'keys[2]'))
    assert.throws(() => sameSlot([wrong]), code('ERR_KEY_TYPE', 'key'))
  }
  for (const wrong of ['abc', 42, null, undefined, Buffer.from('abc')]) assert.throws(() => keySlots(wrong), code('ERR_KEY_TYPE', 'keys'))
  for (const slot of [16384, -1, 1.5, NaN, '1', undefined]) assert.throws(() => keyForSlot(slot), code('ERR_SLOT_RANGE', 'slot'))
  assert.throws(() => keyForSlot(1, { prefix: 'a{b' }), code('ERR_OPTION', 'prefix'))
  assert.throws(() => keySlotsOfLines('a', { delimiter: '\n' }), code('ERR_OPTION', 'delimiter'))
})
