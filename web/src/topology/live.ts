// The cluster of the node that serves this page: asked once, then told of every change.
//
// All addresses are relative to the page, so that it works behind any path. Anywhere else `api/topology` says null: the page is on
// its own, and no stream is opened.

import type { TopologyView } from 'slotway-wasm'

export type LiveStatus = 'asking' | 'alone' | 'live' | 'reconnecting'

export interface Watcher {
  onTopology(view: TopologyView): void
  onStatus(status: LiveStatus): void
}

/** The part of EventSource that is used, for tests to stand in for. */
export interface Stream {
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void
  readonly readyState: number
  close(): void
}

export interface Server {
  topology(): Promise<unknown>
  events(): Stream
}

const CLOSED = 2
const RETRY_MS = 2_000

export const thisServer: Server = {
  topology: async () => {
    const answer = await fetch('api/topology', { headers: { accept: 'application/json' } })
    return answer.ok ? answer.json() : null
  },
  events: () => new EventSource('api/events'),
}

/** Watches until the function returned is called. */
export function watchCluster(watcher: Watcher, server: Server = thisServer): () => void {
  let stopped = false
  let stream: Stream | undefined
  let retry: ReturnType<typeof setTimeout> | undefined

  const follow = () => {
    stream = server.events()
    stream.addEventListener('topology', ({ data }) => tell(readJson(data)))
    stream.addEventListener('open', () => watcher.onStatus('live'))
    stream.addEventListener('error', () => {
      if (stopped) return
      watcher.onStatus('reconnecting')
      // The browser tries again by itself unless the answer was no stream at all.
      if (stream?.readyState === CLOSED) retry = setTimeout(follow, RETRY_MS)
    })
  }

  const tell = (view: unknown) => {
    if (stopped || !isTopologyView(view)) return
    watcher.onTopology(view)
    watcher.onStatus('live')
  }

  const start = async () => {
    watcher.onStatus('asking')
    const view = await server.topology().catch(() => null)
    if (stopped) return
    if (!isTopologyView(view)) return watcher.onStatus('alone')
    tell(view)
    follow()
  }

  void start()
  return () => {
    stopped = true
    clearTimeout(retry)
    stream?.close()
  }
}

/** A look at what is used for drawing; the rest is taken on trust from our own server. */
export function isTopologyView(value: unknown): value is TopologyView {
  const view = value as Partial<TopologyView> | null
  return typeof view === 'object' && view !== null && Array.isArray(view.nodes) && view.nodes.every((node) => Array.isArray(node.ranges))
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
