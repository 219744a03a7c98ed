/** What the bin costs: to start, up to the first output of its command, and while it waits. */
import { execFileSync, spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { claims, limitOf } from "./rounds.ts"
import type { Effort, Section } from "./section.ts"
import { type Measured, seriesOf, takeTurns } from "./turns.ts"

const folder = mkdtempSync(join(tmpdir(), "effect-wait-bench-"))
process.once("exit", () => rmSync(folder, { recursive: true }))

// The end of the process, where there is no output.
const start = (args: ReadonlyArray<string>): Promise<Measured> => {
  const begin = performance.now()
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] })
  const { promise, resolve } = Promise.withResolvers<Measured>()
  const tell = () => resolve({ ms: performance.now() - begin })
  child.stdout.once("data", tell)
  child.once("exit", tell)
  return promise
}

const waiting = (args: ReadonlyArray<string>): Promise<Measured> => {
  const child = spawn(process.execPath, args, { stdio: "ignore" })
  const { promise, resolve } = Promise.withResolvers<Measured>()
  setTimeout(() => {
    const kibibytes = Number(execFileSync("ps", ["-o", "rss=", "-p", String(child.pid)], { encoding: "utf8" }))
    child.kill()
    resolve({ megabytes: kibibytes * 1024 / 1e6 })
  }, 2000)
  return promise
}

// The median of `node -e 0`, in ms, on the machine for which 250 ms are meant.
const calm = 32

export const measure = async ({ smoke }: Effort): Promise<ReadonlyArray<Section>> => {
  const bin = join(folder, "effect-wait.js")
  execFileSync(process.execPath, [fileURLToPath(import.meta.resolve("@effect-wait/cli/build.ts")), folder])
  const started = await takeTurns(smoke ? 5 : 21, {
    "effect-wait retry -- echo": () => start([bin, "retry", "--quiet", "--", "echo"]),
    "node -e 0": () => start(["-e", "0"])
  })
  const series = seriesOf(started, "ms")
  const idle = await takeTurns(smoke ? 1 : 3, {
    "effect-wait loop --period 1h": () => waiting([bin, "loop", "--quiet", "--period", "1h", "--", "true"]),
    "node, a timer": () => waiting(["-e", "setTimeout(() => {}, 1e9)"])
  })
  return [
    {
      title: "the command line, from its start to the first output of its command",
      unit: "ms",
      series: [...series, limitOf(250, "ms", calm, series.find(({ name }) => name === "node -e 0")!)],
      claims: [
        ...claims([["effect-wait retry -- echo", "250 ms"]], 1),
        ...claims([["effect-wait retry -- echo", "node -e 0"]])
      ]
    },
    {
      title: "the command line, while it waits",
      unit: "MB of resident memory",
      series: seriesOf(idle, "megabytes"),
      claims: claims([["effect-wait loop --period 1h", "node, a timer"]])
    }
  ]
}
