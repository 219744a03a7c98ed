/** What the named imports of users add to their bundles: the package as it is published, in esbuild, Rollup and Vite. */
import { nodeResolve } from "@rollup/plugin-node-resolve"
import { build, transform } from "esbuild"
import { execFileSync } from "node:child_process"
import { globSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { rollup } from "rollup"
import { build as viteBuild } from "vite"
import { claims } from "./rounds.ts"
import type { Effort, Section } from "./section.ts"

const here = fileURLToPath(new URL(".", import.meta.url))
const library = fileURLToPath(new URL("../../packages/wait", import.meta.url))

/** An empty project that has the packed library and Effect; what installs it is not measured. */
export const install = (): string => {
  const app = mkdtempSync(join(tmpdir(), "effect-wait-bundle-"))
  const modules = join(app, "node_modules")
  mkdirSync(join(modules, "effect-wait"), { recursive: true })
  execFileSync("pnpm", ["pack", "--pack-destination", app], { cwd: library, stdio: "ignore" })
  const [tarball] = globSync(join(app, "*.tgz"))
  execFileSync("tar", ["xzf", tarball!, "-C", join(modules, "effect-wait"), "--strip-components", "1"])
  symlinkSync(realpathSync(join(library, "node_modules", "effect")), join(modules, "effect"))
  for (const peer of ["p-retry", "cockatiel"]) {
    symlinkSync(realpathSync(join(here, "node_modules", peer)), join(modules, peer))
  }
  writeFileSync(join(app, "package.json"), `{ "type": "module" }`)
  return app
}

const bundlers: Readonly<Record<string, (entry: string) => Promise<string>>> = {
  esbuild: async (entry) => {
    const { outputFiles } = await build({
      entryPoints: [entry],
      bundle: true,
      format: "esm",
      write: false,
      minify: true
    })
    return outputFiles[0]!.text
  },
  Rollup: async (entry) => {
    const bundle = await rollup({ input: entry, plugins: [nodeResolve()], logLevel: "silent" })
    const { output } = await bundle.generate({ format: "esm" })
    return output[0].code
  },
  Vite: async (entry) => {
    const built = await viteBuild({
      configFile: false,
      logLevel: "silent",
      build: { write: false, modulePreload: false, rolldownOptions: { input: entry } }
    })
    if (!("output" in built)) throw new Error("Vite built nothing")
    return built.output[0].code
  }
}

// One minifier for all of them, so that it is the bundlers that differ.
const weigh = async (code: string): Promise<number> =>
  gzipSync((await transform(code, { minify: true, format: "esm" })).code, { level: 9 }).length

const small = `
import { Effect, Schedule } from "effect"
Effect.runFork(Effect.retry(Effect.fail("no"), Schedule.exponential("1 second")))
`

// A service: it has a layer, a log, a metric and a span.
const service = `
import { Context, Effect, Layer, Metric, Schedule } from "effect"
class Clients extends Context.Service()("Clients") {}
const layer = Layer.effect(Clients, Effect.as(Effect.log("up"), { call: Effect.fail("no") }))
const call = Effect.andThen(Metric.update(Metric.counter("calls"), 1), Effect.flatMap(Clients, ({ call }) => call))
Effect.runFork(call.pipe(Effect.retry(Schedule.exponential("1 second")), Effect.withSpan("call"), Effect.provide(layer)))
`

const loop = `Effect.runFork(Loop.run(Effect.void, Period.sliding("1 minute")))`
const schedule = `Backoff.exponential({ base: "1 second", cap: "1 minute" }).pipe(Jitter.full, Limit.attempts(3))`

const programs = {
  "Loop.run": `import { Loop, Period } from "effect-wait"\n${loop}`,
  "Loop.run by its own path": `
import * as Loop from "effect-wait/Loop"
import * as Period from "effect-wait/Period"
${loop}`,
  "Backoff, Jitter, Limit": `
import { Backoff, Jitter, Limit } from "effect-wait"
Effect.runFork(Effect.retry(Effect.fail("no"), ${schedule}))`,
  "Retry.run": `
import { Backoff, Jitter, Limit, Retry } from "effect-wait"
Effect.runFork(Retry.run(Effect.fail("no"), ${schedule}))`
}

export const measure = async ({ smoke }: Effort): Promise<ReadonlyArray<Section>> => {
  const app = install()
  const bytesOf = async (bundler: string, program: string): Promise<number> => {
    const entry = join(app, "program.js")
    writeFileSync(entry, program)
    return weigh(await bundlers[bundler]!(entry))
  }
  const values = async (bundler: string, base: string, names: ReadonlyArray<keyof typeof programs>) => {
    const before = await bytesOf(bundler, base)
    const added = []
    for (const name of names) {
      added.push({ name: `${name}, ${bundler}`, values: [await bytesOf(bundler, base + programs[name]) - before] })
    }
    return added
  }
  const peer = async (name: string) => ({
    name,
    values: [await bytesOf("Vite", `import * as peer from "${name}"\nglobalThis.used = peer`)]
  })
  const names = smoke
    ? ["Loop.run", "Backoff, Jitter, Limit"] as const
    : ["Loop.run", "Loop.run by its own path", "Backoff, Jitter, Limit", "Retry.run"] as const
  const series = []
  const inService = []
  for (const bundler of Object.keys(bundlers)) {
    series.push(...await values(bundler, small, names))
    if (!smoke) inService.push(...await values(bundler, service, names))
  }
  const whole = {
    name: "Retry.run and what it needs of Effect, Vite",
    values: [await bytesOf("Vite", `import { Effect } from "effect"${programs["Retry.run"]}`)]
  }
  const peers = [await peer("p-retry"), await peer("cockatiel")]
  rmSync(app, { recursive: true })
  const limits = [2000, 6000, 8500, 9500].map((bytes) => ({ name: `${bytes} bytes`, values: [bytes] }))
  const ofService = {
    title: "what named imports add to a service in Effect that logs, counts and traces, from the packed library",
    unit: "bytes, min+gzip",
    series: [...inService, ...limits],
    claims: [
      ...claims([["Loop.run, Rollup", "8500 bytes"], ["Loop.run, Vite", "9500 bytes"]], 1),
      ...claims([["Loop.run by its own path, esbuild", "6000 bytes"]])
    ]
  }
  return [...(smoke ? [] : [ofService]), {
    title: "what named imports add to a small program in Effect, from the packed library",
    unit: "bytes, min+gzip",
    series: [...series, whole, ...peers, ...limits],
    claims: [
      // esbuild takes all of a module that a barrel exports as a namespace.
      ...claims([["Loop.run, esbuild", "6000 bytes"]], 2.65, 1),
      ...claims([["Loop.run, Rollup", "8500 bytes"]], 1.76, 1),
      ...claims([["Loop.run, Vite", "9500 bytes"]], 1.56, 1),
      ...claims([["Backoff, Jitter, Limit, Rollup", "2000 bytes"]], 1.28, 1),
      ...claims([["Loop.run, Vite", "cockatiel"], ["Retry.run and what it needs of Effect, Vite", "p-retry"]])
    ]
  }]
}
