/** The page, built and served once for all tests. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TestProject } from "vitest/node"
import { build } from "../build.ts"
import { serve } from "../serve.ts"

declare module "vitest" {
  export interface ProvidedContext {
    /** The folder of the built page. */
    readonly site: string
    readonly url: string
  }
}

export default async (project: TestProject) => {
  const folder = mkdtempSync(join(tmpdir(), "effect-wait-playground-"))
  await build(folder)
  const { server, url } = await serve(folder)
  project.provide("site", folder)
  project.provide("url", url)
  return () => {
    server.close()
    server.closeAllConnections()
    rmSync(folder, { recursive: true })
  }
}
