// Before the first paint: the chosen look and language, so that nothing flashes.
{
  let theme, lang
  try {
    theme = localStorage.getItem('etappe.theme')
    lang = localStorage.getItem('etappe.lang')
  } catch {
    // Storage may be forbidden: then the system's look and the browser's language hold.
  }
  const root = document.documentElement
  root.dataset.theme = theme || (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')
  root.lang = lang || (navigator.language.startsWith('de') ? 'de' : 'en')
}
