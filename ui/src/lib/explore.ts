/** What the screen asks: the address says it, these functions read it. */
import type { Start } from './api'
import { address } from './address.svelte'
import { language, t } from './words.svelte'

export const TABS = ['funnel', 'paths', 'variants'] as const
export type Tab = (typeof TABS)[number]
export type Asked = { question: string } & Record<string, unknown>
export type Choice = { value: string; name: string }

/** What stands open beside a question: it goes when another one is asked. */
export const CLOSED = { how: null, who: null, after: null, node: null }

export const tabOf = (params: URLSearchParams): Tab => TABS.find((tab) => tab === params.get('tab')) ?? 'funnel'

export function stepsOf(params: URLSearchParams, start: Start): string[] {
  const steps = params.getAll('step')
  return steps.length ? steps : start.suggested
}

export function funnelOf(params: URLSearchParams, start: Start): Asked {
  const within = params.get('within') ?? '30d'
  const order = params.get('order')
  return {
    question: 'funnel',
    steps: stepsOf(params, start),
    within: within === 'all' ? null : within,
    ...(order ? { order } : {}),
  }
}

export function flowOf(params: URLSearchParams): Asked {
  const name = params.get('at')
  const side = params.get('way') === 'back' ? 'end' : 'start'
  return {
    question: 'flow',
    ...(name ? { [side]: name } : {}),
    depth: Number(params.get('depth') ?? 4),
    top: Number(params.get('top') ?? 5),
  }
}

export const variantsOf = (params: URLSearchParams): Asked => ({ question: 'variants', top: Number(params.get('top') ?? 10) })
export const sessionsOf = (params: URLSearchParams): Asked => ({ question: 'sessions', gap: params.get('gap') ?? '30m' })

/** A length of time such as "7d", in words. */
export function length(text: string): string {
  const units: Record<string, string> = { m: 'minute', h: 'hour', d: 'day' }
  const unit = units[text.at(-1) ?? '']
  if (!unit || !/^\d+[mhd]$/.test(text)) return text
  return new Intl.NumberFormat(language.lang, { style: 'unit', unit, unitDisplay: 'long' }).format(parseInt(text))
}

/** Microseconds in their largest fitting unit. */
export function duration(us: number): string {
  const sizes: [number, string][] = [[86_400e6, 'day'], [3_600e6, 'hour'], [60e6, 'minute'], [1e6, 'second']]
  const [size, unit] = sizes.find(([size]) => us >= size) ?? sizes[3]!
  const format = { style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: us / size < 100 ? 1 : 0 } as const
  return new Intl.NumberFormat(language.lang, format).format(us / size)
}

/** A path with repeats counted: [name, times]. */
export function runs(path: string): [string, number][] {
  const found: [string, number][] = []
  for (const name of path.split(' > ')) {
    const last = found.at(-1)
    if (last?.[0] === name) last[1] += 1
    else found.push([name, 1])
  }
  return found
}

export function save(blob: Blob, name: string) {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}

/** The whole screen as an address of its own, without what stands open. */
export const here = () => address.with(CLOSED)

/** A node of a flow in words: a touchpoint, or what is none. */
export function nodeName(name: string, kind: string): string {
  if (kind === 'other') return t('ui.explore.kind.rest')
  if (kind === 'exit') return t('ui.explore.kind.exit')
  if (kind === 'start') return t('ui.explore.kind.start')
  return kind === 'none' ? t('ui.explore.kind.none') : name
}
