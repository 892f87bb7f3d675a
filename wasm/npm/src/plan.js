// Which slots to move where, and the commands that do it.
import { planned } from './core.js'
import { STYLES } from './plan-commands.js'
import { SLOT_COUNT, SlotwayError, checkSlot } from './slot.js'
import { newPrimary } from './table.js'

// In place of a weight, as in `wasm/packed/src/plan.rs`.
const NOT_NAMED = 0xffffffff

export function planRebalance(table, { weights = {}, useEmpty = false, threshold = 0, keysPerSlot } = {}) {
  checkTable(table)
  if (!Number.isFinite(threshold) || threshold < 0) throw new SlotwayError('ERR_OPTION', 'expected a percentage', 'threshold')
  const empty = table.stats().primaries.filter(({ slots }) => useEmpty && slots === 0)
  const all = { ...Object.fromEntries(empty.map(({ id }) => [id, 1])), ...weights }
  const plan = byWeights(table, all, keysPerSlot)
  return needed(plan, threshold) ? plan : new Plan(table, [], keysPerSlot)
}

export function planAdd(table, nodes, options) {
  checkTable(table)
  const added = several(nodes).map((node) => (typeof node === 'string' ? primaryOf(table, node, 'nodes') : described(node)))
  const grown = added.reduce((table, node) => table.withOwner([], node), table)
  return byWeights(grown, Object.fromEntries(added.map(({ id }) => [id, 1])), options?.keysPerSlot)
}

export function planRemove(table, nodeIds, options) {
  checkTable(table)
  return byWeights(table, Object.fromEntries(several(nodeIds).map((id) => [table.node(id).id, 0])), options?.keysPerSlot)
}

export function planMove(table, slots, to, options) {
  const after = checkTable(table).withOwner(slotRanges(slots), primaryOf(table, to, 'to'))
  return new Plan(table, table.diff(after), options?.keysPerSlot)
}

/** Moves and what they lead to. */
export class Plan {
  constructor(table, moves, keysPerSlot) {
    this.moves = keysPerSlot ? moves.map((move) => ({ ...move, keys: keysIn(move.ranges, checkKeys(keysPerSlot)) })) : moves
    this.slots = moves.reduce((sum, move) => sum + move.slots, 0)
    this.table = table
    this.before = table.stats()
    this.after = moves.reduce((table, { ranges, to }) => table.withOwner(ranges, table.node(to)), table)
    Object.freeze(this)
  }

  commands(style = 'redis-cli') {
    const write = Object.hasOwn(STYLES, style) ? STYLES[style] : undefined
    if (!write) throw new SlotwayError('ERR_OPTION', `expected one of ${Object.keys(STYLES).join(', ')}`, 'style')
    return write(this)
  }

  toJSON() {
    return { moves: this.moves, slots: this.slots, before: this.before, after: this.after.stats() }
  }
}

// The core is told nodes by their places in `owners`.
function byWeights(table, weights, keysPerSlot) {
  const ids = [...table.nodes.keys()]
  const weighed = new Uint32Array(ids.length).fill(NOT_NAMED)
  for (const [id, weight] of Object.entries(weights)) weighed[ids.indexOf(primaryOf(table, id, 'weights').id)] = checkWeight(weight, id)
  const [outcome, ...told] = planned(weighed, table.owners)
  if (outcome) throw new SlotwayError('ERR_PLAN', 'no primary is left to take the slots', 'weights')
  return new Plan(table, movesOf(told, ids), keysPerSlot)
}

// The ranges of a move follow each other.
function movesOf(told, ids) {
  const moves = []
  let move
  for (let at = 0; at < told.length; at += 4) {
    const [from, to, start, end] = told.slice(at, at + 4)
    const [fromId, toId] = [ids[from] ?? null, ids[to]]
    if (move?.from !== fromId || move.to !== toId) moves.push((move = { from: fromId, to: toId, ranges: [], slots: 0 }))
    move.ranges.push([start, end])
    move.slots += end - start + 1
  }
  return moves
}

// As redis-cli: worth it when a node is further than `threshold` percent from what it should have.
function needed({ table, after, moves }, threshold) {
  const owned = new Map(table.stats().primaries.map(({ id, slots }) => [id, slots]))
  const expected = after.stats().primaries
  return moves.length > 0 && expected.some(({ id, slots }) => Math.abs(owned.get(id) - slots) > (slots * threshold) / 100)
}

function primaryOf(table, id, path) {
  const node = table.node(id)
  if (node.role === 'primary') return node
  throw new SlotwayError('ERR_PLAN', `node ${id} is a replica and can have no slots`, path)
}

function described(node) {
  const { id, host, port } = node ?? {}
  if (typeof host === 'string' && Number.isInteger(port)) return newPrimary({ id: id ?? `${host}:${port}`, host, port })
  throw new SlotwayError('ERR_NODE', 'expected an id, or an object with host and port', 'nodes')
}

function several(items) {
  return Array.isArray(items) ? items : [items]
}

function slotRanges(slots) {
  return several(slots).map((part, at) => {
    const [start, end] = Array.isArray(part) ? part : [part, part]
    if (checkSlot(end, `slots[${at}]`) >= checkSlot(start, `slots[${at}]`)) return [start, end]
    throw new SlotwayError('ERR_SLOT_RANGE', 'the range ends before it begins', `slots[${at}]`)
  })
}

function keysIn(ranges, keysPerSlot) {
  let keys = 0
  for (const [start, end] of ranges) for (let slot = start; slot <= end; slot++) keys += keysPerSlot[slot]
  return keys
}

function checkKeys(keysPerSlot) {
  if (keysPerSlot.length === SLOT_COUNT) return keysPerSlot
  throw new SlotwayError('ERR_OPTION', 'expected a number of keys for each of 16384 slots', 'keysPerSlot')
}

function checkWeight(weight, id) {
  if (Number.isInteger(weight) && weight >= 0 && weight <= 65535) return weight
  throw new SlotwayError('ERR_OPTION', 'expected a whole number from 0 to 65535', `weights.${id}`)
}

function checkTable(table) {
  if (table?.owners && table.nodes) return table
  throw new SlotwayError('ERR_OPTION', 'expected a SlotTable', 'table')
}
