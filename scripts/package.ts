/** The packages as users get them: packed, looked at by publint and are-the-types-wrong, and the bin run on the machine's own Node. */
import { execFileSync } from "node:child_process"
import { existsSync, globSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"

const folder = mkdtempSync(join(tmpdir(), "effect-wait-"))
process.on("exit", () => rmSync(folder, { recursive: true }))

const pack = (cwd: string): string => {
  const destination = join(folder, cwd)
  execFileSync("pnpm", ["pack", "--pack-destination", destination], { cwd, stdio: "inherit" })
  const [tarball] = globSync(join(destination, "*.tgz"))
  execFileSync("publint", ["run", tarball!, "--strict"], { stdio: "inherit" })
  return tarball!
}

for (const folder of ["packages/wait", "packages/cluster", "packages/dashboard"]) {
  const modules = globSync("*.ts", { cwd: join(folder, "src"), exclude: ["index.ts"] })
  const testing = existsSync(join(folder, "src/testing")) ? ["testing"] : []
  const entryPoints = [".", ...testing, ...modules.map((file) => file.replace(/\.ts$/, ""))]
  execFileSync("attw", [pack(folder), "--profile", "esm-only", "--no-emoji", "--entrypoints", ...entryPoints], {
    stdio: "inherit"
  })
}

const cli = pack("packages/cli")
const cwd = join(folder, "app")
mkdirSync(cwd)
// Without what this repository has installed: npm and Node are the machine's.
const PATH = process.env["PATH"]!.split(delimiter).filter((path) => !path.includes("node_modules")).join(delimiter)
const run = (command: string, ...args: ReadonlyArray<string>) =>
  execFileSync(command, args, { cwd, env: { ...process.env, PATH }, encoding: "utf8" })
run("npm", "install", "--no-audit", "--no-fund", cli)
const bin = join(cwd, "node_modules", ".bin", "effect-wait")
console.log(run(bin, "--version"), run("node", "--version"))
if (run(bin, "retry", "--quiet", "--", "echo", "it runs") !== "it runs\n") process.exit(1)
