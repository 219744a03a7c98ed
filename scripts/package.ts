/**
 * The packages as users get them: packed, looked at by publint and are-the-types-wrong, their pages as the registry shows them, and the
 * bin run on the machine's own Node.
 */
import { execFileSync } from "node:child_process"
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { address, isRelative, manifests, manifestText, readmeAt } from "./site.ts"

const folder = mkdtempSync(join(tmpdir(), "effect-wait-"))
process.on("exit", () => rmSync(folder, { recursive: true }))

const fail = (message: string): never => {
  console.log(message)
  process.exit(1)
}

// What would lead nowhere on the page of the registry.
const relativeIn = (readme: string): ReadonlyArray<string> =>
  [...readme.replace(/^```[^]*?^```/gm, "").matchAll(/\]\(([^)\s]+)|(?:src|srcset|href)="([^"]+)"/g)]
    .map(([, inline, html]) => (inline ?? html)!)
    .filter(isRelative)

// Both states of the setting: there is an address, and there is none yet.
for (const [folder, file, text] of manifests()) {
  if (text !== manifestText(address, folder, text)) fail(`${file} has another address: run node scripts/site.ts`)
  if (
    manifestText("", folder, manifestText("https://example.com/a/b", folder, text)) !== manifestText("", folder, text)
  ) {
    fail(`${file} does not lose its address again`)
  }
  const [page, from] = folder === "packages/wait" ? ["README.md", "."] : [join(folder, "README.md"), folder]
  for (const address of ["", "https://example.com/a/b"]) {
    const found = relativeIn(readmeAt(address, from, readFileSync(page, "utf8")))
    if (found.length > 0) fail(`${page}, packed with the address "${address}", has ${found.join(" ")}`)
  }
}

const pack = (cwd: string): string => {
  const destination = join(folder, cwd)
  execFileSync("pnpm", ["pack", "--pack-destination", destination], { cwd, stdio: "inherit" })
  const [tarball] = globSync(join(destination, "*.tgz"))
  const found = relativeIn(execFileSync("tar", ["xzOf", tarball!, "package/README.md"], { encoding: "utf8" }))
  if (found.length > 0) fail(`The packed README of ${cwd} has ${found.join(" ")}`)
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
