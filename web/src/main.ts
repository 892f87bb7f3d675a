import { mount } from 'svelte'
import init from 'slotway-wasm'
import App from './App.svelte'
import './app.css'
import { speech } from './language.svelte'
import { Page } from './state/page.svelte'

const target = document.getElementById('app')!

try {
  await init()
  mount(App, { target, props: { page: await Page.open() } })
} catch (error) {
  target.textContent = `${speech.words.frame.needsWasm}${error}`
}

// After the page is there: keeping everything for visits without a network takes some hundred kilobytes.
if (import.meta.env.PROD && 'serviceWorker' in navigator) {
  navigator.serviceWorker.register(new URL('sw.js', document.baseURI)).catch(() => {
    // A browser that keeps nothing, or a server without the file: the page works, but not offline.
  })
}
