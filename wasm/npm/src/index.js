// The core inlined: ready when this is imported.
import bytes from 'slotway:wasm'
import { start } from './core.js'

start(new WebAssembly.Module(bytes))

export * from './api.js'
