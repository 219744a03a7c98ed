/**
 * Runtimes from npm, each of one version. They take 100 MB and more each, so a script that needs one installs it, into
 * `~/.cache/effect-wait`.
 */
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { homedir } from "node:os"
import { join } from "node:path"

export const versions = {
  node20: "20.20.2",
  node22: "22.23.3",
  bun: "1.4.5",
  deno: "2.9.6",
  workerd: "1.20261117.1"
} as const

/** The program of a runtime, which is installed if it is not there. */
export const programOf = (name: keyof typeof versions): string => {
  const bin = name.replace(/\d+$/, "")
  const installed = `${bin}-${versions[name]}`
  const folder = join(homedir(), ".cache", "effect-wait", installed)
  // npm writes this file last.
  if (!existsSync(join(folder, "node_modules", ".package-lock.json"))) {
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, "package.json"), JSON.stringify({ private: true }))
    execFileSync("npm", ["install", "--no-audit", "--no-fund", "--save-exact", installed.replace("-", "@")], {
      cwd: folder,
      stdio: ["ignore", "ignore", "inherit"]
    })
  }
  return join(folder, "node_modules", ".bin", bin)
}
