/** The touchpoint inventory as the server gives it: every number with its base, interval and text. */
export interface Figure {
  value: number | null
  n: number
  text: string
  base: string
  interval: string
  /** That it rests on too few, or why there is none. */
  note: string
}

export interface Sign {
  kind: string
  title: string
  text: string
}

export interface Change {
  direction: 'up' | 'down' | 'even' | 'few'
  text: string
  interval: string
  note: string
}

export interface Guess {
  like: string | null
  like_title: string | null
  atom: string
  medium: string
  contact: string
  channel: string
  text: string
}

export interface Entry {
  id: string
  key: string
  title: string
  state: 'measured' | 'discovered' | 'dark' | 'absent'
  state_text: string
  state_why: string
  names: string[]
  stage: string | null
  stage_title: string
  reach: Figure & { count: number }
  events: number
  events_text: string
  change: Change | null
  signs: Sign[]
  guess: Guess | null
  atom?: string
  medium?: string
  contact?: string
  category?: string
  channel?: string
  channel_title?: string
  owner?: string
  goal?: string
  goal_note?: string
  kpi?: string | null
  kpi_title?: string
  target?: string
  due?: string
  match?: string[]
}

export interface Choice {
  value: string
  name: string
  hint?: string
}

export interface Choices {
  channels: Choice[]
  atoms: Choice[]
  kpis: Choice[]
  known: Choice[]
}

export interface Quadrant {
  medium: string
  contact: string
  title: string
  text: string
  reach: Figure
}

export interface Inventory {
  state: 'ok' | 'empty-no-data-yet' | 'empty-filter'
  revision: number
  sentence: string
  entries: Entry[]
  coverage: {
    events: Figure
    journeys: Figure
    text: string
    digital_text: string
    categories: Quadrant[]
    goalless: { id: string; title: string }[]
    goalless_text: string
  }
  period: { text: string } | null
  model_title: string
  stages: { id: string; title: string }[]
  choices: Choices
}

export interface Advice {
  id: string
  title: string
  text: string
  source: string
  because?: string
  measure?: string
}

export interface Card extends Entry {
  revision: number
  figures: (Figure & { id: string; title: string; how: string })[]
  frictions: (Figure & { signal: string; title: string })[]
  conversion_all_text: string
  ways: { to: string; title: string; share: Figure }[]
  trend: { first: string; last: string; reach: Figure }[]
  trend_note: string
  period: { text: string } | null
  target_state: { verdict: 'reached' | 'missed' | 'open'; text: string } | null
  suggestions: Advice[]
  suggestions_note: string
  aids: Advice[]
  choices: Choices
}
