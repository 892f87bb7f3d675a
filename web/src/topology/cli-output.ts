// Reads what people paste: the output of CLUSTER NODES, SLOTS or SHARDS, as redis-cli shows it, as JSON, or as text.
//
// redis-cli shows nested replies by indentation:
//
//     1) 1) (integer) 0
//        2) (integer) 5460
//        3) 1) "127.0.0.1"
//           2) (integer) 7000
//
// The result is what a client would have received; the core makes a topology of it.

export type Reply = string | number | boolean | null | Reply[] | { [name: string]: Reply }

export class PasteError extends Error {}

/** The reply that `text` shows: an array or object for SLOTS and SHARDS, the text itself for NODES. */
export function readPaste(text: string): Reply {
  const trimmed = text.trim()
  if (/^[[{]/.test(trimmed)) return readJson(trimmed)
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '')
  const first = lines.findIndex((line) => ITEM.test(line))
  // Whatever stands before the first item is a prompt or a command that was copied too.
  if (first >= 0) return new Listing(lines.slice(first)).read()
  return trimmed.startsWith('"') ? String(scalar(trimmed)) : text
}

/** `1) `, or `1# ` for a field of a map, `1~ ` for a member of a set; wide lists pad the number. */
const ITEM = /^ *\d+[)#~] /

function readJson(text: string): Reply {
  try {
    return JSON.parse(text) as Reply
  } catch {
    throw new PasteError('This begins like JSON, but is not complete. Paste all of it.')
  }
}

/** A listing as redis-cli prints it. Every value begins at a column; items of one aggregate begin at the same. */
class Listing {
  #line = 0

  constructor(private readonly lines: string[]) {}

  read(): Reply {
    return this.#value(0)
  }

  #value(column: number): Reply {
    const marker = this.#marker(column)
    if (marker === null) return scalar(this.#take(column))
    return marker.endsWith('# ') ? this.#map(column) : this.#array(column)
  }

  #array(column: number): Reply[] {
    const items: Reply[] = []
    do items.push(this.#value(column + this.#marker(column)!.length))
    while (this.#goesOn(column))
    return items
  }

  #map(column: number): Reply {
    const fields: { [name: string]: Reply } = {}
    do {
      const start = column + this.#marker(column)!.length
      const name = /^(.*?) =>( (?=.*\S))?/.exec(this.#rest(start))
      if (name === null) throw new PasteError(`Line ${this.#line + 1} of the output has no "=>" after the name of a field.`)
      fields[String(scalar(name[1]!))] = this.#fieldValue(start, name[0], name[2] !== undefined)
    } while (this.#goesOn(column))
    return fields
  }

  /** A scalar stands behind the name; an aggregate begins on the next line, below the name. */
  #fieldValue(start: number, name: string, sameLine: boolean): Reply {
    if (sameLine) return this.#value(start + name.length)
    this.#line += 1
    return this.#value(start)
  }

  /** True when the next line has one more item at this column, and nothing but blanks before. */
  #goesOn(column: number): boolean {
    const line = this.lines[this.#line]
    return line !== undefined && line.slice(0, column).trim() === '' && this.#marker(column) !== null
  }

  #marker(column: number): string | null {
    return ITEM.exec(this.#rest(column))?.[0] ?? null
  }

  #rest(column: number): string {
    return this.lines[this.#line]?.slice(column) ?? ''
  }

  #take(column: number): string {
    const rest = this.#rest(column)
    this.#line += 1
    return rest
  }
}

function scalar(text: string): Reply {
  const trimmed = text.trim()
  const integer = /^\(integer\) (-?\d+)$/.exec(trimmed)
  if (integer) return Number(integer[1])
  if (trimmed === '(nil)') return null
  if (trimmed === '(empty array)' || trimmed === '(empty list or set)') return []
  if (trimmed === '(empty hash)') return {}
  if (trimmed === '(true)' || trimmed === '(false)') return trimmed === '(true)'
  return /^".*"$/.test(trimmed) ? unquoted(trimmed.slice(1, -1)) : trimmed
}

const ESCAPES: Record<string, string> = { n: '\n', r: '\r', t: '\t', a: '\u0007', b: '\b' }

function unquoted(text: string): string {
  return text.replace(/\\(?:x([0-9a-fA-F]{2})|(.))/g, (_, code: string | undefined, letter: string) =>
    code === undefined ? (ESCAPES[letter] ?? letter) : String.fromCharCode(Number.parseInt(code, 16)),
  )
}
