// The cluster as a picture: where nodes stand, and how they and their messages are drawn.

import { mix, rgb, shardColour, inkOn } from '../topology/palette'
import type { Flight, View } from './protocol'

export interface Point {
  readonly x: number
  readonly y: number
}

export interface Scene {
  readonly view: View
  readonly shards: readonly number[]
  readonly selected: number
  readonly dark: boolean
  readonly sprites: readonly Sprite[]
  /** The clock of what is drawn, in milliseconds. */
  readonly clock: number
}

/** A message on its way across the screen. */
export interface Sprite {
  readonly from: number
  readonly to: number
  readonly kind: string
  readonly start: number
  readonly end: number
  /** It does not arrive while anybody looks. */
  readonly stuck: boolean
}

/** A message is seen for so long, however quick it was. */
const SEEN_MS = 420
const SPRITES_MAX = 160
/** What takes longer than this to arrive is held up by a cut. */
const STUCK_MS = 60_000

/** Which shard each node began in: its colour for good. */
export function shardsOf(count: number, primaries: number): number[] {
  return Array.from({ length: count }, (_, node) => (primaries === 0 ? 0 : node % primaries))
}

/** Nodes on a circle, shards side by side. */
export function placesOf(shards: readonly number[], width: number, height: number): Point[] {
  const order = shards.map((shard, node) => ({ shard, node })).sort((a, b) => a.shard - b.shard || a.node - b.node)
  const radius = radiusOf(shards.length, width, height)
  const [rx, ry] = [width / 2 - radius - 14, height / 2 - radius - 26]
  const places = new Array<Point>(shards.length)
  order.forEach(({ node }, at) => {
    const angle = (at / order.length) * 2 * Math.PI - Math.PI / 2
    places[node] = { x: width / 2 + rx * Math.cos(angle), y: height / 2 - 4 + ry * Math.sin(angle) }
  })
  return places
}

export function radiusOf(count: number, width: number, height: number): number {
  const around = Math.PI * (Math.min(width, height) * 0.8)
  return Math.max(5, Math.min(30, around / count / 2.7))
}

export function nodeAt(point: Point, places: readonly Point[], radius: number): number | null {
  const near = places.findIndex(({ x, y }) => Math.hypot(point.x - x, point.y - y) <= radius + 6)
  return near < 0 ? null : near
}

/** New messages for the screen, beginning at `clock`; old ones leave. */
export function launched(sprites: readonly Sprite[], flights: readonly Flight[], clock: number, speed: number): Sprite[] {
  const fresh = flights.map(([from, to, kind, sent, due]): Sprite => {
    const stuck = due - sent > STUCK_MS
    return { from, to, kind, start: clock, end: clock + Math.max(SEEN_MS, stuck ? 0 : (due - sent) / speed), stuck }
  })
  return [...sprites.filter(({ end }) => end > clock), ...fresh].slice(-SPRITES_MAX)
}

interface Inks {
  readonly ink: string
  readonly soft: string
  readonly line: string
  readonly paper: string
  readonly bad: string
  readonly vote: string
}

const LIGHT: Inks = { ink: '#1b1d22', soft: '#5a5d66', line: '#dedad0', paper: '#fffefb', bad: '#a3162b', vote: '#6b3fa0' }
const DARK: Inks = { ink: '#f1efea', soft: '#a9adb7', line: '#2c3038', paper: '#181b20', bad: '#ff8d9b', vote: '#c9a6ff' }

export function draw(context: CanvasRenderingContext2D, scene: Scene, width: number, height: number): void {
  const inks = scene.dark ? DARK : LIGHT
  const places = placesOf(scene.shards, width, height)
  const radius = radiusOf(scene.shards.length, width, height)
  context.clearRect(0, 0, width, height)
  drawCopies(context, scene, places, inks)
  drawCuts(context, scene, places, inks)
  for (const sprite of scene.sprites) drawSprite(context, sprite, places, scene.clock, radius, inks)
  scene.view.nodes.forEach((_, node) => drawNode(context, scene, node, places[node]!, radius, inks))
}

/** A line from each replica to whom it follows. */
function drawCopies(context: CanvasRenderingContext2D, { view, shards }: Scene, places: readonly Point[], inks: Inks): void {
  context.lineWidth = 5
  context.lineCap = 'round'
  view.nodes.forEach(({ primary }, node) => {
    if (primary === null) return
    context.strokeStyle = tint(shards[primary]!, inks, 0.35)
    line(context, places[node]!, places[primary]!)
  })
}

function drawCuts(context: CanvasRenderingContext2D, { view }: Scene, places: readonly Point[], inks: Inks): void {
  context.lineWidth = 1.5
  const both = new Set(view.cuts.map(([from, to]) => `${from} ${to}`))
  for (const [from, to] of view.cuts) {
    if (from > to && both.has(`${to} ${from}`)) continue
    const [a, b] = [places[from]!, places[to]!]
    context.strokeStyle = inks.bad
    context.setLineDash([3, 5])
    line(context, a, b)
    context.setLineDash([])
    // One way only: the cross stands before whom nothing reaches.
    const share = both.has(`${to} ${from}`) ? 0.5 : 0.72
    cross(context, between(a, b, share), 4)
  }
  context.strokeStyle = inks.soft
  for (const [from, to] of view.slow) {
    if (from > to) continue
    context.setLineDash([1, 6])
    line(context, places[from]!, places[to]!)
    context.setLineDash([])
  }
}

function drawSprite(context: CanvasRenderingContext2D, sprite: Sprite, places: readonly Point[], clock: number, radius: number, inks: Inks): void {
  const [from, to] = [places[sprite.from], places[sprite.to]]
  if (from === undefined || to === undefined) return
  const share = Math.min(1, Math.max(0, (clock - sprite.start) / (sprite.end - sprite.start)))
  const reach = sprite.stuck ? share * 0.5 : share
  const spot = between(from, to, reach)
  const important = sprite.kind !== 'ping' && sprite.kind !== 'pong'
  const size = important ? Math.max(3, radius / 5) : Math.max(1.5, radius / 12)
  context.globalAlpha = sprite.stuck ? 1 - share : important ? 1 : 0.55
  context.fillStyle = /auth/.test(sprite.kind) ? inks.vote : /fail/.test(sprite.kind) ? inks.bad : inks.soft
  if (/auth/.test(sprite.kind)) diamond(context, spot, size + 1)
  else circle(context, spot, size)
  context.fill()
  context.globalAlpha = 1
}

function drawNode(context: CanvasRenderingContext2D, scene: Scene, node: number, at: Point, radius: number, inks: Inks): void {
  const { view, shards, selected } = scene
  const { health, paused, replica, slots, ok, currentEpoch, epoch } = view.nodes[node]!
  const [shard, down] = [shards[node]!, health !== 'up']
  const colour = shardColour(shard)
  if (node === selected) {
    context.strokeStyle = inks.ink
    context.lineWidth = 2
    circle(context, at, radius + 5)
    context.stroke()
  }
  context.fillStyle = down ? inks.paper : replica || slots === 0 ? tint(shard, inks, 0.2) : colour
  context.strokeStyle = down ? inks.soft : colour
  context.lineWidth = replica ? 2.5 : 3
  context.setLineDash(down ? [3, 4] : [])
  circle(context, at, radius)
  context.fill()
  context.stroke()
  context.setLineDash([])
  if (down || (!ok && !paused)) {
    context.strokeStyle = inks.bad
    context.lineWidth = 2.5
    if (down) cross(context, at, radius * 0.62)
    else arc(context, at, radius + 1.5)
  }
  if (radius < 13) return
  const filled = !down && !replica && slots > 0
  context.fillStyle = filled ? inkOn(colour) : inks.ink
  context.textAlign = 'center'
  context.textBaseline = 'middle'
  context.font = `650 ${Math.round(radius * 0.58)}px system-ui, sans-serif`
  if (!down) context.fillText(paused ? '‖' : `n${node}`, at.x, at.y + 0.5)
  context.font = `500 ${Math.max(10, Math.round(radius * 0.4))}px system-ui, sans-serif`
  context.fillStyle = inks.soft
  const under = down ? `n${node}` : replica ? `e${currentEpoch}` : `${slots} · e${epoch}`
  context.fillText(under, at.x, at.y + radius + 13)
}

function tint(shard: number, inks: Inks, share: number): string {
  const { r, g, b } = mix(rgb(shardColour(shard)), rgb(inks.paper), share)
  return `rgb(${r} ${g} ${b})`
}

function between(a: Point, b: Point, share: number): Point {
  return { x: a.x + (b.x - a.x) * share, y: a.y + (b.y - a.y) * share }
}

function line(context: CanvasRenderingContext2D, a: Point, b: Point): void {
  context.beginPath()
  context.moveTo(a.x, a.y)
  context.lineTo(b.x, b.y)
  context.stroke()
}

function circle(context: CanvasRenderingContext2D, { x, y }: Point, radius: number): void {
  context.beginPath()
  context.arc(x, y, radius, 0, 2 * Math.PI)
}

function arc(context: CanvasRenderingContext2D, { x, y }: Point, radius: number): void {
  context.beginPath()
  context.arc(x, y, radius + 2, Math.PI * 1.15, Math.PI * 1.85)
  context.stroke()
}

function diamond(context: CanvasRenderingContext2D, { x, y }: Point, size: number): void {
  context.beginPath()
  context.moveTo(x, y - size)
  context.lineTo(x + size, y)
  context.lineTo(x, y + size)
  context.lineTo(x - size, y)
  context.closePath()
}

function cross(context: CanvasRenderingContext2D, { x, y }: Point, size: number): void {
  line(context, { x: x - size, y: y - size }, { x: x + size, y: y + size })
  line(context, { x: x + size, y: y - size }, { x: x - size, y: y + size })
}
