// Where slots are on the map, 128 by 128: row by row, so that a range of slots is a band, or along a Hilbert curve, so that slots with
// near numbers are near each other whatever their range.

export const SIDE = 128
export const SLOT_COUNT = SIDE * SIDE

export interface Point {
  readonly x: number
  readonly y: number
}

export type Order = 'rows' | 'hilbert'

/** Column and row of `slot`. */
export function cellOf(slot: number, order: Order = 'rows'): Point {
  const place = placeOf(slot, order)
  return { x: place % SIDE, y: Math.floor(place / SIDE) }
}

/** The number of the cell of `slot`, counted row by row. */
export function placeOf(slot: number, order: Order): number {
  return order === 'rows' ? slot : curve().places[slot]!
}

/** The slot at `point` of a square map of `size`; null outside it. */
export function slotAt({ x, y }: Point, size: number, order: Order = 'rows'): number | null {
  const column = Math.floor((x / size) * SIDE)
  const row = Math.floor((y / size) * SIDE)
  const inside = column >= 0 && column < SIDE && row >= 0 && row < SIDE
  return inside ? slotOfCell(column, row, order) : null
}

function slotOfCell(column: number, row: number, order: Order): number {
  const place = row * SIDE + column
  return order === 'rows' ? place : curve().slots[place]!
}

/** The middle of `slot` on a map of `size`. */
export function centreOf(slot: number, size: number, order: Order = 'rows'): Point {
  const { x, y } = cellOf(slot, order)
  return { x: ((x + 0.5) * size) / SIDE, y: ((y + 0.5) * size) / SIDE }
}

/** Least device pixels of a slot for which an uneven size would not show less than a margin does. */
const EVEN_FROM = 4

/** The side, in device pixels, of a map in `width` CSS pixels: all slots of one size, unless they are tiny. */
export function mapPixels(width: number, pixelRatio: number): number {
  const room = Math.max(SIDE, Math.floor(width * pixelRatio))
  return room < EVEN_FROM * SIDE ? room : room - (room % SIDE)
}

export interface Line {
  readonly from: Point
  readonly to: Point
}

/** The edges, in cells, between slots of different owners: where to draw the border lines. */
export function borders(owners: Uint16Array, order: Order = 'rows'): Line[] {
  return order === 'rows' ? bandBorders(owners) : cellBorders(owners, order)
}

function bandBorders(owners: Uint16Array): Line[] {
  const lines: Line[] = []
  for (let slot = 1; slot < SLOT_COUNT; slot++) {
    if (owners[slot] !== owners[slot - 1]) lines.push(...borderBefore(slot))
  }
  return lines
}

/** An edge for each pair of neighbouring cells that differ. */
function cellBorders(owners: Uint16Array, order: Order): Line[] {
  const owner = (x: number, y: number) => owners[slotOfCell(x, y, order)]
  const lines: Line[] = []
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const [right, below] = [{ x: x + 1, y }, { x, y: y + 1 }]
      const far = { x: x + 1, y: y + 1 }
      if (right.x < SIDE && owner(x, y) !== owner(right.x, y)) lines.push({ from: right, to: far })
      if (below.y < SIDE && owner(x, y) !== owner(x, below.y)) lines.push({ from: below, to: far })
    }
  }
  return lines
}

/** A band that begins within a row borders above on the row's rest, and below on its beginning. */
function borderBefore(slot: number): Line[] {
  const { x, y } = cellOf(slot)
  const right = { from: { x, y }, to: { x: SIDE, y } }
  if (x === 0) return [right]
  const left = { from: { x: 0, y: y + 1 }, to: { x, y: y + 1 } }
  const step = { from: { x, y }, to: { x, y: y + 1 } }
  return [right, step, left]
}

interface Curve {
  /** The cell of each slot. */
  readonly places: Uint16Array
  /** The slot of each cell. */
  readonly slots: Uint16Array
}

let walked: Curve | undefined

/** The Hilbert curve, walked once. */
function curve(): Curve {
  walked ??= walk()
  return walked
}

function walk(): Curve {
  const [places, slots] = [new Uint16Array(SLOT_COUNT), new Uint16Array(SLOT_COUNT)]
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const { x, y } = onCurve(slot)
    places[slot] = y * SIDE + x
    slots[y * SIDE + x] = slot
  }
  return { places, slots }
}

/** Each two bits of `slot` choose a quarter of the square, which is turned so that the curve goes on where it was. */
function onCurve(slot: number): Point {
  let [x, y] = [0, 0]
  for (let side = 1, rest = slot; side < SIDE; side *= 2, rest >>= 2) {
    const right = (rest >> 1) & 1
    const down = (rest ^ right) & 1
    if (down === 0) {
      if (right === 1) [x, y] = [side - 1 - x, side - 1 - y]
      ;[x, y] = [y, x]
    }
    x += side * right
    y += side * down
  }
  return { x, y }
}
