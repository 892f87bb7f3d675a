// Many keys at once, and long ones: through memory that JavaScript and Rust share.
import { BATCH_BYTES, BATCH_KEYS, explanationOf, shared } from './core.js'
import { SlotwayError, bytesOf, hashTag, keySlot as keySlotInJs } from './slot.js'

// From this length on Rust and the way to it are quicker than JavaScript, for text (BENCHMARKS.md). Bytes stay: copying them costs what it wins.
const LONG = 96
// Up to this length JavaScript alone is quicker even than a batch.
const SHORT = 20
// Three bytes of UTF-8 are the most for one UTF-16 unit.
const LONG_MAX = Math.floor(BATCH_BYTES / 3)
const ENCODER = new TextEncoder()
const NEWLINE = 10
// In the order of `wasm/packed/src/explanation.rs`.
const RULES = ['none', 'used', 'empty', 'unclosed']

export function keySlot(key) {
  const isLong = typeof key === 'string' && key.length >= LONG && key.length <= LONG_MAX
  return isLong ? slotOfLong(key) : keySlotInJs(key)
}

function slotOfLong(text) {
  const memory = shared()
  return memory.slot(ENCODER.encodeInto(text, memory.bytes).written)
}

export function keySlots(keys) {
  const list = listOf(keys)
  const slots = new Uint16Array(list.length)
  // Whether the core is started must not depend on how long the keys are.
  shared()
  for (let at = runShort(list, 0, slots); at < list.length; at = runShort(list, at, slots)) {
    at = runText(list, at, slots) ?? runBytes(list, at, slots) ?? runAlone(list, at, slots)
  }
  return slots
}

// The short texts from `at` on, one by one. Gives the first key that is none.
function runShort(keys, at, slots) {
  for (; at < keys.length; at++) {
    const key = keys[at]
    if (typeof key !== 'string' || key.length > SHORT) break
    slots[at] = keySlotInJs(key)
  }
  return at
}

// The keys from `at` on that are ASCII text and fit, put together and encoded in one go. Gives the first that is not among them, or nothing
// if there is not even one.
function runText(keys, at, slots) {
  const memory = shared()
  const { ends } = memory
  let count = 0
  let length = 0
  let all = ''
  for (; count < BATCH_KEYS && at + count < keys.length; count++) {
    const key = keys[at + count]
    if (typeof key !== 'string' || length + key.length > BATCH_BYTES) break
    length += key.length
    all += key
    ends[count] = length
  }
  if (count < 2) return undefined
  const { read, written } = ENCODER.encodeInto(all, memory.bytes)
  // Otherwise something was not ASCII, and the ends are not where the bytes end.
  if (read !== length || written !== length) return runEncoded(keys, at, count, slots)
  memory.run(count)
  slots.set(memory.slots.subarray(0, count), at)
  return at + count
}

function runEncoded(keys, at, count, slots) {
  for (let end = at + count; at < end; at++) slots[at] = keySlot(keys[at])
  return at
}

function runBytes(keys, at, slots) {
  const memory = shared()
  const { bytes, ends } = memory
  let count = 0
  let length = 0
  for (; count < BATCH_KEYS && at + count < keys.length; count++) {
    const key = keys[at + count]
    if (!(key instanceof Uint8Array) || length + key.length > BATCH_BYTES) break
    bytes.set(key, length)
    length += key.length
    ends[count] = length
  }
  if (count < 2) return undefined
  memory.run(count)
  slots.set(memory.slots.subarray(0, count), at)
  return at + count
}

function runAlone(keys, at, slots) {
  bytesOf(keys[at], `keys[${at}]`)
  slots[at] = keySlot(keys[at])
  return at + 1
}

export function keySlotsOfLines(bytes, { delimiter = NEWLINE, max = Infinity } = {}) {
  bytesOf(bytes, 'bytes')
  const text = typeof bytes === 'string' ? ENCODER.encode(bytes) : bytes
  if (!Number.isInteger(delimiter) || delimiter < 0 || delimiter > 255) {
    throw new SlotwayError('ERR_OPTION', 'expected the number of a byte', 'delimiter')
  }
  const offsets = [0]
  const keys = []
  for (let at = 0; at < text.length && keys.length < max; ) {
    const found = text.indexOf(delimiter, at)
    const end = found < 0 ? text.length : found
    keys.push(text.subarray(at, end))
    at = end + 1
    offsets.push(Math.min(at, text.length))
  }
  return { slots: keySlots(keys), offsets: Uint32Array.from(offsets) }
}

export function groupBySlot(keys) {
  const list = listOf(keys)
  const groups = new Map()
  keySlots(list).forEach((slot, at) => addTo(groups, slot, list[at]))
  return groups
}

export function addTo(groups, name, item) {
  const group = groups.get(name)
  if (group) group.push(item)
  else groups.set(name, [item])
}

export function explain(key) {
  const bytes = bytesOf(key, 'key')
  const [rule, start, end, crc, slot, ...told] = explanationOf(bytes)
  const steps = []
  for (let at = 0; at < told.length; at += 4) {
    steps.push({ byte: told[at], index: told[at + 1], table: told[at + 2], crc: told[at + 3] })
  }
  return { bytes, tag: hashTag(bytes), rule: RULES[rule], hashed: { start, end }, steps, crc, slot }
}

/** `keys` as an array; text is refused, though it can be iterated, for it is one key. */
export function listOf(keys, path = 'keys') {
  if (Array.isArray(keys)) return keys
  if (keys === null || typeof keys !== 'object' || typeof keys[Symbol.iterator] !== 'function' || keys instanceof Uint8Array) {
    throw new SlotwayError('ERR_KEY_TYPE', 'expected an array or another iterable of keys', path)
  }
  return [...keys]
}
