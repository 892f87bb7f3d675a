// The colours of shards: Paul Tol's "bright" scheme, told apart by people with any colour vision. A letter goes with each, since colour
// alone never tells.

export interface Rgb {
  readonly r: number
  readonly g: number
  readonly b: number
}

const BRIGHT = ['#4477aa', '#ee6677', '#228833', '#ccbb44', '#66ccee', '#aa3377'] as const
/** The grey of the scheme stands for slots that nobody serves. */
export const UNSERVED = '#bbbbbb'

/** The colour of shard number `at`. They come round again after six; the letters do not. */
export function shardColour(at: number): string {
  return BRIGHT[at % BRIGHT.length]!
}

/** A, B, ... Z, AA, AB, ... */
export function shardLetter(at: number): string {
  const last = String.fromCharCode(65 + (at % 26))
  return at < 26 ? last : shardLetter(Math.floor(at / 26) - 1) + last
}

export function rgb(colour: string): Rgb {
  const number = Number.parseInt(colour.slice(1), 16)
  return { r: number >> 16, g: (number >> 8) & 0xff, b: number & 0xff }
}

/** `share` of `over` laid on `under`. */
export function mix(over: Rgb, under: Rgb, share: number): Rgb {
  const blend = (a: number, b: number) => Math.round(a * share + b * (1 - share))
  return { r: blend(over.r, under.r), g: blend(over.g, under.g), b: blend(over.b, under.b) }
}

/** Black or white, whichever reads better on `colour`. */
export function inkOn(colour: string): '#000000' | '#ffffff' {
  return luminance(rgb(colour)) > 0.179 ? '#000000' : '#ffffff'
}

/** Relative luminance and contrast as WCAG 2 defines them. */
export function luminance({ r, g, b }: Rgb): number {
  const linear = (part: number) => (part <= 10.31475 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4)
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

export function contrast(one: Rgb, other: Rgb): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}
