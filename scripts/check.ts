/** The gate: every `check:...` script of package.json in turn, up to the first that fails. A line for each. */
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"

const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { readonly scripts: Record<string, string> }
const env = { ...process.env, NO_COLOR: "1" }

for (const name of Object.keys(scripts).filter((name) => name.startsWith("check:"))) {
  const begin = performance.now()
  const { status, stderr, stdout } = spawnSync(process.execPath, ["--run", name], { encoding: "utf8", env })
  const seconds = ((performance.now() - begin) / 1000).toFixed(1)
  console.log(`${status === 0 ? "ok    " : "FAILED"} ${name.padEnd(16)} ${seconds.padStart(5)} s  ${scripts[name]}`)
  if (status !== 0) {
    console.log(stdout + stderr)
    process.exit(1)
  }
}
