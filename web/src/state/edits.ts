// What a person wants of a cluster, as plain data: it goes into links, and back and forth with undo.

export interface Edits {
  /** A new cluster of so many primaries with so many replicas each; null to start from the cluster shown. */
  readonly built: { readonly primaries: number; readonly replicas: number } | null
  /** Addresses of primaries that join. */
  readonly added: readonly string[]
  /** The share of a primary by its id, or by the address of one that joins; 1 if not named, 0 if it is to leave. */
  readonly weights: Readonly<Record<string, number>>
}

export const NO_EDITS: Edits = { built: null, added: [], weights: {} }

export const PRIMARIES_MAX = 100
export const REPLICAS_MAX = 5
export const ADDED_MAX = 50
export const WEIGHT_MAX = 1000

export function writeEdits(edits: Edits): string {
  return JSON.stringify([edits.built === null ? 0 : [edits.built.primaries, edits.built.replicas], edits.added, edits.weights])
}

/** The edits that a link tells; none where it tells nonsense. */
export function readEdits(text: string): Edits {
  try {
    const [built, added, weights] = JSON.parse(text) as unknown[]
    return { built: builtOf(built), added: addedOf(added), weights: weightsOf(weights) }
  } catch {
    return NO_EDITS
  }
}

function builtOf(told: unknown): Edits['built'] {
  if (!Array.isArray(told)) return null
  const [primaries, replicas] = told as unknown[]
  return isWhole(primaries, 1, PRIMARIES_MAX) && isWhole(replicas, 0, REPLICAS_MAX) ? { primaries, replicas } : null
}

function addedOf(told: unknown): string[] {
  const addresses = Array.isArray(told) ? told.filter((address) => typeof address === 'string') : []
  return [...new Set(addresses)].slice(0, ADDED_MAX)
}

function weightsOf(told: unknown): Record<string, number> {
  const entries = Object.entries((told ?? {}) as Record<string, unknown>)
  return Object.fromEntries(entries.filter((entry): entry is [string, number] => isWhole(entry[1], 0, WEIGHT_MAX)))
}

function isWhole(number: unknown, least: number, most: number): number is number {
  return Number.isInteger(number) && (number as number) >= least && (number as number) <= most
}
