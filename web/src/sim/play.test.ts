import { describe, expect, it } from 'vitest'
import { readRun, writeRun, type Run } from './play'
import { SCENARIOS } from './scenarios'

describe('a run in a link', () => {
  it('comes back as it was', () => {
    for (const { play, acts } of SCENARIOS) {
      const run: Run = { play, acts, at: 12_345 }
      expect(readRun(writeRun(run))).toEqual({ ...run, acts: [...acts].sort((a, b) => a.at - b.at) })
    }
    const storm: Run = { play: { kind: 'storm', seed: 1290 }, acts: [], at: 0 }
    expect(readRun(writeRun(storm))).toEqual(storm)
  })

  it('is none if it is cut, mistyped or too large', () => {
    for (const fragment of ['', '#simulate', '#simulate/', '#simulate/3,1', '#simulate/0,0,2000,7', '#simulate/200,1,2000,7', '#simulate/storm', '#k=simulate']) {
      expect(readRun(fragment)).toBeNull()
    }
    expect(readRun('#simulate/3,1,2000,7/at=x/nonsense/9.stop.0')?.acts).toEqual([{ at: 9, words: 'stop 0' }])
  })
})
