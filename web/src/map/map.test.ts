import { describe, expect, it } from 'vitest'
import { EXAMPLE } from '../topology/example'
import { rgb, mix } from '../topology/palette'
import { slotTable } from '../topology/slot-table'
import { moved } from './cursor'
import { borders, cellOf, centreOf, mapPixels, slotAt } from './geometry'
import { LIGHT, slotPixels } from './paint'

const table = slotTable(EXAMPLE)

describe('places on the map', () => {
  it('lead from slot to point and back', () => {
    for (const slot of [0, 127, 128, 5461, 16383]) expect(slotAt(centreOf(slot, 500), 500)).toBe(slot)
  })

  it('are slots only within the map', () => {
    expect(slotAt({ x: 0, y: 0 }, 500)).toBe(0)
    for (const point of [{ x: -1, y: 5 }, { x: 500, y: 5 }, { x: 5, y: 500 }]) expect(slotAt(point, 500)).toBeNull()
  })

  it('are of one size in device pixels unless they are tiny', () => {
    expect(mapPixels(546, 1)).toBe(512)
    expect(mapPixels(330, 2)).toBe(640)
    expect(mapPixels(330, 1)).toBe(330)
    expect(mapPixels(0, 1)).toBe(128)
  })

  it('have a border line where the owner changes, with a step within a row', () => {
    const { x, y } = cellOf(5461)
    expect(x).toBeGreaterThan(0)
    expect(borders(table.owners).slice(0, 3)).toEqual([
      { from: { x, y }, to: { x: 128, y } },
      { from: { x, y }, to: { x, y: y + 1 } },
      { from: { x: 0, y: y + 1 }, to: { x, y: y + 1 } },
    ])
    expect(borders(new Uint16Array(16384))).toEqual([])
  })
})

describe('the keyboard', () => {
  it.each([
    ['ArrowLeft', 200, 199],
    ['ArrowRight', 200, 201],
    ['ArrowUp', 200, 72],
    ['ArrowDown', 200, 328],
    ['PageUp', 2000, 976],
    ['PageDown', 200, 1224],
    ['Home', 200, 0],
    ['End', 200, 16383],
    ['n', 200, 5461],
    ['p', 6000, 5461],
    ['p', 5461, 0],
  ])('%s leads from %i to %i', (key, from, to) => expect(moved(from, key, table)).toBe(to))

  it('stays on the map', () => {
    expect(moved(0, 'ArrowUp', table)).toBe(0)
    expect(moved(0, 'p', table)).toBe(0)
    expect(moved(16383, 'n', table)).toBe(16383)
  })

  it('leaves other keys alone', () => expect(moved(5, 'x', table)).toBeNull())
})

describe('the pixels', () => {
  const paint = (keys: Uint32Array, highlight: number | null = null) => slotPixels({ table, keys, highlight, theme: LIGHT })
  const at = (pixels: Uint8ClampedArray, slot: number) => [...pixels.subarray(slot * 4, slot * 4 + 3)]

  it('tint slots by shard, and show more of the colour where keys are', () => {
    const keys = new Uint32Array(16384)
    keys[7] = 1
    keys[8] = 100
    const pixels = paint(keys)
    expect(at(pixels, 0)).not.toEqual(at(pixels, 6000))
    const strength = (slot: number) => 255 - at(pixels, slot)[0]!
    expect(strength(7)).toBeGreaterThan(strength(6))
    expect(strength(8)).toBeGreaterThan(strength(7))
    const { r, g, b } = mix(rgb(table.shards[0]!.colour), LIGHT.paper, 1)
    expect(at(pixels, 8)).toEqual([r, g, b])
  })

  it('fade all shards but the one brought out', () => {
    const keys = new Uint32Array(16384)
    expect(at(paint(keys, 0), 0)).toEqual(at(paint(keys), 0))
    expect(at(paint(keys, 0), 6000)).not.toEqual(at(paint(keys), 6000))
  })

  it('chequer slots that nobody serves', () => {
    const gap = slotTable({ ...EXAMPLE, nodes: [] })
    const pixels = slotPixels({ table: gap, keys: new Uint32Array(16384), highlight: null, theme: LIGHT })
    expect(at(pixels, 0)).not.toEqual(at(pixels, 2))
  })
})
