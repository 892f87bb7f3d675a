import { expect, it } from 'vitest'
import { contrast, inkOn, mix, rgb, shardColour, shardLetter } from './palette'

it('names shards like the columns of a spreadsheet', () => {
  expect([0, 25, 26, 27, 701, 702].map(shardLetter)).toEqual(['A', 'Z', 'AA', 'AB', 'ZZ', 'AAA'])
})

it('writes letters on every colour with the contrast that small text needs', () => {
  for (let at = 0; at < 6; at++) {
    const colour = shardColour(at)
    expect(contrast(rgb(colour), rgb(inkOn(colour)))).toBeGreaterThanOrEqual(4.5)
  }
})

it('mixes colours by share', () => {
  expect(mix(rgb('#ff0000'), rgb('#0000ff'), 0.5)).toEqual({ r: 128, g: 0, b: 128 })
  expect(mix(rgb('#123456'), rgb('#ffffff'), 1)).toEqual(rgb('#123456'))
})
