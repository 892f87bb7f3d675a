// Replies as client libraries show them, written for the core as `wasm/packed/src/question.rs` says.
//
// Null, numbers, BigInts, booleans, text, buffers, arrays, maps, plain objects: what ioredis, node-redis, iovalkey and hand-made
// clients make of RESP2 and RESP3.
import { SlotwayError } from './slot.js'

/** Deepest nesting of a reply: far more than any server sends, and a bound for objects that contain themselves. */
const DEPTH_MAX = 16
const ENCODER = new TextEncoder()

/** The bytes of `value`. `path` is its place, for errors. */
export function respOf(value, path) {
  const writer = new Writer()
  writer.write(value, path, DEPTH_MAX)
  return writer.bytes.subarray(0, writer.length)
}

class Writer {
  bytes = new Uint8Array(1024)
  view = new DataView(this.bytes.buffer)
  length = 0

  write(value, path, depth) {
    if (depth === 0) throw wrong(path, 'nested too deep for a reply')
    if (value === null || value === undefined) this.kind('_')
    else if (typeof value === 'string') this.text(value)
    else if (value instanceof Uint8Array) this.raw(value)
    else if (typeof value === 'number' || typeof value === 'bigint') this.integer(value, path)
    else if (typeof value === 'boolean') this.kind(value ? 't' : 'f')
    else if (typeof value === 'object') this.aggregate(value, path, depth - 1)
    else throw wrong(path, `expected a part of a reply, not ${typeof value}`)
  }

  aggregate(value, path, depth) {
    if (Array.isArray(value) || value instanceof Set) {
      const items = [...value]
      this.counted('*', items.length)
      items.forEach((item, at) => this.write(item, `${path}[${at}]`, depth))
      return
    }
    if (value instanceof Error) throw wrong(path, `the server answered ${JSON.stringify(value.message)}`)
    const pairs = value instanceof Map ? [...value] : Object.entries(value)
    this.counted('%', pairs.length)
    for (const [name, item] of pairs) {
      this.write(name, path, depth)
      this.write(item, `${path}.${name}`, depth)
    }
  }

  text(text) {
    // Three bytes of UTF-8 are the most for one UTF-16 unit.
    this.reserve(5 + 3 * text.length)
    const { written } = ENCODER.encodeInto(text, this.bytes.subarray(this.length + 5))
    this.counted('$', written)
    this.length += written
  }

  raw(bytes) {
    this.counted('$', bytes.length)
    this.reserve(bytes.length)
    this.bytes.set(bytes, this.length)
    this.length += bytes.length
  }

  integer(value, path) {
    const whole = typeof value === 'bigint' ? BigInt.asIntN(64, value) === value : Number.isSafeInteger(value)
    if (!whole) throw wrong(path, 'expected a whole number')
    this.kind(':')
    this.view.setBigInt64(this.length, BigInt(value), true)
    this.length += 8
  }

  counted(kind, count) {
    this.kind(kind)
    this.view.setUint32(this.length, count, true)
    this.length += 4
  }

  kind(kind) {
    this.reserve(9)
    this.bytes[this.length++] = kind.charCodeAt()
  }

  reserve(length) {
    if (this.length + length <= this.bytes.length) return
    const before = this.bytes
    this.bytes = new Uint8Array(2 * (this.length + length))
    this.bytes.set(before)
    this.view = new DataView(this.bytes.buffer)
  }
}

function wrong(path, message) {
  return new SlotwayError('ERR_TOPOLOGY_PARSE', message, path)
}
