// Replies as client libraries show them, written as RESP3 for the core to read.
//
// Null, numbers, BigInts, booleans, text, buffers, arrays, maps, plain objects: what ioredis, node-redis, iovalkey and hand-made
// clients make of RESP2 and RESP3. Verbatim and bulk text are the same here.
import { SlotwayError } from './slot.js'

/** Deepest nesting of a reply: far more than any server sends, and a bound for objects that contain themselves. */
const DEPTH_MAX = 16
const ENCODER = new TextEncoder()

/** The bytes of `value`. `path` is its place, for errors. */
export function respOf(value, path) {
  const parts = []
  write(value, path, DEPTH_MAX, parts)
  return joined(parts)
}

function joined(parts) {
  const bytes = parts.map((part) => (typeof part === 'string' ? ENCODER.encode(part) : part))
  const all = new Uint8Array(bytes.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of bytes) {
    all.set(part, at)
    at += part.length
  }
  return all
}

function write(value, path, depth, parts) {
  if (depth === 0) throw wrong(path, 'nested too deep for a reply')
  if (value === null || value === undefined) add(parts, '_\r\n')
  else if (typeof value === 'string') writeText(ENCODER.encode(value), parts)
  else if (value instanceof Uint8Array) writeText(value, parts)
  else if (typeof value === 'number' || typeof value === 'bigint') add(parts, `:${integer(value, path)}\r\n`)
  else if (typeof value === 'boolean') add(parts, value ? '#t\r\n' : '#f\r\n')
  else if (typeof value === 'object') writeAggregate(value, path, depth - 1, parts)
  else throw wrong(path, `expected a part of a reply, not ${typeof value}`)
}

function writeAggregate(value, path, depth, parts) {
  if (Array.isArray(value) || value instanceof Set) {
    const items = [...value]
    add(parts, `*${items.length}\r\n`)
    items.forEach((item, at) => write(item, `${path}[${at}]`, depth, parts))
    return
  }
  if (value instanceof Error) throw wrong(path, `the server answered ${JSON.stringify(value.message)}`)
  const pairs = value instanceof Map ? [...value] : Object.entries(value)
  add(parts, `%${pairs.length}\r\n`)
  for (const [name, item] of pairs) {
    write(name, path, depth, parts)
    write(item, `${path}.${name}`, depth, parts)
  }
}

function writeText(bytes, parts) {
  add(parts, `$${bytes.length}\r\n`)
  parts.push(bytes)
  add(parts, '\r\n')
}

// Neighbouring text becomes one part: a reply has tens of thousands of small ones.
function add(parts, text) {
  if (typeof parts.at(-1) === 'string') parts[parts.length - 1] += text
  else parts.push(text)
}

function integer(value, path) {
  if (typeof value === 'bigint' ? BigInt.asIntN(64, value) === value : Number.isSafeInteger(value)) return value
  throw wrong(path, 'expected a whole number')
}

function wrong(path, message) {
  return new SlotwayError('ERR_TOPOLOGY_PARSE', message, path)
}
