import { keySlot } from 'slotway-wasm'
import { describe, expect, it } from 'vitest'
import { find, keysInSlot, listKeys, size, slotsUsed, textOf } from './key-list'
import { partsOf } from './parts'

const texts = (list: ReturnType<typeof listKeys>) => Array.from({ length: size(list) }, (_, at) => textOf(list, at))

describe('a list of keys', () => {
  it('has each key once, in the order of first appearance, with how often it came', () => {
    const list = listKeys('b\na\nb\nb\n')
    expect(texts(list)).toEqual(['b', 'a'])
    expect([...list.times]).toEqual([3, 1])
    expect(list.lines).toBe(4)
  })

  it('leaves out blank lines and line ends, and keeps spaces within keys', () => {
    expect(texts(listKeys('\r\n one key \r\n\n   \nlast'))).toEqual([' one key ', 'last'])
  })

  it('gives every key the slot that the core gives it alone', () => {
    const keys = ['foo{}{bar}', 'foo{{bar}}zap', 'café:☕', '\u{1F600}', '\ufeffbom', 'x'.repeat(5000)]
    const list = listKeys(keys.join('\n'))
    expect(texts(list)).toEqual(keys)
    expect([...list.slots]).toEqual(keys.map((key) => keySlot(key)))
  })

  it('counts distinct keys by slot', () => {
    const list = listKeys('{a}1\n{a}2\n{a}1\nb')
    expect(list.perSlot[keySlot('a')]).toBe(2)
    expect(slotsUsed(list)).toBe(2)
  })

  it('finds the keys of a slot, no more than asked for', () => {
    const list = listKeys('{a}1\nb\n{a}2\n{a}3')
    expect(keysInSlot(list, keySlot('a'), 10)).toEqual([0, 2, 3])
    expect(keysInSlot(list, keySlot('a'), 2)).toEqual([0, 2])
    expect(keysInSlot(list, (keySlot('a') + 1) % 16384, 2)).toEqual([])
  })

  it('finds a key by its text', () => {
    const list = listKeys('a\nab\nb')
    expect(find(list, 'ab')).toBe(1)
    expect(find(list, 'c')).toBe(-1)
  })

  it('may be empty', () => {
    const list = listKeys(' \n')
    expect(size(list)).toBe(0)
    expect(slotsUsed(list)).toBe(0)
  })
})

describe('the parts of a key', () => {
  const parts = (key: string) => partsOf(new TextEncoder().encode(key))

  it('mark the tag that is hashed', () => {
    expect(parts('{user:1}.cart')).toEqual({ before: '{', tag: 'user:1', after: '}.cart' })
    expect(parts('foo{{bar}}zap')).toEqual({ before: 'foo{', tag: '{bar', after: '}}zap' })
    expect(parts('é{ü}')).toEqual({ before: 'é{', tag: 'ü', after: '}' })
  })

  it('mark nothing when the whole key is hashed', () => {
    expect(parts('foo{}{bar}')).toEqual({ before: 'foo{}{bar}', tag: null, after: '' })
  })
})
