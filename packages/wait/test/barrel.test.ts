/** What a program loads that imports the library. */
import { spawnSync } from "node:child_process"
import * as Module from "node:module"
import { join } from "node:path"
import { describe, expect, it } from "vitest"

/** The modules of Effect that an import loads. */
const loadedBy = (specifier: string): ReadonlyArray<string> => {
  const program = join(import.meta.dirname, "loadedModules.ts")
  const { stderr, stdout } = spawnSync(process.execPath, [program, specifier], { encoding: "utf8" })
  expect(stderr).toBe("")
  const urls: ReadonlyArray<string> = JSON.parse(stdout)
  return urls.flatMap((url) => /\/effect\/dist\/(.*)\.js$/.exec(url)?.[1] ?? [])
}

// Node 20 and Bun have no hooks.
const hasHooks = "registerHooks" in Module

describe("effect-wait", { timeout: 60_000 }, () => {
  it.runIf(hasHooks)("loads no Schema, which is in subpaths", () => {
    const loaded = loadedBy("effect-wait")
    expect(loaded).toContain("Schedule")
    expect(loaded.filter((name) => name.includes("Schema"))).toEqual([])
    expect(loadedBy("effect-wait/Policy")).toContain("Schema")
  })

  it.runIf(hasHooks)("loads no store of loops, which is in a subpath", () => {
    const stores = new Set(["persistence/KeyValueStore", "FileSystem", "sql/SqlClient"])
    expect(loadedBy("effect-wait").filter((name) => stores.has(name))).toEqual([])
    expect(loadedBy("effect-wait/LoopStore")).toContain("persistence/KeyValueStore")
  })

  it("has the Policy as a type only, and its Schema under effect-wait/Policy", async () => {
    expect(Object.keys(await import("effect-wait"))).not.toContain("Policy")
    expect(Object.keys(await import("effect-wait/Policy"))).toEqual(["Policy"])
  })
})
