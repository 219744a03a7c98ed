import { test } from "@effect-wait/browser/test"
import { join } from "node:path"
import { assert, describe, inject } from "vitest"
import { toHash } from "../src/Link.ts"
import { defaults } from "../src/State.ts"
import { code, ending, linkTo, picture, set, starts } from "./person.ts"

const link = `#${toHash({ ...defaults, kind: "linear", jitter: "none", attempts: "3", work: "0" })}`

describe("the page", () => {
  test("works from a file, and follows what is set there", async ({ open }) => {
    const page = await open(`file://${inject("site")}/index.html${link}`)
    assert.deepStrictEqual(await starts(page), [0, 100, 300])
    await set(page, "Attempts", "2")
    await page.waitForURL(/attempts=2/)
    await page.reload()
    assert.deepStrictEqual(await starts(page), [0, 100])
    await page.getByRole("link", { name: "gRPC's retryPolicy" }).click()
    await page.locator("#document").waitFor()
    assert.include(await code(page), "Jitter.between(0.8, 1.2)")
  })

  test("works in a folder of any host, whatever it asks for", async ({ open }) => {
    const page = await open("about:blank")
    // A host that has the page in a folder, and nothing else.
    const host = "http://static.test/docs/playground/"
    await page.route("http://static.test/**", (route) => {
      const url = new URL(route.request().url())
      const name = url.href.startsWith(host) ? url.pathname.slice(new URL(host).pathname.length) : undefined
      return name === undefined
        ? route.fulfill({ status: 404 })
        : route.fulfill({ path: join(inject("site"), name === "" ? "index.html" : name) })
    })
    for (const address of [host, `${host}index.html`, `${host}?from=chat`]) {
      await page.goto("about:blank")
      await page.goto(address + link)
      assert.deepStrictEqual(await starts(page), [0, 100, 300], address)
    }
  })

  test("needs no clipboard: it says how to copy instead", async ({ open }) => {
    // A page by HTTP of another machine has no clipboard at all; elsewhere a person can refuse it.
    for (const clipboard of ["undefined", "{ writeText: () => Promise.reject(new Error('refused')) }"]) {
      const page = await open(linkTo({ attempts: "2" }))
      await page.evaluate(`Object.defineProperty(navigator, "clipboard", { value: ${clipboard} })`)
      await page.getByRole("button", { name: "Copy the code" }).click()
      await page.getByText("The browser does not let this page copy. The code is selected: copy it with the keyboard.")
        .waitFor()
      assert.strictEqual((await page.evaluate(() => getSelection()?.toString()))?.trim(), (await code(page)).trim())
      await set(page, "First delay", "123ms")
      await page.getByRole("button", { name: "Copy a link to this page" }).click()
      await page.getByText("The browser does not let this page copy. The address of the page is the link.").waitFor()
      assert.include(page.url(), "base=123ms")
    }
  })

  test("takes a link of 100 kB, and a document that is as deep", async ({ open }) => {
    const long = `# ${"x".repeat(100_000)}\ninterval: 1s\n`
    const page = await open(linkTo({ source: "document", document: long, work: "0" }))
    assert.deepStrictEqual((await starts(page)).slice(0, 3), [0, 1000, 2000])
    await page.locator("#document").fill("[".repeat(100_000))
    assert.match(await ending(page), /^Policy document cannot be read: line 1: this is no YAML: /)
  })

  test("says that a schedule has no end without waiting for it", async ({ open }) => {
    const page = await open(linkTo({ attempts: "1000000", base: "0", jitter: "none" }))
    assert.strictEqual(await ending(page), "Goes on for more than 10,000 runs.")
    assert.match(
      await page.locator("#verdict").innerText(),
      /^Without a budget, there are so many requests that the picture ends after /
    )
    assert.match(await picture(page, "crowd"), />too many requests</)
    assert.notMatch(await picture(page, "crowd"), />never back</)
  })

  test("does not call a server down that nobody calls", async ({ open }) => {
    const page = await open(linkTo({ base: "1h", cap: "1h", jitter: "none", budget: "none" }))
    assert.match(
      await page.locator("#verdict").innerText(),
      /^Without a budget, no client calls the server after the outage: their delays are longer than the picture; it is sent \d+ requests\.$/
    )
    assert.match(await picture(page, "crowd"), />no calls</)
  })

  test("has sliders that are seen where the system chooses the colours", async ({ open }) => {
    const page = await open(linkTo(), { forcedColors: true })
    const slider = page.locator(".field:has(#base) input[type=range]")
    const picture = () => slider.screenshot({ animations: "disabled" }).then((png) => png.toString("base64"))
    await slider.fill("0")
    const left = await picture()
    await slider.fill("10")
    assert.notStrictEqual(await picture(), left)
  })

  test("is the same in another window, with a state of its own", async ({ open }) => {
    const [one, two] = [await open(linkTo({ attempts: "2" })), await open(linkTo({ attempts: "4" }))]
    const other = await one.context().newPage()
    await other.goto(linkTo({ attempts: "3" }))
    await set(other, "First delay", "1s")
    await other.waitForURL(/base=1s/)
    assert.match(await ending(one), /^Ends after 2 runs/)
    assert.match(await ending(two), /^Ends after 4 runs/)
    await one.reload()
    assert.match(await ending(one), /^Ends after 2 runs/)
  })
})
