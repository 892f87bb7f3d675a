export * from './index.js'

/** Bytes of `slotway/slotway.wasm`, or what was compiled from them. */
export type Source = ArrayBuffer | ArrayBufferView | WebAssembly.Module

/** Starts the core: from an address, a response, bytes or a compiled module, or a promise of one of them. A second time does nothing. */
export function init(source: string | URL | Response | Source | PromiseLike<Response | Source>): Promise<void>

/** As `init`, from bytes or a compiled module, at once. */
export function initSync(source: Source): void
