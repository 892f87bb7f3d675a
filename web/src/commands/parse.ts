// Commands as people type them, read as redis-cli reads a line: words apart by blanks, "double" quotes with escapes, 'single' quotes.

export interface Argument {
  /** As it is sent. */
  readonly bytes: Uint8Array
  /** As it was typed, quotes and all. */
  readonly typed: string
}

export interface Line {
  /** From 1. */
  readonly number: number
  readonly args: readonly Argument[]
  /** The line ends within quotes, or has something right behind them: redis-cli says `Invalid argument(s)`. */
  readonly broken: boolean
}

/** The lines of `text` that say something. A prompt copied too (`127.0.0.1:7000> `) is left out, and comments (`#`). */
export function readLines(text: string): Line[] {
  const lines = text.split(/\r?\n/).map((line, at) => ({ number: at + 1, text: line.replace(PROMPT, '') }))
  return lines.filter(({ text }) => text.trim() !== '' && !text.trimStart().startsWith('#')).map(({ number, text }) => ({ number, ...readLine(text) }))
}

const PROMPT = /^\s*[\w.:[\]-]*:\d+(?:\[\d+\])?(?:\(TX\))?>\s*/

function readLine(text: string): { args: Argument[]; broken: boolean } {
  const args: Argument[] = []
  for (let at = skipBlanks(text, 0); at < text.length; at = skipBlanks(text, at)) {
    const read = readArgument(text, at)
    if (read === null) return { args, broken: true }
    args.push({ bytes: Uint8Array.from(read.bytes), typed: text.slice(at, read.end) })
    at = read.end
  }
  return { args, broken: false }
}

function skipBlanks(text: string, at: number): number {
  while (at < text.length && /\s/.test(text[at]!)) at += 1
  return at
}

interface Read {
  readonly bytes: number[]
  readonly end: number
}

function readArgument(text: string, at: number): Read | null {
  const bytes: number[] = []
  while (at < text.length && !/\s/.test(text[at]!)) {
    const quote = text[at]!
    if (quote !== '"' && quote !== "'") {
      const character = String.fromCodePoint(text.codePointAt(at)!)
      bytes.push(...encoded(character))
      at += character.length
      continue
    }
    const read = quote === '"' ? readDouble(text, at + 1) : readSingle(text, at + 1)
    if (read === null || (read.end < text.length && !/\s/.test(text[read.end]!))) return null
    return { bytes: [...bytes, ...read.bytes], end: read.end }
  }
  return { bytes, end: at }
}

const LETTERS: Record<string, number> = { n: 10, r: 13, t: 9, b: 8, a: 7 }

function readDouble(text: string, at: number): Read | null {
  const bytes: number[] = []
  while (at < text.length) {
    if (text[at] === '"') return { bytes, end: at + 1 }
    const hex = /^\\x([0-9a-fA-F]{2})/.exec(text.slice(at, at + 4))
    if (hex !== null) {
      bytes.push(Number.parseInt(hex[1]!, 16))
      at += 4
      continue
    }
    const escaped = text[at] === '\\' && at + 1 < text.length
    if (escaped) at += 1
    const character = String.fromCodePoint(text.codePointAt(at)!)
    const letter = escaped ? LETTERS[character] : undefined
    bytes.push(...(letter === undefined ? encoded(character) : [letter]))
    at += character.length
  }
  return null
}

function readSingle(text: string, at: number): Read | null {
  const bytes: number[] = []
  while (at < text.length) {
    if (text[at] === "'") return { bytes, end: at + 1 }
    if (text.startsWith("\\'", at)) at += 1
    const character = String.fromCodePoint(text.codePointAt(at)!)
    bytes.push(...encoded(character))
    at += character.length
  }
  return null
}

function encoded(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
