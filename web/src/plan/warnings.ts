// What is doubtful about the cluster that is planned.

import { address } from '../topology/slot-table'
import type { Planned } from './model'

export type Warning =
  | { readonly kind: 'few' | 'even' }
  | { readonly kind: 'bare' | 'oneHost' | 'failed' | 'followers'; readonly nodes: readonly string[] }

/** Fewer primaries cannot agree that one of them has failed. */
const PRIMARIES_LEAST = 3

export function warningsOf({ after, before, weights }: Planned): Warning[] {
  const serving = after.shards.filter(({ primary }) => primary.slots > 0)
  const leaving = after.shards.filter((_, at) => weights[at] === 0 && before.shards[at]!.primary.slots > 0)
  const nodes = (shards: typeof serving) => shards.map(({ primary }) => address(primary))
  const failed = nodes(before.shards.filter(({ primary }) => primary.health === 'failed' && primary.slots > 0))
  const bare = nodes(serving.filter(({ replicas }) => replicas.length === 0))
  const oneHost = nodes(serving.filter(({ primary, replicas }) => replicas.length > 0 && replicas.every(({ host }) => host === primary.host)))
  const followers = nodes(leaving.filter(({ replicas }) => replicas.length > 0))
  return [
    ...(failed.length > 0 ? [{ kind: 'failed', nodes: failed } as const] : []),
    ...(serving.length < PRIMARIES_LEAST ? [{ kind: 'few' } as const] : []),
    ...(serving.length >= PRIMARIES_LEAST && serving.length % 2 === 0 ? [{ kind: 'even' } as const] : []),
    ...(bare.length > 0 ? [{ kind: 'bare', nodes: bare } as const] : []),
    ...(oneHost.length > 0 ? [{ kind: 'oneHost', nodes: oneHost } as const] : []),
    ...(followers.length > 0 ? [{ kind: 'followers', nodes: followers } as const] : []),
  ]
}
