// A topology from pasted text. The reader is loaded when it is first needed: most visitors never paste.

import type { TopologyView } from 'slotway-wasm'
import { readPaste } from './cli-output'

/** Rejects with an error in words when `text` is no topology. */
export async function readTopology(text: string): Promise<TopologyView> {
  const reply = readPaste(text)
  const { default: init, parseTopology } = await import('slotway-wasm/routing')
  await init()
  return parseTopology(reply)
}
