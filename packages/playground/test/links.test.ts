import { test } from "@effect-wait/browser/test"
import { Result } from "effect"
import { assert, describe, inject, it } from "vitest"
import { fromHash, toHash } from "../src/Link.ts"
import { defaults } from "../src/State.ts"
import { code, ending, linkTo, set, show, starts } from "./person.ts"

describe("a link", () => {
  it("has what is in use, and its version first", () => {
    assert.strictEqual(
      toHash({ ...defaults, kind: "ticker", period: "2s", jitter: "none", attempts: "" }),
      "v=2&source=controls&kind=ticker&period=2s&missed=&jitter=none&attempts=&within=&work=50ms&slow=&clients=100&down=20s" +
        "&failure=hangs&budget=throttling"
    )
  })

  it("gives the state that it was made of", () => {
    const states = [
      { ...defaults, base: "1ms", factor: "1.5", cap: "inf", jitter: "additive", share: "0.1", slow: "9s" },
      { ...defaults, source: "document", document: "a: 1 & b=2\n# ü 100 %", as: "grpc", policy: "a/b" },
      { ...defaults, kind: "wrong", attempts: "many" }
    ]
    for (const state of states) {
      const read = Result.getOrThrow(fromHash(`#${toHash(state)}`))
      assert.strictEqual(toHash(read), toHash(state))
    }
  })

  it("does not take fields that the page has not", () => {
    assert.deepStrictEqual(Result.getOrThrow(fromHash("#v=2&__proto__=x&constructor=y&base=3s")), {
      ...defaults,
      base: "3s"
    })
  })

  it.each(["#v=&base=1s", "#base=1s", "#v=x", "#v=__proto__", "#v=constructor"])(
    "that is damaged is refused: %s",
    (hash) => {
      assert.match(Result.getOrThrow(Result.flip(fromHash(hash))), /^This link is damaged/)
    }
  )
})

// These were sent to somebody. They do not change.
describe("a link that was sent", () => {
  test("of version 1 gives its state", async ({ open }) => {
    const page = await open(`${inject("url")}#v=1&kind=exponential&base=300&cap=2000&jit=none&n=5&work=10&clients=30`)
    assert.deepStrictEqual(await starts(page), [0, 310, 920, 2130, 4140])
    assert.include(await code(page), "Backoff.exponential({ base: \"300 millis\", cap: \"2 seconds\" })")
    assert.match(await page.locator("#crowd-title").innerText(), /^30 clients/)
    await show(page, {})
    await page.goto(`${inject("url")}#v=1&kind=nonSliding&base=500&jit=0.2&n=3`)
    const schedule = "Period.sliding(\"500 millis\").pipe(\n  Jitter.additive(0.2),\n  Period.fromStart,"
    assert.include(await code(page), schedule)
  })

  test("of version 2 gives its state", async ({ open }) => {
    const page = await open(
      `${
        inject("url")
      }#v=2&source=controls&kind=linear&base=1s&increment=500ms&cap=2s&jitter=none&attempts=4&within=&work=0` +
        "&slow=&clients=7&down=1m&failure=refuses&budget=none"
    )
    assert.deepStrictEqual(await starts(page), [0, 1000, 2500, 4500])
    assert.strictEqual(await page.getByLabel("Increment").inputValue(), "500ms")
    assert.strictEqual(await page.locator("#crowd-title").innerText(), "7 clients of a server that is down for 1m")
  })

  test("of a newer version says so, and the page works", async ({ open }) => {
    const page = await open(`${inject("url")}#v=3&kind=linear`)
    assert.strictEqual(
      await page.getByRole("alert").innerText(),
      "This link is of version 3. The newest version that this page reads is 2: open the link in a newer one."
    )
    await set(page, "Attempts", "2")
    assert.isFalse(await page.getByRole("alert").isVisible())
    assert.match(await ending(page), /^Ends after 2 runs/)
  })
})

describe("the address", () => {
  test("follows what is set, and survives a reload", async ({ open }) => {
    const page = await open(inject("url"))
    await set(page, "Schedule", "Period.sliding")
    await set(page, "Period", "7s")
    await set(page, "Jitter", "none")
    await page.waitForURL(/period=7s&jitter=none/)
    const before = await code(page)
    await page.reload()
    assert.strictEqual(await code(page), before)
    assert.deepStrictEqual((await starts(page)).slice(0, 2), [0, 7050])
  })

  test("does not take a link back that is opened right after a change", async ({ open }) => {
    const page = await open(linkTo({ attempts: "2" }))
    await page.evaluate((hash) => {
      const field = document.querySelector<HTMLInputElement>("#base")!
      field.value = "9s"
      field.dispatchEvent(new Event("input"))
      location.hash = hash
      // The page is busy for so long that its own change of the address comes first.
      history.replaceState(null, "", "#v=2&base=9s")
    }, new URL(linkTo({ attempts: "3" })).hash)
    await page.waitForFunction(() => document.querySelector("#code")?.textContent.includes("attempts(3)"))
    await page.waitForURL(/base=100ms.*attempts=3/)
    assert.strictEqual(await page.getByLabel("First delay").inputValue(), "100ms")
  })

  test("is copied as it is now", async ({ open }) => {
    const page = await open(inject("url"), { permissions: ["clipboard-read", "clipboard-write"] })
    await set(page, "First delay", "123ms")
    await page.getByRole("button", { name: "Copy a link to this page" }).click()
    await page.getByText("The link is copied.").waitFor()
    const copied = await page.evaluate(() => navigator.clipboard.readText())
    assert.strictEqual(copied, linkTo({ base: "123ms" }))
  })

  test("of an example opens it, and back is what was before", async ({ open }) => {
    const page = await open(linkTo({ attempts: "2" }))
    await page.getByRole("link", { name: "gRPC's retryPolicy" }).click()
    await page.getByRole("textbox", { name: "Policy document" }).waitFor()
    assert.include(await code(page), "Jitter.between(0.8, 1.2)")
    await page.goBack()
    assert.match(await ending(page), /^Ends after 2 runs/)
  })
})
