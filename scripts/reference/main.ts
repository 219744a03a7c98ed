/**
 * The API reference: docs/api, a page for each public module, from the doc comments.
 *
 * TypeDoc reads the comments and resolves their links. Its own pages show a type parameter of each overload under a heading;
 * these show the declaration as it was written. With `--check` nothing is written: it names the pages that differ.
 */
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Application, Converter, type Reflection, ReflectionKind } from "typedoc"
import ts from "typescript"
import { commentOf, index, type Module, page } from "./page.ts"
import { signature } from "./signature.ts"

const isCheck = process.argv.includes("--check")
const root = join(import.meta.dirname, "../..")
const folder = join(root, "docs/api")
const imports = {
  "effect-wait": "packages/wait/src",
  "effect-wait/testing": "packages/wait/src/testing",
  "@effect-wait/cluster": "packages/cluster/src",
  "@effect-wait/cluster/testing": "packages/cluster/src/testing",
  "@effect-wait/dashboard": "packages/dashboard/src"
}
const entryPoints = Object.entries(imports).flatMap(([from, path]) =>
  globSync("*.ts", { cwd: join(root, path), exclude: ["index.ts"] }).toSorted().map((file) => ({
    from,
    isInIndex: new RegExp(`^export (\\*|\\{).* "./${file}"$`, "m").test(
      readFileSync(join(root, path, "index.ts"), "utf8")
    ),
    name: file.replace(".ts", ""),
    source: `${path}/${file}`
  }))
)

const app = await Application.bootstrap({
  entryPoints: entryPoints.map(({ source }) => join(root, source)),
  tsconfig: join(import.meta.dirname, "tsconfig.json"),
  sort: ["source-order"],
  categorizeByGroup: false,
  readme: "none",
  excludeExternals: true,
  excludeReferences: true, // the page of the module that it comes from has it
  disableSources: true,
  disableGit: true,
  skipErrorChecking: true, // check:types does it, with the compiler of the repository
  logLevel: "Warn",
  validation: { notExported: false, invalidLink: true, invalidPath: true }
})

const declarations = new Map<Reflection, readonly [ts.Declaration, ts.TypeChecker]>()
app.converter.on(Converter.EVENT_CREATE_DECLARATION, (context, reflection) => {
  const all = context.getSymbolFromReflection(reflection)?.declarations ?? []
  // A value and a type may share a name.
  const isType = reflection.kind === ReflectionKind.TypeAlias
  const declaration = all.find((one) => ts.isTypeAliasDeclaration(one) === isType) ?? all[0]
  if (declaration === undefined) return
  declarations.set(reflection, [declaration, context.checker])
  // To TypeDoc the header of a file is a comment like others, without a tag that says so.
  if (ts.isSourceFile(declaration)) reflection.comment = context.getNodeComment(declaration.statements[0]!, false)!
})

const project = await app.convert()
if (project === undefined) process.exit(1)
app.validate(project)

const modules = entryPoints.map(({ from, isInIndex, name, source }): Module => {
  const reflection = project.getChildrenByKind(ReflectionKind.Module).find((module) =>
    (declarations.get(module)![0] as ts.SourceFile).fileName === join(root, source)
  )!
  return { from, isInIndex, name, source, reflection }
})
const exported = modules.flatMap(({ reflection }) => reflection.children!)
for (const reflection of exported) {
  if (commentOf(reflection)?.getTag("@since") === undefined) {
    app.logger.error(`${reflection.getFullName()} has no doc comment`)
  }
}
if (app.logger.hasErrors() || app.logger.hasWarnings()) process.exit(1)

const isPublic = new Set(exported.map((reflection) => declarations.get(reflection)![0]))
const signatures = new Map(exported.map((reflection) => {
  const [declaration, checker] = declarations.get(reflection)!
  return [reflection, signature(declaration, checker, (other) => isPublic.has(other))]
}))

const site = { modules, signatures }
const pages = new Map(modules.map((module) => [`${module.name}.md`, page(site, module)]))
pages.set("README.md", index(site))

const present = new Map(globSync("*", { cwd: folder }).map((file) => [file, readFileSync(join(folder, file), "utf8")]))
const stale = [...new Set([...pages.keys(), ...present.keys()])].filter((file) => pages.get(file) !== present.get(file))

if (isCheck) {
  for (const file of stale) console.log(`docs/api/${file} is not what \`pnpm reference\` writes`)
} else {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const [file, text] of pages) writeFileSync(join(folder, file), text)
}
console.log(`${modules.length} modules, ${exported.length} exports, ${stale.length} pages differed`)
process.exit(isCheck && stale.length > 0 ? 1 : 0)
