import { test } from "@effect-wait/browser/test"
import { readFileSync } from "node:fs"
import { assert, describe } from "vitest"
import { fixtures } from "../../documents/test/corpus.ts"
import { compile } from "./compile.ts"
import { code, ending, linkTo, set, starts } from "./person.ts"

const grpc = (base: string) =>
  `methodConfig:
  - name: [{ service: users }]
    retryPolicy:
      maxAttempts: 3
      initialBackoff: ${base}
      maxBackoff: 1s
      backoffMultiplier: 2
      retryableStatusCodes: [UNAVAILABLE]
`

// What the page says in other words than the command line.
const reasons: Readonly<Record<string, string>> = {
  "kubernetes-sensor-steps.yaml": "spec.triggers[0].retryStrategy.duration is missing",
  "otel-bare.yaml": "it could be Temporal's RetryPolicy or OpenTelemetry's retry_on_failure: choose what it is read as"
}

describe("a policy document", () => {
  test("is read as it is pasted", async ({ open }) => {
    const page = await open(linkTo())
    await page.getByLabel("A policy document").check()
    assert.strictEqual(
      await ending(page),
      "Policy document is empty: paste YAML, JSON, Java's properties or a crontab."
    )
    await page.getByRole("textbox", { name: "Policy document" }).fill("duration: 10ms\nfactor: 5\njitter: 0\nsteps: 4")
    assert.include(await code(page), "Backoff.toSchedule({ duration: \"10 millis\", factor: 5, jitter: 0, steps: 4 })")
    assert.deepStrictEqual(await starts(page), [0, 60, 160, 460])
  })

  test("of the field is read as it is pasted, or says why not, and its code compiles", async ({ open }) => {
    const page = await open(linkTo({ source: "document", clients: "1" }))
    const codes: Array<string> = []
    for (const { as = "", file, policies = [], refused } of fixtures) {
      await page.locator("#as").selectOption(as)
      await page.locator("#document").fill(
        readFileSync(new URL(`../../documents/test/fixtures/${file}`, import.meta.url), "utf8")
      )
      assert.strictEqual(
        await page.locator("#document").getAttribute("aria-invalid"),
        refused === undefined ? null : "true",
        file
      )
      if (refused !== undefined) {
        assert.include(
          (await page.locator("#document-problem").innerText()).replaceAll("\n", ""),
          reasons[file] ?? refused.replace(/, line \d+$/, ""),
          file
        )
        continue
      }
      codes.push(await code(page))
      const offered = await page.locator("#policy option").allInnerTexts()
      assert.strictEqual(new Set(offered).size, policies.length, file)
      for (const name of policies.length > 1 ? offered : []) {
        await page.locator("#policy").selectOption(name)
        codes.push(await code(page))
      }
    }
    assert.isAtLeast(codes.length, 60)
    compile("fixtures", codes)
  })

  test("that is wrong tells what, and where", async ({ open }) => {
    const page = await open(linkTo({ source: "document", document: grpc("soon") }))
    const area = page.getByRole("textbox", { name: "Policy document" })
    const problem = page.locator(`#${await area.getAttribute("aria-describedby")} li`)
    assert.match(
      await problem.innerText(),
      /^Line 5: methodConfig\[0\]\.retryPolicy\.initialBackoff must be a duration .*got "soon"$/
    )
    assert.isFalse(await page.getByRole("heading", { name: "TypeScript" }).isVisible())
    await page.getByRole("button", { name: "Line 5" }).click()
    const selected = await area.evaluate((area) =>
      area instanceof HTMLTextAreaElement ? area.value.slice(area.selectionStart, area.selectionEnd) : ""
    )
    assert.strictEqual(selected, "      initialBackoff: soon")
    await area.fill(grpc("0.1s"))
    assert.isNull(await area.getAttribute("aria-invalid"))
    assert.include(await code(page), "Backoff.exponential({ base: \"100 millis\", cap: \"1 second\" })")
    assert.include(await page.locator("#notes").innerText(), "UNAVAILABLE")
  })

  test("of a hedge is a hedge in the code and in the crowd, and a timeout of an attempt is said", async ({ open }) => {
    const hedging = "hedgingPolicy: { maxAttempts: 3, hedgingDelay: 0.02s }"
    const page = await open(linkTo({ source: "document", document: hedging }))
    assert.include(
      await code(page),
      "// Attempts beside each other: call.pipe(hedge)\nexport const hedge = Retry.hedge(schedule, { budget: \"server\" })"
    )
    assert.notInclude(await code(page), "Retry.run")
    assert.include(await page.locator("#how").innerText(), "waits 1s for an answer, and hedges with this schedule")
    // Three attempts of each call, where a retry would make them one after the other.
    const [, hedged = ""] = /is sent ([\d,]+) requests/.exec(await page.locator("#verdict").innerText()) ?? []
    await page.locator("#document").fill("interval: 20ms\nattempts: 3")
    const [, retried = ""] = /is sent ([\d,]+) requests/.exec(await page.locator("#verdict").innerText()) ?? []
    assert.notStrictEqual(hedged, retried)
    await page.locator("#document").fill(
      "kind: CronJob\nspec:\n  schedule: 0 4 * * *\n  jobTemplate: { spec: { activeDeadlineSeconds: 90 } }"
    )
    assert.include(await page.locator("#notes").innerText(), "An attempt ends after 1m30s.")
  })

  test("that is no YAML tells where it breaks", async ({ open }) => {
    const page = await open(linkTo({ source: "document", document: "duration: 1s\nsteps: [1" }))
    assert.match(await ending(page), /^Policy document cannot be read: line \d: this is no YAML: /)
    assert.strictEqual(await page.getByRole("button", { name: /^Line \d$/ }).count(), 1)
    assert.match(await page.locator("#document-problem").innerText(), /^Line \d: cannot be read: this is no YAML: /)
  })

  test("that has several policies lets choose", async ({ open }) => {
    const document = "fast: { interval: 10ms, attempts: 2 }\nslow: { interval: 1h, attempts: 3 }"
    const page = await open(linkTo({ source: "document", document, work: "0" }))
    assert.deepStrictEqual(await starts(page), [0, 10])
    await set(page, "Policy", "slow")
    assert.deepStrictEqual(await starts(page), [0, 3_600_000, 7_200_000])
    await page.waitForURL(/policy=slow/)
    await page.reload()
    assert.deepStrictEqual(await starts(page), [0, 3_600_000, 7_200_000])
  })

  test("is text, never markup", async ({ open }) => {
    const markup = "<img src=x onerror=document.title=1>"
    const document = JSON.stringify({ [markup]: { interval: "1s" }, [`${markup} 2`]: { interval: markup } })
    const page = await open(linkTo({ source: "document", document }))
    assert.include(await ending(page), markup)
    await page.getByRole("textbox", { name: "Policy document" }).fill(
      JSON.stringify({ [markup]: { interval: "1s" }, other: { interval: "2s" } })
    )
    assert.include(await page.getByLabel("Policy", { exact: true }).innerText(), markup)
    assert.strictEqual(await page.locator("img").count(), 0)
    assert.match(await page.title(), /^What will/)
  })
})
