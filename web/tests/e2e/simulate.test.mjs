// The simulator in the page: the control planes of real nodes, broken by hand.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { barriers, pageInAFolder, visitAt } from './support.mjs'

const here = pageInAFolder()

const CALM = '#simulate/3,1,2000,7/at=0'
const open = (fragment, use, options = {}) => visitAt(here.browser, `${here.site.url}${fragment}`, 'The cluster now', use, options)
const rowOf = (page, node) => page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: `n${node}`, exact: true }) }).first()
const log = (page) => page.getByRole('list', { name: 'What happened' })
const clock = async (page) => Number.parseFloat(await page.locator('output').textContent())

/** Moves the timeline to `ms`, as dragging it does, and waits until that moment is shown. */
async function seek(page, ms) {
  await page.getByRole('slider', { name: 'Time' }).evaluate((slider, ms) => {
    slider.value = String(ms)
    slider.dispatchEvent(new Event('input', { bubbles: true }))
  }, ms)
  await page.getByText(`${(ms / 1000).toFixed(2)} s`, { exact: true }).waitFor()
}

test('a primary is killed by hand, its replica takes over, and the old one comes back as its replica', () =>
  open(CALM, async (page) => {
    await seek(page, 1000)
    await rowOf(page, 0).getByRole('button', { name: 'n0' }).click()
    await page.getByRole('button', { name: 'Kill the host' }).click()
    await rowOf(page, 0).getByText('host gone').waitFor()
    await page.getByLabel('Speed').selectOption('5×')
    await page.getByRole('button', { name: 'Play', exact: true }).click()
    await log(page).getByText('election won: this node is a primary since epoch 4').waitFor()
    await rowOf(page, 3).getByText('5,461').waitFor()
    assert.ok((await log(page).getByText('n0 is down: a majority').count()) > 0)
    await page.getByRole('button', { name: 'Start', exact: true }).click()
    await rowOf(page, 0).getByText('replica of n3').waitFor()
  }))

test('a scenario begins with one click, and a line of the log is a place in time', () =>
  open(CALM, async (page) => {
    await page.getByLabel('Speed').selectOption('20×')
    await page.getByRole('button', { name: 'Kill a primary' }).click()
    await log(page).getByText('n0 starts at').waitFor()
    await page.getByRole('button', { name: 'Pause', exact: true }).click()
    await log(page).getByRole('button', { name: /election won/ }).click()
    await rowOf(page, 0).getByText('host gone').waitFor()
    assert.ok((await clock(page)) < 9)
  }))

test('a shared link gives the same state again', () =>
  open(CALM, async (page) => {
    await seek(page, 500)
    await page.getByRole('button', { name: 'Cut off from all' }).click()
    await seek(page, 6000)
    await page.waitForFunction(() => location.hash.includes('at=6000'))
    const [hash, link] = [await page.locator('[data-hash]').textContent(), page.url()]
    assert.match(link, /500\.split\.0/)
    const other = link.slice(link.indexOf('#'))
    await open(other, async (again) => {
      await again.getByText('6.00 s', { exact: true }).waitFor()
      assert.equal(await again.locator('[data-hash]').textContent(), hash)
      await seek(again, 100)
      await seek(again, 6000)
      assert.equal(await again.locator('[data-hash]').textContent(), hash, 'and after going back in time')
    })
  }))

test('what is done in the past is done instead of what came after', () =>
  open('#simulate/3,1,2000,7/at=0/2000.vanish.0/3000.vanish.1', async (page) => {
    await seek(page, 4000)
    await rowOf(page, 1).getByText('host gone').waitFor()
    await seek(page, 2500)
    await page.getByRole('button', { name: 'Start', exact: true }).click()
    await seek(page, 4000)
    await rowOf(page, 1).getByText('primary').waitFor()
    await page.waitForFunction(() => location.hash.includes('2500.start.0') && !location.hash.includes('vanish.1'))
  }))

test('the keyboard alone suffices', () =>
  open(CALM, async (page) => {
    const stage = page.getByRole('application')
    await stage.focus()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowRight')
    await page.getByText('1.00 s', { exact: true }).waitFor()
    await page.keyboard.press('k')
    await rowOf(page, 1).getByText('host gone').waitFor()
    await page.keyboard.press('.')
    await log(page).getByText('n1 does not answer').first().waitFor()
    await page.keyboard.press('s')
    await rowOf(page, 1).getByText('host gone').waitFor({ state: 'detached' })
  }))

test('a node answers commands as it sees the cluster', () =>
  open(CALM, async (page) => {
    await seek(page, 1000)
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await page.getByText(/myself,master/).waitFor()
    await page.getByRole('textbox', { name: 'Command' }).fill('CLUSTER FAILOVER')
    await page.getByRole('button', { name: 'Run', exact: true }).click()
    await log(page).getByText('n0 refuses').waitFor()
  }))

test('seeds of the test suite have the same trace here as natively', { skip: !process.env.SLOTWAY_REPLAY }, async () => {
  for (const line of execFileSync(process.env.SLOTWAY_REPLAY, ['--hashes', '2..3'], { encoding: 'utf8' }).trim().split('\n')) {
    const [seed, , control] = line.split(' ')
    await open(`#simulate/storm,${seed}/at=9999999`, async (page) => {
      await page.getByText('every promise of the protocol has come true').waitFor({ timeout: 120_000 })
      assert.equal(await page.locator('[data-hash]').textContent(), control, `seed ${seed}`)
    })
  }
})

test('the screen is complete in Chinese', () =>
  visitAt(
    here.browser,
    `${here.site.url}#simulate/3,1,2000,7/at=7000/2000.vanish.0`,
    '当前集群',
    async (page) => {
      await page.getByRole('list', { name: '发生了什么' }).getByText('当选：自纪元 4 起为主节点').waitFor()
      assert.equal(await page.evaluate(() => document.documentElement.lang), 'zh-Hans')
      const texts = (await page.locator('main').innerText()).replace(/English|MOVED|CLUSTERDOWN|Slotway|WebAssembly|CLUSTER NODES|\bfail\b/g, '')
      assert.deepEqual(texts.match(/[A-Za-z]{4,}/g)?.filter((word) => !/^[0-9a-f]+$/.test(word)) ?? [], [])
    },
    { locale: 'zh-CN' },
  ))

for (const colorScheme of ['light', 'dark']) {
  for (const viewport of [{ width: 1440, height: 900 }, { width: 390, height: 844 }]) {
    test(`axe finds no barrier in the simulator, ${colorScheme}, ${viewport.width} wide`, () =>
      open(
        '#simulate/3,1,2000,7/at=5000/2000.vanish.0/2500.cut.1.2',
        async (page) => {
          await log(page).getByText('n0 does not answer').first().waitFor()
          assert.deepEqual(await barriers(page), [])
          assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), viewport.width)
          if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/simulate-${colorScheme}-${viewport.width}.png`, fullPage: true })
        },
        { colorScheme, viewport },
      ))
  }
}
