// A plan as lines for a shell.
//
// - `redis-cli`: `--cluster reshard`, which moves as many slots as planned between the same nodes, the lowest of the source first.
// - `cluster-setslot`: exactly the planned slots, key by key, with what every Redis Cluster has.
// - `cluster-migrateslots`: exactly the planned slots, whole ranges at once, for servers that have CLUSTER MIGRATESLOTS.

export const STYLES = {
  'redis-cli': (plan) => [...joins(plan), ...plan.moves.flatMap((move) => (move.from === null ? adds(plan, move) : reshard(plan, move)))],
  'cluster-setslot': (plan) => [...joins(plan), ...plan.moves.flatMap((move) => (move.from === null ? adds(plan, move) : setSlots(plan, move)))],
  'cluster-migrateslots': (plan) => [...joins(plan), ...plan.moves.flatMap((move) => (move.from === null ? adds(plan, move) : migrate(plan, move)))],
}

const ID = /^[0-9a-z]{40}$/

// Nodes without an id that a server gave are not in the cluster yet.
function joins({ after }) {
  const nodes = [...after.nodes.values()]
  const member = nodes.find(({ id }) => ID.test(id))
  return nodes.filter(({ id }) => member && !ID.test(id)).map((node) => `redis-cli --cluster add-node ${address(node)} ${address(member)}`)
}

function adds({ after }, { to, ranges }) {
  return [`${cli(after.node(to))} cluster addslotsrange ${ranges.flat().join(' ')}`]
}

function reshard({ after }, { from, to, slots }) {
  const [source, target] = [after.node(from), after.node(to)]
  const ends = `--cluster-from ${idOf(source)} --cluster-to ${idOf(target)}`
  return [`redis-cli --cluster reshard ${address(source)} ${ends} --cluster-slots ${slots} --cluster-yes`]
}

function setSlots({ after, table }, { from, to, ranges }) {
  const [source, target] = [after.node(from), after.node(to)]
  const others = [...table.nodes.values()].filter(({ id, role }) => role === 'primary' && id !== from && id !== to)
  const { host, port } = target.endpoint
  return slotsIn(ranges).flatMap((slot) => [
    `${cli(target)} cluster setslot ${slot} importing ${idOf(source)}`,
    `${cli(source)} cluster setslot ${slot} migrating ${idOf(target)}`,
    `while [ "$(${cli(source)} cluster countkeysinslot ${slot})" -gt 0 ]; do ${cli(source)} cluster getkeysinslot ${slot} 100 | ` +
      `tr '\\n' '\\0' | xargs -0 -r ${cli(source)} migrate ${quoted(host)} ${port} "" 0 60000 keys || break; done`,
    ...[target, source, ...others].map((node) => `${cli(node)} cluster setslot ${slot} node ${idOf(target)}`),
  ])
}

function migrate({ after }, { from, to, ranges }) {
  const [source, target] = [after.node(from), after.node(to)]
  return ranges.map(([start, end]) => `${cli(source)} cluster migrateslots slotsrange ${start} ${end} node ${idOf(target)}`)
}

function slotsIn(ranges) {
  return ranges.flatMap(([start, end]) => Array.from({ length: end - start + 1 }, (_, at) => start + at))
}

function cli({ endpoint }) {
  return `redis-cli -h ${quoted(endpoint.host)} -p ${endpoint.port}`
}

function address({ endpoint }) {
  return quoted(`${endpoint.host}:${endpoint.port}`)
}

function idOf(node) {
  return ID.test(node.id) ? node.id : `$(${cli(node)} cluster myid)`
}

// Hosts come from outside: whatever is in them stays one word of the shell.
function quoted(word) {
  return /^[\w.:-]+$/.test(word) ? word : `'${String(word).replaceAll("'", `'\\''`)}'`
}
