// Who serves which slot: an immutable table, made from what a server answers.
import { addTo, keySlot, keySlots, listOf } from './batch.js'
import { topologyOf } from './core.js'
import { respOf } from './resp.js'
import { SLOT_COUNT, SlotwayError, checkSlot } from './slot.js'

export const NOBODY = 0xffff
const NODES_MAX = 16384

export class SlotTable {
  /** Made by the static functions and by methods of other tables only: `nodes` in the order of `owners`. */
  constructor(nodes, owners, { migrations = [], queriedHost, natMap } = {}) {
    this.nodes = new Map(nodes.map((node) => [node.id, node]))
    this.owners = owners
    this.#list = nodes
    this.#migrations = migrations
    this.#context = { queriedHost, natMap }
    Object.freeze(this)
  }

  #list
  #migrations
  #context

  static parse(reply, options = {}) {
    const { queriedHost, preferTls = false, natMap, as } = checkedOptions(options)
    const view = topologyOf(respOf(shaped(reply, as), 'reply'), queriedHost, Boolean(preferTls))
    const idOf = (index) => view.nodes[index].id
    const nodes = view.nodes.map((node) => nodeOf(node, idOf, natMap))
    const owners = new Uint16Array(SLOT_COUNT).fill(NOBODY)
    for (const [start, end, index] of view.owned) owners.fill(index, start, end + 1)
    const migrations = [
      ...view.migrating.map(([slot, peer]) => ({ slot, from: idOf(view.myself), to: idOf(peer) })),
      ...view.importing.map(([slot, peer]) => ({ slot, from: idOf(peer), to: idOf(view.myself) })),
    ]
    return new SlotTable(nodes, owners, { migrations, queriedHost, natMap })
  }

  static fromRanges(ranges) {
    const ids = new Map()
    const owners = new Uint16Array(SLOT_COUNT).fill(NOBODY)
    for (const [at, { start, end, node }] of listOf(ranges, 'ranges').entries()) {
      const path = `ranges[${at}]`
      if (checkSlot(end, `${path}.end`) < checkSlot(start, `${path}.start`)) {
        throw new SlotwayError('ERR_SLOT_RANGE', 'the range ends before it begins', path)
      }
      if (typeof node !== 'string') throw new SlotwayError('ERR_NODE', 'expected the id of a node', `${path}.node`)
      if (!ids.has(node)) ids.set(node, ids.size)
      if (ids.size > NODES_MAX) throw new SlotwayError('ERR_NODE', 'too many nodes', path)
      owners.fill(ids.get(node), start, end + 1)
    }
    return new SlotTable([...ids.keys()].map((id) => newPrimary({ id, ...hostAndPort(id) })), owners)
  }

  ownerOf(slot) {
    return this.#list[this.owners[checkSlot(slot)]] ?? null
  }

  replicasOf(slot) {
    const owner = this.ownerOf(slot)
    return owner ? this.#list.filter(({ primaryId }) => primaryId === owner.id) : []
  }

  nodeForKey(key, { readOnly = false, pick = anyOf } = {}) {
    const slot = keySlot(key)
    const owner = this.ownerOf(slot)
    if (!readOnly || !owner) return owner
    const replicas = this.replicasOf(slot).filter(({ health }) => health === 'online')
    return pick(replicas.length ? replicas : [owner])
  }

  groupByNode(keys) {
    const list = listOf(keys)
    const groups = new Map()
    keySlots(list).forEach((slot, at) => addTo(groups, this.ownerOf(slot)?.id ?? null, list[at]))
    return groups
  }

  ranges(nodeId) {
    const index = nodeId === undefined ? undefined : this.#list.indexOf(this.node(nodeId))
    return rangesWhere((slot) => (index === undefined ? this.owners[slot] !== NOBODY : this.owners[slot] === index))
  }

  uncovered() {
    return rangesWhere((slot) => this.owners[slot] === NOBODY)
  }

  migrating() {
    return this.#migrations.map((open) => ({ ...open }))
  }

  /** The node of that id; one that is not there is a mistake of the caller. */
  node(id) {
    const node = this.nodes.get(id)
    if (node) return node
    throw new SlotwayError('ERR_NODE', `the table has no node ${id}`, 'node')
  }

  applyRedirect(error, { host } = {}) {
    const redirect = redirectOf(error)
    if (!redirect) return null
    const { kind, slot, port } = redirect
    const told = redirect.host || (host ?? this.#context.queriedHost)
    if (!told) throw new SlotwayError('ERR_OPTION', 'the redirect names no host: tell which one answered', 'host')
    const at = mapped({ host: told, port }, this.#context.natMap)
    const known = this.#list.find((node) => isAt(node, at) || isAt(node, { host: told, port }))
    const node = known ?? newPrimary({ id: `${at.host}:${at.port}`, ...at })
    return { kind, slot, node, table: kind === 'ask' ? this : this.withOwner([[slot, slot]], node) }
  }

  /** This table with `ranges` in the hands of `node` (null: nobody), which is a primary from then on. */
  withOwner(ranges, node) {
    const primary = node && { ...node, role: 'primary', primaryId: undefined }
    const nodes = this.#list.map((known) => (known.id === node?.id ? primary : known))
    if (node && !this.nodes.has(node.id)) nodes.push(primary)
    const index = node ? nodes.findIndex(({ id }) => id === node.id) : NOBODY
    const owners = this.owners.slice()
    for (const [start, end] of ranges) owners.fill(index, start, end + 1)
    return new SlotTable(nodes, owners, { migrations: this.#migrations, ...this.#context })
  }

  diff(other) {
    const pairs = new Map()
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      const from = this.ownerOf(slot)?.id ?? null
      const to = other.ownerOf(slot)?.id ?? null
      if (from !== to) addTo(pairs, JSON.stringify([from, to]), slot)
    }
    return [...pairs].map(([pair, slots]) => {
      const [from, to] = JSON.parse(pair)
      const moved = new Set(slots)
      return { from, to, ranges: rangesWhere((slot) => moved.has(slot)), slots: slots.length }
    })
  }

  stats(keySlotsOf) {
    const count = (owners) => {
      const counts = new Array(this.#list.length + 1).fill(0)
      for (const owner of owners) counts[Math.min(owner, this.#list.length)]++
      return counts
    }
    const slots = count(this.owners)
    const keys = keySlotsOf && count(Array.from(keySlotsOf, (slot, at) => this.owners[checkSlot(slot, `slots[${at}]`)]))
    const primaries = this.#list.flatMap((node, at) =>
      node.role === 'primary' ? [{ id: node.id, slots: slots[at], ...(keys && { keys: keys[at] }) }] : [],
    )
    const serving = primaries.map((primary) => primary.slots).filter((slots) => slots > 0)
    return {
      primaries,
      covered: SLOT_COUNT - slots.at(-1),
      uncovered: slots.at(-1),
      min: serving.length ? Math.min(...serving) : 0,
      max: serving.length ? Math.max(...serving) : 0,
      mean: serving.length ? (SLOT_COUNT - slots.at(-1)) / serving.length : 0,
    }
  }

  toJSON() {
    return { nodes: this.#list.map((node) => ({ ...node, ranges: this.ranges(node.id) })), migrating: this.migrating() }
  }
}

/** A primary that nobody has described yet. */
export function newPrimary({ id, host, port }) {
  const endpoint = { host, port, ip: '', hostname: null }
  return { id, endpoint, role: 'primary', flags: ['master'], health: 'online', configEpoch: 0 }
}

function hostAndPort(text) {
  const [, host = text, port = 0] = /^(.*):(\d+)$/.exec(text) ?? []
  return { host, port: Number(port) }
}

/** Ranges of the slots for which `has` is true. */
export function rangesWhere(has) {
  const ranges = []
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const start = slot
    while (slot < SLOT_COUNT && has(slot)) slot++
    if (slot > start) ranges.push([start, slot - 1])
  }
  return ranges
}

function nodeOf({ host, port, ip, hostname, primary, ...node }, idOf, natMap) {
  const endpoint = mapped({ host, port, ip, hostname }, natMap)
  const told = { ...node, endpoint }
  return primary === undefined ? told : { ...told, primaryId: idOf(primary) }
}

function mapped(endpoint, natMap) {
  if (typeof natMap === 'function') return { ...endpoint, ...natMap({ ...endpoint }) }
  const { host, port, ip } = endpoint
  return { ...endpoint, ...(natMap?.[`${host}:${port}`] ?? natMap?.[`${ip}:${port}`]) }
}

function isAt({ endpoint }, { host, port }) {
  return endpoint.port === port && [endpoint.host, endpoint.ip, endpoint.hostname].includes(host)
}

function anyOf(candidates) {
  return candidates[Math.floor(Math.random() * candidates.length)]
}

function checkedOptions(options) {
  const { queriedHost, natMap, as } = options ?? {}
  const check = (good, name, expected) => {
    if (!good) throw new SlotwayError('ERR_OPTION', `expected ${expected}`, name)
  }
  check(queriedHost === undefined || typeof queriedHost === 'string', 'queriedHost', 'text')
  check(natMap === undefined || (natMap !== null && ['object', 'function'].includes(typeof natMap)), 'natMap', 'an object or a function')
  check([undefined, 'slots', 'shards', 'nodes'].includes(as), 'as', 'slots, shards or nodes')
  return options ?? {}
}

// What node-redis has turned into objects of its own goes back to what the server sent. A reply that is not of the kind that the caller
// expects is refused here: the core tells the three apart by shape.
function shaped(reply, as) {
  const isText = typeof reply === 'string' || reply instanceof Uint8Array
  if (as !== undefined && isText !== (as === 'nodes')) {
    throw new SlotwayError('ERR_TOPOLOGY_PARSE', `expected a reply of CLUSTER ${as.toUpperCase()}`, 'reply')
  }
  const isMade = Array.isArray(reply) && reply[0] && typeof reply[0] === 'object' && 'master' in reply[0]
  return isMade ? reply.map(slotsEntry) : reply
}

function slotsEntry(entry) {
  const { from, to, master, replicas } = Object(entry)
  const node = (told) => [told?.host, told?.port, told?.id]
  return [from, to, ...[master, ...(Array.isArray(replicas) ? replicas : [])].map(node)]
}

/** The parts of `MOVED 3999 127.0.0.1:6381` and the like; null for other errors. */
function redirectOf(error) {
  const text = typeof error === 'string' ? error : error?.message
  if (typeof text !== 'string') throw new SlotwayError('ERR_OPTION', 'expected an error or its text', 'error')
  const found = /^-?(MOVED|ASK) (\d{1,5}) (.*):(\d{1,5})\s*$/.exec(text)
  if (!found) return null
  const [, kind, slot, host, port] = found
  const bare = host.replace(/^\[(.*)\]$/, '$1')
  return { kind: kind.toLowerCase(), slot: checkSlot(Number(slot), 'error'), host: bare === '?' ? '' : bare, port: Number(port) }
}
