import type { TopologyView } from 'slotway-wasm'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type LiveStatus, type Server, type Stream, watchCluster } from './live'

const view = (version: number) => ({ version, nodes: [] }) as unknown as TopologyView

class FakeStream implements Stream {
  readyState = 0
  #listeners = new Map<string, (event: MessageEvent<string>) => void>()
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void) {
    this.#listeners.set(type, listener)
  }
  say(type: string, data = '') {
    this.#listeners.get(type)?.({ data } as MessageEvent<string>)
  }
  close() {
    this.readyState = 2
  }
}

function watched(answer: unknown) {
  const streams: FakeStream[] = []
  const server: Server = {
    topology: () => (answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer)),
    events: () => {
      streams.push(new FakeStream())
      return streams.at(-1)!
    },
  }
  const statuses: LiveStatus[] = []
  const versions: number[] = []
  const stop = watchCluster({ onStatus: (status) => statuses.push(status), onTopology: ({ version }) => versions.push(version) }, server)
  return { streams, statuses, versions, stop }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it.each([null, {}, 'text', { nodes: [{}] }, new Error('offline')])('a page that is not served by a node (%s) is alone and opens no stream', async (answer) => {
  const page = watched(answer)
  await vi.runAllTimersAsync()
  expect(page.statuses).toEqual(['asking', 'alone'])
  expect(page.streams).toEqual([])
})

it('the first picture is asked for, later ones are told', async () => {
  const page = watched(view(1))
  await vi.runAllTimersAsync()
  page.streams[0]!.say('topology', JSON.stringify(view(2)))
  page.streams[0]!.say('topology', 'not JSON')
  expect(page.versions).toEqual([1, 2])
  expect(page.statuses.at(-1)).toBe('live')
})

it('a broken connection is said, and said to be back when the stream opens again', async () => {
  const page = watched(view(1))
  await vi.runAllTimersAsync()
  page.streams[0]!.say('error')
  expect(page.statuses.at(-1)).toBe('reconnecting')
  page.streams[0]!.say('open')
  expect(page.statuses.at(-1)).toBe('live')
  expect(page.streams).toHaveLength(1)
})

it('a stream that the browser gave up is opened anew', async () => {
  const page = watched(view(1))
  await vi.runAllTimersAsync()
  page.streams[0]!.readyState = 2
  page.streams[0]!.say('error')
  await vi.runAllTimersAsync()
  expect(page.streams).toHaveLength(2)
})

it('nothing is told after the watch has stopped', async () => {
  const page = watched(view(1))
  await vi.runAllTimersAsync()
  page.stop()
  page.streams[0]!.say('topology', JSON.stringify(view(2)))
  page.streams[0]!.say('error')
  await vi.runAllTimersAsync()
  expect(page.versions).toEqual([1])
  expect(page.streams).toHaveLength(1)
  expect(page.streams[0]!.readyState).toBe(2)
})
