// Writes `sw.js` with the names of all built files, so that the page works without a network after the first visit.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Plugin } from 'vite'

const TEMPLATE = new URL('../src/offline/sw.js', import.meta.url)

export function offline(): Plugin {
  return {
    name: 'slotway-offline',
    apply: 'build',
    enforce: 'post',
    generateBundle(_, bundle) {
      const files = Object.keys(bundle).sort()
      // index.html has no hash in its name: what it refers to has.
      const version = createHash('sha256').update(files.join()).digest('hex').slice(0, 16)
      const source = readFileSync(TEMPLATE, 'utf8').replace('__FILES__', JSON.stringify(['./', 'favicon.svg', ...files.filter((file) => file !== 'index.html')]))
      this.emitFile({ type: 'asset', fileName: 'sw.js', source: source.replace('__VERSION__', JSON.stringify(version)) })
    },
  }
}
