// Installs packages as npm does, from what is already installed here: no registry is asked, whose bad day would be ours.
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const HERE = fileURLToPath(new URL('.', import.meta.url))

/** Installs `names` and what they need into `folder`, with npm's `overrides` (name to address) on top. */
export async function installOffline(folder, names, overrides) {
  const dependencies = {}
  const pinned = { ...overrides }
  for (const name of names) {
    const at = installed(name, HERE)
    dependencies[name] = packed(folder, name, at)
    pinNeeds(folder, at, pinned)
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies, overrides: pinned }))
  const options = ['--offline', '--cache', join(folder, 'cache'), '--no-audit', '--no-fund', '--ignore-scripts']
  await promisify(execFile)('npm', ['install', ...options], { cwd: folder })
}

function pinNeeds(folder, at, pinned) {
  const { dependencies = {} } = JSON.parse(readFileSync(join(at, 'package.json'), 'utf8'))
  for (const name of Object.keys(dependencies)) {
    if (pinned[name]) continue
    const needed = installed(name, at)
    pinned[name] = packed(folder, name, needed)
    pinNeeds(folder, needed, pinned)
  }
}

/** Where Node.js would find the package `name` from the folder `from`. */
function installed(name, from) {
  const at = join(from, 'node_modules', name)
  if (existsSync(join(at, 'package.json'))) return at
  if (from === dirname(from)) throw new Error(`${name} is not installed`)
  return installed(name, dirname(from))
}

// A tarball, for npm would link to a folder and leave out what it needs.
function packed(folder, name, at) {
  const file = `${name.replace('/', '-')}.tgz`
  execFileSync('tar', ['-czf', join(folder, file), '--exclude=node_modules', '-C', dirname(at), basename(at)])
  return `file:${join(folder, file)}`
}
