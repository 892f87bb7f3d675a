import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type FiguresServer, type Heat, type Report, heatOf, hottest, watchFigures } from './figures'

const REPORT: Report = { at: 1, nodes: [], migrations: [] }
const column = (of: Record<number, number | null>) => Array.from({ length: 16384 }, (_, slot) => of[slot] ?? 0)

function watched(server: Partial<FiguresServer>) {
  const asked = { nodes: 0, slots: 0 }
  const seen: { reports: Report[]; heats: Heat[] } = { reports: [], heats: [] }
  const all: FiguresServer = { nodes: async () => REPORT, slots: async () => ({ keys: column({ 7: 2 }) }), isHidden: () => false, ...server }
  const stop = watchFigures(
    { onReport: (report) => seen.reports.push(report), onHeat: (heat) => seen.heats.push(heat) },
    {
      nodes: () => (asked.nodes++, all.nodes()),
      slots: () => (asked.slots++, all.slots()),
      isHidden: all.isHidden,
    },
  )
  return { asked, seen, stop }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('nodes are asked every second, slots every third time', async () => {
  const { asked, seen, stop } = watched({})
  await vi.advanceTimersByTimeAsync(5_500)
  expect(asked).toEqual({ nodes: 6, slots: 2 })
  expect(seen.reports).toHaveLength(6)
  expect(seen.heats[0]!.keys[7]).toBe(2)
  stop()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(asked.nodes).toBe(6)
})

it('a server without these addresses is asked once', async () => {
  const { asked, seen } = watched({ nodes: async () => null })
  await vi.advanceTimersByTimeAsync(10_000)
  expect(asked).toEqual({ nodes: 1, slots: 0 })
  expect(seen.reports).toEqual([])
})

it('a server that is away is asked again', async () => {
  let away = true
  const { seen, stop } = watched({ nodes: async () => (away ? Promise.reject(new Error('away')) : REPORT) })
  await vi.advanceTimersByTimeAsync(2_500)
  expect(seen.reports).toEqual([])
  away = false
  await vi.advanceTimersByTimeAsync(1_000)
  expect(seen.reports).toHaveLength(1)
  stop()
})

it('nobody is asked while nobody looks', async () => {
  let hidden = true
  const { asked, stop } = watched({ isHidden: () => hidden })
  await vi.advanceTimersByTimeAsync(3_500)
  expect(asked.nodes).toBe(0)
  hidden = false
  await vi.advanceTimersByTimeAsync(1_000)
  expect(asked.nodes).toBe(1)
  stop()
})

it('columns are read with gaps, and only whole', () => {
  const heat = heatOf({ keys: column({ 5: null, 6: 3 }), load: column({ 6: 40 }) })!
  expect([heat.keys[5], heat.keys[6], heat.load![6]]).toEqual([0, 3, 40])
  expect(heatOf({ keys: column({ 6: 3 }), load: Array(16384).fill(null) })!.load).toBeNull()
  for (const value of [null, {}, { keys: [1, 2] }, { keys: 'many' }]) expect(heatOf(value)).toBeNull()
})

it('the hottest slots come first, and cold ones not at all', () => {
  expect(hottest(heatOf({ keys: column({ 9: 3, 4: 8, 100: 3 }) })!.keys, 10)).toEqual([4, 9, 100])
  expect(hottest(heatOf({ keys: column({ 9: 3, 4: 8 }) })!.keys, 1)).toEqual([4])
})
