import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig, type Plugin } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** `virtual:words/de`: the keys of the shared word lists that the screens use, one lazy chunk for each language. */
function words(): Plugin {
  return {
    name: 'words',
    resolveId: (id) => (id.startsWith('virtual:words/') ? `\0${id}` : undefined),
    load(id) {
      const lang = /^\0virtual:words\/(de|en)$/.exec(id)?.[1]
      if (lang === undefined) return undefined
      const path = here(`../src/etappe/locales/${lang}.json`)
      this.addWatchFile(path)
      const all = JSON.parse(readFileSync(path, 'utf-8')) as Record<string, string>
      const mine = Object.entries(all).filter(([key]) => key.startsWith('ui.') || key.startsWith('unit.'))
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
