// What the nodes of the live cluster tell of themselves, and what its slots hold: asked again and again while the page is looked at.
//
// The shapes are those of `node/src/observe/report.rs` and `slots.rs`. A server without these addresses is asked once and left alone.

import { SLOT_COUNT } from './slot-table'

export interface NodeReport {
  readonly id: string
  /** Why nothing is known of it. */
  readonly complaint: string | null
  readonly software: string | null
  readonly keys: number | null
  readonly memoryBytes: number | null
  readonly memoryMaxBytes: number | null
  readonly clients: number | null
  readonly commandsPerSecond: number | null
  readonly offset: number | null
  readonly replication: Replication | null
}

export interface Replication {
  readonly isLinked: boolean
  readonly isSyncing: boolean
  readonly behindBytes: number | null
  readonly silentSeconds: number | null
}

export interface Migration {
  readonly from: string
  readonly to: string
  readonly ranges: ReadonlyArray<readonly [number, number]>
  readonly slots: number
  readonly how: 'slotBySlot' | 'atomic'
  readonly state: string | null
  readonly keysDone: number | null
}

export interface Report {
  readonly at: number
  readonly nodes: readonly NodeReport[]
  readonly migrations: readonly Migration[]
}

/** What is in each slot, and what it costs; a slot that nobody has counted has 0. */
export interface Heat {
  readonly keys: Uint32Array
  /** Microseconds of processor time a second. Null where no node counts that. */
  readonly load: Uint32Array | null
}

export interface FiguresWatcher {
  onReport(report: Report): void
  onHeat(heat: Heat): void
}

export interface FiguresServer {
  nodes(): Promise<unknown>
  slots(): Promise<unknown>
  /** True while nobody sees the page. */
  isHidden(): boolean
}

const REPORT_MS = 1_000
/** The slots are asked once for so many times that the nodes are. */
const SLOTS_EVERY = 3

export const thisServersFigures: FiguresServer = {
  nodes: () => answerOf('api/nodes'),
  slots: () => answerOf('api/slots?of=keys,load'),
  isHidden: () => document.hidden,
}

/** What the server answers; null if there is no such address. */
async function answerOf(path: string): Promise<unknown> {
  const answer = await fetch(path, { headers: { accept: 'application/json' } })
  if (answer.status === 404) return null
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`)
  return answer.json()
}

/** Asks until the function returned is called, or the server has no such thing. */
export function watchFigures(watcher: FiguresWatcher, server: FiguresServer = thisServersFigures): () => void {
  let stopped = false
  let timer: ReturnType<typeof setTimeout> | undefined

  const ask = async (turn: number) => {
    try {
      if (!server.isHidden()) {
        const report = await server.nodes()
        if (stopped || report === null) return
        if (isReport(report)) watcher.onReport(report)
        if (turn % SLOTS_EVERY === 0) await askSlots()
      }
    } catch {
      // The stream of topologies says that the server is away; here it is only asked again.
    }
    if (!stopped) timer = setTimeout(() => void ask(turn + 1), REPORT_MS)
  }

  const askSlots = async () => {
    const heat = heatOf(await server.slots())
    if (!stopped && heat !== null) watcher.onHeat(heat)
  }

  void ask(0)
  return () => {
    stopped = true
    clearTimeout(timer)
  }
}

function isReport(value: unknown): value is Report {
  const report = value as Partial<Report> | null
  return typeof report === 'object' && report !== null && Array.isArray(report.nodes) && Array.isArray(report.migrations)
}

/** From `{ keys: [...], load: [...] }`, a number or null for each slot. */
export function heatOf(value: unknown): Heat | null {
  const { keys, load } = (value ?? {}) as { keys?: unknown; load?: unknown }
  const counted = columnOf(keys)
  if (counted === null) return null
  const spent = Array.isArray(load) && load.some((number) => number !== null) ? columnOf(load) : null
  return { keys: counted, load: spent }
}

function columnOf(value: unknown): Uint32Array | null {
  if (!Array.isArray(value) || value.length !== SLOT_COUNT) return null
  return Uint32Array.from(value, (number: number | null) => number ?? 0)
}

/** The slots with the most, the first with most of all; none with nothing. */
export function hottest(column: Uint32Array, wanted: number): number[] {
  const slots = Array.from(column.keys()).filter((slot) => column[slot]! > 0)
  return slots.sort((a, b) => column[b]! - column[a]! || a - b).slice(0, wanted)
}
