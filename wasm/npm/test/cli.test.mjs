// The command line, as `npx slotway` runs it.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const CLI = fileURLToPath(new URL('node_modules/slotway/dist/cli.js', import.meta.url))
const [A, B, C] = ['a', 'b', 'c'].map((letter) => letter.repeat(40))
const NODES = `${A} 10.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-8191\n${B} 10.0.0.2:7001@17001 master - 0 0 2 connected 8192-16383\n${C} 10.0.0.3:7002@17002 master - 0 0 3 connected\n`
const folder = mkdtempSync(join(tmpdir(), 'slotway-cli-'))
const nodes = join(folder, 'nodes.txt')
writeFileSync(nodes, NODES)
after(() => rmSync(folder, { recursive: true, force: true }))

function slotway(args, input = '') {
  const { stdout, stderr, status } = spawnSync(process.execPath, [CLI, ...args], { input, encoding: 'utf8' })
  return { stdout, stderr, status }
}

test('slot tells slot, key and tag as the server command does', () => {
  assert.equal(slotway(['slot', 'user:1000', '{user:1000}:cart']).stdout, '1649\tuser:1000\t-\n1649\t{user:1000}:cart\t{user:1000}\n')
  assert.equal(slotway(['slot'], 'foo\r\n\nfoo{}{bar}').stdout, '12182\tfoo\t-\n0\t\t-\n8363\tfoo{}{bar}\t-\n')
  assert.equal(slotway(['slot', '--json', '{a}b']).stdout, '{"key":"{a}b","slot":15495,"tag":"a"}\n')
  assert.equal(slotway(['slot', '--nodes', nodes, 'foo{}{bar}']).stdout, `8363\tfoo{}{bar}\t-\t10.0.0.2:7001\t${B}\n`)
  assert.equal(slotway(['slot', '--nodes', '-', 'foo'], NODES).stdout, `12182\tfoo\t-\t10.0.0.2:7001\t${B}\n`)
})

test('plan tells the moves, as text, as commands and as JSON', () => {
  const added = slotway(['plan', '--from', nodes, '--add', '2'])
  assert.match(added.stdout, /^aaaaaaaa -> cccccccc {2}\d+ slots: [\d -]+\n/)
  assert.match(added.stdout, /new-1 {2}0 -> 4096 slots\n8192 of 16384 slots move\n$/)
  const { moves, slots } = JSON.parse(slotway(['plan', '--from', '-', '--add', '1', '--json'], NODES).stdout)
  assert.deepEqual([slots, moves.map(({ to }) => to)], [5461, [C, C]])
  assert.equal(slotway(['plan', '--from', nodes, '--remove', 'a', '--style', 'redis-cli']).stdout.split(' ').at(2), 'reshard')
  assert.match(slotway(['plan', '--from', nodes, '--move', '0-9,12', '--to', 'bbb']).stdout, /^aaaaaaaa -> bbbbbbbb {2}11 slots: 0-9 12\n/)
  assert.match(slotway(['plan', '--from', nodes, '--rebalance', '--use-empty']).stdout, /5461 of 16384 slots move\n$/)
  assert.equal(slotway(['plan', '--from', nodes, '--rebalance']).stdout.split('\n').at(-2), '0 of 16384 slots move')
})

test('mistakes are told in one line, with exit code 2, and files that are wrong with 1', () => {
  for (const [args, words] of [
    [['nope'], /no command nope/], [['plan'], /--from/], [['plan', '--from', nodes], /needs one of/], [['plan', '--from', nodes, '--add', 'x'], /--add needs a number/],
    [['plan', '--from', nodes, '--add', '1', '--rebalance'], /needs one of/], [['plan', '--from', nodes, '--move', 'x', '--to', 'a'], /x is no range/],
    [['plan', '--from', nodes, '--remove', 'zzz'], /no node has an id/], [['slot', '--what'], /--what/], [['slot', '--nodes', '-'], /standard input holds the nodes/],
  ]) {
    const { stderr, status } = slotway(args)
    assert.match(stderr, words)
    assert.deepEqual([status, stderr.split('\n').length], [2, 2], stderr)
  }
  for (const [args, input, words] of [[['plan', '--from', '-', '--add', '1'], 'nonsense', /line 1/], [['plan', '--from', join(folder, 'none'), '--add', '1'], '', /ENOENT/], [['plan', '--from', nodes, '--move', '0-16384', '--to', 'a'], '', /slots\[0\]/]]) {
    const { stderr, status } = slotway(args, input)
    assert.match(stderr, words)
    assert.equal(status, 1)
  }
  assert.match(slotway(['--help']).stdout, /^Usage: slotway slot/)
})
