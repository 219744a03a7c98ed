import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe } from "vitest"
import { faults, open, screenshot } from "../src/index.ts"
import { assertAccessible, test } from "../src/test.ts"

const page = (body: string, head = "<title>A page</title>") =>
  `data:text/html,${
    encodeURIComponent(`<!doctype html><html lang="en"><head>${head}</head><body>${body}</body></html>`)
  }`

describe("open", () => {
  test("opens a page in the size and the colours that are asked for", async ({ open }) => {
    const opened = await open(page("<main><h1>Loops</h1></main>"), { width: 360, height: 640, scheme: "dark" })
    assert.strictEqual(await opened.getByRole("heading").textContent(), "Loops")
    const seen = await opened.evaluate("[innerWidth, innerHeight, matchMedia('(prefers-color-scheme: dark)').matches]")
    assert.deepStrictEqual(seen, [360, 640, true])
    await assertAccessible(opened)
  })

  test("collects what goes wrong in a page", async ({ browser }) => {
    const { errors, page: opened } = await open(
      browser,
      page("<script>console.error('on the console'); setTimeout(() => { throw new Error('not caught') })</script>")
    )
    await opened.waitForFunction(() => true)
    await opened.context().close()
    assert.lengthOf(errors, 2)
    assert.strictEqual(errors[0], "on the console")
    assert.match(errors[1] ?? "", /^Error: not caught\n {4}at /)
  })

  test("opens a page without its scripts", async ({ open }) => {
    const opened = await open(page("<noscript>No script</noscript><script>document.write('Script')</script>"), {
      script: false
    })
    assert.strictEqual(await opened.locator("body").innerText(), "No script")
  })
})

describe("faults", () => {
  test("names the rule, and where it is broken", async ({ open }) => {
    const opened = await open(page("<main><h1>Loops</h1><button id=stop></button></main>"))
    const found = await faults(opened)
    assert.deepStrictEqual(found.map(({ at, impact, rule }) => ({ at, impact, rule })), [
      { at: ["#stop"], impact: "critical", rule: "button-name" }
    ])
  })

  test("works under a Content-Security-Policy", async ({ open }) => {
    const policy = `<title>A page</title><meta http-equiv="Content-Security-Policy" content="default-src 'none'">`
    const opened = await open(page("<main><h1>Loops</h1></main>", policy))
    await assertAccessible(opened)
  })
})

describe("screenshot", () => {
  test("writes a PNG of the size of the window", async ({ open }) => {
    const folder = mkdtempSync(join(tmpdir(), "effect-wait-browser-"))
    try {
      const opened = await open(page("<h1>Loops</h1>"), { width: 300, height: 200, scale: 2 })
      await screenshot(opened, join(folder, "loops.png"))
      const png = readFileSync(join(folder, "loops.png"))
      assert.deepStrictEqual([png.toString("latin1", 1, 4), png.readUInt32BE(16), png.readUInt32BE(20)], [
        "PNG",
        600,
        400
      ])
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
