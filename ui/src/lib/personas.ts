/** Personas as the server tells them. */
import type { Basis, Shares } from './api'

export interface Figure {
  value: number | null
  text: string
  interval_text: string | null
  n_text: string
}
export interface Card {
  id: string
  title: string
  initials: string
  kind: 'found' | 'rule' | 'hand'
  kind_text: string
  type_text: string
  story: string
  quote: string
  size: { customers: number; share: number; text: string } | null
  stability: { value: number; level: string; text: string } | null
  filter: string | null
  revision: number
}
export interface Field {
  text: string
  stage: string | null
  stage_title: string | null
  basis: Basis
  studies: string[]
  evidence: (Figure & { state: string; state_text: string | null }) | null
}
export interface Trait extends Figure {
  name: string
  title: string
  others_text: string
  more: boolean
}
export interface Page extends Card {
  document: Record<string, unknown>
  groups: { id: string; title: string; fields: Field[] }[]
  stages: { id: string; title: string }[]
  shares: Shares
  profile: Trait[]
  faults: { place: string; text: string; level: string }[]
}
export interface Matrix {
  stages: { id: string; title: string }[]
  rows: {
    persona: string | null
    title: string
    n: number
    cells: { stage: string; journeys: number; share: Figure; time: { text: string; interval_text: string | null }; onward: Figure }[]
  }[]
}
export interface Found {
  state: 'found' | 'none' | 'few'
  why: string | null
  text: string
  none_text: string
  centres: { id: string; persona: string | null; title: string; text: string; stability: { text: string; level: string }; profile: Trait[] }[]
}
