import { keySlot } from 'slotway-wasm'
import { route } from 'slotway-wasm/routing'
import { describe, expect, it } from 'vitest'
import { EXAMPLE } from '../topology/example'
import { EXAMPLE_COMMANDS } from './example'
import { type Judged, type Router, judge } from './judge'
import { readLines } from './parse'

const router: Router = (argv, topology, flags) => route([...argv], topology, flags)
const judged = (text: string, myself: string | null = null) => judge(readLines(text), EXAMPLE, myself, router)
const told = ({ outcome }: Judged) => (outcome.kind === 'refused' ? outcome.reply : outcome.kind === 'served' ? outcome.node?.[0] : outcome.kind)
const CROSSSLOT = "CROSSSLOT Keys in request don't hash to the same slot"
const [FIRST, , THIRD] = EXAMPLE.nodes.map(({ id }) => id) as [string, string, string]

describe('a command', () => {
  it('goes to the node of its keys, which are found by their specification', () => {
    const [one] = judged('EVAL script 2 {a}x {a}y value')
    expect(one!.keys).toEqual([3, 4].map((index) => ({ index, slot: keySlot('a') })))
    expect(told(one!)).toBe('3')
    expect(judged('PING').map(told)).toEqual(['anywhere'])
  })

  it('is moved by a node that does not have its slot, and taken by the one that does', () => {
    expect(judged('GET a', FIRST).map(told)).toEqual(['MOVED 15495 127.0.0.1:7002'])
    expect(judged('GET a', THIRD).map(told)).toEqual(['3'])
  })

  it('goes where it goes although the node that told the cluster has a slot open', () => {
    const view = { ...EXAMPLE, myself: THIRD, migrating: [{ slot: keySlot('a'), node: FIRST }] }
    const judgedBy = (asked: string | null) => judge(readLines('GET a'), view, asked, router).map(told)
    expect([judgedBy(null), judgedBy(FIRST), judgedBy(THIRD)]).toEqual([['3'], ['MOVED 15495 127.0.0.1:7002'], ['3']])
  })

  it('is read by a replica once the connection has said READONLY, but writes are moved', () => {
    const replica = EXAMPLE.nodes.find(({ primaryId }) => primaryId === THIRD)!.id
    expect(judged('GET a\nREADONLY\nGET a\nSET a 1\nREADWRITE\nGET a', replica).map(told)).toEqual([
      'MOVED 15495 127.0.0.1:7002',
      'anywhere',
      replica[0],
      'MOVED 15495 127.0.0.1:7002',
      'anywhere',
      'MOVED 15495 127.0.0.1:7002',
    ])
  })

  it('that a server would not take is refused in its words', () => {
    expect(told(judged('GET')[0]!)).toBe("ERR wrong number of arguments for 'get' command")
    expect(told(judged('NOPE a')[0]!)).toBe("ERR unknown command 'NOPE', with args beginning with: 'a' ")
    expect(told(judged('GET "a')[0]!)).toBe('Invalid argument(s)')
  })

  it('with keys in several slots is mended by a tag in common, or by one command for each slot', () => {
    const [one] = judged('MSET order:17:items "3 4" order:17:total 42 order:17:items 5')
    expect(told(one!)).toBe(CROSSSLOT)
    expect(one!.mend!.renamed).toEqual([
      { from: 'order:17:items', to: '{order:17}:items' },
      { from: 'order:17:total', to: '{order:17}:total' },
    ])
    expect(one!.mend!.split).toEqual(['MSET order:17:items "3 4" order:17:items 5', 'MSET order:17:total 42'])
  })

  it.each(['MGET a b', 'SINTER a:1 b:2', 'MGET {x}a {y}b', 'MGET user:1 user:10', 'MGET {} b', 'RENAME : b', 'MGET {x}a xa'])('the names that would mend %s do bring its keys together', (text) => {
    const { mend } = judged(text)[0]!
    expect(new Set(mend!.renamed.map(({ to }) => keySlot(to))).size).toBe(1)
    expect(new Set(mend!.renamed.map(({ to }) => to)).size).toBe(mend!.renamed.length)
  })

  it('that must see all keys at once is not split', () => {
    expect(judged('SINTER a b')[0]!.mend!.split).toBeNull()
  })
})

describe('a transaction', () => {
  it('is one command to EXEC: its keys must share a slot, though one node has them all', () => {
    expect(judged('MULTI\nSET a 1\nSET b:x 2\nEXEC').map(told)).toEqual(['anywhere', 'queued', 'queued', CROSSSLOT])
    expect(judged('MULTI\nSET {a}1 1\nGET {a}2\nEXEC').map(told)).toEqual(['anywhere', 'queued', 'queued', '3'])
    expect(judged('MULTI\nPING\nEXEC').map(told)).toEqual(['anywhere', 'queued', 'anywhere'])
  })

  it('is given up when one of its commands was refused', () => {
    expect(judged('MULTI\nMGET a b\nGET a\nEXEC\nGET a').map(told)).toEqual([
      'anywhere',
      CROSSSLOT,
      'queued',
      'EXECABORT Transaction discarded because of previous errors.',
      '3',
    ])
  })

  it('can be dropped, and does not begin twice or end without a beginning', () => {
    expect(judged('EXEC\nMULTI\nMULTI\nDISCARD\nDISCARD').map(told)).toEqual([
      'ERR EXEC without MULTI',
      'anywhere',
      'ERR MULTI calls can not be nested',
      'anywhere',
      'ERR DISCARD without MULTI',
    ])
  })
})

it('the example shows commands that are served, refused and queued', () => {
  expect(new Set(judged(EXAMPLE_COMMANDS).map(({ outcome }) => outcome.kind))).toEqual(new Set(['served', 'refused', 'anywhere', 'queued']))
})
