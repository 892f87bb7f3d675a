// A browser, and servers that serve the built page: a plain one, and one that answers as a node does.
import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { extname, join, normalize } from 'node:path'
import { after, before } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { chromium } from 'playwright-core'

const DIST = fileURLToPath(new URL('../../dist', import.meta.url))
const AXE = fileURLToPath(new URL('../../node_modules/axe-core/axe.min.js', import.meta.url))

/** Stricter than what a node sends: the page must not need more than this. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "connect-src 'self'",
  "worker-src 'self'",
  "img-src 'self' data:",
].join('; ')

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.wasm': 'application/wasm' }

export function launch() {
  const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync']
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args })
}

/** Serves dist/ below `base`; `api` may answer first. Returns the address of the page and a way to stop. */
export async function serve(base = '/', api = () => false) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://page')
    if (!pathname.startsWith(base)) return response.writeHead(404).end()
    const path = pathname.slice(base.length) || 'index.html'
    if (api(path, response)) return
    const file = await readFile(join(DIST, normalize(`/${path}`))).catch(() => null)
    if (file === null) return response.writeHead(404).end()
    response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream', 'content-security-policy': POLICY })
    response.end(file)
  })
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready))
  const stop = () => {
    server.closeAllConnections()
    return new Promise((done) => server.close(done))
  }
  return { url: `http://127.0.0.1:${server.address().port}${base}`, stop }
}

/** For all tests of a file: a browser, and the built page in a folder of some web site. */
export function pageInAFolder() {
  const here = {}
  before(async () => {
    here.browser = await launch()
    here.site = await serve('/some/folder/')
  })
  after(async () => {
    await here.browser?.close()
    await here.site?.stop()
  })
  return here
}

/** What a node tells whose nodes say nothing. */
const NO_FIGURES = { nodes: { at: 0, nodes: [], migrations: [] }, slots: { keys: Array(16384).fill(null), load: Array(16384).fill(null) } }

/** The API of a node whose topology can be changed, and with it what its nodes and slots tell. */
export function fakeNode(view, figures = NO_FIGURES) {
  let current = view
  let told = figures
  const listeners = new Set()
  const event = () => `event: topology\ndata: ${JSON.stringify(current)}\n\n`
  const api = (path, response) => {
    const figure = { 'api/nodes': told.nodes, 'api/slots': told.slots }[path]
    if (figure !== undefined) {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(figure))
      return true
    }
    if (path === 'api/topology') {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(current))
      return true
    }
    if (path !== 'api/events') return false
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' }).write(event())
    listeners.add(response)
    response.on('close', () => listeners.delete(response))
    return true
  }
  const change = (next) => {
    current = next
    for (const response of listeners) response.write(event())
  }
  const tell = (next) => (told = next)
  const hangUp = () => listeners.forEach((response) => response.destroy())
  return { api, change, tell, hangUp }
}

/**
 * A real node that serves the page: the one that SLOTWAY_HTTP names, or a cluster started with the program that SLOTWAY_BIN names. Null if
 * there is neither.
 */
export async function realNode() {
  if (process.env.SLOTWAY_HTTP) return { url: process.env.SLOTWAY_HTTP, stop: () => {} }
  if (!process.env.SLOTWAY_BIN) return null
  const [port, http] = [21_210, 21_290]
  const dev = spawn(process.env.SLOTWAY_BIN, ['dev', '--port', port, '--http', http], { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((ready, failed) => {
    dev.on('error', failed)
    dev.on('exit', (code) => failed(new Error(`slotway dev ended with ${code}`)))
    dev.stdout.on('data', (text) => /Cluster ready/.test(text) && ready())
  })
  const stop = () => {
    dev.removeAllListeners('exit')
    dev.kill('SIGTERM')
    return new Promise((ended) => dev.on('exit', ended))
  }
  return { url: `http://127.0.0.1:${http}/`, stop }
}

/** Six servers of Redis that are one cluster, and `slotway ui` over them. */
export async function realRedis() {
  const port = 21_310
  const ports = Array.from({ length: 6 }, (_, at) => port + at)
  const folder = await mkdtemp(join(tmpdir(), 'slotway-e2e-'))
  const start = async (port) => {
    const own = join(folder, String(port))
    await mkdir(own)
    const options = ['--port', port, '--cluster-enabled', 'yes', '--cluster-node-timeout', 2000, '--save', '', '--dir', own]
    return spawn('redis-server', options.map(String), { stdio: 'ignore' })
  }
  const servers = new Map(await Promise.all(ports.map(async (port) => [port, await start(port)])))
  let ui
  const ended = (child) => new Promise((done) => (child.exitCode ?? child.signalCode) === null ? child.on('exit', done) : done())
  const stop = async () => {
    const all = [...servers.values(), ...(ui === undefined ? [] : [ui])]
    all.forEach((child) => child.kill('SIGKILL'))
    await Promise.all(all.map(ended))
    await rm(folder, { recursive: true })
  }
  try {
    for (const port of ports) await until(() => run('redis-cli', ['-p', String(port), 'ping']))
    const create = ['--cluster', 'create', ...ports.map((port) => `127.0.0.1:${port}`), '--cluster-replicas', '1', '--cluster-yes']
    await run('redis-cli', create)
    const http = 21_390
    ui = spawn(process.env.SLOTWAY_BIN, ['ui', '--cluster', `127.0.0.1:${port + 5}`, '--http', http, '--interval', 200], { stdio: 'ignore' })
    const url = `http://127.0.0.1:${http}/`
    await until(async () => {
      const { state, nodes } = await (await fetch(`${url}api/topology`)).json()
      if (state !== 'ok' || nodes.length < 6) throw new Error(`the cluster is ${state}`)
    })
    return { url, port, kill: (port) => servers.get(port).kill('SIGKILL'), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const run = promisify(execFile)

/** Tries again until it works, for half a minute. */
async function until(work) {
  for (const end = Date.now() + 30_000; ; await setTimeout(100)) {
    try {
      return await work()
    } catch (error) {
      if (Date.now() > end) throw error
    }
  }
}

/** Opens `url` and hands the page to `use`; then nothing may have gone wrong in the console. */
export function visit(browser, url, use, options = {}) {
  return visitAt(browser, url, 'Slots', use, options)
}

/** What Playwright says for a service worker that it blocks. */
const BLOCKED = /Service Worker registration blocked/

/** The same for the screen with that heading. Without a service worker, which would fetch the whole page for each test anew. */
export async function visitAt(browser, url, heading, use, options = {}) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, serviceWorkers: 'block', locale: 'en-GB', ...options })
  const complaints = []
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  try {
    await page.goto(url)
    await page.getByRole('heading', { name: heading, exact: true }).waitFor()
    await use(page)
    assert.deepEqual(complaints.filter((text) => !BLOCKED.test(text) && !options.expected?.test(text)), [])
  } finally {
    await page.close()
  }
}

/** What axe finds wrong, in words. The page's policy allows no foreign script in the page, so it comes from outside. */
export async function barriers(page) {
  await page.evaluate(await readFile(AXE, 'utf8'))
  const { violations } = await page.evaluate(() => globalThis.axe.run())
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)
}

/** The row of `key` in the list. */
export function row(page, key) {
  const literal = key.replace(/[^\w\s]/gu, '\\$&')
  return page.getByRole('option').filter({ hasText: new RegExp(`^\\s*${literal}\\s*, `) })
}

/** What a row says, in one line. */
export async function said(row) {
  return (await row.textContent()).replace(/\s+/g, ' ').replaceAll(' ,', ',').trim()
}

/** The colour of `slot` on the map. */
export function colourOf(page, slot) {
  return page.locator('.canvas canvas').first().evaluate(async (canvas, slot) => {
    // What has just changed is drawn in the next frame.
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))
    const cell = canvas.width / 128
    const [x, y] = [((slot % 128) + 0.5) * cell, (Math.floor(slot / 128) + 0.5) * cell]
    const spot = new OffscreenCanvas(1, 1).getContext('2d')
    spot.drawImage(canvas, x, y, 1, 1, 0, 0, 1, 1)
    return [...spot.getImageData(0, 0, 1, 1).data]
  }, slot)
}
