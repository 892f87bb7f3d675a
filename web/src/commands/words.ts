// Every word of the Commands screen, in both languages. A missing one does not compile.

import type { Language } from '../language.svelte'
import { count } from '../numbers'
import { counted } from '../words/en'
import type { Why } from './judge'

export interface Words {
  readonly title: string
  readonly lead: string
  readonly field: string
  readonly example: string
  readonly sentTo: string
  readonly rightNode: string
  readonly verdicts: string
  readonly summary: (taken: number, refused: number) => string
  readonly line: (number: number) => string
  readonly slot: (slot: number) => string
  readonly served: (node: string) => string
  readonly anywhere: string
  readonly queued: string
  readonly server: string
  readonly why: Readonly<Record<Why, string>>
  readonly mend: string
  readonly rename: string
  readonly renameNote: string
  readonly useNames: string
  readonly split: string
  readonly splitNote: string
  readonly empty: string
  readonly failed: string
}

const en: Words = {
  title: 'Commands',
  lead: 'Type commands as in `redis-cli`, a transaction too. Each is routed by the code of the server: the keys are found by the specification of the command.',
  field: 'Commands, one a line',
  example: 'The example again',
  sentTo: 'Sent by',
  rightNode: 'a client that knows the cluster',
  verdicts: 'Where each goes',
  summary: (taken, refused) => `*${counted(taken, 'command')}* served, *${count(refused)}* refused`,
  line: (number) => `Line ${number}`,
  slot: (slot) => `slot ${slot}`,
  served: (node) => `Served by ${node}`,
  anywhere: 'Has no keys: any node answers',
  queued: 'Queued, until EXEC',
  server: 'The server says',
  why: {
    crossSlot: 'Its keys lie in different slots, and slots may lie on different nodes. No node would have all of them, so none answers, even while one has both slots.',
    moved: 'Another node serves this slot. A client that knows the cluster sends it there at once, or follows this reply.',
    ask: 'The slot is being moved, and this key has gone already: the client asks the other node, this once, after ASKING.',
    tryAgain: 'The slot is being moved, and only some of the keys have gone: try again a little later.',
    down: 'Slots are served by nobody, so the cluster takes no commands with keys. `cluster-require-full-coverage no` would keep the rest going.',
    dependsOnPresence: 'The slot is being moved: whether the key is still here decides.',
    refused: 'It does not come as far as having keys.',
    aborted: 'A command before was refused when it was queued, so nothing of the transaction is done.',
    broken: 'The quotes of this line do not match, so it is not sent at all.',
  },
  mend: 'What would mend it',
  rename: 'Give the keys a hash tag in common',
  renameNote: 'Only what stands in the braces is hashed. All keys with one tag share a slot, and a node: choose a tag that stays small, as one user or one order.',
  useNames: 'Use these names',
  split: 'Or send one command for each slot',
  splitNote: 'They are no longer done at one moment: others may see some done and some not, and one may fail by itself.',
  empty: 'Type a command: the verdict appears at once.',
  failed: 'The router does not load: ',
}

const zh: Words = {
  title: '命令',
  lead: '像在 `redis-cli` 中那样输入命令，也可以是一个事务。每条命令都由服务器自己的代码路由：键按命令的键规范找出。',
  field: '命令，每行一条',
  example: '恢复示例',
  sentTo: '发送者',
  rightNode: '了解集群的客户端',
  verdicts: '各发往何处',
  summary: (taken, refused) => `*${count(taken)} 条命令*被执行，*${count(refused)} 条*被拒绝`,
  line: (number) => `第 ${number} 行`,
  slot: (slot) => `槽 ${slot}`,
  served: (node) => `由 ${node} 执行`,
  anywhere: '没有键：任何节点都会回答',
  queued: '已排队，等待 EXEC',
  server: '服务器的回答',
  why: {
    crossSlot: '它的键在不同的槽里，而不同的槽可能在不同的节点上。没有节点拥有全部，因此都不回答，即使某个节点此刻恰好有这两个槽。',
    moved: '这个槽由另一个节点服务。了解集群的客户端会直接发到那里，或者遵循这个回答。',
    ask: '槽正在迁移，而这个键已经迁走：客户端先发送 ASKING，仅此一次询问另一个节点。',
    tryAgain: '槽正在迁移，只有部分键已经迁走：请稍后重试。',
    down: '有槽无人服务，因此集群不接受带键的命令。`cluster-require-full-coverage no` 可让其余部分继续工作。',
    dependsOnPresence: '槽正在迁移：取决于键是否还在这里。',
    refused: '还没有到查看键的地步就被拒绝了。',
    aborted: '前面有一条命令在排队时被拒绝，因此整个事务都不执行。',
    broken: '这一行的引号不配对，因此根本不会发送。',
  },
  mend: '怎样修正',
  rename: '让这些键有共同的哈希标签',
  renameNote: '只有花括号里的部分参与哈希。带同一标签的键都在一个槽、一个节点上：请选择范围小的标签，例如一个用户或一个订单。',
  useNames: '使用这些名字',
  split: '或者每个槽发送一条命令',
  splitNote: '它们不再在同一时刻完成：别人可能看到一部分已完成而另一部分没有，也可能只有其中一条失败。',
  empty: '输入一条命令，结果立即显示。',
  failed: '路由代码无法加载：',
}

export const WORDS: Record<Language, Words> = { en, zh }
