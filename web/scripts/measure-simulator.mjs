// How fast the page's simulator is: `node web/scripts/measure-simulator.mjs`, after `npm --prefix web run build:wasm`.
//
// Clusters to which nothing happens but the writes of clients, looked at thirty times a second of virtual time as the page does at normal speed.
// Processor time of the process is counted, so that a busy machine does not matter much.
import { readFileSync } from 'node:fs'
import { Simulation, initSync } from '../../wasm/pkg-sim/slotway_sim.js'

const SECONDS = 20
const LOOKS_PER_SECOND = 30

initSync({ module: readFileSync(new URL('../../wasm/pkg-sim/slotway_sim_bg.wasm', import.meta.url)) })

function measure(primaries, timeoutMs) {
  const simulation = Simulation.cluster(7n, primaries, 1, timeoutMs, false)
  const begun = process.cpuUsage()
  let bytes = 0
  for (let look = 1; look <= SECONDS * LOOKS_PER_SECOND; look++) {
    simulation.runUntil((look * 1000) / LOOKS_PER_SECOND)
    bytes += simulation.frame().length
  }
  const { user, system } = process.cpuUsage(begun)
  simulation.free()
  return { ratio: (SECONDS * 1e6) / (user + system), lookBytes: bytes / SECONDS / LOOKS_PER_SECOND }
}

measure(3, 2000)
for (const [primaries, timeoutMs] of [[3, 2000], [6, 2000], [50, 2000], [50, 15_000]]) {
  const { ratio, lookBytes } = measure(primaries, timeoutMs)
  console.log(`${primaries * 2} nodes, node timeout ${timeoutMs} ms: ${ratio.toFixed(1)} times real time, ${Math.round(lookBytes)} bytes a look`)
}
