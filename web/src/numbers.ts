// Numbers, ranges and bytes as a reader of either language expects them.

const whole = new Intl.NumberFormat('en')
const share = new Intl.NumberFormat('en', { style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 })

/** `16,384` */
export function count(number: number): string {
  return whole.format(number)
}

/** `33.3%` */
export function percent(part: number, all: number): string {
  return share.format(all === 0 ? 0 : part / all)
}

const size = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 })

/** `1.2 MB`, by thousands, as memory is sold and networks are measured. */
export function bytes(number: number): string {
  return `${size.format(number).replace(/[A-Z]?$/, (unit) => ` ${unit === 'K' ? 'k' : unit === 'B' ? 'G' : unit}B`)}`
}

/** A slot number stays without separators: it is a name, typed into commands. */
export function rangeText([start, end]: readonly [number, number]): string {
  return start === end ? `${start}` : `${start}–${end}`
}

export function hex(number: number, digits: number): string {
  return number.toString(16).toUpperCase().padStart(digits, '0')
}

/** Characters that cannot be seen, made visible; the rest of `text` as it is. */
export function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f]/g, (control) => `\\x${hex(control.charCodeAt(0), 2)}`)
}
