// The API reference says what the types say, of all that the package has.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as slotway from 'slotway'
import * as lite from 'slotway/lite'
import { REFERENCE, reference } from '../reference.mjs'

const written = readFileSync(REFERENCE, 'utf8')

test('the reference is what the types make of it', () => {
  assert.equal(written, reference(), 'the types have changed: `npm --prefix wasm/npm run reference`')
})

test('the reference has all that can be imported, each once', () => {
  const described = [...written.matchAll(/^#### `(.+)`$/gm)].map(([, name]) => name)
  assert.equal(new Set(described).size, described.length)
  const missing = Object.keys({ ...slotway, ...lite }).filter((name) => !described.includes(name))
  assert.deepEqual(missing, [])
})
