/** Sankey: a flow laid out, steps from left to right as time goes; a node is a name at a step, so that loops unroll. */
import type { Cells } from './api'

export interface Node {
  key: string
  step: number
  name: string
  kind: string
  count: number
  x: number
  y: number
  height: number
  /** Links by the rows they come from: what flows in from the left, and out to the right. */
  into: Link[]
  out: Link[]
}

export interface Link {
  row: Cells
  from: Node
  to: Node
  count: number
  thick: number
  path: string
}

export const NODE = 12
const GAP = 14
const LAST = ['other', 'none', 'exit', 'start']

const rank = (node: Node) => LAST.indexOf(node.kind)

export function sankey(rows: Cells[], back: boolean, width: number, height: number): { nodes: Node[]; links: Link[]; height: number } {
  const nodes = new Map<string, Node>()
  const node = (step: number, name: string, kind: string) => {
    const key = `${step} ${kind} ${name}`
    const found = nodes.get(key) ?? { key, step, name, kind, count: 0, x: 0, y: 0, height: 0, into: [], out: [] }
    nodes.set(key, found)
    return found
  }
  const links: Link[] = []
  for (const row of rows) {
    const step = Number(row.step)
    const [left, right] = back ? [step, step - 1] : [step - 1, step]
    const from = node(left, String(row.from), String(row.from_kind))
    const to = node(right, String(row.to), String(row.to_kind))
    const link = { row, from, to, count: Number(row.count), thick: 0, path: '' }
    links.push(link)
    from.out.push(link)
    to.into.push(link)
  }
  const sum = (some: Link[]) => some.reduce((total, link) => total + link.count, 0)
  for (const one of nodes.values()) one.count = Math.max(sum(one.into), sum(one.out))

  const depth = Math.max(0, ...[...nodes.values()].map((one) => one.step))
  const layers = Array.from({ length: depth + 1 }, (_, step) => [...nodes.values()].filter((one) => one.step === step))
  const most = Math.max(1, ...layers.map((layer) => layer.reduce((total, one) => total + one.count, 0)))
  const tall = Math.max(...layers.map((layer) => layer.length))
  const scale = Math.max(40, height - GAP * (tall - 1)) / most
  let lowest = 0
  for (const [step, layer] of layers.entries()) {
    // A node stands where its links come from, so that few cross; the rest and the ends stand below.
    const near = (one: Node) => {
      const some = back ? one.out : one.into
      const at = (link: Link) => { const other = back ? link.to : link.from; return other.y + other.height / 2 }
      return some.reduce((total, link) => total + at(link) * link.count, 0) / (sum(some) || 1)
    }
    layer.sort((a, b) => rank(a) - rank(b) || (step ? near(a) - near(b) : 0) || b.count - a.count)
    let y = 0
    for (const one of layer) {
      one.x = ((back ? depth - step : step) * (width - NODE)) / (depth + 0.72)
      one.y = y
      one.height = Math.max(2, one.count * scale)
      y += Math.max(one.height, 4) + GAP
    }
    lowest = Math.max(lowest, y - GAP)
  }
  const order = (side: 'from' | 'to') => (a: Link, b: Link) => a[side].y - b[side].y
  for (const one of nodes.values()) {
    one.out.sort(order('to'))
    one.into.sort(order('from'))
  }
  const ends = new Map<Link, [number, number]>(links.map((link) => [link, [0, 0]]))
  for (const one of nodes.values()) {
    for (const [some, side] of [[one.out, 0], [one.into, 1]] as const) {
      let y = one.y
      for (const link of some) {
        link.thick = Math.max(1, link.count * scale)
        ends.get(link)![side] = y + link.thick / 2
        y += link.count * scale
      }
    }
  }
  for (const link of links) {
    const [y1, y2] = ends.get(link)!
    const x1 = link.from.x + NODE
    const middle = (x1 + link.to.x) / 2
    link.path = `M${x1},${y1}C${middle},${y1} ${middle},${y2} ${link.to.x},${y2}`
  }
  return { nodes: [...nodes.values()], links, height: lowest }
}
