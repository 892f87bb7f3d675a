// Lines of the simulator's trace as entries of a log: who said the same at the same time says it once.

import type { Language } from '../language.svelte'

export type Tone = 'bad' | 'good' | 'vote' | 'act' | 'plain'

export interface Entry {
  readonly ms: number
  /** Who says so; nobody for what happens to the world. */
  readonly nodes: readonly string[]
  readonly text: string
  readonly tone: Tone
  /** One of many reports, of which only their sum counts. */
  readonly minor: boolean
}

/** What is said within this time belongs together. */
const TOGETHER_MS = 400
/** So many entries back it is looked for. */
const LOOK_BACK = 24

/** Adds `lines` to `log`; the same array if there are none. */
export function added(log: readonly Entry[], lines: readonly string[]): readonly Entry[] {
  if (lines.length === 0) return log
  const entries = [...log]
  for (const line of lines) {
    const entry = read(line)
    const at = entry === null || entry.nodes.length === 0 ? -1 : sameAs(entries, entry)
    if (entry === null) continue
    if (at < 0) entries.push(entry)
    else if (!entries[at]!.nodes.includes(entry.nodes[0]!)) entries[at] = { ...entries[at]!, nodes: [...entries[at]!.nodes, ...entry.nodes] }
  }
  return entries
}

function sameAs(entries: readonly Entry[], entry: Entry): number {
  for (let at = entries.length - 1; at >= Math.max(0, entries.length - LOOK_BACK); at--) {
    const other = entries[at]!
    if (other.text === entry.text && other.nodes.length > 0 && entry.ms - other.ms <= TOGETHER_MS) return at
  }
  return -1
}

function read(line: string): Entry | null {
  const found = /^(\d+\.\d+) (?:(n\d+): )?(.*)$/.exec(line)
  if (found === null) return null
  const [, seconds, node, words] = found
  const text = words!.replace(/\bnode (n\d+)\b/g, '$1')
  return { ms: Number(seconds) * 1000, nodes: node === undefined ? [] : [node], text, tone: toneOf(node, text), minor: /reports that/.test(text) }
}

function toneOf(node: string | undefined, text: string): Tone {
  if (/does not answer|is down|state is fail|VIOLATION|refuses|no majority|did not end/.test(text)) return 'bad'
  if (/vote|election/.test(text)) return 'vote'
  if (/up again|state is ok|answers again|is a primary now/.test(text)) return 'good'
  return node === undefined ? 'act' : 'plain'
}

/** What the simulator says, in Chinese. What is not here stays as it is. */
const CHINESE: ReadonlyArray<readonly [RegExp, string]> = [
  [/^(n\d+) does not answer$/, '$1 没有回应'],
  [/^(n\d+) answers again$/, '$1 又有回应了'],
  [/^(n\d+) reports that (n\d+) does not answer$/, '$1 报告 $2 没有回应'],
  [/^(n\d+) reports that (n\d+) answers again$/, '$1 报告 $2 又有回应了'],
  [/^(n\d+) is down: a majority \((\d+) primaries\) reports it$/, '$1 已下线：多数主节点（$2 个）如此报告'],
  [/^(n\d+) is down: (n\d+) tells so$/, '$1 已下线：$2 告知'],
  [/^(n\d+) is up again$/, '$1 恢复了'],
  [/^cluster state is ok$/, '集群状态为 ok'],
  [/^cluster state is fail$/, '集群状态为 fail'],
  [/^(n\d+) is a primary now$/, '$1 现在是主节点'],
  [/^(n\d+) is a replica of (n\d+) now$/, '$1 现在是 $2 的副本'],
  [/^(\d+) slots belong to (n\d+) now, by config epoch (\d+)$/, '$1 个槽现属 $2（配置纪元 $3）'],
  [/^the last slot of this shard went to (n\d+): this node follows it$/, '本分片最后一个槽归了 $1：本节点跟随它'],
  [/^(n\d+) has the same config epoch: this node's is now (\d+)$/, '$1 有相同的配置纪元：本节点的改为 $2'],
  [/^config epoch of this node is now (\d+), without a vote$/, '本节点的配置纪元改为 $1，未经投票'],
  [/^election starts in (\d+) ms \(rank (\d+)\)$/, '$1 毫秒后开始选举（名次 $2）'],
  [/^election starts for epoch (\d+)$/, '开始选举，纪元 $1'],
  [/^election for epoch (\d+) found no majority in time$/, '纪元 $1 的选举未及时获得多数'],
  [/^election won: this node is a primary since epoch (\d+)$/, '当选：自纪元 $1 起为主节点'],
  [/^this replica does not stand for election: (.*)$/, '本副本不参选：$1'],
  [/^vote for (n\d+) in epoch (\d+)$/, '在纪元 $2 投票给 $1'],
  [/^no vote for (n\d+) in epoch (\d+): (.*)$/, '纪元 $2 不投给 $1：$3'],
  [/^(n\d+) asks for a manual failover: writes pause$/, '$1 请求手动故障转移：暂停写入'],
  [/^all data is here: the manual failover can start$/, '数据已齐：手动故障转移可以开始'],
  [/^the manual failover did not end in time$/, '手动故障转移未及时完成'],
  [/^primary (n\d+) has no working replica: this node goes to it$/, '主节点 $1 没有可用副本：本节点转去跟随'],
  [/^(n\d+) stops: Vanished$/, '$1 的主机消失'],
  [/^(n\d+) stops: Stopped$/, '$1 的进程停止'],
  [/^(n\d+) starts at (.*)$/, '$1 启动，地址 $2'],
  [/^(n\d+) stands still until ([\d.]+)$/, '$1 冻结到 $2 秒'],
  [/^nothing passes from (n\d+) to (n\d+)$/, '从 $1 到 $2 不通'],
  [/^nothing passes between (.*) and the others$/, '$1 与其余节点之间不通'],
  [/^everything between (n\d+) and (n\d+) takes (\d+) ms longer$/, '$1 与 $2 之间慢了 $3 毫秒'],
  [/^everything passes again$/, '网络全部恢复'],
  [/^the wall clock of (n\d+) is off by (-?\d+) ms$/, '$1 的墙上时钟偏了 $2 毫秒'],
  [/^(n\d+) is told to take over$/, '命令 $1 接管'],
  [/^(n\d+) refuses: (.*)$/, '$1 拒绝：$2'],
  [/^(\d+) slots are to go from (n\d+) to (n\d+)$/, '$1 个槽将从 $2 迁到 $3'],
  [/^moving slots ends at slot (\d+)$/, '迁移在槽 $1 处终止'],
  [/^all is well$/, '故障结束，一切正常'],
]

const CHINESE_REASONS: ReadonlyArray<readonly [string, string]> = [
  ['this node is no primary with slots', '本节点不是有槽的主节点'],
  ['its epoch has passed', '该纪元已过'],
  ['this node has voted in this epoch', '本节点在该纪元已投过票'],
  ['it is no replica of a known primary', '它不是已知主节点的副本'],
  ['its primary is up', '它的主节点仍在线'],
  ['this node voted for its shard less than two node timeouts ago', '本节点在两个节点超时之内已为其分片投过票'],
]

export function translated(text: string, language: Language): string {
  if (language === 'en') return text
  for (const [pattern, words] of CHINESE) {
    if (pattern.test(text)) return reasons(text.replace(pattern, words))
  }
  return text
}

function reasons(text: string): string {
  return CHINESE_REASONS.reduce((words, [english, chinese]) => words.replace(english, chinese), text)
}
