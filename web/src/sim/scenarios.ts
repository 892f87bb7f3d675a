// Troubles by name: a cluster, and what befalls it when.

import type { Act, ClusterPlay } from './play'

export interface Scenario {
  readonly id: ScenarioId
  readonly play: ClusterPlay
  readonly acts: readonly Act[]
}

export type ScenarioId = 'kill' | 'minority' | 'majority' | 'flapping' | 'collision' | 'two' | 'manual' | 'reshard' | 'clock' | 'calm'

const SIX: ClusterPlay = { kind: 'cluster', primaries: 3, replicas: 1, timeoutMs: 2000, seed: 7 }
const TEN: ClusterPlay = { ...SIX, primaries: 5 }

const act = (at: number, words: string): Act => ({ at, words })

/** Down for a moment, again and again, each time too short to be declared failed for good. */
const FLAPS = [0, 1, 2, 3].flatMap((turn) => [act(2000 + turn * 3000, 'pause 0 1700')])

export const SCENARIOS: readonly Scenario[] = [
  { id: 'kill', play: SIX, acts: [act(2000, 'vanish 0'), act(9000, 'start 0')] },
  { id: 'minority', play: SIX, acts: [act(2000, 'split 0'), act(11_000, 'heal')] },
  { id: 'majority', play: SIX, acts: [act(2000, 'vanish 0'), act(2000, 'vanish 1'), act(12_000, 'start 1')] },
  { id: 'flapping', play: SIX, acts: [...FLAPS, act(15_000, 'pause 0 6000')] },
  { id: 'collision', play: { ...SIX, colliding: true }, acts: [] },
  { id: 'two', play: TEN, acts: [act(2000, 'vanish 0'), act(2000, 'vanish 1'), act(11_000, 'start 0'), act(11_000, 'start 1')] },
  { id: 'manual', play: SIX, acts: [act(2000, 'failover 3 agreed')] },
  { id: 'reshard', play: SIX, acts: [act(2000, 'move 0 1 200'), act(4000, 'vanish 1')] },
  { id: 'clock', play: SIX, acts: [act(2000, 'jump 0 3600000'), act(5000, 'jump 1 -3600000'), act(8000, 'vanish 2')] },
  { id: 'calm', play: SIX, acts: [] },
]
