// The slot of a key, in JavaScript alone: no WASM, so it runs under any content security policy.
//
// A key's slot is the CRC-16/XMODEM of its bytes, or of what stands between its first `{` and the next `}` if that is not empty, modulo
// 16384 (Redis Cluster specification, "Hash tags"). Four bytes go at once by slicing: CRC is linear, so the shares of four
// bytes are looked up side by side. The Rust core is the definition; `test/slot.test.mjs` holds this to it.

export const SLOT_COUNT = 16384

/** What a caller did wrong, with a code that stays and, where there is one, the place in what was given. */
export class SlotwayError extends Error {
  constructor(code, message, path) {
    super(path === undefined ? message : `${path}: ${message}`)
    this.name = 'SlotwayError'
    this.code = code
    this.path = path
  }
}

// TABLE[256 * n + byte]: what `byte` leaves in the checksum when n more bytes follow.
const TABLE = new Uint16Array(2048)
for (let at = 0; at < 2048; at++) {
  let crc = at < 256 ? at << 8 : TABLE[at - 256]
  for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)
  TABLE[at] = crc
}

const ENCODER = new TextEncoder()
const OPEN = 123
const CLOSE = 125
const NEVER = 256

// The checksum of some bytes; -1 as soon as one is `stop`: one pass for the checksum and the search for a brace.
function crcOfBytes(bytes, at, end, stop) {
  let crc = 0
  for (; at + 8 <= end; at += 8) {
    const a = bytes[at]
    const b = bytes[at + 1]
    const c = bytes[at + 2]
    const d = bytes[at + 3]
    const e = bytes[at + 4]
    const f = bytes[at + 5]
    const g = bytes[at + 6]
    const h = bytes[at + 7]
    if (a === stop || b === stop || c === stop || d === stop) return -1
    if (e === stop || f === stop || g === stop || h === stop) return -1
    crc =
      TABLE[1792 + ((crc >> 8) ^ a)] ^ TABLE[1536 + ((crc & 255) ^ b)] ^ TABLE[1280 + c] ^ TABLE[1024 + d] ^
      TABLE[768 + e] ^ TABLE[512 + f] ^ TABLE[256 + g] ^ TABLE[h]
  }
  for (; at < end; at++) {
    const a = bytes[at]
    if (a === stop) return -1
    crc = ((crc << 8) & 0xffff) ^ TABLE[(crc >> 8) ^ a]
  }
  return crc
}

// As above for the characters of a text; -1 also if one is not ASCII, so that characters are not bytes.
function crcOfText(text, at, end, stop) {
  let crc = 0
  for (; at + 4 <= end; at += 4) {
    const a = text.charCodeAt(at)
    const b = text.charCodeAt(at + 1)
    const c = text.charCodeAt(at + 2)
    const d = text.charCodeAt(at + 3)
    if ((a | b | c | d) > 127 || a === stop || b === stop || c === stop || d === stop) return -1
    crc = TABLE[768 + ((crc >> 8) ^ a)] ^ TABLE[512 + ((crc & 255) ^ b)] ^ TABLE[256 + c] ^ TABLE[d]
  }
  for (; at < end; at++) {
    const a = text.charCodeAt(at)
    if (a > 127 || a === stop) return -1
    crc = ((crc << 8) & 0xffff) ^ TABLE[(crc >> 8) ^ a]
  }
  return crc
}

/** The bytes of a key as clients send it. A lone surrogate becomes U+FFFD. */
export function bytesOf(key, path) {
  if (typeof key === 'string') return ENCODER.encode(key)
  if (key instanceof Uint8Array) return key
  throw new SlotwayError('ERR_KEY_TYPE', `expected a string or a Uint8Array, not ${key === null ? key : typeof key}`, path)
}

export function crc16(data) {
  const crc = typeof data === 'string' ? crcOfText(data, 0, data.length, NEVER) : -1
  if (crc >= 0) return crc
  const bytes = bytesOf(data, 'data')
  return crcOfBytes(bytes, 0, bytes.length, NEVER)
}

export function hashTag(key) {
  const bytes = bytesOf(key, 'key')
  const start = bytes.indexOf(OPEN) + 1
  const end = start && bytes.indexOf(CLOSE, start)
  return end > start ? { start, end } : null
}

export function keySlot(key) {
  if (typeof key !== 'string') return slotOfBytes(bytesOf(key, 'key'))
  const crc = crcOfText(key, 0, key.length, OPEN)
  return crc >= 0 ? crc & 16383 : slotOfTaggedText(key)
}

// Braces are ASCII, so the tag of the text is the text of the tag.
function slotOfTaggedText(key) {
  const start = key.indexOf('{') + 1
  const end = start && key.indexOf('}', start)
  const crc = end > start ? crcOfText(key, start, end, NEVER) : crcOfText(key, 0, key.length, NEVER)
  return crc >= 0 ? crc & 16383 : slotOfBytes(ENCODER.encode(key))
}

function slotOfBytes(bytes) {
  const crc = crcOfBytes(bytes, 0, bytes.length, OPEN)
  if (crc >= 0) return crc & 16383
  const { start, end } = hashTag(bytes) ?? { start: 0, end: bytes.length }
  return crcOfBytes(bytes, start, end, NEVER) & 16383
}

export function sameSlot(keys) {
  let slot = null
  for (const key of keys) {
    const next = keySlot(key)
    if (slot !== null && next !== slot) return null
    slot = next
  }
  return slot
}

export function checkSlot(slot, path = 'slot') {
  if (Number.isInteger(slot) && slot >= 0 && slot < SLOT_COUNT) return slot
  throw new SlotwayError('ERR_SLOT_RANGE', 'expected a whole number from 0 to 16383', path)
}

export function keyForSlot(slot, { prefix = '' } = {}) {
  checkSlot(slot)
  if (typeof prefix !== 'string' || prefix.includes('{')) {
    throw new SlotwayError('ERR_OPTION', 'expected text without {', 'prefix')
  }
  for (let number = 0; ; number++) {
    const key = `${prefix}{${number.toString(36)}}`
    if (keySlot(key) === slot) return key
  }
}
