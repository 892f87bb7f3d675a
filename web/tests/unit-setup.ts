// The unit tests run on the real core.
import { readFileSync } from 'node:fs'
import { initSync } from 'slotway-wasm'
import { initSync as initRoutingSync } from 'slotway-wasm/routing'

const wasm = (path: string) => readFileSync(new URL(`../../wasm/${path}_bg.wasm`, import.meta.url))
initSync({ module: wasm('pkg-slots/slotway_slots') })
initRoutingSync({ module: wasm('pkg-web/slotway_wasm') })
