// Measures the built package beside cluster-key-slot and prints Markdown: `npm --prefix wasm/npm run bench`.
//
// Processor time, not time: the machine is shared. Rounds of both are interleaved; a cell is the median of its rounds, a ratio the median of the
// ratios within a round. Keys differ, and are as a program makes them: texts out of JSON, buffers out of
// one allocation each.
import popular from 'cluster-key-slot'
import { SlotTable, commandKeys, keySlot, keySlots, planRebalance, route } from 'slotway'
import { keySlot as small } from 'slotway/slot'

const LENGTHS = [8, 16, 24, 40, 64, 128]
const KEYS = 4096
const ROUNDS = 15

/** Nanoseconds for one of `count` items, a list of all rounds, for each way. */
function measured(ways, count) {
  const rounds = Object.fromEntries(Object.keys(ways).map((name) => [name, []]))
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const begin = process.cpuUsage()
      way()
      const { user, system } = process.cpuUsage(begin)
      rounds[name].push((1000 * (user + system)) / count)
    }
  }
  return rounds
}

function median(numbers) {
  return numbers.toSorted((one, other) => one - other)[numbers.length >> 1]
}

/** By how much `other` is the quicker one. */
function ratio(one, other) {
  return median(one.map((ns, round) => ns / other[round]))
}

function texts(count, length) {
  const filler = 'abcdefghijklmnopqrstuvwxyz0123456789'.repeat(4)
  return JSON.parse(JSON.stringify(Array.from({ length: count }, (_, at) => `${at}:${filler}`.slice(0, length))))
}

let sink = 0
// A loop of its own for each way, as it has in a program: in a loop that all share the engine knows of none which function is called.
function each(keys, slot, times) {
  const loop = new Function('keys', 'slot', 'times', 'let sum = 0; for (let time = 0; time < times; time++) for (const key of keys) sum += slot(key); return sum')
  return () => (sink += loop(keys, slot, times))
}

function single(kind, made) {
  const times = 20
  const rows = LENGTHS.map((length) => {
    const keys = texts(KEYS, length).map(made)
    const ways = { popular, slotway: keySlot, small, nothing: (key) => key.length }
    return measured(Object.fromEntries(Object.entries(ways).map(([name, slot]) => [name, each(keys, slot, times)])), KEYS * times)
  })
  const row = (name, cells) => console.log(`| ${[name, ...cells].join(' | ')} |`)
  row(`${kind}: cluster-key-slot`, rows.map(({ popular }) => median(popular).toFixed(0)))
  row(`${kind}: \`slotway/slot\``, rows.map(({ small }) => median(small).toFixed(0)))
  row(`${kind}: \`slotway\``, rows.map(({ slotway }) => median(slotway).toFixed(0)))
  row(`${kind}: a call that does nothing`, rows.map(({ nothing }) => median(nothing).toFixed(0)))
  row(`${kind}: ratio of \`slotway/slot\``, rows.map(({ popular, small }) => ratio(popular, small).toFixed(2)))
  row(`${kind}: ratio of \`slotway\``, rows.map(({ popular, slotway }) => ratio(popular, slotway).toFixed(2)))
}

function batch() {
  const rows = LENGTHS.map((length) => {
    const keys = texts(1_000_000, length)
    return measured({ popular: each(keys, popular, 1), slotway: () => (sink += keySlots(keys)[7]) }, keys.length)
  })
  const row = (name, cells) => console.log(`| ${[name, ...cells].join(' | ')} |`)
  row('1 M texts: cluster-key-slot', rows.map(({ popular }) => median(popular).toFixed(0)))
  row('1 M texts: `keySlots`', rows.map(({ slotway }) => median(slotway).toFixed(0)))
  row('1 M texts: ratio', rows.map(({ popular, slotway }) => ratio(popular, slotway).toFixed(2)))
}

function others() {
  const id = (at) => String(at).padStart(40, '0')
  const share = 16384 / 8
  const slots = Array.from({ length: 8 }, (_, at) => [at * share, (at + 1) * share - 1, ['10.0.0.1', at, id(at), []], ['10.0.0.2', at, id(100 + at), []]])
  const line = (entry) => entry.slice(2).map(([host, port, id]) => `${id} ${host}:${port}@1 ${entry[2][2] === id ? 'master -' : `slave ${entry[2][2]}`} 0 0 1 connected${entry[2][2] === id ? ` ${entry[0]}-${entry[1]}` : ''}`)
  const nodes = slots.flatMap(line).join('\n')
  const table = SlotTable.parse(slots)
  const asked = {
    '`SlotTable.parse`, CLUSTER SLOTS of 16 nodes': () => SlotTable.parse(slots),
    '`SlotTable.parse`, CLUSTER NODES of 16 nodes': () => SlotTable.parse(nodes),
    '`route`, GET': () => route(['GET', 'user:1000'], table),
    '`route`, MGET of 3 keys, split': () => route(['MGET', 'a', 'b', 'c'], table),
    '`commandKeys`, XREADGROUP': () => commandKeys(['XREADGROUP', 'GROUP', 'g', 'c', 'STREAMS', 'a', '>']),
    '`nodeForKey`': () => table.nodeForKey('user:1000'),
    '`planRebalance`, 8 primaries': () => planRebalance(table, { weights: { [id(0)]: 2 } }),
  }
  for (const [name, ask] of Object.entries(asked)) {
    const times = name.includes('parse') || name.includes('plan') ? 20 : 5000
    const it = median(measured({ it: () => { for (let time = 0; time < times; time++) ask() } }, times).it)
    console.log(`| ${name} | ${(it / 1000).toFixed(it < 10_000 ? 2 : 0)} |`)
  }
}

const COLUMNS = '---:|'.repeat(LENGTHS.length)
console.log(`Node.js ${process.version}, ns for each key of so many characters; medians of ${ROUNDS} interleaved rounds.\n`)
console.log(`| | ${LENGTHS.join(' | ')} |\n|---|${COLUMNS}`)
single('text', (key) => key)
single('Buffer', (key) => Buffer.from(key))
batch()
console.log('\n| | microseconds |\n|---|---:|')
others()
if (sink < 0) console.log(sink)
