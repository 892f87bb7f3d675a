import type { ByteRange, Key } from './slot.js'

export { SLOT_COUNT, SlotwayError, crc16, hashTag, keyForSlot, keySlot, sameSlot } from './slot.js'
export type { ByteRange, ErrorCode, Key } from './slot.js'

/** Slots from the first to the second, both included. */
export type SlotRange = [start: number, end: number]

// --- many keys ----------------------------------------------------------------------------------

/** The slots of many keys, in their order. */
export function keySlots(keys: Iterable<Key>): Uint16Array

/** The slots of the lines of a file. Line n is `bytes.subarray(offsets[n], offsets[n + 1])`, delimiter included. */
export function keySlotsOfLines(
  bytes: Key,
  options?: { /** A byte; 10 (newline) when left out. */ delimiter?: number; /** Most lines read. */ max?: number },
): { slots: Uint16Array; offsets: Uint32Array }

/** The keys of each slot, in their order. */
export function groupBySlot<K extends Key>(keys: Iterable<K>): Map<number, K[]>

/** What one byte does to the checksum: `crc = (crc << 8) ^ table`, and `table` is what the polynomial's table has at `index`. */
export interface CrcStep {
  byte: number
  index: number
  table: number
  crc: number
}

/** How the slot of a key comes about. */
export interface Explanation {
  /** The key as it is sent. */
  bytes: Uint8Array
  /** The part between the braces; null if the whole key is hashed. */
  tag: ByteRange | null
  /** `used`: the tag is hashed. Else the whole key is, for want of a `{` (`none`), a `}` (`unclosed`), or anything between (`empty`). */
  rule: 'used' | 'none' | 'unclosed' | 'empty'
  /** What is hashed. */
  hashed: ByteRange
  /** One for each hashed byte, the first 256. */
  steps: CrcStep[]
  crc: number
  slot: number
}

/** How the slot of a key comes about, step by step. */
export function explain(key: Key): Explanation

// --- topology -----------------------------------------------------------------------------------

/** Where a node is. */
export interface Endpoint {
  /** What to connect to. */
  host: string
  port: number
  /** The address, if it is known apart from the host; else empty. */
  ip: string
  hostname: string | null
}

export interface NodeInfo {
  readonly id: string
  readonly endpoint: Endpoint
  readonly role: 'primary' | 'replica'
  /** Whose replica it is. */
  readonly primaryId?: string
  /** As in CLUSTER NODES. */
  readonly flags: string[]
  readonly health: 'online' | 'failed' | 'loading'
  readonly configEpoch: number
  /** How far its data goes in the stream of its primary; told by CLUSTER SHARDS only. */
  readonly replOffset?: number
}

export type NatMap = Record<string, { host: string; port: number }> | ((endpoint: Endpoint) => { host: string; port: number } | undefined)

export interface ParseOptions {
  /** The host that was asked: where nodes are that tell no host of their own (null, empty or `?`). */
  queriedHost?: string
  /** Take the ports for TLS where a server tells both. */
  preferTls?: boolean
  /** From `host:port` as servers tell it to what can be reached from here. */
  natMap?: NatMap
  /** Refuse any other reply. Left out: told apart by their shape. */
  as?: 'slots' | 'shards' | 'nodes'
}

/** A slot on its way, as the node tells it that was asked. */
export interface Migration {
  slot: number
  from: string
  to: string
}

/** Slots that one node has in one table and another in the other; null for nobody. */
export interface SlotMove {
  from: string | null
  to: string | null
  ranges: SlotRange[]
  slots: number
}

export interface Distribution {
  primaries: Array<{ id: string; slots: number; /** If slots of keys were given. */ keys?: number }>
  covered: number
  uncovered: number
  /** Of the primaries that have slots. */
  min: number
  max: number
  mean: number
}

export interface Redirect {
  kind: 'moved' | 'ask'
  slot: number
  node: NodeInfo
  /** The table to use from now on: a new one after MOVED, the same after ASK, which is for one command only. */
  table: SlotTable
}

export interface SlotTableJSON {
  nodes: Array<NodeInfo & { ranges: SlotRange[] }>
  migrating: Migration[]
}

/** Who serves which slot. It never changes: what would change it gives a new one. */
export class SlotTable {
  private constructor()
  /**
   * A table from the reply of CLUSTER SLOTS, SHARDS or NODES, as a client library returns it: arrays of RESP2, maps of RESP3 (Map or
   * plain objects), strings or Buffers, text, or what node-redis makes of it.
   */
  static parse(reply: unknown, options?: ParseOptions): SlotTable
  /** A table of nodes that are nothing but a name; `host:port` as a name gives them an endpoint. */
  static fromRanges(ranges: Iterable<{ start: number; end: number; node: string }>): SlotTable
  /** All nodes by id. */
  readonly nodes: ReadonlyMap<string, NodeInfo>
  /** For each slot the place of its owner among `nodes`; 65535 for none. Not to be written. */
  readonly owners: Uint16Array
  /** The node of that id; throws if there is none. */
  node(id: string): NodeInfo
  ownerOf(slot: number): NodeInfo | null
  replicasOf(slot: number): NodeInfo[]
  /** Where to send a command with that key. `readOnly` picks among the online replicas, by chance unless `pick` chooses. */
  nodeForKey(key: Key, options?: { readOnly?: boolean; pick?: (candidates: NodeInfo[]) => NodeInfo }): NodeInfo | null
  /** The keys of each node by its id; under null those that nobody serves. */
  groupByNode<K extends Key>(keys: Iterable<K>): Map<string | null, K[]>
  /** The slots of a node, or of all. */
  ranges(nodeId?: string): SlotRange[]
  uncovered(): SlotRange[]
  migrating(): Migration[]
  /**
   * What `MOVED 3999 127.0.0.1:6381` or `ASK ...` means; null for other errors. A redirect without a host means the host that answered: `host`,
   * else the `queriedHost` of the table.
   */
  applyRedirect(error: string | Error, options?: { host?: string }): Redirect | null
  /** This table with some ranges in the hands of a node (null: nobody), known or new. */
  withOwner(ranges: SlotRange[], node: NodeInfo | null): SlotTable
  /** What moved from this table to the other. */
  diff(other: SlotTable): SlotMove[]
  /** How slots are spread, and keys, if their slots are given. */
  stats(keySlots?: Iterable<number>): Distribution
  toJSON(): SlotTableJSON
}

// --- commands -----------------------------------------------------------------------------------

/** A command as clients take it: numbers are sent as their digits. */
export type Argv = ReadonlyArray<Key | number | bigint>

export type KeyFlag =
  | 'RO' | 'RW' | 'OW' | 'RM' | 'access' | 'update' | 'insert' | 'delete' | 'not_key' | 'incomplete' | 'variable_flags'

export interface CommandKey {
  /** Its place in `argv`. */
  index: number
  /** As COMMAND GETKEYSANDFLAGS of Redis 7.2 tells them. */
  flags: KeyFlag[]
}

/** Which arguments are keys, as COMMAND GETKEYS of Redis 7.2 answers. None for a command without keys. */
export function commandKeys(argv: Argv): CommandKey[]

export interface RoutedPart {
  slot: number
  node: NodeInfo | null
  argv: Array<Key | number | bigint>
  /** Which keys of the whole command these are, in order: where their replies go. */
  positions: number[]
}

export type Route =
  | { kind: 'slot'; slot: number; node: NodeInfo | null; readOnly: boolean; keys: number[] }
  | {
      kind: 'crossslot'
      keys: Array<{ index: number; slot: number }>
      readOnly: boolean
      /** True for commands that can be sent in parts: MGET, MSET, DEL, UNLINK, EXISTS, TOUCH. */
      splittable: boolean
      parts?: RoutedPart[]
      /** The keys under a common hash tag, if they are text without braces. */
      suggestion?: string[]
    }
  | { kind: 'keyless'; policy: 'any' | 'all_nodes' | 'all_shards' | 'special' }
  | { kind: 'unknown'; code: 'ERR_UNKNOWN_COMMAND' | 'ERR_ARITY'; reason: string }

/** Where a command goes. Without a table, nodes are null. */
export function route(argv: Argv, table?: SlotTable): Route

export interface BatchPlan {
  /** For each node the places of its commands, in their order. */
  pipelines: Map<string, number[]>
  keyless: Array<{ index: number; policy: 'any' | 'all_nodes' | 'all_shards' | 'special' }>
  crossslot: number[]
  uncovered: number[]
  unknown: Array<{ index: number; reason: string }>
  /** Whether all could run between MULTI and EXEC. */
  transaction: { possible: true; slot: number | null } | { possible: false; reason: string }
}

/** Where the commands of a pipeline go. */
export function routeBatch(commands: Iterable<Argv>, table: SlotTable): BatchPlan

// --- resharding ---------------------------------------------------------------------------------

export interface PlanMove {
  /** Who has the slots; null for nobody. */
  from: string | null
  to: string
  ranges: SlotRange[]
  slots: number
  /** If the keys of each slot were given. */
  keys?: number
}

/** How a plan is carried out; see `README.md`. */
export type CommandStyle = 'redis-cli' | 'cluster-setslot' | 'cluster-migrateslots'

/** Moves and what they lead to. */
export interface Plan {
  readonly moves: PlanMove[]
  readonly slots: number
  readonly table: SlotTable
  readonly before: Distribution
  readonly after: SlotTable
  /** The plan as lines for a shell. */
  commands(style?: CommandStyle): string[]
  toJSON(): { moves: PlanMove[]; slots: number; before: Distribution; after: Distribution }
}

export interface PlanOptions {
  /** How many keys each slot has: tells how many keys each move takes. */
  keysPerSlot?: ArrayLike<number>
}

/** A node by its id, or one that is yet to join. */
export type NodeToAdd = string | { host: string; port: number; id?: string }

/** Gives each primary its part by weight. Who has slots and is not named weighs 1, who has none stays without unless `useEmpty`. */
export function planRebalance(
  table: SlotTable,
  options?: PlanOptions & {
    weights?: Record<string, number>
    useEmpty?: boolean
    /** No moves unless a node is further than so many percent from its part. */
    threshold?: number
  },
): Plan

/** Gives nodes without slots as many as the others have. */
export function planAdd(table: SlotTable, nodes: NodeToAdd | NodeToAdd[], options?: PlanOptions): Plan

/** Gives the slots of some nodes to those that stay. */
export function planRemove(table: SlotTable, nodeIds: string | string[], options?: PlanOptions): Plan

/** Moves these slots, or ranges, to a node. */
export function planMove(table: SlotTable, slots: number | Array<number | SlotRange>, to: string, options?: PlanOptions): Plan
