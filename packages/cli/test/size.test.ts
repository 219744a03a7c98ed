import { assert, describe, inject, it } from "@effect/vitest"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { onTestFinished } from "vitest"
import { fastest } from "./processor.ts"

const folder = () => dirname(inject("bin"))

describe("the bundle", () => {
  it("is no larger than 700 kB", () => {
    const files = readdirSync(folder()).filter((file) => file.endsWith(".js"))
    const bytes = files.reduce((sum, file) => sum + readFileSync(join(folder(), file)).length, 0)
    assert.isAtLeast(files.length, 5)
    assert.isAtMost(bytes, 700_000)
  })

  it("names all whose work is in it", () => {
    const licenses = readFileSync(join(folder(), "LICENSES.txt"), "utf8")
    const packages = ["effect", "@connectrpc/connect", "@bufbuild/protobuf", "https-proxy-agent", "jsonpath-rfc9535"]
    packages.forEach((name) => assert.match(licenses, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+\\n\\n\\s*\\S`, "m")))
    assert.include(licenses, "Apache License")
  })

  it.each([["retry", "-q", "true"], ["poll", "-q", "--file", "."], ["--version"]])(
    "ends within 250 ms: %s %s",
    (...args) => {
      const file = join(mkdtempSync(join(tmpdir(), "effect-wait-")), "times")
      onTestFinished(() => rmSync(dirname(file), { recursive: true }))
      const { elapsed, processor } = fastest(process.execPath, [inject("bin"), ...args], { below: 250, file })
      assert.isBelow(elapsed, 250)
      assert.isBelow(processor, 250)
    }
  )
})
