// The state of the page in the fragment of its address: what is shared by sending the link, and never sent to any server.
//
//     #k=user%3A1%0Auser%3A2&s=5474               a few keys, to be read, and the pinned slot
//     #z=<deflate-raw, base64url>&s=5474          more keys
//     #commands&c=GET%20a                         another screen, and the commands typed there
//     #plan&y=<...>&p=...                         a pasted cluster, and what is wanted of it

export interface Shared {
  /** The text of the keys; null where the link tells none. */
  readonly keys: string | null
  /** The pinned slot. */
  readonly slot: number | null
  /** The pasted cluster. */
  readonly pasted: string | null
  readonly commands: string | null
  /** What is wanted of the cluster, as `edits.ts` writes it. */
  readonly edits: string | null
}

export const NOTHING_SHARED: Shared = { keys: null, slot: null, pasted: null, commands: null, edits: null }

/** Of each text, the letter before it as it is, and the one before it packed. */
const TEXTS = { keys: ['k', 'z'], pasted: ['t', 'y'], commands: ['c', 'x'], edits: ['p', 'w'] } as const
export type TextName = keyof typeof TEXTS

const READABLE_MAX = 400
/** Longer links get cut by programs that pass them on. */
export const LINK_MAX = 8_192

/** The fragment for `shared`, without the number sign. A text that would make it too long is left out. */
export async function writeFragment(shared: Shared): Promise<string> {
  const names = Object.keys(TEXTS) as TextName[]
  const fields = await Promise.all(names.map((name) => textField(name, shared[name])))
  if (shared.slot !== null) fields.push(`s=${shared.slot}`)
  return fields.filter((field) => field !== '').join('&')
}

/** The texts of `shared` for which `fragment`, written of it, has no room. */
export function leftOut(fragment: string, shared: Shared): TextName[] {
  const told = new Set(fragment.split('&').map((field) => field.split('=', 1)[0]))
  const names = Object.keys(TEXTS) as TextName[]
  return names.filter((name) => shared[name] !== null && !TEXTS[name].some((letter) => told.has(letter)))
}

export async function readFragment(fragment: string): Promise<Shared> {
  const fields = new Map(fragment.replace(/^#/, '').split('&').filter((field) => field[1] === '=').map((field) => [field.slice(0, 1), field.slice(2)]))
  const text = (name: TextName) => readText(fields.get(TEXTS[name][0]), fields.get(TEXTS[name][1]))
  const [keys, pasted, commands, edits] = await Promise.all([text('keys'), text('pasted'), text('commands'), text('edits')])
  return { keys, pasted, commands, edits, slot: readSlot(fields.get('s')) }
}

async function textField(name: TextName, text: string | null): Promise<string> {
  if (text === null) return ''
  const [letter, packedLetter] = TEXTS[name]
  const readable = `${letter}=${encodeURIComponent(text.toWellFormed())}`
  if (readable.length <= READABLE_MAX) return readable
  if (text.length > LINK_MAX * 20) return ''
  const packed = `${packedLetter}=${toBase64Url(await through(new TextEncoder().encode(text), new CompressionStream('deflate-raw')))}`
  return packed.length <= LINK_MAX ? packed : ''
}

async function readText(readable: string | undefined, packed: string | undefined): Promise<string | null> {
  try {
    if (readable !== undefined) return decodeURIComponent(readable)
    if (packed !== undefined) {
      return new TextDecoder().decode(await through(fromBase64Url(packed), new DecompressionStream('deflate-raw')))
    }
  } catch {
    // A link that was cut or mistyped: the page opens without what it told.
  }
  return null
}

function readSlot(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,5}$/.test(text) && Number(text) < 16384 ? Number(text) : null
}

async function through(bytes: Uint8Array<ArrayBuffer>, transform: CompressionStream | DecompressionStream): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(transform)
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

function toBase64Url(bytes: Uint8Array): string {
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}
