/** The address is the state: the screen is its path, the filter line and the open drawer are its query. */
import { language } from './words.svelte'

export type Period = 'usual' | '7d' | '28d' | '90d' | '365d' | 'all' | 'own'
const FILTER = ['period', 'from', 'to', 'where', 'compare']

class Address {
  path = $state(location.pathname)
  search = $state(location.search)
  params = $derived(new URLSearchParams(this.search))
  wheres = $derived(this.params.getAll('where'))
  from = $derived(this.params.get('from') ?? '')
  to = $derived(this.params.get('to') ?? '')
  period = $derived.by<Period>(() => (this.from || this.to ? 'own' : ((this.params.get('period') as Period | null) ?? 'usual')))
  compare = $derived(this.params.get('compare') !== '0')

  constructor() {
    addEventListener('popstate', () => this.#read())
  }

  #read() {
    this.path = location.pathname
    this.search = location.search
  }

  /** The address of another screen, with the filter line as it stands, and what it is to show. */
  screen(path: string, more: Record<string, string> = {}): string {
    const kept = new URLSearchParams([...[...this.params].filter(([name]) => FILTER.includes(name)), ...Object.entries(more)])
    return path + (kept.size ? `?${kept}` : '')
  }

  /** This address with some parameters changed; null takes one away. */
  with(changes: Record<string, string | string[] | null>): string {
    const next = new URLSearchParams(this.params)
    for (const [name, value] of Object.entries(changes)) {
      next.delete(name)
      for (const one of value === null ? [] : [value].flat()) next.append(name, one)
    }
    return this.path + (next.size ? `?${next}` : '')
  }

  go(href: string, replace = false) {
    const moved = new URL(href, location.href).pathname !== this.path
    history[replace ? 'replaceState' : 'pushState'](null, '', href)
    this.#read()
    if (!moved) return
    scrollTo(0, 0)
    document.querySelector<HTMLElement>('main')?.focus({ preventScroll: true })
  }

  set(changes: Record<string, string | string[] | null>, replace = false) {
    this.go(this.with(changes), replace)
  }

  addWhere(where: string) {
    if (!this.wheres.includes(where)) this.set({ where: [...this.wheres, where] })
  }

  dropWhere(where: string) {
    this.set({ where: this.wheres.filter((one) => one !== where) })
  }

  /** First and last day of the period that is set, counted back from the last day there are data of; null: not set. */
  days(first: string | null, last: string | null, usual: Period): { from: string; to: string } | null {
    const period = this.period === 'usual' ? usual : this.period
    if (period === 'own') return { from: this.from || (first ?? ''), to: this.to || (last ?? '') }
    if (period === 'usual' || !last) return null
    if (period === 'all') return { from: first?.slice(0, 10) ?? '', to: last.slice(0, 10) }
    const length = parseInt(period)
    const start = new Date(`${last.slice(0, 10)}T12:00Z`)
    start.setUTCDate(start.getUTCDate() - length + 1)
    return { from: start.toISOString().slice(0, 10), to: last.slice(0, 10) }
  }

  /** The query that the server gets: the days, all conditions as one, the language. */
  query(days: { from: string; to: string } | null, more: Record<string, string> = {}): string {
    const query = new URLSearchParams(more)
    if (days?.from) query.set('from', days.from)
    if (days?.to) query.set('to', days.to)
    if (this.wheres.length === 1) query.set('where', this.wheres[0] ?? '')
    else if (this.wheres.length) query.set('where', this.wheres.map((one) => `(${one})`).join(' and '))
    query.set('lang', language.lang)
    return `?${query}`
  }
}

export const address = new Address()

/** Links within the application change the address without loading the page. */
export function followLinks(event: MouseEvent) {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  const link = (event.target as Element).closest('a')
  if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return
  if (link.pathname.startsWith('/api/') || link.hash) return
  event.preventDefault()
  address.go(link.href)
}

/** A text as a value of a condition, and a condition on a column. */
export const quote = (text: string) => `'${text.replaceAll("'", "''")}'`
export const equals = (column: string, value: string) =>
  `${/^[^\W\d][\w.:$@-]*$/.test(column) ? column : `"${column}"`} = ${quote(value)}`
