// The Rust core: started once, by whichever entry of the package was imported (`index.js`, `workerd.js`, `lite.js`).
//
// `wasm/packed/src/lib.rs` says what its functions take and give: addresses, lengths and numbers.
import { SlotwayError } from './slot.js'

/** Room for a batch: a key longer than this goes alone. Both are constant, so memory does not grow with what is asked. */
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
  const { exports } = new WebAssembly.Instance(module)
  exports.reserve(BATCH_BYTES, BATCH_KEYS)
  core = exports
}

/** Memory that both sides know: `bytes`, `ends`, `slots`. Anew when the memory has grown, which detaches the old views. */
export function shared() {
  if (views && views.bytes.buffer === core.memory.buffer) return views
  ready()
  const { buffer } = core.memory
  views = {
    bytes: new Uint8Array(buffer, core.reserve(BATCH_BYTES, BATCH_KEYS), BATCH_BYTES),
    ends: new Uint32Array(buffer, core.ends_at(), BATCH_KEYS),
    slots: new Uint16Array(buffer, core.slots_at(), BATCH_KEYS),
    slot: core.slot,
    run: core.run,
  }
  return views
}

/** How the slot of `bytes` comes about. */
export function explained(bytes) {
  return JSON.parse(DECODER.decode(answer('ask_explanation', [bytes])))
}

/** `[outcome, facts, step, index, flags, ...]`: what `wasm/packed/src/command.rs` tells of a request. */
export function commandFacts(args, isRouted) {
  const ends = new Uint32Array(args.length)
  args.reduce((end, arg, at) => (ends[at] = end + arg.length), 0)
  return new Uint32Array(answer('ask_command', [new Uint8Array(ends.buffer), ...args], ends.length, isRouted).buffer)
}

/** The topology that a reply, written as RESP3, tells. */
export function topologyOf(resp, queriedHost, preferTls) {
  const host = queriedHost === undefined ? [] : [ENCODER.encode(queriedHost)]
  return answered(answer('ask_topology', [...host, resp], host[0]?.length ?? NO_HOST, preferTls), 'ERR_TOPOLOGY_PARSE')
}

/** Moves by weight; see `wasm/packed/src/plan.rs`. */
export function planned(resp) {
  return answered(answer('ask_plan', [resp]), 'ERR_PLAN')
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
  const told = core[ask](...rest)
  const from = core.answer_at()
  return new Uint8Array(core.memory.buffer.slice(from, from + told))
}

function answered(json, code) {
  const { ok, error } = JSON.parse(DECODER.decode(json))
  if (error) throw new SlotwayError(code, error.problem, error.at)
  return ok
}

function ready() {
  if (!core) throw new SlotwayError('ERR_NOT_READY', 'slotway/lite is not started: call init() or initSync() first')
}
