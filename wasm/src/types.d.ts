/** A string is taken as its UTF-8 bytes. Node's Buffer is a Uint8Array. */
export type Key = string | Uint8Array;

/** A part of a key, in bytes; `end` is not included. */
export interface ByteRange {
  start: number;
  end: number;
}

/** How the slot of a key comes about. */
export interface Explanation {
  /** `used`: the tag is hashed. `none`, `unclosed`, `empty`: the whole key is, for want of a `{`, a `}`, or anything between. */
  rule: 'none' | 'unclosed' | 'empty' | 'used';
  hashed: ByteRange;
  /** One for each hashed byte, the first 256. */
  steps: Array<{ byte: number; index: number; table: number; crc: number }>;
  crc: number;
  slot: number;
}

/** Slots from the first to the second, both included. */
export type SlotRange = [start: number, end: number];

/** A cluster as plain data. */
export interface TopologyView {
  version: number;
  state: 'ok' | 'fail';
  currentEpoch: number;
  /** The node whose picture this is; `null` for one that a client put together. */
  myself: string | null;
  nodes: NodeView[];
  /** Slots that `myself` is giving to `node`. */
  migrating: Array<{ slot: number; node: string }>;
  /** Slots that `myself` is taking from `node`. */
  importing: Array<{ slot: number; node: string }>;
  /** Slots that nobody serves. */
  uncovered: SlotRange[];
}

/** A node of a cluster. */
export interface NodeView {
  id: string;
  /** What clients connect to. */
  host: string;
  ip: string;
  hostname: string | null;
  port: number;
  busPort: number;
  role: 'primary' | 'replica';
  primaryId: string | null;
  /** As in CLUSTER NODES. */
  flags: string[];
  configEpoch: number;
  linkState: 'connected' | 'disconnected';
  health: 'online' | 'failed' | 'loading';
  ranges: SlotRange[];
  /** How many slots the ranges have. */
  slots: number;
}

/** What the reader of a reply knows besides it. */
export interface ParseOptions {
  /** The host that was asked: where nodes are that tell no host of their own. */
  queriedHost?: string;
}

/** What the connection has sent before, and what the node allows while the cluster is down. All false when left out. */
export interface SessionFlags {
  asking?: boolean;
  readonly?: boolean;
  allowReadsWhenDown?: boolean;
  refuseShardChannelsWhenDown?: boolean;
}

/** Where a command goes. */
export interface Decision {
  verdict: 'serve' | 'dependsOnPresence' | 'moved' | 'ask' | 'tryAgain' | 'crossSlot' | 'down' | 'refused';
  /** The slot of the keys; `null` without keys or when they lie in several. */
  slot: number | null;
  /** The id of the node that serves it; `null` if any does, or none. */
  node: string | null;
  /** The keys that decide, each with its place in `argv`. */
  keys: Array<{ index: number; slot: number }>;
  /** The error that the node asked would answer. */
  reply: string | null;
}

/** Which slots go where. */
export interface PlanView {
  moves: Array<{ from: string | null; to: string; ranges: SlotRange[]; slots: number }>;
  slots: number;
}
