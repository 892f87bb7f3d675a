// What is shown, as files: the map as a picture, the slots and keys as tables. Loaded when something is first saved.

import { type KeyList, bytesOf, size } from './keys/key-list'
import { type Order, SIDE, SLOT_COUNT, slotAt } from './map/geometry'
import type { Heat } from './topology/figures'
import { UNSERVED } from './topology/palette'
import { type SlotTable, address, ownerOf, runs } from './topology/slot-table'

export type FileKind = 'PNG' | 'SVG' | 'CSV' | 'JSON'

export interface Shown {
  readonly table: SlotTable
  readonly list: KeyList
  readonly order: Order
  readonly canvas: HTMLCanvasElement
}

/** Hands the browser a file of `kind` to keep. */
export async function save(kind: FileKind, shown: Shown): Promise<void> {
  handOver(await contentOf(kind, shown), `slots.${kind.toLowerCase()}`)
}

export function handOver(content: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(content)
  link.download = name
  link.click()
  // The browser has begun to read it by then; kept for good it would hold the memory.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

async function contentOf(kind: FileKind, { table, list, order, canvas }: Shown): Promise<Blob> {
  switch (kind) {
    case 'PNG':
      return new Promise((done, failed) => canvas.toBlob((blob) => (blob === null ? failed(new Error('the map is too large')) : done(blob))))
    case 'SVG':
      return new Blob([svgOf(table, order)], { type: 'image/svg+xml' })
    case 'CSV':
      return new Blob([csvOf(table, list)], { type: 'text/csv' })
    case 'JSON':
      return new Blob([jsonOf(table, list)], { type: 'application/json' })
  }
}

const CELL = 6

/** The map as rectangles: in each row, neighbours of one owner are one. */
export function svgOf(table: SlotTable, order: Order): string {
  const side = SIDE * CELL
  const rectangles: string[] = []
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; ) {
      const shard = shardAt(table, x, y, order)
      let end = x + 1
      while (end < SIDE && shardAt(table, end, y, order) === shard) end += 1
      rectangles.push(`<rect x="${x * CELL}" y="${y * CELL}" width="${(end - x) * CELL}" height="${CELL}" fill="${shard?.colour ?? UNSERVED}"/>`)
      x = end
    }
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}" shape-rendering="crispEdges">${rectangles.join('')}</svg>\n`
}

function shardAt(table: SlotTable, x: number, y: number, order: Order) {
  return ownerOf(table, slotAt({ x: x + 0.5, y: y + 0.5 }, SIDE, order)!)
}

/** A line for each key; without keys a line for each range of slots. */
export function csvOf(table: SlotTable, list: KeyList): string {
  const lines = size(list) > 0 ? keyLines(table, list) : rangeLines(table)
  return `${lines.join('\r\n')}\r\n`
}

function keyLines(table: SlotTable, list: KeyList): string[] {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const line = (at: number) => {
    const slot = list.slots[at]!
    return [quoted(decoder.decode(bytesOf(list, at))), slot, nodeOf(table, slot), list.times[at]].join(',')
  }
  return ['key,slot,node,times', ...Array.from({ length: size(list) }, (_, at) => line(at))]
}

function rangeLines(table: SlotTable): string[] {
  return ['first,last,node', ...runs(table).map(([start, end]) => `${start},${end},${nodeOf(table, start)}`)]
}

/** A line for each of the 16384 slots: who serves it, and what is in it. */
export function slotsCsvOf(table: SlotTable, list: KeyList, heat: Heat | null): string {
  const columns = [list.perSlot, ...(heat === null ? [] : [heat.keys]), ...(heat?.load == null ? [] : [heat.load])]
  const headings = ['slot,node,keys', ...(heat === null ? [] : ['stored']), ...(heat?.load == null ? [] : ['usec_per_second'])].join(',')
  const line = (slot: number) => [slot, nodeOf(table, slot), ...columns.map((column) => column[slot])].join(',')
  return `${[headings, ...Array.from({ length: SLOT_COUNT }, (_, slot) => line(slot))].join('\r\n')}\r\n`
}

function nodeOf(table: SlotTable, slot: number): string {
  const shard = ownerOf(table, slot)
  return shard === null ? '' : address(shard.primary)
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** The cluster as it was read, and how many of the keys are in each slot that has any. */
export function jsonOf(table: SlotTable, list: KeyList): string {
  const keysPerSlot: Record<number, number> = {}
  for (let slot = 0; slot < SLOT_COUNT; slot++) if (list.perSlot[slot]! > 0) keysPerSlot[slot] = list.perSlot[slot]!
  return `${JSON.stringify({ cluster: table.view, keysPerSlot }, null, 2)}\n`
}
