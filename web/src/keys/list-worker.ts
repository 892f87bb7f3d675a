// Lists keys off the main thread, so that a paste of a million of them does not freeze the page.

import init from 'slotway-wasm'
import { listKeys, transferable } from './key-list'

const ready = init()

self.addEventListener('message', async ({ data }: MessageEvent<{ ticket: number; text: string }>) => {
  await ready
  const list = listKeys(data.text, (part) => self.postMessage({ ticket: data.ticket, part }))
  self.postMessage({ ticket: data.ticket, list }, { transfer: transferable(list) })
})
