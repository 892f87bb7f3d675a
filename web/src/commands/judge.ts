// What becomes of commands that are sent to a cluster, line by line, with transactions taken as one. Where each goes, and in what words a
// server refuses it, is decided by the core; what only a connection knows (MULTI, ASKING, READONLY) is followed here.

import type { Decision, TopologyView } from 'slotway-wasm'
import type { Argument, Line } from './parse'
import { type Mend, mendOf } from './mend'

/** The function `route` of the core. */
export type Router = (argv: readonly Uint8Array[], topology: TopologyView, flags: { asking?: boolean; readonly?: boolean }) => Decision

export type Outcome =
  | { readonly kind: 'served'; readonly node: string | null }
  | { readonly kind: 'anywhere' }
  | { readonly kind: 'queued' }
  | { readonly kind: 'refused'; readonly why: Why; readonly reply: string }

/** Why it is refused: a word for the sentence that explains it. */
export type Why = Exclude<Decision['verdict'], 'serve'> | 'aborted' | 'broken'

export interface Judged {
  readonly line: Line
  /** The keys by their place among the arguments. */
  readonly keys: Decision['keys']
  readonly outcome: Outcome
  /** What would mend it. */
  readonly mend: Mend | null
}

interface Transaction {
  readonly queued: Array<{ args: readonly Argument[]; keys: Decision['keys'] }>
  /** One of its commands was refused when it was queued. */
  dirty: boolean
}

/** The words of redis-cli for a line that it cannot read, and of a server for transactions out of place. */
const BROKEN = 'Invalid argument(s)'
const ABORTED = 'EXECABORT Transaction discarded because of previous errors.'
const NESTED = 'ERR MULTI calls can not be nested'
const NO_MULTI = (name: string) => `ERR ${name} without MULTI`

/** Judges `lines` as one connection sends them to the node `asked`; with null, each to the right one, as a client that knows the cluster does. */
export function judge(lines: readonly Line[], view: TopologyView, asked: string | null, route: Router): Judged[] {
  return new Connection(seenBy(view, asked), route).run(lines)
}

class Connection {
  #transaction: Transaction | null = null
  #flags = { asking: false, readonly: false }

  constructor(
    private readonly view: TopologyView,
    private readonly route: Router,
  ) {}

  run(lines: readonly Line[]): Judged[] {
    return lines.map((line) => (line.broken ? refused(line, 'broken', BROKEN) : this.#command(line)))
  }

  #command(line: Line): Judged {
    const decision = this.#decide(line.args)
    const name = new TextDecoder().decode(line.args[0]?.bytes).toUpperCase()
    // What is no command, or has too few arguments, is so in a transaction too.
    if (decision.verdict === 'refused') return this.#refuse(line, decision)
    if (name === 'MULTI') return this.#begin(line)
    if (name === 'EXEC' || name === 'DISCARD') return this.#end(line, name)
    if (!this.#taken(decision)) return this.#refuse(line, decision)
    this.#remember(name)
    if (this.#transaction === null) return served(line, decision)
    this.#transaction.queued.push({ args: line.args, keys: decision.keys })
    return { line, keys: decision.keys, outcome: { kind: 'queued' }, mend: null }
  }

  #decide(args: readonly Argument[]): Decision {
    const decision = this.route(args.map(({ bytes }) => bytes), this.view, this.#flags)
    this.#flags.asking = false
    return decision
  }

  /** A client that knows the cluster, which is sent to no node in particular, goes where it would be sent. */
  #taken({ verdict }: Decision): boolean {
    return verdict === 'serve' || verdict === 'dependsOnPresence' || (verdict === 'moved' && this.view.myself === null)
  }

  /** What a connection says of itself holds for what it sends then. */
  #remember(name: string): void {
    if (name === 'ASKING') this.#flags.asking = true
    if (name === 'READONLY') this.#flags.readonly = true
    if (name === 'READWRITE') this.#flags.readonly = false
  }

  #begin(line: Line): Judged {
    if (this.#transaction !== null) return refused(line, 'refused', NESTED)
    this.#transaction = { queued: [], dirty: false }
    return plain(line)
  }

  #end(line: Line, name: string): Judged {
    const transaction = this.#transaction
    this.#transaction = null
    if (transaction === null) return refused(line, 'refused', NO_MULTI(name))
    if (name === 'DISCARD') return plain(line)
    if (transaction.dirty) return refused(line, 'aborted', ABORTED)
    return this.#execute(line, transaction)
  }

  /** EXEC asks for all keys of its commands at once, as one command with all of them would. */
  #execute(line: Line, { queued }: Transaction): Judged {
    const keys = queued.flatMap(({ args, keys }) => keys.map(({ index }) => args[index]!))
    if (keys.length === 0) return plain(line)
    const decision = this.#decide([argument('MGET'), ...keys])
    if (this.#taken(decision)) return { ...served(line, decision), keys: [] }
    const mend = decision.verdict === 'crossSlot' ? mendOf(keys, null) : null
    return { ...refused(line, whyOf(decision), decision.reply ?? ''), mend }
  }

  #refuse(line: Line, decision: Decision): Judged {
    if (this.#transaction !== null) this.#transaction.dirty = true
    const why = whyOf(decision)
    const keys = decision.keys.map(({ index }) => line.args[index]!)
    const mend = why === 'crossSlot' ? mendOf(keys, { args: line.args, places: decision.keys.map(({ index }) => index) }) : null
    return { ...refused(line, why, decision.reply ?? ''), keys: decision.keys, mend }
  }
}

function whyOf({ verdict }: Decision): Why {
  return verdict === 'serve' ? 'refused' : verdict
}

/** `view` as the node `id` sees it; with null, as nobody in particular does. The core knows the node itself by its flag, as CLUSTER NODES has it. */
function seenBy(view: TopologyView, id: string | null): TopologyView {
  const nodes = view.nodes.map((node) => {
    const flags = node.flags.filter((flag) => flag !== 'myself')
    return { ...node, flags: node.id === id ? ['myself', ...flags] : flags }
  })
  // Slots that are open are those of the node that told the view: nobody else knows of them.
  const open = id !== null && id === view.myself ? {} : { migrating: [], importing: [] }
  return { ...view, ...open, myself: id, nodes }
}

function served(line: Line, decision: Decision): Judged {
  const { keys, node, slot } = decision
  return { line, keys, outcome: slot === null ? { kind: 'anywhere' } : { kind: 'served', node }, mend: null }
}

function plain(line: Line): Judged {
  return { line, keys: [], outcome: { kind: 'anywhere' }, mend: null }
}

function refused(line: Line, why: Why, reply: string): Judged {
  return { line, keys: [], outcome: { kind: 'refused', why, reply }, mend: null }
}

function argument(text: string): Argument {
  return { bytes: new TextEncoder().encode(text), typed: text }
}
