/**
 * Joins the modules that a build of the library has written, in `packages/wait/dist`: Node, Bun and Deno take about 1 ms of CPU time for each
 * file that they load. Each public module stays a file, for its path. `index.js` and the declarations stay as TypeScript writes them.
 */
import { globSync, readFileSync, rmSync } from "node:fs"
import { join, resolve } from "node:path"
import { rollup } from "rollup"

// A module is in the first chunk that needs it. A path loads no more of Effect than its module alone: only `loops` needs Stream.
const chunks = {
  errors: ["RetryExhausted", "WaitTimeout"],
  schedules: ["Backoff", "Jitter", "Limit", "Period", "RetryBudget", "internal/replay"],
  runs: ["Poll", "Retry", "Timeline"],
  loops: ["Loop", "Wait"]
}

const dist = resolve(process.argv[2]!)
const fileOf = (name: string): string => join(dist, `${name}.js`)
const names = globSync("{*,testing/index}.js", { cwd: dist, exclude: ["index.js"] }).map((file) => file.slice(0, -3))

const bundle = await rollup({
  input: Object.fromEntries(names.map((name) => [name, fileOf(name)])),
  external: /^effect\//,
  // What nobody uses is for the bundlers of users to find.
  treeshake: false,
  preserveEntrySignatures: "strict",
  plugins: [{
    name: "maps",
    load: (id) => ({ code: readFileSync(id, "utf8"), map: readFileSync(`${id}.map`, "utf8") })
  }]
})

const chunkOf = new Map<string, string>()
const assign = (id: string, chunk: string, importsOf: (id: string) => ReadonlyArray<string>): void => {
  if (!id.startsWith(dist) || chunkOf.has(id)) return
  chunkOf.set(id, chunk)
  for (const imported of importsOf(id)) assign(imported, chunk, importsOf)
}

const { output } = await bundle.write({
  dir: dist,
  chunkFileNames: "internal/[name].js",
  onlyExplicitManualChunks: true,
  manualChunks: (id, { getModuleInfo }) => {
    for (const [chunk, modules] of Object.entries(chunks)) {
      for (const module of modules) assign(fileOf(module), chunk, (id) => getModuleInfo(id)!.importedIds)
    }
    return chunkOf.get(id)
  },
  minifyInternalExports: false,
  hoistTransitiveImports: false,
  sourcemap: true,
  sourcemapExcludeSources: true
})

const written = new Set(["index.js", ...output.map(({ fileName }) => fileName)])
for (const file of globSync("**/*.js", { cwd: dist })) {
  if (!written.has(file)) { for (const name of [file, `${file}.map`]) rmSync(join(dist, name)) }
}
