/**
 * The packages as users get them: packed, looked at by publint and are-the-types-wrong, their pages as the registry shows them, what
 * bundlers keep of the library, where its source maps lead, and the bin run on the machine's own Node.
 */
import { execFileSync } from "node:child_process"
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from "node:fs"
import { SourceMap } from "node:module"
import { tmpdir } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { impure } from "./pure.ts"
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

/** The functions of a built file that its source map does not lead to. */
const lost = (file: string): ReadonlyArray<string> => {
  const map = new SourceMap(JSON.parse(readFileSync(`${file}.map`, "utf8")))
  return readFileSync(file, "utf8").split("\n").flatMap((line, i) => {
    const [, start, name] = /^((?:export )?(?:const|class) )(\w+)/.exec(line) ?? []
    if (start === undefined || name === undefined) return []
    const entry = map.findEntry(i, start.length)
    if (!("originalLine" in entry)) return [`${file}:${i + 1}: ${name}`]
    const source = join(dirname(file), entry.originalSource)
    const found = existsSync(source) ? readFileSync(source, "utf8").split("\n")[entry.originalLine] : undefined
    return found?.includes(name) === true ? [] : [`${file}:${i + 1}: ${name}`]
  })
}

// Every entry point on its own, and a stack trace.
const trace = `import { Limit } from "effect-wait"
try {
  Limit.attempts(0)
} catch (error) {
  console.log(error.stack)
}`

/** The library beside the Effect of this repository: whether bundlers leave it out, what its maps show, and whether it loads. */
const checkBuild = async (tarball: string, entryPoints: ReadonlyArray<string>): Promise<void> => {
  const cwd = join(folder, "library")
  const installed = join(cwd, "node_modules", "effect-wait")
  mkdirSync(installed, { recursive: true })
  execFileSync("tar", ["xzf", tarball, "-C", installed, "--strip-components", "1"])
  symlinkSync(realpathSync("packages/wait/node_modules/effect"), join(cwd, "node_modules", "effect"))
  const kept = await impure(join(installed, "dist"))
  if (kept.length > 0) fail(`Bundlers keep what nobody uses:\n${kept.join("\n")}`)
  const strays = globSync(join(installed, "dist/**/*.js")).flatMap(lost)
  if (strays.length > 0) fail(`The source maps lead to other lines:\n${strays.join("\n")}`)
  const evaluate = (program: string): string =>
    execFileSync(process.execPath, ["--enable-source-maps", "--input-type=module", "--eval", program], {
      cwd,
      encoding: "utf8"
    })
  for (const path of entryPoints) evaluate(`await import("${join("effect-wait", path)}")`)
  const stack = evaluate(trace)
  const line = Number(/effect-wait\/src\/Limit\.ts:(\d+)/.exec(stack)?.[1])
  const source = readFileSync(join(installed, "src", "Limit.ts"), "utf8").split("\n")[line - 1]
  if (source?.includes("Limit.attempts: n") !== true) fail(`A stack trace does not lead to the source:\n${stack}`)
}

for (const folder of ["packages/wait", "packages/cluster", "packages/dashboard"]) {
  const modules = globSync("*.ts", { cwd: join(folder, "src"), exclude: ["index.ts"] })
  const testing = existsSync(join(folder, "src/testing")) ? ["testing"] : []
  const entryPoints = [".", ...testing, ...modules.map((file) => file.replace(/\.ts$/, ""))]
  const tarball = pack(folder)
  execFileSync("attw", [tarball, "--profile", "esm-only", "--no-emoji", "--entrypoints", ...entryPoints], {
    stdio: "inherit"
  })
  if (folder === "packages/wait") await checkBuild(tarball, entryPoints)
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
