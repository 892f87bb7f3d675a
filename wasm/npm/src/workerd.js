// For workerd and friends, which compile WASM when they are deployed and not later.
import module from './slotway.wasm'
import { start } from './core.js'

start(module)

export * from './api.js'
