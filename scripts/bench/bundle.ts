/** What an import adds to a bundle. What is published is this source without its types, so that is what is bundled. */
import { build } from "esbuild"
import { basename } from "node:path"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { claims } from "./rounds.ts"
import type { Effort, Section } from "./section.ts"

/** Bytes of the bundle of each program, minified and compressed. */
const bundle = async (programs: ReadonlyArray<string>): Promise<ReadonlyArray<number>> => {
  const resolveDir = fileURLToPath(new URL(".", import.meta.url))
  const { metafile, outputFiles } = await build({
    entryPoints: programs.map((_, i) => ({ in: `program:${i}`, out: String(i) })),
    plugins: [{
      name: "programs",
      setup({ onLoad, onResolve }) {
        onResolve({ filter: /^program:/ }, ({ path }) => ({ path: path.replace("program:", ""), namespace: "program" }))
        onLoad(
          { filter: /.*/, namespace: "program" },
          ({ path }) => ({ contents: programs[Number(path)]!, resolveDir })
        )
      }
    }],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    outdir: resolveDir,
    write: false,
    metafile: true
  })
  for (const [path, { inputs }] of Object.entries(metafile.outputs)) {
    const program = programs[Number.parseInt(basename(path), 10)]!
    const http = Object.entries(inputs).filter(([input, { bytesInOutput }]) => /http/i.test(input) && bytesInOutput > 0)
    if (!/http/i.test(program) && http.length > 0) throw new Error(`${program} pays for ${http.join(" ")}`)
  }
  const sizes = programs.map(() => NaN)
  for (const { contents, path } of outputFiles) {
    sizes[Number.parseInt(basename(path), 10)] = gzipSync(contents, { level: 9 }).length
  }
  return sizes
}

const retry = `Effect.runFork(Effect.retry(Effect.fail("no"), Schedule.exponential("1 second")))`
// The least that is in Effect and retries with what Effect has, as most import it; one that streams and counts as well; and
// the least again, importing the modules one by one, which leaves out parts of Effect that the others have for nothing.
const small = `import { Effect, Schedule } from "effect"\n${retry}`
const larger = `
import { Effect, Metric, Schedule, Stream } from "effect"
${retry}
Effect.runFork(Effect.andThen(Stream.runDrain(Stream.make(1)), Metric.update(Metric.counter("n"), 1)))
`
const least = `
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
${retry}
`

/** All that a module has is used, or the parts that are named. */
const using = (names: ReadonlyArray<string>, from = "effect-wait"): string => `
import { ${Array.from(new Set(names.map((name) => name.split(".")[0]))).join(", ")} } from "${from}"
globalThis.used = [${names.join(", ")}]
`

const others = ["Backoff", "Jitter", "Limit", "Loop", "Poll", "Retry", "RetryBudget", "Timeline", "Wait", "WaitTimeout"]
// A bundler such as esbuild takes all of a module that is imported from the barrel, and only what is used of one by its own path.
const parts = `
import { sliding, nonSliding, ticker, fromStart } from "effect-wait/Period"
import { run, match, hint } from "effect-wait/Retry"
globalThis.parts = [sliding, nonSliding, ticker, fromStart, run, match, hint]
`
const period = `
import { sliding, nonSliding, ticker, fromStart } from "effect-wait/Period"
globalThis.period = [sliding, nonSliding, ticker, fromStart]
`
const withoutRetry = others.filter((name) => name !== "Retry")

const imports = {
  "Backoff and Jitter": using(["Backoff", "Jitter"]),
  "Backoff, Jitter and Retry": using(["Backoff", "Jitter", "Retry"]),
  "all but Policy, cron and hedge": using(withoutRetry) + parts,
  "everything": using([...others, "Period"]) + using(["Policy"], "effect-wait/Policy"),
  ...Object.fromEntries(others.map((name) => [name, using([name])])),
  "Period": using(["Period"]),
  "Period without cron": period,
  "Policy": using(["Policy"], "effect-wait/Policy")
}

// What has an HttpClient, and retries with what this library has.
const http = `
import { Effect } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"
import { Backoff, Jitter, Limit, Retry } from "effect-wait"
const schedule = Backoff.exponential({ base: "1 second", cap: "1 minute" }).pipe(Jitter.full, Limit.attempts(3))
Effect.runFork(Retry.run(HttpClient.get("http://api/"), schedule).pipe(Effect.provide(FetchHttpClient.layer)))
`
const httpRetry = { HttpRetry: `import * as HttpRetry from "effect-wait/HttpRetry"\nglobalThis.used = HttpRetry` }

const peers = {
  "p-retry": `import retry from "p-retry"\nglobalThis.used = retry`,
  "cockatiel": `import * as cockatiel from "cockatiel"\nglobalThis.used = cockatiel`,
  "cockatiel's retry": using(["retry", "handleAll", "ExponentialBackoff"], "cockatiel")
}

const added = async (base: string, imports: Readonly<Record<string, string>>) => {
  const [before, ...after] = await bundle([base, ...Object.values(imports).map((program) => base + program)])
  return Object.keys(imports).map((name, i) => ({ name, values: [after[i]! - before!] }))
}

export const measure = async ({ smoke }: Effort): Promise<ReadonlyArray<Section>> => {
  const unit = "bytes, min+gzip"
  // What is claimed is a size, which is a ratio to that many bytes.
  const limits = [2200, 8000].map((bytes) => ({ name: `${bytes} bytes`, values: [bytes] }))
  const section: Section = {
    title: "what an import adds to a small program in Effect",
    unit,
    series: [...await added(small, imports), ...await added("", peers), ...limits],
    claims: [
      // Combinators take the schedules of other libraries as plans, which costs some 150 bytes more than was meant.
      ...claims([["Backoff and Jitter", "2200 bytes"]], 1.16, 1),
      ...claims([["all but Policy, cron and hedge", "8000 bytes"]], 3, 1),
      ...claims([
        ["Backoff and Jitter", "p-retry"],
        ["Backoff and Jitter", "cockatiel's retry"],
        ["Backoff, Jitter and Retry", "p-retry"],
        ["all but Policy, cron and hedge", "cockatiel"]
      ])
    ]
  }
  return smoke ? [section] : [
    section,
    {
      title: "what it adds to one that has HttpClient and Retry",
      unit,
      series: await added(http, httpRetry),
      claims: []
    },
    {
      title: "what it adds to one that has Stream and Metric",
      unit,
      series: await added(larger, imports),
      claims: []
    },
    {
      title: "what it adds to one that imports Effect's modules one by one",
      unit,
      series: await added(least, imports),
      claims: []
    }
  ]
}
