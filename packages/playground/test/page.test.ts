import { assertAccessible, test } from "@effect-wait/browser/test"
import { assert, describe, inject } from "vitest"
import type { State } from "../src/State.ts"
import { code, ending, linkTo, picture, set, show, starts, table } from "./person.ts"

const ticker: Partial<State> = {
  kind: "ticker",
  period: "1s",
  jitter: "none",
  attempts: "",
  work: "300ms",
  slow: "2.3s"
}

describe("the timeline", () => {
  test("is that of the schedule", async ({ open }) => {
    const page = await open(linkTo({ jitter: "none", attempts: "5", work: "0" }))
    assert.deepStrictEqual(await starts(page), [0, 100, 300, 700, 1500])
    assert.strictEqual(await ending(page), "Ends after 5 runs and 1.5s.")
    assert.deepStrictEqual((await table(page)).slice(0, 3), [["", "0", "0"], ["100", "100", "100"], [
      "200",
      "300",
      "300"
    ]])
  })

  test("marks a run that takes too long, and the slot that it misses", async ({ open }) => {
    const page = await open(linkTo(ticker))
    assert.deepStrictEqual((await starts(page)).slice(0, 6), [0, 1000, 2000, 4300, 5000, 6000])
    assert.strictEqual(await ending(page), "Runs without an end.")
    assert.match(await picture(page, "runs"), /overrun: longer than its period[^]*missed slot/)
    await set(page, "Missed slots", "none")
    assert.deepStrictEqual((await starts(page)).slice(0, 6), [0, 1000, 2000, 5000, 6000, 7000])
  })

  test("is that of four clients, where the delays are random", async ({ open }) => {
    const page = await open(linkTo())
    assert.match(await picture(page, "runs"), /client 1<[^]*client 4</)
    assert.match(await ending(page), /^Ends after 6 runs and [\d.]+s on average, [\d.]+s at most\.$/)
    await set(page, "Jitter", "none")
    assert.notMatch(await picture(page, "runs"), /client/)
  })

  test("has a calendar's dates in its time zone", async ({ open }) => {
    const page = await open(linkTo({
      kind: "cron",
      cron: "30 2 * * *",
      zone: "Europe/Berlin",
      from: "2026-03-28T00:00Z",
      jitter: "none",
      attempts: "3"
    }))
    assert.deepStrictEqual((await starts(page)).map((start) => start / 3_600_000), [1.5, 25, 48.5])
  })
})

describe("the controls", () => {
  // By the name of the control: where it starts, what is typed or chosen, and what is in the code then.
  const changes: ReadonlyArray<readonly [label: string, from: Partial<State>, to: string, code: string]> = [
    ["Schedule", {}, "Backoff.linear", "Backoff.linear({ base: \"100 millis\", cap: \"10 seconds\" })"],
    ["Schedule", {}, "Backoff.decorrelated", "Backoff.decorrelated({ base: \"100 millis\", cap: \"10 seconds\" })"],
    ["Schedule", {}, "Period.nonSliding", "Period.sliding(\"1 second\").pipe(\n  Jitter.full,\n  Period.fromStart,"],
    ["First delay", {}, "250ms", "base: \"250 millis\""],
    ["First delay", { kind: "decorrelatedV2" }, "2s", "Backoff.decorrelatedV2({ median: \"2 seconds\""],
    ["Factor", {}, "3", "factor: 3"],
    ["Increment", { kind: "linear" }, "50ms", "increment: \"50 millis\""],
    ["Longest delay", {}, "400ms", "cap: \"400 millis\""],
    ["Delays", { kind: "delays" }, "1s 2s, 3s", "Backoff.fromDelays([\"1 second\", \"2 seconds\", \"3 seconds\"])"],
    ["Period", { kind: "sliding" }, "2m", "Period.sliding(\"2 minutes\")"],
    [
      "Expression",
      { kind: "cron", from: "2026-01-01" },
      "0 3 * * *",
      "Period.cron(\"0 3 * * *\", { timeZone: \"UTC\" })"
    ],
    ["Time zone", { kind: "cron", cron: "@daily", from: "2026-01-01" }, "Asia/Tokyo", "timeZone: \"Asia/Tokyo\""],
    ["Missed slots", ticker, "one run each", "Period.ticker(\"1 second\", { missed: \"all\" })"],
    ["Jitter", {}, "equal: from half of the delay", "Jitter.equal"],
    ["Share", { jitter: "additive" }, "0.5", "Jitter.additive(0.5)"],
    ["Least factor", { jitter: "between" }, "0.1", "Jitter.between(0.1, 1.2)"],
    ["Greatest factor", { jitter: "between" }, "3", "Jitter.between(0.8, 3)"],
    ["Attempts", {}, "3", "Limit.attempts(3)"],
    ["Within", {}, "500ms", "Limit.within(\"500 millis\")"]
  ]

  test("each changes the timeline and the code", async ({ open }) => {
    const page = await open(linkTo())
    for (const [label, from, to, expected] of changes) {
      await show(page, from)
      const before = { table: await table(page), picture: await picture(page, "runs"), code: await code(page) }
      assert.notInclude(before.code, expected, label)
      await set(page, label, to)
      assert.include(await code(page), expected, label)
      assert.notDeepEqual(await table(page), before.table, label)
      assert.notStrictEqual(await picture(page, "runs"), before.picture, label)
    }
  })

  test("how long a run takes changes the timeline", async ({ open }) => {
    const page = await open(linkTo({ kind: "sliding", jitter: "none", attempts: "4" }))
    await set(page, "A run takes", "1s")
    assert.deepStrictEqual(await starts(page), [0, 2000, 4000, 6000])
    await set(page, "The third run takes", "5s")
    assert.deepStrictEqual(await starts(page), [0, 2000, 4000, 10_000])
  })

  test("when a calendar begins changes the timeline", async ({ open }) => {
    const page = await open(linkTo({ kind: "cron", cron: "0 * * * *", from: "2026-01-01T00:30Z", jitter: "none" }))
    assert.strictEqual((await starts(page))[0], 1_800_000)
    await set(page, "Begins", "2026-01-01T00:45Z")
    assert.strictEqual((await starts(page))[0], 900_000)
  })

  test("those of the crowd change its picture, and what is said of it", async ({ open }) => {
    const page = await open(linkTo())
    const title = page.locator("#crowd-title")
    const verdict = page.locator("#verdict")
    assert.strictEqual(await title.innerText(), "100 clients of a server that is down for 20s")
    assert.match(
      await verdict.innerText(),
      /^Without a budget, the server stays down; it is sent [\d,]+ requests\. With throttling, as in gRPC, the server is back after [\d.]+s; it is sent [\d,]+ requests\.$/
    )
    const seen = new Set([await picture(page, "crowd")])
    const changes = [
      ["Clients", "20"],
      ["The server is down for", "5s"],
      ["While it is down, it", "refuses all requests"],
      ["Retry budget", "quota, as in AWS' SDKs"]
    ] as const
    for (const [label, value] of changes) {
      await set(page, label, value)
      seen.add(await picture(page, "crowd"))
    }
    assert.strictEqual(seen.size, 5)
    assert.strictEqual(await title.innerText(), "20 clients of a server that is down for 5s")
    assert.include(await code(page), "RetryBudget.layerQuota()")
    await set(page, "Retry budget", "none")
    assert.notInclude(await code(page), "RetryBudget")
    assert.notInclude(await verdict.innerText(), "With ")
  })

  test("a field that is wrong says so, and the pictures wait", async ({ open }) => {
    const page = await open(linkTo({ jitter: "none" }))
    const before = await code(page)
    const field = page.getByLabel("First delay", { exact: true })
    await field.fill("fast")
    const sentence = "First delay must be a duration such as 100ms, 1.5s or 2m30s."
    assert.strictEqual(await ending(page), sentence)
    assert.strictEqual(await page.locator(`#${await field.getAttribute("aria-describedby")}`).innerText(), sentence)
    assert.strictEqual(await field.getAttribute("aria-invalid"), "true")
    assert.strictEqual(await code(page), before)
    await field.fill("1s")
    assert.isNull(await field.getAttribute("aria-invalid"))
    assert.include(await code(page), "base: \"1 second\"")
  })

  test("an expression that no calendar has says what to write instead", async ({ open }) => {
    const page = await open(linkTo({ kind: "cron", cron: "61 * * * *", from: "2026-01-01" }))
    assert.match(await ending(page), /^Expression cannot be read: .*61.*\.$/)
    await set(page, "Expression", "1 * * * *")
    await set(page, "Time zone", "Mars/Olympus")
    assert.match(await ending(page), /^Time zone cannot be read: .*Mars\/Olympus.*\.$/)
  })

  test("hide what has no meaning", async ({ open }) => {
    const page = await open(linkTo({ kind: "sliding" }))
    assert.isFalse(await page.getByLabel("Factor", { exact: true }).isVisible())
    assert.isTrue(await page.getByLabel("Period", { exact: true }).isVisible())
    await set(page, "Schedule", "Backoff.decorrelated")
    assert.isFalse(await page.getByLabel("Jitter", { exact: true }).isVisible())
    assert.isFalse(await page.getByLabel("Policy document", { exact: true }).isVisible())
  })
})

describe("by keyboard alone", () => {
  test("a schedule is set, and its code copied", async ({ open }) => {
    const page = await open(linkTo({ jitter: "none" }), { permissions: ["clipboard-read", "clipboard-write"] })
    const focused = () => page.evaluate(() => document.activeElement?.id || document.activeElement?.textContent)
    const tabTo = async (id: string) => {
      for (let i = 0; i < 40 && await focused() !== id; i++) await page.keyboard.press("Tab")
      assert.strictEqual(await focused(), id)
      const outline = await page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle)
      assert.notStrictEqual(outline, "none", `the focus on ${id} is seen`)
    }
    await tabTo("base")
    await page.keyboard.press("ArrowUp")
    assert.include(await code(page), "base: \"200 millis\"")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    assert.include(await code(page), "base: \"50 millis\"")
    await tabTo("jitter")
    await page.keyboard.type("equal")
    await tabTo("attempts")
    await page.keyboard.type("3")
    await tabTo("copy-code")
    await page.keyboard.press("Enter")
    await page.getByText("The code is copied.").waitFor()
    const copied = await page.evaluate(() => navigator.clipboard.readText())
    assert.strictEqual(copied, await page.locator("#code").textContent())
    assert.match(copied, /base: "50 millis"[^]*Jitter\.equal,\n {2}Limit\.attempts\(3\)/)
    await tabTo("clients")
    await page.keyboard.press("ArrowDown")
    assert.match(await page.locator("#crowd-title").innerText(), /^99 clients/)
  })
})

describe("with assistive technology", () => {
  const states: ReadonlyArray<
    readonly [name: string, state: Partial<State>, view: { readonly width: number; readonly scheme: "light" | "dark" }]
  > = [
    ["wide and light", {}, { width: 1280, scheme: "light" }],
    ["wide and dark", ticker, { width: 1280, scheme: "dark" }],
    ["narrow", { kind: "cron", from: "2026-01-01" }, { width: 360, scheme: "light" }],
    ["narrow and dark", {}, { width: 360, scheme: "dark" }],
    ["with a bad document", { source: "document", document: "steps: -1\nduration: 1s" }, {
      width: 1280,
      scheme: "light"
    }]
  ]
  test.for(states)("axe finds nothing serious: %s", async ([, state, view], { open }) => {
    const page = await open(linkTo(state), view)
    const summary = page.getByText("The same as a table")
    if (await summary.isVisible()) await summary.click()
    await assertAccessible(page)
  })

  test("pictures have names and descriptions, and what changes is read aloud", async ({ open }) => {
    const page = await open(linkTo())
    const images = await page.getByRole("img").evaluateAll((images) =>
      images.map((image) => [image.getAttribute("aria-label"), image.querySelector("desc")?.textContent])
    )
    assert.deepStrictEqual(images.map(([label]) => label), [
      "When it runs",
      "Delay before each run",
      "A server that is down for a while"
    ])
    assert.match(images[2]?.[1] ?? "", /^no budget: never back; throttling, as in gRPC: back after [\d.]+s$/)
    assert.strictEqual(await page.locator("#ending").getAttribute("aria-live"), "polite")
  })
})

describe("on a narrow screen", () => {
  test("nothing is wider than 360 pixels", async ({ open }) => {
    const page = await open(linkTo(), { width: 360, height: 740 })
    const wide = () =>
      page.evaluate(() =>
        Array.from(document.querySelectorAll("body *")).filter((element) =>
          element.getBoundingClientRect().right > 360.5 && element.closest("pre, svg") === null
        ).map(({ id, tagName }) => `${tagName} ${id}`)
      )
    assert.strictEqual(await page.evaluate(() => document.documentElement.scrollWidth), 360)
    assert.deepStrictEqual(await wide(), [])
    await page.getByLabel("A policy document").check()
    await page.getByRole("textbox", { name: "Policy document" }).fill("retryPolicy: { maxAttempts: 4 }")
    assert.strictEqual(await page.evaluate(() => document.documentElement.scrollWidth), 360)
    assert.deepStrictEqual(await wide(), [])
  })

  test("the pictures are drawn again when the window gets another width", async ({ open }) => {
    const page = await open(linkTo(), { width: 1280 })
    const width = () => page.locator("#runs-picture svg").getAttribute("width")
    const wide = Number(await width())
    await page.setViewportSize({ width: 600, height: 800 })
    await page.waitForFunction(
      (wide) => Number(document.querySelector("#runs-picture svg")?.getAttribute("width")) < wide,
      wide
    )
    assert.isAtMost(Number(await width()), 600)
  })
})

describe("without scripts", () => {
  test("the page says that it needs them", async ({ open }) => {
    const page = await open(inject("url"), { script: false })
    assert.strictEqual(
      await page.locator("noscript p").innerText(),
      "This page needs JavaScript: the library runs in it."
    )
  })
})
