/** The JSON interface of `etappe serve`: its answers as types, and errors that say where, what and what to do. */

export interface Meta {
  workspace: string
  version: string
  language: 'de' | 'en'
  timezone: string
  data_until: string | null
  first_day: string | null
  last_day: string | null
  events: number
  customers: number
  attributes: { name: string; values: string[] }[]
  maps: { id: string; title: string; parent?: string | null }[]
  stage_models?: { id: string; title: string | Record<string, string> }[]
}

export interface Row {
  name: string
  label: string
  value: number
  share: number
  text: string
  where?: string | null
}

export interface Overview {
  state: 'ok' | 'empty-no-data-yet' | 'empty-filter'
  sentence: string
  numbers: {
    id: string
    label: string
    value: number
    text: string
    change: number | null
    change_text: string | null
    how?: How
  }[]
  /** A point for each day, or for each week (`step_days` = 7) of a long period. */
  series: Record<string, { day: string; value: number | null; before: number | null }[]>
  step_days?: number
  lists: { id: string; title: string; rows: Row[] }[]
  undiscovered: { name: string; events: number }[]
  /** The id of the model whose stages are listed. */
  stage_model?: string
  window: { from: string; to: string; before_from: string | null; before_to: string | null } | null
}

export interface Import {
  id: string
  file: string
  source: string
  at: string
  rows: number
  events: number
  customers: number
  attributes: number
  refused: number
  status: 'done' | 'undone'
  span: { from: string | null; to: string | null } | null
}

export interface ImportDetail extends Import {
  mapping: string
  touchpoints: { name: string; events: number }[]
}

export interface Refusal {
  file: string
  line: number
  column: string | null
  value: string | null
  code: string
  what: string
  hint: string
}

export interface Check {
  file: string
  rows: number
  events: number
  attributes?: number
  left_out?: number
  status?: string
  refused: Refusal[]
  refused_total: number
  sentences: string[]
  mapping: string
  guesses: string[]
}

export type Basis = 'measured' | 'derived' | 'researched' | 'assumed'
export type Shares = Record<Basis, number>

export interface MapCard {
  id: string
  title: string
  subtitle: string
  kind: string
  updated: string | null
  shares: Shares
  curve: (number | null)[]
  /** What each score rests on. */
  curve_basis?: (Basis | null)[]
  stages: string[]
  steps: number
}

export interface How {
  sentence: string
  question: unknown
  snapshot: string
  /** Of the metric as understood; and its conditions: population, filter, window, and what names of the map mean. */
  parameters?: Record<string, string>
}

export interface Evidence {
  label: string
  text: string
  value: number | null
  unit: string
  n: number | null
  low: number | null
  high: number | null
  interval_text: string | null
  state: string
  /** Why the value is missing or should be read with care. */
  state_text: string | null
  basis: Basis
  target_text: string | null
  verdict: 'good' | 'bad' | null
  data_until: string | null
  at: string | null
  share_of_data: number | null
  how: How | null
  people: boolean
}

export interface Cell {
  lane: string
  first: number
  span: number
  text: string | null
  quotes: { text: string; source?: string | null }[]
  severity: number | null
  score: number | null
  score_text: string | null
  /** Null where the cell claims nothing about customers. */
  basis: Basis | null
  evidence: string[]
  opportunity: string | null
  /** Where it stands: a step's id, `stage:id`, or `from..to`. */
  place: string
  /** What is written in it, without what its evidence or opportunity adds. */
  own_text: string
  own_score: number | null
  researched: string[]
  validated: boolean
}

export interface Opportunity {
  id: string
  title: string
  impact?: number
  effort?: number
  owner: string
  status: 'idea' | 'planned' | 'running' | 'done' | 'dropped'
  addresses?: string[]
}

export interface Study {
  id: string
  title: string
  kind?: string
  date?: string
  n?: number
  notes: string
  link?: string
}

export interface JourneyMap {
  id: string
  revision: number
  /** Of the data that its numbers come from. */
  data: string
  title: string
  scenario: string
  expectation: string
  language: string
  kind: string
  personas: string[]
  owner: { department: string; person: string } | null
  parent: string | null
  children: string[]
  review: { every: string | null; last: string | null; next: string | null; due: string[] }
  studies: Study[]
  flow: { from: string; to: string; label: string; kind?: string }[]
  opportunities: Opportunity[]
  stages: { id: string; title: string; text?: string; tint: string; steps: string[] }[]
  steps: {
    id: string
    title: string
    stage: string
    touchpoint: string | null
    channel: string | null
    medium: string | null
    contact: string | null
    truth: string | null
    shape: string
    touchpoint_id: string | null
    goal: string
    optional: boolean
    duration_hint: string | null
  }[]
  lanes: { id: string; type: string; title: string; persona: string | null; to_be: boolean }[]
  cells: Cell[]
  evidence: Record<string, Evidence>
  coverage: { journeys: number; events: number; sentence: string } | null
  unmapped: { name: string; events: number }[]
  shares: Shares
  faults: { text: string; lang: string }[]
}

export interface People {
  total: number
  people: { customer: string; touchpoints: number; first: string; last: string }[]
}

/** A row of an answer; its columns are those of the question. */
export type Cells = Record<string, string | number | null>

/** The answer to a question, as numbers and as people read it. */
export interface Answer {
  question: { question: string } & Record<string, unknown>
  n: number
  subjects: number
  events: number
  denominators: Record<string, number>
  data_until: string | null
  snapshot: string
  rows: Cells[]
  state: 'ok' | 'empty-no-data-yet' | 'empty-filter'
  title: string
  caption: string
  definition: string
  /** What weakens it. */
  said: string[]
  columns: { name: string; title: string; text: boolean }[]
  cells: string[][]
  /** Words for codes that stand in the rows. */
  names?: Record<string, string>
}

export interface Counted {
  name: string
  journeys: number
  events: number
}

export interface SavedQuestion {
  id: string
  at: string
  title: string
  address: string
}

/** What the screen of questions needs before the first one. */
export interface Start {
  state: 'ok' | 'empty-no-data-yet' | 'empty-filter'
  touchpoints: Counted[]
  /** By what an answer can be broken down: a column at the first touchpoint, or an attribute of the customer. */
  splits: { name: string; title: string; of: 'column' | 'attribute' }[]
  /** The titles of stages, by their ids. */
  stages: Record<string, string>
  goals: string[]
  suggested: string[]
  saved: SavedQuestion[]
}

/** The columns of a map: its steps; a stage without steps is one, too. */
export function columns(map: JourneyMap): { id: string; title: string; step: JourneyMap['steps'][number] | undefined }[] {
  const steps = new Map(map.steps.map((step) => [step.id, step]))
  return map.stages.flatMap((stage) =>
    stage.steps.length
      ? stage.steps.map((id) => ({ id, title: steps.get(id)?.title ?? '', step: steps.get(id) }))
      : [{ id: `stage:${stage.id}`, title: stage.title, step: undefined }],
  )
}

/** What the server refused, or that it did not answer. */
export class ApiError extends Error {
  readonly what: string
  constructor(
    readonly code: string,
    what: string,
    readonly hint: string,
    readonly where = '',
  ) {
    super(what)
    this.what = what.charAt(0).toUpperCase() + what.slice(1)
  }
}

function refused(status: number, body: unknown): ApiError {
  const { code, what, hint, where, message, detail } = (body ?? {}) as Record<string, string | undefined>
  return new ApiError(code ?? `http-${status}`, what ?? message ?? detail ?? `HTTP ${status}`, hint ?? '', where)
}

/** Ask the server; with a body as JSON, by POST. */
async function send(url: string, asked?: unknown, signal?: AbortSignal): Promise<Response> {
  const json = { method: 'POST', body: JSON.stringify(asked), headers: { 'Content-Type': 'application/json', 'X-Etappe': '1' } }
  try {
    return await fetch(url, { signal: signal ?? null, ...(asked === undefined ? { headers: { Accept: 'application/json' } } : json) })
  } catch (error) {
    if (signal?.aborted) throw error
    throw new ApiError('offline', '', '')
  }
}

/** A file that the server makes of a question. */
export async function fileOf(url: string, asked: unknown): Promise<Blob> {
  const answer = await send(url, asked)
  if (!answer.ok) throw refused(answer.status, await answer.json().catch(() => null))
  return answer.blob()
}

export async function get<T>(url: string, signal?: AbortSignal, asked?: unknown): Promise<T> {
  const answer = await send(url, asked, signal)
  const body: unknown = await answer.json().catch(() => null)
  if (!answer.ok) throw refused(answer.status, body)
  return body as T
}

/** Send a form; `progress` hears the share of it that has left this machine. */
export function post<T>(url: string, form?: FormData, progress?: (share: number) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', url)
    request.setRequestHeader('X-Etappe', '1')
    request.responseType = 'json'
    request.upload.onprogress = (event) => progress?.(event.total ? event.loaded / event.total : 0)
    request.onload = () =>
      request.status < 400 ? resolve(request.response as T) : reject(refused(request.status, request.response))
    request.onerror = () => reject(new ApiError('offline', '', ''))
    request.send(form ?? null)
  })
}
