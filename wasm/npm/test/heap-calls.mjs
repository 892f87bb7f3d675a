// Ten million calls after half a million to warm up; prints how much memory is in use after each half million. Run by heap.test.mjs with
// --expose-gc.
import { SlotTable, commandKeys, explain, keySlot, keySlots, planRebalance, route } from 'slotway'

const texts = Array.from({ length: 1000 }, (_, at) => 'user:' + at + ':' + 'x'.repeat(at % 90))
const keys = texts.map((text, at) => (at % 2 ? text : Buffer.from(text)))
const many = [...texts, 'é', '{'.repeat(300_000), ...keys]
const nodes = 'a'.repeat(40) + ' 10.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-16383'
const table = SlotTable.parse(nodes)
const bad = (ask) => {
  try {
    ask()
  } catch (error) {
    if (error.name === 'SlotwayError') return
    throw error
  }
  throw new Error('not refused')
}

function round(calls) {
  let at = 0
  for (; at < calls * 0.97; at++) keySlot(keys[at % 1000])
  for (; at < calls; at++) {
    const kind = at % 100
    if (at % 1000 === 0) keySlots(many)
    else if (at % 1000 === 1) SlotTable.parse(nodes)
    else if (at % 1000 === 2) planRebalance(table)
    else if (kind < 30) route(['MGET', 'a', 'b', keys[at % 1000]], table)
    else if (kind < 40) explain('foo{bar}')
    else if (kind < 50) bad(() => SlotTable.parse('nonsense'))
    else if (kind < 60) bad(() => commandKeys(['NOPE', 'a']))
    else if (kind < 70) bad(() => commandKeys(['GET', {}]))
    else bad(() => keySlot(at))
  }
}

// What engines do beside us, such as compiling, has its turn first.
async function used() {
  await new Promise((resolve) => setImmediate(resolve))
  gc()
  const { heapUsed, arrayBuffers, external } = process.memoryUsage()
  return { heapUsed, arrayBuffers, external }
}

round(500_000)
const samples = []
for (let turn = 0; turn < 20; turn++) {
  round(500_000)
  samples.push(await used())
}
console.log(JSON.stringify(samples))
