// The built page as a node serves it: a node that this test plays, and a real one when SLOTWAY_HTTP names it.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { after, before, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { barriers, colourOf, fakeNode, launch, realNode, row, said, serve, visit } from './support.mjs'

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
