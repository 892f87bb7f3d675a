// The built page from a folder of some web site: no node behind it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { barriers, colourOf, pageInAFolder, row, said, visit } from './support.mjs'

const here = pageInAFolder()

const keysField = (page) => page.getByRole('textbox', { name: 'Keys, one a line' })
const map = (page) => page.getByRole('slider', { name: 'Slot map' })

test('the first visit shows an example with keys, slots and nodes, and says that it is one', () =>
  visit(here.browser, here.site.url, async (page) => {
    await page.getByText('Not served by a node: this is an example cluster.').waitFor()
    assert.match(await said(row(page, '{user:1000}.cart')), /^{user:1000}.cart, slot 1649, shard A$/)
    assert.equal(await page.getByText('12 keys').count(), 1)
    assert.equal(await page.getByText('1 duplicate').count(), 1)
    assert.equal(await page.getByText('replica').count() >= 3, true)
    assert.notDeepEqual(await colourOf(page, 100), await colourOf(page, 8000))
  }))

test('a key typed shows its slot, its node and how both came about', () =>
  visit(here.browser, here.site.url, async (page) => {
    await keysField(page).fill('foo{}{bar}')
    await row(page, 'foo{}{bar}').waitFor()
    assert.equal(await said(row(page, 'foo{}{bar}')), 'foo{}{bar}, slot 8363, shard B')
    await page.getByRole('heading', { name: 'How slot 8363 was computed' }).waitFor()
    await page.getByText('An empty tag does not count').waitFor()
    await keysField(page).fill('foo{{bar}}zap')
    await page.getByRole('heading', { name: 'How slot 4015 was computed' }).waitFor()
  }))

test('the map is walked with the keyboard and tells in words where one is', () =>
  visit(here.browser, here.site.url, async (page) => {
    await map(page).focus()
    await page.keyboard.press('Home')
    assert.match(await map(page).getAttribute('aria-valuetext'), /^Slot 0, shard A, 127.0.0.1:7000, none of your keys/)
    for (const [key, slot] of [['ArrowRight', 1], ['ArrowDown', 129], ['PageDown', 1153], ['n', 5461], ['n', 10923], ['p', 5461], ['End', 16383], ['ArrowDown', 16383]]) {
      await page.keyboard.press(key)
      assert.equal(await map(page).getAttribute('aria-valuenow'), String(slot), `after ${key}`)
    }
    await page.keyboard.press('Enter')
    await page.locator('[aria-live]', { hasText: 'Pinned: Slot 16383, shard C' }).waitFor({ state: 'attached' })
  }))

test('a click on the map pins a slot, and a key is found for it', () =>
  visit(here.browser, here.site.url, async (page) => {
    const { width } = await map(page).boundingBox()
    await map(page).click({ position: { x: (64.5 * width) / 128, y: (126.5 * width) / 128 } })
    await page.getByText('No key of yours is in this slot.').waitFor()
    await page.getByRole('button', { name: 'Add one that is' }).click()
    await page.getByRole('heading', { name: 'How slot 16192 was computed' }).waitFor()
  }))

test('hovering the map tells slot, range and keys', () =>
  visit(here.browser, here.site.url, async (page) => {
    const { width } = await map(page).boundingBox()
    await map(page).hover({ position: { x: ((1649 % 128) + 0.5) * (width / 128), y: (Math.floor(1649 / 128) + 0.5) * (width / 128) } })
    const tip = page.locator('.tip')
    await tip.getByText('Slot 1649').waitFor()
    await tip.getByText('in slots 0–5460').waitFor()
    await tip.getByText('{user:1000}.cart').waitFor()
  }))

test('choosing a node brings its slots out', () =>
  visit(here.browser, here.site.url, async (page) => {
    const before = await colourOf(page, 8000)
    const node = page.getByRole('button', { name: /127.0.0.1:7000 primary/ })
    await node.click()
    assert.equal(await node.getAttribute('aria-pressed'), 'true')
    assert.notDeepEqual(await colourOf(page, 8000), before)
  }))

test('the link brings another visitor to the same keys and slot', async () => {
  let link
  await visit(here.browser, here.site.url, async (page) => {
    await keysField(page).fill('one\ntwo\n{ü}three')
    await row(page, 'two').click()
    await page.waitForURL(/#k=.*&s=\d+/)
    link = page.url()
  })
  await visit(here.browser, link, async (page) => {
    assert.equal(await keysField(page).inputValue(), 'one\ntwo\n{ü}three')
    assert.equal(await row(page, 'two').getAttribute('aria-selected'), 'true')
  })
})

test('a quarter of a million keys are pasted without freezing the page', () =>
  visit(here.browser, here.site.url, async (page) => {
    const keys = Array.from({ length: 250_000 }, (_, at) => `user:${at}`).join('\n')
    await keysField(page).evaluate((field, text) => {
      const clipboardData = new DataTransfer()
      clipboardData.setData('text/plain', text)
      field.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
    }, keys)
    await page.getByText('250,000 keys').waitFor()
    await page.getByText('16,384 slots').first().waitFor()
    assert.ok((await page.getByRole('option').count()) < 100)
    await page.getByRole('listbox').press('End')
    await row(page, 'user:249999').waitFor()
  }))

const NODES = `\
07c37dfeb235213a872192d90877d0cd55635b91 10.0.0.1:6379@16379,one.example myself,master - 0 0 1 connected 0-8000
e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca [2001:db8::2]:6379@16379 master,fail - 0 0 2 disconnected 8001-16000`

test('a pasted CLUSTER NODES shows that cluster, with its failures and gaps', () =>
  visit(here.browser, here.site.url, async (page) => {
    await page.getByRole('button', { name: 'Paste yours' }).click()
    const field = page.getByRole('textbox', { name: 'Your cluster' })
    await field.fill(NODES)
    await page.getByText('Read: 2 shards, 2 nodes, 383 slots served by nobody').waitFor()
    await page.getByText('Served by nobody: 16001–16383').waitFor()
    await page.getByText('failed', { exact: true }).waitFor()
    await field.fill('nonsense here')
    await page.getByText('This cannot be read. line 1').waitFor()
  }))

test('pasted output of CLUSTER SLOTS from redis-cli is read too', () =>
  visit(here.browser, here.site.url, async (page) => {
    await page.getByRole('button', { name: 'Paste yours' }).click()
    await page.getByRole('textbox', { name: 'Your cluster' }).fill(`1) 1) (integer) 0
   2) (integer) 16383
   3) 1) "192.0.2.7"
      2) (integer) 7007
      3) "07c37dfeb235213a872192d90877d0cd55635b91"
      4) (empty array)`)
    await page.getByText('Read: 1 shard, 1 node, all 16384 slots served').waitFor()
    await page.getByRole('button', { name: /192.0.2.7:7007/ }).waitFor()
  }))

for (const colorScheme of ['light', 'dark']) {
  for (const viewport of [{ width: 1280, height: 800 }, { width: 390, height: 844 }, { width: 360, height: 640 }]) {
    test(`axe finds no barrier and nothing is cut off, ${colorScheme}, ${viewport.width} wide`, () =>
      visit(
        here.browser,
        here.site.url,
        async (page) => {
          await page.getByRole('button', { name: 'Paste yours' }).click()
          assert.deepEqual(await barriers(page), [])
          assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), viewport.width)
        },
        { colorScheme, viewport },
      ))
  }
}
