import { expect, it } from 'vitest'
import { History, STEPS_MAX } from './history'

it('goes back and forth, and forgets what was undone when something new is done', () => {
  const history = new History<string>()
  history.changing('a', 'text', 0)
  history.changing('b', 'source', 10)
  expect(history.undo('c')).toBe('b')
  expect(history.undo('b')).toBe('a')
  expect(history.undo('a')).toBeNull()
  expect(history.redo('a')).toBe('b')
  expect(history.canRedo).toBe(true)
  history.changing('b', 'text', 20)
  expect(history.canRedo).toBe(false)
  expect(history.undo('d')).toBe('b')
})

it('takes quick changes of one kind as one, but not those after an undo', () => {
  const history = new History<string>()
  history.changing('', 'text', 0)
  history.changing('a', 'text', 900)
  history.changing('ab', 'text', 1800)
  history.changing('abc', 'text', 5000)
  expect(history.undo('abcd')).toBe('abc')
  history.changing('abc', 'text', 5100)
  expect(history.undo('abcx')).toBe('abc')
  expect(history.undo('abc')).toBe('')
  expect(history.canUndo).toBe(false)
})

it('keeps a bounded number of steps', () => {
  const history = new History<number>()
  for (let at = 0; at < STEPS_MAX + 50; at++) history.changing(at, `${at}`, at)
  let [steps, state] = [0, history.undo(-1)]
  for (; state !== null; state = history.undo(state)) steps += 1
  expect(steps).toBe(STEPS_MAX)
})
