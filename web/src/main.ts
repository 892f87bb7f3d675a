import { mount } from 'svelte'
import init from 'slotway-wasm'
import App from './App.svelte'
import './app.css'
import { Page } from './state/page.svelte'

const target = document.getElementById('app')!

try {
  await init()
  mount(App, { target, props: { page: await Page.open() } })
} catch (error) {
  target.textContent = `This page needs WebAssembly, and it does not start here: ${error}`
}
