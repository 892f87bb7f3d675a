// WASM as text of a source file, there and back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packed, unpacked } from '../src/unpacked.js'
import { random } from './support.mjs'

test('bytes come back from the text that is made of them, whichever are frequent', () => {
  const next = random(5)
  for (const [length, most] of [[0, 256], [1, 256], [256, 256], [5000, 256], [5000, 40], [20_000, 130]]) {
    const bytes = Uint8Array.from({ length }, () => next(next(most) + 1))
    assert.deepEqual(unpacked(packed(bytes)), bytes)
  }
  const all = Uint8Array.from({ length: 1024 }, (_, at) => at % 256)
  assert.deepEqual(unpacked(packed(all)), all)
})

test('the text is printable ASCII that needs no escape between quotes, and a letter for each frequent byte', () => {
  const text = packed(Uint8Array.from({ length: 3000 }, (_, at) => (at % 10 ? at % 7 : at % 256)))
  assert.match(text, /^[ !#-[\]-~]*$/)
  assert.equal(JSON.stringify(text).length, text.length + 2)
  assert.ok(text.length < 3500, `${text.length}`)
})
