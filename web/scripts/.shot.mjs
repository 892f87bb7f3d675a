import { chromium } from 'playwright-core'
const url = process.argv[2]
const b = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--headless','--no-sandbox','--disable-gpu','--disable-background-networking','--disable-component-update','--disable-sync'] })
for (const scheme of ['light','dark']) for (const [w,h] of [[1280,800],[390,844]]) {
  const p = await b.newPage({ viewport: {width:w,height:h}, colorScheme: scheme, deviceScaleFactor: w<500?2:1 })
  p.on('console', m => console.log(scheme, w, m.type(), m.text())); p.on('pageerror', e => console.log('ERR', e.message))
  await p.goto(url); await p.waitForTimeout(700)
  console.log(w, scheme, await p.evaluate(() => [document.documentElement.scrollWidth, innerWidth]))
  await p.screenshot({ path: `/tmp/shot-${w}-${scheme}.png`, fullPage: true })
  await p.close()
}
await b.close()
