import { expect, it } from 'vitest'
import { type Kept, readFile, writeFile } from './file'

const KEPT: Kept = {
  screen: 'plan',
  source: 'example',
  play: null,
  shared: { keys: 'a\n"ü"\n', slot: 5474, pasted: 'x'.repeat(200_000), commands: 'GET a', edits: '[0,[],{}]' },
}

it('a state that is kept is read as it was, however long', () => {
  expect(readFile(writeFile(KEPT))).toEqual(KEPT)
  expect(readFile(writeFile({ ...KEPT, screen: 'simulate', play: 'simulate/storm,7' }))!.play).toBe('simulate/storm,7')
})

it.each([
  ['no JSON', 'keys'],
  ['another JSON', '{"nodes": []}'],
  ['a list', '[1]'],
  ['a later format', writeFile(KEPT).replace('"slotway": 1', '"slotway": 2')],
  ['an unknown screen', writeFile(KEPT).replace('"plan"', '"moon"')],
  ['a text that is none', writeFile(KEPT).replace('"GET a"', '7')],
])('%s is no state', (_, text) => expect(readFile(text)).toBeNull())

it('a slot that is none is left out', () => {
  expect(readFile(writeFile(KEPT).replace('5474', '99999'))!.shared.slot).toBeNull()
})
