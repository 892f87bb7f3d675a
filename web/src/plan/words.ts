// Every word of the Plan screen, in both languages. A missing one does not compile.

import type { Language } from '../language.svelte'
import { count } from '../numbers'
import { counted } from '../words/en'
import type { Tool } from './orders'
import type { Warning } from './warnings'

export interface Words {
  readonly lead: string
  readonly wish: string
  readonly from: string
  readonly shown: string
  readonly fresh: string
  readonly primaries: string
  readonly replicas: string
  readonly node: string
  readonly share: string
  readonly shareOf: (node: string) => string
  readonly now: string
  readonly then: string
  readonly leave: string
  readonly stay: string
  readonly leaves: string
  readonly joins: string
  readonly withdraw: string
  readonly address: string
  readonly add: string
  readonly wrongAddress: string
  readonly knownAddress: string
  readonly startOver: string
  readonly before: string
  readonly after: string
  readonly beforeMap: (cluster: string) => string
  readonly afterMap: (cluster: string) => string
  readonly afterNote: string
  readonly moves: string
  readonly nothing: string
  readonly summary: (slots: number, share: string) => string
  readonly keysToo: (keys: number) => string
  readonly giver: string
  readonly taker: string
  readonly slots: string
  readonly ranges: string
  readonly keys: string
  readonly nobody: string
  readonly more: (number: number) => string
  readonly save: string
  readonly orders: string
  readonly tools: Readonly<Record<Tool, string>>
  readonly notes: Readonly<Record<Tool, string>>
  readonly copy: string
  readonly copied: string
  readonly selected: string
  readonly doubts: string
  readonly warnings: Readonly<Record<Warning['kind'], (nodes: string) => string>>
  readonly impossible: string
  readonly failed: string
}

const en: Words = {
  lead: 'Say which primaries there should be and what part each should have. The planner of the server says which slots move: never more than must.',
  wish: 'What you want',
  from: 'Start from',
  shown: 'the cluster shown',
  fresh: 'a new one',
  primaries: 'Primaries',
  replicas: 'Replicas each',
  node: 'Primary',
  share: 'Share',
  shareOf: (node) => `Share of ${node}`,
  now: 'Slots now',
  then: 'then',
  leave: 'Let it leave',
  stay: 'Let it stay',
  leaves: 'leaves',
  joins: 'joins',
  withdraw: 'Take it back',
  address: 'Address of a new primary',
  add: 'Add it',
  wrongAddress: 'An address is host:port, as new-1:6379.',
  knownAddress: 'This one is in the cluster already.',
  startOver: 'Start over',
  before: 'Before',
  after: 'After',
  beforeMap: (cluster) => `Map of the slots before: ${cluster}`,
  afterMap: (cluster) => `Map of the slots after: ${cluster}`,
  afterNote: 'Slots in full colour are those that move.',
  moves: 'What moves',
  nothing: 'Nothing has to move.',
  summary: (slots, share) => `*${counted(slots, 'slot')}* of 16384 move, *${share}*`,
  keysToo: (keys) => `, and of your keys *${count(keys)}*`,
  giver: 'From',
  taker: 'To',
  slots: 'Slots',
  ranges: 'Which',
  keys: 'Keys',
  nobody: 'nobody',
  more: (number) => ` and ${counted(number, 'more range')}`,
  save: 'Save as',
  orders: 'How to do it',
  tools: { slotway: 'slotway', 'redis-cli': 'redis-cli', migrateslots: 'MIGRATESLOTS', setslot: 'SETSLOT' },
  notes: {
    slotway: 'Moves these very slots, on any Redis or Valkey cluster. Add `--dry-run` to look first.',
    'redis-cli': 'It takes as many slots from the node as said, but chooses them itself: the numbers come out as planned, the slots may be others.',
    migrateslots: 'Valkey 9 and Slotway: the slots of one command are handed over at one moment. Wait for `CLUSTER GETSLOTMIGRATIONS` before the next.',
    setslot: 'By hand, on any version: slot by slot, as the cluster specification has it. Names of keys with blanks in them need a client that keeps them whole.',
  },
  copy: 'Copy',
  copied: 'Copied.',
  selected: 'Selected: copy it with the keyboard.',
  doubts: 'Before you do it',
  warnings: {
    few: () => 'With fewer than three primaries with slots, no majority can agree that one has failed: there is no failover.',
    even: () => 'An even number of primaries survives no more failures than one primary fewer would.',
    bare: (nodes) => `Without a replica, whose slots nobody takes over: ${nodes}.`,
    oneHost: (nodes) => `On one host with all of its replicas, so that both fail together: ${nodes}.`,
    failed: (nodes) => `Failed, so that nothing can be moved from it before a replica takes over: ${nodes}.`,
    followers: (nodes) => `Leaves, but has replicas, which then follow another primary or are to be removed too: ${nodes}.`,
  },
  impossible: 'There is no such plan: ',
  failed: 'The planner does not load: ',
}

const zh: Words = {
  lead: '说明应有哪些主节点、各占多大份额。由服务器的规划器决定迁移哪些槽：绝不多迁一个。',
  wish: '你想要的',
  from: '起点',
  shown: '所显示的集群',
  fresh: '新建一个',
  primaries: '主节点数',
  replicas: '每个主节点的副本数',
  node: '主节点',
  share: '份额',
  shareOf: (node) => `${node} 的份额`,
  now: '现有槽数',
  then: '之后',
  leave: '让它离开',
  stay: '让它留下',
  leaves: '离开',
  joins: '加入',
  withdraw: '取消加入',
  address: '新主节点的地址',
  add: '添加',
  wrongAddress: '地址的形式为 host:port，例如 new-1:6379。',
  knownAddress: '它已经在集群里了。',
  startOver: '重新开始',
  before: '之前',
  after: '之后',
  beforeMap: (cluster) => `之前的槽位图：${cluster}`,
  afterMap: (cluster) => `之后的槽位图：${cluster}`,
  afterNote: '颜色饱满的是要迁移的槽。',
  moves: '迁移内容',
  nothing: '不需要迁移。',
  summary: (slots, share) => `16384 个槽中迁移 *${count(slots)}* 个，占 *${share}*`,
  keysToo: (keys) => `，涉及你的键 *${count(keys)}* 个`,
  giver: '从',
  taker: '到',
  slots: '槽数',
  ranges: '哪些槽',
  keys: '键',
  nobody: '无人',
  more: (number) => ` 以及另外 ${count(number)} 段`,
  save: '保存为',
  orders: '如何执行',
  tools: { slotway: 'slotway', 'redis-cli': 'redis-cli', migrateslots: 'MIGRATESLOTS', setslot: 'SETSLOT' },
  notes: {
    slotway: '在任何 Redis 或 Valkey 集群上都恰好迁移这些槽。加上 `--dry-run` 可以先看一看。',
    'redis-cli': '它从节点取走所说数目的槽，但由它自己挑选：数目与规划一致，具体的槽可能不同。',
    migrateslots: '适用于 Valkey 9 和 Slotway：一条命令的槽在同一时刻移交。执行下一条之前请等待 `CLUSTER GETSLOTMIGRATIONS` 完成。',
    setslot: '手工方式，适用于任何版本：按集群规范逐个槽进行。名字中带空格的键需要用能完整保留名字的客户端。',
  },
  copy: '复制',
  copied: '已复制。',
  selected: '已选中：请用键盘复制。',
  doubts: '动手之前',
  warnings: {
    few: () => '有槽的主节点少于三个时，无法形成多数来认定其中一个失效：没有故障转移。',
    even: () => '主节点数为偶数时，能承受的故障并不比少一个主节点时更多。',
    bare: (nodes) => `没有副本，失效后无人接管其槽：${nodes}。`,
    oneHost: (nodes) => `与其全部副本在同一主机上，会一起失效：${nodes}。`,
    failed: (nodes) => `已失效，在副本接管之前无法从它迁出：${nodes}。`,
    followers: (nodes) => `要离开但有副本，副本随后会跟随别的主节点，或者也要移除：${nodes}。`,
  },
  impossible: '没有这样的规划：',
  failed: '规划器无法加载：',
}

export const WORDS: Record<Language, Words> = { en, zh }
