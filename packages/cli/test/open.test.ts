import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { chmodSync, writeFileSync } from "node:fs"
import { type Context, folder, until } from "./run.ts"

const noScreen = { DISPLAY: "", WAYLAND_DISPLAY: "" }

/** The address that it prints; it goes on until it is ended. */
const address = Effect.fnUntraced(function*(options: string, context: Context = {}) {
  const { start } = yield* folder
  const { ended, hasEnded, kill, stdout, tells } = yield* start(`preview --open ${options}`, [], {
    ...context,
    env: { ...noScreen, ...context.env }
  })
  yield* tells("Ctrl-C ends it")
  const url = new URL(/http:\S+/.exec(stdout())?.[0] ?? "")
  const page = yield* Effect.promise(() => fetch(url).then((response) => response.text()))
  const script = yield* Effect.promise(() => fetch(new URL("playground.js", url)))
  assert.include(page, "<title>What will this schedule do?")
  assert.strictEqual(script.headers.get("content-type"), "text/javascript; charset=utf-8")
  assert.isFalse(hasEnded())
  yield* kill("SIGINT")
  assert.strictEqual((yield* ended).code, "SIGINT")
  return url
})

const hash = (options: string, context?: Context) =>
  Effect.map(address(options, context), ({ hash }) => Object.fromEntries(new URLSearchParams(hash.slice(1))))

describe("preview --open", () => {
  it.live("serves the playground on this machine only, with the policy of the options", () =>
    Effect.gen(function*() {
      const url = yield* address("--backoff 100ms..30s --factor 3 --jitter 0.2 --attempts 5 --within 1m --work 20ms")
      assert.strictEqual(url.hostname, "127.0.0.1")
      assert.strictEqual(
        url.hash,
        "#v=2&source=controls&kind=exponential&base=100ms&factor=3&cap=30s&jitter=additive&share=0.2&attempts=5&within=1m" +
          "&work=20ms&slow=&clients=100&down=20s&failure=hangs&budget=throttling"
      )
    }))

  it.live("has a calendar's beginning", () =>
    Effect.gen(function*() {
      const { cron, from, kind, zone } = yield* hash("--cron @daily --from 2026-03-29T01:30Z")
      assert.deepStrictEqual({ cron, from, kind, zone }, {
        kind: "cron",
        cron: "@daily",
        zone: "",
        from: "2026-03-29T01:30:00.000Z"
      })
    }))

  it.live("has the beginning of a document's calendar", () =>
    Effect.gen(function*() {
      const { as, from } = yield* hash("--policy - --as crontab --from 2026-03-29T01:30Z", {
        input: "17 4 * * * backup\n"
      })
      assert.deepStrictEqual({ as, from }, { as: "crontab", from: "2026-03-29T01:30:00.000Z" })
    }))

  it.live("has the document of a file, or of stdin", () =>
    Effect.gen(function*() {
      const { as, document, source } = yield* hash("--policy - --as kubernetes", { input: "duration: 1s\nsteps: 3\n" })
      assert.deepStrictEqual({ as, document, source }, {
        source: "document",
        document: "duration: 1s\nsteps: 3\n",
        as: "kubernetes"
      })
    }))

  it.live("opens a browser where there is a screen", () =>
    Effect.gen(function*() {
      const { at, lines, path, start } = yield* folder
      writeFileSync(at("xdg-open"), "#!/bin/sh\necho \"$@\" > opened\n")
      chmodSync(at("xdg-open"), 0o755)
      const { stdout } = yield* start("preview --open --interval 7s", [], {
        env: { DISPLAY: ":0", PATH: `${path}:${process.env["PATH"]}` }
      })
      yield* until("the browser is opened", () => lines("opened").length === 1)
      assert.strictEqual(lines("opened")[0], /http:\S+/.exec(stdout())?.[0])
      assert.include(lines("opened")[0], "kind=sliding&period=7s")
    }))

  it.live("says what is missing, and what is too much", () =>
    Effect.gen(function*() {
      const { run } = yield* folder
      const nothing = yield* run("preview --open")
      assert.include(nothing.stderr, "There is nothing to open. Expected: --backoff")
      const much = yield* run("preview --open --interval 1s --policy a.yaml")
      assert.include(much.stderr, "--open shows one policy, or one --policy")
      const missing = yield* run("preview --open --policy a.yaml")
      assert.include(missing.stderr, "a.yaml: there is no such file")
      assert.deepStrictEqual([nothing.code, much.code, missing.code], [nothing.code, nothing.code, nothing.code])
      assert.notStrictEqual(nothing.code, 0)
    }))
})
