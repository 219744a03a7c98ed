/** The options and fields that AGENTS.md names are those of the types, all of them. */
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"

const [, section = ""] = readFileSync(join(import.meta.dirname, "../AGENTS.md"), "utf8").split(
  "## Options and fields\n"
)
const rows = new Map(
  [...section.split("\n## ")[0]!.matchAll(/^\| (.+?) \| (.+) \|$/gm)].slice(1).map(([, of, names]) => [
    of!,
    // The first word of each name; what stands in parentheses is about the name before it.
    [...names!.replace(/\([^()]*\)(?! =>)/g, "").matchAll(/(?:^|[ ,;]) ?`(\w+)/g)].map(([, name]) => name!)
  ])
)

/** The rows that name every key of a type. */
const types: Record<string, string> = {
  "`Loop.run`": "keyof (Loop.Options<never> & Loop.StopOption)",
  "`Loop.forkScoped`, `Loop.layer`":
    "Exclude<keyof Loop.ForkOptions<never>, keyof (Loop.Options<never> & Loop.StopOption)>",
  "a handle, `loop.…`": `Exclude<Extract<keyof Loop.Loop<unknown>, string>, "toJSON" | "toString">`,
  "`yield* loop.status`": "keyof Loop.Status",
  "`Poll.until`": `keyof Poll.Options<undefined> | "accept"`,
  "`Retry.run`": "keyof Retry.Options<unknown, unknown, unknown, unknown, unknown>",
  "`Retry.hedge`": "keyof Retry.HedgeOptions<unknown, unknown, unknown>",
  "`HttpRetry.retry`, `HttpRetry.request`": "keyof HttpRetry.Options<unknown, unknown, unknown, string>",
  "`Backoff.Policy`": "keyof Backoff.Policy",
  "`Timeline.simulate`": "keyof Parameters<typeof Timeline.simulate>[1]",
  "`TestLoop.record`": "keyof Parameters<typeof TestLoop.record>[1]"
}

it("are those of the types", { timeout: 120_000 }, () => {
  const root = join(import.meta.dirname, "../node_modules")
  mkdirSync(root, { recursive: true })
  const folder = mkdtempSync(join(root, ".agents-"))
  try {
    const checks = Object.entries(types).map(([of, type], i) =>
      `export const row${i}: Record<${type}, 0> = { ${(rows.get(of) ?? []).map((name) => `${name}: 0`).join(", ")} }`
    )
    writeFileSync(
      join(folder, "rows.ts"),
      [
        `import type { Backoff, Loop, Poll, Retry, Timeline } from "effect-wait"`,
        `import type * as HttpRetry from "effect-wait/HttpRetry"`,
        `import type { TestLoop } from "effect-wait/testing"`,
        ...checks
      ].join("\n")
    )
    writeFileSync(
      join(folder, "tsconfig.json"),
      JSON.stringify({
        extends: join(import.meta.dirname, "../../../tsconfig.base.json"),
        compilerOptions: { lib: ["ES2022", "DOM"], types: [] },
        include: ["./*.ts"]
      })
    )
    const compiler = join(import.meta.dirname, "../../../node_modules/typescript/bin/tsc")
    const { stdout } = spawnSync(process.execPath, [compiler, "-p", folder, "--pretty", "false"], { encoding: "utf8" })
    expect(stdout).toBe("")
  } finally {
    rmSync(folder, { recursive: true })
  }
})
