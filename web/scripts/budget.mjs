// Fails when the built page has become too heavy to load: kilobytes as sent, by Brotli at its best.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync } from 'node:zlib'

const BUDGETS = [
  { name: 'scripts and styles', files: /\.(js|css)$/, limit: 60 * 1024 },
  { name: 'wasm loaded first', files: /slots.*\.wasm$/, limit: 20 * 1024 },
  { name: 'wasm without the simulator', files: /slotway_(slots|wasm).*\.wasm$/, limit: 120 * 1024 },
  { name: 'all with the simulator', files: /\.(js|css|wasm)$/, limit: 600 * 1024 },
]

const dist = fileURLToPath(new URL('../dist', import.meta.url))
const files = readdirSync(dist, { recursive: true }).map(String)
const sent = (file) => brotliCompressSync(readFileSync(join(dist, file))).length

let over = false
for (const { name, files: pattern, limit } of BUDGETS) {
  const bytes = files.filter((file) => pattern.test(file)).reduce((sum, file) => sum + sent(file), 0)
  over ||= bytes > limit
  console.log(`${name}: ${(bytes / 1024).toFixed(1)} of ${limit / 1024} KB${bytes > limit ? ', too much' : ''}`)
}
process.exit(over ? 1 : 0)
