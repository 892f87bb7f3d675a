import type { NodeView, TopologyView } from 'slotway-wasm'
import { en } from '../words/en'
import { describe, expect, it } from 'vitest'
import { clusterInWords, runInWords, slotInWords } from '../map/words'
import { EXAMPLE } from './example'
import { NOBODY, address, ownerOf, runOf, runs, slotTable } from './slot-table'

const primary = (id: string, ...ranges: Array<[number, number]>): NodeView => ({ ...EXAMPLE.nodes[0]!, id, ranges })
const cluster = (...nodes: NodeView[]): TopologyView => ({ ...EXAMPLE, nodes })

describe('the slot table', () => {
  it('letters shards by their lowest slot, empty ones last', () => {
    const table = slotTable(cluster(primary('late', [500, 600]), primary('empty'), primary('early', [0, 9])))
    expect(table.shards.map(({ letter, primary }) => [letter, primary.id])).toEqual([['A', 'early'], ['B', 'late'], ['C', 'empty']])
  })

  it('puts replicas under their primary, and those of nobody known aside', () => {
    const stray: NodeView = { ...EXAMPLE.nodes[3]!, id: 'stray', primaryId: 'gone' }
    const table = slotTable({ ...EXAMPLE, nodes: [...EXAMPLE.nodes, stray] })
    expect(table.shards.map(({ replicas }) => replicas.map(({ port }) => port))).toEqual([[7004], [7005], [7003]])
    expect(table.strays).toEqual([stray])
  })

  it('knows the owner of each slot and where its run begins and ends', () => {
    const table = slotTable(cluster(primary('a', [0, 9], [20, 29]), primary('b', [10, 19])))
    expect(ownerOf(table, 9)?.primary.id).toBe('a')
    expect(ownerOf(table, 30)).toBeNull()
    expect(table.owners[30]).toBe(NOBODY)
    expect(runOf(table, 15)).toEqual([10, 19])
    expect(runs(table)).toEqual([[0, 9], [10, 19], [20, 29], [30, 16383]])
  })

  it('writes IPv6 addresses in brackets, and says when there is no host', () => {
    expect(address({ host: '2001:db8::1', port: 1 })).toBe('[2001:db8::1]:1')
    expect(address({ host: '', port: 1 })).toBe('?:1')
  })
})

describe('the words', () => {
  it('tell slot, shard, address and keys', () => {
    const table = slotTable(EXAMPLE)
    expect(slotInWords(en.map, table, 5461, 1)).toBe('Slot 5461, shard B, 127.0.0.1:7001, 1 key of yours')
    expect(runInWords(en.map, table, 5461)).toBe('in slots 5461–10922')
    expect(clusterInWords(en.map, table)).toBe('3 shards, 6 nodes, all 16384 slots served')
  })

  it('tell gaps and a cluster that is down', () => {
    const table = slotTable({ ...cluster(primary('a', [0, 16379])), state: 'fail', uncovered: [[16380, 16383]] })
    expect(slotInWords(en.map, table, 16380, 0)).toBe('Slot 16380, served by nobody, none of your keys')
    expect(runInWords(en.map, table, 16380)).toBe('in the gap 16380–16383')
    expect(clusterInWords(en.map, table)).toBe('1 shard, 1 node, 4 slots served by nobody, the cluster is down')
  })
})
