// `slotway-key-slot` in the place of `cluster-key-slot`, inside unchanged ioredis and iovalkey, by npm's `overrides`.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import popular from 'cluster-key-slot'
import exact from 'slotway-key-slot'
import { keySlot } from 'slotway/slot'
import { installOffline } from './offline.mjs'
import { redisCluster, slotwayCluster } from './servers.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'slotway-drop-in-'))
const clusters = []

before(async () => {
  await installOffline(folder, ['ioredis', 'iovalkey'], { 'cluster-key-slot': `file:${join(here, '../build/slotway-key-slot.tgz')}` })
  clusters.push(await slotwayCluster(), await redisCluster())
})
after(async () => {
  await Promise.all(clusters.map(({ stop }) => stop()))
  rmSync(folder, { recursive: true, force: true })
})

test('it has the shape of the package that it stands in for', () => {
  const require = createRequire(import.meta.url)
  assert.equal(require('slotway-key-slot'), exact)
  for (const property of Object.keys(popular)) assert.equal(typeof exact[property], typeof popular[property])
  for (const key of ['', 'foo', '{a}b', 'foo{{bar}}zap', 'é{ü}', 'x'.repeat(300), Buffer.from([0, 255, 123, 1, 125])]) assert.equal(exact(key), popular(key), key)
  assert.equal(exact.generateMulti(['{a}1', '{a}2']), popular.generateMulti(['{a}1', '{a}2']))
  assert.equal(exact.generateMulti(['a', 'b']), -1)
})

test('it is right where that package is wrong', () => {
  for (const [key, slot, wrong] of [['foo{}{bar}', 8363, 4015], ['\ud800', 13381, 11926]]) assert.deepEqual([exact(key), popular(key)], [slot, wrong])
  assert.equal(exact.generateMulti(['foo{}{bar}', 'foo{{bar}}zap']), -1)
  assert.equal(popular.generateMulti(['foo{}{bar}', 'foo{{bar}}zap']), 4015)
  assert.equal(exact.generateMulti([]), -1)
  // Clients send these as their text; the other says 0.
  for (const key of [42, true, null, undefined]) assert.equal(exact(key), keySlot(key == null ? '' : String(key)))
})

// Runs in the folder, or in this one, where the popular package is.
async function answers(library, port, cwd) {
  const script = `
    import { Cluster } from '${library}'
    const cluster = new Cluster([{ host: '127.0.0.1', port: ${port} }])
    cluster.on('error', () => {})
    await cluster.set('foo{}{bar}', 'one')
    await cluster.set('foo{{bar}}zap', 'two')
    let redirects = 0
    const handleError = cluster.handleError
    cluster.handleError = function (error, ...rest) {
      redirects += error.message.startsWith('MOVED')
      return handleError.call(this, error, ...rest)
    }
    const values = new Set()
    for (let at = 0; at < 20; at++) values.add(await cluster.get('foo{}{bar}'))
    const pipeline = await cluster.pipeline().get('foo{}{bar}').set('foo{}{bar}', 'three').exec().catch((error) => error)
    const mixed = await cluster.pipeline().get('foo{}{bar}').get('foo{{bar}}zap').exec().catch((error) => error)
    const told = (result) => Array.isArray(result) ? result.map(([error, value]) => error?.message ?? value) : 'rejected: ' + result.message
    console.log(JSON.stringify({ values: [...values], redirects, pipeline: told(pipeline), mixed: told(mixed) }))
    cluster.disconnect()
  `
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd, timeout: 180_000 })
  return JSON.parse(stdout)
}

test('ioredis and iovalkey go straight to the node, and pipelines that fail half stop to', async () => {
  for (const { name, port } of clusters) {
    for (const library of ['ioredis', 'iovalkey']) {
      const before = await answers(library, port, here)
      assert.deepEqual([before.values, before.redirects >= 20], [['one'], true], `${library}, ${name}: ${JSON.stringify(before)}`)
      assert.match(before.mixed.join(), /MOVED 8363/)
      const after = await answers(library, port, folder)
      assert.deepEqual([after.values, after.redirects], [['one'], 0], `${library}, ${name}: ${JSON.stringify(after)}`)
      assert.deepEqual(after.pipeline, ['one', 'OK'])
      assert.match(after.mixed, /^rejected: All keys in the pipeline should belong to the same slots allocation group/)
    }
  }
})
