import { assert, describe, it } from "@effect/vitest"
import { Effect, Random } from "effect"
import { RetryBudget } from "effect-wait"
import { FetchHttpClient } from "effect/http"
import type { ServerResponse } from "node:http"
import { listen, portOf } from "../src/listen.ts"
import { type Order, pay } from "../src/payment.ts"

const order: Order = { id: "4711", paymentKey: "pay-4711-1", cents: 1200 }

/** What the server does with a request: it may do the work, and lose the answer. */
type Step = "pays" | "pays, and the answer is lost" | "is down" | "is busy with it" | "declines"

/** A server that pays once for each key, and pays the order through these steps; the last one over and over. */
const run = Effect.fnUntraced(function*(...steps: ReadonlyArray<Step>) {
  const paid = new Map<string, number>()
  const requests: Array<string> = []
  const server = yield* listen(0)
  const answer = (response: ServerResponse, status: number, body: object = {}): void =>
    void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
  server.on("request", (request, response) => {
    let body = ""
    request.on("data", (data) => body += data).on("end", () => {
      const key = String(request.headers["idempotency-key"])
      const step = steps[Math.min(requests.push(`${key} ${body}`), steps.length) - 1]!
      const { cents } = JSON.parse(body) as Order
      if (step === "is down") return answer(response, 503)
      if (step === "is busy with it") return answer(response, 409)
      if (step === "declines") return answer(response, 402)
      if (!paid.has(key)) paid.set(key, cents)
      if (step === "pays") return answer(response, 201, { id: `receipt of ${key}`, cents: paid.get(key) })
      return void response.socket?.resetAndDestroy()
    })
  })
  const outcome = yield* pay(`http://127.0.0.1:${yield* portOf(server)}/payments`, order).pipe(
    Effect.match({
      onSuccess: ({ cents, id }) => `${id}: ${cents}`,
      onFailure: (error) => error._tag === "Unknown" ? `Unknown after ${error.attempts}` : error._tag
    }),
    Effect.provide(FetchHttpClient.layer),
    Effect.provide(RetryBudget.layerQuota()),
    // No delay takes time.
    Effect.provideService(Random.Random, { nextDoubleUnsafe: () => 0, nextIntUnsafe: () => 0 })
  )
  return { outcome, paid: [...paid], requests: new Set(requests), count: requests.length }
})

const receipt = "receipt of pay-4711-1: 1200"
const sent = new Set([`pay-4711-1 {"order":"4711","cents":1200}`])
const once = [["pay-4711-1", 1200]]

describe("a payment", () => {
  it.live.each<
    { when: string; steps: ReadonlyArray<Step>; expected: { outcome: string; paid: Array<unknown>; count: number } }
  >([
    { when: "all is well", steps: ["pays"], expected: { outcome: receipt, paid: once, count: 1 } },
    {
      when: "the answer is lost, twice",
      steps: ["pays, and the answer is lost", "pays, and the answer is lost", "pays"],
      expected: { outcome: receipt, paid: once, count: 3 }
    },
    {
      when: "the server is down, and then busy with the attempt before",
      steps: ["is down", "is busy with it", "pays"],
      expected: { outcome: receipt, paid: once, count: 3 }
    },
    {
      when: "it is declined: not tried again",
      steps: ["declines"],
      expected: { outcome: "Declined", paid: [], count: 1 }
    },
    {
      when: "it is declined after the server was down",
      steps: ["is down", "declines"],
      expected: { outcome: "Declined", paid: [], count: 2 }
    },
    {
      when: "every answer is lost: paid, and not known",
      steps: ["pays, and the answer is lost"],
      expected: { outcome: "Unknown after 5", paid: once, count: 5 }
    },
    {
      when: "the server stays down: not paid, and not known",
      steps: ["is down"],
      expected: { outcome: "Unknown after 5", paid: [], count: 5 }
    }
  ])("$when", ({ expected, steps }) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* run(...steps), { ...expected, requests: sent })
    }).pipe(Effect.scoped))
})
