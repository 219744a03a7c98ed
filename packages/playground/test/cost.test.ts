import { test } from "@effect-wait/browser/test"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { assert, describe, inject, it } from "vitest"
import { linkTo } from "./person.ts"

describe("the built page", () => {
  const files = () =>
    readdirSync(inject("site")).map((name) => [name, readFileSync(join(inject("site"), name))] as const)

  it("is three files of less than 150 kB in all, compressed", () => {
    assert.deepStrictEqual(files().map(([name]) => name), ["index.html", "playground.css", "playground.js"])
    const bytes = files().reduce((sum, [, file]) => sum + gzipSync(file, { level: 9 }).length, 0)
    assert.isAtMost(bytes, 150_000)
    assert.isAtLeast(bytes, 50_000)
  })

  test("loads these and nothing else", async ({ open, browser }) => {
    const page = await open("about:blank")
    const asked: Array<string> = []
    page.on("request", (request) => asked.push(request.url()))
    await page.goto(inject("url"))
    await page.locator("#runs-picture svg").waitFor()
    assert.deepStrictEqual(asked, ["", "playground.css", "playground.js"].map((name) => inject("url") + name))
    assert.isTrue(browser.isConnected())
  })

  test("answers a change within 100 ms, with 100 clients", async ({ open }) => {
    const page = await open(linkTo({ clients: "100" }))
    const session = await page.context().newCDPSession(page)
    // The time of the page's own thread: another process that takes the processor does not count.
    await session.send("Performance.enable", { timeDomain: "threadTicks" })
    const spent = async () =>
      (await session.send("Performance.getMetrics")).metrics.find(({ name }) => name === "ThreadTime")?.value ?? NaN
    const costs: Array<number> = []
    for (let i = 0; i < 20 && Math.min(...costs) >= 100 || i < 6; i++) {
      const before = await spent()
      await page.getByLabel("First delay").fill(`${100 + i}ms`)
      await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn))))
      costs.push(1000 * (await spent() - before))
    }
    // The first ones also compile.
    assert.isBelow(Math.min(...costs), 100, costs.map(Math.round).join(", "))
    assert.isAbove(Math.min(...costs), 1)
  })
})
