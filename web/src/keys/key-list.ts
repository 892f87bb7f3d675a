// A list of keys with the slot of each, packed into a few arrays so that a million of them cross from a worker at no cost.
//
// Lines become keys, blank lines are left out, and each key stands once, at its first appearance, with how often it came. The bytes of
// all keys lie one after the other; the core hashes them in one call.

import { keySlots } from 'slotway-wasm'

export const SLOT_COUNT = 16384

export interface KeyList {
  /** UTF-8 of the distinct keys, one after the other. */
  readonly joined: Uint8Array<ArrayBuffer>
  /** Where each ends in `joined`. */
  readonly ends: Uint32Array<ArrayBuffer>
  /** The slot of each. */
  readonly slots: Uint16Array<ArrayBuffer>
  /** How many lines were this key. */
  readonly times: Uint32Array<ArrayBuffer>
  /** How many distinct keys are in each of the 16384 slots. */
  readonly perSlot: Uint32Array<ArrayBuffer>
  /** Lines that were a key. */
  readonly lines: number
}

/** Lists the keys of `text`; `onProgress` is told now and then which part of it has been read. */
export function listKeys(text: string, onProgress?: (part: number) => void): KeyList {
  const { keys, times, lines } = distinct(text, onProgress)
  const { joined, ends } = pack(keys, text.length)
  const slots = new Uint16Array(keySlots(joined, ends))
  const perSlot = new Uint32Array(SLOT_COUNT)
  for (const slot of slots) perSlot[slot]! += 1
  return { joined, ends, slots, times: Uint32Array.from(times), perSlot, lines }
}

/** How many distinct keys there are. */
export function size(list: KeyList): number {
  return list.ends.length
}

/** The bytes of key `at`. */
export function bytesOf(list: KeyList, at: number): Uint8Array {
  return list.joined.subarray(list.ends[at - 1] ?? 0, list.ends[at])
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** The text of key `at`. */
export function textOf(list: KeyList, at: number): string {
  return decoder.decode(bytesOf(list, at))
}

/** The place of `text` in the list, -1 if it is not there. */
export function find(list: KeyList, text: string): number {
  const wanted = new TextEncoder().encode(text)
  for (let at = 0; at < size(list); at++) {
    const bytes = bytesOf(list, at)
    if (bytes.length === wanted.length && bytes.every((byte, index) => byte === wanted[index])) return at
  }
  return -1
}

/** The keys in `slot`, at most `limit` of them. */
export function keysInSlot(list: KeyList, slot: number, limit: number): number[] {
  const found: number[] = []
  for (let at = list.slots.indexOf(slot); at >= 0 && found.length < limit; at = list.slots.indexOf(slot, at + 1)) found.push(at)
  return found
}

/** How many slots have a key. */
export function slotsUsed(list: KeyList): number {
  return list.perSlot.reduce((used, keys) => used + (keys > 0 ? 1 : 0), 0)
}

/** The arrays to hand over, not copy, when a list is sent from a worker. */
export function transferable(list: KeyList): ArrayBuffer[] {
  return [list.joined, list.ends, list.slots, list.times, list.perSlot].map((array) => array.buffer)
}

/** Lines between two reports of progress. */
const REPORT_EVERY = 1 << 16

function distinct(text: string, onProgress?: (part: number) => void): { keys: string[]; times: number[]; lines: number } {
  const places = new Map<string, number>()
  const times: number[] = []
  let [lines, read] = [0, 0]
  for (const line of linesOf(text)) {
    lines += 1
    read += line.length + 1
    if (lines % REPORT_EVERY === 0) onProgress?.(read / text.length)
    const place = places.get(line)
    if (place === undefined) {
      places.set(line, times.length)
      times.push(1)
    } else {
      times[place]! += 1
    }
  }
  return { keys: [...places.keys()], times, lines }
}

/** One line after the other, without the line's end and without blank ones: `split` would hold all of them at once. */
function* linesOf(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    const line = text.slice(start, text[end - 1] === '\r' ? Math.max(start, end - 1) : end)
    if (line.trim() !== '') yield line
    start = end + 1
  }
}

/** `units` is how many UTF-16 units the keys have together, or more: none takes more than three bytes. */
function pack(keys: string[], units: number): { joined: Uint8Array<ArrayBuffer>; ends: Uint32Array<ArrayBuffer> } {
  const encoder = new TextEncoder()
  const room = new Uint8Array(units * 3)
  const ends = new Uint32Array(keys.length)
  let end = 0
  keys.forEach((key, at) => {
    end += encoder.encodeInto(key, room.subarray(end)).written
    ends[at] = end
  })
  return { joined: room.slice(0, end), ends }
}
