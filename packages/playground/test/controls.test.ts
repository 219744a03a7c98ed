import { assertAccessible, type Page, test } from "@effect-wait/browser/test"
import { assert, describe } from "vitest"
import { fields } from "../src/fields.ts"
import { defaults, type Name, names, type State } from "../src/State.ts"
import { code, ending, linkTo, picture, show, starts, table } from "./person.ts"

const several = "fast: { interval: 10ms, attempts: 2 }\nslow: { interval: 1h, attempts: 3 }"
const calendar = { kind: "cron", cron: "0 9 * * *", from: "2026-03-26", jitter: "none", attempts: "" } as const
const ticker = { kind: "ticker", jitter: "none", attempts: "", work: "300ms", slow: "3.3s" } as const
// As Kubernetes' wait.Backoff, or as a policy of a system that is not chosen by its keys.
const ambiguous = "{ duration: 10ms, factor: 5, steps: 4 }"
const pasted = (document: string) => ({ source: "document", document })

/** A state in which each control is seen, another value of it, and what changes then. */
const changes: Readonly<
  Record<Name, readonly [from: Partial<State>, to: string, changed: ReadonlyArray<"runs" | "code" | "crowd">]>
> = {
  source: [pasted(several), "controls", ["runs", "code", "crowd"]],
  kind: [{}, "linear", ["runs", "code", "crowd"]],
  base: [{}, "1.7s", ["runs", "code", "crowd"]],
  factor: [{}, "3", ["runs", "code", "crowd"]],
  increment: [{ kind: "linear" }, "2s", ["runs", "code", "crowd"]],
  cap: [{}, "400ms", ["runs", "code", "crowd"]],
  delays: [{ kind: "delays" }, "5ms 7ms 9ms", ["runs", "code", "crowd"]],
  period: [{ kind: "sliding" }, "70ms", ["runs", "code", "crowd"]],
  cron: [calendar, "0 10 * * *", ["runs", "code"]],
  zone: [calendar, "Asia/Tokyo", ["runs", "code"]],
  from: [calendar, "2026-03-26T04:00Z", ["runs"]],
  missed: [ticker, "all", ["runs", "code"]],
  jitter: [{}, "equal", ["runs", "code", "crowd"]],
  share: [{ jitter: "additive" }, "1.5", ["runs", "code", "crowd"]],
  least: [{ jitter: "between" }, "0.1", ["runs", "code", "crowd"]],
  most: [{ jitter: "between" }, "3", ["runs", "code", "crowd"]],
  attempts: [{}, "3", ["runs", "code", "crowd"]],
  within: [{}, "500ms", ["runs", "code", "crowd"]],
  document: [pasted(several), ambiguous, ["runs", "code", "crowd"]],
  as: [pasted(ambiguous), "temporal", []],
  policy: [pasted(several), "slow", ["runs", "code", "crowd"]],
  work: [{}, "200ms", ["runs"]],
  slow: [{}, "400ms", ["runs"]],
  clients: [{}, "20", ["crowd"]],
  down: [{}, "5s", ["crowd"]],
  failure: [{}, "refuses", ["crowd"]],
  budget: [{}, "quota", ["code", "crowd"]]
}

const control = (page: Page, name: Name) => page.locator(name === "source" ? "#source-controls" : `#${name}`)

const set = async (page: Page, name: Name, value: string): Promise<void> => {
  if (name === "source") return page.locator(`#source-${value}`).check()
  if (fields[name].kind === "choice") await control(page, name).selectOption(value)
  else await control(page, name).fill(value)
}

const seen = async (page: Page) => ({
  runs: [await table(page), await picture(page, "runs")].join(),
  code: await code(page),
  crowd: await picture(page, "crowd")
})

describe("each control", () => {
  test.for(names)("changes what it is for: %s", async (name, { open }) => {
    const [from, to, changed] = changes[name]
    const page = await open(linkTo(from))
    const before = await seen(page)
    await set(page, name, to)
    const after = await seen(page)
    const different = (["runs", "code", "crowd"] as const).filter((part) => before[part] !== after[part])
    assert.deepStrictEqual(different, changed)
    // A format either reads this document or refuses it.
    if (name === "as") assert.match(await ending(page), /^Policy document .*Temporal/)
    else assert.strictEqual(await page.locator("[aria-invalid]").count(), 0)
  })

  test("has no two options that do the same", async ({ open }) => {
    const page = await open(linkTo())
    for (const name of ["kind", "jitter", "missed", "failure", "budget"] as const) {
      const field = fields[name]
      const options = field.kind === "choice" ? field.options.map(([value]) => value) : []
      await show(page, { ...changes[name][0], from: "2026-03-26" })
      const results = new Set<string>()
      for (const option of options) {
        await set(page, name, option)
        assert.strictEqual(await page.locator("[aria-invalid]").count(), 0, option)
        results.add(JSON.stringify(await seen(page)))
      }
      assert.strictEqual(results.size, options.length, name)
    }
  })

  test("has a slider that moves its text, where it has one", async ({ open }) => {
    const page = await open(linkTo())
    let moved = 0
    for (const name of names) {
      const field = fields[name]
      if (field.kind !== "text" || field.steps === undefined) continue
      await show(page, changes[name][0])
      const slider = page.locator(`.field:has(#${name}) input[type=range]`)
      const before = await seen(page)
      // One that gives other runs, and a range whose ends are in order.
      const step = field.steps.indexOf(defaults[name]) + 1
      await slider.fill(String(step))
      assert.strictEqual(await control(page, name).inputValue(), field.steps[step], name)
      assert.notDeepEqual(await seen(page), before, name)
      moved++
    }
    assert.isAtLeast(moved, 12)
  })
})

/** Each panel of the page. */
const panels: ReadonlyArray<readonly [name: string, state: Partial<State>]> = [
  ...["exponential", "linear", "decorrelated", "decorrelatedV2", "delays", "sliding", "nonSliding", "ticker"].map(
    (kind) => [kind, { kind }] as const
  ),
  ["a calendar", calendar],
  ["additive jitter", { jitter: "additive" }],
  ["jitter between two factors", { jitter: "between" }],
  ["no jitter, no limit, no budget", { jitter: "none", attempts: "", budget: "none" }],
  ["an overrun", ticker],
  ["wrong fields", { base: "fast", factor: "x", cap: "", attempts: "0", work: "-1", clients: "1e9", down: "" }],
  ["a document of several policies", pasted(several)],
  ["a document of a calendar", { ...pasted("17 4 * * 1-5 backup"), as: "crontab", from: "2026-03-26" }],
  ["a document that is wrong", pasted("steps: -1\nduration: soon")],
  [
    "a document with long names",
    pasted(JSON.stringify({ [`a${"b".repeat(200)}`]: { interval: "1s" }, c: { interval: "2s" } }))
  ],
  ["huge numbers", { base: "99999999999999999999h", cap: "inf", work: "9999999h", clients: "200", down: "365d" }]
]

const openTable = async (page: Page): Promise<void> => {
  const summary = page.getByText("The same as a table")
  if (await summary.isVisible() && await page.locator("details[open]").count() === 0) await summary.click()
}

describe("each panel", () => {
  test.for([["light", "light"], ["dark", "dark"]] as const)(
    "has nothing that axe calls serious: %s",
    async ([, scheme], { open }) => {
      const page = await open(linkTo(), { scheme })
      for (const [, state] of panels) {
        await show(page, state)
        await openTable(page)
        await assertAccessible(page)
      }
    }
  )

  test("is no wider than 360 pixels", async ({ open }) => {
    const page = await open(linkTo(), { width: 360, height: 740 })
    for (const [name, state] of panels) {
      await show(page, state)
      await openTable(page)
      assert.strictEqual(await page.evaluate(() => document.documentElement.scrollWidth), 360, name)
      const wide = await page.evaluate(() =>
        Array.from(document.querySelectorAll("body *")).filter((element) =>
          element.getBoundingClientRect().right > 360.5 && element.closest("pre, svg, .scroll") === null
        ).map(({ id, tagName }) => `${tagName} ${id}`)
      )
      assert.deepStrictEqual(wide, [], name)
    }
  })

  test("is reached by keyboard, there and back, and the focus is seen", async ({ open }) => {
    const page = await open(linkTo())
    for (const [name, state] of panels) {
      await show(page, state)
      await openTable(page)
      // One radio of a group is reached, the others by its arrows.
      const expected = await page.evaluate(() => {
        const reached = Array.from(
          document.querySelectorAll<HTMLElement>("a[href], button, input, select, textarea, summary, [tabindex='0']")
        ).filter((element) =>
          element.tabIndex >= 0 && element.checkVisibility() &&
          !(element instanceof HTMLInputElement && element.type === "radio" && !element.checked)
        )
        document.querySelectorAll("[data-at]").forEach((element) => element.removeAttribute("data-at"))
        reached.forEach((element, i) => element.dataset["at"] = String(i))
        return reached.length
      })
      const walk = async (key: string, steps: number) => {
        const at: Array<number> = []
        for (let i = 0; i < steps; i++) {
          await page.keyboard.press(key)
          at.push(
            await page.evaluate(() => {
              const { activeElement } = document
              if (!(activeElement instanceof HTMLElement) || activeElement === document.body) return -1
              const { outlineStyle, outlineWidth } = getComputedStyle(activeElement)
              return outlineStyle === "none" || outlineWidth === "0px" ? -2 : Number(activeElement.dataset["at"])
            })
          )
        }
        return at
      }
      const all = Array.from({ length: expected }, (_, i) => i)
      await page.locator("[data-at='0']").focus()
      assert.deepStrictEqual(await walk("Tab", expected - 1), all.slice(1), name)
      assert.deepStrictEqual(await walk("Shift+Tab", expected - 1), all.toReversed().slice(1), name)
    }
  })

  test("is chosen by the arrows", async ({ open }) => {
    const page = await open(linkTo())
    await page.locator("#source-controls").focus()
    await page.keyboard.press("ArrowRight")
    assert.isTrue(await page.locator("#document").isVisible())
    await page.locator("#document").fill("a: 1")
    await page.locator("#document").focus()
    await page.keyboard.press("Tab")
    assert.strictEqual(await page.evaluate(() => document.activeElement?.id), "as")
  })
})

describe("a policy document of a calendar", () => {
  test("begins when it is set to, and one that is none has no beginning", async ({ open }) => {
    const page = await open(linkTo({ ...pasted("17 4 * * 1-5 backup"), as: "crontab", from: "2026-03-27T04:00Z" }))
    assert.deepStrictEqual((await starts(page)).slice(0, 2), [17 * 60_000, (72 * 60 + 17) * 60_000])
    await set(page, "from", "2026-03-27T04:16Z")
    assert.strictEqual((await starts(page))[0], 60_000)
    await page.waitForURL(/from=2026-03-27T04%3A16Z/)
    await set(page, "from", "soon")
    assert.strictEqual(await ending(page), "Begins must be a date such as 2026-03-28 or 2026-03-28T22:00Z.")
    await show(page, pasted(several))
    assert.isFalse(await page.locator("#from").isVisible())
  })

  test("of one policy offers no choice, and one that is wrong neither", async ({ open }) => {
    const page = await open(linkTo(pasted(ambiguous)))
    assert.isFalse(await page.locator("#policy").isVisible())
    await show(page, pasted("steps: -1"))
    assert.isFalse(await page.locator("#policy").isVisible())
    await show(page, pasted(several))
    assert.isTrue(await page.locator("#policy").isVisible())
  })
})

describe("a control that a link sets", () => {
  test.for(
    [
      ["kind", "constructor", "Schedule has no choice \"constructor\": choose another."],
      ["jitter", "__proto__", "Jitter has no choice \"__proto__\": choose another."],
      ["source", "file", "Schedule from has no choice \"file\": choose another."],
      [
        "budget",
        "<img src=x onerror=alert(1)>",
        "Retry budget has no choice \"<img src=x onerror=alert(1)>\": choose another."
      ],
      ["missed", "some", "Missed slots has no choice \"some\": choose another."],
      ["factor", "9".repeat(400), "Factor is too large for a number."],
      ["attempts", "1000000000", "Attempts must be a whole number from 1 to 1000000."],
      ["clients", "-1", "Clients must be a whole number from 1 to 200."],
      ["down", "9999999h", "The server is down for must be a duration of 365d or less."]
    ] as const
  )("to what it cannot be says so, and can be set right: %s", async ([name, value, sentence], { open }) => {
    const page = await open(linkTo({ ...name === "missed" ? ticker : {}, [name]: value }))
    assert.strictEqual(await ending(page), sentence)
    assert.strictEqual(await page.locator(`#${name}-problem`).innerText(), sentence)
    await set(page, name, defaults[name])
    assert.match(await ending(page), /^(Ends after|Runs)/)
    assert.strictEqual(await page.locator("img").count(), 0)
  })
})
