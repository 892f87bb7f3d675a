import { keySlot } from 'slotway-wasm'
import { expect, it } from 'vitest'
import { EXAMPLE } from '../topology/example'
import { slotTable } from '../topology/slot-table'
import { adviceOn, distribution } from './distribution'
import { listKeys } from './key-list'

const table = slotTable(EXAMPLE)
const many = (count: number, key: (at: number) => string) => Array.from({ length: count }, (_, at) => key(at)).join('\n')
const of = (text: string) => distribution(listKeys(text), table)

it('finds the hot slot, and the tag that all of its keys have', () => {
  const found = of(`${many(300, (at) => `user:${at}`)}\n${many(100, (at) => `{eu}:${at}`)}`)
  expect(found.hot[0]).toEqual({ slot: keySlot('eu'), keys: 100, tag: 'eu' })
  expect(adviceOn(found)).toEqual({ kind: 'tag', tag: 'eu', keys: 100 })
})

it('says nothing of a tag where keys of several meet', () => {
  const slot = keySlot('eu')
  const stranger = Array.from({ length: 200_000 }, (_, at) => `x${at}`).find((key) => keySlot(key) === slot)
  expect(of(`{eu}1\n{eu}2\n${stranger}`).hot).toEqual([{ slot, keys: 3, tag: null }])
})

it('judges shards, but not by a few keys', () => {
  expect(adviceOn(of('a\nb')).kind).toBe('few')
  expect(adviceOn(of(many(3000, (at) => `user:${at}`))).kind).toBe('none')
  const onlyFirst = many(6000, (at) => `user:${at}`).split('\n').filter((key) => keySlot(key) < 9000)
  expect(adviceOn(of(onlyFirst.join('\n'))).kind).toBe('shards')
})
