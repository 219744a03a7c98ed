/** `pnpm pictures`: every picture of the docs, made again. The same program gives the same bytes; of pages, with the same browser and fonts. */
import { spawnSync } from "node:child_process"

const run = (...args: ReadonlyArray<string>): void => {
  const { status } = spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", ...args], {
    stdio: "inherit"
  })
  if (status !== 0) process.exit(status ?? 1)
}

run("scripts/outage/main.ts")
run("scripts/hedging/main.ts")
run("scripts/docs/main.ts", "--write")
run("scripts/pictures/pages.ts")
run("packages/cli/src/bin.ts", "preview", "--policy", "docs/policies.yaml", "--svg", "docs/preview.svg")
