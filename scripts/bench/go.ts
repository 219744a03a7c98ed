/** Go's wait package, measured by the program in `go/`: the rounds of a section call it in turn with the other contestants. */
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

export interface Go {
  readonly version: string
  /** What `bench work count` prints. */
  readonly run: (work: "jitter" | "poll" | "sleep", count: number) => Readonly<Record<string, number>>
}

/** Builds it. Undefined where there is no Go that satisfies go.mod, or its modules cannot be had. */
export const makeGo = (tell: (why: string) => void = () => {}): Go | undefined => {
  const cwd = fileURLToPath(new URL("go", import.meta.url))
  const env = { ...process.env, GOTOOLCHAIN: "local" }
  const go = (...args: ReadonlyArray<string>) => spawnSync("go", args, { cwd, env, encoding: "utf8" })

  const modules = go("list", "-deps", ".")
  if (modules.status !== 0) {
    const why = modules.stderr ?? "there is no go on the PATH"
    // A module whose sum differs is no reason to look away.
    if (/SECURITY ERROR|go\.sum/.test(why)) throw new Error(why)
    tell(`Go: skipped, ${why.trim()}\n`)
    return undefined
  }

  const folder = mkdtempSync(join(tmpdir(), "effect-wait-bench-"))
  process.once("exit", () => rmSync(folder, { recursive: true }))
  const program = join(folder, "bench")
  const built = go("build", "-o", program, ".")
  if (built.status !== 0) throw new Error(built.stderr)
  return {
    version: go("env", "GOVERSION").stdout.trim(),
    run: (work, count) => JSON.parse(execFileSync(program, [work, String(count)], { encoding: "utf8" }))
  }
}
