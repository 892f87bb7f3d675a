// The packed tarballs where they are to run: each environment and each bundler loads them for real and computes the same answers.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, extname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { nodeResolve } from '@rollup/plugin-node-resolve'
import * as esbuild from 'esbuild'
import { chromium } from 'playwright-core'
import { rollup } from 'rollup'
import { build as viteBuild, createServer as viteServer } from 'vite'
import webpack from 'webpack'
import { defaultExecutable } from './workerd.mjs'

const run = promisify(execFile)
const at = (path) => fileURLToPath(new URL(path, import.meta.url))
const modules = at('../node_modules')

// One of each kind of question: JavaScript alone, a batch, a topology, a command, a plan, an error.
const ANSWER = `
import { SlotTable, SlotwayError, commandKeys, keySlot, keySlots, planAdd } from 'slotway'
import { keySlot as small, SlotwayError as SmallError } from 'slotway/slot'

const table = SlotTable.fromRanges([{ start: 0, end: 16383, node: 'a:1' }])
let code
try { keySlot(7) } catch (error) { code = error instanceof SlotwayError && error instanceof SmallError && error.code }
export const answer = [small('foo{}{bar}'), keySlot('x'.repeat(99)), ...keySlots(['a', 'b', 'c']), commandKeys(['GET', 'a']).length, planAdd(table, { host: 'b', port: 2 }).slots, code]
`

// A project of somebody who has installed the package: outside of this tree, so that nothing else is found.
const project = mkdtempSync(join(tmpdir(), 'slotway-matrix-'))
const file = (name, text) => (mkdirSync(dirname(join(project, name)), { recursive: true }), writeFileSync(join(project, name), text), join(project, name))
before(() => {
  cpSync(at('node_modules'), join(project, 'node_modules'), { recursive: true })
  file('package.json', '{ "private": true, "type": "module" }')
  file('answer.js', ANSWER)
  file('main.js', "import { answer } from './answer.js'\nconsole.log(JSON.stringify(answer))\n")
})
after(() => rmSync(project, { recursive: true, force: true }))

const EXPECTED = [8363, 10234, 15495, 3300, 7365, 1, 8192, 'ERR_KEY_TYPE']
const same = (printed) => assert.deepEqual(JSON.parse(printed), EXPECTED)

test('Node.js, import', async () => same((await run(process.execPath, ['main.js'], { cwd: project })).stdout))

test('Node.js, require', async () => {
  const path = file('main.cjs', `${ANSWER.replaceAll(/import \{(.*)\} from ('.*')/g, (_, names, from) => `const {${names.replaceAll(' as ', ': ')}} = require(${from})`).replace('export ', '')}\nconsole.log(JSON.stringify(answer))`)
  same((await run(process.execPath, [path], { cwd: project })).stdout)
})

test('Node.js, slotway/lite, not usable before it is started', async () => {
  for (const [name, load] of [['lite.mjs', "import * as lite from 'slotway/lite'\nimport { createRequire } from 'node:module'\nconst require = createRequire(import.meta.url)"], ['lite.cjs', "const lite = require('slotway/lite')"]]) {
    const path = file(name, `${load}
      const { readFileSync } = require('node:fs')
      const told = [lite.keySlot('a')]
      try { lite.keySlots(['a', 'b']) } catch (error) { told.push(error.code) }
      try { lite.initSync('x') } catch (error) { told.push(error.code) }
      lite.initSync(readFileSync(require.resolve('slotway/slotway.wasm')))
      lite.init('http://127.0.0.1:1').catch((error) => told.push(error.constructor.name)).then(() => console.log(JSON.stringify([...told, ...lite.keySlots(['a', 'b'])])))
    `)
    assert.deepEqual(JSON.parse((await run(process.execPath, [path], { cwd: project })).stdout), [15495, 'ERR_NOT_READY', 'ERR_OPTION', 'TypeError', 15495, 3300])
  }
})

test('Deno', async () => {
  same((await run(process.execPath, [join(modules, 'deno/bin.cjs'), 'run', '--no-lock', '--node-modules-dir=manual', '--no-remote', 'main.js'], { cwd: project, env: { ...process.env, DENO_NO_UPDATE_CHECK: '1' } })).stdout)
})

test('Bun', async () => {
  const folder = readdirSync(join(modules, '@oven'))[0]
  same((await run(join(modules, '@oven', folder, 'bin/bun'), ['main.js'], { cwd: project })).stdout)
})

test('workerd, by a bundle whose WASM is a module of its own', async () => {
  const entry = file('worker.js', "import { answer } from './answer.js'\nexport default { test() { console.log(JSON.stringify(answer)) } }")
  const plugins = [{ name: 'wasm', setup: ({ onResolve }) => onResolve({ filter: /\.wasm$/ }, () => ({ path: './slotway.wasm', external: true })) }]
  await esbuild.build({ entryPoints: [entry], outfile: join(project, 'worker/main.js'), bundle: true, format: 'esm', conditions: ['workerd'], plugins })
  assert.doesNotMatch(readFileSync(join(project, 'worker/main.js'), 'utf8'), /AGFzb/, 'the WASM is inlined')
  cpSync(join(project, 'node_modules/slotway/dist/slotway.wasm'), join(project, 'worker/slotway.wasm'))
  // The oldest date that matters: WASM from bytes is refused there, and so the condition is needed.
  const config = file('worker/config.capnp', `using Workerd = import "/workerd/workerd.capnp";
    const config :Workerd.Config = (services = [(name = "main", worker = .main)]);
    const main :Workerd.Worker = (compatibilityDate = "2025-01-01", modules = [
      (name = "main.js", esModule = embed "main.js"), (name = "./slotway.wasm", wasm = embed "slotway.wasm")]);`)
  const { stdout, stderr } = await run(defaultExecutable(modules), ['test', config])
  same(/^.*(\[8363.*\])/m.exec(stdout + stderr)?.[1] ?? `"${stderr}"`)
})

// --- bundlers: what they write runs in Node.js without anything beside it ------------------------

async function bundled(path) {
  const alone = mkdtempSync(join(tmpdir(), 'slotway-bundle-'))
  cpSync(dirname(path), alone, { recursive: true })
  try {
    same((await run(process.execPath, [join(alone, path.slice(dirname(path).length + 1))])).stdout)
  } finally {
    rmSync(alone, { recursive: true, force: true })
  }
}

for (const format of ['esm', 'cjs']) {
  test(`esbuild, ${format}`, async () => {
    const outfile = join(project, `esbuild-${format}/main.${format === 'esm' ? 'mjs' : 'cjs'}`)
    await esbuild.build({ entryPoints: [join(project, 'main.js')], outfile, bundle: true, minify: true, format })
    await bundled(outfile)
  })
}

test('Rollup', async () => {
  const warnings = []
  const bundle = await rollup({ input: join(project, 'main.js'), plugins: [nodeResolve()], onwarn: ({ message }) => warnings.push(message) })
  await bundle.write({ file: join(project, 'rollup/main.mjs'), format: 'es' })
  await bundle.close()
  assert.deepEqual(warnings, [])
  await bundled(join(project, 'rollup/main.mjs'))
})

test('webpack', async () => {
  const compiler = webpack({ context: project, entry: './main.js', mode: 'production', target: 'web', output: { path: join(project, 'webpack'), filename: 'main.cjs' }, performance: { hints: false } })
  const stats = await promisify(compiler.run.bind(compiler))()
  await promisify(compiler.close.bind(compiler))()
  assert.equal(stats.hasErrors() || stats.hasWarnings(), false, stats.toString())
  await bundled(join(project, 'webpack/main.cjs'))
})

test('a bundle of slotway/slot is a few kilobytes: nothing else comes along', async () => {
  const entry = file('only-slot.js', "import { keySlot } from 'slotway/slot'\nconsole.log(keySlot('a'))")
  const { outputFiles } = await esbuild.build({ entryPoints: [entry], bundle: true, minify: true, format: 'esm', write: false })
  assert.ok(outputFiles[0].contents.length < 3000, `${outputFiles[0].contents.length} bytes`)
})

// --- Vite and Chromium ---------------------------------------------------------------------------

const PAGE = `
import { answer } from './answer.js'
import { init, keySlots } from 'slotway/lite'
import wasm from 'slotway/slotway.wasm?url'
await init(wasm)
globalThis.told = JSON.stringify([answer, [...keySlots(['a', 'b'])]])
`

const PAGE_MS = 180_000

async function inChromium(url) {
  const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync']
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args })
  try {
    const page = await browser.newPage()
    const errors = []
    page.on('pageerror', (error) => errors.push(error.message))
    await page.goto(url, { waitUntil: 'commit', timeout: PAGE_MS })
    // The text comes with the handle: Vite may load the page anew at any time, and then nothing more could be asked of this one.
    const told = await page.waitForFunction(() => globalThis.told, undefined, { timeout: PAGE_MS }).catch((error) => assert.fail(`${error} ${errors}`))
    return JSON.parse(await told.jsonValue())
  } finally {
    await browser.close()
  }
}

function vitePage() {
  file('page/index.html', '<!doctype html><title>slotway</title><script type="module" src="/page.js"></script>')
  file('page/answer.js', ANSWER)
  file('page/page.js', PAGE)
  return { root: join(project, 'page'), logLevel: 'silent', configFile: false, cacheDir: join(project, 'page/cache') }
}

test('Vite, development, in Chromium', async () => {
  const server = await viteServer({ ...vitePage(), server: { host: '127.0.0.1', port: 0, watch: null } })
  await server.listen()
  try {
    assert.deepEqual(await inChromium(`http://127.0.0.1:${server.httpServer.address().port}/`), [EXPECTED, [15495, 3300]])
  } finally {
    await server.close()
  }
})

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' }

/** Serves a folder, with a policy that allows WASM and nothing from elsewhere. */
async function served(folder, policy, use) {
  const server = createHttpServer((request, response) => {
    const path = join(folder, request.url === '/' ? 'index.html' : new URL(request.url, 'http://x').pathname)
    const found = existsSync(path)
    response.writeHead(found ? 200 : 404, { 'content-type': TYPES[extname(path)] ?? 'text/plain', 'content-security-policy': policy })
    response.end(found ? readFileSync(path) : undefined)
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    return await use(`http://127.0.0.1:${server.address().port}/`)
  } finally {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
}

test('Vite, production, in Chromium under a strict policy', async () => {
  await viteBuild({ ...vitePage(), build: { outDir: join(project, 'vite'), target: 'es2022' } })
  const told = await served(join(project, 'vite'), "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'", inChromium)
  assert.deepEqual(told, [EXPECTED, [15495, 3300]])
})

test('slotway/slot in Chromium, where no WASM is allowed', async () => {
  file('plain/index.html', '<!doctype html><title>slotway</title><script type="module" src="/main.js"></script>')
  file('plain/main.js', "import { keySlot } from './slot.js'\nlet wasm = 'allowed'\ntry { new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)) } catch { wasm = 'refused' }\nglobalThis.told = JSON.stringify([keySlot('foo{}{bar}'), wasm])")
  cpSync(join(project, 'node_modules/slotway/dist/slot.js'), join(project, 'plain/slot.js'))
  assert.deepEqual(await served(join(project, 'plain'), "default-src 'self'; script-src 'self'", inChromium), [8363, 'refused'])
})
