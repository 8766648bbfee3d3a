/** The tree of ways as nested nodes: each with its children, the most frequent first. */
import type { Cells } from './api'

export interface Way {
  row: Cells
  name: string
  kind: string
  step: number
  count: number
  share: number
  parent: Way | undefined
  children: Way[]
  /** Where it lies on the ring, as parts of a full turn. */
  from: number
  to: number
}

const LAST = ['other', 'exit', 'start']

export function tree(rows: Cells[], back: boolean): Way | undefined {
  const ways = new Map<number, Way>()
  for (const row of rows) {
    const parent = ways.get(Number(row.parent))
    const path = String(row.path)
    // A name may hold an arrow itself: what a way adds is what its path has beyond its parent's.
    const before = parent ? String(parent.row.path).length : 0
    const added = before === 0 ? path : back ? path.slice(0, path.length - before - 3) : path.slice(before + 3)
    const way: Way = { row, name: added, kind: String(row.kind), step: Number(row.step), count: Number(row.journeys), share: Number(row.share ?? 0), parent, children: [], from: 0, to: 1 }
    parent?.children.push(way)
    ways.set(Number(row.node), way)
  }
  const root = ways.get(0)
  const place = (way: Way) => {
    way.children.sort((a, b) => LAST.indexOf(a.kind) - LAST.indexOf(b.kind) || b.count - a.count)
    let at = way.from
    for (const child of way.children) {
      child.from = at
      at = child.to = at + (way.count ? (child.count / way.count) * (way.to - way.from) : 0)
      place(child)
    }
  }
  if (root) place(root)
  return root
}

/** The way and all below it, in order. */
export const all = (way: Way): Way[] => [way, ...way.children.flatMap(all)]
