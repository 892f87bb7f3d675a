import { expect, it } from 'vitest'
import { NO_EDITS, readEdits, writeEdits } from './edits'

it('edits come back from a link as they were', () => {
  const edits = { built: { primaries: 4, replicas: 2 }, added: ['new-1:6379'], weights: { 'new-1:6379': 3, abc: 0 } }
  expect(readEdits(writeEdits(edits))).toEqual(edits)
  expect(readEdits(writeEdits(NO_EDITS))).toEqual(NO_EDITS)
})

it.each(['', '{', '7', 'null', '[[0,1],7,[]]', '[[3,99],[1],{"a":-1,"b":"2"}]'])('nonsense in a link (%s) is no edit', (text) => {
  expect(readEdits(text)).toEqual(NO_EDITS)
})
