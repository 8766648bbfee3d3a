/** What the overview looks like with data: shown greyed, tagged as an example, while a workspace is empty. */
import type { Answer, Cells, Overview } from '../lib/api'
import { number, t } from '../lib/words.svelte'

const WAVE = [42, 45, 51, 38, 34, 47, 55, 49, 53, 58, 44, 40, 56, 61, 57, 60, 66, 52, 47, 63, 70, 64, 68, 74, 59, 55, 71, 78]

export function example(): Overview {
  const rows = (...pairs: [string, number][]) =>
    pairs.map(([label, value]) => ({ name: label, label, value, share: value / 1000, text: number(value), where: null }))
  const one = (id: string, label: string, value: number) => ({ id, label, value, text: number(value), change: null, change_text: null })
  return {
    state: 'ok',
    sentence: t('ui.example.sentence'),
    numbers: [
      one('events', t('ui.example.events'), 18240),
      one('customers', t('ui.example.customers'), 4120),
      one('purchases', t('ui.example.purchases'), 1204),
      one('value', t('ui.example.value'), 86310),
      one('per_customer', t('ui.example.per_customer'), 20.95),
    ],
    series: {
      events: WAVE.map((value, i) => ({ day: `2026-02-${String(i + 1).padStart(2, '0')}`, value: value * 12, before: WAVE[27 - i]! * 9 })),
    },
    lists: [
      {
        id: 'channels',
        title: t('ui.example.channels'),
        rows: rows([t('ui.example.web'), 610], [t('ui.example.store'), 270], [t('ui.example.email'), 120]),
      },
      {
        id: 'stages',
        title: t('ui.example.stages'),
        rows: rows([t('ui.example.interest'), 580], [t('ui.example.purchase'), 290], [t('ui.example.loyalty'), 130]),
      },
    ],
    undiscovered: [],
    window: null,
  }
}

/** What a funnel looks like with data. */
export function funnel(): Answer {
  const row = (step: string, reached: number, dropped: number | null): Cells => ({ step, reached, dropped, low: null, high: null, open: null })
  return {
    question: { question: 'funnel' },
    n: 5000,
    subjects: 5000,
    events: 18240,
    denominators: {},
    data_until: null,
    snapshot: '',
    state: 'ok',
    title: '',
    caption: t('ui.example.funnel'),
    definition: '',
    said: [],
    columns: [],
    cells: [],
    rows: [row(t('ui.example.visit'), 4120, 2060), row(t('ui.example.cart'), 2060, 856), row(t('ui.example.purchase'), 1204, null)],
  }
}
