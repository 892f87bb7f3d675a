// Both languages are complete: that no word is missing the compiler sees; that none was left as it is in the other language, this does.
import { expect, it } from 'vitest'
import { WORDS as COMMANDS } from '../commands/words'
import { WORDS as LESSONS } from '../lessons/words'
import { WORDS as PLAN } from '../plan/words'
import { SCENARIO_WORDS, WORDS as SIMULATE } from '../sim/words'
import { en } from './en'
import { zh } from './zh'

const CATALOGUES = {
  frame: { en, zh },
  commands: COMMANDS,
  lessons: LESSONS,
  plan: PLAN,
  simulate: SIMULATE,
  scenarios: SCENARIO_WORDS,
}

/** What is the same in both: punctuation, names of commands and the names of the languages. */
const ALIKE = /^[\s\p{P}\p{N}\p{S}]*$|^(MOVED|CLUSTERDOWN|MIGRATESLOTS|SETSLOT|slotway|redis-cli|简体中文|English)$/u
const CHINESE = /\p{Script=Han}/u

/** Each sentence by its path. Functions are asked with arguments that no language has words of. */
function sentences(words: unknown, path = ''): Array<[string, string]> {
  if (typeof words === 'string') return [[path, words]]
  if (typeof words === 'function') return [[path, String((words as (...args: unknown[]) => string)(2, 3, 4, 5, 6, 7, 8))]]
  return Object.entries(words as object).flatMap(([name, part]) => sentences(part, `${path}.${name}`))
}

it.each(Object.entries(CATALOGUES))('each sentence of %s has its twin in the other language', (_, { en, zh }) => {
  const [english, chinese] = [new Map(sentences(en)), new Map(sentences(zh))]
  expect([...chinese.keys()].sort()).toEqual([...english.keys()].sort())
  const untranslated = [...chinese].filter(([, text]) => !CHINESE.test(text) && !ALIKE.test(text))
  expect(untranslated).toEqual([])
  const foreign = [...english].filter(([, text]) => CHINESE.test(text) && !ALIKE.test(text))
  expect(foreign).toEqual([])
})

it.each(Object.entries(CATALOGUES))('sentences of %s take the same numbers in both languages', (_, { en, zh }) => {
  const numbers = (text: string) => (text.match(/\d+/g) ?? []).sort()
  const chinese = new Map(sentences(zh))
  const differing = sentences(en).filter(([path, text]) => numbers(text).join() !== numbers(chinese.get(path)!).join())
  expect(differing).toEqual([])
})
