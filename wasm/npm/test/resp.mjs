// A client of a few lines: what servers send, undisguised. Bulk strings come as text, maps as Map, errors as Error values.
import { createConnection } from 'node:net'

export class Connection {
  #socket
  #waiting = []
  #received = Buffer.alloc(0)

  static async open(port, protocol = 2) {
    const connection = new Connection()
    await new Promise((resolve, reject) => {
      connection.#socket = createConnection(port, '127.0.0.1', resolve).setNoDelay().on('error', reject)
    })
    connection.#socket.on('data', (data) => connection.#read(data))
    connection.#socket.on('close', () => connection.#waiting.splice(0).forEach((done) => done(new Error('closed'))))
    if (protocol === 3) await connection.call('HELLO', 3)
    return connection
  }

  /** The reply; an error reply is an Error, not thrown. */
  call(...args) {
    const parts = args.map((arg) => Buffer.from(typeof arg === 'number' ? String(arg) : arg))
    const written = parts.flatMap((part) => [Buffer.from(`$${part.length}\r\n`), part, Buffer.from('\r\n')])
    this.#socket.write(Buffer.concat([Buffer.from(`*${parts.length}\r\n`), ...written]))
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  close() {
    this.#socket.destroy()
  }

  #read(data) {
    this.#received = Buffer.concat([this.#received, data])
    for (let found; (found = value(this.#received, 0)); ) {
      this.#received = this.#received.subarray(found.end)
      this.#waiting.shift()(found.value)
    }
  }
}

// The value that begins at `at` and where it ends; nothing while it is incomplete.
function value(bytes, at) {
  const line = bytes.indexOf('\r\n', at)
  if (line < 0) return undefined
  const type = String.fromCharCode(bytes[at])
  const text = bytes.toString('utf8', at + 1, line)
  const end = line + 2
  switch (type) {
    case '+':
      return { value: text, end }
    case '-':
      return { value: new Error(text), end }
    case ':':
      return { value: Number(text), end }
    case '_':
      return { value: null, end }
    case '#':
      return { value: text === 't', end }
    case ',':
      return { value: Number(text), end }
    case '$':
    case '=':
      return bulk(bytes, Number(text), end, type === '=' ? 4 : 0)
    case '*':
    case '~':
      return items(bytes, Number(text), end, (all) => all)
    case '%':
      return items(bytes, 2 * Number(text), end, (all) => new Map(Array.from({ length: all.length / 2 }, (_, at) => all.slice(2 * at, 2 * at + 2))))
    default:
      throw new Error(`no type of reply: ${type}`)
  }
}

function bulk(bytes, length, at, skip) {
  if (length < 0) return { value: null, end: at }
  const end = at + length + 2
  return bytes.length < end ? undefined : { value: bytes.toString('utf8', at + skip, end - 2), end }
}

function items(bytes, count, at, made) {
  if (count < 0) return { value: null, end: at }
  const all = []
  for (; all.length < count; ) {
    const found = value(bytes, at)
    if (!found) return undefined
    all.push(found.value)
    at = found.end
  }
  return { value: made(all), end: at }
}
