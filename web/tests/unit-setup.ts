// The unit tests run on the real core.
import { readFileSync } from 'node:fs'
import { initSync } from 'slotway-wasm'

const path = new URL('../../wasm/pkg-web/slotway_wasm_bg.wasm', import.meta.url)
initSync({ module: readFileSync(path) })
