// Clusters for tests: Slotway's own in one process, and one of redis-server. On free ports of loopback, ended by process id.
import { spawn, execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Connection } from './resp.mjs'

const run = promisify(execFile)
const BIN = process.env.SLOTWAY_BIN ?? fileURLToPath(new URL('../../../target/test-server/slotway', import.meta.url))
const [FIRST, LAST] = (process.env.SLOTWAY_TEST_PORTS ?? '12000-21999').split('-').map(Number)
const HOST = '127.0.0.1'
const DEADLINE_MS = 120_000
// Nobody is to take a machine that stands still for a while for a node that has died: no failover happens but one that is asked for.
const NODE_TIMEOUT = ['--cluster-node-timeout', '60000']
const BUS_OFFSET = 10_000

// Test files run one after the other, each from a place of its own.
let next = FIRST + (process.pid % 40) * Math.floor((LAST - FIRST) / 50)

/** The first of `count` ports in a row that nobody listens on, nor on those of their cluster bus. */
async function freePorts(count) {
  for (; next + count <= LAST; next += count) {
    const ports = Array.from({ length: count }, (_, at) => next + at)
    if ((await Promise.all([...ports, ...ports.map((port) => port + BUS_OFFSET)].map(isFree))).every(Boolean)) {
      next += count
      return ports[0]
    }
  }
  throw new Error(`no ${count} free ports from ${FIRST} to ${LAST}`)
}

function isFree(port) {
  return new Promise((resolve) => {
    const socket = createConnection(port, HOST, () => (socket.destroy(), resolve(false)))
    socket.on('error', () => resolve(true))
  })
}

/** Calls `ask` until it says yes. */
export async function until(what, ask) {
  const end = Date.now() + DEADLINE_MS
  for (let last; ; await new Promise((resolve) => setTimeout(resolve, 20))) {
    try {
      if (await ask()) return
    } catch (error) {
      last = error
    }
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`, { cause: last })
  }
}

function started(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data))
  return { child, output: () => output }
}

async function stopped({ child }) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}

const answers = async (port) => {
  const connection = await Connection.open(port)
  const pong = await connection.call('PING')
  connection.close()
  return pong === 'PONG'
}

/** Three primaries and three replicas of Slotway. */
export async function slotwayCluster() {
  const port = await freePorts(6)
  const server = started(BIN, ['dev', '--port', `${port}`, '--http', '0', '--', ...NODE_TIMEOUT])
  await until('slotway dev is ready', () => {
    if (server.child.exitCode !== null) throw new Error(server.output())
    return server.output().includes('Cluster ready')
  })
  return { name: 'Slotway', port, ports: [port, port + 1, port + 2], stop: () => stopped(server) }
}

/** Three primaries of redis-server, and `empty` more without slots that know them. */
export async function redisCluster({ empty = 0 } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'slotway-npm-'))
  const port = await freePorts(3 + empty)
  const ports = Array.from({ length: 3 + empty }, (_, at) => port + at)
  const servers = ports.map((port) => started('redis-server', [...DIRECTIVES, '--port', `${port}`, '--cluster-config-file', `nodes-${port}.conf`, '--dir', folder]))
  const stop = async () => {
    await Promise.all(servers.map(stopped))
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await until('redis-server answers', async () => (await Promise.all(ports.map(answers))).every(Boolean))
    await run('redis-cli', ['--cluster', 'create', ...ports.slice(0, 3).map((port) => `${HOST}:${port}`), '--cluster-yes'])
    const connections = await Promise.all(ports.map((port) => Connection.open(port)))
    for (const port of ports.slice(3)) await connections[0].call('CLUSTER', 'MEET', HOST, port)
    await until('all nodes know the cluster', async () => {
      const [infos, texts] = await Promise.all(['INFO', 'NODES'].map((what) => Promise.all(connections.map((connection) => connection.call('CLUSTER', what)))))
      return infos.every((info) => info.includes('cluster_state:ok') && info.includes('cluster_size:3')) && texts.every((text) => isSettled(text, ports.length))
    })
    connections.forEach((connection) => connection.close())
  } catch (error) {
    await stop()
    throw error
  }
  return { name: 'redis-server', port, ports, stop }
}

const DIRECTIVES = ['--cluster-enabled', 'yes', '--save', '', '--appendonly', 'no', '--bind', HOST, ...NODE_TIMEOUT]

// So many nodes, each under the id that it keeps, with its address, connected.
function isSettled(text, count) {
  const lines = text.trim().split('\n')
  return lines.length === count && lines.every((line) => line.includes(` ${HOST}:`) && line.includes(' connected') && !/handshake|noaddr|fail/.test(line))
}
