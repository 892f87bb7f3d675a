// The Rust core: started once, by whichever entry of the package was imported (`index.js`, `workerd.js`, `lite.js`).
//
// `wasm/packed/src/lib.rs` says what its functions take and give: addresses, lengths and numbers.
import { SlotwayError } from './slot.js'

/** Room for a batch, as in `wasm/packed/batch/src/lib.rs`: a key longer than this goes alone. */
export const BATCH_BYTES = 1 << 16
export const BATCH_KEYS = 1 << 12

// More than any host name is long: nobody was asked.
const NO_HOST = -1
const ENCODER = new TextEncoder()
const DECODER = new TextDecoder()

let core
let views

/** Starts the core from a compiled module. A second start does nothing. */
export function start(module) {
  if (core) return
  core = new WebAssembly.Instance(module).exports
}

/** Memory that both sides know: `bytes`, `ends`, `slots`. Anew when the memory has grown, which detaches the old views. */
export function shared() {
  if (views && views.bytes.buffer === core.memory.buffer) return views
  ready()
  const { buffer } = core.memory
  views = {
    bytes: new Uint8Array(buffer, core.bytes_at(), BATCH_BYTES),
    ends: new Uint32Array(buffer, core.ends_at(), BATCH_KEYS),
    slots: new Uint16Array(buffer, core.slots_at(), BATCH_KEYS),
    slot: core.slot,
    run: core.run,
  }
  return views
}

/** `[rule, start, end, crc, slot, byte, index, table, crc, ...]`: what `wasm/packed/src/explanation.rs` tells of a key. */
export function explanationOf(bytes) {
  return numbers(answer('ask_explanation', [bytes]))
}

/** `[outcome, facts, step, index, flags, ...]`: what `wasm/packed/src/command.rs` tells of a request. */
export function commandFacts(args, isRouted) {
  ready()
  const head = 4 * args.length
  // Three bytes of UTF-8 are the most for one UTF-16 unit.
  const length = args.reduce((sum, arg) => sum + (typeof arg === 'string' ? 3 : 1) * arg.length, head)
  const at = core.room(length)
  const room = new Uint8Array(core.memory.buffer, at, length)
  const ends = new DataView(core.memory.buffer, at, head)
  let end = head
  args.forEach((arg, place) => {
    end += written(arg, room, end)
    ends.setUint32(4 * place, end - head, true)
  })
  return numbers(told(core.ask_command(args.length, isRouted)))
}

// Writes an argument at `at` and gives its length. Short texts are mostly ASCII, which goes faster by hand than by a call.
function written(arg, room, at) {
  if (typeof arg !== 'string') {
    room.set(arg, at)
    return arg.length
  }
  for (let place = 0; place < arg.length; place++) {
    const unit = arg.charCodeAt(place)
    if (unit > 127 || place > 40) return ENCODER.encodeInto(arg, room.subarray(at)).written
    room[at + place] = unit
  }
  return arg.length
}

/** The topology that a reply, written by `resp.js`, tells. */
export function topologyOf(resp, queriedHost, preferTls) {
  const host = queriedHost === undefined ? [] : [ENCODER.encode(queriedHost)]
  const json = answer('ask_topology', [...host, resp], host[0]?.length ?? NO_HOST, preferTls)
  const { ok, error } = JSON.parse(DECODER.decode(json))
  if (error) throw new SlotwayError('ERR_TOPOLOGY_PARSE', error.problem, error.at)
  return ok
}

/** `[outcome, from, to, start, end, ...]`: moves by weight; see `wasm/packed/src/plan.rs`. */
export function planned(weights, owners) {
  return numbers(answer('ask_plan', [bytesIn(weights), bytesIn(owners)]))
}

// A core that is not little-endian has never been sold with a JavaScript engine on it.
function bytesIn({ buffer, byteOffset, byteLength }) {
  return new Uint8Array(buffer, byteOffset, byteLength)
}

function numbers({ buffer }) {
  return new Uint32Array(buffer)
}

// Writes the parts of a question into the room for it, asks, and copies the answer.
function answer(ask, parts, ...rest) {
  ready()
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  let at = core.room(length)
  const room = new Uint8Array(core.memory.buffer)
  for (const part of parts) {
    room.set(part, at)
    at += part.length
  }
  return told(core[ask](...rest))
}

// A copy of the answer, which has that length.
function told(length) {
  const from = core.answer_at()
  return new Uint8Array(core.memory.buffer.slice(from, from + length))
}

function ready() {
  if (!core) throw new SlotwayError('ERR_NOT_READY', 'slotway/lite is not started: call init() or initSync() first')
}
