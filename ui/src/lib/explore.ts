/** What the screen asks: the address says it, these functions read it. */
import type { Answer, Cells, Meta, Start } from './api'
import { address, quote } from './address.svelte'
import { language, number, t } from './words.svelte'

export const TABS = ['funnel', 'paths', 'attribution', 'retention', 'variants', 'friction'] as const
export type Tab = (typeof TABS)[number]
export type Asked = { question: string } & Record<string, unknown>
export type Choice = { value: string; name: string }

/** What stands open beside a question: it goes when another one is asked. */
export const CLOSED = { how: null, who: null, group: null, after: null, node: null }

export const TAB_NAMES: Record<Tab, () => string> = {
  funnel: () => t('ui.explore.tab.funnel'),
  paths: () => t('ui.explore.tab.paths'),
  attribution: () => t('ui.explore.tab.attribution'),
  retention: () => t('ui.explore.tab.retention'),
  friction: () => t('ui.explore.tab.friction'),
  variants: () => t('ui.explore.tab.variants'),
}
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
    ...splitOf(params),
  }
}

/** By what the answer is broken down. */
export function splitOf(params: URLSearchParams): { by?: string } {
  const by = params.get('split')
  return by ? { by } : {}
}

/** What a band of the flow is one of. */
export const LEVELS = ['touchpoint', 'channel', 'stage', 'category'] as const
export type Level = (typeof LEVELS)[number]

export function flowOf(params: URLSearchParams): Asked {
  const level = LEVELS.find((one) => one === params.get('level')) ?? 'touchpoint'
  const name = params.get('at')
  const side = params.get('way') === 'back' ? 'end' : 'start'
  return {
    question: 'flow',
    ...(name ? { [side]: name } : {}),
    depth: Number(params.get('depth') ?? 4),
    top: Number(params.get('top') ?? 5),
    ...(level === 'touchpoint' ? {} : { level }),
  }
}

export const VIEWS = ['sankey', 'tree', 'sunburst'] as const
export type View = (typeof VIEWS)[number]
export const viewOf = (params: URLSearchParams): View => VIEWS.find((view) => view === params.get('view')) ?? 'sankey'
/** The tree asks no deeper: beyond, nearly every way is somebody's own. */
const DEEPEST = 6

/** The paths as they are looked at: joined in a flow, or each way apart. */
export function pathsOf(params: URLSearchParams): Asked {
  const flow = flowOf(params)
  return viewOf(params) === 'sankey' ? flow : { ...flow, level: undefined, question: 'tree', depth: Math.min(DEEPEST, Number(flow.depth)) }
}

/** Of each group fewer are shown, as they stand below each other. */
export function variantsOf(params: URLSearchParams): Asked {
  const split = splitOf(params)
  return { question: 'variants', top: Number(params.get('top') ?? (split.by ? 5 : 10)), ...split }
}
export const sessionsOf = (params: URLSearchParams): Asked => ({ question: 'sessions', gap: params.get('gap') ?? '30m', ...splitOf(params) })

export const MODELS = [
  'all', 'linear', 'first', 'last', 'last_non_direct', 'u_shaped', 'j_shaped', 'inverse_j', 'time_decay', 'participation', 'same_touch', 'shapley', 'markov',
] as const
export type Model = (typeof MODELS)[number] | 'custom'
/** So many events are asked for all models at once before anybody chose: beyond, that takes more than a moment. */
const QUICK = 2_000_000

export function attributionOf(params: URLSearchParams, start: Start, meta: Meta | undefined): Asked | undefined {
  const goal = goalOf(params, start)
  if (!goal) return undefined
  const window = params.get('window') ?? '30d'
  return {
    question: 'attribution',
    goal,
    model: params.get('model') ?? ((meta?.events ?? 0) <= QUICK ? 'all' : 'linear'),
    by: params.get('by') ?? 'touchpoint',
    window: window === 'all' ? null : window,
    ...(params.get('ci') === '1' ? { bootstrap: 200 } : {}),
  }
}

export function retentionOf(params: URLSearchParams, meta: Meta | undefined): Asked {
  const { first_day: first, last_day: last } = meta ?? {}
  const days = first && last ? (Date.parse(last) - Date.parse(first)) / 86_400_000 : 0
  const usual = days > 180 ? 'month' : days > 20 ? 'week' : 'day'
  return {
    question: 'retention',
    period: params.get('unit') ?? usual,
    ...Object.fromEntries(['mode', 'start', 'returns'].flatMap((name) => (params.get(name) ? [[name, params.get(name)]] : []))),
    ...splitOf(params),
  }
}

/** The goal that the address names, else the one of the workspace that most journeys reach. */
const goalOf = (params: URLSearchParams, start: Start) => params.get('goal') ?? start.touchpoints.find(({ name }) => start.goals.includes(name))?.name

/** Who has reached the goal has not given up: by default journeys end there. */
export function frictionOf(params: URLSearchParams, start: Start): Asked {
  const goal = params.get('goal') === '' ? undefined : goalOf(params, start)
  return { question: 'friction', ...(goal ? { goal } : {}), ...splitOf(params) }
}

/** From where to where the time is measured: by default from the first step of the proposed funnel to its last. */
export function timingOf(params: URLSearchParams, start: Start): Asked | undefined {
  const from = params.get('begin') ?? start.suggested[0]
  const to = params.get('goal') || start.suggested.at(-1)
  return from && to && from !== to ? { question: 'timing', start: from, end: to, ...splitOf(params) } : undefined
}

/** The main question of a tab. */
export function questionOf(tab: Tab, params: URLSearchParams, start: Start, meta: Meta | undefined): Asked | undefined {
  if (tab === 'funnel') return funnelOf(params, start)
  if (tab === 'paths') return pathsOf(params)
  if (tab === 'attribution') return attributionOf(params, start, meta)
  if (tab === 'retention') return retentionOf(params, meta)
  return tab === 'variants' ? variantsOf(params) : frictionOf(params, start)
}

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

/** A node of a flow in words: a touchpoint, a stage by its title, or what is none. */
export function nodeName(name: string, kind: string, names: Record<string, string> = {}): string {
  if (kind === 'other') return t('ui.explore.kind.rest')
  if (kind === 'exit') return t('ui.explore.kind.exit')
  if (kind === 'start') return t('ui.explore.kind.start')
  return kind === 'none' ? t('ui.explore.kind.none') : (names[name] ?? name)
}

// -- groups -------------------------------------------------------------------------------------------------------

/** So many stand beside each other in colours of their own. */
export const MOST_GROUPS = 6
export interface Group {
  name: string | null
  title: string
  /** Journeys in it. */
  n: number
  colour: string
}

export const colour = (i: number) => (i ? `var(--ring-${i + 1})` : 'var(--accent)')

/** The groups of an answer that are drawn, the largest first, and how many more there are. */
export function groupsOf(answer: Answer): { groups: Group[]; more: number } {
  const sizes = new Map(answer.rows.map((row) => [row.group as string | null, Number(row.group_n)]))
  const all = [...sizes].sort(([, a], [, b]) => b - a)
  const groups = all.slice(0, MOST_GROUPS).map(([name, n], i) => ({ name, n, title: groupName(name, answer), colour: colour(i) }))
  return { groups, more: all.length - groups.length }
}

export const groupName = (name: string | null, answer: Answer) => (name === null ? t('ui.explore.kind.none') : (answer.names?.[name] ?? name))
/** The same where only the question is known. */
export const groupTitle = (group: string | null | undefined, question: Asked, start: Start) =>
  group === null || group === undefined ? t('ui.explore.kind.none') : question.by === 'stage' ? (start.stages[group] ?? group) : group
/** A row's group as people behind it are asked for; nothing where there are no groups. */
export const groupOf = (row: Cells): { group?: string | null } => ('group' in row ? { group: row.group as string | null } : {})
/** The group in an address: empty is the one without a value. */
export const groupText = (row: Cells) => ('group' in row ? String(row.group ?? '') : null)

// -- the period before --------------------------------------------------------------------------------------------

export interface Days {
  from: string
  to: string
}
const DAY = 86_400_000
const iso = (ms: number) => new Date(ms).toISOString().slice(0, 10)

/** As many days just before. */
export function daysBefore({ from, to }: Days): Days {
  const [start, end] = [Date.parse(from), Date.parse(to)]
  return { from: iso(start - (end - start) - DAY), to: iso(start - DAY) }
}

/** The rows of an answer by what they are about. */
export function byKey(answer: Answer | undefined, names: string[]): Map<string, Cells> {
  return new Map(answer?.rows.map((row) => [keyOf(row, names), row]))
}
export const keyOf = (row: Cells, names: string[]) => JSON.stringify(names.map((name) => row[name] ?? null))

/** A difference of shares in points, signed. */
export function points(now: number, then: number): string {
  const value = Math.round(1000 * (now - then)) / 10
  return value ? (value > 0 ? '+' : '') + number(value) : '±0'
}

// -- what is left out ---------------------------------------------------------------------------------------------

/** "channel:web": contacts whose channel is web are left out of the paths; "channel:" those without one. */
export const withoutOf = (params: URLSearchParams) => params.getAll('without').filter((one) => one.includes(':'))
export const without = (level: string, name: string | null) => `${level}:${name ?? ''}`

/** Its column, and the name in words. */
export function leftOut(one: string, start: Start): { level: string; title: string } {
  const at = one.indexOf(':')
  const [level, name] = [one.slice(0, at), one.slice(at + 1)]
  return { level, title: name === '' ? t('ui.explore.kind.none') : level === 'stage' ? (start.stages[name] ?? name) : name }
}

/** The query of the filter line, and what is left out as conditions. */
export function queryWithout(query: string, out: string[]): string {
  if (!out.length) return query
  const params = new URLSearchParams(query)
  const where = params.get('where')
  const conditions = out.map((one) => {
    const at = one.indexOf(':')
    const [level, name] = [one.slice(0, at), one.slice(at + 1)]
    if (name === '') return `${level} is not null`
    return level === 'touchpoint' ? `${level} != ${quote(name)}` : `(${level} is null or ${level} != ${quote(name)})`
  })
  params.set('where', [...(where ? [`(${where})`] : []), ...conditions].join(' and '))
  return `?${params}`
}
