/** `pnpm sizes`: how large a program is that retries one `fetch`, by library; bundled and minified by esbuild, and then gzip -9. */
import { build } from "esbuild"
import { gzipSync } from "node:zlib"

const modules = (...names: ReadonlyArray<string>): string =>
  names.map((name) => `import * as ${name} from "effect-wait/${name}"`).join("\n")

const programs: Readonly<Record<string, string>> = {
  "async-retry": `import retry from "async-retry"; retry(() => fetch("http://x"))`,
  "p-retry": `import pRetry from "p-retry"; pRetry(() => fetch("http://x"), { retries: 4 })`,
  cockatiel: `import { ExponentialBackoff, handleAll, retry } from "cockatiel"
retry(handleAll, { maxAttempts: 4, backoff: new ExponentialBackoff() }).execute(() => fetch("http://x"))`,
  "exponential-backoff": `import { backOff } from "exponential-backoff"; backOff(() => fetch("http://x"))`,
  "effect, Effect.retry": `import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
const schedule = Schedule.exponential(100).pipe(Schedule.jittered, Schedule.upTo({ times: 4 }))
Effect.runPromise(Effect.retry(Effect.tryPromise(() => fetch("http://x")), schedule))`,
  "effect-wait, Effect.retry": `import * as Effect from "effect/Effect"
${modules("Backoff", "Jitter", "Limit")}
const schedule = Backoff.exponential({ base: 100, cap: 10_000 }).pipe(Jitter.full, Limit.attempts(5))
Effect.runPromise(Effect.retry(Effect.tryPromise(() => fetch("http://x")), schedule))`,
  "effect-wait, Retry.run": `import * as Effect from "effect/Effect"
${modules("Backoff", "Jitter", "Limit", "Retry")}
const schedule = Backoff.exponential({ base: 100, cap: 10_000 }).pipe(Jitter.full, Limit.attempts(5))
Effect.runPromise(Retry.run(Effect.tryPromise(() => fetch("http://x")), schedule))`
}

for (const [name, contents] of Object.entries(programs)) {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"]
  })
  console.log(
    `${name.padEnd(26)} ${(gzipSync(outputFiles[0]!.contents, { level: 9 }).length / 1000).toFixed(1).padStart(5)} kB`
  )
}
