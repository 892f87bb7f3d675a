// Keeps the page for visits without a network. The build writes the names of its files into this one.
//
// Files whose names carry a hash of their content come from what is kept; the page itself is asked for anew, so that a newer one is never
// hidden by an old one, and taken from what is kept only when nobody answers. What the node says of its cluster (`api/`) is never kept.

const FILES = __FILES__
const KEPT_BEFORE = 'slotway '
const HERE = `${KEPT_BEFORE}${registration.scope} `
const KEPT = HERE + __VERSION__

addEventListener('install', (event) => event.waitUntil(keepAll()))
addEventListener('activate', (event) => event.waitUntil(forgetOld()))
addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  const inside = request.method === 'GET' && url.href.startsWith(registration.scope)
  const path = url.href.slice(registration.scope.length).replace(/[?#].*$/, '')
  if (!inside || path.startsWith('api/')) return
  if (request.mode === 'navigate') event.respondWith(pageOf(request))
  else event.respondWith(fileOf(request))
})

async function keepAll() {
  const cache = await caches.open(KEPT)
  await cache.addAll(FILES)
  await skipWaiting()
}

/** Of this page's own older versions; another Slotway of the same origin keeps its own. */
async function forgetOld() {
  const names = await caches.keys()
  await Promise.all(names.filter((name) => name.startsWith(HERE) && name !== KEPT).map((name) => caches.delete(name)))
  await clients.claim()
}

async function pageOf(request) {
  try {
    return await fetch(request)
  } catch (error) {
    const kept = await caches.match(registration.scope, { cacheName: KEPT })
    if (kept === undefined) throw error
    return kept
  }
}

async function fileOf(request) {
  const kept = await caches.match(request, { cacheName: KEPT, ignoreVary: true })
  return kept ?? fetch(request)
}
