// The map as 128 x 128 pixels, one for each slot, and the drawing on top of it.
//
// The pixels are scaled up by the canvas: one putImageData and one drawImage a frame, where 16384 rectangles would take
// longer than a frame. What moves with the pointer is drawn on a second canvas.

import { type Rgb, UNSERVED, mix, rgb } from '../topology/palette'
import { type SlotTable, runs } from '../topology/slot-table'
import { type Order, type Point, SIDE, SLOT_COUNT, borders, cellOf, centreOf, placeOf } from './geometry'

export interface Theme {
  /** What shows through the tints. */
  readonly paper: Rgb
  readonly ink: string
  readonly halo: string
}

export const LIGHT: Theme = { paper: rgb('#ffffff'), ink: '#1b1d22', halo: '#ffffff' }
export const DARK: Theme = { paper: rgb('#16181d'), ink: '#f4f2ee', halo: '#0c0d10' }

/** By shard, by the number of keys typed here, by what the live cluster stores or spends in a slot, or by whether it is being moved. */
export type Colouring = 'shards' | 'keys' | 'stored' | 'load' | 'moves'

export interface MapPicture {
  readonly table: SlotTable
  /** How many keys are in each slot, or how much of what the colours tell. */
  readonly keys: Uint32Array
  /** The shard to bring out; the others fade. */
  readonly highlight: number | null
  readonly order?: Order
  /** What the colours tell; the shards when left out. */
  readonly colour?: Colouring
  /** Slots on their way, besides those that the node asked has open. */
  readonly moving?: ReadonlyArray<readonly [number, number]>
  readonly theme: Theme
}

/** How much of its colour a slot without keys shows: enough to tell shards apart, little enough for keys to stand out. */
const TINT = 0.42
const TINT_FADED = 0.12
/** The least that one key adds. */
const KEY_STEP = 0.3
/** Keys alone, whoever has them. */
const HEAT = '#c2410c'

/** Red, green, blue, alpha of each slot. */
export function slotPixels(picture: MapPicture): Uint8ClampedArray<ArrayBuffer> {
  const { table, keys, highlight, theme, moving, order = 'rows', colour: colouring = 'shards' } = picture
  const pixels = new Uint8ClampedArray(SLOT_COUNT * 4)
  const counts = colouring === 'moves' ? movesOf(table, moving) : keys
  const most = counts.reduce((most, count) => Math.max(most, count), 1)
  const base = (colour: string) => rgb(colouring === 'shards' || colouring === 'moves' ? colour : HEAT)
  const inks = table.shards.map(({ colour }, at) => ink(base(colour), highlight === null || highlight === at, theme, colouring))
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const { r, g, b } = inks[table.owners[slot]!]?.(heat(counts[slot]!, most)) ?? unserved(slot, theme)
    const at = placeOf(slot, order) * 4
    pixels[at] = r
    pixels[at + 1] = g
    pixels[at + 2] = b
    pixels[at + 3] = 255
  }
  return pixels
}

/** The colour of a shard's slots by heat; that of most slots, without keys, is mixed only once. */
function ink(colour: Rgb, bright: boolean, theme: Theme, colouring: Colouring): (heat: number) => Rgb {
  const tint = bright && colouring === 'shards' ? TINT : TINT_FADED
  const cold = mix(colour, theme.paper, tint)
  return (heat) => (heat === 0 ? cold : mix(colour, theme.paper, tint + heat * (1 - tint)))
}

/** 1 for each slot that is on its way. */
function movesOf({ view }: SlotTable, ranges: ReadonlyArray<readonly [number, number]> = []): Uint32Array {
  const moves = new Uint32Array(SLOT_COUNT)
  for (const { slot } of [...view.migrating, ...view.importing]) moves[slot] = 1
  for (const [first, last] of ranges) moves.fill(1, first, last + 1)
  return moves
}

/** 0 without keys, 1 for the slot with the most: by logarithm, since one hash tag may hold nearly all. */
function heat(count: number, most: number): number {
  if (count === 0) return 0
  return KEY_STEP + ((1 - KEY_STEP) * Math.log(count + 1)) / Math.log(most + 1)
}

/** A chequered grey: seen without colour to be none of the shards. */
function unserved(slot: number, theme: Theme): Rgb {
  const { x, y } = cellOf(slot)
  return mix(rgb(UNSERVED), theme.paper, ((x >> 1) + (y >> 1)) % 2 === 0 ? 0.7 : 0.2)
}

/** Draws the slots, the grid between them and the borders between shards. `size` is in device pixels. */
export function drawMap(context: CanvasRenderingContext2D, picture: MapPicture, pixels: CanvasImageSource, size: number): void {
  context.imageSmoothingEnabled = false
  context.clearRect(0, 0, size, size)
  context.drawImage(pixels, 0, 0, size, size)
  const cell = size / SIDE
  if (cell >= 4) drawGrid(context, picture.theme, cell, size)
  drawBorders(context, picture, cell)
  // Along the curve a shard may be of any shape: its letter would stand anywhere.
  if (picture.order !== 'hilbert') drawLetters(context, picture, size)
}

function drawGrid(context: CanvasRenderingContext2D, theme: Theme, cell: number, size: number): void {
  const { r, g, b } = theme.paper
  context.fillStyle = `rgb(${r} ${g} ${b} / 45%)`
  const width = Math.max(1, Math.round(cell / 6))
  for (let at = 1; at < SIDE; at++) {
    context.fillRect(at * cell - width, 0, width, size)
    context.fillRect(0, at * cell - width, size, width)
  }
}

function drawBorders(context: CanvasRenderingContext2D, { table, theme, order }: MapPicture, cell: number): void {
  context.strokeStyle = theme.ink
  context.lineWidth = Math.max(1, Math.round(cell / 3))
  context.beginPath()
  for (const { from, to } of borders(table.owners, order)) {
    context.moveTo(from.x * cell, from.y * cell)
    context.lineTo(to.x * cell, to.y * cell)
  }
  context.stroke()
}

/** Each band that is tall enough has its shard's letter in the middle. */
function drawLetters(context: CanvasRenderingContext2D, { table, theme, highlight }: MapPicture, size: number): void {
  for (const [start, end] of runs(table)) {
    const owner = table.owners[start]!
    const rows = (end - start + 1) / SIDE
    const shard = table.shards[owner]
    if (shard === undefined || rows < 4) continue
    const height = Math.min(rows * 0.5, 11) * (size / SIDE)
    const { y } = centreOf(Math.floor((start + end) / 2), size)
    context.globalAlpha = highlight === null || highlight === owner ? 0.85 : 0.2
    context.font = `700 ${height}px system-ui, sans-serif`
    context.textAlign = 'left'
    context.textBaseline = 'middle'
    context.fillStyle = theme.ink
    context.fillText(shard.letter, size / 32, y)
    context.globalAlpha = 1
  }
}

export interface Marks {
  /** Slots to ring because keys are there; none when there are too many to tell apart. */
  readonly keys: readonly number[]
  readonly hover: number | null
  readonly pinned: number | null
  readonly theme: Theme
  readonly order: Order
}

/** Draws what changes with pointer and selection. `size` is in device pixels, `unit` device pixels per CSS pixel. */
export function drawMarks(context: CanvasRenderingContext2D, marks: Marks, size: number, unit: number): void {
  context.clearRect(0, 0, size, size)
  for (const slot of marks.keys) ring(context, centreOf(slot, size, marks.order), 3.5 * unit, 1.5 * unit, marks.theme)
  if (marks.hover !== null) frame(context, cellOf(marks.hover, marks.order), size, unit, marks.theme)
  if (marks.pinned !== null) pin(context, centreOf(marks.pinned, size, marks.order), size, unit, marks.theme)
}

function ring(context: CanvasRenderingContext2D, { x, y }: Point, radius: number, width: number, theme: Theme): void {
  context.beginPath()
  context.arc(x, y, radius, 0, 2 * Math.PI)
  context.fillStyle = theme.ink
  context.strokeStyle = theme.halo
  context.lineWidth = width
  context.fill()
  context.stroke()
}

function frame(context: CanvasRenderingContext2D, { x, y }: Point, size: number, unit: number, theme: Theme): void {
  const cell = size / SIDE
  const gap = unit
  context.strokeStyle = theme.ink
  context.lineWidth = 2 * unit
  context.strokeRect(x * cell - gap, y * cell - gap, cell + 2 * gap, cell + 2 * gap)
}

/** A ring round the slot, and lines from the map's edges to it. */
function pin(context: CanvasRenderingContext2D, { x, y }: Point, size: number, unit: number, theme: Theme): void {
  const radius = 9 * unit
  context.beginPath()
  for (const [from, to] of [[0, x - radius], [x + radius, size]] as const) {
    context.moveTo(from, y)
    context.lineTo(to, y)
  }
  for (const [from, to] of [[0, y - radius], [y + radius, size]] as const) {
    context.moveTo(x, from)
    context.lineTo(x, to)
  }
  context.strokeStyle = theme.ink
  context.globalAlpha = 0.55
  context.lineWidth = unit
  context.stroke()
  context.globalAlpha = 1
  for (const [colour, width] of [[theme.halo, 5], [theme.ink, 2.5]] as const) {
    context.beginPath()
    context.arc(x, y, radius, 0, 2 * Math.PI)
    context.strokeStyle = colour
    context.lineWidth = width * unit
    context.stroke()
  }
}
