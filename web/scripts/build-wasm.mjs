// Builds the core for the browser: `npm run build:wasm`.
//
//     wasm/pkg-slots   slots only: small, what the page loads first
//     wasm/pkg-web     topologies, routes and plans too: loaded when something is pasted
//     wasm/pkg-sim     the simulator: loaded by its worker
//
// wasm-pack finds wasm-opt on PATH, where npm puts the package `binaryen` for scripts: nothing is downloaded. The crate is built with
// the workspace's profile `wasm`, but for size: what a page waits for is the network. The simulator is built for speed.
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const crate = fileURLToPath(new URL('../../wasm', import.meta.url))

function build(folder, name, level, ...cargoOptions) {
  const env = { ...process.env, CARGO_PROFILE_WASM_OPT_LEVEL: level }
  const options = ['--target', 'web', '--profile', 'wasm', '--out-dir', folder, '--out-name', name]
  const { status, error } = spawnSync('wasm-pack', ['build', crate, ...options, ...cargoOptions], { stdio: 'inherit', env })
  if (error) console.error(`wasm-pack does not start (${error.message}): cargo install wasm-pack`)
  if (status !== 0) process.exit(status ?? 1)
}

build('pkg-slots', 'slotway_slots', 'z', '--no-default-features', '--features', 'slots')
build('pkg-web', 'slotway_wasm', 'z')
build('pkg-sim', 'slotway_sim', '3', '--no-default-features', '--features', 'simulator')
