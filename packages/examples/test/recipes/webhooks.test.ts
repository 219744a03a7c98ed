import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer, Logger } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { Deliveries, type Delivery, layer, policy } from "../../src/recipes/webhooks.ts"
import { withDraw } from "./support.ts"

const order = { id: "evt_1", url: "http://customer/hook", body: "{}", policy, attempts: 0, dueAt: 0 }

/** The table of deliveries, which outlives a process, and a receiver that gives these statuses in turn, the last one over and over. */
const world = (...script: ReadonlyArray<number | "hangs">) => {
  const rows = new Map<string, Delivery>([[order.id, order]])
  const ended: Array<string> = []
  const requests: Array<readonly [at: number, id: string | undefined]> = []
  const deliveries = Layer.succeed(Deliveries, {
    due: (now) => Effect.sync(() => [...rows.values()].filter(({ dueAt }) => dueAt <= now)),
    update: (delivery) => Effect.sync(() => void rows.set(delivery.id, delivery)),
    end: (id, how) =>
      Effect.sync(() => {
        rows.delete(id)
        ended.push(how)
      })
  })
  const receiver = HttpClient.make((request) =>
    Effect.gen(function*() {
      requests.push([(yield* Clock.currentTimeMillis) / 1000, request.headers["webhook-id"]])
      const status = script[Math.min(requests.length, script.length) - 1]!
      if (status === "hangs") return yield* Effect.never
      return HttpClientResponse.fromWeb(request, new Response(null, { status }))
    })
  )
  const provided = layer.pipe(
    Layer.provide([deliveries, Layer.succeed(HttpClient.HttpClient, receiver), Logger.layer([])])
  )
  const processFor = (time: Parameters<typeof TestClock.adjust>[0]) =>
    withDraw(0)(Effect.provide(TestClock.adjust(time), provided))
  return { rows, ended, requests, processFor }
}

describe("a webhook", () => {
  it.effect("is delivered at the third attempt, with the same id each time", () =>
    Effect.gen(function*() {
      const { ended, processFor, requests, rows } = world(503, 429, 204)
      yield* processFor("5 minutes")
      assert.deepStrictEqual(requests, [[0, "evt_1"], [10, "evt_1"], [40, "evt_1"]])
      assert.deepStrictEqual([ended, rows.size], [["delivered"], 0])
    }))

  it.effect("goes on in the next process where the last one ended", () =>
    Effect.gen(function*() {
      const { processFor, requests } = world(503)
      yield* processFor("20 seconds")
      yield* TestClock.adjust("5 minutes") // no process
      yield* processFor("5 minutes")
      assert.deepStrictEqual(requests.map(([at]) => at), [0, 10, 320, 410])
    }))

  it.effect("is given up after 15 attempts in two days", () =>
    Effect.gen(function*() {
      const { ended, processFor, requests, rows } = world(503)
      while (ended.length === 0) {
        yield* TestClock.setTime(rows.get(order.id)!.dueAt)
        yield* processFor(0)
      }
      assert.deepStrictEqual(ended, ["given up"])
      assert.deepStrictEqual(
        requests.map(([at]) => at),
        [0, 10, 40, 130, 400, 1210, 3640, 10_930, 32_530, 54_130, 75_730, 97_330, 118_930, 140_530, 162_130]
      )
    }))

  it.effect("has failed when there is no answer within 10 seconds", () =>
    Effect.gen(function*() {
      const { ended, processFor, requests } = world("hangs", 200)
      yield* processFor("1 minute")
      assert.deepStrictEqual([requests.map(([at]) => at), ended], [[0, 20], ["delivered"]])
    }))

  it.effect.each([400, 404, 410])("is not sent again after a %s", (status) =>
    Effect.gen(function*() {
      const { ended, processFor, requests } = world(status)
      yield* processFor("1 hour")
      assert.deepStrictEqual([requests.length, ended], [1, ["rejected"]])
    }))
})
