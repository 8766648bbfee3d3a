import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig, type Plugin } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** Words that only the screens of maps and of acting use; they come with those. Titles stand in the frame. */
const MAPS = ['ui.act.', 'ui.chances.', 'ui.edit.', 'ui.keep.', 'ui.lane.', 'ui.map.', 'ui.outcomes.', 'ui.personas.', 'ui.plan.', 'ui.tasks.', 'ui.touchpoints.', 'ui.wizard.']
const later = (key: string) => MAPS.some((start) => key.startsWith(start)) && !key.endsWith('.title') && key !== 'ui.keep.button'

/** `virtual:words/de`: the keys of the shared word lists that the screens use, one lazy chunk for each language, and
 *  `virtual:words/de/maps` for those that only some screens need. */
function words(): Plugin {
  return {
    name: 'words',
    resolveId: (id) => (id.startsWith('virtual:words/') ? `\0${id}` : undefined),
    load(id) {
      const [, lang, part] = /^\0virtual:words\/(de|en)(\/maps)?$/.exec(id) ?? []
      if (lang === undefined) return undefined
      const path = here(`../src/etappe/locales/${lang}.json`)
      this.addWatchFile(path)
      const all = JSON.parse(readFileSync(path, 'utf-8')) as Record<string, string>
      const mine = Object.entries(all).filter(([key]) => (key.startsWith('ui.') || key.startsWith('unit.')) && later(key) === (part !== undefined))
      return `export default ${JSON.stringify(Object.fromEntries(mine.sort(([a], [b]) => (a < b ? -1 : 1))))}`
    },
  }
}

export default defineConfig({
  plugins: [
    words(),
    // Class names come from the text of the styles, never from a path: every machine builds the same bytes.
    svelte({ compilerOptions: { cssHash: ({ hash, css }) => `s${hash(css)}` } }),
  ],
  build: {
    outDir: here('../src/etappe/apps/static'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8420' } },
})
