// States that can be gone back to, and forth again.

/** Changes of one kind within this time are one step: nobody wants to undo letter by letter. */
const JOINED_MS = 1_000
export const STEPS_MAX = 100

export class History<State> {
  #past: State[] = []
  #future: State[] = []
  #last = { kind: '', at: -Infinity }

  /** Notes that `before` is about to change, by a change of this kind, at `now` in milliseconds. */
  changing(before: State, kind: string, now: number): void {
    const joined = kind === this.#last.kind && now - this.#last.at < JOINED_MS && this.#past.length > 0
    this.#last = { kind, at: now }
    this.#future = []
    if (!joined) this.#past = [...this.#past, before].slice(-STEPS_MAX)
  }

  get canUndo(): boolean {
    return this.#past.length > 0
  }

  get canRedo(): boolean {
    return this.#future.length > 0
  }

  /** The state before `current`; null if there is none. */
  undo(current: State): State | null {
    return this.#step(this.#past, this.#future, current)
  }

  /** The state that `undo` left. */
  redo(current: State): State | null {
    return this.#step(this.#future, this.#past, current)
  }

  #step(from: State[], to: State[], current: State): State | null {
    const state = from.pop()
    if (state === undefined) return null
    to.push(current)
    this.#last = { kind: '', at: -Infinity }
    return state
  }
}
