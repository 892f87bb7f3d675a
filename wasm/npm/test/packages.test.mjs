// What is in the tarballs: the files, their sizes, and whether every resolver finds code and types.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync } from 'node:zlib'

const at = (path) => fileURLToPath(new URL(path, import.meta.url))
const workspace = readFileSync(at('../../../Cargo.toml'), 'utf8')
const manifest = (name) => JSON.parse(readFileSync(at(`node_modules/${name}/package.json`), 'utf8'))
const tool = (command, args) => spawnSync(process.execPath, [at(`../node_modules/${command}`), ...args], { encoding: 'utf8', cwd: at('..') })

const CONTENTS = {
  slotway: [
    'API.md', 'LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'README.zh-CN.md', 'dist/cli.js', 'dist/index.cjs', 'dist/index.d.cts', 'dist/index.d.ts', 'dist/index.js', 'dist/lite.cjs',
    'dist/lite.d.cts', 'dist/lite.d.ts', 'dist/lite.js', 'dist/slot.cjs', 'dist/slot.d.cts', 'dist/slot.d.ts', 'dist/slot.js', 'dist/slotway.wasm', 'dist/slotway.wasm.d.ts', 'dist/workerd.js', 'package.json',
  ],
  'slotway-key-slot': ['LICENSE-APACHE', 'LICENSE-MIT', 'README.md', 'README.zh-CN.md', 'index.d.ts', 'index.js', 'package.json'],
}

for (const [name, contents] of Object.entries(CONTENTS)) {
  test(`${name} holds these files and no others, of the version of the workspace, without dependencies`, () => {
    const listed = execFileSync('tar', ['-tzf', at(`../build/${name}.tgz`)], { encoding: 'utf8' })
    assert.deepEqual(listed.trim().split('\n').map((path) => path.replace(/^package\//, '')).sort(), contents)
    const { version, dependencies, scripts, license } = manifest(name)
    assert.equal(version, /^version = "(.*)"/m.exec(workspace)[1])
    assert.deepEqual([dependencies, scripts, license], [undefined, undefined, 'MIT OR Apache-2.0'])
  })

  test(`publint finds nothing to say about ${name}`, () => {
    const { stdout, status } = tool('publint/src/cli.js', ['run', '--strict', at(`../build/${name}.tgz`)])
    assert.equal(status, 0, stdout)
    assert.match(stdout, /All good!/)
  })

  test(`each resolver of TypeScript finds the types of ${name}`, () => {
    const excluded = name === 'slotway' ? ['--exclude-entrypoints', 'slotway.wasm'] : []
    const { stdout, status } = tool('@arethetypeswrong/cli/dist/index.js', [at(`../build/${name}.tgz`), '--profile', 'node16', ...excluded])
    assert.equal(status, 0, stdout)
  })
}

// Kilobytes by Brotli at its best, as they are sent; tarballs as they are.
const BUDGETS_KB = { 'dist/slot.js': 1, 'dist/index.js': 32, 'dist/lite.js': 7.5, 'dist/workerd.js': 7.5, 'dist/slotway.wasm': 23.5, 'dist/cli.js': 3 }
const TARBALLS_KB = { slotway: 135, 'slotway-key-slot': 8 }

test('nothing is larger than its budget', (context) => {
  const sent = (file) => brotliCompressSync(readFileSync(at(`node_modules/slotway/${file}`))).length / 1024
  const sizes = [
    ...Object.entries(BUDGETS_KB).map(([file, limit]) => [file, sent(file), limit]),
    ...Object.entries(TARBALLS_KB).map(([name, limit]) => [`${name}.tgz`, statSync(at(`../build/${name}.tgz`)).size / 1024, limit]),
  ]
  for (const [file, size, limit] of sizes) {
    context.diagnostic(`${file}: ${size.toFixed(1)} of ${limit} KB`)
    assert.ok(size <= limit, `${file}: ${size.toFixed(1)} of ${limit} KB`)
  }
})

test('no folder of the machine that built it is in the WASM', () => {
  const text = readFileSync(at('node_modules/slotway/dist/slotway.wasm'), 'latin1')
  assert.doesNotMatch(text, /\/(root|home|Users|work|tmp)\//)
})
