// The built page as a node serves it: a node that this test plays, and a real one when SLOTWAY_HTTP names it.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { barriers, colourOf, fakeNode, launch, realNode, realRedis, row, said, serve, visit } from './support.mjs'

let browser
before(async () => {
  browser = await launch()
})
after(() => browser?.close())

const id = (digit) => digit.repeat(40)

function node(digit, port, role, extra) {
  const place = { host: '127.0.0.1', ip: '127.0.0.1', hostname: null, port, busPort: port + 10_000 }
  const flags = [role === 'primary' ? 'master' : 'slave']
  return { id: id(digit), ...place, role, primaryId: null, flags, configEpoch: 1, linkState: 'connected', health: 'online', ranges: [], slots: 0, ...extra }
}

function cluster(version, nodes) {
  return { version, state: 'ok', currentEpoch: version, myself: id('a'), nodes, migrating: [], importing: [], uncovered: [] }
}

const BEFORE = cluster(1, [
  node('a', 7100, 'primary', { ranges: [[0, 8191]], slots: 8192 }),
  node('b', 7101, 'primary', { ranges: [[8192, 16383]], slots: 8192 }),
  node('c', 7102, 'replica', { primaryId: id('b') }),
])

/** Node c has taken over from b, which has failed. */
const AFTER = cluster(2, [
  BEFORE.nodes[0],
  node('b', 7101, 'replica', { primaryId: id('c'), health: 'failed', flags: ['slave', 'fail'], linkState: 'disconnected' }),
  node('c', 7102, 'primary', { ranges: [[8192, 16383]], slots: 8192 }),
])

async function withNode(use) {
  const fake = fakeNode(BEFORE)
  const site = await serve('/playground/', fake.api)
  try {
    await use(fake, site.url)
  } finally {
    await site.stop()
  }
}

test('the cluster of the node that serves the page is shown at once, as live', () =>
  withNode((_, url) =>
    visit(browser, url, async (page) => {
      await page.getByText('Live', { exact: true }).waitFor()
      await page.getByRole('button', { name: /127.0.0.1:7100 primary 8,192 slots/ }).waitFor()
      assert.match(await said(row(page, 'foo{}{bar}')), /shard B/)
      assert.deepEqual(await barriers(page), [])
    }),
  ))

test('a failover shows as it happens, and the shard keeps its colour', () =>
  withNode((fake, url) =>
    visit(browser, url, async (page) => {
      await page.getByRole('button', { name: /127.0.0.1:7101 primary/ }).waitFor()
      const colour = await colourOf(page, 12_000)
      fake.change(AFTER)
      await page.getByRole('button', { name: /127.0.0.1:7102 primary/ }).waitFor()
      await page.getByText('failed', { exact: true }).waitFor()
      assert.deepEqual(await colourOf(page, 12_000), colour)
      const told = await page.getByRole('log', { name: 'What changed' }).getByRole('paragraph').allTextContents()
      assert.deepEqual(told.map((text) => text.replace(/^\s*[\d:]+ /, '').trim()), [
        '127.0.0.1:7102 has taken over from 127.0.0.1:7101: 8,192 slots.',
        '127.0.0.1:7101 is a replica of 127.0.0.1:7102 now.',
        '127.0.0.1:7101 has failed.',
      ])
      assert.deepEqual(await barriers(page), [])
    }),
  ))

test('a lost connection is said and found again', () =>
  withNode((fake, url) =>
    visit(
      browser,
      url,
      async (page) => {
        await page.getByText('Live', { exact: true }).waitFor()
        fake.hangUp()
        await page.getByText('Reconnecting…').waitFor()
        await page.getByText('Live', { exact: true }).waitFor()
        fake.change(AFTER)
        await page.getByRole('button', { name: /127.0.0.1:7102 primary/ }).waitFor()
      },
      { expected: /ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION|ERR_EMPTY_RESPONSE/ },
    ),
  ))

test('a visitor who chose the example keeps it while the cluster changes', () =>
  withNode((fake, url) =>
    visit(browser, url, async (page) => {
      await page.getByRole('button', { name: 'Example' }).click()
      fake.change(AFTER)
      await page.getByRole('button', { name: /127.0.0.1:7002 primary/ }).waitFor()
      await page.getByRole('button', { name: 'Live cluster' }).click()
      await page.getByRole('button', { name: /127.0.0.1:7102 primary/ }).waitFor()
    }),
  ))

/** What the three nodes tell: c is behind, and slots 5 to 7 move. */
function figures(replication) {
  const told = { complaint: null, software: 'Redis 7.0.15', memoryMaxBytes: null, clients: 3, offset: 9000, replication: null }
  const columns = { keys: Array(16384).fill(0), load: Array(16384).fill(0) }
  Object.assign(columns.keys, { 12000: 40, 77: 10 })
  Object.assign(columns.load, { 77: 350 })
  return {
    slots: columns,
    nodes: {
      at: 1,
      nodes: [
        { ...told, id: id('a'), keys: 10, memoryBytes: 1_234_567, commandsPerSecond: 120 },
        { ...told, id: id('b'), keys: 40, memoryBytes: 2_000_000, commandsPerSecond: 0 },
        { ...told, id: id('c'), keys: 40, memoryBytes: 2_000_000, commandsPerSecond: 0, replication },
      ],
      migrations: [{ from: id('a'), to: id('b'), ranges: [[5, 7]], slots: 3, how: 'slotBySlot', state: null, keysDone: null }],
    },
  }
}

test('what slots hold, how far replicas are behind and what moves is told and follows', async () => {
  const behind = { isLinked: true, isSyncing: false, behindBytes: 65_300, silentSeconds: 1 }
  const fake = fakeNode(BEFORE, figures(behind))
  const site = await serve('/playground/', fake.api)
  try {
    await visit(browser, site.url, async (page) => {
      await page.getByText('65.3 kB behind').waitFor()
      await page.getByText('10 keys stored, 1.2 MB, 120 commands a second').waitFor()
      await page.getByText('3 slots from 127.0.0.1:7100 to 127.0.0.1:7101').waitFor()
      const hot = page.getByRole('region', { name: 'Fullest slots of the live cluster' }).getByRole('button')
      assert.deepEqual((await hot.allTextContents()).map((text) => text.replace(/\s+/g, ' ').trim()), ['B 12000 40 keys 80.0%', 'A 77 10 keys 20.0%'])
      assert.deepEqual(await barriers(page), [])

      const cold = await colourOf(page, 9_000)
      await page.getByLabel('Colour').selectOption('Stored keys')
      assert.notDeepEqual(await colourOf(page, 12_000), await colourOf(page, 9_001), 'a full slot stands out')
      assert.notDeepEqual(await colourOf(page, 9_000), cold, 'an empty one fades')
      const full = await colourOf(page, 12_000)
      await page.getByLabel('Colour').selectOption('Load')
      await page.getByRole('button', { name: /A 77 350 µs a second/ }).waitFor()
      assert.notDeepEqual(await colourOf(page, 12_000), full, 'where keys lie idle no time is spent')
      await page.getByLabel('Colour').selectOption('Moves')
      assert.notDeepEqual(await colourOf(page, 6), await colourOf(page, 9), 'slots on their way stand out')

      await hot.last().click()
      const map = page.getByRole('slider', { name: 'Slot map' })
      await map.focus()
      assert.match(await map.getAttribute('aria-valuetext'), /^Slot 77, shard A, .* 10 keys stored, 350 µs a second$/)

      fake.tell(figures({ ...behind, isLinked: false }))
      await page.getByText('hears no primary').waitFor()
      const silent = figures(null)
      silent.nodes.nodes[2] = { ...silent.nodes.nodes[2], complaint: 'cannot be reached: nothing listens there', keys: null }
      silent.nodes.migrations = []
      fake.tell(silent)
      await page.getByText('does not answer').waitFor()
      await page.getByText('nothing listens there').waitFor({ state: 'attached' })
      await page.getByText('3 slots from').waitFor({ state: 'detached' })

      await page.getByRole('button', { name: 'Example' }).click()
      await page.getByText('10 keys stored').first().waitFor({ state: 'detached' })
    })
  } finally {
    await site.stop()
  }
})

/** After this time without agreement a replica gives a manual failover up; a second one before would begin anew. */
const MANUAL_FAILOVER_MS = 6_000

const none = process.env.SLOTWAY_HTTP || process.env.SLOTWAY_BIN ? false : 'neither SLOTWAY_HTTP nor SLOTWAY_BIN names a node'

test('a real node shows its own cluster, and each key on the node that takes it', { skip: none }, async () => {
  const real = await realNode()
  try {
    await visit(browser, real.url, async (page) => {
      const { nodes } = await (await fetch(new URL('api/topology', real.url))).json()
      const primaries = nodes.filter(({ role }) => role === 'primary')
      assert.equal(primaries.length, 3)
      await page.getByText('Live', { exact: true }).waitFor()
      for (const { port, slots } of primaries) {
        await page.getByRole('button', { name: new RegExp(`:${port} primary ${slots.toLocaleString('en')} slots`) }).waitFor()
      }
      for (const key of ['foo{}{bar}', '{user:1000}.cart', 'café']) {
        await page.getByRole('textbox', { name: 'Keys, one a line' }).fill(key)
        const shown = await page.getByRole('region', { name: 'The way of the selected key' }).getByText(/^[\d.]+:\d+$/).first().textContent()
        for (const { port } of primaries) {
          const answer = await redis(port, 'SET', key, 'value')
          assert.equal(answer, shown.endsWith(`:${port}`) ? 'OK' : `MOVED ${await redis(port, 'CLUSTER', 'KEYSLOT', key)} ${shown}`)
        }
      }
      const replica = nodes.find(({ role, primaryId }) => role === 'replica' && primaryId === primaries[0].id)
      await promote(replica.port)
      const log = page.getByRole('log', { name: 'What changed' })
      await log.getByText(`:${replica.port} has taken over from`).waitFor()
      await page.getByRole('button', { name: new RegExp(`:${replica.port} primary`) }).waitFor()
    })
  } finally {
    await real.stop()
  }
})

/** Makes the replica on `port` the primary. It may not be ready at once, so it is asked again when a failover has had its time. */
async function promote(port) {
  const until = Date.now() + 60_000
  for (let asked = 0; Date.now() < until; await setTimeout(200)) {
    if (/role:master/.test(await redis(port, 'INFO', 'replication'))) return
    if (Date.now() - asked < MANUAL_FAILOVER_MS) continue
    await redis(port, 'CLUSTER', 'FAILOVER')
    asked = Date.now()
  }
  assert.fail(`the node on port ${port} did not become a primary`)
}

async function redis(port, ...command) {
  const { stdout } = await promisify(execFile)('redis-cli', ['-p', String(port), ...command])
  return stdout.trim()
}

const noRedis = process.env.SLOTWAY_BIN ? false : 'SLOTWAY_BIN names no program'

test('over six redis-server the page shows what they hold, and a failover as it happens', { skip: noRedis }, async () => {
  const redisCluster = await realRedis()
  try {
    await visit(browser, redisCluster.url, async (page) => {
      await page.getByText('Live', { exact: true }).waitFor()
      const { nodes } = await (await fetch(new URL('api/topology', redisCluster.url))).json()
      const primary = nodes.find(({ role }) => role === 'primary')
      const replica = nodes.find(({ primaryId }) => primaryId === primary.id)
      await redis(redisCluster.port, '-c', 'SET', '{café}1', 'value')
      await redis(redisCluster.port, '-c', 'SET', '{café}2', 'value')
      const slot = await redis(redisCluster.port, 'CLUSTER', 'KEYSLOT', '{café}1')
      await page.getByRole('region', { name: 'Fullest slots of the live cluster' }).getByRole('button', { name: new RegExp(`${slot} .*2 keys`) }).waitFor()
      await page.getByText('in step').nth(2).waitFor()
      redisCluster.kill(primary.port)
      const log = page.getByRole('log', { name: 'What changed' })
      await log.getByText(`:${replica.port} has taken over from 127.0.0.1:${primary.port}`).waitFor({ timeout: 60_000 })
      await page.getByRole('button', { name: new RegExp(`:${replica.port} primary`) }).waitFor()
      await page.getByText('does not answer').waitFor()
    })
  } finally {
    await redisCluster.stop()
  }
})
