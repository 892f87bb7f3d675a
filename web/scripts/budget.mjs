// Fails when the built page has become too heavy to load: kilobytes as sent, by Brotli at its best.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync } from 'node:zlib'

const dist = fileURLToPath(new URL('../dist', import.meta.url))
const files = readdirSync(dist, { recursive: true }).map(String)
/** What the page asks for before it shows anything: its script, what that imports at once, and styles. */
const first = new Set(Array.from(readFileSync(join(dist, 'index.html'), 'utf8').matchAll(/(?:src|href)="\.\/([^"]+\.(?:js|css))"/g), ([, file]) => file))
if (first.size < 3) throw new Error('index.html names fewer files than a built page has')

const BUDGETS = [
  { name: 'scripts and styles loaded first', has: (file) => first.has(file), limit: 60 * 1024 },
  { name: 'wasm loaded first', has: (file) => /slots.*\.wasm$/.test(file), limit: 20 * 1024 },
  { name: 'wasm without the simulator', has: (file) => /slotway_(slots|wasm).*\.wasm$/.test(file), limit: 140 * 1024 },
  { name: 'all with the simulator', has: (file) => /\.(js|css|wasm)$/.test(file), limit: 600 * 1024 },
]

const sent = (file) => brotliCompressSync(readFileSync(join(dist, file))).length

let over = false
for (const { name, has, limit } of BUDGETS) {
  const bytes = files.filter(has).reduce((sum, file) => sum + sent(file), 0)
  over ||= bytes > limit
  console.log(`${name}: ${(bytes / 1024).toFixed(1)} of ${limit / 1024} KB${bytes > limit ? ', too much' : ''}`)
}
process.exit(over ? 1 : 0)
