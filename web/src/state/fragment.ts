// The state of the page in the fragment of its address: what is shared by sending the link, and never sent to any server.
//
//     #k=user%3A1%0Auser%3A2&s=5474        a few keys, to be read
//     #z=<deflate-raw, base64url>&s=5474   more keys

export interface Shared {
  /** The text of the keys; null where the link tells none. */
  keys: string | null
  /** The pinned slot. */
  slot: number | null
}

const READABLE_MAX = 400
/** Longer links get cut by programs that pass them on. */
export const LINK_MAX = 8_192

/** The fragment for `shared`, without the number sign. Keys that would make it too long are left out. */
export async function writeFragment({ keys, slot }: Shared): Promise<string> {
  const fields: string[] = []
  if (keys !== null) fields.push(await keysField(keys))
  if (slot !== null) fields.push(`s=${slot}`)
  return fields.filter((field) => field !== '').join('&')
}

export async function readFragment(fragment: string): Promise<Shared> {
  const fields = new Map(fragment.replace(/^#/, '').split('&').map((field) => [field.slice(0, 1), field.slice(2)]))
  return { keys: await readKeys(fields), slot: readSlot(fields.get('s')) }
}

async function keysField(keys: string): Promise<string> {
  const readable = `k=${encodeURIComponent(keys.toWellFormed())}`
  if (readable.length <= READABLE_MAX) return readable
  if (keys.length > LINK_MAX * 20) return ''
  const packed = `z=${toBase64Url(await through(new TextEncoder().encode(keys), new CompressionStream('deflate-raw')))}`
  return packed.length <= LINK_MAX ? packed : ''
}

async function readKeys(fields: Map<string, string>): Promise<string | null> {
  const [readable, packed] = [fields.get('k'), fields.get('z')]
  try {
    if (readable !== undefined) return decodeURIComponent(readable)
    if (packed !== undefined) {
      return new TextDecoder().decode(await through(fromBase64Url(packed), new DecompressionStream('deflate-raw')))
    }
  } catch {
    // A link that was cut or mistyped: the page opens without its keys.
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
