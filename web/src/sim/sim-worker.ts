// Runs the simulator off the main thread: the control planes of the node, compiled to WebAssembly.

import init, { Simulation } from 'slotway-wasm/simulator'
import type { Act, Play } from './play'
import type { Request, Response } from './protocol'

/** After so long a run is handed back as far as it has come, so that nobody waits for the end of a long one. */
const SLICE_MS = 24
/** Virtual time between two looks at the real clock. */
const STEP_MS = 40

const ready = init()
let simulation: Simulation | null = null
let acts: Act[] = []
let now = 0

self.addEventListener('message', async ({ data }: MessageEvent<Request>) => {
  try {
    await ready
    self.postMessage(answer(data))
  } catch (error) {
    self.postMessage({ ticket: data.ticket, kind: 'failed', why: String(error) } satisfies Response)
  }
})

function answer(request: Request): Response {
  const { ticket } = request
  if (request.kind === 'load') load(request.play, request.acts)
  if (simulation === null) return { ticket, kind: 'failed', why: 'nothing is loaded' }
  if (request.kind === 'ask') return { ticket, kind: 'answer', text: simulation.ask(request.node, request.command) }
  let done = true
  if (request.kind === 'act') done = simulation.act(request.act.words)
  if (request.kind === 'run') run(simulation, request.to)
  return { ticket, kind: 'frame', frame: simulation.frame(), reached: now, done }
}

function load(play: Play, planned: readonly Act[]): void {
  simulation?.free()
  const seed = BigInt(play.seed)
  simulation =
    play.kind === 'storm'
      ? Simulation.storm(seed)
      : Simulation.cluster(seed, play.primaries, play.replicas, play.timeoutMs, play.colliding ?? false)
  acts = [...planned]
  now = 0
}

/** Plays on to `to`, with the acts that are due on the way; less far if that takes long. */
function run(simulation: Simulation, to: number): void {
  const deadline = performance.now() + SLICE_MS
  do {
    const due = acts[0]?.at ?? Infinity
    const next = Math.min(now + STEP_MS, to, due)
    simulation.runUntil(next)
    now = next
    while (acts[0] !== undefined && acts[0].at <= now) simulation.act(acts.shift()!.words)
  } while (now < to && performance.now() < deadline)
}
