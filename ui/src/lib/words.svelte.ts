/** Words, numbers and dates in the language of the screens; the lists are those of src/etappe/locales. */
import type list from '../../../src/etappe/locales/de.json'

type Whole = Extract<keyof typeof list, `ui.${string}` | `unit.${string}`>
export type Key = Whole extends infer K ? (K extends `${infer Base}.one` ? Base : K extends `${string}.other` ? never : K) : never
export type Lang = 'de' | 'en'

const lists = { de: () => import('virtual:words/de'), en: () => import('virtual:words/en') }
/** Words that only some screens use. */
const later = { de: { maps: () => import('virtual:words/de/maps') }, en: { maps: () => import('virtual:words/en/maps') } }
type Part = keyof (typeof later)['de']

class Language {
  lang = $state<Lang>('de')
  /** The workspace's time zone. */
  zone = $state('UTC')
  words = $state.raw<Record<string, string>>({})
  rules = $derived(new Intl.PluralRules(this.lang))
  numbers = $derived(new Intl.NumberFormat(this.lang, { maximumFractionDigits: 2 }))

  #parts = new Set<Part>()

  async use(lang: Lang) {
    const found = await Promise.all([lists[lang](), ...[...this.#parts].map((part) => later[lang][part]())])
    this.words = Object.assign({}, ...found.map((one) => one.default))
    this.lang = lang
    document.documentElement.lang = lang
    remember('etappe.lang', lang)
  }

  /** The words of some screens, before one of them is shown. */
  async need(part: Part) {
    if (this.#parts.has(part)) return
    const { lang } = this
    const found = (await later[lang][part]()).default
    this.#parts.add(part)
    if (this.lang === lang) this.words = { ...this.words, ...found }
    else await this.use(this.lang)
  }
}

export const language = new Language()

/** The text of a key, its `{names}` filled in; with `count`, the plural form that the language asks for. */
export function t(key: Key, values: Record<string, string | number> = {}): string {
  const { words, rules } = language
  const text = words[key] ?? words[`${key}.${rules.select(Number(values.count))}`] ?? words[`${key}.other`] ?? key
  return text.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name] ?? ''
    return typeof value === 'number' ? number(value) : value
  })
}

/** How many events and attributes: what there is of both. */
export function found(events: number, attributes: number): string {
  const what = [
    ...(events || !attributes ? [t('ui.sources.events', { count: events })] : []),
    ...(attributes ? [t('ui.sources.attributes', { count: attributes })] : []),
  ]
  return what.length === 2 ? t('ui.sources.both', { events: what[0]!, attributes: what[1]! }) : what.join('')
}

/** A number with the language's separators and a true minus sign. */
export const number = (value: number): string => language.numbers.format(value).replace('-', '−')

export function percent(share: number, digits = 1): string {
  const format = new Intl.NumberFormat(language.lang, { style: 'percent', maximumFractionDigits: digits })
  return format.format(share).replace('-', '−')
}

/** A day, or the day of a moment in the workspace's time zone: as a date, and the zone to write it in. */
const at = (iso: string) =>
  iso.length > 10 ? { date: new Date(iso), timeZone: language.zone } : { date: new Date(`${iso}T12:00Z`), timeZone: 'UTC' }

/** Dates are written as the server writes them: "31 Dec 2017" in English. */
const dated = () => (language.lang === 'en' ? 'en-GB' : language.lang)

/** An ISO day, or the day of a moment, as people write it. */
export function day(iso: string, style: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short', year: 'numeric' }): string {
  const { date, timeZone } = at(iso)
  return new Intl.DateTimeFormat(dated(), { ...style, timeZone }).format(date)
}

/** Two ISO days or moments as one span: "4.–31. Dez. 2017". */
export function span(from: string, to: string): string {
  const { date, timeZone } = at(from)
  const format = new Intl.DateTimeFormat(dated(), { day: 'numeric', month: 'short', year: 'numeric', timeZone })
  return format.formatRange(date, at(to).date).replace(/\u2009/g, '')
}

/** A point in time, in the workspace's time zone. */
export function moment(iso: string): string {
  const date = new Date(iso)
  if (Number.isNaN(date.getTime())) return iso
  return new Intl.DateTimeFormat(dated(), { dateStyle: 'medium', timeStyle: 'short', timeZone: language.zone }).format(date)
}

export function remember(name: string, value: string) {
  try {
    localStorage.setItem(name, value)
  } catch {
    // Without storage the choice holds until the page is left.
  }
}
