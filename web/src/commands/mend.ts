// What mends a command whose keys lie in several slots: names with a hash tag in common, or one command for each slot.

import { keySlot } from 'slotway-wasm'
import type { Argument } from './parse'

export interface Mend {
  /** Each key with the name that would bring it to the others. */
  readonly renamed: ReadonlyArray<{ readonly from: string; readonly to: string }>
  /** The same work as one command for each slot; null where that would not be the same. */
  readonly split: readonly string[] | null
}

/** Commands that do the same to each key by itself: several of them with fewer keys do the same, though not at one moment. */
const DIVISIBLE = new Set(['DEL', 'UNLINK', 'EXISTS', 'TOUCH', 'MGET', 'MSET'])

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

export function mendOf(keys: readonly Argument[], command: { args: readonly Argument[]; places: readonly number[] } | null): Mend {
  const names = [...new Set(keys.map(({ bytes }) => decoder.decode(bytes)))]
  return { renamed: rename(names), split: command === null ? null : splitOf(command) }
}

function rename(names: readonly string[]): Mend['renamed'] {
  const plain = names.map((name) => name.replaceAll(/[{}]/g, ''))
  // Names that differ in their braces alone keep them, behind a tag that comes first.
  const alike = new Set(plain).size < names.length
  const tag = alike ? 'together' : commonTag(plain)
  return names.map((from, at) => ({ from, to: tagged(alike ? from : plain[at]!, tag) }))
}

/** The beginning that all names share, up to a separator; without one, what stands first in the first name. */
function commonTag(plain: readonly string[]): string {
  let shared = plain[0] ?? ''
  for (const name of plain) while (!name.startsWith(shared)) shared = shared.slice(0, -1)
  const whole = /^(.*[^:._/|-])[:._/|-]/.exec(shared)?.[1]
  return whole ?? /^[^:._/|-]+/.exec(plain[0] ?? '')?.[0] ?? 'together'
}

/** `name` with `tag` in braces: where it begins so, there; otherwise before it. */
function tagged(name: string, tag: string): string {
  return name.startsWith(tag) ? `{${tag}}${name.slice(tag.length)}` : `{${tag}}:${name}`
}

/** Each key goes with the arguments behind it, up to the next one: so MSET keeps its values. */
function splitOf({ args, places }: { args: readonly Argument[]; places: readonly number[] }): string[] | null {
  const name = decoder.decode(args[0]!.bytes).toUpperCase()
  if (!DIVISIBLE.has(name) || places[0] !== 1) return null
  const bySlot = new Map<number, string[]>()
  places.forEach((place, at) => {
    const slot = keySlot(args[place]!.bytes)
    const part = args.slice(place, places[at + 1] ?? args.length).map(({ typed }) => typed)
    bySlot.set(slot, [...(bySlot.get(slot) ?? []), ...part])
  })
  return [...bySlot.values()].map((parts) => [args[0]!.typed, ...parts].join(' '))
}
