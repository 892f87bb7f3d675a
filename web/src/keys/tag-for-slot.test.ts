import { keySlot } from 'slotway-wasm'
import { expect, it } from 'vitest'
import { tagForSlot } from './tag-for-slot'

it.each([0, 1, 5474, 8191, 16383])('the tag for slot %i leads there', (slot) => {
  const tag = tagForSlot(slot)
  expect(keySlot(`{${tag}}:anything`)).toBe(slot)
  expect(tag.length).toBeLessThanOrEqual(4)
})
