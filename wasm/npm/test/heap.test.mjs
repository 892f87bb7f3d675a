// Ten million calls, good and bad: what was taken is given back.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

test('after ten million calls more no memory is kept', { timeout: 300_000 }, () => {
  const { stdout, stderr, status, signal, error } = spawnSync(process.execPath, ['--expose-gc', fileURLToPath(new URL('heap-calls.mjs', import.meta.url))], { encoding: 'utf8' })
  assert.equal(status, 0, `${error ?? signal} ${stderr}`)
  const grown = JSON.parse(stdout)
  // The WASM memory counts as an array buffer. A byte kept by each call would be ten megabytes, a kilobyte by each of the rarest 300 kilobytes.
  assert.ok(grown.heapUsed < 1024 * 1024 && grown.arrayBuffers < 256 * 1024 && grown.external < 256 * 1024, stdout)
})
