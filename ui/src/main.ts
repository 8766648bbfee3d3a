import './tokens.css'
import './base.css'
import { mount } from 'svelte'
import App from './App.svelte'
import { language } from './lib/words.svelte'

await language.use(document.documentElement.lang === 'de' ? 'de' : 'en')
mount(App, { target: document.getElementById('app')! })
