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

  // Node itself takes some 32 ms. A busy machine has as much more time as Node takes more there; the fastest of some counts.
  it.each([["retry", "-q", "true"], ["poll", "-q", "--file", "."], ["--version"]])(
    "ends within 250 ms, or 8 times the start of Node: %s %s",
    (...args) => {
      const timed = (args: ReadonlyArray<string>): number => {
        const before = performance.now()
        assert.strictEqual(spawnSync(process.execPath, args, { stdio: "ignore" }).status, 0)
        return performance.now() - before
      }
      let [fastest, node] = [Infinity, Infinity]
      for (let i = 0; i < 20 && fastest >= Math.max(250, 8 * node); i++) {
        node = Math.min(node, timed(["-e", "0"]))
        fastest = Math.min(fastest, timed([inject("bin"), ...args]))
      }
      assert.isBelow(fastest, Math.max(250, 8 * node))
    }
  )
})
