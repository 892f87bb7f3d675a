import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** The program that the package of this platform brings. */
export function defaultExecutable(modules) {
  const folder = readdirSync(join(modules, '@cloudflare')).find((name) => name.startsWith('workerd-'))
  return join(modules, '@cloudflare', folder, 'bin/workerd')
}
