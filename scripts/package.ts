/** The package as users get it: packed, then looked at by publint and are-the-types-wrong. */
import { execFileSync, spawnSync } from "node:child_process"
import { globSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const folder = mkdtempSync(join(tmpdir(), "effect-wait-"))
process.on("exit", () => rmSync(folder, { recursive: true }))

execFileSync("pnpm", ["pack", "--pack-destination", folder], { cwd: "packages/wait", stdio: "inherit" })
const [tarball] = globSync(join(folder, "*.tgz"))
const modules = globSync("*.ts", { cwd: "packages/wait/src", exclude: ["index.ts"] })
const entryPoints = [".", ...modules.map((file) => file.replace(/\.ts$/, ""))]

const tools = [
  ["publint", "run", tarball!, "--strict"],
  ["attw", tarball!, "--profile", "esm-only", "--no-emoji", "--entrypoints", ...entryPoints]
] as const
for (const [tool, ...args] of tools) {
  if (spawnSync(tool, args, { stdio: "inherit" }).status !== 0) process.exit(1)
}
