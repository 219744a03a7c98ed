import { assert, describe, inject, it } from "@effect/vitest"
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../..", import.meta.url))
const run = (...args: ReadonlyArray<string>) =>
  execFileSync(process.execPath, [inject("bin"), ...args], { cwd: root, encoding: "utf8", maxBuffer: 2 ** 26 })

// A command line, and the text right below it.
const shown = readFileSync(join(root, "packages/cli/README.md"), "utf8")
  .matchAll(/```sh\neffect-wait ([^\n]*)\n```\n\n```text\n(.*?)```/gs)

describe("the README", () => {
  it.each(Array.from(shown, ([, args = "", printed = ""]) => ({ args, printed })))(
    "shows what $args prints",
    ({ args, printed }) => assert.strictEqual(run(...args.split(" ")), printed)
  )

  it("has the picture that its command draws", ({ onTestFinished }) => {
    const folder = mkdtempSync(join(tmpdir(), "effect-wait-"))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const svg = join(folder, "preview.svg")
    run("preview", "--policy", "docs/policies.yaml", "--svg", svg)
    assert.strictEqual(readFileSync(svg, "utf8"), readFileSync(join(root, "docs/preview.svg"), "utf8"))
  })
})

describe("output to a pipe", () => {
  it("is complete, however long it is", () => {
    const printed = run("preview", "--backoff", "1ms..2s", "--runs", "3000", "--seeds", "1", "--json")
    assert.isAbove(printed.length, 500_000)
    assert.isObject(JSON.parse(printed))
  })

  it("ends when it is interrupted, and says before that it takes long", () => {
    const { signal, stderr } = spawnSync(process.execPath, [
      inject("bin"),
      "herd",
      "--clients",
      "1000",
      "--rounds",
      "100"
    ], {
      timeout: 2000,
      killSignal: "SIGINT",
      encoding: "utf8"
    })
    assert.match(
      stderr,
      /^effect-wait: simulates 1000 clients 100 times, which may take minutes; --rounds 1 is faster\n/
    )
    assert.strictEqual(signal, "SIGINT")
  })
})
