import { expect, it } from 'vitest'
import { LINK_MAX, NOTHING_SHARED, type Shared, leftOut, readFragment, writeFragment as write } from './fragment'

const writeFragment = (shared: Partial<Shared>) => write({ ...NOTHING_SHARED, ...shared })

it('a few keys stay readable in the link', async () => {
  const link = await writeFragment({ keys: 'user:1\n{a}b', slot: 12 })
  expect(link).toBe('k=user%3A1%0A%7Ba%7Db&s=12')
  expect(await readFragment(`#${link}`)).toEqual({ ...NOTHING_SHARED, keys: 'user:1\n{a}b', slot: 12 })
})

it('more keys are packed and come back as they were', async () => {
  const keys = Array.from({ length: 300 }, (_, at) => `{user:${at}}.cart-ü`).join('\n')
  const link = await writeFragment({ keys, slot: null })
  expect(link).toMatch(/^z=[\w-]+$/)
  expect(link.length).toBeLessThan(keys.length / 2)
  expect(await readFragment(link)).toEqual({ ...NOTHING_SHARED, keys, slot: null })
})

it('keys too many for a link are left out of it', async () => {
  const random = Array.from({ length: 4000 }, () => Math.random().toString(36)).join('\n')
  expect(random.length).toBeGreaterThan(LINK_MAX)
  expect(await writeFragment({ keys: random, slot: 3 })).toBe('s=3')
  expect(await writeFragment({ keys: 'x'.repeat(LINK_MAX * 21), slot: 3 })).toBe('s=3')
})

it('what a link has no room for is named, and nothing else', async () => {
  const shared = { ...NOTHING_SHARED, keys: 'x'.repeat(LINK_MAX * 21), commands: 'GET a', pasted: 'y'.repeat(500) }
  expect(leftOut(await write(shared), shared)).toEqual(['keys'])
  expect(leftOut('', NOTHING_SHARED)).toEqual([])
  const empty = { ...NOTHING_SHARED, keys: '' }
  expect(leftOut(await write(empty), empty)).toEqual([])
})

it('a lone surrogate is shared as the character that clients send', async () => {
  expect(await readFragment(await writeFragment({ keys: 'a\ud800', slot: null }))).toEqual({ ...NOTHING_SHARED, keys: 'a\ufffd', slot: null })
})

it.each(['', '#', 'k=%E0%A4%A', 'z=!!!', 'z=AAAA', 's=16384', 's=-1', 's=1e3', 'nonsense'])('a broken link (%s) opens an empty page', async (link) => {
  expect(await readFragment(link)).toEqual({ ...NOTHING_SHARED, keys: null, slot: null })
})

it('all texts come back, beside the name of a screen, the long ones packed', async () => {
  const pasted = Array.from({ length: 50 }, (_, at) => `${at} 10.0.0.${at}:6379 master & = # ?`).join('\n')
  const shared = { keys: 'a&b', slot: 7, pasted, commands: 'GET a\nSET b 1', edits: '[0,[],{}]' }
  const link = await writeFragment(shared)
  expect(link).toMatch(/y=[\w-]+&/)
  expect(await readFragment(`#commands&${link}`)).toEqual(shared)
})
