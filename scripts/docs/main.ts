/**
 * The doc tests: every example of the docs compiles, runs, and shows what it says; every public value has one.
 *
 * - ```ts: compiled and run; `expr // => value` asserts. Top-level await is allowed.
 * - ```ts no-run: compiled.
 * - ```text right after an example that prints: what it prints.
 * - `![...](./x.svg)` right after an example that prints: a file that holds what it prints; or right after one that exports
 *   `timelines` or `herds`: their picture. `--write` writes it.
 * - ```ts from=../x.ts: lines of that file, which are not run.
 *
 * Names of pages as arguments check these pages alone.
 */
import { spawnSync } from "node:child_process"
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { stripTypeScriptTypes } from "node:module"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { format } from "node:util"
import { drawingOf, type Exported } from "../pictures/docs.ts"
import { made } from "../pictures/made.ts"
import { reached } from "./assert.ts"
import { type Example, examples, excerpts, exportsOf, toModule } from "./examples.ts"

const folder = "node_modules/.cache/docs"
const limit = 10_000
const writes = process.argv.includes("--write")
const sources = globSync("packages/{wait,cluster,dashboard}/src/**/*.ts")
const pages = globSync(["*.md", "docs/**/*.md", "packages/*/*.md"], { exclude: ["docs/api/**"] })
const read = (file: string) => readFileSync(file, "utf8")
const named = process.argv.slice(2).filter((argument) => !argument.startsWith("--"))
const checked = named.length > 0 ? named : [...sources, ...pages].toSorted()
const found = checked.flatMap((file) => examples(file, read(file)))
const findings: Array<string> = []

// A page shows what its program says now.
const shown = pages.flatMap((file) => excerpts(file, read(file)))
for (const { code, from, place } of shown) {
  if (!existsSync(from)) findings.push(`${place} ${from} is not there`)
  else if (!read(from).includes(`${code}\n`)) findings.push(`${place} these lines are not in ${from}: copy them again`)
}
for (const file of globSync("packages/examples/src/recipes/*.ts")) {
  if (!shown.some(({ from }) => from === file)) findings.push(`${file} is shown on no page`)
}

// Compiled all at once. The modules are numbered, so that a message can be led back to its file.
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder, { recursive: true })
writeFileSync(join(folder, "package.json"), `{ "type": "module" }`)
writeFileSync(
  join(folder, "tsconfig.json"),
  JSON.stringify({
    extends: "../../../tsconfig.base.json",
    compilerOptions: { lib: ["ES2023", "DOM"], noUnusedLocals: false },
    include: ["*.ts"],
    exclude: []
  })
)
const modules = found.map((example) => toModule(example, "../../../scripts/docs/assert.ts"))
modules.forEach((code, i) => writeFileSync(join(folder, `${i}.ts`), code))
const hasExamples = found.length > 0
const tsc = spawnSync("tsc", hasExamples ? ["-p", folder, "--noEmit", "--pretty", "false"] : ["-v"], {
  encoding: "utf8"
})
for (const message of tsc.stdout.split("\n").filter((line) => line.includes("error TS"))) {
  findings.push(message.replace(/^.*?docs\/(\d+)\.ts\((\d+),\d+\)/, (_, i, line) => `${found[i]!.file}:${line}`))
}
if (tsc.status !== 0 && findings.length === 0) findings.push(`tsc failed: ${tsc.stdout}${tsc.stderr}`)

const keep = (file: string, place: string, drawn: string): void => {
  if (writes) writeFileSync(file, drawn)
  else if (!existsSync(file) || read(file) !== drawn) {
    findings.push(`${place} does not draw ${file}: look at it, and write it with --write`)
  }
}

// Run one after another, as each has the console to itself.
const run = async (example: Example, i: number): Promise<void> => {
  const place = `${example.file}:${example.line}`
  const script = join(folder, `${i}.js`)
  writeFileSync(script, stripTypeScriptTypes(modules[i]!))
  const printed: Array<string> = []
  console.log = (...args: ReadonlyArray<unknown>) => void printed.push(format(...args))
  const timeout = Promise.withResolvers<unknown>()
  const timer = setTimeout(() => timeout.resolve(new Error(`did not end within ${limit} ms`)), limit)
  const url = pathToFileURL(script).href
  let exported: Exported = {}
  const error = await Promise.race([
    timeout.promise,
    import(url).then(
      (module: Exported) => {
        exported = module
      },
      (error: unknown) => error
    )
  ])
  clearTimeout(timer)
  console.log = log
  if (error !== undefined) {
    const line = String(error instanceof Error ? error.stack : "").split(`${url}:`)[1]?.split(":")[0]
    const where = line === undefined ? place : `${example.file}:${line}`
    findings.push(`${where} ${error instanceof Error ? error.message : format(error)}`)
    return
  }
  for (const line of example.asserted) {
    const assertion = `${example.file}:${line}`
    if (reached.get(assertion) === undefined) findings.push(`${assertion} the assertion was not reached`)
    if (reached.get(assertion) === "fails") findings.push(`${assertion} the assertion failed, unseen`)
  }
  if (example.output !== undefined && example.output !== printed.join("\n")) {
    findings.push(`${place} does not print the text below it, but:\n${printed.join("\n")}`)
  }
  if (example.picture !== undefined) {
    const isExported = exported.timelines !== undefined || exported.herds !== undefined
    const draw = isExported ? drawingOf(example.picture) : undefined
    if (isExported && draw === undefined) {
      findings.push(`${place} exports what ${example.picture} shows: say how it is drawn, in scripts/pictures/docs.ts`)
    } else keep(example.picture, place, draw?.(exported, example.alt) ?? `${printed.join("\n")}\n`)
  }
}
const { log } = console
if (findings.length === 0) {
  for (const [i, example] of found.entries()) if (example.run) await run(example, i)
}
const areAll = named.length === 0
for (const [file, drawn] of areAll ? made : []) keep(file, "scripts/pictures", drawn)
for (const file of areAll ? globSync("docs/pictures/*.svg") : []) {
  if (!found.some(({ picture }) => picture === file)) findings.push(`${file} is drawn by no example`)
}

// A value that a module passes on from internal/ is documented there.
const isPublic = (file: string) => !file.includes("/internal/") && !file.endsWith("/index.ts")
// What needs a database is compiled here, and asserted by its specs.
const elsewhere = new Set([
  "packages/cluster/src/Fence.ts make",
  "packages/cluster/src/PollStore.ts layerSql",
  "packages/cluster/src/internal/guard.ts guard"
])
const values = (areAll ? sources : []).filter(isPublic).flatMap((file) => {
  const source = read(file)
  const passedOn = [...source.matchAll(/^export \{([^}]*)\} from "(\.[^"]*)"/gm)].flatMap(([, names, from]) => {
    const origin = join(file, "..", from!)
    return exportsOf(origin, read(origin), found).filter(({ name }) => names!.split(/\W+/).includes(name))
  })
  return exportsOf(file, source, found).concat(passedOn)
})
for (const { isShown, name, place } of values) {
  if (!isShown && !elsewhere.has(`${place.split(":")[0]} ${name}`)) {
    findings.push(`${place} ${name} has no example with a \`// =>\` or a text, and names none that uses it`)
  }
}

for (const finding of findings) log(finding)
const assertions = found.reduce((sum, example) => sum + example.asserted.length, 0)
const counts = [`${found.length} examples`, `${shown.length} excerpts`, `${assertions} assertions`]
log(`${counts.join(", ")}, ${values.length} public values, ${findings.length} findings`)
process.exit(findings.length === 0 ? 0 : 1)
