/** Opportunities, effects, decisions, tasks and outcomes as the server tells them. */
import type { Opportunity } from './api'
import { t } from './words.svelte'

export type Status = Opportunity['status']
export const STATUSES: Status[] = ['idea', 'planned', 'running', 'done', 'dropped']
export const STATUS: Record<Status, () => string> = {
  idea: () => t('ui.status.idea'),
  planned: () => t('ui.status.planned'),
  running: () => t('ui.status.running'),
  done: () => t('ui.status.done'),
  dropped: () => t('ui.status.dropped'),
}
export type TaskStatus = 'open' | 'doing' | 'done' | 'dropped'
export const TASK_STATUS: Record<TaskStatus, () => string> = {
  open: () => t('ui.task.status.open'),
  doing: () => t('ui.task.status.doing'),
  done: () => t('ui.task.status.done'),
  dropped: () => t('ui.task.status.dropped'),
}
export type Verdict = 'better' | 'worse' | 'changed' | 'unclear' | null

export interface PeriodOf {
  from: string
  to: string
  days_text: string
  phase: 'before' | 'after'
  value: number | null
  text: string
  low: number | null
  high: number | null
  interval_text: string
  n: number | null
  n_text: string
}
export interface Effect {
  evidence: string
  label: string
  state: 'measured' | 'waiting' | 'undated' | 'none'
  text: string
  before: PeriodOf | null
  after: PeriodOf | null
  change_text: string
  interval_text: string
  verdict: Verdict
  verdict_text: string
  cautions: string[]
  periods: PeriodOf[]
}
export interface Number_ {
  id: string
  label: string
  text: string
  interval_text: string | null
  n: number | null
  state: string
  state_text: string | null
}
export interface Chance {
  map: string
  map_title: string
  id: string
  title: string
  finding: string
  status: Status
  status_text: string
  impact: number | null
  effort: number | null
  owner: string
  started: string | null
  finished: string | null
  dates_text: string
  numbers: Number_[]
  value_text: string
  effects: Effect[]
  tasks: { open: number; doing: number; done: number; dropped: number; late: number }
}
export interface Portfolio {
  sentence: string
  opportunities: Chance[]
  maps: { id: string; title: string }[]
}
export interface Decision {
  id: number
  map: string
  map_title: string
  opportunity: string
  title: string
  at: string
  author: string
  text: string
  note: string
}
export interface Task {
  id: number
  at: string
  author: string
  title: string
  text: string
  department: string
  person: string
  due: string | null
  due_text: string
  late: boolean
  status: TaskStatus
  status_text: string
  map: string | null
  opportunity: string | null
  about: string | null
}
export interface OneChance extends Chance {
  task_list: Task[]
  decisions: Decision[]
}
export interface Tasks {
  sentence: string
  today: string
  tasks: Task[]
  departments: string[]
}
export interface OutcomeOf {
  benefit: 'needs' | 'marketing' | 'conversion' | 'retention' | 'roi'
  title: string
  label: string
  source: 'chosen' | 'proposed' | 'missing'
  state: string
  why: string
  text: string
  n_text: string
  interval_text: string
  days_text: string
  change_text: string
  change_interval_text: string
  verdict: Verdict
  verdict_text: string
  target: number | null
  target_text: string
  reached: boolean | null
  periods: PeriodOf[]
  how: { sentence: string; question: unknown } | null
  choices: { value: string; name: string }[]
}
export interface Outcomes {
  state: 'ok' | 'empty-no-data-yet'
  sentence: string
  days: number
  costs: number | null
  outcomes: OutcomeOf[]
}

export const MOST_NAME = 80
/** The name that somebody gave once, and every change is signed with. */
export const author = {
  get name(): string {
    return localStorage.getItem('etappe.name') ?? ''
  },
  set name(name: string) {
    localStorage.setItem('etappe.name', name.trim())
  },
}
