// Builds the packages `slotway` and `slotway-key-slot` into build/, and their tarballs: `npm run build`.
//
//   crate --cargo, wasm-opt--> build/slotway.wasm --esbuild, with src/--> build/slotway/dist --npm pack--> build/slotway.tgz
//
// wasm-opt is on PATH, where npm puts the package `binaryen` for scripts.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { packed } from './src/unpacked.js'

const here = dirname(fileURLToPath(import.meta.url))
const root = join(here, '../..')
const at = (...parts) => join(here, ...parts)
const out = at('build')
const dist = join(out, 'slotway/dist')
const wasm = join(out, 'slotway.wasm')

const onlyJs = process.argv.includes('--js')
if (!onlyJs) {
  rmSync(out, { recursive: true, force: true })
  buildWasm()
}
mkdirSync(dist, { recursive: true })
cpSync(wasm, join(dist, 'slotway.wasm'))
for (const format of ['esm', 'cjs']) await written(format, ['slot'], { bundle: false })
await bundle('esm', ['index', 'workerd', 'lite', 'cli'])
await bundle('cjs', ['index', 'lite'])
await bundleKeySlot()
copyTypes()
for (const name of ['slotway', 'slotway-key-slot']) {
  copyTexts(name)
  pack(name)
  installForTests(name)
}

// Panics name the files they come from: without the folders of this machine.
function buildWasm() {
  mkdirSync(out)
  const home = process.env.CARGO_HOME ?? join(homedir(), '.cargo')
  const flags = [`--remap-path-prefix=${home}=cargo`, `--remap-path-prefix=${root}=slotway`]
  const env = { ...process.env, CARGO_ENCODED_RUSTFLAGS: flags.join('\x1f') }
  const target = join(process.env.CARGO_TARGET_DIR ?? join(root, 'target'), 'npm')
  const options = ['--package', 'slotway-packed', '--profile', 'npm', '--target', 'wasm32-unknown-unknown', '--target-dir', target]
  execFileSync('cargo', ['build', ...options], { stdio: 'inherit', cwd: root, env })
  const built = join(target, 'wasm32-unknown-unknown/npm/slotway_packed.wasm')
  execFileSync('wasm-opt', ['-Oz', '--converge', '--reorder-functions', '--reorder-locals', '--strip-debug', '--strip-producers', '--strip-target-features', built, '-o', wasm], { stdio: 'inherit' })
}

function bundle(format, names) {
  return written(format, names, { bundle: true, external: ['node:*', './slotway.wasm'], plugins: [core(format)] })
}

// `slot.js` imports nothing, and is not bundled: in a bundle esbuild makes variables of top-level constants, and what the engine knows to be
// constant, such as where the table is, it need not look up for each key (a quarter of the time of a short one).
function written(format, names, options) {
  return build({
    entryPoints: names.map((name) => at('src', `${name}.js`)),
    outdir: dist,
    outExtension: { '.js': format === 'esm' ? '.js' : '.cjs' },
    minify: true,
    format,
    platform: 'neutral',
    target: 'es2022',
    ...options,
  })
}

// `./slot.js` stays a file of its own, so that all entries share one class of errors, and the command line uses the package's own entry.
function core(format) {
  const extension = format === 'esm' ? 'js' : 'cjs'
  return {
    name: 'core',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^slotway:wasm$/ }, ({ path }) => ({ path, namespace: 'inlined' }))
      onLoad({ filter: /^slotway:wasm$/, namespace: 'inlined' }, () => ({ contents: packed(readFileSync(wasm)), loader: 'text' }))
      onResolve({ filter: /^\.\/(slot|index)\.js$/ }, ({ path }) => ({ path: path.replace(/js$/, extension), external: true }))
    },
  }
}

function bundleKeySlot() {
  return build({
    entryPoints: [at('slotway-key-slot/index.mjs')],
    outfile: join(out, 'slotway-key-slot/index.js'),
    bundle: true,
    minify: true,
    format: 'cjs',
    platform: 'neutral',
    target: 'es2020',
    // The second assignment is for those who look for named exports without running the file.
    footer: { js: 'module.exports = module.exports.default; module.exports.generateMulti = module.exports.generateMulti;' },
  })
}

// What `require` gets is described apart from what `import` gets: the same words, other file names.
function copyTypes() {
  for (const name of readdirSync(at('types'))) {
    const text = readFileSync(at('types', name), 'utf8')
    writeFileSync(join(dist, name), text)
    if (name === 'slotway.wasm.d.ts') continue
    writeFileSync(join(dist, name.replace(/\.ts$/, '.cts')), text.replace(/'(\.\/\w+)\.js'/g, "'$1.cjs'"))
  }
}

function copyTexts(name) {
  const files = ['package.json', 'README.md', 'README.zh-CN.md', name === 'slotway' ? 'API.md' : 'index.d.ts']
  for (const file of files) cpSync(at(name, file), join(out, name, file))
  for (const licence of ['LICENSE-MIT', 'LICENSE-APACHE']) cpSync(join(root, licence), join(out, name, licence))
}

function pack(name) {
  const packed = execFileSync('npm', ['pack', '--json', '--pack-destination', out], { cwd: join(out, name), encoding: 'utf8' })
  const told = JSON.parse(packed)
  const [{ filename, files }] = Array.isArray(told) ? told : Object.values(told)
  renameSync(join(out, filename), join(out, `${name}.tgz`))
  writeFileSync(join(out, `${name}.files.json`), JSON.stringify(files.map(({ path }) => path).sort(), null, 2))
}

// Tests import the packages by name: what is in the tarballs, and nothing else.
function installForTests(name) {
  const folder = at('test/node_modules', name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  execFileSync('tar', ['-xzf', join(out, `${name}.tgz`), '-C', folder, '--strip-components', '1'])
}
