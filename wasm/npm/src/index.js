// The core inlined: ready when this is imported.
import packed from 'slotway:wasm'
import { start } from './core.js'
import { unpacked } from './unpacked.js'

start(new WebAssembly.Module(unpacked(packed)))

export * from './api.js'
