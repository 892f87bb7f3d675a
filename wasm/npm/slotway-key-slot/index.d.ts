/// <reference types="node" />

/** The slot of a key, 0 to 16383, as every Redis node computes it. */
declare function generate(value: string | Buffer): number

declare namespace generate {
  /** The slot that all keys share; -1 if they do not, or if there are none. */
  export function generateMulti(values: Array<string | Buffer>): number
}

export = generate
