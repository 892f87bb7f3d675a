// Every example of the READMEs runs, says what its comments say, and has the types that are described.
//
// `expression // => value` is a claim; what is declared stays for the lines after it. Both languages have the same examples.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const at = (path) => fileURLToPath(new URL(path, import.meta.url))
const PACKAGES = ['slotway', 'slotway-key-slot']
const text = (name, file) => readFileSync(at(`../${name}/${file}`), 'utf8')
const examples = (markdown, language) => [...markdown.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, code]) => code)
const CLAIM = /^(.*?)\s+\/\/ => (.*)$/

const folder = at('examples')
mkdirSync(folder, { recursive: true })
after(() => rmSync(folder, { recursive: true, force: true }))

function checked(code) {
  const lines = code.split('\n').map((line) => line.replace(CLAIM, (_, expression, value) => `assert.deepEqual(${expression}, ${value})`))
  const isModule = !/require\(/.test(code)
  const head = isModule ? "import assert from 'node:assert/strict'\n" : "const assert = require('node:assert/strict')\n"
  return { file: isModule ? 'mjs' : 'cjs', source: head + lines.join('\n') }
}

for (const name of PACKAGES) {
  const english = examples(text(name, 'README.md'), 'js')

  test(`each example of ${name} runs and says what it claims`, () => {
    assert.ok(english.length >= (name === 'slotway' ? 7 : 1))
    english.forEach((code, number) => {
      const { file, source } = checked(code)
      assert.match(source, /assert\.deepEqual/)
      const path = `${folder}/${name}-${number}.${file}`
      writeFileSync(path, source)
      const { status, stderr } = spawnSync(process.execPath, [path], { encoding: 'utf8' })
      assert.equal(status, 0, `${code}\n${stderr}`)
    })
  })

  test(`the Chinese page of ${name} has the same examples`, () => {
    const chinese = text(name, 'README.zh-CN.md')
    assert.deepEqual(examples(chinese, 'js'), english)
    assert.deepEqual(examples(chinese, 'console'), examples(text(name, 'README.md'), 'console'))
    assert.deepEqual(examples(chinese, 'json'), examples(text(name, 'README.md'), 'json'))
  })
}

test('the command line examples print what they show', () => {
  const [session] = examples(text('slotway', 'README.md'), 'console')
  const [, args, output] = /^\$ npx slotway (.*)\n([^$]*)/.exec(session)
  const { stdout } = spawnSync('sh', ['-c', `"${process.execPath}" "${at('node_modules/slotway/dist/cli.js')}" ${args}`], { encoding: 'utf8' })
  assert.equal(stdout, output)
})

test('the types hold for every example, and refuse what is wrong', () => {
  const sources = examples(text('slotway', 'README.md'), 'js').map((code) => code.replace(/ \/\/ => .*$/gm, ''))
  const files = sources.map((source, number) => {
    const path = `${folder}/typed-${number}.mts`
    writeFileSync(path, source.replace(/^let told$/m, 'let told: any'))
    return path
  })
  const tsc = (paths) => spawnSync(process.execPath, [at('../node_modules/typescript/bin/tsc'), ...OPTIONS, ...paths], { encoding: 'utf8', cwd: folder })
  const good = tsc([...files, at('types.mts'), at('types.cts')])
  assert.equal(good.stdout, '')
  assert.equal(good.status, 0)
  const wrong = `${folder}/wrong.mts`
  const misuses = ['keySlot(1)', "route('GET a')", 'new SlotTable()', "plan.commands('x')", 'table.owners = new Uint16Array(1)', "keySlots('abc', 1)"]
  writeFileSync(wrong, ["import { SlotTable, keySlot, keySlots, route, type Plan } from 'slotway'", 'declare const plan: Plan, table: SlotTable', ...misuses].join('\n'))
  const lines = [...tsc([wrong]).stdout.matchAll(/wrong\.mts\((\d+),/g)].map(([, line]) => Number(line))
  assert.deepEqual(lines, misuses.map((_, at) => at + 3))
})

const OPTIONS = ['--noEmit', '--strict', '--module', 'nodenext', '--moduleResolution', 'nodenext', '--target', 'es2022', '--lib', 'es2023,dom', '--types', 'node', '--typeRoots', at('../node_modules/@types')]
