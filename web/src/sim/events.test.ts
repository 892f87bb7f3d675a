import { describe, expect, it } from 'vitest'
import { added, translated } from './events'

describe('the log', () => {
  it('lets those who say the same at the same time say it once', () => {
    const log = added([], ['6.200001 n3: node n0 does not answer', '6.300001 n4: node n0 does not answer', '9.000001 n5: node n0 does not answer'])
    expect(log.map(({ nodes, text }) => [nodes.join(' '), text])).toEqual([
      ['n3 n4', 'n0 does not answer'],
      ['n5', 'n0 does not answer'],
    ])
  })

  it('tells what happens to the world as nobody’s', () => {
    expect(added([], ['3.000000 n0 stops: Vanished'])).toEqual([{ ms: 3000, nodes: [], text: 'n0 stops: Vanished', tone: 'act', minor: false }])
  })

  it('is in Chinese, reasons of refusals too', () => {
    const english = [
      'n0 does not answer',
      'n0 is down: a majority (3 primaries) reports it',
      'n0 is down: n2 tells so',
      'cluster state is fail',
      'election starts in 861 ms (rank 0)',
      'election starts for epoch 6',
      'vote for n5 in epoch 6',
      'no vote for n5 in epoch 6: this node is no primary with slots',
      'no vote for n5 in epoch 6: its primary is up',
      'election won: this node is a primary since epoch 6',
      '3277 slots belong to n5 now, by config epoch 6',
      "n1 has the same config epoch: this node's is now 4",
      'the last slot of this shard went to n5: this node follows it',
      'n0 is a replica of n5 now',
      'n0 stops: Vanished',
      'nothing passes between n0, n3 and the others',
      'everything between n0 and n1 takes 300 ms longer',
    ]
    const chinese = english.map((text) => translated(text, 'zh'))
    expect(chinese.filter((text) => !/[\u4e00-\u9fff]/.test(text) || /[a-z]{3}/.test(text.replace('fail', '')))).toEqual([])
    expect(english.map((text) => translated(text, 'en'))).toEqual(english)
  })
})
