// What the page and its worker say to each other.

import type { Act, Play } from './play'

export interface NodeView {
  readonly health: 'up' | 'stopped' | 'vanished'
  readonly paused: boolean
  readonly replica: boolean
  readonly primary: number | null
  readonly slots: number
  readonly epoch: number
  readonly currentEpoch: number
  readonly ok: boolean
  readonly writes: number
  /** Per node a letter: `P` primary, `r` replica, `?` suspected, `X` failed, `-` unknown. */
  readonly thinks: string
}

export interface WritesView {
  readonly acknowledged: number
  readonly lost: number
  readonly redirected: number
  readonly refused: number
  readonly unanswered: number
}

export interface View {
  readonly nowMs: number
  readonly nodes: readonly NodeView[]
  readonly cuts: ReadonlyArray<readonly [number, number]>
  readonly slow: ReadonlyArray<readonly [number, number]>
  readonly writes: WritesView | null
  readonly moving: number
  readonly ended: boolean
  readonly violation: string | null
  readonly hash: string
}

/** From, to, kind, sent and due, in milliseconds. */
export type Flight = readonly [from: number, to: number, kind: string, sent: number, due: number]

export interface Frame {
  readonly view: View
  readonly lines: readonly string[]
  readonly flights: readonly Flight[]
}

export type Request =
  | { readonly ticket: number; readonly kind: 'load'; readonly play: Play; readonly acts: readonly Act[] }
  | { readonly ticket: number; readonly kind: 'run'; readonly to: number }
  | { readonly ticket: number; readonly kind: 'act'; readonly act: Act }
  | { readonly ticket: number; readonly kind: 'ask'; readonly node: number; readonly command: string }

/** `done` is false where an act made no sense. `reached` is how far a run came in its slice of time. */
export type Response =
  | { readonly ticket: number; readonly kind: 'frame'; readonly frame: string; readonly reached: number; readonly done: boolean }
  | { readonly ticket: number; readonly kind: 'answer'; readonly text: string }
  | { readonly ticket: number; readonly kind: 'failed'; readonly why: string }
