import { assert, describe, inject, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"

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

  // Of a busy machine, the fastest of some.
  it.each([["retry", "-q", "true"], ["poll", "-q", "--file", "."], ["--version"]])(
    "ends within 250 ms: %s %s",
    (...args) => {
      let fastest = Infinity
      for (let i = 0; i < 40 && fastest >= 250; i++) {
        const before = performance.now()
        const { status } = spawnSync(process.execPath, [inject("bin"), ...args], { stdio: "ignore" })
        assert.strictEqual(status, 0)
        fastest = Math.min(fastest, performance.now() - before)
      }
      assert.isBelow(fastest, 250)
    }
  )
})
