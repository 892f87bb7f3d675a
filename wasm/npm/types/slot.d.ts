/** A string is taken as its UTF-8 bytes; a lone surrogate as U+FFFD, as clients send it. Node's Buffer is a Uint8Array. */
export type Key = string | Uint8Array

/** A part of a key, in bytes; `end` is not included. */
export interface ByteRange {
  start: number
  end: number
}

/** Codes of {@link SlotwayError}. They stay; the words of a message may change. */
export type ErrorCode =
  /** A key is neither a string nor a Uint8Array. */
  | 'ERR_KEY_TYPE'
  /** A slot is no whole number from 0 to 16383, or a range ends before it begins. */
  | 'ERR_SLOT_RANGE'
  /** An option, or an argument that is no key, is not what it must be. */
  | 'ERR_OPTION'
  /** A reply is no topology. `path` is the line of the text or the place in the reply. */
  | 'ERR_TOPOLOGY_PARSE'
  /** A node is named that the table does not have, or is not described. */
  | 'ERR_NODE'
  /** There is no such plan: nobody takes the slots, or a replica would. */
  | 'ERR_PLAN'
  /** A command is no array. */
  | 'ERR_ARGV_TYPE'
  /** A command is unknown. */
  | 'ERR_UNKNOWN_COMMAND'
  /** A command has too few or too many arguments. */
  | 'ERR_ARITY'
  /** The arguments of a command name no keys though they must. */
  | 'ERR_COMMAND_KEYS'
  /** `slotway/lite` is used before it is started. */
  | 'ERR_NOT_READY'

/** What a caller did wrong. */
export class SlotwayError extends Error {
  constructor(code: ErrorCode, message: string, path?: string)
  readonly name: 'SlotwayError'
  readonly code: ErrorCode
  /** The place in what was given, such as `keys[3]`, `reply[0].nodes[1].port` or `line 2`. */
  readonly path: string | undefined
}

/** How many slots a cluster has. */
export const SLOT_COUNT: 16384

/** The slot of a key, 0 to 16383, as every Redis and Valkey node computes it. */
export function keySlot(key: Key): number

/** Where the hash tag of a key is that is hashed in its place; null if the whole key is hashed. */
export function hashTag(key: Key): ByteRange | null

/** The CRC-16/XMODEM of some data, hash tags not minded. */
export function crc16(data: Key): number

/** The slot that all keys share; null if they do not, or if there are none. */
export function sameSlot(keys: Iterable<Key>): number | null

/** A short key of that slot, `{tag}` after the prefix. The prefix must not have a `{`. */
export function keyForSlot(slot: number, options?: { prefix?: string }): string
