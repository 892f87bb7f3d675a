// What is played, and what was done to it and when: all that a run depends on, as the link tells it.
//
//     #simulate/3,1,2000,7/at=5200/3000.vanish.0/8000.start.0      primaries, replicas, node timeout, seed, then acts by their time
//     #simulate/storm,1290/at=12000                                a seed of the test suite

export interface ClusterPlay {
  readonly kind: 'cluster'
  readonly primaries: number
  readonly replicas: number
  readonly timeoutMs: number
  readonly seed: number
  /** All primaries begin with the same config epoch. */
  readonly colliding?: boolean
}

export interface StormPlay {
  readonly kind: 'storm'
  readonly seed: number
}

export type Play = ClusterPlay | StormPlay

/** Something done to the cluster, in the words of the simulator: `stop 0`. */
export interface Act {
  readonly at: number
  readonly words: string
}

export interface Run {
  readonly play: Play
  readonly acts: readonly Act[]
  /** The moment shown, in milliseconds. */
  readonly at: number
}

export const PREFIX = '#simulate'
export const NODES_MAX = 200

export function nodeCount(play: Play): number {
  return play.kind === 'cluster' ? play.primaries * (1 + play.replicas) : 0
}

export function writeRun({ play, acts, at }: Run): string {
  const head =
    play.kind === 'storm'
      ? `storm,${play.seed}`
      : [play.primaries, play.replicas, play.timeoutMs, play.seed, ...(play.colliding ? ['colliding'] : [])].join(',')
  return [PREFIX, head, `at=${Math.round(at)}`, ...acts.map((act) => `${act.at}.${act.words.replaceAll(' ', '.')}`)].join('/')
}

/** The run that a fragment tells; null if it tells none, or none that can be played. */
export function readRun(fragment: string): Run | null {
  const [prefix, head, ...rest] = fragment.split('/')
  if (prefix !== PREFIX || head === undefined) return null
  const play = readPlay(head.split(','))
  if (play === null) return null
  const at = rest.find((part) => /^at=\d{1,8}$/.test(part))
  const acts = rest.map(readAct).filter((act) => act !== null)
  return { play, acts: acts.sort((a, b) => a.at - b.at), at: at === undefined ? 0 : Number(at.slice(3)) }
}

function readPlay(words: string[]): Play | null {
  const numbers = words.filter((word) => /^\d{1,9}$/.test(word)).map(Number)
  if (words[0] === 'storm') return numbers.length === 1 ? { kind: 'storm', seed: numbers[0]! } : null
  const [primaries, replicas, timeoutMs, seed] = numbers
  if (primaries === undefined || replicas === undefined || timeoutMs === undefined || seed === undefined) return null
  const nodes = primaries * (1 + replicas)
  if (nodes < 1 || nodes > NODES_MAX || timeoutMs < 100) return null
  return { kind: 'cluster', primaries, replicas, timeoutMs, seed, ...(words[4] === 'colliding' ? { colliding: true } : {}) }
}

function readAct(part: string): Act | null {
  const found = /^(\d{1,8})\.([a-z0-9.-]{1,200})$/.exec(part)
  return found === null ? null : { at: Number(found[1]), words: found[2]!.replaceAll('.', ' ') }
}
