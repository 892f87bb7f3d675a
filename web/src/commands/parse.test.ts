import { expect, it } from 'vitest'
import { readLines } from './parse'

const decoder = new TextDecoder()
const args = (text: string) => readLines(text)[0]!.args.map(({ bytes }) => decoder.decode(bytes))

it('reads words, quotes and escapes as redis-cli does', () => {
  expect(args('SET  key value')).toEqual(['SET', 'key', 'value'])
  expect(args('SET "a b\\n\\"" \'c\\\'d \\n\'')).toEqual(['SET', 'a b\n"', "c'd \\n"])
  expect(args('GET ☕é\u{1F600}')).toEqual(['GET', '☕é\u{1F600}'])
  expect(args('SET k ""')).toEqual(['SET', 'k', ''])
  expect([...readLines('GET "\\xff\\x00z"')[0]!.args[1]!.bytes]).toEqual([255, 0, 122])
})

it('keeps what was typed, for showing it', () => {
  expect(readLines('GET "a b"')[0]!.args.map(({ typed }) => typed)).toEqual(['GET', '"a b"'])
})

it.each(['GET "a', "GET 'a", 'GET "a"b', "SET 'a'b c"])('%s is broken, as for redis-cli', (text) => {
  expect(readLines(text)[0]!.broken).toBe(true)
})

it('leaves out blank lines, comments and prompts that were copied too', () => {
  const lines = readLines('\n# note\n127.0.0.1:7000> GET a\n127.0.0.1:7000(TX)> GET b\nGET c:1> d')
  expect(lines.map(({ number, args }) => [number, ...args.map(({ typed }) => typed)])).toEqual([
    [3, 'GET', 'a'],
    [4, 'GET', 'b'],
    [5, 'GET', 'c:1>', 'd'],
  ])
})
