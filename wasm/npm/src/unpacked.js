// WASM as text of a source file: `packed` writes it when the package is built, `unpacked` reads it when it is imported.
//
// Base64 hides from a compressor what it finds in bytes: three of them become four letters, and the same instructions look different at
// each offset. Here a byte is a letter, or two: the most frequent bytes have a printable letter of their own, the others a letter behind
// one of two marks. Compressed this is 3 percent larger than the bytes themselves, Base64 33 percent. All of it is ASCII, so that no server
// and no bundler can get the encoding wrong.
//
//   text = the bytes that have a letter of their own, in hexadecimal | all bytes, as letters

// Printable, and never to be escaped in a text between double quotes.
const LETTERS = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at)).filter((letter) => !'"\\'.includes(letter))
const MARKS = LETTERS.slice(-2)
const SINGLES = LETTERS.length - MARKS.length
const HEAD = 2 * SINGLES

export function packed(bytes) {
  const counts = new Array(256).fill(0)
  for (const byte of bytes) counts[byte]++
  const order = [...counts.keys()].sort((one, other) => counts[other] - counts[one])
  const single = order.slice(0, SINGLES)
  const written = wordsFor(single)
  const head = single.map((byte) => byte.toString(16).padStart(2, '0'))
  return [...head, ...Array.from(bytes, (byte) => written[byte])].join('')
}

export function unpacked(text) {
  const single = Array.from({ length: SINGLES }, (_, at) => parseInt(text.slice(2 * at, 2 * at + 2), 16))
  const read = Object.fromEntries(wordsFor(single).map((word, byte) => [word, byte]))
  const bytes = new Uint8Array(text.length)
  let length = 0
  for (let at = HEAD; at < text.length; at++) bytes[length++] = read[MARKS.includes(text[at]) ? text[at] + text[++at] : text[at]]
  return bytes.subarray(0, length)
}

/** What stands for each byte, when those of `single` have a letter of their own. */
function wordsFor(single) {
  const words = []
  single.forEach((byte, at) => (words[byte] = LETTERS[at]))
  for (let byte = 0, at = 0; byte < 256; byte++) {
    if (words[byte] === undefined) words[byte] = MARKS[Math.floor(at / LETTERS.length)] + LETTERS[at++ % LETTERS.length]
  }
  return words
}
