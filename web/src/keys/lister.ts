// Lists keys where it hurts least: a few at once, many in a worker.

import { type KeyList, listKeys } from './key-list'

/** Above this many characters, listing would take longer than a frame. */
const AT_ONCE_MAX = 100_000

/** What a worker says: how far it is, and in the end the list. */
type Report = { readonly ticket: number } & ({ readonly part: number } | { readonly list: KeyList })

/** Calls `onList` with the list of the text last given; a list of an older text that comes late is dropped. */
export class Lister {
  #worker: Worker | undefined
  #ticket = 0

  constructor(
    private readonly onList: (list: KeyList) => void,
    private readonly onProgress: (part: number) => void,
  ) {}

  /** Returns true when the list will come later. */
  list(text: string): boolean {
    this.#ticket += 1
    if (text.length <= AT_ONCE_MAX) {
      this.onList(listKeys(text))
      return false
    }
    this.#worker ??= this.#start()
    this.#worker.postMessage({ ticket: this.#ticket, text })
    return true
  }

  #start(): Worker {
    const worker = new Worker(new URL('./list-worker.ts', import.meta.url), { type: 'module' })
    worker.addEventListener('message', ({ data }: MessageEvent<Report>) => {
      if (data.ticket !== this.#ticket) return
      if ('list' in data) this.onList(data.list)
      else this.onProgress(data.part)
    })
    return worker
  }
}
