/** The bin, bundled once for all tests that run it. */
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { TestProject } from "vitest/node"

declare module "vitest" {
  export interface ProvidedContext {
    readonly bin: string
  }
}

export default (project: TestProject) => {
  const folder = mkdtempSync(join(tmpdir(), "effect-wait-cli-"))
  execFileSync(process.execPath, [fileURLToPath(new URL("../build.ts", import.meta.url)), folder], { stdio: "inherit" })
  // As in the package: Node takes 15 ms to guess it.
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }))
  project.provide("bin", join(folder, "effect-wait.js"))
  return () => rmSync(folder, { recursive: true })
}
