// Bring your own bytes: for strict budgets, streaming compilation, or one module shared by many workers.
import { start } from './core.js'
import { SlotwayError } from './slot.js'

export * from './api.js'

/** Starts the core: from an address, a response, bytes, or a compiled module, or a promise of one of them. */
export async function init(source) {
  const told = await source
  if (typeof told === 'string' || told instanceof URL) return init(fetch(told))
  if (typeof Response === 'function' && told instanceof Response) return initSync(await told.arrayBuffer())
  if (told instanceof WebAssembly.Module) return start(told)
  return start(await WebAssembly.compile(checkedBytes(told)))
}

/** As `init`, from bytes or a compiled module, at once. */
export function initSync(source) {
  start(source instanceof WebAssembly.Module ? source : new WebAssembly.Module(checkedBytes(source)))
}

function checkedBytes(source) {
  if (source instanceof ArrayBuffer || ArrayBuffer.isView(source)) return source
  throw new SlotwayError('ERR_OPTION', 'expected bytes or a WebAssembly.Module', 'source')
}
