import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Random } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { layerBudget, readAll, type Shard } from "../src/fanOut.ts"

/** How a replica answers: after so many milliseconds, with this status. */
type Answer = readonly [takes: number, status?: number]

const hangs: Answer = [3_600_000]

/** Reads pages from shards whose replicas answer so. Tells what each page came to and when, which replicas were asked when, and which were cut. */
const readPages = Effect.fnUntraced(function*(pages: number, answers: Readonly<Record<string, ReadonlyArray<Answer>>>) {
  const asked: Array<readonly [replica: string, at: number]> = []
  const aborted: Array<string> = []
  const client = HttpClient.make(Effect.fnUntraced(function*(request, { hostname }, signal) {
    asked.push([hostname, yield* Clock.currentTimeMillis])
    signal.addEventListener("abort", () => aborted.push(hostname))
    const [name = "", index] = hostname.split("-")
    const [takes, status = 200] = answers[name]![Number(index)]!
    yield* Effect.sleep(takes)
    return HttpClientResponse.fromWeb(request, new Response(hostname, { status }))
  }))
  const shards = Object.entries(answers).map(([name, { length }]): Shard => ({
    name,
    replicas: Array.from({ length }, (_, i) => `http://${name}-${i}`)
  }))
  const read = Effect.gen(function*() {
    const start = yield* Clock.currentTimeMillis
    const page = yield* readAll(shards, "/")
    return { ...page, took: (yield* Clock.currentTimeMillis) - start }
  })
  const fiber = yield* Effect.replicateEffect(read, pages).pipe(
    Effect.provideService(HttpClient.HttpClient, client),
    Effect.provide(layerBudget),
    // The first attempt goes to the first replica.
    Effect.provideService(Random.Random, { nextDoubleUnsafe: () => 0, nextIntUnsafe: () => 0 }),
    Effect.forkChild({ startImmediately: true })
  )
  yield* TestClock.adjust("10 minutes")
  return { pages: yield* Fiber.join(fiber), asked, aborted }
})

describe("a page that reads many shards", () => {
  it.effect("asks each of them once where all answer in time", () =>
    Effect.gen(function*() {
      const { aborted, asked, pages } = yield* readPages(1, { a: [[5], [5]], b: [[19], [5]] })
      assert.deepStrictEqual(pages, [{ found: ["a-0", "b-0"], missing: [], took: 19 }])
      assert.deepStrictEqual([asked, aborted], [[["a-0", 0], ["b-0", 0]], []])
    }))

  it.effect("asks another replica where one is slow, and cuts the slow one", () =>
    Effect.gen(function*() {
      const { aborted, asked, pages } = yield* readPages(1, { a: [[5], [5]], b: [hangs, [5]] })
      assert.deepStrictEqual(pages, [{ found: ["a-0", "b-1"], missing: [], took: 25 }])
      assert.deepStrictEqual([asked, aborted], [[["a-0", 0], ["b-0", 0], ["b-1", 20]], ["b-0"]])
    }))

  it.effect("takes the slow one where that is faster after all", () =>
    Effect.gen(function*() {
      const { aborted, pages } = yield* readPages(1, { b: [[30], [100]] })
      assert.deepStrictEqual([pages, aborted], [[{ found: ["b-0"], missing: [], took: 30 }], ["b-1"]])
    }))

  it.effect("asks another replica at once where one fails", () =>
    Effect.gen(function*() {
      const { asked, pages } = yield* readPages(1, { b: [[3, 503], [4]] })
      assert.deepStrictEqual([pages, asked], [[{ found: ["b-1"], missing: [], took: 7 }], [["b-0", 0], ["b-1", 3]]])
    }))

  it.effect("asks no other where the answer would be the same", () =>
    Effect.gen(function*() {
      const { asked, pages } = yield* readPages(1, { b: [[3, 404], [4]] })
      assert.deepStrictEqual([pages, asked], [[{ found: [], missing: ["b"], took: 3 }], [["b-0", 0]]])
    }))

  it.effect("goes without a shard that does not answer, and cuts its reads", () =>
    Effect.gen(function*() {
      const { aborted, asked, pages } = yield* readPages(1, { a: [[5]], b: [hangs, hangs] })
      assert.deepStrictEqual(pages, [{ found: ["a-0"], missing: ["b"], took: 500 }])
      assert.deepStrictEqual(asked, [["a-0", 0], ["b-0", 0], ["b-1", 20], ["b-0", 40]])
      assert.deepStrictEqual(aborted, ["b-0", "b-1", "b-0"])
    }))

  it.effect("does not send three times the load where all replicas are slow", () =>
    Effect.gen(function*() {
      const slow = [[400], [400]] as const
      const { asked, pages } = yield* readPages(100, { a: slow, b: slow, c: slow, d: slow, e: slow })
      assert.strictEqual(pages.length, 100)
      // 500 reads in 40 s: a tenth more, and 50 in each 10 s, are at most 750; without the budget it would be 1,500.
      assert.strictEqual(asked.length, 748)
    }))
})
