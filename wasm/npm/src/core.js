// The Rust core: started once, by whichever entry of the package was imported (`index.js`, `workerd.js`, `lite.js`).
import * as glue from 'slotway:glue'
import { SlotwayError } from './slot.js'

/** Room for a batch: a key longer than this goes alone. Both are constant, so memory does not grow with what is asked. */
export const BATCH_BYTES = 1 << 16
export const BATCH_KEYS = 1 << 12

let exports
let scratch
let views

/** Starts the core from a compiled module. A second start does nothing. */
export function start(module) {
  if (exports) return
  const { exports: started } = new WebAssembly.Instance(module, { './slotway_wasm_bg.js': glue })
  glue.__wbg_set_wasm(started)
  started.__wbindgen_start()
  scratch = new glue.Scratch(BATCH_BYTES, BATCH_KEYS)
  exports = started
}

/** Memory that both sides know: `bytes`, `ends`, `slots`. Anew when the memory has grown, which detaches the old views. */
export function shared() {
  if (views && views.bytes.buffer === exports.memory.buffer) return views
  ready()
  const { buffer } = exports.memory
  views = {
    bytes: new Uint8Array(buffer, scratch.bytes_at(), BATCH_BYTES),
    ends: new Uint32Array(buffer, scratch.ends_at(), BATCH_KEYS),
    slots: new Uint16Array(buffer, scratch.slots_at(), BATCH_KEYS),
    slot: (length) => scratch.slot(length),
    run: (count) => scratch.run(count),
  }
  return views
}

/** How the slot of `bytes` comes about. */
export function explained(bytes) {
  ready()
  return JSON.parse(glue.explain_packed(bytes))
}

/** `[outcome, facts, step, index, flags, ...]`: what `wasm/src/packed/command.rs` tells of a request. */
export function commandFacts(joined, ends, routed) {
  ready()
  return glue.command_facts(joined, ends, routed)
}

/** The topology that a reply, written as RESP3, tells. */
export function topologyOf(resp, queriedHost, preferTls) {
  ready()
  return answered(glue.topology(resp, queriedHost, preferTls), 'ERR_TOPOLOGY_PARSE')
}

/** Moves by weight; see `wasm/src/packed/topology.rs`. */
export function planned(resp) {
  ready()
  return answered(glue.plan(resp), 'ERR_PLAN')
}

function answered(json, code) {
  const { ok, error } = JSON.parse(json)
  if (error) throw new SlotwayError(code, error.problem, error.at)
  return ok
}

function ready() {
  if (!exports) throw new SlotwayError('ERR_NOT_READY', 'slotway/lite is not started: call init() or initSync() first')
}
