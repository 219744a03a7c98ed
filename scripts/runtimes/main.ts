/**
 * `pnpm runtimes`: the packed library on each runtime that `docs/support.md` names. It needs npm's registry, and for the browser a
 * Chromium. A runtime that cannot be had is said to be left out.
 */
import { execFileSync } from "node:child_process"
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"

const folder = mkdtempSync(join(tmpdir(), "effect-wait-runtimes-"))
process.on("exit", () => rmSync(folder, { recursive: true }))

const PATH = process.env["PATH"]!.split(delimiter).filter((path) => !path.includes("node_modules")).join(delimiter)
const run = (command: string, ...args: ReadonlyArray<string>): string =>
  execFileSync(command, args, {
    cwd: folder,
    env: { ...process.env, PATH },
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"]
  }).trim()

execFileSync("pnpm", ["pack", "--pack-destination", folder], { cwd: "packages/wait", stdio: "ignore" })
writeFileSync(join(folder, "package.json"), `{ "private": true, "type": "module" }`)
const { version } = JSON.parse(readFileSync("packages/wait/node_modules/effect/package.json", "utf8")) as {
  version: string
}
run("npm", "install", "--no-audit", "--no-fund", `effect@${version}`, globSync("*.tgz", { cwd: folder })[0]!)
cpSync("scripts/runtimes/smoke.js", join(folder, "smoke.js"))

const chromium = ["chromium", "google-chrome", "chromium-browser"].find((name) =>
  PATH.split(delimiter).some((path) => globSync(join(path, name)).length > 0)
)

const inBrowser = (): readonly [name: string, said: string] => {
  if (chromium === undefined) throw new Error("no Chromium")
  const bundled = join(folder, "bundle.js")
  const args = [
    "smoke.js",
    "--bundle",
    "--format=esm",
    "--platform=browser",
    `--outfile=${bundled}`,
    "--log-level=error"
  ]
  run(join(process.cwd(), "scripts/bench/node_modules/.bin/esbuild"), ...args)
  const page = join(folder, "page.html")
  writeFileSync(
    page,
    `<body><script type="module">${readFileSync(bundled, "utf8").replaceAll("</script", "<\\/script")}</script>`
  )
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom"]
  const dom = run(chromium, ...flags, `file://${page}`)
  return [run(chromium, "--version"), /<body>([^<]*)/.exec(dom)?.[1] ?? dom.slice(0, 200)]
}

/** A runtime from npm, as npx fetches it. */
const fromNpm =
  (name: string, version: string, ...args: ReadonlyArray<string>) => (): readonly [name: string, said: string] => {
    const npx = (...rest: ReadonlyArray<string>) =>
      run("npx", "--yes", `--package=${name}@${version}`, "--", name, ...rest)
    return [`${name} ${npx("--version").split("\n")[0]!.replace(/^v|^deno | \(.*/g, "")}`, npx(...args, "smoke.js")]
  }

const runtimes = [
  fromNpm("node", "20"),
  fromNpm("node", "22"),
  fromNpm("node", "24"),
  fromNpm("bun", "1"),
  fromNpm("deno", "2", "run", "--allow-all"),
  inBrowser
]
let isWell = true
for (const runtime of runtimes) {
  try {
    const [name, said] = runtime()
    isWell &&= said.startsWith("ok")
    console.log(`${name.padEnd(28)} ${said}`)
  } catch (error) {
    console.log(`left out: ${String(error).split("\n")[0]}`)
  }
}
console.log(`effect ${version}`)
process.exit(isWell ? 0 : 1)
