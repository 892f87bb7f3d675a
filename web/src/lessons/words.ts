// Every word of the lessons, in both languages. A missing one does not compile.

import type { Language } from '../language.svelte'
import type { LessonId } from './lessons'

interface Told {
  readonly name: string
  readonly text: string
  readonly question: string
  readonly because: string
}

export interface Words {
  readonly title: string
  readonly place: (at: number, all: number) => string
  readonly show: string
  readonly next: string
  readonly previous: string
  readonly close: string
  readonly right: string
  readonly wrong: string
  readonly lessons: Readonly<Record<LessonId, Told>>
}

const en: Words = {
  title: 'Lessons',
  place: (at, all) => `Lesson ${at} of ${all}`,
  show: 'Show it',
  next: 'Next',
  previous: 'Previous',
  close: 'Close',
  right: 'Right. ',
  wrong: 'Not so: look once more. ',
  lessons: {
    slot: {
      name: 'Every key has a slot',
      text: 'A checksum of the key decides which of 16384 slots it is in; each slot is on one node. Nothing is looked up: every client computes the same.',
      question: 'Choose `order:2` in the list. In which slot is it?',
      because: 'Its neighbours `order:1` and `order:3` are far away: similar names do not lie together.',
    },
    tag: {
      name: 'A hash tag keeps keys together',
      text: 'If a key has something in braces, only that is hashed. Keys with the same tag are in one slot, whatever else is in their names.',
      question: 'Which of these keys has a hash tag, and so shares the slot of `cart:{user:7}` on purpose?',
      because: 'The key `user:7` is there too, since hashing the whole key hashes the same bytes; but it has no tag.',
    },
    crossSlot: {
      name: 'One command, one slot',
      text: 'A command with several keys is refused if they lie in different slots, even when one node has them all: after the next move it might not.',
      question: 'Which of these two does the server serve?',
      because: 'Both of its keys have the tag `user:7`.',
    },
    grow: {
      name: 'A cluster grows by slots',
      text: 'A new primary has no slots. Each of the others gives it a part of its own, with the keys in them, while clients go on.',
      question: 'Three primaries become four. How many slots does the new one get?',
      because: 'A quarter of 16384, and no slot moves between the old ones.',
    },
    failover: {
      name: 'A replica takes over',
      text: 'When most primaries find that one of them is silent, its replica asks for their votes, and takes over its slots with a higher epoch.',
      question: 'n0 dies after 2 seconds: press play. Who has its slots at the end?',
      because: 'It was the replica of n0.',
    },
  },
}

const zh: Words = {
  title: '课程',
  place: (at, all) => `第 ${at} 课，共 ${all} 课`,
  show: '演示',
  next: '下一课',
  previous: '上一课',
  close: '关闭',
  right: '正确。',
  wrong: '不对，再看一看。',
  lessons: {
    slot: {
      name: '每个键都有一个槽',
      text: '键的校验和决定它在 16384 个槽中的哪一个；每个槽在一个节点上。无需查询：每个客户端算出的都一样。',
      question: '在列表中选择 `order:2`。它在哪个槽？',
      because: '与它相邻的 `order:1` 和 `order:3` 都离得很远：相似的名字并不在一起。',
    },
    tag: {
      name: '哈希标签让键在一起',
      text: '如果键的花括号里有内容，就只有它参与哈希。带同一标签的键都在一个槽里，不管名字的其余部分如何。',
      question: '这些键中，哪一个有哈希标签，因而有意与 `cart:{user:7}` 同槽？',
      because: '键 `user:7` 也在那里，因为整个键的字节与标签相同；但它没有标签。',
    },
    crossSlot: {
      name: '一条命令，一个槽',
      text: '带多个键的命令，如果键在不同的槽里，就会被拒绝，即使一个节点拥有全部：下一次迁移之后可能就不是了。',
      question: '这两条命令中，服务器会执行哪一条？',
      because: '它的两个键都有标签 `user:7`。',
    },
    grow: {
      name: '集群按槽扩容',
      text: '新的主节点没有槽。其余主节点各把一部分槽连同其中的键交给它，客户端照常工作。',
      question: '三个主节点变成四个。新节点得到多少个槽？',
      because: '16384 的四分之一，而原有的节点之间不迁移任何槽。',
    },
    failover: {
      name: '副本接管',
      text: '当多数主节点发现其中一个沉默时，它的副本请求投票，并以更高的纪元接管它的槽。',
      question: 'n0 在 2 秒后死去：请按播放。最后谁拥有它的槽？',
      because: '它是 n0 的副本。',
    },
  },
}

export const WORDS: Record<Language, Words> = { en, zh }
