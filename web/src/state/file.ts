// The state of the page as a file: what is too much for a link, or is to be kept.
//
//     { "slotway": 1, "screen": "slots", "source": "pasted", "keys": "user:1\nuser:2", "slot": 5474, ..., "play": "cluster,7,3,1" }
//
// The fields are those of a link (fragment.ts), whole, and of all screens.

import { type Shared, NOTHING_SHARED } from './fragment'
import { SCREENS, type Screen } from './screens'

/** Grows when an older page could not read the file. */
const FORMAT = 1

export interface Kept {
  readonly screen: Screen
  readonly shared: Shared
  /** The example or the live cluster was shown, although another was pasted. */
  readonly source: 'live' | 'example' | 'pasted'
  /** Of the screen of the simulator, its own link. */
  readonly play: string | null
}

export function writeFile({ screen, shared, source, play }: Kept): string {
  return `${JSON.stringify({ slotway: FORMAT, screen, source, ...shared, play }, null, 2)}\n`
}

/** Null where `text` is no such file. */
export function readFile(text: string): Kept | null {
  let told: Record<string, unknown>
  try {
    const read: unknown = JSON.parse(text)
    if (typeof read !== 'object' || read === null) return null
    told = read as Record<string, unknown>
  } catch {
    return null
  }
  if (told.slotway !== FORMAT) return null
  const screen = SCREENS.find((screen) => screen === told.screen)
  const source = (['live', 'example', 'pasted'] as const).find((source) => source === told.source)
  const texts = ['keys', 'pasted', 'commands', 'edits', 'play'] as const
  if (screen === undefined || source === undefined || !texts.every((name) => told[name] === null || typeof told[name] === 'string')) return null
  const [keys, pasted, commands, edits, play] = texts.map((name) => told[name] as string | null)
  const slot = Number.isInteger(told.slot) && (told.slot as number) >= 0 && (told.slot as number) < 16384 ? (told.slot as number) : null
  return { screen, source, play: play!, shared: { ...NOTHING_SHARED, keys: keys!, pasted: pasted!, commands: commands!, edits: edits!, slot } }
}
