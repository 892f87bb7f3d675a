// Ten million calls, good and bad: what was taken is given back.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const QUARTER = 5
// A byte kept by each call would be 2.5 megabytes in a quarter of the run, a kilobyte kept by each of the rarest calls 75 kilobytes. The WASM
// memory counts as an array buffer and grows by 64 kilobytes at a time.
const LIMITS_KB = { heapUsed: 256, arrayBuffers: 48, external: 48 }

test('after ten million calls more no memory is kept', () => {
  const { stdout, stderr, status, signal, error } = spawnSync(process.execPath, ['--expose-gc', fileURLToPath(new URL('heap-calls.mjs', import.meta.url))], { encoding: 'utf8' })
  assert.equal(status, 0, `${error ?? signal} ${stderr}`)
  const samples = JSON.parse(stdout)
  assert.equal(samples.length, 4 * QUARTER)
  for (const [kind, limit] of Object.entries(LIMITS_KB)) {
    const kept = steadyGrowth(samples.map((sample) => sample[kind])) / 1024
    assert.ok(kept < limit, `${kind}: ${kept} KB in each quarter: ${stdout}`)
  }
})

// By how much memory grows in each quarter of the run, at the least. What the engine takes for itself now and then, as for code that it
// compiles anew, is a step in one of them; what calls keep is in all.
function steadyGrowth(samples) {
  const floors = [0, 1, 2, 3].map((quarter) => Math.min(...samples.slice(quarter * QUARTER, (quarter + 1) * QUARTER)))
  return Math.min(...floors.slice(1).map((floor, at) => floor - floors[at]))
}
