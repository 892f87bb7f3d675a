// Writes the API reference from the types: `npm run reference`. `test/reference.test.mjs` fails where the two differ.
//
//   types/*.d.ts --TypeScript's parser--> sections, declarations, their comments --> slotway/API.md
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const HEAD = `# API of slotway

Written from the types by \`npm run reference\`. Names of \`slotway/slot\` are in \`slotway\` too, and all of \`slotway\` is in \`slotway/lite\`.
`
const ENTRIES = { slot: 'slotway/slot', index: 'slotway', lite: 'slotway/lite' }
const SECTION = /^\/\/ --- (.+?) -+$/gm
export const REFERENCE = new URL('slotway/API.md', import.meta.url)

/** The reference as it should be. */
export function reference() {
  const entries = Object.entries(ENTRIES).map(([file, entry]) => `## ${entry}\n\n${entryOf(readFileSync(new URL(`types/${file}.d.ts`, import.meta.url), 'utf8'))}`)
  return [HEAD, ...entries].join('\n')
}

function entryOf(text) {
  const source = ts.createSourceFile('types.d.ts', text, ts.ScriptTarget.Latest, true)
  const sections = [...text.matchAll(SECTION)].map(({ 1: name, index }) => ({ name, index }))
  const parts = []
  for (const statement of source.statements) {
    // What is only passed on is described where it is declared.
    if (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) continue
    while (sections.length && sections[0].index < statement.getStart()) parts.push(`### ${capital(sections.shift().name)}\n`)
    parts.push(described(statement))
  }
  return parts.join('\n')
}

// The words above a declaration, then the declaration with the words inside it.
function described(statement) {
  const words = ts.getJSDocCommentsAndTags(statement).map((comment) => ts.getTextOfJSDocComment(comment.comment) ?? '')
  const prose = words.join('\n').replaceAll(/\{@link (\w+)\}/g, '`$1`').replaceAll(/\s*\n\s*/g, ' ')
  const code = statement.getText().replace(/^export (declare )?/, '')
  return `#### \`${nameOf(statement)}\`\n\n${prose ? `${prose}\n\n` : ''}\`\`\`ts\n${code}\n\`\`\`\n`
}

function nameOf(statement) {
  const named = ts.isVariableStatement(statement) ? statement.declarationList.declarations[0] : statement
  return named.name.text
}

function capital(text) {
  return text[0].toUpperCase() + text.slice(1)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(REFERENCE, reference())
