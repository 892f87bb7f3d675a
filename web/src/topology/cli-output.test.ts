import { describe, expect, it } from 'vitest'
import { PasteError, readPaste } from './cli-output'

describe('pasted output of redis-cli', () => {
  it('is read by its indentation, as CLUSTER SLOTS nests', () => {
    const reply = readPaste(`127.0.0.1:7000> CLUSTER SLOTS
1) 1) (integer) 0
   2) (integer) 5460
   3) 1) "127.0.0.1"
      2) (integer) 7000
      3) "aaaa"
      4) (empty array)
   4) 1) "127.0.0.1"
      2) (integer) 7003
      3) "bbbb"
      4) 1) "hostname"
         2) "host-1.example"
2) 1) (integer) 5461
   2) (integer) 16383
   3) 1) (nil)
      2) (integer) 7001
      3) "cccc"
      4) (empty array)
`)
    expect(reply).toEqual([
      [0, 5460, ['127.0.0.1', 7000, 'aaaa', []], ['127.0.0.1', 7003, 'bbbb', ['hostname', 'host-1.example']]],
      [5461, 16383, [null, 7001, 'cccc', []]],
    ])
  })

  it('is read when the numbers of items are padded', () => {
    const lines = Array.from({ length: 12 }, (_, at) => `${String(at + 1).padStart(2)}) 1) (integer) ${at}\n    2) "x"`)
    expect(readPaste(lines.join('\n'))).toEqual(Array.from({ length: 12 }, (_, at) => [at, 'x']))
  })

  it('is read as maps where redis-cli spoke RESP3', () => {
    const reply = readPaste(`1) 1# "slots" =>\u0020
      1) (integer) 0
      2) (integer) 10
   2# "nodes" =>
      1) 1# "id" => "aaaa"
         2# "port" => (integer) 7000
2) 1# "slots" => (empty array)
   2# "nodes" => (empty array)
`)
    expect(reply).toEqual([
      { slots: [0, 10], nodes: [{ id: 'aaaa', port: 7000 }] },
      { slots: [], nodes: [] },
    ])
  })

  it('is read when names and values stand by turns and wide lists are padded, as CLUSTER SHARDS does', () => {
    const reply = readPaste(`1) 1) "slots"
   2) (empty array)
   3) "nodes"
   4) 1)  1) "id"
          2) "aaaa"
          3) "port"
          4) (integer) 7000
          5) "ip"
          6) ""
          7) "endpoint"
          8) ""
          9) "role"
         10) "master"
`)
    const node = ['id', 'aaaa', 'port', 7000, 'ip', '', 'endpoint', '', 'role', 'master']
    expect(reply).toEqual([['slots', [], 'nodes', [node]]])
  })

  it('has its quoted strings read back', () => {
    expect(readPaste('1) "a\\"b\\\\c\\x41\\n"')).toEqual(['a"b\\cA\n'])
  })
})

describe('other pasted text', () => {
  it('is JSON when it begins so', () => {
    expect(readPaste(' [[0, 1, ["h", 1, "id", []]]]')).toEqual([[0, 1, ['h', 1, 'id', []]]])
    expect(() => readPaste('[[0, 1')).toThrow(PasteError)
  })

  it('is left as it is otherwise: CLUSTER NODES', () => {
    const nodes = '07c3 127.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-16383\n'
    expect(readPaste(nodes)).toBe(nodes)
  })

  it('is unquoted when redis-cli had quoted all of it', () => {
    expect(readPaste('"one line\\nanother\\n"')).toBe('one line\nanother\n')
  })
})
