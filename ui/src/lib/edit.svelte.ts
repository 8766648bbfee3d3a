/** Editing a map: edits go to the server one after another, the answer is the map; nothing typed is lost on the way. */
import { ApiError, type Cell, columns, get, type JourneyMap } from './api'
import { forget } from './load.svelte'
import { language } from './words.svelte'

export type Edit = { edit: string } & Record<string, unknown>

/** A field that somebody else wrote at the same time: theirs is saved, ours is offered. */
export interface Conflict {
  kind: string
  id: string
  field: string
  label: string
  saved: unknown
  wanted: unknown
  saved_text: string
  wanted_text: string
}

interface Saved {
  revision: number
  changed: boolean
  conflicts: Conflict[]
  map: JourneyMap
}

const AGAIN = 2000

/** What is in the middle of being edited: which part, by whom, and what is on its way. */
export class Editing {
  map = $state.raw<JourneyMap>()
  conflicts = $state.raw<Conflict[]>([])
  error = $state.raw<ApiError>()
  /** Edits that the server has not confirmed. */
  waiting = $state(0)
  undoable = $state(0)
  redoable = $state(0)
  #base = ''
  #query = ''
  #queue: { path: string; body: Record<string, unknown>; done: (saved: Saved) => void }[] = []
  #running = false
  #undo: number[] = []
  #redo: number[] = []

  /** Another map, or the same one with another filter. */
  at(base: string, query: string) {
    if (base !== this.#base) {
      this.#undo = []
      this.#redo = []
      this.conflicts = []
      this.error = undefined
      this.#count()
    }
    this.#base = base
    this.#query = query
  }

  get author(): string {
    return localStorage.getItem('etappe.name') ?? ''
  }
  set author(name: string) {
    localStorage.setItem('etappe.name', name)
  }

  send(...edits: Edit[]) {
    for (const edit of edits) this.#ahead(edit)
    this.#push('edit', { edits }, (saved) => this.#done(saved, this.#undo, true))
  }

  write(lane: string, place: string, fields: Record<string, unknown>) {
    this.send({ edit: 'write', lane, place, fields, lang: language.lang })
  }

  change(kind: string, id: string, fields: Record<string, unknown>) {
    this.send({ edit: 'change', kind, id, fields, lang: language.lang })
  }

  undo() {
    const revision = this.#undo.pop()
    if (revision) this.#push('undo', { revision }, (saved) => this.#done(saved, this.#redo, false))
    this.#count()
  }

  redo() {
    const revision = this.#redo.pop()
    if (revision) this.#push('undo', { revision }, (saved) => this.#done(saved, this.#undo, false))
    this.#count()
  }

  restore(revision: number) {
    this.#push('restore', { revision }, (saved) => this.#done(saved, this.#undo, true))
  }

  /** Write the numbers of now into the map. */
  hold() {
    this.#push('hold', {}, (saved) => this.#done(saved, this.#undo, true))
  }

  /** Take our text after all, or leave it at theirs. */
  solve(conflict: Conflict, ours: boolean) {
    this.conflicts = this.conflicts.filter((one) => one !== conflict)
    if (!ours) return
    const { kind, id, field } = conflict
    const [name = '', lang] = field.split('.')
    const fields = { [name]: conflict.wanted_text }
    const [lane = '', place = ''] = id.split(' @ ')
    if (kind === 'cell') this.send({ edit: 'write', lane, place, fields, ...(lang ? { lang } : {}) })
    else this.send({ edit: 'change', kind, id, fields, ...(lang ? { lang } : {}) })
  }

  again() {
    this.error = undefined
    void this.#run()
  }

  /** What was refused is dropped, so that the rest can go on. */
  drop() {
    this.error = undefined
    this.#queue.shift()
    this.waiting = this.#queue.length
    forget()
    void this.#run()
  }

  #count() {
    this.undoable = this.#undo.length
    this.redoable = this.#redo.length
  }

  #done(saved: Saved, stack: number[], fresh: boolean) {
    if (saved.changed) {
      stack.push(saved.revision)
      if (fresh) this.#redo = []
    }
    this.#count()
  }

  #push(path: string, body: Record<string, unknown>, done: (saved: Saved) => void) {
    this.#queue.push({ path, body, done })
    this.waiting = this.#queue.length
    void this.#run()
  }

  async #run() {
    if (this.#running || this.error) return
    this.#running = true
    try {
      for (let next = this.#queue[0]; next; next = this.#queue[0]) {
        const body = { revision: this.map?.revision ?? 0, author: this.author, ...next.body }
        const saved = await get<Saved>(`${this.#base}/${next.path}${this.#query}`, undefined, body)
        this.#queue.shift()
        this.waiting = this.#queue.length
        next.done(saved)
        this.conflicts = [...this.conflicts, ...saved.conflicts]
        // What was typed since then is still to come: the answer does not know it.
        this.map = saved.map
        for (const later of this.#queue) for (const edit of (later.body.edits ?? []) as Edit[]) this.#ahead(edit)
        forget()
      }
    } catch (error) {
      this.error = error instanceof ApiError ? error : new ApiError('fault', String(error), '')
      // Without a server everything waits and is sent again; what the server refused is shown.
      if (this.error.code === 'offline') setTimeout(() => this.error?.code === 'offline' && this.again(), AGAIN)
    } finally {
      this.#running = false
    }
  }

  /** Show a written text or a moved part before the server has it: the next move starts from there. */
  #ahead(edit: Edit) {
    const map = this.map
    if (map && edit.edit === 'write') this.map = written(map, edit)
    if (map && edit.edit === 'move') this.map = moved(map, edit)
  }
}

function written(map: JourneyMap, { lane, place, fields }: Edit): JourneyMap {
  const text = (fields as Record<string, unknown>).text
  if (typeof text !== 'string') return map
  const cells = map.cells.map((cell) => (cell.lane === lane && cell.place === place ? { ...cell, text, own_text: text } : cell))
  const at = cells.some((cell) => cell.lane === lane && cell.place === place) ? null : span(map, String(place))
  if (at) cells.push({ ...EMPTY, lane: String(lane), place: String(place), text, own_text: text, ...at })
  return { ...map, cells }
}

/** A list with one of its parts behind another, or at the front. */
function behind<T extends { id: string }>(list: T[], id: string, after: unknown): T[] {
  const one = list.find((part) => part.id === id)
  const rest = list.filter((part) => part.id !== id)
  if (one) rest.splice(rest.findIndex((part) => part.id === after) + 1, 0, one)
  return rest
}

function moved(map: JourneyMap, { kind, id, after }: Edit): JourneyMap {
  const name = String(id)
  if (kind === 'lane') return { ...map, lanes: behind(map.lanes, name, after) }
  let stages = kind === 'stage' ? behind(map.stages, name, after) : map.stages
  if (kind === 'step') {
    const home = map.stages.find((stage) => stage.id === after || stage.steps.includes(String(after)))
    stages = map.stages.map((stage) => {
      const steps = stage.steps.filter((step) => step !== name)
      if (stage === home) steps.splice(steps.indexOf(String(after)) + 1, 0, name)
      return { ...stage, steps }
    })
  }
  const steps = map.steps.map((step) => ({ ...step, stage: stages.find((stage) => stage.steps.includes(step.id))?.id ?? step.stage }))
  const next = { ...map, stages, steps }
  return { ...next, cells: map.cells.map((cell) => ({ ...cell, ...span(next, cell.place) })) }
}

const EMPTY: Omit<Cell, 'lane' | 'place' | 'first' | 'span'> = {
  text: null,
  own_text: '',
  quotes: [],
  severity: null,
  score: null,
  own_score: null,
  score_text: null,
  basis: null,
  evidence: [],
  opportunity: null,
  researched: [],
  validated: false,
}

/** The first column of a place and how many it takes. */
export function span(map: JourneyMap, place: string): { first: number; span: number } | null {
  const ids = columns(map).map((column) => column.id)
  if (place.startsWith('stage:')) {
    const stage = map.stages.find((one) => `stage:${one.id}` === place)
    const first = ids.indexOf(stage?.steps[0] ?? place)
    return first < 0 ? null : { first, span: Math.max(1, stage?.steps.length ?? 1) }
  }
  const [from = '', to = from] = place.split('..')
  const first = ids.indexOf(from)
  const last = ids.indexOf(to)
  return first < 0 || last < first ? null : { first, span: last - first + 1 }
}

/** What is chosen in the editor, as the address says it: "cell pain @ s4", "step s4", "map". */
export function chosenPart(params: URLSearchParams): { kind: string; id: string } | null {
  const text = params.get('part')
  if (!text) return null
  const at = text.indexOf(' ')
  return at < 0 ? { kind: text, id: '' } : { kind: text.slice(0, at), id: text.slice(at + 1) }
}

/** A step one place to the left or right; over the border of its stage it goes into the next one. */
export function stepMoved(map: JourneyMap, id: string, by: -1 | 1): Edit | null {
  const row = map.stages.flatMap((stage) => [`stage ${stage.id}`, ...stage.steps])
  const at = row.indexOf(id)
  const after = row[by < 0 ? at - 2 : at + 1]
  return at < 0 || after === undefined ? null : { edit: 'move', kind: 'step', id, after: after.replace(/^stage /, '') }
}

/** A stage or lane one place on, among its own kind. */
export function partMoved(kind: 'stage' | 'lane', ids: string[], id: string, by: -1 | 1): Edit | null {
  const at = ids.indexOf(id)
  if (at < 0 || at + by < 0 || at + by >= ids.length) return null
  const after = by < 0 ? ids[at - 2] : ids[at + 1]
  return { edit: 'move', kind, id, after: after ?? null }
}
