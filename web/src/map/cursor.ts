// Moving over the map with keys.

import { type SlotTable, runOf } from '../topology/slot-table'
import { type Order, SIDE, SLOT_COUNT, cellOf, slotAt } from './geometry'

const LAST = SLOT_COUNT - 1
/** Rows of one page. */
const PAGE = 8

/** The slot to which `key` leads from `slot`; null if the key does not move. */
export function moved(slot: number, key: string, table: SlotTable, order: Order = 'rows'): number | null {
  const to = (order === 'hilbert' ? neighbour(slot, key) : null) ?? target(slot, key, table)
  return to === null ? null : Math.min(LAST, Math.max(0, to))
}

const ARROWS: Record<string, readonly [number, number]> = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

/** Along the curve, an arrow leads to the cell beside, as the eye expects; null for other keys. */
function neighbour(slot: number, key: string): number | null {
  const step = ARROWS[key]
  if (step === undefined) return null
  const { x, y } = cellOf(slot, 'hilbert')
  return slotAt({ x: x + step[0] + 0.5, y: y + step[1] + 0.5 }, SIDE, 'hilbert') ?? slot
}

function target(slot: number, key: string, table: SlotTable): number | null {
  switch (key) {
    case 'ArrowLeft':
      return slot - 1
    case 'ArrowRight':
      return slot + 1
    case 'ArrowUp':
      return slot - SIDE
    case 'ArrowDown':
      return slot + SIDE
    case 'PageUp':
      return slot - PAGE * SIDE
    case 'PageDown':
      return slot + PAGE * SIDE
    case 'Home':
      return 0
    case 'End':
      return LAST
    case 'n':
      return runOf(table, slot)[1] + 1
    case 'p':
      return startOfPrevious(slot, table)
    default:
      return null
  }
}

/** The start of this band, or of the one before when already there: as the previous-track key of a player. */
function startOfPrevious(slot: number, table: SlotTable): number {
  const [start] = runOf(table, slot)
  return start < slot || slot === 0 ? start : runOf(table, slot - 1)[0]
}
