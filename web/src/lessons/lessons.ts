// Short lessons: a state of the page to look at, and a question whose answer the core knows.

import { hashTag, keySlot } from 'slotway-wasm'
import type { Page } from '../state/page.svelte'

export type LessonId = 'slot' | 'tag' | 'crossSlot' | 'grow' | 'failover'

export interface Lesson {
  readonly id: LessonId
  /** Brings the page to where the lesson can be seen; what was typed can be had back by undo. */
  readonly show: (page: Page) => void
  /** Answers to choose from. */
  readonly choices: readonly string[]
  readonly right: string
}

const TAGGED = ['cart:{user:7}', '{user:7}:cart', 'user:7', 'user:7:cart']
const APART = 'MGET user:7:name user:7:mail'
const TOGETHER = 'MGET {user:7}:name {user:7}:mail'

export const LESSONS: readonly Lesson[] = [
  {
    id: 'slot',
    show: (page) => {
      location.hash = '#slots'
      page.setText('order:1\norder:2\norder:3')
    },
    choices: [0, 1, 2].map((step) => String((keySlot('order:2') + step * 4096) % 16384)).sort(),
    right: String(keySlot('order:2')),
  },
  {
    id: 'tag',
    show: (page) => {
      location.hash = '#slots'
      page.setText(TAGGED.join('\n'))
    },
    choices: TAGGED.slice(1).toReversed(),
    right: TAGGED.slice(1).find((key) => hashTag(new TextEncoder().encode(key)) !== null)!,
  },
  {
    id: 'crossSlot',
    show: (page) => {
      location.hash = '#commands'
      page.setCommands(`${APART}\n${TOGETHER}`)
    },
    choices: [APART, TOGETHER],
    right: [APART, TOGETHER].find((command) => new Set(command.split(' ').slice(1).map((key) => keySlot(key))).size === 1)!,
  },
  {
    id: 'grow',
    show: (page) => {
      location.hash = '#plan'
      page.setEdits({ built: null, added: ['new-1:6379'], weights: {} }, 'lesson')
    },
    choices: ['4096', '8192', '16384'],
    right: String(16384 / 4),
  },
  {
    id: 'failover',
    show: () => {
      location.hash = '#simulate/3,1,2000,7/at=0/2000.vanish.0'
    },
    choices: ['n1', 'n2', 'n3'],
    right: 'n3',
  },
]
