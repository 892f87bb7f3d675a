// The screens of commands and plans, and what all screens share: both languages, undo, files, links, and visits without a network.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { barriers, colourOf, pageInAFolder, row, serve, visit, visitAt } from './support.mjs'

const here = pageInAFolder()

const commands = (use, fragment = '#commands', options = {}) => visitAt(here.browser, `${here.site.url}${fragment}`, 'Where each goes', use, options)
const plan = (use, fragment = '#plan', options = {}) => visitAt(here.browser, `${here.site.url}${fragment}`, 'What moves', use, options)
const field = (page) => page.getByRole('textbox', { name: 'Commands, one a line' })
const verdict = (page, line) => page.getByRole('listitem').filter({ hasText: new RegExp(`^\\s*Line ${line}:`) })
const shares = (page) => page.getByRole('table').first().getByRole('row')

/** The numbers of slots before and after of the row that names `place`. */
async function slotsOf(page, place) {
  const cells = await shares(page).filter({ hasText: place }).getByRole('cell').allTextContents()
  return cells.slice(1, 3).map((text) => Number(text.replace(/\D/g, '')))
}

/** The file that `act` has the browser save, as text. */
async function savedBy(page, act) {
  const [download] = await Promise.all([page.waitForEvent('download'), act()])
  return { name: download.suggestedFilename(), bytes: await readFile(await download.path()) }
}

test('commands show their keys, where they go, and in the words of the server why not', () =>
  commands(async (page) => {
    await field(page).fill('MGET {user:1}.a {user:1}.b\nMSET order:17:items 3 order:17:total 42\nNOPE x')
    await verdict(page, 1).getByText('Served by 127.0.0.1:7001').waitFor()
    assert.equal(await verdict(page, 1).getByText('slot 10778').count(), 2)
    await verdict(page, 2).getByText("(error) CROSSSLOT Keys in request don't hash to the same slot").waitFor()
    await verdict(page, 2).getByText('MSET order:17:total 42', { exact: true }).waitFor()
    await verdict(page, 3).getByText("(error) ERR unknown command 'NOPE', with args beginning with: 'x'").waitFor()
    await verdict(page, 2).getByRole('button', { name: 'Use these names' }).click()
    await verdict(page, 2).getByText('Served by').waitFor()
    assert.match(await field(page).inputValue(), /^MSET {order:17}:items 3 {order:17}:total 42$/m)
    await page.getByRole('button', { name: 'Undo' }).click()
    assert.match(await field(page).inputValue(), /^MSET order:17:items 3/m)
  }))

test('a node that is asked itself moves what is not its own, and a transaction is one command to EXEC', () =>
  commands(async (page) => {
    await field(page).fill('GET a\nMULTI\nSET {b}1 1\nSET {b}2 2\nEXEC')
    await verdict(page, 1).getByText('Served by 127.0.0.1:7002').waitFor()
    await verdict(page, 5).getByText('Served by 127.0.0.1:7000').waitFor()
    await page.getByLabel('Sent by').selectOption('127.0.0.1:7000')
    await verdict(page, 1).getByText('(error) MOVED 15495 127.0.0.1:7002').waitFor()
    await verdict(page, 3).getByText('Queued, until EXEC').waitFor()
    await page.getByText('4 commands served, 1 refused').waitFor()
  }))

test('a link brings another visitor to the same commands', async () => {
  let link
  await commands(async (page) => {
    await field(page).fill('GET "ü &"')
    await page.waitForURL(/#commands&c=/)
    link = page.url().slice(page.url().indexOf('#'))
  })
  await commands(async (page) => assert.equal(await field(page).inputValue(), 'GET "ü &"'), link)
})

test('a primary that joins gets its part: the exact moves, and commands that make them', () =>
  plan(async (page) => {
    await page.getByText('Nothing has to move.').waitFor()
    await page.getByRole('button', { name: 'Add it' }).click()
    await page.getByText('4,096 slots of 16384 move, 25.0%').waitFor()
    assert.deepEqual(await slotsOf(page, 'new-1:6379'), [0, 4096])
    const orders = page.getByRole('group', { name: 'How to do it' }).last()
    await orders.getByText(/^slotway cluster add-node 127.0.0.1:7000 new-1:6379\nslotway cluster reshard .* --ranges \d+-\d+/).waitFor()
    await page.getByRole('button', { name: 'MIGRATESLOTS' }).click()
    await orders.getByText(/cluster migrateslots slotsrange \d+ \d+ node "\$\(redis-cli -h new-1 -p 6379 cluster myid\)"/).waitFor()
    const { name, bytes } = await savedBy(page, () => page.getByRole('button', { name: 'Save as CSV' }).click())
    assert.equal(name, 'plan.csv')
    const moved = bytes.toString().trim().split('\r\n').slice(1).map((line) => line.split(','))
    assert.equal(moved.reduce((sum, [, , first, last]) => sum + Number(last) - Number(first) + 1, 0), 4096)
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('Nothing has to move.').waitFor()
    await page.getByRole('button', { name: 'Redo' }).click()
    await page.getByText('4,096 slots of 16384 move').waitFor()
  }))

test('shares are set with the keyboard, a primary leaves, and what cannot be is said', () =>
  plan(async (page) => {
    const share = (port) => page.getByRole('spinbutton', { name: `Share of 127.0.0.1:${port}` })
    await share(7000).focus()
    await page.keyboard.press('ArrowUp')
    await page.getByText(/slots of 16384 move/).waitFor()
    assert.deepEqual((await slotsOf(page, ':7000'))[1], 8192)
    await page.getByRole('button', { name: 'Let it leave: 127.0.0.1:7001' }).click()
    await page.getByText('fewer than three primaries').waitFor()
    assert.deepEqual((await slotsOf(page, ':7001'))[1], 0)
    await share(7000).fill('0')
    await share(7002).fill('0')
    await page.getByText('There is no such plan:').waitFor()
    await page.getByRole('button', { name: 'Start over' }).click()
    await page.getByText('Nothing has to move.').waitFor()
  }))

test('a new cluster is made with the sliders, and its link brings another visitor to it', async () => {
  let link
  await plan(async (page) => {
    await page.getByRole('button', { name: 'a new one' }).click()
    await page.getByRole('slider', { name: 'Primaries' }).focus()
    await page.keyboard.press('ArrowLeft')
    await page.getByRole('slider', { name: 'Replicas each' }).press('ArrowRight')
    await page.getByText(/^slotway cluster create( 127.0.0.1:70\d\d){15} --replicas 2$/).waitFor()
    await page.waitForURL(/#plan&p=.*5/)
    link = page.url().slice(page.url().indexOf('#'))
  })
  await plan(async (page) => {
    await page.getByText(/^slotway cluster create( 127.0.0.1:70\d\d){15} --replicas 2$/).waitFor()
  }, link)
})

const NODES = `\
07c37dfeb235213a872192d90877d0cd55635b91 10.0.0.1:6379@16379,one.example myself,master - 0 0 1 connected 0-8000
e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca 10.0.0.2:6379@16379 master,fail - 0 0 2 disconnected 8001-16000`

test('a pasted cluster is planned with, and stays when the screen or the visitor changes', async () => {
  let link
  await plan(async (page) => {
    await page.getByRole('button', { name: 'Paste yours' }).click()
    await page.getByRole('textbox', { name: 'Your cluster' }).fill(NODES)
    await page.getByText('nothing can be moved from it before a replica takes over: 10.0.0.2:6379.').waitFor()
    await page.getByRole('cell', { name: 'nobody' }).first().waitFor()
    await page.getByRole('link', { name: 'Commands' }).click()
    await page.getByText('CLUSTERDOWN').first().waitFor()
    await page.getByRole('link', { name: 'Plan' }).click()
    await page.waitForURL(/#plan&[ty]=/)
    link = page.url().slice(page.url().indexOf('#'))
  })
  await plan(async (page) => page.getByText('before a replica takes over: 10.0.0.2:6379.').waitFor(), link)
})

test('keys are taken back and brought again', () =>
  visit(here.browser, here.site.url, async (page) => {
    const keys = page.getByRole('textbox', { name: 'Keys, one a line' })
    const example = await keys.inputValue()
    await keys.fill('one')
    await page.getByRole('button', { name: 'Undo' }).click()
    assert.equal(await keys.inputValue(), example)
    await page.getByRole('slider', { name: 'Slot map' }).focus()
    await page.keyboard.press('Control+Shift+Z')
    assert.equal(await keys.inputValue(), 'one')
    await page.keyboard.press('Control+z')
    assert.equal(await keys.inputValue(), example)
  }))

test('the map is laid out along a curve, coloured by keys, brought nearer and saved', () =>
  visit(here.browser, here.site.url, async (page) => {
    const map = page.getByRole('slider', { name: 'Slot map' })
    const [inside, corner] = [await colourOf(page, 64), await colourOf(page, 127)]
    await page.getByLabel('Order').selectOption('Hilbert')
    assert.notDeepEqual(await colourOf(page, 127), corner, 'the curve ends in the corner above on the right')
    await map.focus()
    await page.keyboard.press('Home')
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowDown')
    assert.equal(await map.getAttribute('aria-valuenow'), '2', 'the third slot of the curve is right and below')
    await page.getByLabel('Colour').selectOption('Keys')
    assert.notDeepEqual(await colourOf(page, 64), inside)
    const { width } = await map.boundingBox()
    await page.getByRole('button', { name: 'Zoom in' }).click()
    assert.ok((await map.boundingBox()).width > 1.9 * width)
    const files = {}
    for (const kind of ['PNG', 'SVG', 'CSV', 'JSON']) {
      const { name, bytes } = await savedBy(page, () => page.getByRole('button', { name: `Save the map as ${kind}` }).click())
      assert.equal(name, `slots.${kind.toLowerCase()}`)
      files[kind] = bytes
    }
    assert.equal(files.PNG.subarray(1, 4).toString(), 'PNG')
    assert.match(files.SVG.toString(), /^<svg .*<rect /)
    assert.match(files.CSV.toString(), /^key,slot,node,times\r\n.*\r\n{user:1000}.cart,1649,127.0.0.1:7000,1\r\n/)
    assert.equal(JSON.parse(files.JSON).cluster.nodes.length, 6)
    assert.equal(JSON.parse(files.JSON).keysPerSlot[1649], 3)
  }))

test('all slots are a table too, which is saved whole', () =>
  visit(here.browser, here.site.url, async (page) => {
    await page.getByRole('button', { name: 'Table' }).click()
    const table = page.getByRole('table', { name: 'All slots' })
    await table.getByRole('row', { name: /^Slot 1649 .*127.0.0.1:7000 3$/ }).waitFor()
    assert.equal(await table.getAttribute('aria-rowcount'), '16385')
    assert.ok((await table.getByRole('row').count()) < 60, 'only the rows in sight exist')
    await table.focus()
    await page.keyboard.press('Home')
    await table.getByRole('row', { name: /^Slot 0 / }).waitFor()
    await page.keyboard.press('End')
    await table.getByRole('row', { name: /16383/ }).waitFor()
    await table.getByRole('button', { name: 'Slot 16383' }).click()
    assert.equal(await page.getByRole('slider', { name: 'Slot map' }).getAttribute('aria-valuenow'), '16383')
    assert.deepEqual(await barriers(page), [])
    const { name, bytes } = await savedBy(page, () => page.getByRole('button', { name: 'Save all slots as CSV' }).click())
    assert.equal(name, 'all-slots.csv')
    const lines = bytes.toString().trimEnd().split('\r\n')
    assert.equal(lines.length, 16385)
    assert.deepEqual([lines[0], lines[1650]], ['slot,node,keys', '1649,127.0.0.1:7000,3'])
  }))

test('everything is kept in a file, and is there again when it is opened', async () => {
  const many = Array.from({ length: 40_000 }, (_, at) => `user:${at}:${(at * 7919) % 65_521}`).join('\n')
  let kept
  await visit(here.browser, here.site.url, async (page) => {
    await page.getByRole('textbox', { name: 'Keys, one a line' }).evaluate((field, text) => {
      field.value = text
      field.dispatchEvent(new Event('input', { bubbles: true }))
    }, many)
    await page.getByText('too much for a link').waitFor()
    await page.getByRole('link', { name: 'Commands' }).click()
    await field(page).fill('GET kept')
    kept = await savedBy(page, () => page.getByRole('button', { name: 'Save all of this as a file' }).click())
    assert.equal(kept.name, 'slotway.json')
  })
  await visit(here.browser, here.site.url, async (page) => {
    const open = (name, text) => page.locator('input[accept*=json]').setInputFiles({ name, mimeType: 'application/json', buffer: Buffer.from(text) })
    await open('other.json', '{"nodes": []}')
    await page.getByText('This is no file that this page has saved.').waitFor()
    await open(kept.name, kept.bytes)
    await page.getByRole('heading', { name: 'Where each goes' }).waitFor()
    assert.equal(await field(page).inputValue(), 'GET kept')
    await page.getByRole('link', { name: 'Slots' }).click()
    await page.getByText('40,000 keys').first().waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.getByText('40,000 keys').first().waitFor({ state: 'detached' })
  })
})

test('on a phone each primary can be let go without scrolling sideways', () =>
  plan(
    async (page) => {
      for (const port of [7000, 7001, 7002]) {
        const leave = page.getByRole('button', { name: `Let it leave: 127.0.0.1:${port}` })
        const { x, width } = await leave.boundingBox()
        assert.ok(x >= 0 && x + width <= 360, `the button ends at ${x + width}`)
      }
      assert.ok(await page.locator('.scroll').first().evaluate((box) => box.scrollWidth <= box.clientWidth), 'the table is no wider than its place')
      await page.getByRole('button', { name: 'Let it leave: 127.0.0.1:7001' }).click()
      await page.getByText(/slots of 16384 move/).waitFor()
    },
    '#plan',
    { viewport: { width: 360, height: 740 } },
  ))

test('a hot tag is found and advised on', () =>
  visit(here.browser, here.site.url, async (page) => {
    const keys = [...Array.from({ length: 400 }, (_, at) => `user:${at}`), ...Array.from({ length: 100 }, (_, at) => `{eu}:${at}`)]
    await page.getByRole('textbox', { name: 'Keys, one a line' }).fill(keys.join('\n'))
    await page.getByText('The tag {eu} holds 20.0% of your keys in one slot').waitFor()
    await page.getByRole('button', { name: /All of the hash tag {eu}/ }).click()
    assert.equal(await row(page, '{eu}:0').getAttribute('aria-selected'), 'true')
  }))

test('the checksum is walked byte by byte', () =>
  visit(here.browser, here.site.url, async (page) => {
    await page.getByRole('textbox', { name: 'Keys, one a line' }).fill('123456789')
    await page.getByText('Byte 1 of 9: the upper half of 0000 xor 31 is 31.').waitFor()
    for (let at = 0; at < 8; at++) await page.getByRole('button', { name: 'Next byte' }).click()
    await page.getByText(/Byte 9 of 9: .* is 31C3\.$/).waitFor()
    assert.ok(await page.getByRole('button', { name: 'Next byte' }).isDisabled())
  }))

test('a dropped file of a million keys is listed without freezing the page', () =>
  visit(here.browser, here.site.url, async (page) => {
    await page.evaluate(() => {
      globalThis.longest = 0
      new PerformanceObserver((list) => list.getEntries().forEach(({ duration }) => (globalThis.longest = Math.max(globalThis.longest, duration)))).observe({ type: 'longtask' })
      const text = Array.from({ length: 1_000_000 }, (_, at) => `user:${at}`).join('\n')
      const dataTransfer = new DataTransfer()
      dataTransfer.items.add(new File([text], 'keys.txt', { type: 'text/plain' }))
      document.querySelector('.keys').dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }))
    })
    await page.getByText('1,000,000 keys').first().waitFor({ timeout: 60_000 })
    await page.getByText(/Counting/).waitFor({ state: 'detached' })
    if (process.env.SHOW_FIGURES) console.log(`longest task: ${await page.evaluate(() => globalThis.longest)} ms`)
    await page.getByText('too much for a link').waitFor()
  }))

const LATIN = /[A-Za-z]{4,}/g
/** Names that are the same in every language: of programs, commands, files and hosts, and what was typed. */
const NAMES = /Slotway|English|Redis|Valkey|scan|CRC|XMODEM|MULTI|EXEC\w*|CROSSSLOT|redis-cli|slotway|SETSLOT|MIGRATESLOTS|dry-run|xor|mod|table|JSON|Hilbert/g

for (const [fragment, heading, extra] of [
  ['', '槽', /user|cart|session|order|product|queue|espresso|flat|white|email|orders|caf|emails/g],
  ['#commands', '各发往何处', /MGET|MSET|INCR|PING|EXPIRE|user|order|cart|items|total|version|orders|Keys in request don't hash to the same slot|error|because of previous errors\.|Transaction discarded/g],
  ['#plan&p=%5B0%2C%5B%22n%3A1%22%5D%2C%7B%7D%5D', '迁移内容', /cluster|node|reshard|ranges/g],
]) {
  test(`the screen ${fragment || '#slots'} is complete in Chinese, and in English again by a click`, () =>
    visitAt(
      here.browser,
      `${here.site.url}${fragment}`,
      heading,
      async (page) => {
        assert.equal(await page.evaluate(() => document.documentElement.lang), 'zh-Hans')
        const texts = await page.locator('body').innerText()
        const names = await page.locator('[aria-label]').evaluateAll((all) => all.map((element) => element.getAttribute('aria-label')).join('\n'))
        assert.deepEqual(`${texts}\n${names}`.replace(NAMES, '').replace(extra, '').match(LATIN)?.filter((word) => !/^[0-9a-f]+$/i.test(word)) ?? [], [])
        assert.deepEqual(await barriers(page), [])
        await page.getByRole('button', { name: 'English' }).click()
        await page.getByRole('link', { name: 'Commands' }).waitFor()
        assert.equal(await page.evaluate(() => document.documentElement.lang), 'en')
        await page.waitForFunction(() => !/\p{Script=Han}/u.test(document.body.innerText.replace('简体中文', '')))
        await page.reload()
        await page.getByRole('link', { name: 'Commands' }).waitFor()
      },
      { locale: 'zh-CN' },
    ))
}

test('the lessons show what they tell, and know the answers', () =>
  visit(here.browser, here.site.url, async (page) => {
    await page.getByRole('button', { name: 'Lessons' }).click()
    const answer = async (wrong, right) => {
      await page.getByRole('button', { name: wrong, exact: true }).click()
      await page.getByText('Not so: look once more.').waitFor()
      await page.getByRole('button', { name: right, exact: true }).click()
      await page.getByText(/^Right\./).waitFor()
    }
    await page.getByRole('button', { name: 'Show it' }).click()
    await row(page, 'order:2').waitFor()
    const [, slot] = /slot (\d+)/.exec(await row(page, 'order:2').textContent())
    const others = await page.getByRole('group', { name: /In which slot is it/ }).getByRole('button').allTextContents()
    await answer(others.find((other) => other !== slot), slot)
    await page.getByRole('button', { name: 'Next', exact: true }).click()
    await answer('user:7', '{user:7}:cart')
    await page.getByRole('button', { name: 'Next', exact: true }).click()
    await page.getByText('1 command served, 1 refused').waitFor()
    await answer('MGET user:7:name user:7:mail', 'MGET {user:7}:name {user:7}:mail')
    await page.getByRole('button', { name: 'Next', exact: true }).click()
    await page.getByText('4,096 slots of 16384 move').waitFor()
    await answer('8192', '4096')
    assert.deepEqual(await barriers(page), [])
    await page.getByRole('button', { name: 'Next', exact: true }).click()
    await page.getByRole('heading', { name: 'The cluster now' }).waitFor()
    await page.getByRole('group', { name: /Who has its slots/ }).getByRole('button', { name: 'n3' }).click()
    await page.getByText(/^Right\./).waitFor()
    await page.getByRole('button', { name: 'Close' }).click()
    await page.getByText('Lesson 5 of 5').waitFor({ state: 'detached' })
  }))

test('after one visit the page comes without a network, with all its screens', async () => {
  const context = await here.browser.newContext({ locale: 'en-GB' })
  const other = await serve('/kept/')
  try {
    const page = await context.newPage()
    await page.goto(other.url)
    await page.evaluate(async () => {
      const { active } = await navigator.serviceWorker.ready
      if (active.state !== 'activated') await new Promise((done) => active.addEventListener('statechange', () => active.state === 'activated' && done()))
    })
    await other.stop()
    await page.goto(`${other.url}#slots`)
    await page.reload()
    await page.getByRole('heading', { name: 'How slot 1649 was computed' }).waitFor()
    await page.getByRole('link', { name: 'Plan' }).click()
    await page.getByText('Nothing has to move.').waitFor()
    await page.getByRole('link', { name: 'Simulate' }).click()
    await page.getByRole('heading', { name: 'The cluster now' }).waitFor()
  } finally {
    await context.close()
    await other.stop()
  }
})

for (const colorScheme of ['light', 'dark']) {
  for (const viewport of [{ width: 1440, height: 900 }, { width: 390, height: 844 }]) {
    for (const [name, open] of [['commands', commands], ['plan', plan], ['slots', (use, _, options) => visit(here.browser, here.site.url, use, options)]]) {
      test(`axe finds no barrier in ${name}, ${colorScheme}, ${viewport.width} wide`, () =>
        open(
          async (page) => {
            if (name === 'plan') {
              await page.getByRole('button', { name: 'Add it' }).click()
              await page.getByText('slots of 16384 move').waitFor()
            }
            if (name === 'commands') await page.getByText('What would mend it').first().waitFor()
            assert.deepEqual(await barriers(page), [])
            assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), viewport.width)
            if (process.env.SCREENSHOTS) await page.screenshot({ path: `${process.env.SCREENSHOTS}/${name}-${colorScheme}-${viewport.width}.png`, fullPage: true })
          },
          undefined,
          { colorScheme, viewport },
        ))
    }
  }
}
