// Which arguments of a command are keys, and where commands go.
import { addTo, keySlot, keySlots, listOf } from './batch.js'
import { commandFacts } from './core.js'
import { SlotwayError, bytesOf } from './slot.js'

// From so many keys on the way to a batch is worth it.
const MANY = 16

// The bits of `core/src/command/key_spec.rs`, in its order.
const KEY_FLAGS = ['RO', 'RW', 'OW', 'RM', 'access', 'update', 'insert', 'delete', 'not_key', 'incomplete', 'variable_flags']
const POLICIES = ['any', 'all_nodes', 'all_shards', 'multi_shard', 'special']
const MULTI_SHARD = 3

const PROBLEMS = [
  undefined,
  ['ERR_UNKNOWN_COMMAND', 'unknown command'],
  ['ERR_UNKNOWN_COMMAND', 'unknown subcommand'],
  ['ERR_ARITY', 'wrong number of arguments'],
  ['ERR_COMMAND_KEYS', 'the arguments name no keys'],
]

export function commandKeys(argv) {
  const { problem, keys } = factsOf(argv, false)
  if (problem) throw new SlotwayError(problem.code, problem.message, 'argv')
  return keys.map(({ index, bits }) => ({ index, flags: KEY_FLAGS.filter((_, bit) => bits & (1 << bit)) }))
}

export function route(argv, table) {
  const { problem, keys, readOnly, policy, step, args } = factsOf(argv, true)
  if (problem) return { kind: 'unknown', code: problem.code, reason: problem.message }
  if (keys.length === 0) return { kind: 'keyless', policy: POLICIES[policy === MULTI_SHARD ? 0 : policy] }
  const own = keys.map(({ index }) => args[index])
  const slots = own.length < MANY ? own.map((key) => keySlot(key)) : keySlots(own)
  const [slot] = slots
  if (slots.every((other) => other === slot)) {
    return { kind: 'slot', slot, node: table ? table.ownerOf(slot) : null, readOnly, keys: keys.map(({ index }) => index) }
  }
  const located = keys.map(({ index }, at) => ({ index, slot: slots[at] }))
  const splittable = policy === MULTI_SHARD && step > 0
  const split = splittable ? { parts: partsOf(argv, located, step, table) } : {}
  const suggestion = suggestionOf(located.map(({ index }) => args[index]))
  return { kind: 'crossslot', keys: located, readOnly, splittable, ...split, ...(suggestion && { suggestion }) }
}

// One command for each slot, each key with the arguments that belong to it. `positions` says which keys they were: the replies of MGET
// go back to these places.
function partsOf(argv, located, step, table) {
  const bySlot = new Map()
  located.forEach(({ index, slot }, position) => addTo(bySlot, slot, { index, position }))
  return [...bySlot].map(([slot, keys]) => ({
    slot,
    node: table ? table.ownerOf(slot) : null,
    argv: [argv[0], ...keys.flatMap(({ index }) => argv.slice(index, index + step))],
    positions: keys.map(({ position }) => position),
  }))
}

// The keys under a common hash tag: what they begin with alike, up to a separator. Nothing for keys that have braces or are not text.
function suggestionOf(keys) {
  if (!keys.every((key) => typeof key === 'string' && !/[{}]/.test(key))) return undefined
  let common = keys[0]
  for (const key of keys) while (!key.startsWith(common)) common = common.slice(0, -1)
  const stem = /^(.*[^:./_|-])[:./_|-]/.exec(common)?.[1]
  return keys.map((key) => (stem ? `{${stem}}${key.slice(stem.length)}` : `{tag}:${key}`))
}

export function routeBatch(commands, table) {
  if (!table?.owners) throw new SlotwayError('ERR_OPTION', 'expected a SlotTable', 'table')
  const plan = { pipelines: new Map(), keyless: [], crossslot: [], uncovered: [], unknown: [] }
  const slots = new Set()
  listOf(commands, 'commands').forEach((argv, index) => {
    const routed = route(argv, table)
    if (routed.kind === 'slot') {
      slots.add(routed.slot)
      if (routed.node) addTo(plan.pipelines, routed.node.id, index)
      else plan.uncovered.push(index)
    } else if (routed.kind === 'keyless') plan.keyless.push({ index, policy: routed.policy })
    else if (routed.kind === 'crossslot') plan.crossslot.push(index)
    else plan.unknown.push({ index, reason: routed.reason })
  })
  return { ...plan, transaction: transactionOf(plan, slots) }
}

// MULTI and EXEC take commands of one slot; keyless ones may be among them.
function transactionOf({ crossslot, uncovered, unknown }, slots) {
  const reason =
    (unknown.length && `command ${unknown[0].index}: ${unknown[0].reason}`) ||
    (crossslot.length && `command ${crossslot[0]} has keys of several slots`) ||
    (slots.size > 1 && `the commands have keys of ${slots.size} slots`) ||
    (uncovered.length && `nobody serves the slot of command ${uncovered[0]}`)
  return reason ? { possible: false, reason } : { possible: true, slot: [...slots][0] ?? null }
}

function factsOf(argv, routed) {
  const args = argumentsOf(argv)
  args.forEach(checkArgument)
  const told = commandFacts(args, routed)
  const keys = []
  for (let at = 3; at < told.length; at += 2) keys.push({ index: told[at], bits: told[at + 1] })
  const [facts, step] = [told[1] ?? 0, told[2] ?? 0]
  return { args, keys, step, readOnly: Boolean(facts & 1), policy: (facts >> 4) & 7, problem: problemOf(told[0]) }
}

function problemOf(outcome) {
  const [code, message] = PROBLEMS[outcome] ?? []
  return code && { code, message }
}

function checkArgument(arg, at) {
  if (typeof arg !== 'string') bytesOf(arg, `argv[${at}]`)
}

// Numbers are sent as their digits, as client libraries do.
function argumentsOf(argv) {
  if (!Array.isArray(argv)) throw new SlotwayError('ERR_ARGV_TYPE', 'expected an array', 'argv')
  return argv.map((arg) => (Number.isFinite(arg) || typeof arg === 'bigint' ? String(arg) : arg))
}
