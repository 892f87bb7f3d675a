#!/usr/bin/env node
// `npx slotway slot KEY...` and `npx slotway plan --from nodes.txt --add 2`.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { SlotTable, SlotwayError, hashTag, keySlot, planAdd, planMove, planRebalance, planRemove } from './index.js'

const HELP = `\
Usage: slotway slot [KEY...] [--nodes FILE] [--json]
       slotway plan --from FILE (--add N | --remove ID... | --move RANGES --to ID | --rebalance) [--style STYLE] [--json]

slot   the slot, the hash tag and, with the output of CLUSTER NODES, the node of each key; without KEY, of each line of standard input
plan   which slots to move where; FILE is the output of CLUSTER NODES, or - for standard input

  --add N           make N more primaries share: those without slots, then new ones
  --remove ID       give up the slots of a node; may be repeated, and the beginning of an id will do
  --move RANGES     slots such as 0-99,200, to the node of --to
  --rebalance       even out; with --use-empty give to primaries without slots, too
  --threshold N     with --rebalance: only if a node is further than N percent from its part
  --style STYLE     print commands: redis-cli, cluster-setslot or cluster-migrateslots
  --json            one JSON object, or one for each line

Examples:
  slotway slot user:1000 '{user:1000}:cart'
  redis-cli -p 7000 cluster nodes | slotway plan --from - --add 2
`

const OPTIONS = {
  add: { type: 'string' },
  from: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  json: { type: 'boolean' },
  move: { type: 'string' },
  nodes: { type: 'string' },
  rebalance: { type: 'boolean' },
  remove: { type: 'string', multiple: true },
  style: { type: 'string' },
  threshold: { type: 'string' },
  to: { type: 'string' },
  'use-empty': { type: 'boolean' },
}

/** A mistake on the command line: told in words, with exit code 2. */
class UsageError extends Error {}

// Whoever closed the pipe (`| head`) has what it wanted.
process.stdout.on('error', (error) => process.exit(error.code === 'EPIPE' ? 0 : 1))
try {
  process.stdout.write(run(process.argv.slice(2)))
} catch (error) {
  const known = error instanceof UsageError || error instanceof SlotwayError || error.code?.startsWith('ERR_PARSE_ARGS') || error.syscall
  if (!known) throw error
  process.stderr.write(`slotway: ${error.message}\n`)
  process.exitCode = error instanceof SlotwayError || error.syscall ? 1 : 2
}

function run(args) {
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true })
  const [command, ...rest] = positionals
  if (values.help || command === undefined || command === 'help') return HELP
  if (command === 'slot') return slotLines(rest, values)
  if (command === 'plan') return planText(rest, values)
  throw new UsageError(`no command ${command}; try slotway --help`)
}

function slotLines(keys, { nodes, json }) {
  if (keys.length === 0 && nodes === '-') throw new UsageError('standard input holds the nodes: give the keys as arguments')
  const table = nodes === undefined ? undefined : tableFrom(nodes)
  const list = keys.length ? keys.map((key) => Buffer.from(key)) : linesOf(readFileSync(0))
  return list.map((key) => `${json ? JSON.stringify(told(key, table)) : line(told(key, table), table)}\n`).join('')
}

function told(key, table) {
  const tag = hashTag(key)
  const slot = keySlot(key)
  const owner = table?.ownerOf(slot)
  return {
    key: key.toString(),
    slot,
    tag: tag && key.subarray(tag.start, tag.end).toString(),
    ...(owner && { owner: { id: owner.id, address: `${owner.endpoint.host}:${owner.endpoint.port}` } }),
  }
}

function line({ key, slot, tag, owner }, table) {
  const nodes = table ? [owner?.address ?? 'nobody', owner?.id ?? '-'] : []
  return [slot, key, tag === null ? '-' : `{${tag}}`, ...nodes].join('\t')
}

// Keys may be any bytes, so lines are cut before they are text.
function linesOf(bytes) {
  const lines = []
  for (let at = 0; at < bytes.length; ) {
    const found = bytes.indexOf(10, at)
    const end = found < 0 ? bytes.length : found
    lines.push(bytes.subarray(at, end > at && bytes[end - 1] === 13 ? end - 1 : end))
    at = end + 1
  }
  return lines
}

function planText(rest, values) {
  if (rest.length) throw new UsageError(`plan takes no ${rest[0]}`)
  if (values.from === undefined) throw new UsageError('plan needs --from FILE, the output of CLUSTER NODES')
  const plan = planOf(tableFrom(values.from), values)
  if (values.json) return `${JSON.stringify({ ...plan.toJSON(), ...(values.style && { commands: plan.commands(values.style) }) })}\n`
  if (values.style) return plan.commands(values.style).map((command) => `${command}\n`).join('')
  return summary(plan)
}

function planOf(table, { add, remove, move, to, rebalance, threshold, 'use-empty': useEmpty }) {
  if ([add, remove, move, rebalance].filter((chosen) => chosen !== undefined).length !== 1) {
    throw new UsageError('plan needs one of --add, --remove, --move and --rebalance')
  }
  if (add !== undefined) return planAdd(table, nodesToAdd(table, number(add, '--add', 1)))
  if (remove) return planRemove(table, remove.map((id) => idOf(table, id)))
  if (rebalance) return planRebalance(table, { useEmpty, threshold: threshold === undefined ? 0 : number(threshold, '--threshold', 0) })
  if (to === undefined) throw new UsageError('--move needs --to ID')
  return planMove(table, rangesOf(move), idOf(table, to))
}

function nodesToAdd(table, count) {
  const empty = table.stats().primaries.filter(({ slots }) => slots === 0).map(({ id }) => id)
  const fresh = Array.from({ length: Math.max(0, count - empty.length) }, (_, at) => ({ id: `new-${at + 1}`, host: `new-${at + 1}`, port: 6379 }))
  return [...empty, ...fresh].slice(0, count)
}

function idOf(table, prefix) {
  const found = [...table.nodes.keys()].filter((id) => id.startsWith(prefix))
  if (found.length === 1) return found[0]
  throw new UsageError(`${found.length ? 'several nodes have ids that begin' : 'no node has an id that begins'} with ${prefix}`)
}

function rangesOf(text) {
  return text.split(',').map((part) => {
    const [, start, end = start] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? []
    if (start === undefined) throw new UsageError(`${part} is no range of slots, such as 0-99`)
    return [Number(start), Number(end)]
  })
}

function number(text, option, min) {
  if (/^\d+$/.test(text) && Number(text) >= min && Number(text) <= 1000) return Number(text)
  throw new UsageError(`${option} needs a number from ${min} to 1000`)
}

function summary({ moves, slots, before, after }) {
  const owned = new Map(before.primaries.map(({ id, slots }) => [id, slots]))
  const change = ({ id, slots }) => `${name(id)}  ${owned.get(id) ?? 0} -> ${slots} slots\n`
  const move = ({ from, to, ranges, slots }) => `${name(from)} -> ${name(to)}  ${slots} slots: ${ranges.map(rangeText).join(' ')}\n`
  return `${moves.map(move).join('')}${moves.length ? '\n' : ''}${after.stats().primaries.map(change).join('')}${slots} of 16384 slots move\n`
}

function name(id) {
  return id === null ? 'nobody' : /^[0-9a-z]{40}$/.test(id) ? id.slice(0, 8) : id
}

function rangeText([start, end]) {
  return start === end ? `${start}` : `${start}-${end}`
}

function tableFrom(file) {
  return SlotTable.parse(readFileSync(file === '-' ? 0 : file), { as: 'nodes' })
}
