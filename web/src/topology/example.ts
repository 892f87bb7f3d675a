// What is shown when there is no cluster and no key yet: never an empty page.

import type { NodeView, TopologyView } from 'slotway-wasm'

const RANGES = [
  [0, 5460],
  [5461, 10922],
  [10923, 16383],
] as const

/** Three primaries with a replica each, as `redis-cli --cluster create` spreads and pairs them. */
export const EXAMPLE: TopologyView = {
  version: 1,
  state: 'ok',
  currentEpoch: 3,
  myself: null,
  nodes: [...RANGES.map((_, at) => primary(at)), ...RANGES.map((_, at) => replica(at))],
  migrating: [],
  importing: [],
  uncovered: [],
}

/** Keys that show each case of the rule of hash tags, and one twice. */
export const EXAMPLE_KEYS = `\
user:1000
{user:1000}.cart
{user:1000}.orders
session:9f2c41
order:{2024-11}:17
order:{2024-11}:18
foo{}{bar}
foo{{bar}}zap
product:espresso
product:flat-white
queue:emails
user:1000
café:☕`

function primary(at: number): NodeView {
  const [start, end] = RANGES[at]!
  return { ...node(at), role: 'primary', primaryId: null, flags: ['master'], configEpoch: at + 1, ranges: [[start, end]], slots: end - start + 1 }
}

/** The replica on the next machine but one, as redis-cli places them. */
function replica(at: number): NodeView {
  const of = (at + 2) % RANGES.length
  return { ...node(RANGES.length + at), role: 'replica', primaryId: id(of), flags: ['slave'], configEpoch: of + 1, ranges: [], slots: 0 }
}

function node(at: number) {
  const host = '127.0.0.1'
  const place = { host, ip: host, hostname: null, port: 7000 + at, busPort: 17000 + at }
  return { id: id(at), ...place, linkState: 'connected', health: 'online' } as const
}

function id(at: number): string {
  return (at + 1).toString(16).repeat(40)
}
