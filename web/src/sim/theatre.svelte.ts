// Drives a simulation: the worker plays, this remembers what was done and when, and which moment is shown.
//
// A run is a function of its play and its acts, so to go back is to play again from the beginning. Acts after the moment shown stay, and
// come again, until somebody does something new there: that is a fork.

import { type Entry, added } from './events'
import type { Act, Play, Run } from './play'
import { nodeCount } from './play'
import type { Flight, Frame, Request, Response, View } from './protocol'
import { SCENARIOS, type ScenarioId } from './scenarios'

type Question = Request extends infer R ? (R extends Request ? Omit<R, 'ticket'> : never) : never

/** Virtual time is not asked for further than this at once: a tab that was hidden must not make up for it. */
const LEAP_MS = 250
/** A step ends here if nothing happens. */
const STEP_MAX_MS = 60_000
/** A look so far ahead at a time, when stepping. */
const STEP_MS = 50

export const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 5, 20, 100] as const

export class Theatre {
  play = $state.raw<Play>(SCENARIOS[0]!.play)
  acts = $state.raw<readonly Act[]>([])
  view = $state.raw<View | null>(null)
  log = $state.raw<readonly Entry[]>([])
  /** What has been sent since the last frame. */
  flights = $state.raw<readonly Flight[]>([])
  /** The moment shown. */
  now = $state(0)
  playing = $state(false)
  speed = $state(1)
  selected = $state(0)
  failure = $state('')
  /** The last act made no sense. */
  refused = $state(false)

  #worker: Worker
  #ticket = 0
  #waiting = new Map<number, (response: Response) => void>()
  #frame = 0
  #last = 0
  /** What is under way; a later wish makes it void. */
  #epoch = 0
  /** Acts are never void: what comes after them waits. */
  #acting: Promise<void> = Promise.resolve()
  #busy = false

  constructor(run: Run) {
    this.#worker = new Worker(new URL('./sim-worker.ts', import.meta.url), { type: 'module' })
    this.#worker.addEventListener('message', ({ data }: MessageEvent<Response>) => this.#answered(data))
    this.#worker.addEventListener('error', ({ message }) => (this.failure = message || 'the worker does not start'))
    void this.load(run)
    this.#frame = requestAnimationFrame((time) => this.#onFrame(time))
  }

  close(): void {
    cancelAnimationFrame(this.#frame)
    this.#worker.terminate()
  }

  async load(run: Run): Promise<void> {
    await this.#acting
    this.play = run.play
    this.acts = run.acts
    this.selected = Math.min(this.selected, Math.max(0, nodeCount(run.play) - 1))
    await this.#from(0, run.at)
  }

  async begin(id: ScenarioId): Promise<void> {
    const { play, acts } = SCENARIOS.find((scenario) => scenario.id === id)!
    await this.load({ play, acts, at: 0 })
    this.playing = true
  }

  /** Shows that moment, past or future. */
  async seek(ms: number): Promise<void> {
    await this.#acting
    const to = Math.max(0, ms)
    await this.#from(to < this.now ? 0 : this.now, to)
  }

  /** Goes on until something is told. */
  async step(): Promise<void> {
    this.playing = false
    const epoch = ++this.#epoch
    const [told, end] = [this.log.length, this.now + STEP_MAX_MS]
    while (epoch === this.#epoch && this.log.length === told && this.now < end && !this.over) await this.#run(this.now + STEP_MS)
  }

  /** Does something now. What was to be done later is not done any more. */
  act(words: string): Promise<void> {
    this.#acting = this.#acting.then(() => this.#act(words))
    return this.#acting
  }

  async #act(words: string): Promise<void> {
    if (this.play.kind === 'storm') return
    const epoch = ++this.#epoch
    if (this.acts.some(({ at }) => at > this.now)) {
      const now = this.now
      this.acts = this.acts.filter(({ at }) => at <= now)
      await this.#from(0, now, epoch)
    }
    // A look that was under way may have brought the world further.
    const response = await this.#ask({ kind: 'act', act: { at: this.now, words } })
    if (response.kind !== 'frame') return this.#show(response)
    this.refused = !response.done
    if (response.done) this.acts = [...this.acts, { at: response.reached, words }]
    this.#show(response)
  }

  async ask(node: number, command: string): Promise<string> {
    const response = await this.#ask({ kind: 'ask', node, command })
    return response.kind === 'answer' ? response.text : response.kind === 'failed' ? response.why : ''
  }

  get over(): boolean {
    return this.view !== null && (this.view.ended || this.view.violation !== null)
  }

  /** What the link tells. */
  get run(): Run {
    return { play: this.play, acts: this.acts, at: this.now }
  }

  async #from(start: number, to: number, epoch = ++this.#epoch): Promise<void> {
    if (start === 0) {
      this.log = []
      this.now = 0
      this.#show(await this.#ask({ kind: 'load', play: this.play, acts: this.acts }))
    }
    while (epoch === this.#epoch && this.now < to && this.failure === '' && !this.over) await this.#run(to)
  }

  async #run(to: number): Promise<void> {
    this.#show(await this.#ask({ kind: 'run', to: Math.round(to) }))
  }

  #show(response: Response): void {
    if (response.kind === 'failed') this.failure = response.why
    if (response.kind !== 'frame') return
    const { view, lines, flights } = JSON.parse(response.frame) as Frame
    this.now = response.reached
    this.view = view
    this.flights = flights
    this.log = added(this.log, lines)
    if (this.over) this.playing = false
  }

  #ask(question: Question): Promise<Response> {
    const ticket = ++this.#ticket
    return new Promise((answered) => {
      this.#waiting.set(ticket, answered)
      this.#worker.postMessage({ ...question, ticket })
    })
  }

  #answered(response: Response): void {
    this.#waiting.get(response.ticket)?.(response)
    this.#waiting.delete(response.ticket)
  }

  /** One look at a time: a frame that comes while the worker is at work asks for nothing. */
  #onFrame(time: number): void {
    const passed = Math.min(time - this.#last, LEAP_MS)
    this.#last = time
    if (this.playing && !this.#busy && this.#waiting.size === 0 && this.failure === '') {
      this.#busy = true
      void this.#run(this.now + Math.max(1, passed * this.speed)).finally(() => (this.#busy = false))
    }
    this.#frame = requestAnimationFrame((next) => this.#onFrame(next))
  }
}
