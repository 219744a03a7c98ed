import * as browsers from "@effect-wait/browser"
import { assertAccessible, type Page, test } from "@effect-wait/browser/test"
import { Effect, type Scope } from "effect"
import { Loop, Period } from "effect-wait"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { connect, createServer, type Socket } from "node:net"
import { gzipSync } from "node:zlib"
import { assert, describe, onTestFinished } from "vitest"
import { assets as build, file } from "../build.ts"
import * as assets from "../src/internal/assets.ts"
import { serve, type Served } from "./serve.ts"

/** A service that ends with the spec, after the pages: a page that loses its server has errors. */
const service = async (...args: Parameters<typeof serve>): Promise<Served> => {
  const served = await serve(...args)
  onTestFinished(served.close)
  return served
}

interface Steered {
  fails: boolean
  loop: Loop.Loop<unknown, unknown> | undefined
}

/** A loop whose runs a spec lets fail. */
const steered = (name: string, period = "50 minutes" as const): [Steered, Effect.Effect<void, never, Scope.Scope>] => {
  const state: Steered = { fails: false, loop: undefined }
  const work = Loop.survive(
    Effect.suspend(() => state.fails ? Effect.fail(new Error("out of <b>disk</b>")) : Effect.void)
  )
  return [
    state,
    Effect.map(Loop.forkScoped(work, Period.sliding(period), { name, history: 10 }), (loop) => {
      state.loop = loop
    })
  ]
}

const rowOf = (page: Page, name: string) =>
  page.getByRole("row").filter({ has: page.getByRole("button", { name, exact: true }) })

/** Waits for a text in the row of a loop: how many milliseconds it took. */
const timeTo = async (page: Page, name: string, text: string, act: Effect.Effect<unknown>): Promise<number> => {
  const start = performance.now()
  await Effect.runPromise(act)
  await rowOf(page, name).getByText(text).first().waitFor({ timeout: 5000 })
  return performance.now() - start
}

/** A wire to a service that can carry nothing, as to a service that stands still: its connections stay open. */
const makeWire = async (port: number) => {
  const wire = { isQuiet: false, url: "" }
  const server = createServer((browser) => {
    const service = connect(port, "127.0.0.1")
    const carry = (from: Socket, to: Socket) => {
      from.on("data", (data) => {
        if (!wire.isQuiet) to.write(data)
      })
      from.on("close", () => to.destroy())
      from.on("error", () => to.destroy())
    }
    carry(browser, service)
    carry(service, browser)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  onTestFinished(() => void server.close())
  const address = server.address()
  wire.url = `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`
  return wire
}

const live = (page: Page) => page.getByText("Live").waitFor()

describe("the page", () => {
  test("shows runs, failures and pauses within a second", async ({ open }) => {
    const [state, sync] = steered("sync")
    const { url } = await service(sync)
    const page = await open(`${url}/loops`)
    await rowOf(page, "sync").getByText("in 49m").first().waitFor()
    const { pause, resume, trigger } = state.loop!
    await page.waitForTimeout(1100)

    const times = [
      await timeTo(page, "sync", "2 runs in", trigger),
      await timeTo(
        page,
        "sync",
        "out of <b>disk</b>",
        Effect.suspend(() => {
          state.fails = true
          return trigger
        })
      ),
      await timeTo(page, "sync", "failing", Effect.void),
      await timeTo(page, "sync", "paused", pause),
      await timeTo(page, "sync", "failing", resume)
    ]

    for (const time of times) assert.isBelow(time, 1000, String(times))
  })

  test("counts down, and moves its lanes", async ({ open }) => {
    const { url } = await service(
      Loop.forkScoped(Effect.void, Period.sliding("30 seconds"), { name: "sync", history: 10 })
    )
    const page = await open(`${url}/loops`)
    const next = rowOf(page, "sync").locator(".next")
    const bar = rowOf(page, "sync").locator(".lane .run")
    const seen = [await next.innerText(), await bar.getAttribute("d")]
    await page.waitForTimeout(3200)
    const later = [await next.innerText(), await bar.getAttribute("d")]
    const secondsOf = (text: string | null | undefined) => Number(/in (\d+)s/.exec(text ?? "")?.[1])

    assert.include([2, 3, 4], secondsOf(seen[0]) - secondsOf(later[0]))
    assert.notStrictEqual(seen[1], later[1])
  })

  test("counts by the clock of the server, whatever that of the browser says", async ({ browser }) => {
    const { url } = await service(steered("sync")[1])
    const { errors, page } = await browsers.open(browser, "about:blank")
    await page.addInitScript(() => {
      const now = Date.now
      Date.now = () => now() - 3_600_000
    })
    await page.goto(`${url}/loops`)
    await rowOf(page, "sync").getByText(/^in (49m[0-9]+s|50m)$/).waitFor()
    assert.match(await rowOf(page, "sync").locator(".last").innerText(), /^(just now|\ds ago), took /)
    assert.deepStrictEqual(errors, [])
    await page.context().close()
  })

  test("marks the slots that were missed, and the end of a loop", async ({ open }) => {
    const state: { loop: Loop.Loop<unknown, unknown> | undefined } = { loop: undefined }
    const { url } = await service(Effect.map(
      Loop.forkScoped(Effect.sleep("1500 millis"), Period.ticker("1 second"), { name: "sync", history: 10 }),
      (loop) => {
        state.loop = loop
      }
    ))
    const page = await open(`${url}/loops`)
    const mark = (name: string) => rowOf(page, "sync").locator(`.lane .${name}`).getAttribute("d")
    await rowOf(page, "sync").getByText("slot missed").waitFor()
    assert.match(await mark("missed") ?? "", /^(M[\d.]+ 11a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0 -5 0)+$/)
    assert.strictEqual(await mark("end"), "")
    await page.getByRole("button", { name: "sync", exact: true }).click()
    await page.getByRole("cell", { name: "ok \u00b7 1 slot missed" }).first().waitFor()
    await page.keyboard.press("Escape")
    await Effect.runPromise(state.loop!.interrupt)
    await rowOf(page, "sync").getByText("none").waitFor({ timeout: 1000 })
    assert.strictEqual(await mark("end"), "M218 2v18")
  })

  test("keeps its title up to date in the background, without a connection and without frames", async ({ browser }) => {
    const [state, sync] = steered("sync")
    const { url } = await service(sync)
    const { page } = await browsers.open(browser, "about:blank")
    let streams = 0
    const countBy = (by: number) => (request: { readonly url: () => string }) => {
      if (request.url().endsWith("/changes")) streams += by
    }
    page.on("request", countBy(1))
    page.on("requestfailed", countBy(-1))
    page.on("requestfinished", countBy(-1))
    await page.clock.install()
    await page.goto(`${url}/loops`)
    await live(page)
    assert.strictEqual(streams, 1)

    await page.evaluate(() => {
      Object.defineProperty(document, "hidden", { value: true, configurable: true })
      Object.assign(globalThis, { requestAnimationFrame: () => 0 })
      document.dispatchEvent(new Event("visibilitychange"))
    })
    state.fails = true
    await Effect.runPromise(state.loop!.trigger)
    await page.waitForTimeout(1000)
    assert.deepStrictEqual([streams, await page.title()], [0, "<b>Loops</b>"])
    await page.clock.fastForward(31_000)
    await page.waitForTimeout(1000)
    assert.deepStrictEqual([streams, await page.title()], [0, "(1 failing) <b>Loops</b>"])

    state.fails = false
    await Effect.runPromise(state.loop!.trigger)
    await page.evaluate(() => {
      Object.defineProperty(document, "hidden", { value: false, configurable: true })
      document.dispatchEvent(new Event("visibilitychange"))
    })
    await page.waitForTimeout(1000)
    assert.deepStrictEqual([streams, await page.title()], [1, "<b>Loops</b>"])
    await page.context().close()
  })

  test("says when the server stands still, and works again when it goes on", async ({ browser }) => {
    const { port } = await service(steered("sync")[1], { actions: "anyone" })
    const wire = await makeWire(port)
    const { page } = await browsers.open(browser, `${wire.url}/loops`)
    await rowOf(page, "sync").getByText("waiting").waitFor()
    wire.isQuiet = true
    await page.getByRole("button", { name: "Run now: sync" }).click()
    await page.getByText("sync: The server does not answer").waitFor({ timeout: 15_000 })
    await page.getByText("Connection lost").waitFor({ timeout: 5000 })
    wire.isQuiet = false
    await live(page)
    await page.context().close()
  })

  test("lists new loops, and drops those whose Scope closed", async ({ open }) => {
    let start = () => {}
    const short = Effect.scoped(
      Effect.andThen(
        Loop.forkScoped(Effect.void, Period.sliding("1 hour"), { name: "short" }),
        Effect.sleep("1500 millis")
      )
    )
    const { url } = await service(Effect.gen(function*() {
      yield* Loop.forkScoped(Effect.void, Period.sliding("1 hour"), { name: "long" })
      const begun = Effect.callback<void>((resume) => {
        start = () => resume(Effect.void)
      })
      yield* Effect.forkScoped(Effect.andThen(begun, short))
    }))
    const page = await open(`${url}/loops`)
    await rowOf(page, "long").waitFor()
    start()
    await rowOf(page, "short").waitFor({ timeout: 1000 })
    await rowOf(page, "short").waitFor({ state: "detached", timeout: 3000 })
    assert.deepStrictEqual(await page.locator(".opener").allInnerTexts(), ["long"])
  })

  test("recovers when the server starts again", async ({ browser }) => {
    const first = await service(steered("first")[1])
    const { page } = await browsers.open(browser, `${first.url}/loops`)
    await rowOf(page, "first").waitFor()

    const start = performance.now()
    await first.close()
    const closing = performance.now() - start
    await page.getByText("Connection lost").waitFor({ timeout: 1000 })
    await page.waitForTimeout(2000)
    await service(steered("second")[1], { port: first.port })
    await rowOf(page, "second").waitFor({ timeout: 5000 })

    await live(page)
    assert.deepStrictEqual(await page.locator(".opener").allInnerTexts(), ["second"])
    // An open page does not hold up a shutdown.
    assert.isBelow(closing, 1000)
    await page.context().close()
  })

  test("shows names, errors and titles as text", async ({ open }) => {
    const name = `<img src=x onerror="document.title='hit'">`
    const [state, hostile] = steered(name)
    state.fails = true
    const { url } = await service(hostile)
    const page = await open(`${url}/loops`)
    await page.getByRole("button", { name, exact: true }).click()
    await page.getByRole("dialog").getByText("out of <b>disk</b>").first().waitFor()

    assert.strictEqual(await page.getByRole("heading", { level: 1 }).innerText(), "<b>Loops</b>")
    assert.strictEqual(await page.getByRole("dialog").getByRole("heading").innerText(), name)
    assert.strictEqual(await page.locator("img, b:not(.chip b)").count(), 0)
    assert.strictEqual(await page.title(), "(1 failing) <b>Loops</b>")
  })

  test("shows names of blanks, of 10,000 characters, and the same name twice", async ({ open }) => {
    const long = "x".repeat(10_000)
    const { url } = await service(
      Effect.forEach(["  ", long, "same", "same", "loop-10", "loop-9"], (name) => steered(name)[1]),
      { actions: "anyone" }
    )
    const page = await open(`${url}/loops`)
    await rowOf(page, long).getByText("waiting").waitFor()
    await assertAccessible(page)
    assert.deepStrictEqual(
      (await page.locator(".opener").allTextContents()).map((name) => name.slice(0, 8)),
      ["\"  \"", "loop-9", "loop-10", "same", "same", "xxxxxxxx"]
    )
    const [width, inner] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
    assert.isAtMost(width!, inner!)
    await page.getByRole("button", { name: long, exact: true }).click()
    await page.getByRole("dialog").getByRole("button", { name: "Pause" }).click()
    await page.getByText(`${"x".repeat(60)}\u2026: paused`).waitFor()
    const { height } = await page.getByRole("dialog").getByRole("heading").boundingBox() ?? { height: 0 }
    assert.isAtMost(height, 110)
  })

  test("says how many runs it knows, where there were more", async ({ open }) => {
    const { url } = await service(
      Loop.forkScoped(Effect.void, Period.sliding("20 millis"), { name: "sync", history: 5 })
    )
    const page = await open(`${url}/loops`)
    await page.waitForTimeout(500)
    await rowOf(page, "sync").getByText(/^the last \d+ runs$/).waitFor()
  })

  test("has a policy that stops what gets into it, and that it keeps itself", async ({ browser }) => {
    const { url } = await service(steered("sync")[1], { actions: "token" })
    const { errors, page } = await browsers.open(browser, "about:blank")
    await page.addInitScript(() => {
      const reports: Array<string> = []
      Object.assign(globalThis, { reports })
      document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => reports.push(effectiveDirective))
    })
    await page.goto(`${url}/loops`)
    await rowOf(page, "sync").waitFor()
    await page.getByRole("button", { name: "sync", exact: true }).click()
    await page.keyboard.press("Escape")
    await page.getByRole("button", { name: "Run now: sync" }).click()
    await page.getByRole("heading", { name: "Authorization" }).waitFor()
    const reports = () => page.evaluate("reports")
    assert.deepStrictEqual(await reports(), [])
    assert.deepStrictEqual(errors.filter((error) => !error.includes("401")), [])

    await page.evaluate(() => {
      const script = document.createElement("script")
      script.append("document.title = 'hit'")
      document.body.append(script)
      const styled = document.createElement("p")
      styled.setAttribute("style", "color: red")
      const image = document.createElement("img")
      image.src = "http://127.0.0.1:9/x.png"
      document.body.append(styled, image)
      try {
        styled.innerHTML = "<b>markup</b>"
      } catch {
        // That is the policy.
      }
    })
    await page.waitForTimeout(200)
    // A script element is stopped before its source matters.
    assert.deepStrictEqual(
      new Set(await reports() as Array<string>),
      new Set(["require-trusted-types-for", "style-src-attr", "img-src"])
    )
    assert.notInclude(await page.title(), "hit")
    await page.context().close()
  })
})

describe("actions", () => {
  test("are not there without an authorization", async ({ open }) => {
    const { url } = await service(steered("sync")[1])
    const page = await open(`${url}/loops`)
    await rowOf(page, "sync").waitFor()
    const buttons = () => page.locator("main button, dialog button").allInnerTexts()
    assert.deepStrictEqual(await buttons(), ["sync", "\u00d7"])
    await page.getByRole("button", { name: "sync", exact: true }).click()
    await page.getByRole("dialog").waitFor()
    assert.deepStrictEqual(await buttons(), ["sync", "\u00d7"])
  })

  test("ask for the token, and say when it is wrong", async ({ browser }) => {
    const [state, sync] = steered("sync")
    const { url } = await service(sync, { actions: "token" })
    const { errors, page } = await browsers.open(browser, `${url}/loops`)
    const runs = () => Effect.runPromise(Effect.map(state.loop!.status, ({ runs }) => runs))
    const answer = async (token: string) => {
      await page.getByLabel("Token").fill(token)
      await page.getByRole("button", { name: "Continue" }).click()
    }

    await page.getByRole("button", { name: "Run now: sync" }).click()
    await answer("guess")
    await page.getByText("sync: You are not authorized").waitFor()
    assert.strictEqual(await runs(), 1)

    await page.getByRole("button", { name: "Run now: sync" }).click()
    await answer("secret")
    await page.getByText("sync: run requested").waitFor()
    assert.strictEqual(await runs(), 2)

    // The page remembers the token.
    await page.getByRole("button", { name: "Pause: sync" }).click()
    await rowOf(page, "sync").getByText("paused").first().waitFor({ timeout: 1000 })
    await page.getByRole("button", { name: "Resume: sync" }).click()
    await rowOf(page, "sync").getByText("waiting").waitFor({ timeout: 1000 })
    assert.deepStrictEqual(errors.filter((error) => !error.includes("401")), [])
    await page.context().close()
  })

  test("an answer that comes late does not take back what the stream has shown", async ({ open }) => {
    const [state, sync] = steered("sync")
    const { url } = await service(sync, { actions: "anyone" })
    const page = await open("about:blank")
    const shows = (text: string) => rowOf(page, "sync").getByText(text).first().waitFor()
    const answer = new Promise<() => Promise<void>>((resolve, reject) => {
      // Before the page opens its stream, which would stall.
      page.route("**/pause*", async (route) => {
        const response = await route.fetch()
        resolve(() => route.fulfill({ response }))
      }).catch(reject)
    })
    await page.goto(`${url}/loops`)
    await shows("waiting")
    await page.getByRole("button", { name: "Pause: sync" }).click()
    const fulfill = await answer
    await shows("paused")
    await Effect.runPromise(state.loop!.resume)
    await shows("waiting")
    await fulfill()
    await page.getByText("sync: paused").waitFor()
    await page.waitForTimeout(200)
    assert.strictEqual(await rowOf(page, "sync").locator(".state").innerText(), "waiting")
  })

  test("stop takes two clicks", async ({ open }) => {
    const [state, sync] = steered("sync")
    const { url } = await service(sync, { actions: "anyone" })
    const page = await open(`${url}/loops`)
    await page.getByRole("button", { name: "sync", exact: true }).click()
    await page.getByRole("button", { name: "Stop", exact: true }).click()
    await page.waitForTimeout(300)
    assert.strictEqual((await Effect.runPromise(state.loop!.status)).state, "waiting")
    await page.getByRole("button", { name: "Stop until the service restarts?" }).click()
    await page.getByRole("dialog").getByText("ended").first().waitFor({ timeout: 1000 })
    assert.strictEqual((await Effect.runPromise(state.loop!.status)).state, "ended")
  })

  test("are refused to a page of another origin", async ({ browser }) => {
    const [state, sync] = steered("sync")
    const { url } = await service(sync, { actions: "anyone" })
    const foreign = await service(Effect.void)
    const send = async (origin: string) => {
      const { page } = await browsers.open(browser, `${origin}/other`)
      await page.evaluate(
        (address) => fetch(address, { method: "POST", mode: "no-cors", credentials: "include" }).then(() => undefined),
        `${url}/loops/api/${state.loop!.id}/pause`
      )
      await page.context().close()
    }
    const stateOf = () => Effect.runPromise(Effect.map(state.loop!.status, ({ state }) => state))

    await send(foreign.url)
    assert.strictEqual(await stateOf(), "waiting")
    await send(url)
    assert.strictEqual(await stateOf(), "paused")
  })

  test("work with the keyboard alone", async ({ open }) => {
    const [first, one] = steered("a")
    const [second, two] = steered("b")
    const { url } = await service(Effect.andThen(one, two), { actions: "anyone" })
    const page = await open(`${url}/loops`)
    await rowOf(page, "b").waitFor()
    const focus = () =>
      page.evaluate(() =>
        document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? ""
      )
    const pressTab = async (times: number): Promise<ReadonlyArray<string>> => {
      if (times === 0) return []
      await page.keyboard.press("Tab")
      return [await focus(), ...await pressTab(times - 1)]
    }
    const order = await pressTab(12)
    assert.deepStrictEqual(order.slice(5), [
      "Filter by name",
      "a",
      "Run now: a",
      "Pause: a",
      "b",
      "Run now: b",
      "Pause: b"
    ])

    await page.keyboard.press("Enter")
    await rowOf(page, "b").getByText("paused").first().waitFor()
    assert.strictEqual(await focus(), "Resume: b")
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Space")
    await rowOf(page, "b").getByText("2 runs").waitFor()
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Enter")
    await page.getByRole("dialog").waitFor()
    await page.keyboard.press("Escape")
    await page.getByRole("dialog").waitFor({ state: "hidden" })
    assert.strictEqual(await focus(), "b")
    const states = await Promise.all(
      [first, second].map(({ loop }) => Effect.runPromise(Effect.map(loop!.status, ({ runs, state }) => [runs, state])))
    )
    assert.deepStrictEqual(states, [[1, "waiting"], [2, "paused"]])
  })
})

describe("reading", () => {
  const views = [
    { width: 1280, scheme: "light" },
    { width: 1280, scheme: "dark" },
    { width: 360, scheme: "light" },
    { width: 360, scheme: "dark" }
  ] as const

  test.for(views)("axe finds nothing serious at $width, $scheme", async (view, { open }) => {
    const [failing, bad] = steered("a-name-that-is-rather-long-for-a-loop-but-that-somebody-has-anyway")
    failing.fails = true
    const [, good] = steered("good")
    const { url } = await service(Effect.andThen(bad, good), { actions: "anyone" })
    const page = await open(`${url}/loops`, view)
    await rowOf(page, "good").waitFor()
    await page.waitForTimeout(300)
    await assertAccessible(page)
    const [width, inner] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth])
    assert.isAtMost(width!, inner!)
    await page.getByRole("button", { name: "good", exact: true }).click()
    await page.getByRole("dialog").waitFor()
    await assertAccessible(page)
  })

  test("filters by name and by state", async ({ open }) => {
    const [failing, bad] = steered("sync-bad")
    failing.fails = true
    const { url } = await service(Effect.andThen(bad, Effect.andThen(steered("sync-good")[1], steered("report")[1])))
    const page = await open(`${url}/loops`)
    await rowOf(page, "report").waitFor()
    const shown = () => page.locator(".opener:visible").allInnerTexts()

    await page.getByLabel("Filter by name").fill("SYNC")
    assert.deepStrictEqual(await shown(), ["sync-bad", "sync-good"])
    await page.getByRole("button", { name: "Failing 1" }).click()
    assert.deepStrictEqual(await shown(), ["sync-bad"])
    await page.getByRole("button", { name: "Late 0" }).click()
    assert.isTrue(await page.getByText("No loop matches the filter.").isVisible())
  })

  test("says what to do where there is no loop, and without JavaScript", async ({ open }) => {
    const { url } = await service(Effect.void)
    const page = await open(`${url}/loops`)
    await page.getByText("No loops yet.").waitFor()
    const plain = await open(`${url}/loops`, { script: false })
    assert.include(await plain.locator("body").innerText(), "This page needs JavaScript.")
  })

  test("works under a slash at the end, and a link opens the details of a loop", async ({ open }) => {
    const [state, sync] = steered("sync")
    const { url } = await service(sync)
    await open(`${url}/loops/`).then((page) => rowOf(page, "sync").waitFor())
    const page = await open(`${url}/loops#${state.loop?.id}`)
    assert.strictEqual(await page.getByRole("dialog").getByRole("heading").innerText(), "sync")
    // An unknown id is no error.
    await open(`${url}/loops#%`).then((page) => rowOf(page, "sync").getByText("waiting").waitFor())
  })
})

describe("the files", () => {
  test("are what build.ts writes, in less than 60 kB", async () => {
    const written = readFileSync(file, "utf8")
    assert.strictEqual(written, await build())
    assert.isBelow(
      gzipSync(assets.script).length + gzipSync(assets.style).length + gzipSync(assets.icon).length,
      60_000
    )
  })
})
