// What the page shows: the keys, the cluster, and one linked selection (key -> slot -> node).
//
// Views read these fields and call these methods; they hold no state of their own but what only they draw.

import type { TopologyView } from 'slotway-wasm'
import { EXAMPLE_COMMANDS } from '../commands/example'
import { type KeyList, find, keysInSlot, listKeys, size, textOf } from '../keys/key-list'
import { Lister } from '../keys/lister'
import { tagForSlot } from '../keys/tag-for-slot'
import type { Order } from '../map/geometry'
import type { Colouring } from '../map/paint'
import { type Change, changesBetween } from '../topology/changes'
import { EXAMPLE, EXAMPLE_KEYS } from '../topology/example'
import { type Heat, type Report, watchFigures } from '../topology/figures'
import { type LiveStatus, watchCluster } from '../topology/live'
import { readTopology } from '../topology/read'
import { SLOT_COUNT, type SlotTable, slotTable } from '../topology/slot-table'
import { type Edits, NO_EDITS, readEdits, writeEdits } from './edits'
import { NOTHING_SHARED, type Shared, leftOut, readFragment, writeFragment } from './fragment'
import { History } from './history'
import type { Screen } from './screens'

export type Source = 'live' | 'example' | 'pasted'

/** Text longer than this is not put into the text field: browsers are slow to lay it out. */
export const FIELD_MAX = 200_000

/** Of the first keys, the one selected: in the example the first with a hash tag. */
const FIRST_SHOWN = 1

const EXAMPLE_TABLE = slotTable(EXAMPLE)

const NO_COUNTS = new Uint32Array(SLOT_COUNT)

/** How far the map is zoomed in at most. */
export const ZOOM_MAX = 4

/** Changes of the live cluster that are kept. */
const CHANGES_MAX = 200

export interface SeenChange {
  readonly id: number
  readonly at: Date
  readonly change: Change
}

/** What undo brings back. */
interface Restorable {
  readonly text: string
  readonly source: Source
  readonly pasted: string
  readonly commands: string
  readonly edits: Edits
}

export class Page {
  text = $state.raw('')
  list = $state.raw<KeyList>(listKeys(''))
  /** True while a worker lists many keys, of which it has read this part. */
  listing = $state(false)
  progress = $state(0)

  source = $state<Source>('example')
  live = $state<LiveStatus>('asking')
  /** What has changed in the live cluster since the page was opened, the latest first. */
  changes = $state.raw<readonly SeenChange[]>([])
  /** What the nodes of the live cluster tell; null before they have, or if nobody asks them. */
  report = $state.raw<Report | null>(null)
  /** What its slots hold and cost. */
  heat = $state.raw<Heat | null>(null)
  pasted = $state('')
  pasteError = $state('')
  table = $state.raw<SlotTable>(EXAMPLE_TABLE)

  /** What is typed on the screen of commands. */
  commands = $state.raw(EXAMPLE_COMMANDS)
  /** What is wanted of the cluster on the screen of plans. */
  edits = $state.raw<Edits>(NO_EDITS)

  order = $state<Order>('rows')
  colouring = $state<Colouring>('shards')
  zoom = $state(1)
  /** All slots are shown as a table too. */
  isTable = $state(false)
  /** True while the address has no room for all that is shown. */
  linkFallsShort = $state(false)
  canUndo = $state(false)
  canRedo = $state(false)

  /** The selected key's place in the list. */
  selected = $state<number | null>(null)
  pinned = $state<number | null>(null)
  hover = $state<number | null>(null)
  /** The shard brought out on the map. */
  highlight = $state<number | null>(null)

  /** What is known of the slots shown. */
  readonly shownHeat = $derived(this.source === 'live' ? this.heat : null)
  /** How much of its colour each slot gets. */
  readonly tinted = $derived.by(() => {
    if (this.colouring === 'stored') return this.shownHeat?.keys ?? NO_COUNTS
    if (this.colouring === 'load') return this.shownHeat?.load ?? NO_COUNTS
    return this.list.perSlot
  })
  /** Ranges of slots that are on their way in the live cluster, as all its nodes tell. */
  readonly moving = $derived(this.source === 'live' ? (this.report?.migrations ?? []).flatMap(({ ranges }) => ranges) : [])

  #liveView: TopologyView | null = null
  #pastedView: TopologyView | null = null
  #chosen = false
  #history = new History<Restorable>()
  /** What to select when the keys that are being listed have come. */
  #wanted: Partial<Shared> & { key?: string } = {}
  #lister = new Lister(
    (list) => this.#listed(list),
    (part) => (this.progress = part),
  )

  constructor(shared: Shared) {
    this.#wanted = { slot: shared.slot }
    this.#setText(shared.keys ?? EXAMPLE_KEYS)
    if (shared.commands !== null) this.commands = shared.commands
    if (shared.edits !== null) this.edits = readEdits(shared.edits)
    if (shared.pasted !== null) {
      this.#chosen = true
      this.source = 'pasted'
      this.#paste(shared.pasted)
    }
  }

  /** Opens the page as the address says. */
  static async open(): Promise<Page> {
    return new Page(await readFragment(location.hash))
  }

  setText(text: string): void {
    this.#changing('keys')
    this.#setText(text)
  }

  setCommands(text: string): void {
    this.#changing('commands')
    this.commands = text
  }

  /** `kind` names what was changed: quick changes of one kind are undone together. */
  setEdits(edits: Edits, kind: string): void {
    this.#changing(`edits ${kind}`)
    this.edits = edits
  }

  undo(): void {
    this.#restore(this.#history.undo(this.#restorable()))
  }

  redo(): void {
    this.#restore(this.#history.redo(this.#restorable()))
  }

  zoomBy(factor: number): void {
    this.zoom = Math.min(ZOOM_MAX, Math.max(1, this.zoom * factor))
  }

  #setText(text: string): void {
    if (this.selected !== null) this.#wanted = { key: textOf(this.list, this.selected) }
    this.text = text
    this.progress = 0
    this.listing = this.#lister.list(text)
  }

  selectKey(at: number): void {
    this.selected = at
    this.pinned = this.list.slots[at] ?? null
  }

  /** Pins `slot` and selects the first key in it. */
  pin(slot: number): void {
    this.pinned = slot
    this.selected = keysInSlot(this.list, slot, 1)[0] ?? null
  }

  unpin(): void {
    this.pinned = null
    this.selected = null
  }

  /** Adds a key that lands in `slot`. */
  addKeyFor(slot: number): void {
    const key = `{${tagForSlot(slot)}}:key`
    this.selected = null
    this.#wanted = { key }
    this.setText(`${this.text.replace(/\n*$/, '')}\n${key}`.trimStart())
  }

  toggleHighlight(shard: number): void {
    this.highlight = this.highlight === shard ? null : shard
  }

  /** Shows the cluster of another source, because a person asked for it. */
  choose(source: Source): void {
    if (source !== this.source) this.#changing('source')
    this.#chosen = true
    this.#show(source)
  }

  paste(text: string): void {
    this.#changing('pasted')
    this.#paste(text)
  }

  #paste(text: string): void {
    this.pasted = text
    this.pasteError = ''
    this.#pastedView = null
    if (text.trim() !== '') void this.#readPasted(text)
    else this.#show('pasted')
  }

  /** Follows the node that serves the page, if one does, until the function returned is called. */
  follow(): () => void {
    let forget: (() => void) | undefined
    const stop = watchCluster({
      onStatus: (status) => {
        this.live = status
        if (status === 'live') forget ??= watchFigures({ onReport: (report) => (this.report = report), onHeat: (heat) => (this.heat = heat) })
      },
      onTopology: (view) => {
        this.#note(view)
        this.#liveView = view
        if (this.source === 'live' || !this.#chosen) this.#show('live')
      },
    })
    return () => {
      stop()
      forget?.()
    }
  }

  #note(view: TopologyView): void {
    if (this.#liveView === null) return
    const at = new Date()
    const first = (this.changes[0]?.id ?? 0) + 1
    const seen = changesBetween(this.#liveView, view).map((change, after) => ({ id: first + after, at, change }))
    this.changes = [...seen.reverse(), ...this.changes].slice(0, CHANGES_MAX)
  }

  /** The fragment that brings others to what this screen shows now. */
  async fragment(screen: Screen): Promise<string> {
    const shared = this.#shared(screen)
    const fields = await writeFragment(shared)
    this.linkFallsShort = leftOut(fields, shared).length > 0
    return screen === 'slots' ? fields : [screen, fields].filter((part) => part !== '').join('&')
  }

  /** What all screens show, however long, for a file. */
  whole(): Shared {
    const { text, pinned, pasted, commands, edits } = this
    return { keys: text, slot: pinned, pasted: pasted === '' ? null : pasted, commands, edits: edits === NO_EDITS ? null : writeEdits(edits) }
  }

  /** Shows what a file has kept. */
  bringBack({ keys, slot, pasted, commands, edits }: Shared, source: Source): void {
    this.#changing('file')
    this.#chosen = true
    this.#setText(keys ?? EXAMPLE_KEYS)
    this.#wanted = { slot }
    this.commands = commands ?? EXAMPLE_COMMANDS
    this.edits = edits === null ? NO_EDITS : readEdits(edits)
    if (pasted !== null) this.#paste(pasted)
    this.#show(source === 'live' && this.#liveView === null ? 'example' : source)
  }

  #shared(screen: Screen): Shared {
    const pasted = this.source === 'pasted' && this.pasted !== '' ? this.pasted : null
    const here = { ...NOTHING_SHARED, pasted }
    switch (screen) {
      case 'slots':
        return { ...here, keys: this.text === EXAMPLE_KEYS ? null : this.text, slot: this.pinned }
      case 'commands':
        return { ...here, commands: this.commands === EXAMPLE_COMMANDS ? null : this.commands }
      case 'plan':
        return { ...here, edits: this.edits === NO_EDITS ? null : writeEdits(this.edits) }
      case 'simulate':
        return NOTHING_SHARED
    }
  }

  #restorable(): Restorable {
    const { text, source, pasted, commands, edits } = this
    return { text, source, pasted, commands, edits }
  }

  #changing(kind: string): void {
    this.#history.changing(this.#restorable(), kind, performance.now())
    this.#tellHistory()
  }

  #restore(state: Restorable | null): void {
    if (state === null) return
    if (state.text !== this.text) this.#setText(state.text)
    if (state.pasted !== this.pasted) this.#paste(state.pasted)
    this.commands = state.commands
    this.edits = state.edits
    this.#show(state.source)
    this.#tellHistory()
  }

  #tellHistory(): void {
    this.canUndo = this.#history.canUndo
    this.canRedo = this.#history.canRedo
  }

  #show(source: Source): void {
    this.source = source
    const view = source === 'live' ? this.#liveView : source === 'pasted' ? this.#pastedView : null
    this.table = view === null ? EXAMPLE_TABLE : slotTable(view)
    if (this.highlight !== null && this.highlight >= this.table.shards.length) this.highlight = null
  }

  async #readPasted(text: string): Promise<void> {
    const read = readTopology(text)
    const outcome = await read.catch((error: unknown) => (error instanceof Error ? error.message : String(error)))
    if (text !== this.pasted) return
    if (typeof outcome === 'string') this.pasteError = outcome
    else this.#pastedView = outcome
    if (this.source === 'pasted') this.#show('pasted')
  }

  #listed(list: KeyList): void {
    this.list = list
    this.listing = false
    const { key, slot } = this.#wanted
    this.#wanted = {}
    if (slot !== undefined && slot !== null) return this.pin(slot)
    const at = key === undefined ? -1 : find(list, key)
    if (at >= 0) return this.selectKey(at)
    if (this.selected !== null) this.#selectLast()
    else if (this.pinned === null && size(list) > 0) this.selectKey(Math.min(FIRST_SHOWN, size(list) - 1))
  }

  /** The key that was selected is gone: the one now being typed is most likely the last. */
  #selectLast(): void {
    if (size(this.list) > 0) this.selectKey(size(this.list) - 1)
    else this.unpin()
  }
}
