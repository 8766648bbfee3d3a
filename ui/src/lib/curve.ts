/** The emotion curve: monotone, so that it never swings beyond its points; one path for each stretch between two. */
import { curveMonotoneX, line, type CurveGenerator } from 'd3-shape'
import type { Basis } from './api'

export interface Point {
  x: number
  y: number
  basis: Basis
}

export interface Stretch {
  d: string
  dashed: boolean
}

const part = (x: number) => Math.round(x * 1000) / 1000

/** A stretch is dashed where either end is assumed. */
export function stretches(points: Point[]): Stretch[] {
  const found: string[] = []
  let pen = ''
  const move = (x: number, y: number) => (pen = `M${part(x)},${part(y)}`)
  const context = {
    moveTo: move,
    lineTo(x: number, y: number) {
      found.push(`${pen}L${part(x)},${part(y)}`)
      move(x, y)
    },
    bezierCurveTo(a: number, b: number, c: number, d: number, x: number, y: number) {
      found.push(`${pen}C${[a, b, c, d, x, y].map(part).join(',')}`)
      move(x, y)
    },
    closePath() {},
  }
  const curve = (): CurveGenerator => curveMonotoneX(context as unknown as CanvasRenderingContext2D)
  line<Point>(
    (point) => point.x,
    (point) => point.y,
  ).curve(curve)(points)
  return found.map((d, i) => ({ d, dashed: points[i]?.basis === 'assumed' || points[i + 1]?.basis === 'assumed' }))
}
