// Where slots are on the map: 128 rows of 128, row by row, so that a range of slots is a band.

export const SIDE = 128
export const SLOT_COUNT = SIDE * SIDE

export interface Point {
  readonly x: number
  readonly y: number
}

/** Column and row of `slot`. */
export function cellOf(slot: number): Point {
  return { x: slot % SIDE, y: Math.floor(slot / SIDE) }
}

/** The slot at `point` of a square map of `size`; null outside it. */
export function slotAt({ x, y }: Point, size: number): number | null {
  const column = Math.floor((x / size) * SIDE)
  const row = Math.floor((y / size) * SIDE)
  const inside = column >= 0 && column < SIDE && row >= 0 && row < SIDE
  return inside ? row * SIDE + column : null
}

/** The middle of `slot` on a map of `size`. */
export function centreOf(slot: number, size: number): Point {
  const { x, y } = cellOf(slot)
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

/** The edges, in cells, between slots of different owners: where to draw the border lines of the bands. */
export function borders(owners: Uint16Array): Line[] {
  const lines: Line[] = []
  for (let slot = 1; slot < SLOT_COUNT; slot++) {
    if (owners[slot] !== owners[slot - 1]) lines.push(...borderBefore(slot))
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
