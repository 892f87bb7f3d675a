import { fileURLToPath } from 'node:url'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'
import { offline } from './scripts/offline.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

// `SLOTWAY_HTTP=http://127.0.0.1:7080 npm run dev` shows the cluster of a running node.
const node = process.env.SLOTWAY_HTTP

export default defineConfig({
  // Relative, so that the same dist/ is served from any path: by a node, or from a folder of a web site.
  base: './',
  plugins: [svelte(), offline()],
  resolve: {
    alias: {
      'slotway-wasm/simulator': here('../wasm/pkg-sim/slotway_sim.js'),
      'slotway-wasm/routing': here('../wasm/pkg-web/slotway_wasm.js'),
      'slotway-wasm': here('../wasm/pkg-slots/slotway_slots.js'),
    },
  },
  // The wasm file must stay a file: as a data: URL the page's security policy would refuse it.
  build: { target: 'es2022', assetsInlineLimit: 0 },
  worker: { format: 'es' },
  server: {
    fs: { allow: ['.', '../wasm'] },
    ...(node ? { proxy: { '/api': node } } : {}),
  },
  test: { include: ['src/**/*.test.ts'], setupFiles: ['tests/unit-setup.ts'], environment: 'node' },
})
