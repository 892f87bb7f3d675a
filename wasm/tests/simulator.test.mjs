// A seed makes the same world in WebAssembly as natively, event for event: `replay` prints hashes here and now, nothing is written down.
//
//     cargo build --profile test-server --package slotway-sim --example replay
//     wasm-pack build wasm --no-opt --target web --out-dir pkg-whole-sim --profile wasm --no-default-features --features whole-simulator
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { controlTraceHash, initSync, wholeTrace, wholeTraceHash } from '../pkg-whole-sim/slotway_wasm.js'

const replay = process.env.SLOTWAY_REPLAY
initSync({ module: readFileSync(new URL('../pkg-whole-sim/slotway_wasm_bg.wasm', import.meta.url)) })

test('traces of many seeds have the same hash as natively', () => {
  assert.ok(replay, 'SLOTWAY_REPLAY names the program that prints the hashes of the native build')
  const lines = execFileSync(replay, ['--hashes', '1..10'], { encoding: 'utf8' }).trim().split('\n')
  assert.equal(lines.length, 10)
  for (const line of lines) {
    const [seed, whole, control] = line.split(' ')
    if (wholeTraceHash(BigInt(seed)) !== whole) assert.fail(`whole nodes, seed ${seed}: ${whereTheyPart(seed)}`)
    assert.equal(controlTraceHash(BigInt(seed)), control, `control planes, seed ${seed}`)
  }
  assert.equal(new Set(lines.map((line) => line.split(' ')[1])).size, 10, 'each seed has a world of its own')
})

function whereTheyPart(seed) {
  const native = execFileSync(replay, ['--seed', seed], { encoding: 'utf8', maxBuffer: 1 << 30 }).split('\n')
  const here = wholeTrace(BigInt(seed)).split('\n')
  const at = here.findIndex((line, at) => line !== native[at])
  return `line ${at + 1} is\n${here[at]}\nand natively\n${native[at]}`
}
