/** The emotion curve, as the drawn map has it: flat at every point, so that it never swings beyond one. */
import type { Basis } from './api'

export interface Point {
  x: number
  y: number
  basis: Basis | null
}

export interface Stretch {
  d: string
  /** Only between two neighbours that were both measured is the line sure. */
  sure: boolean
}

export function stretches(points: Point[]): Stretch[] {
  return points.slice(1).map((b, i) => {
    const a = points[i]!
    const middle = (a.x + b.x) / 2
    const sure = b.x - a.x <= 1 && a.basis === 'measured' && b.basis === 'measured'
    return { d: `M${a.x},${a.y}C${middle},${a.y} ${middle},${b.y} ${b.x},${b.y}`, sure }
  })
}
