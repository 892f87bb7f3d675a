// Builds the core for the browser into wasm/pkg-web: `npm run build:wasm`.
//
// wasm-pack finds wasm-opt on PATH, where npm puts the package `binaryen` for scripts: nothing is downloaded. The crate is built with the
// workspace's profile `wasm`.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const crate = fileURLToPath(new URL('../../wasm', import.meta.url))
const options = ['--target', 'web', '--out-dir', 'pkg-web', '--profile', 'wasm']
const { status, error } = spawnSync('wasm-pack', ['build', crate, ...options], { stdio: 'inherit' })
if (error) console.error(`wasm-pack does not start (${error.message}): cargo install wasm-pack`)
process.exit(status ?? 1)
